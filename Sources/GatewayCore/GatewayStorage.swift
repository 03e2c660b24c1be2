// What follows when something is on disk, or is not.

internal import ControlProtocol
internal import Drivers
internal import JSON
internal import Monitoring
internal import Readings
internal import Zones

extension Gateway {
  mutating func appended(_ id: AppendID, _ sequences: [UInt64], _ now: Now) -> [Effect] {
    guard let append = pending.removeValue(forKey: id) else { return [] }
    hasJustSnapshot = append.entries.last?.kind == .snapshot
    var effects: [Effect] = []
    if let failure = journalFailure {
      journalFailure = nil
      effects.append(.log(.notice, "\(failure.failure.code): the journal takes readings again"))
      for name in outboxes.keys.sorted() {
        outboxes[name]?.diskRecovered(now)
        effects += storeAgain(name, now)
      }
      effects += recoverFragments(now)
    }
    var wakes = false
    var isRetry = false
    var isErasure = false
    for (entry, sequence) in zip(append.entries, sequences) {
      switch entry {
      case .reading(let reading):
        inFlight.remove(reading.id)
        state.add(reading, sequence: sequence)
        noteSettling(reading, now)
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
      case .fragmentsTaken(let device, let taken): state.takeFragments(device, taken)
      case .refusal(let refusal): state.add(refusal)
      case .retry(let retry):
        state.add(retry, sequence: sequence)
        isRetry = true
        wakes = true
      case .erase(let patient):
        effects += erasureBegun(patient)
        isErasure = true
      case .erased(let patient, let counts): state.endErasing(patient, counts)
      case .rules(let patient, let rules): takeMark(patient, rules, with: append)
      case .problem, .audit, .snapshot: break
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
    if !isAppending(device) {
      effects += session(device, now) { $0.committed(at: now.monotonic) }
      effects += recoverFragments(of: device, now)
    }
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
    restoreRules(append.rulesBefore, now)
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
      // What time alone brought about is decided anew.
      let mayWait = append.rulesBefore.isEmpty || append.holdsReading
      if append.backend == nil, append.request == nil, mayWait { hold(append.entries, now) }
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
}

extension DeviceState {
  var isBLE: Bool {
    if case .gatt = profile.transport { return true }
    return false
  }
}
