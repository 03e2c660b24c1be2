// Judging a reading by a plan: what its values are worth, then the rules in order, the built-in ones last, then the worst zone. Trends,
// and values without a place in time, wait until the delivery has settled (`Settlement`).

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
  /// `now` is the hub's wall clock in milliseconds since 1970, `zone` the patient's, `history` what came before. What a value is worth and
  /// what it may do is plans-2, sections 1 to 3: one in doubt is yellow at most and ends nothing, one that is not believed is asked about by
  /// the built-in rules. A reading older than the plan's live window moves nothing; people hear of it when the delivery has settled. One
  /// whose place in time is not believed is judged as of now then, by rules over single values alone.
  ///
  /// Where `state.isUnsettled` is true afterwards, `settle` has something to say once nothing more comes.
  package static func judge(
    _ reading: Reading, by plan: Plan, state: inout PatientState, history: PatientHistory = PatientHistory(),
    zone: TimeZoneRules = .utc, now: Int64
  ) -> Outcome {
    var round = JudgingRound(plan, history: history, zone: zone, now: now)
    return round.judge(reading, &state)
  }

  /// Some trend of the plan looks at this reading, or it has no place in time: `settle` has something to judge when nothing more comes.
  package static func awaitsSettlement(_ reading: Reading, by plan: Plan) -> Bool {
    guard reading.takenAt != nil else { return false }
    let sighting = PatientHistory().sighting(reading)
    return plan.rules.contains { $0.isEnabled && $0.isTrend && $0.kind.awaits(sighting) }
  }

  /// Somebody has taken notice of what a rule raised. Nil when nothing is raised.
  package static func acknowledge(
    _ rule: String, _ word: RuleAcknowledgement, _ plan: Plan, state: inout PatientState
  ) -> MonitoringEvent? {
    guard let known = plan.allRules.first(where: { $0.id == rule }), var after = state.rules[rule],
      let telling = Machine(rule: known, now: word.at).acknowledge(word, &after)
    else { return nil }
    state.rules[rule] = after
    var event = known.event(telling, after, plan, nil, nil)
    event.acknowledgement = word
    event.reading = nil
    return event
  }

  /// What a rule is not judged by; where a rule judges again, the entry ends.
  static func note(_ reason: NotJudgedReason, _ state: inout RuleState, now: Int64) {
    if var known = state.notJudged, known.because == reason {
      known.count = min(known.count + 1, 1_000_000)
      state.notJudged = known
    } else {
      state.notJudged = .init(because: reason, since: now, count: 1)
    }
  }
}

/// A plan at one moment: what its rules make of a reading.
struct JudgingRound {
  let plan: Plan
  /// What came before the reading.
  var history: PatientHistory
  let clock: PatientClock
  let now: Int64
  /// The built-in rules of the plan.
  let doubtRules: [Rule]
  let watchesPressure: Bool

  init(_ plan: Plan, history: PatientHistory, zone: TimeZoneRules, now: Int64) {
    self.plan = plan
    self.history = history
    clock = PatientClock(zone, around: now)
    self.now = now
    doubtRules = plan.doubtRules
    watchesPressure = plan.watchesPressure
    self.history.setSingleUser(plan.isSingleUser)
  }

  mutating func judge(_ reading: Reading, _ state: inout PatientState) -> Monitor.Outcome {
    var outcome = Monitor.Outcome(evaluation: Evaluation(zone: nil, planVersion: plan.version), events: [])
    let stateBefore = state
    let adopted = adopt(&state)
    let asides = history.asides[.weight]
    let seen = history.sighting(reading)
    var after = history
    after.add(seen)
    if seen.worth[.weight] == .suspect { outcome.flags.append(.suspectPerson) }
    // Whose older weights are has changed: trends are judged again.
    if after.asides[.weight] != asides, seen.worth[.weight] != .suspect { state.isUnsettled = true }
    let judged = Judged(seen: seen, view: HistoryView(after, clock), order: order(of: seen))
    for rule in plan.rules { judge(rule, judged, &state, &outcome) }
    for rule in doubtRules { judgeDoubt(rule, judged, &state, &outcome) }
    if !seen.isPlaced { displace(seen, &state) }
    for index in outcome.events.indices { outcome.events[index].reading = reading.id }
    outcome.events = adopted + outcome.events
    if state != stateBefore { state.note(outcome.events, before: stateBefore, now: now) }
    return outcome
  }

  /// A reading with what is known now.
  struct Judged {
    let seen: Sighting
    /// With this reading in it.
    let view: HistoryView
    let order: Order
  }

  /// Which measures a newer value was taken of: by those of another device only where it is newer by more than five minutes.
  struct Order {
    /// By what is judged.
    var judged = MeasureSet()
    /// By what is not believed, too.
    var seen = MeasureSet()
  }

  private func order(of reading: Sighting) -> Order {
    let (time, device) = (reading.time, reading.device)
    // What lies ahead of the hub's clock orders nothing.
    let last = now.moved(PatientHistory.mostAhead)
    var order = Order()
    for trail in history.trails {
      func isNewer(_ latest: Int64?) -> Bool {
        guard let latest, latest <= last else { return false }
        return trail.device == device ? latest > time : latest.moved(-PatientHistory.together) > time
      }
      for measure in Measure.allCases {
        if isNewer(trail.latest[measure]) { order.judged.insert(MeasureSet(measure)) }
        if isNewer(trail.seen[measure]) { order.seen.insert(MeasureSet(measure)) }
      }
    }
    return order
  }

  // MARK: A rule of the plan

  private func judge(
    _ rule: Rule, _ judged: Judged, _ state: inout PatientState, _ outcome: inout Monitor.Outcome
  ) {
    let seen = judged.seen
    if rule.isTrend {
      guard rule.kind.awaits(seen) || rule.measures.contains(where: { seen.worth[$0] != nil }) else { return }
      judgeTrend(rule, judged, &state, &outcome)
      return
    }
    guard let measure = rule.measures.first, !rule.kind.isTimed, let worth = seen.worth[measure] else { return }
    func refuse(_ reason: NotJudgedReason) { self.refuse(rule, reason, &state, &outcome) }
    if let reason = plan.outOfForce(rule, at: seen.time, clock) { return refuse(reason) }
    guard rule.holdsHours(seen.time, clock) else { return refuse(.outsideHours) }
    switch worth {
    case .test: return refuse(.test)
    case .void, .unbelieved: return refuse(.notBelievable)
    // A change says nothing where the weight may be somebody else's.
    case .suspect where rule.kind is DeltaRule: return refuse(.somebodyElse)
    case .suspect, .doubted, .sound, .accepted: break
    }
    // Of pressures that are not believed nothing else is told.
    if measure != .systolic, measure != .diastolic, measure != .meanArterial, seen.pressure?.isUnbelieved ?? false {
      return refuse(.notBelievable)
    }
    if let above = seen.beyond[measure], isBeyondUnbelieved(rule, measure, above) { return refuse(.notBelievable) }
    let value = SeenValue(
      measure: measure, number: seen.values[measure], above: seen.beyond[measure],
      isDoubted: worth == .doubted || worth == .suspect, reading: seen.reading, id: seen.reading.id, taken: seen.time)
    guard seen.isPlaced else {
      // Judged when the delivery has settled; the reading keeps what is known at its arrival.
      if let finding = rule.kind.finding(of: value, standing: nil) { keep(finding, rule, "pending", &outcome) }
      return
    }
    // Most rules are normal and stay so: nothing of them is kept.
    if !state.holds(rule), seen.confirmed.isEmpty, worth != .doubted, worth != .suspect,
      let finding = rule.kind.finding(of: value, standing: nil), finding.raw.zone == .green
    {
      if isHistory(seen.time) { state.isUnsettled = true }
      return keep(finding, rule, RuleState.Phase.normal.rawValue, &outcome)
    }
    var rules = state.rules[rule.id] ?? RuleState()
    rules.signature = rule.signature
    let (tellings, finding) = step(rule, value, worth, judged, &rules)
    state.rules[rule.id] = rules.isEmpty ? nil : rules
    if !rules.lateDue.isEmpty || isHistory(seen.time) { state.isUnsettled = true }
    guard let finding else { return }
    outcome.events += tellings.map { rule.event($0, rules, plan, seen.reading, nil) }
    keep(finding, rule, isLate(rule, judged, rules) ? "history" : rules.phase.rawValue, &outcome)
  }

  /// A rule does not judge the reading: the rule and the reading say why.
  private func refuse(
    _ rule: Rule, _ reason: NotJudgedReason, _ state: inout PatientState, _ outcome: inout Monitor.Outcome
  ) {
    var rules = state.rules[rule.id] ?? RuleState()
    rules.signature = rule.signature
    Monitor.note(reason, &rules, now: now)
    state.rules[rule.id] = rules
    outcome.evaluation.notJudged.append(.init(rule: rule.id, because: reason.rawValue))
  }

  /// What the reading keeps of a finding.
  private func keep(_ finding: Finding, _ rule: Rule, _ standing: String, _ outcome: inout Monitor.Outcome) {
    outcome.evaluation.zone = max(outcome.evaluation.zone ?? .green, finding.rank.zone)
    if !finding.isGreen {
      outcome.evaluation.rules.append(.init(rule: rule.id, zone: finding.rank.zone, state: standing))
    }
  }

  /// A value beyond all that can be measured on a side on which the plan has no limits, or on which this rule has one that does not hold.
  func isBeyondUnbelieved(_ rule: Rule, _ measure: Measure, _ above: Bool) -> Bool {
    guard let scale = rule.bandScale else { return false }
    return isBeyondUnbelieved(measure, above)
      || (scale.finding(above: above).0.zone == .green && scale.hasZone(above: above, of: measure.usual))
  }

  /// No band of a measure says anything of a value beyond it.
  func isBeyondUnbelieved(_ measure: Measure, _ above: Bool) -> Bool {
    !plan.rules.contains { rule in
      rule.isEnabled && rule.measures == [measure]
        && rule.bandScale.map { $0.finding(above: above).0.zone > .green } ?? false
    }
  }

  // MARK: Steps

  /// A value of a placed reading moves a rule, or waits to be told as an old one.
  private func step(
    _ rule: Rule, _ value: SeenValue, _ worth: Worth, _ judged: Judged, _ state: inout RuleState
  ) -> ([Telling], Finding?) {
    let seen = judged.seen
    let standing = state.phase == .normal ? nil : state.current
    if isLate(rule, judged, state) {
      guard let finding = rule.kind.finding(of: value, standing: nil) else { return ([], nil) }
      // What is older than the live window is judged when the delivery has settled, by all that came.
      if !isHistory(seen.time) { late(finding, rule, &state) }
      return ([], finding)
    }
    let isOlder = isOlder(rule, judged)
    let power = Power(begins: !isOlder, ends: !isOlder && worth != .accepted)
    let machine = Machine(rule: rule, now: now)
    // The value that this one confirms comes first; only what the last one leads to is told.
    var before: [Telling] = []
    if let group = value.number.map({ _ in DoubtGroup(value.measure) }),
      let first = seen.confirmed[group] ?? seen.confirmed[.weight],
      let number = first.values[value.measure]
    {
      let earlier = SeenValue(
        measure: value.measure, number: number, above: nil, isDoubted: false, reading: nil, id: first.id,
        taken: first.time)
      if let finding = rule.kind.finding(of: earlier, standing: standing) {
        before = machine.take(finding, &state, Power(begins: true, ends: false))
      }
    }
    guard let finding = rule.kind.finding(of: value, standing: state.phase == .normal ? nil : state.current) else {
      return ([], nil)
    }
    if isOlder, state.isRaised, !finding.isDoubted, let current = state.current, finding.isOpposite(to: current) {
      // It neither ends what stands nor begins something else: it is told as an old one.
      late(finding, rule, &state)
      return ([], finding)
    }
    var tellings = machine.take(finding, &state, power)
    if tellings.isEmpty { tellings = before }
    if finding.isDoubted, finding.raw.zone == .green {
      Monitor.note(worth == .suspect ? .somebodyElse : .doubted, &state, now: now)
    } else {
      state.notJudged = nil
    }
    return (tellings, finding)
  }

  /// The value is older than the plan's live window, or than the newest one that was judged while nothing stands.
  private func isLate(_ rule: Rule, _ judged: Judged, _ state: RuleState) -> Bool {
    isHistory(judged.seen.time) || state.phase == .normal && isOlder(rule, judged)
  }

  /// The value is older than the plan's live window.
  func isHistory(_ time: Int64) -> Bool { time < now.moved(-plan.liveWindow) }

  /// A newer value of the rule's measures was judged already.
  private func isOlder(_ rule: Rule, _ judged: Judged) -> Bool {
    !rule.measureSet.isDisjoint(with: rule.isDoubt ? judged.order.seen : judged.order.judged)
  }

  // MARK: Trends

  /// Judged when the delivery has settled; the reading keeps what is known at its arrival.
  private func judgeTrend(
    _ rule: Rule, _ judged: Judged, _ state: inout PatientState, _ outcome: inout Monitor.Outcome
  ) {
    let seen = judged.seen
    func refuse(_ reason: NotJudgedReason) { self.refuse(rule, reason, &state, &outcome) }
    if let reason = plan.outOfForce(rule, at: seen.time, clock) { return refuse(reason) }
    guard rule.holdsHours(seen.time, clock) else { return refuse(.outsideHours) }
    guard seen.isPlaced else { return refuse(.noTime) }
    guard rule.kind.awaits(seen) else {
      let worths = rule.measures.compactMap { seen.worth[$0] }
      if worths.contains(.test) { return refuse(.test) }
      if worths.contains(.suspect) { return refuse(.somebodyElse) }
      return refuse(.notBelievable)
    }
    state.isUnsettled = true
    let measure = rule.measures.first { seen.holds($0) }
    var moment = TrendMoment(time: seen.time, id: seen.reading.id.low)
    if let measure {
      moment.value = seen.values[measure] ?? .zero
      moment.isBeyond = seen.values[measure] == nil
      moment.isDoubtful = seen.worth[measure] == .doubted
    }
    let rules = state.holds(rule) ? state.rules[rule.id] : nil
    switch rule.kind.verdict(at: moment, standing: rules?.current, judged.view.within(rule.hours)) {
    case .found(let finding, _):
      let isHistory = isHistory(seen.time) || isOlder(rule, judged)
      let phase = rules?.phase ?? .normal
      keep(
        finding, rule, isHistory ? "history" : (phase == .normal ? RuleState.Phase.pending : phase).rawValue, &outcome)
    case .notJudged(let reason):
      outcome.evaluation.notJudged.append(.init(rule: rule.id, because: reason.rawValue))
    }
  }

  // MARK: What is not believed

  private func judgeDoubt(
    _ rule: Rule, _ judged: Judged, _ state: inout PatientState, _ outcome: inout Monitor.Outcome
  ) {
    let seen = judged.seen
    guard let kind = rule.kind as? DoubtRule,
      let (finding, reason) = kind.finding(
        of: seen, hidesPulse: watchesPressure,
        isBeyondUnbelieved: { measure in seen.beyond[measure].map { isBeyondUnbelieved(measure, $0) } ?? false })
    else { return }
    guard !finding.isGreen || state.holds(rule) else { return }
    guard seen.isPlaced else {
      if !finding.isGreen { keep(finding, rule, "pending", &outcome) }
      return
    }
    var rules = state.rules[rule.id] ?? RuleState()
    rules.signature = rule.signature
    let isLate = isLate(rule, judged, rules)
    let tellings: [Telling]
    if isLate {
      // What is kept is judged when the delivery has settled.
      if !isHistory(seen.time) || !kind.group.measures.contains(where: { seen.holds($0) }) {
        late(finding, rule, &rules)
      }
      tellings = []
      if !finding.isGreen { state.isUnsettled = true }
    } else {
      tellings = stepDoubt(
        rule, kind, finding, reason, seen.values, seen.beyond, isOlder: isOlder(rule, judged), &rules)
    }
    state.rules[rule.id] = rules.isEmpty ? nil : rules
    outcome.events += tellings.map { rule.event($0, rules, plan, seen.reading, nil) }
    if !finding.isGreen { keep(finding, rule, isLate ? "history" : rules.phase.rawValue, &outcome) }
  }

  /// A value that is not believed, or a sound one, moves a built-in rule.
  func stepDoubt(
    _ rule: Rule, _ kind: DoubtRule, _ finding: Finding, _ reason: NotJudgedReason, _ values: PerMeasure<ExactDecimal>,
    _ beyond: PerMeasure<Bool>, isOlder: Bool, ends: Bool = true, _ rules: inout RuleState
  ) -> [Telling] {
    let machine = Machine(rule: rule, now: now)
    guard !finding.isGreen else {
      return machine.take(finding, &rules, Power(begins: !isOlder, ends: ends && !isOlder))
    }
    let date = clock.day(finding.taken)
    var said = PerMeasure<ExactDecimal>()
    for measure in kind.group.measures {
      said[measure] = values[measure] ?? beyond[measure].map { PatientHistory.Point(time: 0, id: 0, above: $0).value }
    }
    let wasRaised = rules.isRaised
    let isKnown = rules.askedAbout.contains { asked in
      asked.date == date && !asked.values.isEmpty
        && asked.values.pairs.allSatisfy { measure, value in said[measure].map { measure.agree($0, value) } ?? false }
    }
    var tellings: [Telling]
    if wasRaised {
      guard !isKnown else { return [] }
      // Rows 13 and 14: another value that cannot be right.
      rules.ask = .init(
        deadline: now.moved(Machine.usualWait), since: now, first: finding.taken, counted: [finding], isSaid: false)
      tellings = machine.question(finding, &rules)
    } else {
      tellings = machine.take(finding, &rules, Power(begins: !isOlder, ends: !isOlder))
    }
    rules.doubt = reason
    rules.askedAbout.append(.init(date: date, values: said))
    if rules.askedAbout.count > Machine.mostDoubts { rules.askedAbout.removeFirst() }
    return tellings
  }
}

extension Rule {
  /// The scale of a rule over single values as they are.
  var bandScale: ZoneScale? { (kind as? BandRule)?.scale }
}
