// A plan and readings, one after the other on one clock, as the hub goes through them: for a draft held against what was
// measured, and for stories that say what a plan must lead to.

package import Readings
package import Zones

/// One patient's plan at work.
package struct PlanReplay: Sendable {
  /// What was told, and when.
  package struct Told: Sendable, Hashable {
    /// Milliseconds since 1970.
    package var at: Int64
    /// What was told.
    package var event: MonitoringEvent
  }

  package let plan: Plan
  /// Where its rules stand.
  package private(set) var state: PatientState
  /// What came so far.
  package private(set) var history: PatientHistory
  /// What was told so far, in order.
  package private(set) var told: [Told] = []
  private let zone: TimeZoneRules
  private var now: Int64
  private var seen: Set<ReadingID> = []
  /// Before this nothing is called missing.
  private var settledAt: Int64
  /// A delivery that goes on.
  private var settling: Settling?

  /// A plan that comes into force at `start`, or a hub that starts then with what it kept. For `settling` milliseconds nothing is
  /// called missing: devices still bring what they measured while the hub was off.
  package init(
    plan: Plan, zone: TimeZoneRules, start: Int64, settling: Int64 = 0, state: PatientState = PatientState(),
    history: PatientHistory = PatientHistory()
  ) {
    self.plan = plan
    self.zone = zone
    self.state = state
    self.history = history
    self.history.setSingleUser(plan.isSingleUser)
    now = start
    settledAt = start + max(0, settling)
    // What came before a restart is judged after it.
    if state.isUnsettled { self.settling = Settling(at: start) }
    judgeTime()
  }

  /// A reading arrives at `time`, in milliseconds since 1970. One that came before changes nothing.
  @discardableResult
  package mutating func take(_ reading: Reading, at time: Int64, _ isOver: () -> Bool = { false }) -> Evaluation? {
    pass(to: time, isOver)
    guard seen.insert(reading.id).inserted, !history.contains(reading) else { return nil }
    let outcome = Monitor.judge(reading, by: plan, state: &state, history: history, zone: zone, now: now)
    var judged = reading
    judged.flags += outcome.flags.filter { !judged.flags.contains($0) }
    history.add(judged)
    told += outcome.events.map { Told(at: now, event: $0) }
    state.noteUnsettled(judged)
    if state.isUnsettled {
      let isDisplaced = state.displaced.contains { $0.id == judged.id }
      let isLive = isDisplaced || (judged.takenAt?.milliseconds).map { now - plan.liveWindow <= $0 } ?? false
      var going = settling ?? Settling(at: now)
      going.note(isLive: isLive, count: state.unsettled.count, at: now)
      settling = going
    }
    judgeTime()
    return outcome.evaluation
  }

  /// Lets time pass; everything that falls due is judged when it does.
  /// - Parameter isOver: true when nobody waits for the result any more.
  package mutating func pass(to time: Int64, _ isOver: () -> Bool = { false }) {
    // A plan asks for no more than a few moments a day; the bound is for those that would ask for ever.
    for _ in 0..<100_000 {
      guard !isOver(), let next = nextDue(), next <= time else { break }
      now = max(now, next)
      judgeTime()
    }
    now = max(now, time)
  }

  private func nextDue() -> Int64? {
    let due = Monitor.nextDue(plan, state: state, history: history, devices: [], zone: zone, now: now)
    let settled = settledAt > now ? settledAt : nil
    return [due, settled, settling?.deadline].compactMap { $0 }.min()
  }

  private mutating func judgeTime() {
    var events = Monitor.adopt(plan, state: &state, history: history, zone: zone, now: now)
    // What did not come now is told with what was held until now.
    events += Monitor.due(
      plan, state: &state, history: history, devices: [], zone: zone, now: now, isSettled: now >= settledAt)
    events += Monitor.expire(plan, state: &state, now: now)
    if let going = settling, going.deadline <= now {
      settling = nil
      events += Monitor.settle(plan, state: &state, history: history, zone: zone, now: now)
    }
    told += events.map { Told(at: now, event: $0) }
  }
}
