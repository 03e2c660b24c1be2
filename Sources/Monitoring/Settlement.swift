// A delivery has settled: trends are judged over what came, in the order of time. What follows depends on which readings are known
// and on where the rules stood, not on the order in which they came.

package import Readings
package import Zones

extension Monitor {
  /// Judges the trends by all that has come since this was done last, and tells of old readings out of band.
  ///
  /// The newest value of a rule, when it is of now, decides where the rule stands. What lies before it and is out of band, by itself
  /// or because of what came late, is told as late, once a day and rule, and only while the rule is normal: whoever is called
  /// already sees it. What was judged before and is no worse for the new readings is not told again.
  package static func settle(
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
    let clock: PatientClock
    /// What was known without them; seldom asked for.
    lazy var earlier: PatientHistory = since.map { history.leavingOut(fresh, since: $0) } ?? history

    init(_ unsettled: [PatientState.Unsettled], _ history: PatientHistory, _ zone: TimeZoneRules) {
      fresh = Dictionary(unsettled.map { ($0.id.low, $0.id) }, uniquingKeysWith: { first, _ in first })
      since = unsettled.map(\.time).min()
      self.history = history
      clock = PatientClock(zone)
    }
  }
}

/// An old reading out of band.
package struct LateReading: Sendable, Hashable {
  /// How far.
  package var zone: Zone
  /// Milliseconds since 1970.
  package var time: Int64
  /// The reading; nil: one that was known and looks otherwise now.
  package var id: ReadingID?

  /// An old reading out of band.
  package init(zone: Zone, time: Int64, id: ReadingID?) {
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

  /// Nil when nothing new concerns this trend. `live` is the time from which on readings are of now.
  func settled(_ batch: inout Monitor.Batch, before: Zone, live: Int64) -> Settled? {
    guard let since = batch.since else { return nil }
    var moments = kind.moments(since: since, batch.history)
    if let hours { moments.removeAll { !hours.holds(minute: batch.clock.minute($0.time)) } }
    guard moments.contains(where: { batch.fresh[$0.id] != nil }) else { return nil }
    let clock = batch.clock
    var settled = Settled()
    var lastFresh: (time: Int64, index: Int)?
    for (index, moment) in moments.enumerated() {
      let id = batch.fresh[moment.id]
      if id != nil { lastFresh = (moment.time, index) }
      guard let lastFresh, kind.looksBack(from: moment.time, to: lastFresh.time, over: index - lastFresh.index)
      else {
        continue
      }
      if index == moments.count - 1, moment.time >= live {
        settled.newest = kind.zone(at: moment, before: before, batch.history, clock).map {
          LateReading(zone: $0, time: moment.time, id: id)
        }
        continue
      }
      // With too few values for a word there is none: green.
      let zone = kind.zone(at: moment, before: .green, batch.history, clock) ?? .green
      guard zone > .green,
        id != nil || zone > kind.zone(at: moment, before: .green, batch.earlier, clock) ?? .green
      else { continue }
      settled.late = .worse(settled.late, LateReading(zone: zone, time: moment.time, id: id))
    }
    return settled
  }
}
