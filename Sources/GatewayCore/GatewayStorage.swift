// What follows when something is on disk, or is not; deliveries; the rules' deadlines.

internal import ControlProtocol
internal import Drivers
internal import JSON
internal import Monitoring
internal import Readings
internal import Zones

extension Gateway {
  mutating func appended(_ id: AppendID, _ sequences: [UInt64], _ now: Now) -> [Effect] {
    guard let append = pending.removeValue(forKey: id) else { return [] }
    var effects: [Effect] = []
    if let failure = journalFailure {
      journalFailure = nil
      effects.append(.log(.notice, "\(failure.failure.code): the journal takes readings again"))
      for name in outboxes.keys.sorted() {
        outboxes[name]?.diskRecovered(now)
        effects += storeAgain(name, now)
      }
    }
    var wakes = false
    var isRetry = false
    var isErasure = false
    for (entry, sequence) in zip(append.entries, sequences) {
      switch entry {
      case .reading(let reading):
        inFlight.remove(reading.id)
        state.add(reading, sequence: sequence)
        if !clockState.reading.isEmpty {
          clockState.reading = clockState.reading.filter { number in
            state.held.values.contains { $0.sequence == number }
          }
        }
        effects += provenMeanwhile(reading.id, of: reading.device.id, sequence: sequence)
        devices[reading.device.id]?.readings += 1
        // What was missing has come: judged at the next moment, not with the disk's answer.
        if let patient = reading.patient, plans[patient]?.isTimed ?? false { ruleDeadline = now.monotonic }
        effects.append(.publishReading(reading, sequence: sequence))
        wakes = true
      case .event(let event):
        state.add(event: event, sequence: sequence)
        effects.append(.publishEvent(event))
        wakes = true
      case .acknowledgement(let word):
        state.add(word)
        if let lane = append.lane { outboxes[word.backend]?.stored(lane) }
        effects += advance(word.backend, now)
      case .fragment(let device, let raw): state.fragments[device, default: []].append(raw)
      case .fragmentsTaken(let device): state.fragments[device] = nil
      case .refusal(let refusal): state.add(refusal)
      case .retry(let retry):
        state.add(retry, sequence: sequence)
        isRetry = true
        wakes = true
      case .erase(let patient):
        effects += erasureBegun(patient)
        isErasure = true
      case .erased(let patient, let counts): state.endErasing(patient, counts)
      case .rules, .problem, .audit, .snapshot: break
      }
    }
    // An erasure is answered when it is complete.
    if let request = append.request, !isErasure {
      effects.append(.answer(request, .result(isRetry ? ["retrying": true] : ["assigned": true])))
    }
    if wakes { effects += wakeOutboxes(now) }
    guard let device = append.device, !append.entries.isEmpty else { return effects }
    // The confirmations stood in the same list.
    devices[device]?.session?.confirmed()
    if !isAppending(device) { effects += session(device, now) { $0.committed(at: now.monotonic) } }
    return effects
  }

  /// Something of a device is on its way to the disk, also from before it was configured anew.
  func isAppending(_ device: String) -> Bool { pending.values.contains { $0.device == device } }

  mutating func appendFailed(_ id: AppendID, _ failure: JournalFailure, _ now: Now) -> [Effect] {
    guard let append = pending.removeValue(forKey: id) else { return [] }
    var effects: [Effect] = []
    if journalFailure?.failure.code != failure.code {
      effects.append(
        .log(.error, "\(failure.code): \(failure.message); nothing is confirmed until the journal takes readings again")
      )
    }
    journalFailure = (failure, journalFailure?.since ?? now.wall)
    for (patient, before) in append.rulesBefore { state.rules[patient] = before.rules.isEmpty ? nil : before }
    for case .reading(let reading) in append.entries { inFlight.remove(reading.id) }
    for case .erase(let patient) in append.entries { erasures[patient]?.removeAll { $0 == append.request } }
    if let backend = append.backend, let lane = append.lane { outboxes[backend]?.storingFailed(lane, now) }
    if let request = append.request {
      effects.append(
        .answer(
          request,
          .failure(.init(code: failure.code, message: failure.message, hint: "free space on the disk, then try again")))
      )
    }
    // A device that keeps what is not confirmed sends it again. One without memory has given its only copy: it is held here.
    guard let id = append.device else {
      if append.backend == nil, append.request == nil { hold(append.entries, now) }
      return effects
    }
    let memory = devices[id]?.profile.memory
    if let device = devices[id], memory == MemoryBehaviour.none || !device.isBLE && memory != .untilConfirmed {
      hold(append.entries, now)
    } else if let device = devices[id], !device.isBLE {
      // Its driver forgets what it would have confirmed.
      effects += linkClosed(
        id, LinkEnd(code: "ended", message: "the disk takes no readings; the device keeps them"), now)
      effects.append(.close(device: id))
      devices[id]?.reopenAt = now.monotonic + Gateway.refusedRetry
    } else {
      effects.append(.close(device: id))
      // Not in a race: each contact costs the device's battery as much as a reading.
      if devices[id]?.link != nil {
        devices[id]?.relistAt = now.monotonic + Gateway.refusedRetry
        effects += listDevices(now)
      }
    }
    return effects
  }

  /// Keeps readings and events for a later try; bounded, the oldest stay.
  private mutating func hold(_ entries: [JournalEntry], _ now: Now) {
    let kept = entries.filter {
      switch $0 {
      case .reading, .event, .rules: true
      default: false
      }
    }
    let room = max(0, Gateway.mostUnsaved - unsaved.count)
    unsaved += kept.prefix(room)
    lost += kept.dropFirst(room).count { if case .reading = $0 { true } else { false } }
    // Held is as good as in flight: what a device sends again meanwhile is not stored twice.
    for case .reading(let reading) in unsaved { inFlight.insert(reading.id) }
    if !unsaved.isEmpty, retryUnsavedAt == nil { retryUnsavedAt = now.monotonic + 5000 }
  }

  // MARK: Rules that wait for a repeat

  mutating func planRuleDeadline(_ now: Now) {
    var times = state.rules.values.compactMap(\.nextDeadline)
    for plan in plans.values where plan.isTimed {
      let next = Monitor.nextDue(
        plan, state: state.rules[plan.patient] ?? PatientState(),
        history: state.history[plan.patient] ?? PatientHistory(),
        devices: facts(plan.patient), zone: planZone(plan), now: now.wall)
      if let next { times.append(next) }
      // Devices still bring what they measured while the hub was off; a clock may come to be right.
      if !isSettled(now) { times.append(now.wall + Gateway.settling) }
    }
    ruleDeadline = times.min().map { now.monotonic + max(0, $0 - now.wall) }
  }

  /// How long after a start nothing is called missing, in milliseconds.
  static let settling: Int64 = 900_000

  private func isSettled(_ now: Now) -> Bool {
    now.isSynchronised && now.monotonic - identity.startedAt >= Gateway.settling
  }

  func planZone(_ plan: Plan) -> TimeZoneRules {
    plan.timeZone.flatMap { zones[$0] } ?? zones[configuration.timeZone] ?? .utc
  }

  /// What is known of a patient's devices.
  private func facts(_ patient: String) -> [DeviceFacts] {
    devices.keys.sorted().compactMap { id in
      guard let device = devices[id],
        device.configuration.patient == patient || device.configuration.users.values.contains(patient)
          || bindings.slots.contains(where: { $0.key.device == id && $0.value == patient })
      else { return nil }
      return DeviceFacts(
        battery: device.battery.map { Int($0) }, clockOffset: device.clock?.offset, lastContact: device.lastContact)
    }
  }

  mutating func expireRules(_ now: Now) -> [Effect] {
    var entries: [JournalEntry] = []
    var rulesBefore: [String: PatientState] = [:]
    for patient in Set(state.rules.keys).union(plans.keys).sorted() {
      guard let plan = plans[patient] else { continue }
      let before = state.rules[patient] ?? PatientState()
      var after = before
      var events = Monitor.expire(plan, state: &after, now: now.wall)
      if plan.isTimed, now.isSynchronised {
        events += Monitor.due(
          plan, state: &after, history: state.history[patient] ?? PatientHistory(), devices: facts(patient),
          zone: planZone(plan), now: now.wall, isSettled: isSettled(now))
      }
      guard after != before else { continue }
      rulesBefore[patient] = before
      state.rules[patient] = after.rules.isEmpty ? nil : after
      entries.append(.rules(patient: patient, after))
      let offset = Int32(clamping: planZone(plan).local(at: now.wall / 1000).offset)
      entries += events.map { .event(HubEvent($0, at: now.wall, offsetSeconds: offset, reading: nil)) }
    }
    planRuleDeadline(now)
    return entries.isEmpty ? [] : append(entries, rulesBefore: rulesBefore, now: now)
  }
}

extension Plan {
  /// Some rule is judged by time alone.
  var isTimed: Bool {
    rules.contains { rule in
      switch rule.kind {
      case .missing, .device: rule.isEnabled
      default: false
      }
    }
  }
}

extension DeviceState {
  var isBLE: Bool {
    if case .gatt = profile.transport { return true }
    return false
  }
}
