// What time alone brings about: waits for a repeat that ran out, measurements that did not come, devices that need somebody.

internal import Readings
package import Zones

extension Monitor {
  /// Ends the waits for a repeat that ran out by `now`: each is raised as yellow, unconfirmed.
  package static func expire(_ plan: Plan, state: inout PatientState, now: Int64) -> [MonitoringEvent] {
    guard let first = state.nextDeadline, first <= now else { return [] }
    var events: [MonitoringEvent] = []
    let stateBefore = state
    for (id, before) in state.rules.sorted(by: { $0.key < $1.key }) {
      guard let deadline = before.deadline, deadline <= now else { continue }
      var after = before
      after.deadline = nil
      if before.phase == .pending {
        after.phase = .raised
        // Told as yellow: a reading that is red after all gets worse than what people know.
        after.zone = min(before.zone, .yellow)
        let rule = plan.rules.first { $0.id == id } ?? Rule(id: id, kind: QualityRule.never)
        events.append(rule.event(.unconfirmed, .yellow, plan))
      }
      state.rules[id] = after
    }
    if state != stateBefore { state.note(events, before: stateBefore, now: now) }
    return events
  }

  /// Judges at `now` the rules that time alone may move, however often this is called, also after the hub was off. `isSettled` is false for the first while
  /// after a start, in which devices still bring what they measured meanwhile.
  package static func due(
    _ plan: Plan, state: inout PatientState, history: PatientHistory, devices: [DeviceFacts], zone: TimeZoneRules,
    now: Int64,
    isSettled: Bool = true
  ) -> [MonitoringEvent] {
    var events: [MonitoringEvent] = []
    let stateBefore = state
    let moment = DueMoment(
      now: now, history: history, devices: devices, clock: PatientClock(zone, around: now), isSettled: isSettled)
    for rule in plan.rules where rule.isEnabled && rule.kind.isTimed {
      guard let step = rule.kind.due(rule, of: plan, state.rules[rule.id], at: moment) else { continue }
      state.rules[rule.id] = step.state
      events += step.events
    }
    if state != stateBefore { state.note(events, before: stateBefore, now: now) }
    return events
  }

  /// When `due` is to be called next, in milliseconds since 1970; nil: when something else happens.
  package static func nextDue(
    _ plan: Plan, state: PatientState, history: PatientHistory, devices: [DeviceFacts], zone: TimeZoneRules, now: Int64
  ) -> Int64? {
    let moment = DueMoment(now: now, history: history, devices: devices, clock: PatientClock(zone, around: now))
    var next: Int64?
    for rule in plan.rules where rule.isEnabled && rule.kind.isTimed {
      if let due = rule.kind.nextDue(rule, state.rules[rule.id], at: moment) { next = min(next ?? due, due) }
    }
    return next
  }
}
