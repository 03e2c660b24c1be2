// One backend's way out of the journal: two lanes with a batch each, one back-off with full jitter for both, the one bad reading
// found and set aside. No backend waits for another.

internal import Journal
internal import Exchange
internal import JSON
internal import Readings
internal import Settings
internal import Ledger

/// Where one backend is.
struct Outbox: Sendable {
  /// What the gateway knows that the outbox decides by.
  struct View {
    var through: UInt64
    /// Answered ahead of `through`, ascending.
    var ahead: [UInt64]
    /// Items that the backend does not have.
    var waiting: UInt64
    var urgent: [Urgent]
    /// Kinds that wait in lines of their own.
    var lines: [String: DeliveryLine] = [:]
    /// What was refused since one was taken, by kind.
    var rows: [String: RefusalRow] = [:]
    /// What was set aside, and what of it is sent again, by its number there.
    var refusals: [Refusal] = []
    var retries: [UInt64: Retry] = [:]
  }

  /// The first wait of back-off, that after a busy answer, and the longest, in milliseconds; a misconfigured backend is tried at the slow pace.
  static let firstWait: Int64 = 1000
  static let busyWait: Int64 = 8000
  static let longestWait: Int64 = 60_000
  static let slowWait: Int64 = 300_000
  /// The most items answered ahead of the backlog: they stand in every snapshot.
  static let mostAhead = 512
  /// After so many full batches a backend that once refused one as too large is offered larger ones again.
  static let growAfter = 64

  private(set) var configuration: BackendConfiguration
  var backlog = LaneState()
  var express = LaneState()
  /// Nothing goes before this, monotonic milliseconds.
  var pausedUntil: Int64?
  var attempts = 0
  /// Which lane tried last: after a failure they take turns, one request at a time.
  private var lastTried = OutboxLane.backlog
  /// The most items of a batch: less after the backend refused one as too large.
  private(set) var limit: Int
  private var fullBatches = 0
  /// The backlog lane found nothing more.
  private var isDrained = false
  /// It reached what the express lane has in hand.
  private var isBlocked = false
  /// Something was stored while the journal was read.
  private var hasMore = false
  /// More was there than the backlog's batch could hold.
  private var isFull = false
  /// Urgent items that are not in the journal any more.
  var gone: Set<UInt64> = []
  /// When an answer that the disk refused is written again, monotonic milliseconds, and how often it was.
  private var storeAt: Int64?
  private var storeFailures = 0
  private(set) var nextTicket: UInt64 = 1
  var lastSuccess: Int64?
  var lastError: (code: String, text: String)?
  /// Since when it has taken nothing of what was sent, monotonic milliseconds; nil: the last try was good.
  private(set) var failingSince: Int64?
  var oldestWaiting: Int64?
  var isMisconfigured = false
  /// When a kind that the backend refuses is asked for again, monotonic milliseconds.
  var probes: [String: Int64] = [:]
  /// How often each refused kind was asked for.
  var asked: [String: Int] = [:]
  /// The last request of the backlog lane was a line's: the others come next.
  var wasLine = false
  /// It is so because the two sides find no TLS that both accept.
  private var isUntrusted = false

  /// An outbox; `limit` is what an earlier run learned of the largest batch that the backend takes.
  init(_ configuration: BackendConfiguration, limit: Int? = nil) {
    self.configuration = configuration
    self.limit = max(1, min(configuration.maximumReadings, limit ?? configuration.maximumReadings))
  }

  var name: String { configuration.name }

  subscript(lane: OutboxLane) -> LaneState {
    get { lane == .backlog ? backlog : express }
    set { if lane == .backlog { backlog = newValue } else { express = newValue } }
  }

  /// FHIR servers create shared resources (patient, devices) by condition: two batches at once could both create them.
  private var takesTurns: Bool {
    switch configuration.kind {
    case .http(.phd, _), .http(.observations, _): true
    default: false
    }
  }

  /// When something is to be done without an event, monotonic milliseconds.
  var nextDeadline: Int64? { [pausedUntil, storeAt, probeAt].compactMap { $0 }.min() }

  /// When a kind that the backend refuses is asked for again; nil while something is in hand.
  private var probeAt: Int64? {
    guard backlog.step == .idle, !express.isUnderway, let next = probes.values.min() else { return nil }
    return max(next, pausedUntil ?? next)
  }

  /// New settings. What is on its way waits for its answer; what is sent after it is of the new settings.
  mutating func reconfigure(_ configuration: BackendConfiguration) {
    if configuration.maximumReadings != self.configuration.maximumReadings { limit = configuration.maximumReadings }
    self.configuration = configuration
    for lane in OutboxLane.allCases {
      switch self[lane].step {
      case .sending: self[lane].isOutdated = true
      case .held: self[lane].clear()
      default: break
      }
    }
    pausedUntil = nil
    attempts = 0
    isMisconfigured = false
    lastError = nil
    failingSince = nil
    probes = [:]
    wake()
  }

  /// Something was stored, or may be there again.
  mutating func wake() {
    isDrained = false
    isBlocked = false
    hasMore = true
  }

  /// What can be done now.
  mutating func advance(_ view: View, _ now: Now) -> [Effect] {
    if let until = pausedUntil {
      guard until <= now.monotonic else { return [] }
      pausedUntil = nil
    }
    if attempts > 0 {
      // The backend was away: one request at a time, the lanes in turn, until it answers.
      guard !backlog.isUnderway, !express.isUnderway else { return [] }
      for lane in [lastTried.other, lastTried] {
        let effects = start(lane, view, now)
        if !effects.isEmpty {
          lastTried = lane
          return effects
        }
      }
      return []
    }
    var effects: [Effect] = []
    for lane in [OutboxLane.express, .backlog] where !(takesTurns && self[lane.other].isUnderway) {
      effects += start(lane, view, now)
    }
    return effects
  }

  private mutating func start(_ lane: OutboxLane, _ view: View, _ now: Now) -> [Effect] {
    switch self[lane].step {
    case .held:
      self[lane].step = .sending
      return [.redeliver(backend: name, lane: lane)]
    case .idle:
      guard let request = lane == .backlog ? backlogRequest(view, now) : expressRequest(view, now) else { return [] }
      nextTicket += 1
      self[lane].step = .fetching(request)
      return [.fetch(request)]
    default: return []
    }
  }

  private mutating func backlogRequest(_ view: View, _ now: Now) -> FetchRequest? {
    if let request = lineRequest(view, now) { return request }
    wasLine = false
    guard !isDrained, !isBlocked else { return nil }
    hasMore = false
    var request = FetchRequest(
      backend: name, lane: .backlog, ticket: nextTicket, after: view.through, before: express.inHand.min(),
      skipping: view.ahead, maximumCount: limit,
      maximumBytes: configuration.maximumBytes)
    request.without = Set(view.lines.keys)
    return request
  }

  private func expressRequest(_ view: View, _ now: Now) -> FetchRequest? {
    if case .fetching = backlog.step { return nil }
    let inHand = backlog.batch.last?.sequence ?? 0
    let rest = view.waiting - min(view.waiting, UInt64(backlog.batch.count))
    // What waits in lines of its own is no backlog, and is not counted apart.
    let isBehind =
      rest > UInt64(limit) && view.lines.isEmpty || (isFull && !backlog.batch.isEmpty && rest > 0)
    guard isBehind, view.ahead.count < Outbox.mostAhead else { return nil }
    let behind = max(view.through, inHand)
    let known = Set(view.ahead)
    let candidates = view.urgent.filter {
      $0.sequence > behind && $0.isUrgent(at: now.wall) && !known.contains($0.sequence) && !gone.contains($0.sequence)
    }
    guard !candidates.isEmpty else { return nil }
    // Alerts before readings, and the newest of them first when there are too many.
    let alerts = candidates.filter { $0.at == nil }.reversed()
    let chosen = (alerts + candidates.filter { $0.at != nil }.reversed()).prefix(limit)
    var request = FetchRequest(
      backend: name, lane: .express, ticket: nextTicket, after: view.through, only: chosen.map(\.sequence).sorted(),
      maximumCount: limit, maximumBytes: configuration.maximumBytes)
    request.without = Set(view.lines.keys)
    return request
  }

  /// The journal was read. `isAtEnd`: nothing more of what was asked for is there.
  mutating func fetched(
    _ request: FetchRequest, _ items: [Deliverable], isAtEnd: Bool, _ view: View, _ now: Now
  ) -> [Effect] {
    guard self[request.lane].step == .fetching(request) else { return [] }
    if let kind = request.line { return fetchedLine(kind, request, items, isAtEnd: isAtEnd, view, now) }
    if request.lane == .express {
      let found = Set(items.map(\.sequence))
      gone.formUnion(request.only.filter { !found.contains($0) && (isAtEnd || $0 < items.last?.sequence ?? 0) })
      if gone.count > 2 * Urgent.most { gone = Set(gone.sorted().suffix(Urgent.most)) }
    }
    guard let first = items.first else {
      self[request.lane].clear()
      guard request.lane == .backlog else {
        isBlocked = false
        return []
      }
      isBlocked = request.before != nil && !express.inHand.isEmpty
      isDrained = !hasMore && request.before == nil
      if isDrained { oldestWaiting = nil }
      return []
    }
    if request.lane == .backlog {
      isFull = !isAtEnd
      oldestWaiting = first.receivedAt
    } else {
      oldestWaiting = min(oldestWaiting ?? first.receivedAt, first.receivedAt)
    }
    self[request.lane].batch = items
    self[request.lane].isOutdated = false
    self[request.lane].step = .sending
    return [.deliver(backend: name, lane: request.lane, items)]
  }

  /// A delivery ended. An answer to be stored stands in the lane's `word` then.
  /// - Parameter view: how the backend stands, with what is on its way to the disk.
  mutating func delivered(
    _ lane: OutboxLane, _ outcome: UploadOutcome, mostItems: Int?, _ view: View, now: Now, random: inout Jitter
  ) -> String? {
    let batch = self[lane].batch
    guard self[lane].step == .sending, let last = batch.last else { return nil }
    switch outcome {
    case .items(let results):
      learn(mostItems, batch.count)
      return answered(lane, results, view, now, &random)
    case .tooLarge where batch.count == 1:
      return answered(lane, [last.id: .rejected("too large for the backend even alone")], view, now, &random)
    case .refused(let code, let text) where batch.count == 1:
      // Found: this one alone is refused. It is set aside by its sequence number and the rest flows.
      return answered(lane, [last.id: .rejected("\(code): \(text)")], view, now, &random)
    case .busy(let after, let code):
      // One that answers, but only that it is busy, is overrun as likely as not.
      return tryAgain(lane, code, after, first: after == nil ? Outbox.busyWait : Outbox.firstWait, now, &random)
    case .unknown(let after, let code): return tryAgain(lane, code, after, first: Outbox.firstWait, now, &random)
    // Who sends divides a batch until one item is left.
    case .refused(let code, _): return tryAgain(lane, code, nil, first: Outbox.firstWait, now, &random)
    case .tooLarge: return tryAgain(lane, "batch.too-large", nil, first: Outbox.firstWait, now, &random)
    case .untrusted(let code, let text):
      // Nothing was sent, and the other side may mend it: a look costs both little.
      let isNew = misconfigured(lane, code, text, now)
      isUntrusted = true
      wait(now, after: nil, first: Outbox.firstWait, &random)
      return isNew ? code : nil
    case .misconfigured(let code, let text):
      let isNew = misconfigured(lane, code, text, now)
      attempts += 1
      pausedUntil = now.monotonic + random.next(Outbox.slowWait / 2...Outbox.slowWait)
      return isNew ? code : nil
    }
  }

  private mutating func tryAgain(
    _ lane: OutboxLane, _ code: String, _ after: Int64?, first: Int64, _ now: Now, _ random: inout Jitter
  ) -> String? {
    isMisconfigured = false
    failingSince = failingSince ?? now.monotonic
    hold(lane)
    wait(now, after: after, first: first, &random)
    lastError = (code, DeliveryWords.text(code))
    return attempts == 1 ? code : nil
  }

  /// True when it was not before.
  private mutating func misconfigured(_ lane: OutboxLane, _ code: String, _ text: String, _ now: Now) -> Bool {
    let isNew = !isMisconfigured
    failingSince = failingSince ?? now.monotonic
    isMisconfigured = true
    isUntrusted = false
    lastError = (code, text)
    hold(lane)
    return isNew
  }

  /// What a person can do about the last error.
  var advice: String {
    guard isMisconfigured else {
      let again = "nothing is lost, and it is tried again by itself"
      // That nobody answers says nothing of whether the right one was asked.
      guard case .http = configuration.kind, lastError?.code.hasPrefix("net.") ?? false else { return again }
      return "check the backend's url (host, port), then the network; \(again)"
    }
    guard isUntrusted else {
      guard case .directory(let path) = configuration.kind else {
        return "check its address and credential; readings are kept"
      }
      return "see that \(path) is a folder in which the user hearth may write; readings are kept"
    }
    return "check the server's certificate, \"ca_file\", \"client_certificate\" and the hub's clock; readings are kept"
  }

  /// A person asks for it: what was misconfigured is tried now.
  mutating func tryNow() {
    probes = [:]
    guard isMisconfigured else { return }
    pausedUntil = nil
    attempts = 1
  }

  /// What a backend takes at most is learned, kept with the answers, and tried again after a while.
  private mutating func learn(_ mostItems: Int?, _ count: Int) {
    if let mostItems, mostItems < limit {
      limit = max(1, mostItems)
      fullBatches = 0
    } else if limit < configuration.maximumReadings, count >= limit {
      fullBatches += 1
      guard fullBatches >= Outbox.growAfter else { return }
      fullBatches = 0
      limit = min(configuration.maximumReadings, 2 * limit)
    }
  }

  /// The backend gave an answer that counts.
  mutating func noteAnswer(_ now: Now, tookSome: Bool) {
    if tookSome { lastSuccess = now.wall }
    attempts = 0
    isMisconfigured = false
    lastError = nil
    failingSince = nil
  }

  private mutating func hold(_ lane: OutboxLane) {
    if self[lane].isOutdated { again(lane) } else { self[lane].step = .held }
  }

  /// The batch is read from the journal anew.
  private mutating func again(_ lane: OutboxLane) {
    self[lane].clear()
    wake()
  }

  /// Full jitter: anything from nothing to the current step. When the backend asks for a wait it comes on top of that, over as
  /// much again: all hubs may have been told the same moment.
  private mutating func wait(_ now: Now, after: Int64?, first: Int64, _ random: inout Jitter) {
    attempts += 1
    let asked = after ?? 0
    let doubled = min(Outbox.longestWait, first << Int64(min(attempts - 1, 10)))
    let step = max(doubled, min(Outbox.longestWait, asked))
    pausedUntil = max(pausedUntil ?? 0, now.monotonic + asked + random.next(min(250, step)...step))
  }

  // MARK: Answers on their way to the disk

  /// The answer is on disk, or needs no place there.
  mutating func stored(_ lane: OutboxLane) {
    self[lane].clear()
    storeFailures = 0
    wake()
  }

  /// The answer could not be stored. It is known all the same, and written when the disk takes it: nothing is sent twice for it.
  mutating func storingFailed(_ lane: OutboxLane, _ now: Now) {
    guard self[lane].step == .storing else { return }
    self[lane].step = .unstored
    self[lane].answer = nil
    storeAt = now.monotonic + min(Outbox.longestWait, 5000 << Int64(min(storeFailures, 4)))
    storeFailures += 1
  }

  /// The disk takes records again.
  mutating func diskRecovered(_ now: Now) { if storeAt != nil { storeAt = now.monotonic } }

  /// The answers that are to be written again now.
  mutating func toStoreAgain(_ now: Now) -> [OutboxLane] {
    guard let at = storeAt, at <= now.monotonic else { return [] }
    storeAt = nil
    let lanes = OutboxLane.allCases.filter { self[$0].step == .unstored }
    for lane in lanes { self[lane].step = .storing }
    return lanes
  }

  /// Items were erased. A reason that quotes one of them is not kept, whatever the backend says yet.
  mutating func forget(_ isErased: (Deliverable) -> Bool) {
    for lane in OutboxLane.allCases where self[lane].step == .sending {
      self[lane].erased = Set(self[lane].batch.filter(isErased).map(\.sequence))
    }
    if let code = lastError?.code, ["item.refused", "kind.refused"].contains(code) {
      lastError?.text = "a reading was refused"
    }
    thaw()
  }

  /// What waits, frozen, is read from the journal again: something in it was erased.
  mutating func thaw(_ lanes: [OutboxLane] = OutboxLane.allCases) {
    for lane in lanes {
      switch self[lane].step {
      case .held, .unstored: again(lane)
      case .sending: self[lane].isOutdated = true
      default: break
      }
    }
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
