// What time alone brings about: waits for a repeat that ran out, quiet periods that end, what is told again, measurements that did not
// come, devices that need somebody, rules that come into force and leave it.

internal import Readings
package import Zones

extension Monitor {
  /// Ends what ran out by `now`: waits for a repeat, quiet periods with something held, retellings.
  package static func expire(_ plan: Plan, state: inout PatientState, now: Int64) -> [MonitoringEvent] {
    guard state.rules.contains(where: { $0.value.isWaiting }) else { return [] }
    var events: [MonitoringEvent] = []
    let stateBefore = state
    for rule in plan.allRules where rule.isEnabled {
      guard var after = state.rules[rule.id], after.isWaiting else { continue }
      let tellings = Machine(rule: rule, now: now).expire(&after)
      events += tellings.map { rule.event($0, after, plan, nil, nil) }
      if after != state.rules[rule.id] { state.rules[rule.id] = after.isEmpty ? nil : after }
    }
    if state != stateBefore { state.note(events, before: stateBefore, now: now) }
    return events
  }

  /// Judges at `now` the rules that time alone may move, however often this is called, also after the hub was off. `isSettled` is false for the first while
  /// after a start, in which devices still bring what they measured meanwhile.
  /// - Parameter unsetSince: since when the hub runs without knowing the time; nil: its clock is set.
  package static func due(
    _ plan: Plan, state: inout PatientState, history: PatientHistory, devices: [DeviceFacts], zone: TimeZoneRules,
    now: Int64, isSettled: Bool = true, unsetSince: Int64? = nil
  ) -> [MonitoringEvent] {
    var events: [MonitoringEvent] = []
    let stateBefore = state
    let clock = PatientClock(zone, around: now)
    let moment = DueMoment(
      now: now, history: history, devices: devices, clock: clock, isSettled: isSettled, plan: plan,
      unsetSince: unsetSince)
    for rule in plan.rules {
      var after = state.rules[rule.id] ?? RuleState()
      let stored = after
      if unsetSince == nil || !rule.isEnabled, let reason = plan.outOfForce(rule, at: now, clock) {
        let because = reason == .notYet || reason == .expired ? "expired" : reason.rawValue
        events += Machine(rule: rule, now: now).leave(&after, because: because).map {
          rule.event($0, after, plan, nil, nil)
        }
        // Who looks hears of it at once, not with the next reading.
        if after.notJudged?.because != reason { after.notJudged = .init(because: reason, since: now, count: 1) }
      } else if !rule.kind.isTimed {
        guard unsetSince == nil, after.wasOutOfForce else { continue }
        // What is known already is judged as by a new plan: nothing abnormal waits for the next measurement.
        after.notJudged = nil
        state.rules[rule.id] = after.isEmpty ? nil : after
        events += JudgingRound(plan, history: history, zone: zone, now: now).judgeOnce(rule, &state)
        continue
      } else {
        if after.wasOutOfForce {
          after.notJudged = nil
          // An interval begins anew.
          if case .interval? = (rule.kind as? MissingRule)?.schedule, let through = after.judgedThrough {
            after.judgedThrough = max(through, now)
          }
        }
        after.signature = after.signature ?? rule.signature
        events += rule.kind.due(rule, &after, at: moment).map { rule.event($0, after, plan, nil, nil) }
        if unsetSince != nil, rule.isMissing, case .slots? = (rule.kind as? MissingRule)?.schedule {
          if after.notJudged?.because != .clockUnset {
            after.notJudged = .init(because: .clockUnset, since: now, count: 1)
          }
        } else if after.notJudged?.because == .clockUnset {
          after.notJudged = nil
        }
      }
      if after != stored { state.rules[rule.id] = after.isEmpty ? nil : after }
    }
    if state != stateBefore { state.note(events, before: stateBefore, now: now) }
    return events
  }

  /// When `expire` or `due` is to be called next, in milliseconds since 1970; nil: when something else happens.
  package static func nextDue(
    _ plan: Plan, state: PatientState, history: PatientHistory, devices: [DeviceFacts], zone: TimeZoneRules, now: Int64,
    unsetSince: Int64? = nil
  ) -> Int64? {
    let clock = PatientClock(zone, around: now)
    let moment = DueMoment(
      now: now, history: history, devices: devices, clock: clock, plan: plan, unsetSince: unsetSince)
    var next = nextExpiry(plan, state: state, now: now)
    for rule in plan.rules where rule.isEnabled {
      if let change = plan.nextChange(of: rule, after: now, clock) { next = min(next ?? change, change) }
      guard rule.kind.isTimed, plan.outOfForce(rule, at: now, clock) == nil else { continue }
      if let due = rule.kind.nextDue(rule, state.rules[rule.id], at: moment) { next = min(next ?? due, due) }
    }
    return next
  }

  /// When `expire` is to be called next, in milliseconds since 1970, at the earliest the moment after `now`.
  package static func nextExpiry(_ plan: Plan, state: PatientState, now: Int64) -> Int64? {
    guard state.rules.contains(where: { $0.value.isWaiting }) else { return nil }
    var next: Int64?
    for rule in plan.allRules where rule.isEnabled {
      guard let known = state.rules[rule.id], let time = Machine(rule: rule, now: now).nextExpiry(known) else {
        continue
      }
      next = min(next ?? .max, max(time, now.moved(1)))
    }
    return next
  }
}

extension RuleState {
  /// Its rule did not judge because it was not in force.
  fileprivate var wasOutOfForce: Bool {
    notJudged.map { [.paused, .notYet, .expired, .disabled].contains($0.because) } ?? false
  }

  /// Time alone may move it.
  package var isWaiting: Bool {
    ask != nil || !held.isEmpty || phase == .acknowledged || (phase == .raised && zone == .red)
  }
}

extension PatientState {
  /// Notes when what is not normal was raised and told.
  mutating func note(_ events: [MonitoringEvent], before: PatientState, now: Int64) {
    for (id, state) in rules {
      var state = state
      if !state.isRaised {
        (state.raisedAt, state.acknowledgement) = (nil, nil)
      } else if !(before.rules[id]?.isRaised ?? false) || before.rules[id]?.episode?.since != state.episode?.since {
        state.raisedAt = now
      }
      if state.phase == .normal { state.lastToldAt = nil }
      if state.phase != .normal, events.contains(where: { $0.rule == id }) { state.lastToldAt = now }
      if state != rules[id] { rules[id] = state.isEmpty ? nil : state }
    }
  }
}

extension Rule {
  /// A telling as an event of this rule.
  func event(
    _ telling: Telling, _ state: RuleState, _ plan: Plan, _ reading: Reading?, _ view: HistoryView?
  ) -> MonitoringEvent {
    var event = MonitoringEvent(
      patient: plan.patient, rule: id, kind: telling.kind, zone: telling.zone, planVersion: plan.version)
    event.count = telling.count
    if let finding = telling.finding {
      event.reading = finding.reading
      event.detail = kind.detail(of: finding, in: reading?.id == finding.reading ? reading : nil, view)
      if finding.raw.zone != telling.zone || telling.kind == .late { event.detail.valueZone = finding.raw.zone }
      if finding.isDoubted, let reading { event.detail.doubt = reading.flags.filter(\.isDoubt) }
      if telling.kind == .cleared { (event.detail.limit, event.detail.valueZone, event.detail.level) = (nil, nil, nil) }
    }
    event.detail.because =
      telling.because ?? (kind is DoubtRule && telling.kind != .cleared ? state.doubt?.rawValue : nil)
    event.detail.repeated = telling.repeated
    event.detail.escalates = telling.escalates
    event.detail.isFlapping = telling.isFlapping
    event.take(telling.episode ?? state.episode, of: plan.patient)
    event.message = PlanText.sentence(self, event, plan.language)
    return event
  }
}

extension MonitoringEvent {
  /// What goes on: its name is that of its first reading, so that it is the same after a restart.
  mutating func take(_ episode: RuleState.Episode?, of patient: String) {
    guard let episode else { return }
    since = episode.since
    episodeName = episode.name(rule: rule, patient: patient)
  }
}

extension RuleState.Episode {
  /// What its identifier is the name of.
  package func name(rule: String, patient: String) -> String {
    "episode|\(patient)|\(rule)|\(reading.map(\.description) ?? String(since))"
  }
}

extension Rule {
  /// What is told of it when it is raised.
  package var usualTelling: MonitoringEvent.Kind { isMissing ? .missing : .raised }
}
