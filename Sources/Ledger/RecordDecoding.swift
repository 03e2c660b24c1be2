// From a record's octets to what it says: the other direction of `JournalEntry.payload`.

package import Journal
internal import Drivers

internal import Exchange
internal import GATT
package import JSON
internal import Monitoring
internal import Octets
package import Readings

/// What became of a record at a start.
package enum RestoredRecord: Sendable, Hashable {
  /// It is part of the state.
  case taken
  /// Its kind is known, its octets are not understood.
  case unreadable
  /// Its kind is of a newer version; it may be passed over.
  case unknown
}

extension LedgerState {
  /// Takes a record that counts, by its octets.
  package mutating func restore(_ record: JournalRecord) -> RestoredRecord {
    guard let kind = JournalEntry.Kind(rawValue: record.kind.rawValue) else { return .unknown }
    // The contents of a number were erased.
    guard kind != .void else { return .taken }
    guard let entry = JournalEntry(kind: kind, payload: record.payload) else { return .unreadable }
    apply(entry, at: record.sequence)
    return .taken
  }
}

extension JournalEntry {
  /// What a record's payload says; nil when it is not of this kind.
  package init?(kind: Kind, payload: [UInt8]) {
    switch kind {
    case .reading:
      guard let reading = try? ReadingJSON.decode(payload).reading else { return nil }
      self = .reading(reading)
    case .acknowledgement:
      guard let word = try? Acknowledgement(decoding: payload) else { return nil }
      self = .acknowledgement(word)
    case .snapshot:
      guard let state = LedgerState(payload) else { return nil }
      self = .snapshot(state)
    case .snapshotPart:
      guard let part = LedgerState(part: payload) else { return nil }
      self = .snapshotPart(part)
    case .event: self = .event(HubEvent(stored: payload))
    case .refusal:
      guard let refusal = Refusal(payload) else { return nil }
      self = .refusal(refusal)
    case .retry:
      guard let retry = Retry(payload) else { return nil }
      self = .retry(retry)
    case .void: return nil
    case .device:
      guard let record = try? DeviceRecord(payload) else { return nil }
      self = .device(record)
    case .history:
      guard let value = try? JSONReader(maximumSize: 2 << 20).value(payload), let patient = value["patient"]?.string,
        let values = value["values"]
      else { return nil }
      self = .history(patient: patient, PatientHistory(json: values))
    case .deviceFacts, .binding, .swept, .session, .quarantine, .heldLoad, .plan, .pauses, .backendLeft,
      .imported:
      guard let value = try? JSONReader(maximumSize: 1 << 20).value(payload) else { return nil }
      self.init(setting: kind, value)
    case .rules, .fragment, .fragmentsTaken, .problem, .audit, .erase, .erased, .identity, .line, .dismissal:
      guard let value = try? JSONReader(maximumSize: 1 << 20).value(payload) else { return nil }
      self.init(kind: kind, value)
    }
  }

  private init?(kind: Kind, _ value: JSONValue) {
    switch kind {
    case .rules:
      guard let patient = value["patient"]?.string else { return nil }
      var state = PatientState(json: value["rules"], rest: value["rest"])
      state.isUnsettled = value["unsettled"]?.bool ?? false
      self = .rules(patient: patient, state)
    case .fragment:
      guard let device = value["device"]?.string, let raw = RawSource(json: value) else { return nil }
      self = .fragment(device: device, raw)
    case .fragmentsTaken:
      guard let device = value["device"]?.string else { return nil }
      self = .fragmentsTaken(
        device: device, (value["taken"]?.array ?? []).compactMap { RawSource(json: $0) })
    case .problem:
      guard let device = value["device"]?.string, let code = value["code"]?.string else { return nil }
      let raw = RawSource(json: value)
      self = .problem(
        device: device,
        DriverProblem(
          code: code, message: value["message"]?.string ?? "", raw: raw.flatMap { $0.octets.isEmpty ? nil : $0 }))
    case .audit:
      guard let action = value["action"]?.string, let uid = value["uid"]?.int.flatMap(UInt32.init(exactly:)) else {
        return nil
      }
      self = .audit(uid: uid, action: action)
    case .erase:
      guard let patient = value["patient"]?.string else { return nil }
      self = .erase(patient: patient, files: value["files"]?.bool ?? false)
    case .erased:
      guard let patient = value["patient"]?.string else { return nil }
      var counts: [String: UInt64] = [:]
      for member in value["counts"]?.object?.members ?? [] { counts[member.key] = member.value.unsigned ?? 0 }
      var erased = Erased(
        counts: counts, refusals: (value["refusals"]?.array ?? []).compactMap(\.unsigned),
        stored: value["stored"]?.unsigned ?? 0)
      erased.counted = LedgerState.counted(value["counted"])
      erased.isOfFiles = value["files"]?.bool ?? false
      self = .erased(patient: patient, erased)
    case .identity:
      guard let device = value["device"]?.string, let identity = value["identity"] else { return nil }
      self = .identity(device: device, KnownIdentity(json: identity))
    case .line:
      guard let change = LineChange(json: value) else { return nil }
      self = .line(change)
    case .dismissal:
      guard let dismissal = Dismissal(json: value) else { return nil }
      self = .dismissal(dismissal)
    default: return nil
    }
  }
}

extension JournalEntry {
  /// Records of which the newest of a key counts.
  private init?(setting kind: Kind, _ value: JSONValue) {
    guard kind != .imported else {
      var files: [String: String] = [:]
      for member in value["files"]?.object?.members ?? [] { files[member.key] = member.value.string }
      self = .imported(files)
      return
    }
    if kind == .plan {
      guard let patient = value["patient"]?.string else { return nil }
      let origin = (try? PlanOrigins(JSONEncoding.list("plans", value["origin"])))?.plans[patient]
      self = .plan(patient: patient, origin)
      return
    }
    if kind == .pauses {
      guard let patient = value["patient"]?.string else { return nil }
      let pauses = (value["pauses"]?.array ?? []).prefix(PauseRecord.most).compactMap { PauseRecord(json: $0) }
      self = .pauses(patient: patient, pauses)
      return
    }
    if kind == .backendLeft {
      guard let backend = value["backend"]?.string else { return nil }
      self = .backendLeft(backend: backend, LeftBackend(json: value["left"]))
      return
    }
    guard let slot = Bindings.Slot(value) else { return nil }
    switch kind {
    case .binding:
      self = .binding(
        Binding(slot: slot, patient: value["patient"]?.string, sweeps: value["sweep"]?.bool ?? false))
    case .swept:
      guard let number = value["binding"]?.unsigned else { return nil }
      self = .swept(slot, binding: number)
    case .deviceFacts:
      let octets = value["attributes"]?.string.flatMap { try? Hex.decode($0) }
      self = .deviceFacts(device: slot.device, attributes: octets.flatMap { try? GATTDatabase(decoding: $0) })
    case .session:
      let open = (try? PublicSessions(JSONEncoding.list("sessions", value["session"])))?.open[slot.device]
      self = .session(device: slot.device, open)
    case .heldLoad:
      self = .heldLoad(device: slot.device, KeptLoad(json: value["load"]))
    case .quarantine:
      let entry = (try? Quarantine(JSONEncoding.list("devices", value["entry"])))?.devices[slot.device]
      self = .quarantine(device: slot.device, entry)
    default: return nil
    }
  }
}

/// One item in the form of the list that snapshots have.
package enum JSONEncoding {
  package static func list(_ name: String, _ item: JSONValue?) -> [UInt8] {
    let items: [JSONValue] = item.map { $0 == .null ? [] : [$0] } ?? []
    var object = JSONObject()
    object["version"] = 1
    object[name] = .array(items)
    return JSONValue.object(object).encoded()
  }
}

extension JSONValue {
  /// A whole number of up to 64 bits that is not negative; nil for anything else.
  package var unsigned: UInt64? {
    if case .number(let number) = self { return number.uint64 }
    return nil
  }
}

extension RawSource {
  /// As records and snapshots have it; nil when it is not one.
  package init?(json value: JSONValue) {
    guard let source = value["source"]?.string, let octets = value["hex"]?.string.flatMap({ try? Hex.decode($0) })
    else { return nil }
    self.init(source: source, octets: octets)
  }
}
