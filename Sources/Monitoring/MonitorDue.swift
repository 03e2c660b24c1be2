// What time alone brings about: waits for a repeat that ran out, measurements that did not come, devices that need somebody.

internal import Readings
public import Zones

extension Monitor {
  /// Ends the waits for a repeat that ran out by `now`: each is raised as yellow, unconfirmed.
  public static func expire(_ plan: Plan, state: inout PatientState, now: Int64) -> [MonitoringEvent] {
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
        let rule = plan.rules.first { $0.id == id } ?? Rule(id: id, kind: .quality(BitsRule.never))
        events.append(rule.event(.unconfirmed, .yellow, plan))
      }
      state.rules[id] = after
    }
    if state != stateBefore { state.note(events, before: stateBefore, now: now) }
    return events
  }

  /// Judges missing and device rules at `now`. Each slot is judged once, however often this is called, also after the hub was
  /// off: slots that were missed meanwhile are told as one event with their count. `isSettled` is false for the first while
  /// after a start, in which devices still bring what they measured meanwhile.
  public static func due(
    _ plan: Plan, state: inout PatientState, history: PatientHistory, devices: [DeviceFacts], zone: TimeZoneRules,
    now: Int64,
    isSettled: Bool = true
  ) -> [MonitoringEvent] {
    var events: [MonitoringEvent] = []
    let stateBefore = state
    for rule in plan.rules where rule.isEnabled {
      switch rule.kind {
      case .missing(let missing):
        events += judge(rule, missing, plan, &state, history, zone, now, isSettled)
      case .device(let device):
        guard let found = device.zone(devices, now: now) else { continue }
        let before = state.rules[rule.id] ?? RuleState()
        var (after, kinds) = rule.next(before, zone: found, at: now, now: now)
        kinds = rule.told(kinds, before: before, after: &after, now: now)
        state.rules[rule.id] = after == RuleState() ? nil : after
        events += kinds.map { rule.event($0.0, $0.1, plan) }
      default: continue
      }
    }
    if state != stateBefore { state.note(events, before: stateBefore, now: now) }
    return events
  }

  private static func judge(
    _ rule: Rule, _ missing: MissingRule, _ plan: Plan, _ state: inout PatientState, _ history: PatientHistory,
    _ zone: TimeZoneRules, _ now: Int64, _ isSettled: Bool
  ) -> [MonitoringEvent] {
    // A rule that is new is judged from now on.
    guard var after = state.rules[rule.id], let through = after.judgedThrough else {
      var first = state.rules[rule.id] ?? RuleState()
      first.judgedThrough = now
      state.rules[rule.id] = first
      return []
    }
    var events: [MonitoringEvent] = []
    switch missing.schedule {
    case .interval(let interval):
      let last = max(history.last(missing.measure, upTo: now) ?? through, through)
      if now > last + interval + missing.grace {
        if after.phase == .normal, isSettled {
          after.phase = .raised
          after.zone = missing.zone
          events += told(rule, missing, &after, 1, now, plan)
        } else if after.isUntold {
          events += told(rule, missing, &after, 0, now, plan)
        }
      } else if after.phase != .normal {
        events.append(contentsOf: cleared(rule, &after, plan))
      }
      if last > through { after.judgedThrough = last }
    case .slots:
      var missed = 0
      var newestCame = false
      for slot in missing.slots(after: through, until: now, zone: zone) {
        let came = !history.points(missing.measure, from: slot.start, to: slot.end + missing.grace).isEmpty
        if !came, let remind = missing.remindAfter, now >= slot.start + remind, now < slot.end + missing.grace,
          after.remindedFor != slot.start
        {
          after.remindedFor = slot.start
          events.append(rule.event(.reminder, missing.zone, plan))
        }
        // A measurement within the slot decides it; else its end and the grace do.
        guard came || now >= slot.end + missing.grace, came || isSettled else { break }
        after.judgedThrough = slot.start
        newestCame = came
        if !came { missed += 1 }
      }
      if missed > 0, !newestCame {
        after.phase = .raised
        after.zone = missing.zone
        events += told(rule, missing, &after, missed, now, plan)
      } else if missed > 0 {
        events += told(rule, missing, &after, missed, now, plan)
        events.append(contentsOf: cleared(rule, &after, plan))
      } else if newestCame, after.phase != .normal {
        events.append(contentsOf: cleared(rule, &after, plan))
      } else if after.isUntold {
        events += told(rule, missing, &after, 0, now, plan)
      }
    }
    state.rules[rule.id] = after
    return events
  }

  /// What did not come is told, unless people heard of it within the rule's quiet period; then it is told when that is over, with
  /// what else did not come until then.
  private static func told(
    _ rule: Rule, _ missing: MissingRule, _ after: inout RuleState, _ missed: Int, _ now: Int64, _ plan: Plan
  ) -> [MonitoringEvent] {
    let all = missed + (after.isUntold ? after.count : 0)
    if rule.quiet > 0, let last = after.toldAt, now - last < rule.quiet {
      (after.isUntold, after.count) = (true, all)
      return []
    }
    (after.isUntold, after.count) = (false, 0)
    (after.toldAt, after.toldZone) = rule.quiet > 0 ? (now, missing.zone) : (nil, nil)
    return [rule.event(.missing, missing.zone, plan, count: max(1, all))]
  }

  private static func cleared(_ rule: Rule, _ after: inout RuleState, _ plan: Plan) -> [MonitoringEvent] {
    after.phase = .normal
    after.zone = .green
    // Nobody heard that it did not come: nobody hears that it came.
    guard !after.isUntold else {
      (after.isUntold, after.count) = (false, 0)
      return []
    }
    return [rule.event(.cleared, .green, plan)]
  }

  /// When `due` is to be called next, in milliseconds since 1970; nil: when something else happens.
  public static func nextDue(
    _ plan: Plan, state: PatientState, history: PatientHistory, devices: [DeviceFacts], zone: TimeZoneRules, now: Int64
  ) -> Int64? {
    var times: [Int64] = []
    for rule in plan.rules where rule.isEnabled {
      switch rule.kind {
      case .missing(let missing):
        guard let known = state.rules[rule.id], let through = known.judgedThrough else {
          times.append(now)
          continue
        }
        if known.isUntold, let told = known.toldAt { times.append(told + rule.quiet) }
        switch missing.schedule {
        case .interval(let interval):
          guard known.phase == .normal else { continue }
          times.append(max(history.last(missing.measure, upTo: now) ?? through, through) + interval + missing.grace + 1)
        case .slots:
          for slot in missing.slots(after: through, until: now + 8 * 86_400_000, zone: zone, most: 3).prefix(3) {
            if let remind = missing.remindAfter, known.remindedFor != slot.start { times.append(slot.start + remind) }
            times.append(slot.end + missing.grace)
          }
        }
      case .device(let device):
        guard case .silent(let length) = device.watch else { continue }
        for facts in devices { if let last = facts.lastContact { times.append(last + length + 1) } }
      default: continue
      }
    }
    return times.filter { $0 > now }.min()
  }
}

extension BitsRule {
  /// A rule that a plan no longer has: its state is ended, nothing is judged by it.
  static let never = BitsRule(readingKind: nil, flags: [], k: 1, of: 1, zone: .green)
}
