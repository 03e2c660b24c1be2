// A plan comes into force (plans-2, 7): rules that are still there keep where they stand, everything else that is open ends, and each rule
// is judged once by the newest value, so that nothing that the new limits call abnormal waits for the next measurement.

internal import Readings

package import Zones

extension Monitor {
  /// Takes a plan as the one in force, once: nothing happens when it is already. `history` is what is known.
  package static func adopt(
    _ plan: Plan, state: inout PatientState, history: PatientHistory, zone: TimeZoneRules = .utc, now: Int64
  ) -> [MonitoringEvent] {
    guard state.plan != plan.identity || state.isSingleUser != plan.isSingleUser else { return [] }
    let before = state
    let events = JudgingRound(plan, history: history, zone: zone, now: now).adopt(&state)
    state.note(events, before: before, now: now)
    return events
  }

  /// A patient's plan is gone: what is open ends.
  package static func abandon(
    _ patient: String, state: inout PatientState, now: Int64
  ) -> [MonitoringEvent] {
    guard state.plan != nil else { return [] }
    let version = state.planVersion
    var events: [MonitoringEvent] = []
    for (id, stored) in state.rules.sorted(by: { $0.key < $1.key }) {
      events += ended(id, nil, stored, because: "plan-changed", of: patient, version: version, language: nil, now: now)
    }
    (state.rules, state.plan, state.planVersion, state.displaced) = ([:], nil, 0, [])
    state.isSingleUser = false
    state.reviewToldAt = nil
    return events
  }

  /// A rule goes: what is open ends, and nothing untold is lost with it.
  /// - Parameter rule: as the new plan has it; nil: it has none of this id.
  fileprivate static func ended(
    _ id: String, _ rule: Rule?, _ stored: RuleState, because: String, of patient: String, version: Int,
    language: PlanLanguage?, now: Int64
  ) -> [MonitoringEvent] {
    var state = stored
    // How a rule ends asks nothing of its kind.
    let machine = Machine(rule: rule ?? DoubtRule.rule(.weight), now: now)
    let ends = machine.leave(&state, because: because).map { telling in
      var event = MonitoringEvent(
        patient: patient, rule: id, kind: telling.kind, zone: telling.zone, planVersion: version)
      event.detail.because = telling.because
      if let rule, let language { event.message = PlanText.sentence(rule, event, language) }
      event.take(telling.episode, of: patient)
      return event
    }
    return ends
      + (stored.held.map { ($0.worst, $0.count) } + stored.lateDue.map { ($0, 1) }).map { untold in
        var event = MonitoringEvent(patient: patient, rule: id, kind: .late, zone: .yellow, planVersion: version)
        (event.count, event.reading) = (untold.1, untold.0.reading)
        (event.detail.because, event.detail.valueZone) = ("plan-changed", untold.0.raw.zone)
        event.detail.direction = untold.0.direction
        return event
      }
  }
}

extension JudgingRound {
  /// The plan of this round comes into force, where another one was.
  func adopt(_ state: inout PatientState) -> [MonitoringEvent] {
    state.isSingleUser = plan.isSingleUser
    guard state.plan != plan.identity else { return [] }
    state.plan = plan.identity
    state.reviewToldAt = nil
    state.planVersion = plan.version
    let rules = plan.allRules
    var events: [MonitoringEvent] = []
    for (id, stored) in state.rules.sorted(by: { $0.key < $1.key }) {
      let rule = rules.first { $0.id == id }
      if let rule, rule.isEnabled, stored.signature == nil || stored.signature == rule.signature { continue }
      events += Monitor.ended(
        id, rule, stored, because: rule?.isEnabled ?? true ? "plan-changed" : "disabled", of: plan.patient,
        version: plan.version, language: plan.language, now: now)
      state.rules[id] = nil
    }
    for rule in plan.rules where rule.isEnabled && !rule.kind.isTimed { events += judgeOnce(rule, &state) }
    return events
  }

  /// A rule is judged by the newest live value that is believed.
  func judgeOnce(_ rule: Rule, _ state: inout PatientState) -> [MonitoringEvent] {
    let view = HistoryView(history, clock, hours: rule.hours)
    let live = now.moved(-plan.liveWindow)
    var after = state.rules[rule.id] ?? RuleState()
    after.signature = rule.signature
    var events: [MonitoringEvent] = []
    if rule.isTrend {
      guard let moment = rule.kind.moments(since: live, view).last, moment.time <= now.moved(PatientHistory.mostAhead),
        plan.outOfForce(rule, at: moment.time, clock) == nil
      else { return [] }
      events = judgeNewest(rule, moment, nil, view, &after, because: "plan-changed")
    } else {
      guard let measure = rule.measures.first,
        let point = view.newest(measure, from: live, to: now.moved(PatientHistory.mostAhead)),
        plan.outOfForce(rule, at: point.time, clock) == nil
      else { return [] }
      if let above = point.above, isBeyondUnbelieved(measure, above) { return [] }
      let value = SeenValue(measure, point, isDoubted: point.isDoubtful, id: nil)
      guard let finding = rule.kind.finding(of: value, standing: after.phase == .normal ? nil : after.current) else {
        return []
      }
      let machine = Machine(rule: rule, now: now)
      if after.phase == .pending, !finding.isGreen {
        // It counted when it came. Where the new plan asks for no repeat, it is raised.
        guard rule.kind.confirm == nil else { return [] }
        let episode = after.episode
        (after.phase, after.ask) = (.normal, nil)
        events = machine.take(finding, &after).map { rule.event($0, after, plan, nil, view) }
        if let episode {
          after.episode?.reading = episode.reading
          after.episode?.since = episode.since
        }
      } else {
        let because = finding.isGreen ? "plan-changed" : nil
        events = machine.take(finding, &after).map { telling in
          var telling = telling
          if telling.kind == .cleared { telling.because = telling.because ?? because }
          return rule.event(telling, after, plan, nil, view)
        }
      }
    }
    state.rules[rule.id] = after.isEmpty ? nil : after
    return events
  }
}
