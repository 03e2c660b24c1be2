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
    /// What is known of a backend and compressed requests changed.
    case compressionKnown(backend: String, RequestCompression.State)
    case due

    // MARK: Of the disk

    case stored(backend: String, OutboxLane)
    case storingRefused(backend: String, OutboxLane)
    case diskRecovered
    /// A technician asked for what a backend refused to be sent again.
    case retried(backend: String)
    /// A patient is erased.
    case forget(String)
  }

  private var outboxes: [String: Outbox] = [:]
  /// The newest heartbeat that a backend does not have yet, and the one that is on its way. A heartbeat is never stored.
  private var waiting: [String: Deliverable] = [:]
  private var sent: [String: String] = [:]
  /// What is known of backends and compressed requests.
  private var compression: [String: RequestCompression.State] = [:]

  /// When something is to be done without an event, monotonic milliseconds.
  var deadline: Int64? { outboxes.values.compactMap(\.nextDeadline).min() }

  mutating func handle(_ input: Input, _ turn: inout Turn) -> [Effect] {
    let effects = decide(input, &turn)
    turn.house.backends = outboxes.mapValues(\.fact)
    for (name, state) in compression { turn.house.backends[name]?.compression = state }
    return effects
  }

  private mutating func decide(_ input: Input, _ turn: inout Turn) -> [Effect] {
    switch input {
    case .configured:
      let before = Set(outboxes.keys)
      configure(&turn)
      return turn.house.isStarted ? noteGone(before, &turn) : []
    case .started:
      let gone = noteGone([], &turn)
      let spread = turn.house.identity.startSpread
      for name in outboxes.keys.sorted() where spread > 0 && turn.durable.waiting(name) > 0 {
        outboxes[name]?.pausedUntil = turn.now.monotonic + turn.jitter.next(0...spread)
      }
      return gone
    case .wake:
      guard turn.house.isStarted else { return [] }
      for name in outboxes.keys { outboxes[name]?.wake() }
      return advanceAll(&turn)
    case .due: return advanceAll(&turn)
    case .compressionKnown(let backend, let state):
      compression[backend] = state
      guard let reason = state.whyPlain else { return [] }
      let code = "compress.\(state.name ?? "off")"
      return [.log(.warning, "backend \(backend): \(code): \(reason)")]
    case .fetched(let request, let items, let isAtEnd):
      let items = withHeartbeat(items, request, &turn)
      let view = standing(request.backend, turn.head, turn)
      var effects = outboxes[request.backend]?.fetched(request, items, isAtEnd: isAtEnd, view, turn.now) ?? []
      if outboxes[request.backend]?[request.lane].step == .storing {
        effects += store(request.backend, request.lane, &turn)
      }
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
    case .retried(let backend):
      outboxes[backend]?.tryNow()
      return []
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
    for name in outboxes.keys where !backends.contains(where: { $0.name == name }) {
      outboxes[name] = nil
      compression[name] = nil
    }
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

  /// Backends that left the configuration, also while the hub was off, and those that are in it again.
  /// - Parameter before: those that there were until now; of one that took nothing yet the ledger knows nothing.
  private func noteGone(_ before: Set<String>, _ turn: inout Turn) -> [Effect] {
    let names = Set(turn.house.configuration.backends.map(\.name))
    let known = before.subtracting(names).filter { turn.head.left[$0] == nil }
    let gone = known.union(turn.head.gone(without: names)).sorted().map { name in
      JournalEntry.backendLeft(
        backend: name, LeftBackend(waiting: turn.head.waiting(name), at: turn.now.wall))
    }
    let back = turn.head.left.keys.filter(names.contains).sorted().map {
      JournalEntry.backendLeft(backend: $0, nil)
    }
    return gone.isEmpty && back.isEmpty ? [] : turn.append(gone + back)
  }

  private mutating func advanceAll(_ turn: inout Turn) -> [Effect] {
    outboxes.keys.sorted().flatMap { advance($0, &turn) }
  }

  /// What a backend's outbox can do now.
  private mutating func advance(_ name: String, _ turn: inout Turn) -> [Effect] {
    guard turn.house.isStarted, outboxes[name] != nil else { return [] }
    let view = standing(name, turn.durable, turn)
    return storeAgain(name, &turn) + (outboxes[name]?.advance(view, turn.now) ?? [])
  }

  /// How a backend stands by what the disk has, or by what is on its way there.
  private func standing(_ name: String, _ state: LedgerState, _ turn: Turn) -> Outbox.View {
    let cursor = state.cursors[name] ?? LedgerState.Cursor()
    return Outbox.View(
      through: cursor.through, ahead: cursor.ahead, waiting: state.waiting(name), urgent: state.urgent,
      lines: cursor.lines, rows: cursor.rows, refusals: state.refusals[name] ?? [], retries: state.retries)
  }

  /// Answers that the disk refused are written again: what a backend said is not asked twice.
  private mutating func storeAgain(_ name: String, _ turn: inout Turn) -> [Effect] {
    (outboxes[name]?.toStoreAgain(turn.now) ?? []).flatMap { store(name, $0, &turn) }
  }

  private mutating func store(_ name: String, _ lane: OutboxLane, _ turn: inout Turn) -> [Effect] {
    let view = standing(name, turn.head, turn)
    guard outboxes[name]?[lane].step == .storing,
      let answer = outboxes[name]?.answerToStore(lane, view, turn.now)
    else { return [] }
    guard !answer.isEmpty else {
      outboxes[name]?.stored(lane)
      return []
    }
    // The reasons first: a word without them would leave a reading set aside that nobody knows of.
    let word = answer.acknowledgement.map { [JournalEntry.acknowledgement($0)] } ?? []
    let effects = turn.append(answer.records + word, for: .answer(backend: name, lane))
    turn.send(.watch(.refusalsChanged(backend: name)))
    return effects
  }

  private mutating func delivered(
    _ backend: String, _ lane: OutboxLane, _ outcome: UploadOutcome, _ mostItems: Int?, _ turn: inout Turn
  ) -> [Effect] {
    let batch = outboxes[backend]?[lane].batch ?? []
    guard outboxes[backend]?[lane].step == .sending else { return [] }
    var effects: [Effect] = []
    let view = standing(backend, turn.head, turn)
    if let code = outboxes[backend]?.delivered(
      lane, outcome, mostItems: mostItems, view, now: turn.now, random: &turn.jitter)
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
    guard items.isEmpty, request.lane == .backlog, request.before == nil, request.line == nil,
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
      lastError: lastError, failingSince: failingSince, advice: advice,
      inFlight: backlog.line == nil ? backlog.batch.last?.sequence ?? 0 : 0,
      aheadInFlight: express.batch.map(\.sequence),
      lineInFlight: backlog.line.map { ($0, backlog.batch.map(\.sequence)) },
      probes: probes)
  }
}
