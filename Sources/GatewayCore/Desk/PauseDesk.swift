// Pauses beside a plan, as people set them: a record, told to backends when it begins to count and when it ends.

internal import ControlProtocol
internal import JSON
internal import Ledger
internal import Monitoring
internal import Zones

extension Desk {
  /// The longest pause, in days.
  static let longestPause: Int64 = 366

  func pausePlan(
    _ id: RequestID, patient: String, from: String, to: String, rules: [String]?, note: String, _ caller: CallerName,
    _ turn: inout Turn
  ) -> [Effect] {
    if let error = turn.view.refusal(ofUnknown: patient) { return [.answer(id, .failure(error))] }
    guard let plan = turn.house.plans[patient] else {
      return .failure(id, "not-found", "there is no plan of this patient", "hearthctl plan set brings one in")
    }
    guard let first = ISO8601.day(from), let last = ISO8601.day(to) else {
      return .failure(
        id, "bad-parameters", "from and to: expected dates such as 2026-12-20", "write year, month and day")
    }
    guard last >= first, last - first < Desk.longestPause else {
      return .failure(
        id, "bad-parameters", "to: expected a date not before from, at most \(Desk.longestPause) days later",
        "a longer pause is a change of the plan")
    }
    let today = PatientClock(turn.house.planZone(plan)).day(turn.now.wall)
    guard last >= today else {
      return .failure(id, "bad-parameters", "to: expected today or later", "what is over cannot be paused any more")
    }
    if let rule = rules?.first, !plan.rules.contains(where: { $0.id == rule }) {
      return .failure(id, "not-found", "the plan of this patient has no rule \(rule)", "hearthctl plan show \(patient)")
    }
    var list = turn.head.pauses[patient] ?? []
    guard list.count < PauseRecord.most else {
      return .failure(
        id, "bad-parameters", "this patient has \(PauseRecord.most) pauses already", "hearthctl plan resume \(patient)")
    }
    guard turn.head.pauses.values.reduce(0, { $0 + $1.count }) < PauseRecord.mostOfAll else {
      return .failure(
        id, "busy", "the plans of this hub have \(PauseRecord.mostOfAll) pauses already",
        "hearthctl plan resume ends them")
    }
    let pause = Pause(from: first, to: last, rules: rules, note: note.isEmpty ? nil : note)
    list.append(PauseRecord(pause: pause, by: caller.by, at: turn.now.wall))
    let what = rules.map { "\($0.joined(separator: ", ")) of " } ?? ""
    let message = "\(what)the plan of \(patient) is paused from \(from) to \(to)"
    let entries: [JournalEntry] = [
      .pauses(patient: patient, list), .event(turn.house.event("plan.paused", message, turn.now)),
      caller.audit("pause plan of \(patient) from \(from) to \(to)"),
    ]
    return turn.append(entries) + [
      .answer(id, .result(["paused": true, "patient": .string(patient), "from": .string(from), "to": .string(to)]))
    ]
  }

  func resumePlan(_ id: RequestID, patient: String, _ caller: CallerName, _ turn: inout Turn) -> [Effect] {
    guard let list = turn.head.pauses[patient], !list.isEmpty else {
      return .failure(
        id, "not-found", "no pause stands beside this patient's plan",
        "a pause of the plan itself ends with a new version of the plan")
    }
    let entries: [JournalEntry] = [
      .pauses(patient: patient, []),
      .event(
        turn.house.event("plan.resumed", "the pauses of the plan of \(patient) are ended", isOver: true, turn.now)),
      caller.audit("resume plan of \(patient)"),
    ]
    return turn.append(entries) + [
      .answer(id, .result(["resumed": true, "patient": .string(patient), "count": .int(list.count)]))
    ]
  }
}

extension Rules {
  /// Pauses beside plans that are over are forgotten and told.
  func pausesOver(_ turn: inout Turn) -> [JournalEntry] {
    guard turn.house.isClockSet else { return [] }
    var entries: [JournalEntry] = []
    for (patient, list) in turn.head.pauses.sorted(by: { $0.key < $1.key }) {
      guard !turn.head.erasing.contains(patient) else { continue }
      let zone = turn.house.plans[patient].map(turn.house.planZone) ?? turn.house.zone
      let today = PatientClock(zone).day(turn.now.wall)
      let left = list.filter { $0.pause.to >= today }
      guard left.count < list.count else { continue }
      entries.append(.pauses(patient: patient, left))
      entries.append(
        .event(turn.house.event("plan.resumed", "a pause of the plan of \(patient) is over", isOver: true, turn.now)))
    }
    return entries
  }
}
