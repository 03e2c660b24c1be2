// What a person corrects of a stored reading: it is not the patient's (park), or it is, although it does not look so (accept). Backends
// that have it get it again under the same identifier, with a higher sequence number.

internal import ControlProtocol
internal import JSON
internal import Ledger
internal import Monitoring
internal import Readings

/// A correction whose reading is being looked for.
struct PendingCorrection: Sendable {
  var kind: ControlRequest.Correction
  /// The beginning of the reading's identifier.
  var text: String
  var caller: CallerName
}

extension Desk {
  /// The most corrections that wait for their reading.
  private static let mostCorrections = 32

  mutating func correct(
    _ id: RequestID, _ kind: ControlRequest.Correction, reading text: String, _ caller: CallerName
  ) -> [Effect] {
    if let refusal = [Effect].tooShort(text, id) { return refusal }
    guard corrections.count < Desk.mostCorrections else {
      return .failure(id, "busy", "other corrections wait for their readings", "try again in a moment")
    }
    corrections[id] = PendingCorrection(kind: kind, text: text, caller: caller)
    return [.read(id, .locate(text.lowercased()))]
  }

  /// Nobody waits for what this connection asked.
  mutating func forgetCorrections(of connection: UInt64) {
    corrections = corrections.filter { $0.key.connection != connection }
  }

  /// The newest stored forms of the readings whose identifiers begin so; or why they could not be looked for.
  mutating func located(_ id: RequestID, _ found: Result<[Reading], ControlError>, _ turn: inout Turn) -> [Effect] {
    guard let pending = corrections.removeValue(forKey: id) else { return [] }
    let readings: [Reading]
    switch found {
    case .success(let found): readings = found
    case .failure(let error): return [.answer(id, .failure(error))]
    }
    guard let reading = readings.first else {
      return .failure(id, "not-found", "there is no reading \(pending.text)", "hearthctl readings shows the ids")
    }
    guard readings.count == 1 else {
      return .failure(
        id, "bad-parameters", "more than one reading begins with \(pending.text)", "write more of its id")
    }
    // What was decided since it was read counts, also where the disk does not have it yet.
    if turn.head.parked[reading.id] != nil || reading.patient == nil {
      return .failure(
        id, "reading.unassigned", "this reading waits for a patient already",
        "hearthctl assign \(reading.id.description.prefix(8)) PATIENT")
    }
    if turn.underway.contains(where: { $0.isReading(reading.id) }) {
      return .failure(id, "busy", "this reading is being changed", "try again in a moment")
    }
    guard let patient = reading.patient, !turn.head.erasing.contains(patient) else {
      return .failure(id, "busy", "this patient is being erased", "try again when the erasure is done")
    }
    switch pending.kind {
    case .park: return park(id, reading, of: patient, pending.caller, &turn)
    case .accept: return accept(id, reading, pending.caller, &turn)
    }
  }

  /// It is not the patient's: it waits for its patient again, and trends are judged without it.
  private func park(
    _ id: RequestID, _ reading: Reading, of patient: String, _ caller: CallerName, _ turn: inout Turn
  ) -> [Effect] {
    var parked = reading
    parked.patient = nil
    parked.evaluation = nil
    parked.flags.removeAll { $0 == .suspectPerson }
    parked.correction = ReadingCorrection(.withdrawn, patient: patient)
    var entries: [JournalEntry] = []
    if turn.house.plans[patient] != nil {
      var rules = turn.head.rules[patient] ?? PatientState()
      rules.isUnsettled = true
      entries.append(.rules(patient: patient, rules))
    }
    entries += [.reading(parked), caller.audit("park reading \(reading.id)")]
    return turn.append(entries) + [
      .answer(id, .result(["parked": true, "id": .string(reading.id.description), "patient": .string(patient)]))
    ]
  }

  /// It is the patient's, and right: it is judged again. What the device itself doubts stays in doubt.
  private func accept(_ id: RequestID, _ reading: Reading, _ caller: CallerName, _ turn: inout Turn) -> [Effect] {
    guard !Plausibility.isImpossible(reading.observations) else {
      return .failure(
        id, "reading.impossible", "nobody can have these values: they cannot be accepted",
        "hearthctl readings park \(reading.id.description.prefix(8)) takes it from the patient")
    }
    // Its values stay what they are when somebody said that they are right.
    let isOpen = reading.correction?.kind != .accepted && Plausibility.isImplausible(reading.observations)
    let isDoubted = turn.head.isAside(reading) || isOpen
    guard isDoubted || reading.flags.contains(.implausible) || reading.flags.contains(.suspectPerson) else {
      return .failure(
        id, "reading.sound", "the hub does not doubt this reading", "hearthctl readings shows what it remarks")
    }
    var accepted = reading
    accepted.flags.removeAll { $0 == .implausible || $0 == .suspectPerson }
    accepted.correction = ReadingCorrection(.accepted)
    let patient = reading.patient ?? ""
    return turn.append(turn.judged(accepted) + [caller.audit("accept reading \(reading.id)")])
      + [.answer(id, .result(["accepted": true, "id": .string(reading.id.description), "patient": .string(patient)]))]
  }
}

extension LedgerState {
  /// A weight that is held apart because it may be somebody else's.
  func isAside(_ reading: Reading) -> Bool {
    guard let patient = reading.patient else { return false }
    return history[patient]?.asides[.weight]?.contains { $0.id == reading.id.low } ?? false
  }
}

extension JournalEntry {
  /// It is this reading.
  func isReading(_ id: ReadingID) -> Bool {
    if case .reading(let reading) = self { reading.id == id } else { false }
  }
}
