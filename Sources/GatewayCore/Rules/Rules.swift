// Rules: what time and the disk bring about with patients' plans, and where plans come from. How a reading is judged is
// `Turn.judged`: whoever stores a reading judges it.

internal import Zones
internal import Monitoring
internal import Readings
internal import Settings
internal import Ledger

/// What is going on with patients' rules, beside what the ledger holds.
struct Rules: Sendable {
  enum Input: Sendable {
    /// - Parameter: other plans are in force now.
    case configured(Bool)
    case started
    /// The hub's clock was set, in milliseconds.
    case clockStepped(by: Int64)
    /// Everything that time brings about is looked at.
    case expire
    /// Where rules stand has changed: the next round is planned anew.
    case planned
    case answered(backend: String, url: String, PlanAnswer)
    /// A person brings in a plan.
    case change(PulledPlan, RequestID, CallerName)
    /// The oldest change of plans is staged, but for those with a fault, by patient.
    case staged([String: StagingFault])
    case hinted(backend: String, etag: String)
    /// A person wants to see what the backends have.
    case wanted
    case due

    // MARK: Of the disk

    /// The records of a change of plans are on disk, or were refused.
    case changed(PlanChange.Giver, isWritten: Bool)
    case stored(Reading)
    /// Where a patient's rules stand is not on disk.
    case refused(String)
  }

  /// When time brings something about next, monotonic milliseconds.
  var roundAt: Int64?
  /// Deliveries that go on, by patient, on the monotonic clock.
  var settling: [String: Settling] = [:]
  /// What is known of each backend that gives plans, by its name.
  var pulls: [String: PlanPull] = [:]
  /// Plans on their way into force, oldest first; the first is under way.
  var changes: [PlanChange] = []

  /// When something is to be done without an event, monotonic milliseconds.
  var deadline: Int64? { (pulls.values.compactMap(\.nextAt) + [roundAt].compactMap(\.self)).min() }

  mutating func handle(_ input: Input, _ turn: inout Turn) -> [Effect] {
    let effects = decide(input, &turn)
    if !pulls.isEmpty || !turn.house.pulls.isEmpty { turn.house.pulls = pulls }
    return effects
  }

  private mutating func decide(_ input: Input, _ turn: inout Turn) -> [Effect] {
    let now = turn.now
    switch input {
    case .configured(let changesPlans):
      // What was held against other plans is held against these.
      if changesPlans { for name in pulls.keys { pulls[name]?.etag = nil } }
      for (name, pull) in pulls where pull.adopting != nil {
        pulls[name]?.etag = pull.adopting
        pulls[name]?.adopting = nil
      }
      // What is expected from now on.
      if turn.house.isStarted { roundAt = now.monotonic }
      configurePulls(&turn)
    case .started:
      startPulls(&turn)
      resumeSettling(&turn)
      return restartWaits(&turn)
    case .clockStepped(let step): return clockStepped(step, &turn)
    case .expire: return round(&turn)
    case .planned: planRound(&turn)
    case .answered(let backend, let url, let answer): return plansAnswered(backend, url, answer, &turn)
    case .change(let plan, let id, let caller): return change(plan, id, caller, &turn)
    case .staged(let faults): return staged(faults, &turn)
    case .changed(let giver, let isWritten): return changed(giver, isWritten: isWritten, &turn)
    case .hinted(let backend, let etag): plansHinted(backend, etag, &turn)
    case .wanted: plansWanted(&turn)
    case .due:
      let effects = pullsDue(&turn)
      guard let time = roundAt, time <= now.monotonic else { return effects }
      return effects + round(&turn)
    case .stored(let reading):
      noteSettling(reading, &turn)
      // What was missing has come: judged at the next moment, not with the disk's answer.
      if let patient = reading.patient, turn.house.plans[patient]?.isTimed ?? false { roundAt = now.monotonic }
    case .refused(let patient):
      // What rules came to is decided anew.
      if turn.head.rules[patient]?.isUnsettled ?? false, settling[patient] == nil {
        settling[patient] = Settling(at: now.monotonic)
      }
      roundAt = min(roundAt ?? .max, now.monotonic + Turn.refusedPause)
    }
    return []
  }
}
