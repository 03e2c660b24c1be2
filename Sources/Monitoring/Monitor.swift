// Judging a reading by a plan: quality gate, then the rules in order, then the worst zone, then the state of rules over single
// values. Trends wait until the delivery has settled (`Settlement`).

public import Readings
public import Zones

/// Judges readings. All functions are pure: what is known goes in, what follows comes out.
public enum Monitor {
  /// What judging gave.
  public struct Outcome: Sendable, Hashable {
    /// What is stored with the reading.
    public var evaluation: Evaluation
    /// What is to be told.
    public var events: [MonitoringEvent]
    /// What the reading says of itself from now on, such as that somebody else may have stood on the scale.
    public var flags: [ReadingFlag] = []
  }

  /// Judges `reading` by `plan` and moves `state`.
  ///
  /// `now` is the hub's wall clock in milliseconds since 1970, `zone` the patient's, `history` what came before. A reading that
  /// is implausible, from a demonstration or test, or in doubt by the device's own word never gives red alone; an implausible
  /// one is not judged by its value. A reading older than the plan's live window gets its zone and moves nothing; people
  /// hear of it once a day. A reading without a place in time is judged by band rules alone.
  ///
  /// Where `state.isUnsettled` is true afterwards, `settle` has something to say once nothing more comes.
  public static func judge(
    _ reading: Reading, by plan: Plan, state: inout PatientState, history: PatientHistory = PatientHistory(),
    zone: TimeZoneRules = .utc, now: Int64
  ) -> Outcome {
    var outcome = Outcome(evaluation: Evaluation(zone: .green, planVersion: plan.version), events: [])
    let stateBefore = state
    let time = reading.takenAt?.milliseconds
    if let weight = Measure.weight.value(in: reading), let time, history.isSomebodyElse(weight, at: time) {
      outcome.flags.append(.suspectPerson)
    }
    var reading = reading
    reading.flags += outcome.flags.filter { !reading.flags.contains($0) }
    let earlier = history
    var history = history
    history.add(reading)
    let isUnfit = reading.flags.contains { Monitor.isUnfit($0) }
    let values = Measure.values(in: reading)
    let taken = time ?? reading.receivedAt.milliseconds
    let isHistory = now - plan.liveWindow > taken
    var judged = false
    let day: (Int64) -> Int64 = { MissingRule.day($0, zone) }
    for rule in plan.rules where rule.isEnabled {
      if let hours = rule.hours, !hours.holds(minute: MissingRule.minute(taken, zone)) { continue }
      let stored = state.rules[rule.id]
      let before = stored ?? RuleState()
      // What is old leaves no zone and enters none: where the rule stands now is nothing to it.
      let own = rule.zone(
        of: reading, values, taken: time, isUnfit: isUnfit, history, before: isHistory ? .green : before.zone, day: day)
      if own != nil { judged = true }
      let found = own ?? .green
      // A newer value was judged already: an older one confirms or worsens, it neither begins nor ends anything.
      func isOlder() -> Bool { rule.concerns(reading, values) && rule.isOlder(taken, than: earlier) }
      var standing = "history"
      if rule.isTrend {
        // Judged when the delivery has settled; the reading keeps what is known at its arrival.
        if time != nil, rule.awaits(reading, values, isUnfit: isUnfit) { state.isUnsettled = true }
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
  public static func awaitsSettlement(_ reading: Reading, by plan: Plan) -> Bool {
    guard reading.takenAt != nil else { return false }
    let values = Measure.values(in: reading)
    let isUnfit = reading.flags.contains { Monitor.isUnfit($0) }
    return plan.rules.contains { $0.isEnabled && $0.isTrend && $0.awaits(reading, values, isUnfit: isUnfit) }
  }

  /// Somebody has taken notice of what a rule raised. Nil when nothing is raised.
  public static func acknowledge(
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

extension Rule {
  /// The zone that a reading brings this rule to; nil when it does not concern it.
  func zone(
    of reading: Reading, _ values: PerMeasure<ExactDecimal>, taken: Int64?, isUnfit: Bool, _ history: PatientHistory,
    before: Zone, day: (Int64) -> Int64
  ) -> Zone? {
    let isDoubtful = reading.flags.contains { $0.isDoubt }
    func doubted(_ zone: Zone?) -> Zone? { isDoubtful ? zone.map { min($0, .yellow) } : zone }
    switch kind {
    case .band(let band):
      guard !isUnfit else { return nil }
      guard let value = values[band.measure] else {
        return doubted(band.measure.isBeyond(in: reading).map { ZoneLimit.worst(band.zones, above: $0) })
      }
      if let given = band.given, let said = band.measure.reported(in: reading, unit: given.unit) {
        return doubted(ZoneLimit.worst(given.zones, said, before: before, hysteresis: given.hysteresis))
      }
      return doubted(ZoneLimit.worst(band.zones, value, before: before, hysteresis: band.hysteresis))
    case .delta(let delta):
      guard !isUnfit, let taken, let value = values[delta.measure], !reading.flags.contains(.suspectPerson)
      else {
        return nil
      }
      return doubted(delta.zone(of: value, at: taken, id: reading.id.low, history, before: before, day: day))
    case .average(let average):
      guard !isUnfit, let taken, average.measures.contains(where: { values[$0] != nil }) else { return nil }
      return average.zone(at: taken, history, day: day)
    case .consecutive(let consecutive):
      guard !isUnfit, let taken, values[consecutive.measure] != nil else { return nil }
      return doubted(consecutive.zone(at: taken, history))
    case .bits(let bits), .quality(let bits):
      guard let taken, bits.readingKind == nil || bits.readingKind == reading.kind else { return nil }
      return bits.zone(at: taken, history)
    case .missing, .device: return nil
    }
  }

  /// The reading holds something that this rule looks at.
  func concerns(_ reading: Reading, _ values: PerMeasure<ExactDecimal>) -> Bool {
    switch kind {
    case .bits(let bits), .quality(let bits): bits.readingKind == nil || bits.readingKind == reading.kind
    default: measures.contains { values[$0] != nil || $0.isBeyond(in: reading) != nil }
    }
  }

  /// The reading is one of those that this trend looks at.
  func awaits(_ reading: Reading, _ values: PerMeasure<ExactDecimal>, isUnfit: Bool) -> Bool {
    switch kind {
    case .bits(let bits), .quality(let bits): bits.readingKind == nil || bits.readingKind == reading.kind
    default:
      !isUnfit && measures.contains { values[$0] != nil }
    }
  }

  /// A newer reading than one of this time was known to this rule already.
  func isOlder(_ time: Int64, than earlier: PatientHistory) -> Bool {
    switch kind {
    case .bits(let bits), .quality(let bits):
      earlier.newestSigns(bits.readingKind, 1, upTo: .max).contains { $0.time > time }
    default: measures.contains { (earlier.last($0, upTo: .max) ?? .min) > time }
    }
  }

  /// The rule's next state after it came to `zone`, at `time` (milliseconds since 1970), and what is to be told. The wait for a
  /// repeat begins when the reading is known, at `now`.
  func next(
    _ before: RuleState, zone: Zone, at time: Int64, now: Int64
  ) -> (RuleState, [(MonitoringEvent.Kind, Zone)]) {
    var confirm: Confirmation?
    var isImmediate = false
    if case .band(let band) = kind { (confirm, isImmediate) = (band.confirm, band.isImmediate) }
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
