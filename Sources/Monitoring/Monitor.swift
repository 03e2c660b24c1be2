// Judging a reading by a plan: quality gate, then the rules in order, then the worst zone, then each rule's state.

public import Readings

/// Judges readings. All functions are pure: what is known goes in, what follows comes out.
public enum Monitor {
  /// What judging gave.
  public struct Outcome: Sendable, Hashable {
    /// What is stored with the reading.
    public var evaluation: Evaluation
    /// What is to be told.
    public var events: [MonitoringEvent]
  }

  /// Judges `reading` by `plan` and moves `state`.
  ///
  /// `now` is the hub's wall clock in milliseconds since 1970. A reading that is implausible, from a demonstration or test,
  /// or in doubt by the device's own word never gives red alone; an implausible one is not judged at all. A reading older
  /// than the plan's live window gets its zone and moves nothing.
  public static func judge(_ reading: Reading, by plan: Plan, state: inout PatientState, now: Int64) -> Outcome {
    var outcome = Outcome(evaluation: Evaluation(zone: .green, planVersion: plan.version), events: [])
    guard !reading.flags.contains(where: { isUnfit($0) }) else {
      outcome.evaluation.zone = nil
      return outcome
    }
    let taken = reading.takenAt?.milliseconds ?? reading.receivedAt.milliseconds
    let isHistory = now - plan.liveWindow > taken
    let isDoubtful = reading.flags.contains { $0.isDoubt }
    var judged = false
    for rule in plan.rules where rule.isEnabled {
      switch rule.kind {
      case .band(let band):
        guard let value = band.measure.value(in: reading) else { continue }
        judged = true
        let before = state.rules[rule.id] ?? RuleState()
        let zone = band.zone(of: value, from: before.zone, isDoubtful: isDoubtful)
        if isHistory {
          if zone > .green {
            outcome.evaluation.rules.append(.init(rule: rule.id, zone: zone, state: "history"))
          }
        } else {
          let (after, kinds) = band.next(before, zone: zone, at: taken, now: now)
          state.rules[rule.id] = after == RuleState() ? nil : after
          for (kind, zone) in kinds {
            outcome.events.append(
              MonitoringEvent(
                patient: plan.patient, rule: rule.id, kind: kind, zone: zone, planVersion: plan.version))
          }
          if zone > .green {
            outcome.evaluation.rules.append(.init(rule: rule.id, zone: zone, state: after.phase.rawValue))
          }
        }
        outcome.evaluation.zone = max(outcome.evaluation.zone ?? .green, zone)
      }
    }
    if !judged { outcome.evaluation.zone = nil }
    return outcome
  }

  /// Ends the waits for a repeat that ran out by `now`: each is raised as yellow, unconfirmed.
  public static func expire(_ plan: Plan, state: inout PatientState, now: Int64) -> [MonitoringEvent] {
    var events: [MonitoringEvent] = []
    for (id, before) in state.rules.sorted(by: { $0.key < $1.key }) {
      guard let deadline = before.deadline, deadline <= now else { continue }
      var after = before
      after.deadline = nil
      if before.phase == .pending {
        after.phase = .raised
        events.append(
          MonitoringEvent(
            patient: plan.patient, rule: id, kind: .unconfirmed, zone: .yellow, planVersion: plan.version))
      }
      state.rules[id] = after
    }
    return events
  }

  /// Values that no rule may see.
  private static func isUnfit(_ flag: ReadingFlag) -> Bool {
    switch flag {
    case .implausible, .demonstration, .testData, .controlSolution, .invalid, .notAvailable, .measurementFailed: true
    default: false
    }
  }
}

extension BandRule {
  /// The zone of a value. Worst first; no match is green. A zone is left downwards only past the limit by the hysteresis.
  func zone(of value: ExactDecimal, from before: Zone, isDoubtful: Bool) -> Zone {
    var zone = Zone.green
    for limit in zones where limit.zone > zone && limit.holds(for: value) { zone = limit.zone }
    if zone < before, !hysteresis.isZero {
      for limit in zones
      where limit.zone > zone && limit.zone <= before && limit.holds(for: value, slack: hysteresis) {
        zone = limit.zone
      }
    }
    return isDoubtful ? min(zone, .yellow) : zone
  }

  /// The rule's next state after a reading in `zone`, taken at `time` (milliseconds since 1970), and what is to be told. The
  /// wait for a repeat begins when the reading is known, at `now`.
  func next(
    _ before: RuleState, zone: Zone, at time: Int64, now: Int64
  ) -> (RuleState, [(MonitoringEvent.Kind, Zone)]) {
    var after = before
    after.zone = zone
    guard zone > .green else {
      let wasRaised = before.phase == .raised || before.phase == .acknowledged
      return (RuleState(), wasRaised ? [(.cleared, .green)] : [])
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
}
