// Deliveries to backends: what the outboxes are told, and what becomes of their answers.

internal import Readings

extension Gateway {
  mutating func wakeOutboxes(_ now: Now) -> [Effect] {
    guard isStarted else { return [] }
    return outboxes.keys.sorted().flatMap { name in
      outboxes[name]?.wake()
      return advance(name, now)
    }
  }

  /// What a backend's outbox can do now.
  mutating func advance(_ name: String, _ now: Now) -> [Effect] {
    guard isStarted, outboxes[name] != nil else { return [] }
    let cursor = shown.cursors[name] ?? LedgerState.Cursor()
    let view = Outbox.View(
      through: cursor.through, ahead: cursor.ahead, waiting: shown.waiting(name), urgent: shown.urgent)
    return storeAgain(name, now) + (outboxes[name]?.advance(view, now) ?? [])
  }

  /// Answers that the disk refused are written again: what a backend said is not asked twice.
  mutating func storeAgain(_ name: String, _ now: Now) -> [Effect] {
    (outboxes[name]?.toStoreAgain(now) ?? []).flatMap { store(name, $0, now) }
  }

  private mutating func store(_ name: String, _ lane: OutboxLane, _ now: Now) -> [Effect] {
    guard let (word, refusals) = outboxes[name]?[lane].word else { return [] }
    // The reasons first: a word without them would leave a reading parked that nobody knows of.
    return append(
      refusals.map { refusal in
        // What was sent again stands in the journal where it first was.
        var refusal = refusal
        refusal.sequence = state.retries[refusal.sequence]?.original ?? refusal.sequence
        return .refusal(refusal)
      } + [.acknowledgement(word)], backend: name, lane: lane, now: now)
  }

  mutating func fetched(_ request: FetchRequest, _ items: [Deliverable], isAtEnd: Bool, _ now: Now) -> [Effect] {
    let items = withHeartbeat(items, request)
    let effects = outboxes[request.backend]?.fetched(request, items, isAtEnd: isAtEnd) ?? []
    return effects + advance(request.backend, now)
  }

  mutating func delivered(
    _ backend: String, _ lane: OutboxLane, _ outcome: DeliveryOutcome, _ now: Now
  ) -> [Effect] {
    let batch = outboxes[backend]?[lane].batch ?? []
    guard outboxes[backend]?[lane].step == .sending else { return [] }
    var effects: [Effect] = []
    if let error = outboxes[backend]?.delivered(lane, outcome, now: now, random: &jitter) {
      effects.append(.log(.warning, "backend \(backend): \(error)"))
    }
    guard outboxes[backend]?[lane].step == .storing else {
      if lane == .backlog { thawHeartbeat(backend, batch) }
      return effects + advance(backend, now)
    }
    if let followed = heartbeatAnswered(backend, lane, batch, now) { return effects + followed }
    return effects + store(backend, lane, now)
  }
}
