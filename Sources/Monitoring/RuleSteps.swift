// The steps of a rule, whatever its kind: normal, pending, raised and back; what is told of them in a quiet period; their events.

internal import Readings

extension Rule {
  /// The rule's next state after it came to `zone`, at `time` (milliseconds since 1970), and what is to be told. The wait for a
  /// repeat begins when the reading is known, at `now`.
  func next(
    _ before: RuleState, zone: Zone, at time: Int64, now: Int64
  ) -> (RuleState, [(MonitoringEvent.Kind, Zone)]) {
    let (confirm, isImmediate) = (kind.confirm, kind.isImmediate)
    var after = before
    after.zone = zone
    guard zone > .green else {
      let wasRaised = before.phase == .raised || before.phase == .acknowledged
      var normal = RuleState()
      normal.toldAt = before.toldAt
      normal.toldZone = before.toldZone
      normal.isUntold = before.isUntold
      normal.lateAt = before.lateAt
      normal.lateDue = before.lateDue
      normal.judgedThrough = before.judgedThrough
      normal.remindedFor = before.remindedFor
      return (normal, wasRaised ? [(.cleared, .green)] : [])
    }
    switch before.phase {
    case .normal:
      guard let confirm else {
        after.phase = .raised
        return (after, [(.raised, zone)])
      }
      after.since = time
      after.count = 1
      after.deadline = now + confirm.within
      after.phase = isImmediate ? .raised : .pending
      return (after, isImmediate ? [(.raised, zone), (.repeatRequested, zone)] : [(.repeatRequested, zone)])
    case .pending:
      after.count = before.count + 1
      guard let confirm, after.count < confirm.count, time - before.since <= confirm.within else {
        after.phase = .raised
        after.deadline = nil
        return (after, [(.raised, zone)])
      }
      return (after, [(.repeatRequested, zone)])
    case .raised, .acknowledged:
      after.deadline = nil
      guard zone > before.zone else { return (after, []) }
      after.phase = .raised
      return (after, [(.raised, zone)])
    }
  }

  /// What is told of `kinds`: in a quiet period nothing but what is worse than what was told, and the question for a repeat. What
  /// was raised in silence and still holds is told when the quiet period is over.
  func told(
    _ kinds: [(MonitoringEvent.Kind, Zone)], before: RuleState, after: inout RuleState, now: Int64
  ) -> [(MonitoringEvent.Kind, Zone)] {
    guard quiet > 0 else {
      (after.toldAt, after.toldZone, after.isUntold) = (nil, nil, false)
      return kinds
    }
    let isQuiet = before.toldAt.map { now - $0 < quiet } ?? false
    if !isQuiet { (after.toldAt, after.toldZone) = (nil, nil) }
    var kinds = kinds
    if before.isUntold {
      // Nobody heard that it began: nobody hears that it ended.
      kinds.removeAll { $0.0 == .cleared }
      if after.phase == .normal { after.isUntold = false }
      let isRaised = kinds.contains { $0.0 == .raised }
      if after.phase == .raised, !isQuiet, !isRaised { kinds.append((.raised, after.zone)) }
    }
    let isWorse = after.zone > before.toldZone ?? .green
    let told = kinds.filter { kind, _ in !isQuiet || isWorse || kind == .repeatRequested || kind == .cleared }
    if told.contains(where: { $0.0 == .raised }) {
      (after.toldAt, after.toldZone, after.isUntold) = (now, after.zone, false)
    } else if kinds.contains(where: { $0.0 == .raised }) {
      after.isUntold = true
    }
    return told
  }

  /// An event of this rule.
  func event(_ kind: MonitoringEvent.Kind, _ zone: Zone, _ plan: Plan, count: Int = 1) -> MonitoringEvent {
    var event = MonitoringEvent(patient: plan.patient, rule: id, kind: kind, zone: zone, planVersion: plan.version)
    event.count = count
    event.message = PlanText.sentence(self, kind, plan.language)
    return event
  }
}
