// What time brings about with rules: a repeat that did not come, a delivery that has settled, a measurement that is missing.

internal import Monitoring
internal import Readings
internal import Settings
internal import Zones
internal import Ledger

extension Rules {
  mutating func planRound(_ turn: inout Turn) {
    let now = turn.now
    var times: [Int64] = []
    // Of a patient whose plan is gone nothing is judged.
    for patient in turn.house.plans.keys {
      guard let plan = turn.house.plan(of: patient, turn.head.pauses) else { continue }
      let next = Monitor.nextDue(
        plan, state: turn.head.rules[patient] ?? PatientState(),
        history: turn.head.history[patient] ?? PatientHistory(), devices: facts(plan, &turn),
        zone: turn.house.planZone(plan), now: now.wall, unsetSince: turn.house.clockUnsetSince(now))
      if let next { times.append(next) }
      // Devices still bring what they measured while the hub was off; a clock may come to be right.
      if plan.isTimed, !isSettled(&turn) { times.append(now.wall + Rules.startingUp) }
      if let review = reviewAt(plan, turn.head.rules[patient], turn) { times.append(review) }
    }
    roundAt = (times.map { now.monotonic + max(0, $0 - now.wall) } + settling.values.map(\.deadline)).min()
  }

  /// How long after a start nothing is called missing, in milliseconds.
  static let startingUp: Int64 = 900_000

  private func isSettled(_ turn: inout Turn) -> Bool {
    turn.house.isClockSet && turn.now.monotonic - turn.house.identity.startedAt >= Rules.startingUp
  }

  /// What is known of the devices of a plan's patient; nothing where no rule asks.
  private func facts(_ plan: Plan, _ turn: inout Turn) -> [DeviceFacts] {
    guard plan.isTimed else { return [] }
    let patient = plan.patient
    let bindings = turn.head.bindings
    return turn.house.devices.sorted { $0.key < $1.key }.compactMap { id, device in
      guard
        device.configuration.patient == patient || device.configuration.users.values.contains(patient)
          || bindings.slots.contains(where: { $0.key.device == id && $0.value == patient })
      else { return nil }
      return DeviceFacts(
        battery: device.battery.map { Int($0) }, clockOffset: device.clockOffset,
        lastContact: turn.durable.lastContact(of: device))
    }
  }

  mutating func round(_ turn: inout Turn) -> [Effect] {
    let now = turn.now
    var entries: [JournalEntry] = []
    for patient in Set(turn.head.rules.keys).union(turn.house.plans.keys).union(settling.keys).sorted() {
      if turn.head.erasing.contains(patient) { continue }
      let before = turn.head.rules[patient] ?? PatientState()
      var after = before
      let history = turn.head.history[patient] ?? PatientHistory()
      guard let plan = turn.house.plan(of: patient, turn.head.pauses) else {
        // Nothing is judged by a plan that is gone, nor by the next one.
        let settles = settles(patient, &turn)
        let events = turn.house.isStarted ? Monitor.abandon(patient, state: &after, now: now.wall) : []
        if settles { (after.isUnsettled, after.unsettled, after.displaced) = (false, [], []) }
        guard after != before else { continue }
        entries.append(.rules(patient: patient, after))
        let offset = turn.house.offset(at: now.wall)
        entries += events.map { .event(HubEvent($0, at: now.wall, offsetSeconds: offset, reading: $0.reading)) }
        continue
      }
      let zone = turn.house.planZone(plan)
      var events = Monitor.adopt(plan, state: &after, history: history, zone: zone, now: now.wall)
      // What did not come now is told with what was held until now.
      events += Monitor.due(
        plan, state: &after, history: history, devices: facts(plan, &turn), zone: zone, now: now.wall,
        isSettled: isSettled(&turn), unsetSince: turn.house.clockUnsetSince(now))
      events += Monitor.expire(plan, state: &after, now: now.wall)
      if settles(patient, &turn) {
        events += Monitor.settle(plan, state: &after, history: history, zone: zone, now: now.wall)
      }
      let review = review(plan, &after, turn)
      guard after != before else { continue }
      entries.append(.rules(patient: patient, after))
      if let review { entries.append(.event(review)) }
      let offset = Int32(clamping: zone.local(at: now.wall / 1000).offset)
      entries += events.map { .event(HubEvent($0, at: now.wall, offsetSeconds: offset, reading: $0.reading)) }
    }
    entries += pausesOver(&turn)
    let effects = turn.append(entries)
    planRound(&turn)
    return effects
  }

  // MARK: Plans that are due for a review

  /// How often people are reminded that a plan is due for a review, in milliseconds.
  private static let reviewPause: Int64 = 7 * 86_400_000

  /// When people are told next that a plan is due for a review, in milliseconds since 1970; nil: never.
  private func reviewAt(_ plan: Plan, _ state: PatientState?, _ turn: Turn) -> Int64? {
    guard let day = plan.reviewBy, turn.house.isClockSet else { return nil }
    let first = PatientClock(turn.house.planZone(plan)).instant(day: day, minute: 0)
    return max(first, state?.reviewToldAt.map { $0 + Rules.reviewPause } ?? first)
  }

  /// A plan is due for a review, once a week.
  private func review(_ plan: Plan, _ state: inout PatientState, _ turn: Turn) -> HubEvent? {
    let now = turn.now
    guard turn.house.isStarted, let at = reviewAt(plan, state, turn), at <= now.wall else { return nil }
    state.reviewToldAt = now.wall
    let message = "the plan of \(plan.patient), version \(plan.version), is due for a review; judging goes on"
    return turn.house.event("plan.review-due", message, now)
  }

  // MARK: The hub's clock

  /// Waits and quiet periods run on a clock that never steps: where the hub's is set, their instants move with it.
  mutating func clockStepped(_ step: Int64, _ turn: inout Turn) -> [Effect] {
    let now = turn.now
    // What a hub without the time noted since its start is moved; what it knew before was right.
    let old = now.wall - step
    let since = turn.house.clockWasSet ? Int64.min : old - max(0, now.monotonic - turn.house.identity.startedAt)
    var entries: [JournalEntry] = []
    for (patient, before) in turn.head.rules.sorted(by: { $0.key < $1.key }) where !turn.head.erasing.contains(patient)
    {
      var after = before
      after.shift(by: step, from: since, to: turn.house.clockWasSet ? .max : old)
      if after != before { entries.append(.rules(patient: patient, after)) }
    }
    roundAt = now.monotonic
    return turn.append(entries)
  }

  /// A hub that starts without the time does not know how long it was off: waits begin anew.
  mutating func restartWaits(_ turn: inout Turn) -> [Effect] {
    guard !turn.house.isClockSet else { return [] }
    var entries: [JournalEntry] = []
    for (patient, before) in turn.head.rules.sorted(by: { $0.key < $1.key }) where !turn.head.erasing.contains(patient)
    {
      var after = before
      after.restartWaits(at: turn.now.wall)
      if after != before { entries.append(.rules(patient: patient, after)) }
    }
    return turn.append(entries)
  }

  // MARK: Deliveries

  /// A reading is on disk: its patient's trends are judged when nothing more comes.
  mutating func noteSettling(_ reading: Reading, _ turn: inout Turn) {
    let now = turn.now
    // A reading that was withdrawn leaves the trends of the patient whose it was.
    guard let patient = reading.patient ?? reading.correction?.patient, let rules = turn.head.rules[patient],
      rules.isUnsettled
    else { return }
    let window = turn.house.plans[patient]?.liveWindow ?? 0
    // What has no place in time that is believed is judged as of now.
    let isDisplaced = rules.displaced.contains { $0.id == reading.id }
    let isLive = isDisplaced || (reading.takenAt?.milliseconds).map { now.wall - window <= $0 } ?? false
    settling[patient, default: Settling(at: now.monotonic)].note(
      isLive: isLive, count: rules.unsettled.count, at: now.monotonic)
    planSettling(patient)
  }

  /// What waited when the daemon ended.
  mutating func resumeSettling(_ turn: inout Turn) {
    let now = turn.now
    for (patient, rules) in turn.head.rules where rules.isUnsettled { settling[patient] = Settling(at: now.monotonic) }
  }

  private mutating func planSettling(_ patient: String) {
    if let deadline = settling[patient]?.deadline { roundAt = min(roundAt ?? .max, deadline) }
  }

  /// A patient's delivery has settled, and all of it is on disk: who reads the journal after a restart must find in front of the
  /// word what it was said of.
  private mutating func settles(_ patient: String, _ turn: inout Turn) -> Bool {
    let now = turn.now
    guard let going = settling[patient], going.deadline <= now.monotonic else { return false }
    let isWriting = turn.underway.contains {
      guard case .reading(let reading) = $0 else { return false }
      return reading.patient == patient || reading.correction?.patient == patient
    }
    if isWriting { settling[patient]?.postpone(at: now.monotonic) } else { settling[patient] = nil }
    return !isWriting
  }
}

extension Plan {
  /// Some rule is judged by time alone.
  var isTimed: Bool {
    rules.contains { $0.isEnabled && $0.kind.isTimed }
  }
}
