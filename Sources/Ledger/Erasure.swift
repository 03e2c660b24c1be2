// What goes from the journal when a patient is erased, and what stays: readings, what was derived from them, bindings and plan go;
// the audit keeps the fact.

internal import Exchange
internal import JSON
package import Journal
internal import Monitoring
internal import Readings

/// What goes from the journal for one patient. Every record is shown to `learn` first, then to `decide`.
package struct Erasure: Sendable {
  private let patient: String
  private var identifiers = ReadingIDs()
  /// Readings that were taken back from the patient: they are somebody else's. Only what says that they were the patient's goes.
  private var released: Set<ReadingID> = []
  private var events: Set<String> = []
  /// By kind, as `Deliverable.kind` has it.
  private var numbers: [String: [UInt64]] = [:]
  /// Readings and events that backends would have got, by sequence number, ascending.
  package var counted: [UInt64] {
    let sorted = numbers.values.joined().sorted()
    // There are second copies.
    return sorted.enumerated().filter { $0 == 0 || sorted[$0 - 1] != $1 }.map(\.element)
  }
  /// The same by kind, as `Deliverable.kind` has it, ascending.
  package var countedByKind: [String: [UInt64]] { numbers.mapValues { Set($0).sorted() } }
  /// Readings that go.
  package var readings: Int { identifiers.count }

  package init(patient: String) { self.patient = patient }

  /// Finds the patient's readings: their first form, stored before somebody said whose they are, goes with them.
  package mutating func learn(_ record: JournalRecord) {
    switch JournalEntry.Kind(rawValue: record.kind.rawValue) {
    case .reading:
      guard let reading = try? ReadingJSON.decode(record.payload).reading else { return }
      guard reading.patient == patient else {
        if reading.correction?.patient == patient {
          identifiers.remove(reading.id)
          released.insert(reading.id)
        }
        return
      }
      identifiers.insert(reading.id)
      released.remove(reading.id)
      // What waits for the hub's clock waits for no backend yet.
      if reading.anchor == nil { numbers[reading.kind.rawValue, default: []].append(record.sequence) }
    case .event:
      guard let event = try? JSONReader(maximumSize: 1 << 20).value(record.payload),
        event["patient"]?.string == patient
      else { return }
      if let id = event["id"]?.string { events.insert(id) }
      numbers["event.\(event["type"]?.string ?? "")", default: []].append(record.sequence)
    default: break
    }
  }

  /// What becomes of a record. Octets that were kept for support or for another half tell no patient: they all go.
  package func decide(_ record: JournalRecord) -> RecordRewrite {
    switch JournalEntry.Kind(rawValue: record.kind.rawValue) {
    case .reading:
      guard let id = ReadingJSON.identifier(record.payload).flatMap({ ReadingID($0) }) else { return .keep }
      guard !identifiers.contains(id) else { return .drop }
      return released.contains(id) ? released(record.payload) : .keep
    case .event, .rules, .history, .pauses: return member("patient", record.payload) == patient ? .drop : .keep
    case .refusal: return member("id", record.payload).map(isErased) == true ? .drop : .keep
    case .audit: return isOfPatient(record.payload) ? .drop : .keep
    case .fragment, .problem: return .drop
    case .heldLoad: return heldLoad(record.payload)
    case .snapshot:
      guard let state = LedgerState(record.payload) else { return .keep }
      return .replace(without(state).encoded)
    case .snapshotPart:
      guard let part = LedgerState(part: record.payload) else { return .keep }
      return .replace(without(part).encodedPart)
    default: return .keep
    }
  }

  /// The scale holds nothing then, rather than what an earlier record says.
  private func heldLoad(_ payload: [UInt8]) -> RecordRewrite {
    guard case .heldLoad(let device, let load)? = JournalEntry(kind: .heldLoad, payload: payload) else { return .drop }
    guard load?.isErased(with: patient) ?? false else { return .keep }
    return .replace(JournalEntry.heldLoad(device: device, nil).payload)
  }

  /// A stored form of a reading that was taken back from the patient.
  private func released(_ payload: [UInt8]) -> RecordRewrite {
    guard var reading = try? ReadingJSON.decode(payload).reading else { return .keep }
    if reading.patient == patient { return .drop }
    guard reading.correction?.patient == patient else { return .keep }
    reading.correction?.patient = nil
    return .replace(ReadingJSON.encode(reading))
  }

  /// A snapshot, or a part of one, without the patient.
  private func without(_ state: LedgerState) -> LedgerState {
    var state = state
    state.forget(patient)
    state.dropRefusals { isErased($0.id) }
    state.held = state.held.filter { !isErased($0.key.description) }
    state.parked = state.parked.filter { !isErased($0.key.description) }
    return state
  }

  private func isErased(_ id: String) -> Bool {
    ReadingID(id).map(identifiers.contains) ?? false || events.contains(id)
  }

  /// Who did what with this patient: the rule that was raised, the picture that was looked at. That the patient was erased stays.
  private func isOfPatient(_ audit: [UInt8]) -> Bool {
    guard let action = member("action", audit), !action.hasPrefix("erase patient ") else { return false }
    return action.split(separator: " ").contains { $0 == patient || $0 == patient + "," }
  }

  private func member(_ key: String, _ json: [UInt8]) -> String? {
    (try? JSONReader(maximumSize: 1 << 20).value(json))?[key]?.string
  }
}

/// Identifiers of readings, of a million as well as of ten. One set would be made anew as a whole when it grows, and an append would
/// wait for that: these grow one after the other.
private struct ReadingIDs: Sendable {
  private var parts = [Set<ReadingID>](repeating: [], count: 256)
  package var count: Int { parts.reduce(0) { $0 + $1.count } }

  package mutating func remove(_ id: ReadingID) { parts[Int(id.low & 0xFF)].remove(id) }
  package mutating func insert(_ id: ReadingID) { parts[Int(id.low & 0xFF)].insert(id) }
  package func contains(_ id: ReadingID) -> Bool { parts[Int(id.low & 0xFF)].contains(id) }
}

/// What an erasure did.
package struct ErasureReport: Sendable, Hashable {
  /// Readings that are gone.
  package var readings: Int
  /// What backends would have got, by sequence number.
  package var counted: [UInt64]
  /// The same by kind, as `Deliverable.kind` has it.
  package var kinds: [String: [UInt64]]
  /// Segments that could not be written anew, by name.
  package var left: [String]
  /// Why it is not complete; nil when it is.
  package var error: String?

  /// What an erasure did.
  package init(
    readings: Int, counted: [UInt64], kinds: [String: [UInt64]] = [:], left: [String], error: String?
  ) {
    self.readings = readings
    self.kinds = kinds
    self.counted = counted
    self.left = left
    self.error = error
  }
}

extension LedgerState {
  /// Everything that was derived from a patient's readings goes.
  package mutating func forget(_ patient: String) {
    rules[patient] = nil
    history[patient] = nil
    heldLoads = heldLoads.filter { !$0.value.isErased(with: patient) }
  }

  package mutating func beginErasing(_ patient: String, files: Bool = false) {
    erasing.insert(patient)
    if files { erasingFiles.insert(patient) }
    forget(patient)
    bindings.forget(patient)
    register.forget(patient)
    sessions.open = sessions.open.filter { $0.value.patient != patient }
    origins.plans[patient] = nil
    pauses[patient] = nil
  }

  /// What is gone waits for no backend any more.
  package mutating func endErasing(_ patient: String, _ erased: Erased) {
    guard !erased.isOfFiles else {
      erasingFiles.remove(patient)
      return
    }
    erasing.remove(patient)
    forget(patient)
    stored = max(stored, erased.stored)
    counted.merge(erased.counted) { max($0, $1) }
    let gone = Set(erased.refusals)
    if !gone.isEmpty { dropRefusals { gone.contains($0.sequence) } }
    for (backend, count) in erased.counts where count > 0 {
      cursors[backend, default: Cursor()].delivered += count
      cursors[backend, default: Cursor()].erased += count
    }
  }
}
