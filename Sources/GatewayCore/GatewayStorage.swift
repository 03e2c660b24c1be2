// What follows when something is on disk, or is not.

internal import ControlProtocol
internal import Drivers
internal import JSON
internal import Monitoring
internal import Readings
internal import Zones

/// What the disk refused and nobody else keeps: decided anew when it takes records again.
enum Unsaved: Sendable {
  /// A reading of a device without memory: whose it is and what it means is decided anew, because both may have been decided upon
  /// records that are lost as well.
  case reading(Reading)
  /// Something to be told that no reading brings again.
  case event(HubEvent)
  /// The daemon died in this device's session.
  case crash(device: String)
}

extension Gateway {
  mutating func appended(_ id: AppendID, _ sequences: [UInt64], _ now: Now) -> [Effect] {
    guard let append = pending.removeValue(forKey: id) else { return [] }
    let records = ledger.written(id, sequences)
    hasJustSnapshot = records.last?.entry.kind == .snapshot
    // The confirmations and answers that waited for this.
    var effects = append.after
    if let failure = journalFailure {
      journalFailure = nil
      effects.append(.log(.notice, "\(failure.failure.code): the journal takes readings again"))
      for name in outboxes.keys.sorted() {
        outboxes[name]?.diskRecovered(now)
        effects += storeAgain(name, now)
      }
      if !unsaved.isEmpty { retryUnsavedAt = now.monotonic }
      effects += recoverFragments(now)
    }
    var wakes = false
    for (entry, sequence) in records {
      switch entry {
      case .reading(let reading):
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
        effects.append(.publishEvent(event))
        wakes = true
      case .retry: wakes = true
      case .erase(let patient): effects += erasureBegun(patient)
      case .binding: effects += sweepRound(now)
      case .device(let record):
        if let number = record.keys { keys.promote(number) }
        effects += deviceRecorded(record, now)
      case .quarantine(let device, _): effects += crashRecorded(device, now)
      case .session: sessionDeadline = shown.sessions.nextDeadline(now)
      case .imported:
        importing = nil
        effects.append(.importFinished)
      case .swept, .deviceFacts, .plan, .acknowledgement, .fragment, .fragmentsTaken, .refusal, .erased, .rules,
        .problem, .audit, .snapshot:
        break
      }
    }
    for completion in append.parts.compactMap(\.completion) { effects += completed(completion, now) }
    for part in append.parts {
      guard let backend = part.backend else { continue }
      if let lane = part.lane { outboxes[backend]?.stored(lane) }
      effects += advance(backend, now)
    }
    if wakes { effects += wakeOutboxes(now) }
    for device in Set(append.parts.compactMap(\.device)).sorted() { effects += committed(device, now) }
    return effects
  }

  /// A device's records are on disk, and the confirmations went out.
  private mutating func committed(_ device: String, _ now: Now) -> [Effect] {
    devices[device]?.session?.confirmed()
    guard !isAppending(device) else { return [] }
    return session(device, now) { $0.committed(at: now.monotonic) } + recoverFragments(of: device, now)
  }

  /// Something of a device is on its way to the disk, also from before it was configured anew.
  func isAppending(_ device: String) -> Bool {
    pending.values.contains { $0.parts.contains { $0.device == device } } || turn.contains { $0.device == device }
  }

  /// A group is not on disk. Neither is anything behind it: it was decided upon what is lost.
  mutating func appendFailed(_ id: AppendID, _ failure: JournalFailure, _ now: Now) -> [Effect] {
    let lost = ledger.refused(id)
    guard !lost.isEmpty else { return [] }
    var effects: [Effect] = []
    if journalFailure?.failure.code != failure.code {
      effects.append(
        .log(.error, "\(failure.code): \(failure.message); nothing is confirmed until the journal takes readings again")
      )
    }
    journalFailure = (failure, journalFailure?.since ?? now.wall)
    var closed: Set<String> = []
    for group in lost {
      guard let append = pending.removeValue(forKey: group.id) else { continue }
      for case let request? in append.after.map(\.answered) { effects.append(refusal(of: request, failure)) }
      for completion in append.parts.compactMap(\.completion) { effects += notCompleted(completion, now) }
      for entry in append.parts.flatMap(\.entries) { effects += dropped(entry, failure, now) }
      for part in append.parts { effects += dropped(part, &closed, now) }
    }
    return effects
  }

  private func refusal(of request: RequestID, _ failure: JournalFailure) -> Effect {
    .answer(
      request,
      .failure(
        ControlError(code: failure.code, message: failure.message, hint: "free space on the disk, then try again")))
  }

  /// A record that is lost: what else depended on it.
  private mutating func dropped(_ entry: JournalEntry, _ failure: JournalFailure, _ now: Now) -> [Effect] {
    switch entry {
    case .rules(let patient, _):
      // What rules came to is decided anew.
      if state.rules[patient]?.isUnsettled ?? false, settling[patient] == nil {
        settling[patient] = Settling(at: now.monotonic)
      }
      ruleDeadline = min(ruleDeadline ?? .max, now.monotonic + Gateway.refusedRules)
    case .snapshot: needsSnapshot = true
    case .erase(let patient): return (erasures.removeValue(forKey: patient) ?? []).map { refusal(of: $0, failure) }
    case .device(let record): if record.keys != nil { keys.dropCandidate() }
    case .quarantine(let device, _?):
      if crashed.contains(device), unsaved.count < Gateway.mostUnsaved { unsaved.append(.crash(device: device)) }
    case .session: sessionDeadline = now.monotonic + Gateway.refusedRules
    case .imported: importAt = now.monotonic + Gateway.refusedRules
    case .binding, .swept: sweepAt = now.monotonic + Gateway.refusedRules
    case .erased: eraseAgainAt = min(eraseAgainAt ?? .max, now.monotonic + Gateway.refusedRules)
    case .reading(let reading):
      guard reading.anchor == nil, let held = state.held[reading.id] else { break }
      clockState.reading.remove(held.sequence)
      clockState.pausedUntil = now.monotonic + Gateway.refusedRules
    default: break
    }
    return []
  }

  /// When what the disk refused is decided anew, in milliseconds.
  static let refusedRules: Int64 = 5000

  /// The records of one giver are lost.
  private mutating func dropped(
    _ part: PendingAppend.Part, _ closed: inout Set<String>, _ now: Now
  ) -> [Effect] {
    if let backend = part.backend, let lane = part.lane { outboxes[backend]?.storingFailed(lane, now) }
    for (sequence, patient) in part.assigns where loads[sequence] == nil {
      loads[sequence] = [Assignment(patient: patient)]
      reloadAt = now.monotonic + Gateway.refusedRules
    }
    // A device that keeps what is not confirmed sends it again. One without memory has given its only copy: it is held here.
    guard let id = part.device else {
      hold(part, readings: part.isHeld, now)
      return []
    }
    let memory = devices[id]?.profile.memory
    guard let device = devices[id] else { return [] }
    if memory == MemoryBehaviour.none || !device.isBLE && memory != .untilConfirmed {
      hold(part, readings: true, now)
      return []
    }
    guard closed.insert(id).inserted else { return [] }
    if !device.isBLE {
      // Its driver forgets what it would have confirmed.
      let effects = linkClosed(
        id, LinkEnd(code: "ended", message: "the disk takes no readings; the device keeps them"), now)
      devices[id]?.reopenAt = now.monotonic + Gateway.refusedRetry
      return effects + [.close(device: id)]
    }
    // Not in a race: each contact costs the device's battery as much as a reading.
    guard devices[id]?.link != nil else { return [.close(device: id)] }
    devices[id]?.relistAt = now.monotonic + Gateway.refusedRetry
    return [.close(device: id)] + listDevices(now)
  }

  /// Keeps what nobody else keeps for a later try; bounded, the oldest stay.
  private mutating func hold(_ part: PendingAppend.Part, readings: Bool, _ now: Now) {
    for entry in part.entries {
      switch entry {
      // What rules told comes again with the readings and the rules.
      case .event(let event) where event.monitoring == nil:
        if unsaved.count < Gateway.mostUnsaved { unsaved.append(.event(event)) }
      case .reading(let reading) where readings:
        if unsaved.count < Gateway.mostUnsaved { unsaved.append(.reading(reading)) } else { lost += 1 }
      default: break
      }
    }
    if !unsaved.isEmpty, retryUnsavedAt == nil { retryUnsavedAt = now.monotonic + 5000 }
  }

  /// The most of what was held that is tried in one group.
  private static let mostTried = 128

  /// What was held is admitted and judged again.
  mutating func retryUnsaved(_ now: Now) -> [Effect] {
    retryUnsavedAt = nil
    let tried = unsaved.prefix(Gateway.mostTried)
    unsaved.removeFirst(tried.count)
    if !unsaved.isEmpty { retryUnsavedAt = now.monotonic }
    var effects: [Effect] = []
    for item in tried {
      switch item {
      case .event(let event): effects += append([.event(event)], isHeld: true, now: now)
      // What is told of it is held as an event of its own.
      case .crash(let device):
        effects += append([.quarantine(device: device, state.quarantine.crashed(device, at: now.wall))], now: now)
      case .reading(let reading):
        guard !(state.recent[reading.device.id]?.contains(reading.id) ?? false) else { continue }
        var reading = reading
        reading.evaluation = nil
        if let device = devices[reading.device.id] { reading.patient = owner(of: reading, device, now) }
        effects += append(judged(reading, now), isHeld: true, now: now)
      }
    }
    return effects
  }

  /// A reading is held here because the disk refused it: as good as on its way.
  func isUnsaved(_ id: ReadingID) -> Bool {
    unsaved.contains { if case .reading(let reading) = $0 { reading.id == id } else { false } }
  }
}

extension DeviceState {
  var isBLE: Bool {
    if case .gatt = profile.transport { return true }
    return false
  }
}
