// Deliveries to backends: what the outboxes are told, and what becomes of their answers. Only what is durable is delivered.

internal import Exchange
internal import Octets
internal import JSON
internal import Readings
internal import Settings
internal import Ledger

/// Every backend's outbox, and the heartbeats that go with them.
struct Delivery: Sendable {
  enum Input: Sendable {
    case configured
    case started
    /// Something was stored, or may be there again.
    case wake
    case fetched(FetchRequest, [Deliverable], isAtEnd: Bool)
    case delivered(backend: String, OutboxLane, UploadOutcome, mostItems: Int?)
    /// A new heartbeat takes the place of one that still waits.
    case heartbeat(Deliverable, backends: [String])
    case due

    // MARK: Of the disk

    case stored(backend: String, OutboxLane)
    case storingRefused(backend: String, OutboxLane)
    case diskRecovered
    /// A patient is erased.
    case forget(String)
  }

  private var outboxes: [String: Outbox] = [:]
  /// The newest heartbeat that a backend does not have yet, and the one that is on its way. A heartbeat is never stored.
  private var waiting: [String: Deliverable] = [:]
  private var sent: [String: String] = [:]

  /// When something is to be done without an event, monotonic milliseconds.
  var deadline: Int64? { outboxes.values.compactMap(\.nextDeadline).min() }

  mutating func handle(_ input: Input, _ turn: inout Turn) -> [Effect] {
    let effects = decide(input, &turn)
    turn.house.backends = outboxes.mapValues(\.fact)
    return effects
  }

  private mutating func decide(_ input: Input, _ turn: inout Turn) -> [Effect] {
    switch input {
    case .configured:
      configure(&turn)
      return []
    case .started:
      let spread = turn.house.identity.startSpread
      for name in outboxes.keys.sorted() where spread > 0 && turn.durable.waiting(name) > 0 {
        outboxes[name]?.pausedUntil = turn.now.monotonic + turn.jitter.next(0...spread)
      }
      return []
    case .wake:
      guard turn.house.isStarted else { return [] }
      for name in outboxes.keys { outboxes[name]?.wake() }
      return advanceAll(&turn)
    case .due: return advanceAll(&turn)
    case .fetched(let request, let items, let isAtEnd):
      let items = withHeartbeat(items, request, &turn)
      let effects = outboxes[request.backend]?.fetched(request, items, isAtEnd: isAtEnd) ?? []
      return effects + advance(request.backend, &turn)
    case .delivered(let backend, let lane, let outcome, let mostItems):
      return delivered(backend, lane, outcome, mostItems, &turn)
    case .heartbeat(let beat, let backends): return backends.flatMap { took(beat, $0, &turn) }
    case .stored(let backend, let lane):
      outboxes[backend]?.stored(lane)
      return advance(backend, &turn)
    case .storingRefused(let backend, let lane):
      outboxes[backend]?.storingFailed(lane, turn.now)
      return []
    case .diskRecovered:
      for name in outboxes.keys { outboxes[name]?.diskRecovered(turn.now) }
      return outboxes.keys.sorted().flatMap { storeAgain($0, &turn) }
    case .forget(let patient):
      // What waits to be sent again, frozen, is read anew: without the patient.
      for name in outboxes.keys {
        outboxes[name]?.forget { item in
          (try? JSONReader(maximumSize: 1 << 20).value(item.json))?["patient"]?.string == patient
        }
      }
      return []
    }
  }

  private mutating func configure(_ turn: inout Turn) {
    let backends = turn.house.configuration.backends
    for name in outboxes.keys where !backends.contains(where: { $0.name == name }) { outboxes[name] = nil }
    for backend in backends {
      // Who reloads has mended something, perhaps in a file that the configuration only names.
      if outboxes[backend.name]?.configuration == backend {
        outboxes[backend.name]?.tryNow()
      } else if outboxes[backend.name] == nil {
        outboxes[backend.name] = Outbox(backend, limit: turn.head.cursors[backend.name]?.limit)
      } else {
        outboxes[backend.name]?.reconfigure(backend)
      }
    }
  }

  private mutating func advanceAll(_ turn: inout Turn) -> [Effect] {
    outboxes.keys.sorted().flatMap { advance($0, &turn) }
  }

  /// What a backend's outbox can do now.
  private mutating func advance(_ name: String, _ turn: inout Turn) -> [Effect] {
    guard turn.house.isStarted, outboxes[name] != nil else { return [] }
    let cursor = turn.durable.cursors[name] ?? LedgerState.Cursor()
    let view = Outbox.View(
      through: cursor.through, ahead: cursor.ahead, waiting: turn.durable.waiting(name), urgent: turn.durable.urgent)
    return storeAgain(name, &turn) + (outboxes[name]?.advance(view, turn.now) ?? [])
  }

  /// Answers that the disk refused are written again: what a backend said is not asked twice.
  private mutating func storeAgain(_ name: String, _ turn: inout Turn) -> [Effect] {
    (outboxes[name]?.toStoreAgain(turn.now) ?? []).flatMap { store(name, $0, &turn) }
  }

  private mutating func store(_ name: String, _ lane: OutboxLane, _ turn: inout Turn) -> [Effect] {
    guard let (word, refusals) = outboxes[name]?[lane].word else { return [] }
    // What was sent again stands in the journal where it first was.
    let originals = refusals.map { refusal in
      var refusal = refusal
      refusal.sequence = turn.head.retries[refusal.sequence]?.original ?? refusal.sequence
      return JournalEntry.refusal(refusal)
    }
    // The reasons first: a word without them would leave a reading parked that nobody knows of.
    return turn.append(originals + [.acknowledgement(word)], for: .answer(backend: name, lane))
  }

  private mutating func delivered(
    _ backend: String, _ lane: OutboxLane, _ outcome: UploadOutcome, _ mostItems: Int?, _ turn: inout Turn
  ) -> [Effect] {
    let batch = outboxes[backend]?[lane].batch ?? []
    guard outboxes[backend]?[lane].step == .sending else { return [] }
    var effects: [Effect] = []
    if let code = outboxes[backend]?.delivered(
      lane, outcome, mostItems: mostItems, now: turn.now, random: &turn.jitter)
    {
      effects.append(.log(.warning, "backend \(backend): \(code): \(DeliveryWords.text(code))"))
    }
    guard outboxes[backend]?[lane].step == .storing else {
      if lane == .backlog { thawHeartbeat(backend, batch) }
      return effects + advance(backend, &turn)
    }
    if isHeartbeat(backend, lane, batch) {
      // Refused or taken: it is over, and no acknowledgement of anything stored.
      if waiting[backend]?.id == sent[backend] { waiting[backend] = nil }
      sent[backend] = nil
      outboxes[backend]?.stored(lane)
      return effects + advance(backend, &turn)
    }
    return effects + store(backend, lane, &turn)
  }

  // MARK: Heartbeats

  private mutating func took(_ beat: Deliverable, _ backend: String, _ turn: inout Turn) -> [Effect] {
    guard let outbox = outboxes[backend] else { return [] }
    waiting[backend] = beat
    if isHeartbeat(backend, .backlog, outbox.backlog.batch), outbox.backlog.step == .held {
      outboxes[backend]?.thaw([.backlog])
    }
    outboxes[backend]?.wake()
    return advance(backend, &turn)
  }

  /// A heartbeat goes alone, when nothing else is to be sent.
  private mutating func withHeartbeat(
    _ items: [Deliverable], _ request: FetchRequest, _ turn: inout Turn
  ) -> [Deliverable] {
    let backend = request.backend
    guard items.isEmpty, request.lane == .backlog, request.before == nil,
      outboxes[backend]?.backlog.step == .fetching(request), var beat = waiting[backend]
    else { return items }
    beat.sequence = turn.durable.cursors[backend]?.through ?? 0
    sent[backend] = beat.id
    return [beat]
  }

  private func isHeartbeat(_ backend: String, _ lane: OutboxLane, _ batch: [Deliverable]) -> Bool {
    lane == .backlog && batch.count == 1 && batch.first?.id == sent[backend]
  }

  /// A heartbeat that was not taken makes room for a newer one.
  private mutating func thawHeartbeat(_ backend: String, _ batch: [Deliverable]) {
    guard isHeartbeat(backend, .backlog, batch), waiting[backend]?.id != sent[backend] else { return }
    outboxes[backend]?.thaw([.backlog])
  }
}

extension Outbox {
  /// What others may know of it.
  var fact: BackendFact {
    BackendFact(
      configuration: configuration, nextDeadline: nextDeadline, isMisconfigured: isMisconfigured,
      isIdle: backlog.step == .idle && express.step == .idle, oldestWaiting: oldestWaiting, lastSuccess: lastSuccess,
      lastError: lastError, failingSince: failingSince, advice: advice, inFlight: backlog.batch.last?.sequence ?? 0,
      aheadInFlight: express.batch.map(\.sequence))
  }
}
