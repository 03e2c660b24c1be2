// Values without a place in time that is believed: they wait until the delivery has settled, and are judged as of now (plans-2, 2).

internal import Readings

extension JudgingRound {
  func displace(_ seen: Sighting, _ state: inout PatientState) {
    var values = PerMeasure<PatientState.Displaced.Value>()
    for measure in Measure.allCases {
      guard let worth = seen.worth[measure] else { continue }
      values[measure] = .init(number: seen.values[measure], above: seen.beyond[measure], worth: worth)
    }
    guard !values.isEmpty else { return }
    state.isUnsettled = true
    state.displaced.removeAll { $0.id == seen.reading.id }
    state.displaced.append(
      .init(
        id: seen.reading.id, received: seen.reading.receivedAt.milliseconds, isOfNow: seen.isOfNow, values: values))
    // What there is no room for is told as old: only the last of each measure is judged as of now.
    if state.displaced.count > PatientState.mostDisplaced {
      _ = judge([state.displaced.removeFirst()], last: [:], &state)
    }
  }

  /// What came without a place in time that is believed is judged as of now: of each measure the last, the others are old.
  func judgeDisplaced(_ state: inout PatientState) -> [MonitoringEvent] {
    let displaced = state.displaced
    state.displaced = []
    var last: [Measure: ReadingID] = [:]
    for item in displaced { for (measure, _) in item.values.pairs { last[measure] = item.id } }
    return judge(displaced, last: last, &state)
  }

  /// - Parameter last: of each measure the reading that is judged as of now.
  private func judge(
    _ displaced: [PatientState.Displaced], last: [Measure: ReadingID], _ state: inout PatientState
  ) -> [MonitoringEvent] {
    var events: [MonitoringEvent] = []
    for item in displaced {
      let isUnbelievedPressure = (item.values[.systolic] ?? item.values[.diastolic])?.worth.isUnbelieved ?? false
      for rule in plan.rules where !rule.isTrend && !rule.kind.isTimed {
        guard let measure = rule.measures.first, let value = item.values[measure] else { continue }
        guard plan.outOfForce(rule, at: item.received, clock) == nil, rule.holdsHours(item.received, clock) else {
          continue
        }
        let isDoubted = value.worth == .doubted || value.worth == .suspect
        guard value.worth.isBelieved || (value.worth == .suspect && !(rule.kind is DeltaRule)),
          value.above.map({ !isBeyondUnbelieved(rule, measure, $0) }) ?? true,
          !isUnbelievedPressure || DoubtGroup(measure) == .pressure || measure == .meanArterial
        else { continue }
        var rules = state.rules[rule.id] ?? RuleState()
        rules.signature = rule.signature
        let seen = SeenValue(
          measure: measure, number: value.number, above: value.above, isDoubted: isDoubted, reading: nil, id: item.id,
          taken: item.received)
        let isLast = last[measure] == item.id
        guard
          let finding = rule.kind.finding(
            of: seen, standing: isLast && rules.phase != .normal ? rules.current : nil)
        else { continue }
        if isLast {
          let power = Power(begins: true, ends: item.isOfNow && value.worth != .accepted)
          rules.notJudged = nil
          let tellings = Machine(rule: rule, now: now).take(finding, &rules, power)
          events += tellings.map { ofUnknownTime($0, rule, rules) }
        } else {
          late(finding, rule, &rules)
        }
        state.rules[rule.id] = rules.isEmpty ? nil : rules
      }
      for rule in doubtRules {
        guard let kind = rule.kind as? DoubtRule, let value = kind.group.measures.compactMap({ item.values[$0] }).first
        else { continue }
        let isUnbelieved =
          value.worth.isUnbelieved || value.worth == .suspect
          || (value.above.map { above in kind.group.measures.contains { isBeyondUnbelieved($0, above) } } ?? false)
        guard isUnbelieved || value.worth == .sound || value.worth == .accepted else { continue }
        let number = value.number.map { FindingValue.number(Ratio($0)) } ?? .none
        let finding = Finding(
          isUnbelieved ? Rank(.yellow, 1) : .green, value: number, reading: item.id, taken: item.received)
        guard isUnbelieved || state.holds(rule) else { continue }
        var rules = state.rules[rule.id] ?? RuleState()
        rules.signature = rule.signature
        var values = PerMeasure<ExactDecimal>()
        var beyond = PerMeasure<Bool>()
        for (measure, value) in item.values.pairs { (values[measure], beyond[measure]) = (value.number, value.above) }
        if kind.group.measures.contains(where: { last[$0] == item.id }) {
          let tellings = stepDoubt(
            rule, kind, finding, value.worth == .suspect ? .somebodyElse : .notBelievable, values, beyond,
            isOlder: false,
            ends: item.isOfNow, &rules)
          events += tellings.map { ofUnknownTime($0, rule, rules) }
        } else {
          late(finding, rule, &rules)
        }
        state.rules[rule.id] = rules.isEmpty ? nil : rules
      }
    }
    return events
  }

  private func ofUnknownTime(_ telling: Telling, _ rule: Rule, _ state: RuleState) -> MonitoringEvent {
    var event = rule.event(telling, state, plan, nil, nil)
    event.detail.isTimeUnknown = true
    return event
  }
}
