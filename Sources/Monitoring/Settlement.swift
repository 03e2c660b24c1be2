// A delivery has settled: trends are judged over what came, in the order of time. What follows depends on which readings are known
// and on where the rules stood, not on the order in which they came.

public import Readings
public import Zones

extension Monitor {
  /// Judges the trends by all that has come since this was done last, and tells of old readings out of band.
  ///
  /// The newest value of a rule, when it is of now, decides where the rule stands. What lies before it and is out of band, by itself
  /// or because of what came late, is told as late, once a day and rule, and only while the rule is normal: whoever is called
  /// already sees it. What was judged before and is no worse for the new readings is not told again.
  public static func settle(
    _ plan: Plan, state: inout PatientState, history: PatientHistory, zone: TimeZoneRules = .utc, now: Int64
  ) -> [MonitoringEvent] {
    guard state.isUnsettled else { return [] }
    let stateBefore = state
    var batch = Batch(state.unsettled, history, zone)
    state.isUnsettled = false
    state.unsettled = []
    var events: [MonitoringEvent] = []
    for rule in plan.rules where rule.isEnabled {
      let stored = state.rules[rule.id]
      guard rule.isTrend || stored?.lateDue != nil else { continue }
      let found = rule.isTrend ? rule.settled(&batch, before: stored?.zone ?? .green, live: now - plan.liveWindow) : nil
      // Nothing was, nothing is.
      if stored == nil, found?.late == nil, (found?.newest?.zone ?? .green) == .green { continue }
      let before = stored ?? RuleState()
      var after = before
      after.lateDue = nil
      var late = before.lateDue
      if let found {
        late = before.phase == .normal ? found.late : nil
        if let newest = found.newest {
          var kinds: [(MonitoringEvent.Kind, Zone)]
          (after, kinds) = rule.next(after, zone: newest.zone, at: newest.time, now: now)
          kinds = rule.told(kinds, before: before, after: &after, now: now)
          for (kind, zone) in kinds {
            var event = rule.event(kind, zone, plan)
            event.reading = newest.id
            events.append(event)
          }
        }
      }
      if let late, after.phase == .normal, after.lateAt.map({ now - $0 >= 86_400_000 }) ?? true {
        after.lateAt = now
        var event = rule.event(.late, .yellow, plan)
        event.reading = late.id
        events.append(event)
      }
      if after != before { state.rules[rule.id] = after == RuleState() ? nil : after }
    }
    if state != stateBefore { state.note(events, before: stateBefore, now: now) }
    return events
  }

  /// Readings that are new to trends, and what they are held against.
  struct Batch {
    /// By half of the identifier.
    let fresh: [UInt64: ReadingID]
    /// The earliest of them; nil: none has a place in time.
    let since: Int64?
    let history: PatientHistory
    let zone: TimeZoneRules
    /// The day of an instant on the patient's clock.
    let day: (Int64) -> Int64
    /// What was known without them; seldom asked for.
    lazy var earlier: PatientHistory = since.map { history.leavingOut(fresh, since: $0) } ?? history

    init(_ unsettled: [PatientState.Unsettled], _ history: PatientHistory, _ zone: TimeZoneRules) {
      fresh = Dictionary(unsettled.map { ($0.id.low, $0.id) }, uniquingKeysWith: { first, _ in first })
      since = unsettled.map(\.time).min()
      self.history = history
      self.zone = zone
      day = { MissingRule.day($0, zone) }
    }
  }
}

/// An old reading out of band.
public struct LateReading: Sendable, Hashable {
  /// How far.
  public var zone: Zone
  /// Milliseconds since 1970.
  public var time: Int64
  /// The reading; nil: one that was known and looks otherwise now.
  public var id: ReadingID?

  /// An old reading out of band.
  public init(zone: Zone, time: Int64, id: ReadingID?) {
    self.zone = zone
    self.time = time
    self.id = id
  }

  /// The worse of two, of equals the newer.
  static func worse(_ one: LateReading?, _ other: LateReading?) -> LateReading? {
    guard let one, let other else { return one ?? other }
    let low: (LateReading) -> UInt64 = { $0.id?.low ?? 0 }
    return (one.zone, one.time, low(one)) < (other.zone, other.time, low(other)) ? other : one
  }
}

extension Rule {
  /// What a settled delivery means to a trend.
  struct Settled {
    /// Where the rule stands now; nil: the newest value is not of now, untouched, or says nothing.
    var newest: LateReading?
    /// The worst that is told as old.
    var late: LateReading?
  }

  /// One reading that a trend looks at.
  private struct Moment {
    var time: Int64
    var id: UInt64
    var value = ExactDecimal.zero
    var isDoubtful = false
  }

  /// Nil when nothing new concerns this trend. `live` is the time from which on readings are of now.
  func settled(_ batch: inout Monitor.Batch, before: Zone, live: Int64) -> Settled? {
    guard let since = batch.since else { return nil }
    var moments = moments(since, batch.history)
    if let hours { moments.removeAll { !hours.holds(minute: MissingRule.minute($0.time, batch.zone)) } }
    guard moments.contains(where: { batch.fresh[$0.id] != nil }) else { return nil }
    let day = batch.day
    var settled = Settled()
    var lastFresh: (time: Int64, index: Int)?
    for (index, moment) in moments.enumerated() {
      let id = batch.fresh[moment.id]
      if id != nil { lastFresh = (moment.time, index) }
      guard let lastFresh, looksBack(from: moment.time, to: lastFresh.time, over: index - lastFresh.index) else {
        continue
      }
      if index == moments.count - 1, moment.time >= live {
        settled.newest = zone(at: moment, batch.history, before: before, day).map {
          LateReading(zone: $0, time: moment.time, id: id)
        }
        continue
      }
      // With too few values for a word there is none: green.
      let zone = zone(at: moment, batch.history, before: .green, day) ?? .green
      guard zone > .green,
        id != nil || zone > self.zone(at: moment, batch.earlier, before: .green, day) ?? .green
      else { continue }
      settled.late = .worse(settled.late, LateReading(zone: zone, time: moment.time, id: id))
    }
    return settled
  }

  /// A reading sees one that lies so far back, with so many readings from there to it.
  private func looksBack(from time: Int64, to earlier: Int64, over count: Int) -> Bool {
    // Whole days of a window are the patient's: one more day is enough.
    func reaches(_ window: Int64) -> Bool {
      time <= earlier.addingReportingOverflow(window.addingReportingOverflow(26 * 3_600_000).partialValue).partialValue
    }
    switch kind {
    case .delta(let rule): return reaches(rule.window)
    case .average(let rule): return reaches(rule.window)
    case .consecutive(let rule): return count < rule.of
    case .bits(let rule), .quality(let rule): return count < rule.of
    case .band, .missing, .device: return false
    }
  }

  /// What a trend looks at from `since` on, in the order of time.
  private func moments(_ since: Int64, _ history: PatientHistory) -> [Moment] {
    func moments(_ measure: Measure) -> [Moment] {
      history.points(measure, from: since, to: .max).map {
        Moment(time: $0.time, id: $0.id, value: $0.value, isDoubtful: $0.isDoubtful)
      }
    }
    switch kind {
    case .delta(let rule): return moments(rule.measure)
    case .consecutive(let rule): return moments(rule.measure)
    case .average(let rule):
      guard rule.measures.count > 1 else { return rule.measures.first.map(moments) ?? [] }
      var seen: Set<UInt64> = []
      return rule.measures.flatMap(moments).filter { seen.insert($0.id).inserted }
        .sorted { ($0.time, $0.id) < ($1.time, $1.id) }
    case .bits(let rule), .quality(let rule):
      return history.signs.filter { $0.time >= since && (rule.readingKind == nil || $0.kind == rule.readingKind) }
        .map { Moment(time: $0.time, id: $0.id) }
    case .band, .missing, .device: return []
    }
  }

  private func zone(
    at moment: Moment, _ history: PatientHistory, before: Zone, _ day: (Int64) -> Int64
  ) -> Zone? {
    func capped(_ zone: Zone?) -> Zone? { moment.isDoubtful ? zone.map { min($0, .yellow) } : zone }
    switch kind {
    case .delta(let rule):
      return capped(
        rule.zone(of: moment.value, at: moment.time, id: moment.id, history, before: before, day: day))
    case .average(let rule): return rule.zone(at: moment.time, history, day: day)
    case .consecutive(let rule): return capped(rule.zone(at: moment.time, history))
    case .bits(let rule), .quality(let rule): return rule.zone(at: moment.time, history)
    case .band, .missing, .device: return nil
    }
  }
}
