// What the law calls erasure: a patient's readings, what was derived from them, bindings and plan. The audit keeps the fact. The
// journal's segments are written anew without them (`RecordJournal.rewrite`); this file says what goes and what stays.

internal import ControlProtocol
internal import Exchange
internal import JSON
public import Journal
internal import Monitoring
internal import Readings
internal import Settings

/// What goes from the journal for one patient. Every record is shown to `learn` first, then to `decide`.
public struct Erasure: Sendable {
  private let patient: String
  private var identifiers: Set<String> = []
  private var events: Set<String> = []
  /// Readings and events that backends would have got, by sequence number.
  public private(set) var counted: Set<UInt64> = []
  /// Readings that go.
  public var readings: Int { identifiers.count }

  /// For a patient.
  public init(patient: String) { self.patient = patient }

  /// Finds the patient's readings: their first form, stored before somebody said whose they are, goes with them.
  public mutating func learn(_ record: JournalRecord) {
    switch JournalEntry.Kind(rawValue: record.kind.rawValue) {
    case .reading:
      guard let reading = try? ReadingJSON.decode(record.payload).reading, reading.patient == patient else { return }
      identifiers.insert(reading.id.description)
      // What waits for the hub's clock waits for no backend yet.
      if reading.anchor == nil { counted.insert(record.sequence) }
    case .event:
      guard let event = try? JSONReader(maximumSize: 1 << 20).value(record.payload),
        event["patient"]?.string == patient
      else { return }
      if let id = event["id"]?.string { events.insert(id) }
      counted.insert(record.sequence)
    default: break
    }
  }

  /// What becomes of a record. Octets that were kept for support or for another half tell no patient: they all go.
  public func decide(_ record: JournalRecord) -> RecordRewrite {
    switch JournalEntry.Kind(rawValue: record.kind.rawValue) {
    case .reading:
      guard let id = ReadingJSON.identifier(record.payload) else { return .keep }
      return identifiers.contains(id) ? .drop : .keep
    case .event, .rules: return member("patient", record.payload) == patient ? .drop : .keep
    case .refusal: return member("id", record.payload).map(isErased) == true ? .drop : .keep
    case .audit: return isOfPatient(record.payload) ? .drop : .keep
    case .fragment, .problem: return .drop
    case .snapshot:
      guard var state = LedgerState(record.payload) else { return .keep }
      state.forget(patient)
      state.dropRefusals { isErased($0.id) }
      state.held = state.held.filter { !isErased($0.key.description) }
      state.parked = state.parked.filter { !isErased($0.key.description) }
      return .replace(state.encoded)
    default: return .keep
    }
  }

  private func isErased(_ id: String) -> Bool { identifiers.contains(id) || events.contains(id) }

  /// Who did what with this patient: the rule that was raised, the picture that was looked at. That the patient was erased stays.
  private func isOfPatient(_ audit: [UInt8]) -> Bool {
    guard let action = member("action", audit), !action.hasPrefix("erase patient ") else { return false }
    return action.split(separator: " ").contains { $0 == patient || $0 == patient + "," }
  }

  private func member(_ key: String, _ json: [UInt8]) -> String? {
    (try? JSONReader(maximumSize: 1 << 20).value(json))?[key]?.string
  }
}

/// What an erasure did.
public struct ErasureReport: Sendable, Hashable {
  /// Readings that are gone.
  public var readings: Int
  /// What backends would have got, by sequence number.
  public var counted: [UInt64]
  /// Segments that could not be written anew, by name.
  public var left: [String]
  /// Why it is not complete; nil when it is.
  public var error: String?

  /// What an erasure did.
  public init(readings: Int, counted: [UInt64], left: [String], error: String?) {
    self.readings = readings
    self.counted = counted
    self.left = left
    self.error = error
  }
}

extension LedgerState {
  /// Everything that was derived from a patient's readings goes.
  mutating func forget(_ patient: String) {
    rules[patient] = nil
    history[patient] = nil
  }

  mutating func beginErasing(_ patient: String) {
    erasing.insert(patient)
    forget(patient)
    bindings.forget(patient)
    register.forget(patient)
    sessions.open = sessions.open.filter { $0.value.patient != patient }
    origins.plans[patient] = nil
  }

  /// What is gone waits for no backend any more.
  mutating func endErasing(_ patient: String, _ erased: Erased) {
    erasing.remove(patient)
    forget(patient)
    stored = max(stored, erased.stored)
    let gone = Set(erased.refusals)
    if !gone.isEmpty { dropRefusals { gone.contains($0.sequence) } }
    for (backend, count) in erased.counts where count > 0 { cursors[backend, default: Cursor()].delivered += count }
  }
}

extension Gateway {
  /// A patient is to be erased: that is on disk before anything goes, so that a power cut does not end it half-way.
  mutating func erase(_ id: RequestID, patient: String, _ caller: CallerName, _ now: Now) -> [Effect] {
    guard importing == nil else { return stillImporting(id) }
    if let error = refusal(ofUnknown: patient) { return [.answer(id, .failure(error))] }
    erasures[patient, default: []].append(id)
    // It is answered when it is complete.
    return append([.audit(uid: caller.uid, action: "erase patient \(patient)"), .erase(patient: patient)], now: now)
  }

  /// The wish is on disk, and with it bindings, sessions and the register are without the patient: the plan goes, then the
  /// journal's segments are written anew.
  mutating func erasureBegun(_ patient: String) -> [Effect] {
    plans[patient] = nil
    unsaved.removeAll { item in
      if case .reading(let reading) = item { reading.patient == patient } else { false }
    }
    // What waits to be sent again, frozen, is read anew: without the patient.
    for name in outboxes.keys {
      outboxes[name]?.forget { item in
        (try? JSONReader(maximumSize: 1 << 20).value(item.json))?["patient"]?.string == patient
      }
    }
    for device in knownDevices where devices[device.id] != nil { devices[device.id]?.configuration = device }
    return [.shredImported, .erase(patient: patient)]
  }

  /// After a start: erasures that a power cut ended.
  func resumeErasures() -> [Effect] { state.erasing.sorted().map { .erase(patient: $0) } }

  /// The journal's segments are written anew, or not all of them.
  mutating func erased(_ patient: String, _ report: ErasureReport, _ now: Now) -> [Effect] {
    let callers = erasures.removeValue(forKey: patient) ?? []
    if let error = report.error {
      eraseAgainAt = now.monotonic + 600_000
      return [.log(.error, "journal.erasure-failed: \(error); it is tried again")]
        + callers.map {
          .answer(
            $0,
            .failure(
              ControlError(
                code: "journal.erasure-failed", message: error,
                hint: "free space on the disk; the hub tries again by itself")))
        }
    }
    let gone = Set(report.counted)
    let refused = state.allRefusals.map(\.sequence).filter { gone.contains($0) }
    var counts: [String: UInt64] = [:]
    for backend in configuration.backends {
      let outbox = outboxes[backend.name]
      let inFlight = outbox?.backlog.batch.last?.sequence ?? 0
      let through = max(state.cursors[backend.name]?.through ?? 0, inFlight)
      let ahead = Set((state.cursors[backend.name]?.ahead ?? []) + (outbox?.express.batch.map(\.sequence) ?? []))
      counts[backend.name] = UInt64(report.counted.count { $0 > through && !ahead.contains($0) })
    }
    var answer = JSONObject()
    answer["erased"] = true
    answer["readings"] = .int(report.readings)
    answer["left"] = .array(report.left.map { .string($0) })
    answer["configured"] = .array(
      configuration.devices.filter { $0.patient == patient || $0.users.values.contains(patient) }
        .map { .string($0.id) })
    answer["plan"] = .string("\(configuration.plans ?? "/etc/hearth/plans")/\(patient).json")
    return append(
      [.erased(patient: patient, Erased(counts: counts, refusals: refused, stored: state.stored))], now: now)
      + [.log(.notice, "a patient was erased: \(report.readings) readings")]
      + callers.map { .answer($0, .result(.object(answer))) }
  }
}
