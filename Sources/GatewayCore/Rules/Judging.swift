// A reading against its patient's plan.

internal import Octets
internal import Zones
internal import Monitoring
internal import Readings
internal import Ledger

extension Turn {
  /// A reading judged by its patient's plan: the rules' new state, so that who reads the journal knows what the reading waits
  /// for, the reading, and the events.
  func judged(_ given: Reading) -> [JournalEntry] {
    var reading = given
    // A value is judged once more when the disk refused what was said of it.
    reading.flags.removeAll { $0 == .suspectPerson }
    guard let patient = reading.patient else { return [.reading(reading)] }
    var history = head.history[patient] ?? PatientHistory()
    // One that is corrected is known already, by what it was before.
    if reading.correction != nil { history.remove(reading.id) }
    guard let plan = house.plan(of: patient, head.pauses) else {
      // Whose a weight may be hangs on no rule: without a plan nobody is told, and it is still said of the reading.
      if history.isSuspect(reading) { reading.flags.append(.suspectPerson) }
      return [.reading(reading)]
    }
    let before = head.rules[patient] ?? PatientState()
    var after = before
    let outcome = Monitor.judge(
      reading, by: plan, state: &after, history: history, zone: house.planZone(plan), now: now.wall)
    reading.evaluation = outcome.evaluation
    reading.flags += outcome.flags
    var entries: [JournalEntry] = []
    if after != before {
      entries.append(.rules(patient: patient, after))
    }
    entries.append(.reading(reading))
    let offset = reading.receivedAt.offsetSeconds
    entries += outcome.events.map { .event(HubEvent($0, at: now.wall, offsetSeconds: offset, reading: $0.reading)) }
    return entries
  }
}
