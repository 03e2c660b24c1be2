// What the law calls erasure: a patient's readings, what was derived from them, bindings and plan. The audit keeps the fact. The
// journal's segments are written anew without them (`JournalRewriting`); this file says what goes and what stays.

internal import ControlProtocol
internal import Exchange
internal import JSON
internal import Journal
internal import Monitoring
internal import Readings
internal import Settings
internal import Ledger

extension Desk {
  /// A patient is to be erased: that is on disk before anything goes, so that a power cut does not end it half-way.
  mutating func erase(_ id: RequestID, patient: String, _ caller: CallerName, _ turn: inout Turn) -> [Effect] {
    guard importing == nil else { return stillImporting(id) }
    if let error = turn.view.refusal(ofUnknown: patient) { return [.answer(id, .failure(error))] }
    erasures[patient, default: []].append(id)
    // It is answered when it is complete.
    return turn.append([caller.audit("erase patient \(patient)"), .erase(patient: patient)])
  }

  /// After a start: erasures that a power cut ended.
  func resumeErasures(_ turn: inout Turn) -> [Effect] { turn.head.erasing.sorted().map { .erase(patient: $0) } }

  /// The journal's segments are written anew, or not all of them.
  mutating func erased(_ patient: String, _ report: ErasureReport, _ turn: inout Turn) -> [Effect] {
    let now = turn.now
    let callers = erasures.removeValue(forKey: patient) ?? []
    turn.house.eraseFault = report.error
    if let error = report.error {
      eraseAgainAt = now.monotonic + 600_000
      return [.log(.error, "journal.erasure-failed: a patient is not erased yet: \(error); it is tried again")]
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
      + [.log(.notice, "patient.erased: \(report.readings) readings of one patient are gone")]
      + callers.map { .answer($0, .result(.object(answer))) }
  }
}
