// What time brings about with rules: a repeat that did not come, a delivery that has settled, a measurement that is missing.

internal import Monitoring
internal import Readings
internal import Settings
internal import Zones
internal import Ledger

extension Rules {
  mutating func planRound(_ turn: inout Turn) {
    let now = turn.now
    // Of a patient whose plan is gone nothing is judged.
    var times = turn.head.rules.filter { turn.house.plans[$0.key] != nil }.values.compactMap(\.nextDeadline)
    for plan in turn.house.plans.values where plan.isTimed {
      let next = Monitor.nextDue(
        plan, state: turn.head.rules[plan.patient] ?? PatientState(),
        history: turn.head.history[plan.patient] ?? PatientHistory(),
        devices: facts(plan.patient, &turn), zone: turn.house.planZone(plan), now: now.wall)
      if let next { times.append(next) }
      // Devices still bring what they measured while the hub was off; a clock may come to be right.
      if !isSettled(&turn) { times.append(now.wall + Rules.startingUp) }
    }
    roundAt = (times.map { now.monotonic + max(0, $0 - now.wall) } + settling.values.map(\.deadline)).min()
  }

  /// How long after a start nothing is called missing, in milliseconds.
  static let startingUp: Int64 = 900_000

  private func isSettled(_ turn: inout Turn) -> Bool {
    turn.now.isSynchronised && turn.now.monotonic - turn.house.identity.startedAt >= Rules.startingUp
  }

  /// What is known of a patient's devices.
  private func facts(_ patient: String, _ turn: inout Turn) -> [DeviceFacts] {
    let bindings = turn.head.bindings
    return turn.house.devices.sorted { $0.key < $1.key }.compactMap { id, device in
      guard
        device.configuration.patient == patient || device.configuration.users.values.contains(patient)
          || bindings.slots.contains(where: { $0.key.device == id && $0.value == patient })
      else { return nil }
      return DeviceFacts(
        battery: device.battery.map { Int($0) }, clockOffset: device.clockOffset, lastContact: device.lastContact)
    }
  }

  mutating func round(_ turn: inout Turn) -> [Effect] {
    let now = turn.now
    var entries: [JournalEntry] = []
    for patient in Set(turn.head.rules.keys).union(turn.house.plans.keys).union(settling.keys).sorted() {
      let before = turn.head.rules[patient] ?? PatientState()
      var after = before
      guard let plan = turn.house.plans[patient] else {
        // Nothing is judged by a plan that is gone, nor by the next one.
        guard settles(patient, &turn), before.isUnsettled else { continue }
        (after.isUnsettled, after.unsettled) = (false, [])
        entries.append(.rules(patient: patient, after))
        continue
      }
      var events = Monitor.expire(plan, state: &after, now: now.wall)
      after.forgetRules(besides: plan)
      if settles(patient, &turn) {
        events += Monitor.settle(
          plan, state: &after, history: turn.head.history[patient] ?? PatientHistory(), zone: turn.house.planZone(plan),
          now: now.wall)
      }
      if plan.isTimed, now.isSynchronised {
        events += Monitor.due(
          plan, state: &after, history: turn.head.history[patient] ?? PatientHistory(), devices: facts(patient, &turn),
          zone: turn.house.planZone(plan), now: now.wall, isSettled: isSettled(&turn))
      }
      guard after != before else { continue }
      entries.append(.rules(patient: patient, after))
      let offset = Int32(clamping: turn.house.planZone(plan).local(at: now.wall / 1000).offset)
      entries += events.map { .event(HubEvent($0, at: now.wall, offsetSeconds: offset, reading: $0.reading)) }
    }
    let effects = turn.append(entries)
    planRound(&turn)
    return effects
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
    let isLive = (reading.takenAt?.milliseconds).map { now.wall - window <= $0 } ?? false
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
