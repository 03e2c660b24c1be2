// A delivery has settled: trends are judged over what came, in the order of time. What follows depends on which readings are known
// and on where the rules stood, not on the order in which they came.

internal import Readings
package import Zones

extension Monitor {
  /// Judges the trends by all that has come since this was done last, and tells of old readings out of band.
  ///
  /// The newest value of a rule, when it is of now, decides where the rule stands. What lies before it and is out of band, by itself
  /// or because of what came late, is told as late: once a day, rule and direction, and again when it is worse than what was told; while
  /// the rule is raised only when it is worse than that. What was judged before and is no worse for the new readings is not told again.
  package static func settle(
    _ plan: Plan, state: inout PatientState, history: PatientHistory, zone: TimeZoneRules = .utc, now: Int64
  ) -> [MonitoringEvent] {
    guard state.isUnsettled else { return [] }
    let stateBefore = state
    let round = JudgingRound(plan, history: history, zone: zone, now: now)
    var batch = Batch(state.unsettled, HistoryView(round.history, round.clock))
    let unsettled = state.unsettled
    state.isUnsettled = false
    state.unsettled = []
    var events = round.judgeDisplaced(&state)
    for rules in [plan.rules, round.doubtRules] {
      for rule in rules where rule.isEnabled { events += round.settle(rule, unsettled, &batch, &state) }
    }
    events += round.answerDoubt(&state)
    if state != stateBefore { state.note(events, before: stateBefore, now: now) }
    return events
  }

  /// Readings that are new to trends, and what they are held against.
  struct Batch {
    /// By half of the identifier.
    let fresh: [UInt64: ReadingID]
    /// The earliest of them; nil: none has a place in time.
    let since: Int64?
    let view: HistoryView
    /// Some of them are the patient's no more.
    let isWithdrawn: Bool
    /// What was known without them; seldom asked for.
    lazy var earlier = HistoryView(
      since.map { view.history.leavingOut(fresh, since: $0) } ?? view.history, view.clock)

    init(_ unsettled: [PatientState.Unsettled], _ view: HistoryView) {
      fresh = Dictionary(unsettled.map { ($0.id.low, $0.id) }, uniquingKeysWith: { first, _ in first })
      since = unsettled.map(\.time).min()
      self.view = view
      var gone = fresh
      for sign in view.history.signs { gone[sign.id] = nil }
      isWithdrawn = !gone.isEmpty
    }
  }
}

extension JudgingRound {
  /// What a settled delivery means to a rule.
  fileprivate func settle(
    _ rule: Rule, _ unsettled: [PatientState.Unsettled], _ batch: inout Monitor.Batch, _ state: inout PatientState
  ) -> [MonitoringEvent] {
    let isStored = state.holds(rule)
    if !isStored, rule.isTrend, staysNormal(rule, batch) { return [] }
    guard isStored || rule.isTrend || unsettled.contains(where: { isHistory($0.time) }) else { return [] }
    var after = state.rules[rule.id] ?? RuleState()
    if !rule.isTrend, !rule.kind.isTimed { collectLate(rule, unsettled, &after) }
    guard rule.isTrend || !after.lateDue.isEmpty else { return [] }
    after.signature = rule.signature
    var events = rule.isTrend ? settleTrend(rule, &batch, &after) : []
    events += tellLate(rule, &after)
    let isEmpty = after.isEmpty
    if !isEmpty || isStored { state.rules[rule.id] = isEmpty ? nil : after }
    return events
  }

  /// A trend that is normal stays so by the one new reading there is: that is nearly always so, and nothing of it is kept.
  private func staysNormal(_ rule: Rule, _ batch: Monitor.Batch) -> Bool {
    guard !batch.isWithdrawn, batch.fresh.count == 1, let since = batch.since else { return false }
    let view = batch.view.within(rule.hours)
    let moments = rule.kind.moments(since: since, view)
    guard let moment = moments.first else { return true }
    guard moments.count == 1, batch.fresh[moment.id] != nil, moment.time <= now.moved(PatientHistory.mostAhead),
      !isHistory(moment.time), plan.outOfForce(rule, at: moment.time, clock) == nil,
      let finding = rule.kind.verdict(at: moment, standing: nil, view).finding
    else { return false }
    return finding.raw.zone == .green && !finding.isDoubted
  }

  /// What a settled delivery means to a trend.
  func settleTrend(_ rule: Rule, _ batch: inout Monitor.Batch, _ state: inout RuleState) -> [MonitoringEvent] {
    guard let since = batch.since else { return [] }
    let view = batch.view.within(rule.hours)
    // What lies ahead of the hub's clock orders nothing.
    let moments = rule.kind.moments(since: since, view).filter { $0.time <= now.moved(PatientHistory.mostAhead) }
    // A reading that was taken from the patient: where the rule stands hangs on what is left.
    if batch.isWithdrawn, let newest = rule.kind.moments(since: now.moved(-plan.liveWindow), view).last,
      newest.time <= now.moved(PatientHistory.mostAhead), plan.outOfForce(rule, at: newest.time, clock) == nil
    {
      return judgeNewest(rule, newest, nil, view, &state)
    }
    guard moments.contains(where: { batch.fresh[$0.id] != nil }) else { return [] }
    var events: [MonitoringEvent] = []
    var lastFresh: (time: Int64, index: Int)?
    for (index, moment) in moments.enumerated() {
      let id = batch.fresh[moment.id]
      if id != nil { lastFresh = (moment.time, index) }
      guard let lastFresh, plan.outOfForce(rule, at: moment.time, clock) == nil,
        rule.kind.looksBack(from: moment.time, to: lastFresh.time, over: index - lastFresh.index)
      else { continue }
      if index == moments.count - 1, !isHistory(moment.time) {
        events += judgeNewest(rule, moment, id, view, &state)
        continue
      }
      // What is old leaves no zone and enters none: where the rule stands now is nothing to it.
      guard var finding = rule.kind.verdict(at: moment, standing: nil, view).finding, finding.raw.zone > .green else {
        continue
      }
      if id == nil {
        let before = rule.kind.verdict(
          at: moment, standing: nil, batch.earlier.within(rule.hours)
        ).finding
        guard before.map({ $0.raw < finding.raw }) ?? true else { continue }
      }
      finding.reading = id
      late(finding, rule, &state)
    }
    return events
  }

  /// A weight that was asked about is the patient's after all, by what came later: the question is answered.
  func answerDoubt(_ state: inout PatientState) -> [MonitoringEvent] {
    let rule = DoubtRule.weight
    guard state.holds(rule), var after = state.rules[rule.id], after.phase != .normal, let asked = after.current,
      let id = asked.reading,
      history.points(.weight, from: asked.taken, to: asked.taken).contains(where: { $0.id == id.low })
    else { return [] }
    let finding = Finding(.green, value: asked.value, reading: id, taken: asked.taken)
    let tellings = Machine(rule: rule, now: now).take(finding, &after)
    state.rules[rule.id] = after.isEmpty ? nil : after
    return tellings.map { rule.event($0, after, plan, nil, nil) }
  }

  /// Single values that are older than the live window, by what is known of them now: the order in which they came is nothing to it.
  func collectLate(_ rule: Rule, _ readings: [PatientState.Unsettled], _ state: inout RuleState) {
    for reading in readings where isHistory(reading.time) {
      guard plan.outOfForce(rule, at: reading.time, clock) == nil, rule.holdsHours(reading.time, clock) else {
        continue
      }
      if rule.isDoubt, let kind = rule.kind as? DoubtRule {
        guard let value = kind.kept(reading, history, hidesPulse: watchesPressure, isBeyondUnbelieved) else {
          continue
        }
        late(Finding(Rank(.yellow, 1), value: value, reading: reading.id, taken: reading.time), rule, &state)
        continue
      }
      guard let measure = rule.measures.first else { continue }
      let known = history.kept(measure, reading)
      guard let (point, isSuspect) = known, !(isSuspect && rule.kind is DeltaRule) else { continue }
      if let above = point.above, isBeyondUnbelieved(rule, measure, above) { continue }
      let value = SeenValue(measure, point, isDoubted: point.isDoubtful || isSuspect, id: reading.id)
      if let finding = rule.kind.finding(of: value, standing: nil) { late(finding, rule, &state) }
    }
  }

  /// The newest value of a trend, of now, decides where it stands.
  func judgeNewest(
    _ rule: Rule, _ moment: TrendMoment, _ id: ReadingID?, _ view: HistoryView, _ state: inout RuleState,
    because: String? = nil
  ) -> [MonitoringEvent] {
    let verdict = rule.kind.verdict(at: moment, standing: state.phase == .normal ? nil : state.current, view)
    switch verdict {
    case .notJudged(let reason):
      Monitor.note(reason, &state, now: now)
      return []
    case .found(var finding, let note):
      finding.reading = id
      let isAccepted = history.accepted.contains(moment.id) || history.agreed.contains(moment.id)
      state.notJudged = nil
      let tellings = Machine(rule: rule, now: now).take(
        finding, &state, Power(begins: true, ends: !note.endsNothing && !isAccepted))
      return tellings.map { telling in
        var event = rule.event(telling, state, plan, nil, view)
        event.detail.absent = note.absent
        event.detail.points = note.points
        event.detail.reference = event.detail.reference ?? note.reference.map(rule.kind.shown(reference:))
        if let because, event.kind == .cleared { event.detail.because = because }
        return event
      }
    }
  }

  /// Old readings out of band are told: once a day and direction, and again when worse.
  func tellLate(_ rule: Rule, _ state: inout RuleState) -> [MonitoringEvent] {
    let machine = Machine(rule: rule, now: now)
    var events: [MonitoringEvent] = []
    for finding in state.lateDue {
      state.lateTold.removeAll { now.moved(-$0.at) >= Machine.day }
      let told = machine.last(state.lateTold, of: finding.direction)
      let isNews = told.map { machine.isWorse(finding, than: $0.finding) } ?? true
      let isWorse = state.phase == .normal || state.current.map { machine.isWorse(finding, than: $0) } ?? true
      guard isNews, isWorse else {
        Monitor.note(.superseded, &state, now: now)
        continue
      }
      machine.note(&state.lateTold, finding, at: now)
      var telling = Telling(.late, .yellow, finding)
      telling.episode = .init(reading: finding.reading, since: finding.taken)
      events.append(rule.event(telling, state, plan, nil, nil))
    }
    state.lateDue = []
    return events
  }

  /// An old value that is abnormal is told when the delivery has settled: what else comes of it may be worse.
  func late(_ finding: Finding, _ rule: Rule, _ state: inout RuleState) {
    guard finding.raw.zone > .green else { return }
    let machine = Machine(rule: rule, now: now)
    if let index = state.lateDue.firstIndex(where: { $0.direction == finding.direction }) {
      state.lateDue[index] = finding.worst(with: state.lateDue[index], steps: machine.steps(finding))
    } else {
      state.lateDue.append(finding)
    }
  }
}

extension PatientHistory {
  /// A value of a reading that is believed, and whether it may be somebody else's; nil: it has none.
  func kept(_ measure: Measure, _ reading: PatientState.Unsettled) -> (Point, isSuspect: Bool)? {
    if let point = points(measure, from: reading.time, to: reading.time).first(where: { $0.id == reading.id.low }) {
      return (point, false)
    }
    let aside = asides[measure]?.first { $0.id == reading.id.low && $0.time == reading.time }
    return aside.map { ($0, true) }
  }
}

extension DoubtRule {
  /// What of a reading is not believed; nil: nothing.
  func kept(
    _ reading: PatientState.Unsettled, _ history: PatientHistory, hidesPulse: Bool,
    _ isBeyondUnbelieved: (Measure, Bool) -> Bool
  ) -> FindingValue? {
    if group == .pulse, hidesPulse,
      history.isUnbelieved(.systolic, reading) || history.isUnbelieved(.diastolic, reading)
    {
      return nil
    }
    for measure in group.measures {
      if let point = history.unbelieved[measure]?.first(where: { $0.id == reading.id.low && $0.time == reading.time }) {
        return point.found
      }
      guard let (point, isSuspect) = history.kept(measure, reading) else { continue }
      if isSuspect, measure == .weight { return point.found }
      if let above = point.above, isBeyondUnbelieved(measure, above) { return point.found }
    }
    return nil
  }
}

extension PatientHistory {
  fileprivate func isUnbelieved(_ measure: Measure, _ reading: PatientState.Unsettled) -> Bool {
    unbelieved[measure]?.contains { $0.id == reading.id.low && $0.time == reading.time } ?? false
  }
}
