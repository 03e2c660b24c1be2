// What the law calls erasure: a patient's readings, what was derived from them, bindings and plan. The audit keeps the fact. The
// journal's segments are written anew without them (`JournalRewriting`); this file says what goes and what stays.

internal import ControlProtocol
internal import Exchange
internal import JSON
package import Journal
internal import Monitoring
internal import Readings
internal import Settings

/// What goes from the journal for one patient. Every record is shown to `learn` first, then to `decide`.
package struct Erasure: Sendable {
  private let patient: String
  private var identifiers = ReadingIDs()
  private var events: Set<String> = []
  private var numbers: [UInt64] = []
  /// Readings and events that backends would have got, by sequence number, ascending.
  package var counted: [UInt64] {
    // They were found in this order, but for second copies.
    let sorted = numbers.sorted()
    return sorted.enumerated().filter { $0 == 0 || sorted[$0 - 1] != $1 }.map(\.element)
  }
  /// Readings that go.
  package var readings: Int { identifiers.count }

  package init(patient: String) { self.patient = patient }

  /// Finds the patient's readings: their first form, stored before somebody said whose they are, goes with them.
  package mutating func learn(_ record: JournalRecord) {
    switch JournalEntry.Kind(rawValue: record.kind.rawValue) {
    case .reading:
      guard let reading = try? ReadingJSON.decode(record.payload).reading, reading.patient == patient else { return }
      identifiers.insert(reading.id)
      // What waits for the hub's clock waits for no backend yet.
      if reading.anchor == nil { numbers.append(record.sequence) }
    case .event:
      guard let event = try? JSONReader(maximumSize: 1 << 20).value(record.payload),
        event["patient"]?.string == patient
      else { return }
      if let id = event["id"]?.string { events.insert(id) }
      numbers.append(record.sequence)
    default: break
    }
  }

  /// What becomes of a record. Octets that were kept for support or for another half tell no patient: they all go.
  package func decide(_ record: JournalRecord) -> RecordRewrite {
    switch JournalEntry.Kind(rawValue: record.kind.rawValue) {
    case .reading:
      guard let id = ReadingJSON.identifier(record.payload).flatMap({ ReadingID($0) }) else { return .keep }
      return identifiers.contains(id) ? .drop : .keep
    case .event, .rules, .history: return member("patient", record.payload) == patient ? .drop : .keep
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
  var count: Int { parts.reduce(0) { $0 + $1.count } }

  mutating func insert(_ id: ReadingID) { parts[Int(id.low & 0xFF)].insert(id) }
  func contains(_ id: ReadingID) -> Bool { parts[Int(id.low & 0xFF)].contains(id) }
}

/// What an erasure did.
package struct ErasureReport: Sendable, Hashable {
  /// Readings that are gone.
  package var readings: Int
  /// What backends would have got, by sequence number.
  package var counted: [UInt64]
  /// Segments that could not be written anew, by name.
  package var left: [String]
  /// Why it is not complete; nil when it is.
  package var error: String?

  /// What an erasure did.
  package init(readings: Int, counted: [UInt64], left: [String], error: String?) {
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

extension Desk {
  /// A patient is to be erased: that is on disk before anything goes, so that a power cut does not end it half-way.
  mutating func erase(_ id: RequestID, patient: String, _ caller: CallerName, _ turn: inout Turn) -> [Effect] {
    guard importing == nil else { return stillImporting(id) }
    if let error = turn.view.refusal(ofUnknown: patient) { return [.answer(id, .failure(error))] }
    erasures[patient, default: []].append(id)
    // It is answered when it is complete.
    return turn.append([.audit(uid: caller.uid, action: "erase patient \(patient)"), .erase(patient: patient)])
  }

  /// After a start: erasures that a power cut ended.
  func resumeErasures(_ turn: inout Turn) -> [Effect] { turn.head.erasing.sorted().map { .erase(patient: $0) } }

  /// The journal's segments are written anew, or not all of them.
  mutating func erased(_ patient: String, _ report: ErasureReport, _ turn: inout Turn) -> [Effect] {
    let now = turn.now
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
    let refused = turn.head.allRefusals.map(\.sequence).filter { gone.contains($0) }
    var counts: [String: UInt64] = [:]
    for backend in turn.house.configuration.backends {
      let fact = turn.house.backends[backend.name]
      let inFlight = fact?.inFlight ?? 0
      let through = max(turn.head.cursors[backend.name]?.through ?? 0, inFlight)
      let ahead = Set((turn.head.cursors[backend.name]?.ahead ?? []) + (fact?.aheadInFlight ?? []))
      counts[backend.name] = UInt64(report.counted.count { $0 > through && !ahead.contains($0) })
    }
    var answer = JSONObject()
    answer["erased"] = true
    answer["readings"] = .int(report.readings)
    answer["left"] = .array(report.left.map { .string($0) })
    answer["configured"] = .array(
      turn.house.configuration.devices.filter { $0.patient == patient || $0.users.values.contains(patient) }
        .map { .string($0.id) })
    answer["plan"] = .string("\(turn.house.configuration.plans ?? "/etc/hearth/plans")/\(patient).json")
    return turn.append(
      [.erased(patient: patient, Erased(counts: counts, refusals: refused, stored: turn.head.stored))])
      + [.log(.notice, "a patient was erased: \(report.readings) readings")]
      + callers.map { .answer($0, .result(.object(answer))) }
  }
}
