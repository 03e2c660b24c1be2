// Judging a reading by a plan: quality gate, then the rules in order, then the worst zone, then the state of rules over single
// values. Trends wait until the delivery has settled (`Settlement`).

package import Readings
package import Zones

/// Judges readings. All functions are pure: what is known goes in, what follows comes out.
package enum Monitor {
  /// What judging gave.
  package struct Outcome: Sendable, Hashable {
    /// What is stored with the reading.
    package var evaluation: Evaluation
    /// What is to be told.
    package var events: [MonitoringEvent]
    /// What the reading says of itself from now on, such as that somebody else may have stood on the scale.
    package var flags: [ReadingFlag] = []
  }

  /// Judges `reading` by `plan` and moves `state`.
  ///
  /// `now` is the hub's wall clock in milliseconds since 1970, `zone` the patient's, `history` what came before. A reading that
  /// is implausible, from a demonstration or test, or in doubt by the device's own word never gives red alone; an implausible
  /// one is not judged by its value. A reading older than the plan's live window gets its zone and moves nothing; people
  /// hear of it once a day. A reading without a place in time is judged by band rules alone.
  ///
  /// Where `state.isUnsettled` is true afterwards, `settle` has something to say once nothing more comes.
  package static func judge(
    _ reading: Reading, by plan: Plan, state: inout PatientState, history: PatientHistory = PatientHistory(),
    zone: TimeZoneRules = .utc, now: Int64
  ) -> Outcome {
    var outcome = Outcome(evaluation: Evaluation(zone: .green, planVersion: plan.version), events: [])
    let stateBefore = state
    let time = reading.takenAt?.milliseconds
    if reading.correction?.kind != .accepted, let weight = Measure.weight.value(in: reading), let time,
      history.isSomebodyElse(weight, at: time)
    {
      outcome.flags.append(.suspectPerson)
    }
    var reading = reading
    reading.flags += outcome.flags.filter { !reading.flags.contains($0) }
    let earlier = history
    var history = history
    history.add(reading)
    let sighting = Sighting(reading)
    let taken = time ?? reading.receivedAt.milliseconds
    let isHistory = now - plan.liveWindow > taken
    var judged = false
    let clock = PatientClock(zone)
    for rule in plan.rules where rule.isEnabled {
      if let hours = rule.hours, !hours.holds(minute: clock.minute(taken)) { continue }
      let stored = state.rules[rule.id]
      let before = stored ?? RuleState()
      // What is old leaves no zone and enters none: where the rule stands now is nothing to it.
      let own = rule.kind.zone(of: sighting, before: isHistory ? .green : before.zone, history, clock)
      if own != nil { judged = true }
      let found = own ?? .green
      // A newer value was judged already: an older one confirms or worsens, it neither begins nor ends anything.
      func isOlder() -> Bool { rule.kind.concerns(sighting) && rule.kind.isOlder(taken, than: earlier) }
      var standing = "history"
      if rule.isTrend {
        // Judged when the delivery has settled; the reading keeps what is known at its arrival.
        if time != nil, rule.kind.awaits(sighting) { state.isUnsettled = true }
        if found > .green, !isHistory, !isOlder() {
          standing = (before.phase == .normal ? .pending : before.phase).rawValue
        }
      } else if own == nil || (stored == nil && found == .green) {
        continue
      } else if isHistory || ((found == .green || before.phase == .normal) && isOlder()) {
        if found > .green {
          // Told with what else comes of it: a backlog after an outage is no storm. Told as yellow whatever it is: how far it is out
          // may hang on a doubt that what comes later removes.
          var after = before
          let late = LateReading(zone: min(found, .yellow), time: taken, id: reading.id)
          after.lateDue = .worse(before.lateDue, late)
          state.rules[rule.id] = after
          state.isUnsettled = true
        }
      } else {
        var (after, kinds) = rule.next(before, zone: found, at: taken, now: now)
        kinds = rule.told(kinds, before: before, after: &after, now: now)
        state.rules[rule.id] = after == RuleState() ? nil : after
        for (kind, zone) in kinds { outcome.events.append(rule.event(kind, zone, plan)) }
        standing = after.phase.rawValue
      }
      if found > .green { outcome.evaluation.rules.append(.init(rule: rule.id, zone: found, state: standing)) }
      outcome.evaluation.zone = max(outcome.evaluation.zone ?? .green, found)
    }
    if !judged { outcome.evaluation.zone = nil }
    if state != stateBefore { state.note(outcome.events, before: stateBefore, now: now) }
    for index in outcome.events.indices { outcome.events[index].reading = reading.id }
    return outcome
  }

  /// Some trend of the plan looks at this reading: `settle` has something to judge when nothing more comes.
  package static func awaitsSettlement(_ reading: Reading, by plan: Plan) -> Bool {
    guard reading.takenAt != nil else { return false }
    let sighting = Sighting(reading)
    return plan.rules.contains { $0.isEnabled && $0.isTrend && $0.kind.awaits(sighting) }
  }

  /// Somebody has taken notice of what a rule raised. Nil when nothing is raised.
  package static func acknowledge(
    _ rule: String, _ word: RuleAcknowledgement, _ plan: Plan, state: inout PatientState
  ) -> MonitoringEvent? {
    guard var after = state.rules[rule], after.phase == .raised else { return nil }
    after.phase = .acknowledged
    after.acknowledgement = word
    state.rules[rule] = after
    var event = MonitoringEvent(
      patient: plan.patient, rule: rule, kind: .acknowledged, zone: after.zone, planVersion: plan.version)
    event.acknowledgement = word
    event.message = plan.rules.first { $0.id == rule }.map { PlanText.sentence($0, .acknowledged, plan.language) }
    return event
  }

  /// Values that no rule may see.
  static func isUnfit(_ flag: ReadingFlag) -> Bool {
    switch flag {
    case .implausible, .demonstration, .testData, .controlSolution, .invalid, .notAvailable, .measurementFailed: true
    default: false
    }
  }
}
