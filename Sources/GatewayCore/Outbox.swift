// One backend's way out of the journal: a cursor, one batch in flight, back-off with full jitter, the one bad reading found and
// set aside. No backend waits for another.

internal import Readings

/// Where one backend is.
struct Outbox: Sendable {
  /// The steps of a delivery.
  enum Phase: Sendable, Hashable {
    /// Everything that was there is delivered.
    case idle
    /// The journal is being read.
    case fetching
    /// A batch is on its way.
    case sending
    /// The next try is at a monotonic millisecond; with a frozen batch, or with nothing.
    case waiting(until: Int64, hasBatch: Bool)
  }

  /// The shortest and longest wait of back-off, in milliseconds; a misconfigured backend is tried at the slow pace.
  static let firstWait: Int64 = 1000
  static let longestWait: Int64 = 60_000
  static let slowWait: Int64 = 300_000

  private(set) var configuration: BackendConfiguration
  var phase = Phase.idle
  var batch: [Deliverable] = []
  /// The settings changed while a batch was on its way: it is made anew rather than sent again.
  private var isOutdated = false
  /// More was stored while a batch was on its way.
  var hasMore = false
  var attempts = 0
  /// The most items of a batch now: less after the backend refused one as too large, or while the bad one is looked for.
  var limit: Int
  /// Set while a refused batch is divided: the last sequence number of that batch.
  var dividingUntil: UInt64?
  var lastSuccess: Int64?
  var lastError: (code: String, text: String)?
  var oldestWaiting: Int64?
  var isMisconfigured = false

  init(_ configuration: BackendConfiguration) {
    self.configuration = configuration
    limit = configuration.maximumReadings
  }

  var name: String { configuration.name }

  /// New settings, while a batch of the old ones is on its way.
  mutating func reconfigure(_ configuration: BackendConfiguration) {
    self.configuration = configuration
    limit = configuration.maximumReadings
    dividingUntil = nil
    isOutdated = true
  }

  /// Something is stored, or the backend may be there again.
  mutating func wake(through: UInt64) -> [Effect] {
    guard phase == .idle else {
      hasMore = true
      return []
    }
    return fetch(through: through)
  }

  private mutating func fetch(through: UInt64) -> [Effect] {
    phase = .fetching
    hasMore = false
    return [.fetch(backend: name, after: through, maximumCount: limit, maximumBytes: configuration.maximumBytes)]
  }

  /// The journal was read.
  mutating func fetched(_ items: [Deliverable], through: UInt64) -> [Effect] {
    guard phase == .fetching else { return [] }
    guard let first = items.first else {
      phase = .idle
      oldestWaiting = nil
      return hasMore ? fetch(through: through) : []
    }
    oldestWaiting = first.receivedAt
    batch = items
    isOutdated = false
    phase = .sending
    return [.deliver(backend: name, items)]
  }

  /// A wait is over.
  mutating func due(at now: Int64, through: UInt64) -> [Effect] {
    guard case .waiting(let until, let hasBatch) = phase, until <= now else { return [] }
    if hasBatch {
      phase = .sending
      return [.redeliver(backend: name)]
    }
    return fetch(through: through)
  }

  /// A delivery ended. Gives the acknowledgement to store, and what follows when it is on disk.
  mutating func delivered(
    _ outcome: DeliveryOutcome, now: Now, random: inout Jitter
  ) -> (word: Acknowledgement?, refusals: [Refusal], error: String?) {
    guard phase == .sending, let last = batch.last else { return (nil, [], nil) }
    switch outcome {
    case .accepted(_, let refused):
      let refusals = batch.compactMap { item in refused[item.id].map { refusal(item, $0, now) } }
      succeed(now)
      if let first = refused.first { lastError = ("item.refused", String(first.value.prefix(200))) }
      return (
        Acknowledgement(
          backend: name, through: last.sequence, count: batch.count, refused: refusals.map(\.sequence)), refusals,
        refusals.isEmpty ? nil : "item.refused"
      )
    case .retry(let after, let code):
      wait(now, after: after, hasBatch: !isOutdated, &random)
      lastError = (code, "the outcome is unknown or the backend is busy; the same batch is sent again")
      return (nil, [], attempts == 1 ? code : nil)
    case .tooLarge where batch.count > 1:
      limit = max(1, batch.count / 2)
      wait(now, after: 0, hasBatch: false, &random)
      lastError = ("batch.too-large", "batches are made smaller")
      return (nil, [], "batch.too-large")
    case .refused(let code, let text) where batch.count > 1:
      dividingUntil = max(dividingUntil ?? 0, last.sequence)
      limit = max(1, batch.count / 2)
      wait(now, after: 0, hasBatch: false, &random)
      lastError = (code, text)
      return (nil, [], code)
    case .tooLarge, .refused:
      // Found: this one alone is refused. It is set aside by its sequence number and the rest flows.
      succeed(now)
      var reason = "too large for the backend even alone"
      if case .refused(let code, let text) = outcome {
        lastError = (code, text)
        reason = "\(code): \(text)"
      }
      return (
        Acknowledgement(backend: name, through: last.sequence, count: 1, refused: [last.sequence]),
        [refusal(last, reason, now)], "item.refused"
      )
    case .misconfigured(let code, let text):
      let isNew = !isMisconfigured
      isMisconfigured = true
      lastError = (code, text)
      attempts += 1
      phase = .waiting(until: now.monotonic + random.next(Outbox.slowWait / 2...Outbox.slowWait), hasBatch: !isOutdated)
      return (nil, [], isNew ? code : nil)
    }
  }

  private func refusal(_ item: Deliverable, _ reason: String, _ now: Now) -> Refusal {
    Refusal(
      backend: name, sequence: item.sequence, id: item.id, reason: String(reason.prefix(240)), at: now.wall)
  }

  private mutating func succeed(_ now: Now) {
    lastSuccess = now.wall
    attempts = 0
    isMisconfigured = false
    lastError = nil
    phase = .fetching
    if let end = dividingUntil, let last = batch.last, last.sequence >= end {
      dividingUntil = nil
      limit = configuration.maximumReadings
    }
  }

  /// Full jitter: anything from nothing to the current step, but not before the backend asks.
  private mutating func wait(_ now: Now, after: Int64?, hasBatch: Bool, _ random: inout Jitter) {
    attempts += 1
    let step = min(Outbox.longestWait, Outbox.firstWait << Int64(min(attempts - 1, 10)))
    let jitter = after == 0 ? 0 : random.next(min(250, step)...step)
    phase = .waiting(until: now.monotonic + max(jitter, after ?? 0), hasBatch: hasBatch)
  }

  /// The acknowledgement is on disk: go on behind it.
  mutating func acknowledged(through: UInt64) -> [Effect] {
    batch = []
    return fetch(through: through)
  }

  /// The acknowledgement could not be stored: the batch stays, and is sent again later; the backend knows its items.
  mutating func acknowledgementFailed(_ now: Now) {
    phase = .waiting(until: now.monotonic + Outbox.longestWait, hasBatch: !isOutdated)
  }
}

/// The randomness of back-off, from a seed: splitmix64. Nothing depends on it being secret.
struct Jitter: Sendable {
  private var state: UInt64
  init(seed: UInt64) { state = seed }

  mutating func next(_ range: ClosedRange<Int64>) -> Int64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
    z ^= z >> 31
    let width = UInt64(bitPattern: range.upperBound &- range.lowerBound) &+ 1
    return width == 0 ? range.lowerBound : range.lowerBound &+ Int64(bitPattern: z % width)
  }
}
