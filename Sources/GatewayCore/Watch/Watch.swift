// What the hub tells of itself: a heartbeat to the backends that want it, and events when it needs somebody. A missing heartbeat
// is how a backend notices a dead hub: a silent hub must not look like a healthy patient. A heartbeat is never stored: while a
// backend is away only the newest one waits, in memory.

internal import ControlProtocol
internal import Drivers
internal import JSON
internal import Octets
internal import Readings
internal import Settings
internal import Ledger

/// What is known of the hub's own state.
struct Watch: Sendable {
  enum Input: Sendable {
    case started
    /// Something began (`holds`) or is over: told once. `isNews`: what it says changed, and it is told again.
    case tell(String, holds: Bool, String, about: String?, isNews: Bool)
    case journalReported
    /// The clock began to be right, or stopped; or how long it may be wrong was changed.
    case clockJudged
    case restarted(after: UncleanEnd)
    case credentialsRead([String: CredentialFact])
    case faultsFound([HubFault])
    /// A directory backend looked for files that were kept long enough; with why some of them stay.
    case directoryRetained(backend: String, fault: String?)
    /// A snapshot was made: how much of the room for histories is taken, and of how many patients it was not enough.
    case snapshotMade(percent: Int, shortened: Int)
    /// What a backend refuses is on its way to the disk, or no longer matters.
    case refusalsChanged(backend: String)
    case due
  }

  /// When the next heartbeat is due, monotonic milliseconds.
  private var heartbeatAt: Int64?
  /// When the journal is looked at next for what nobody needs any more.
  private var retainAt: Int64?
  /// How large the journal was when it was looked at last because it was nearly full.
  private var retainedBytes: Int64?
  /// What was told and is not over.
  private var raised: Set<String> = []
  /// When it was told last that histories are shortened, monotonic milliseconds.
  private var shortenedAt: Int64?
  /// Hourly rounds since the last line of the day, and what was stored then.
  private var day = (rounds: 0, stored: UInt64(0))

  /// When it is to be told that the clock is not right, monotonic milliseconds; nil: it is right, or that is told.
  private var clockAt: Int64?

  /// When something is to be done without an event, monotonic milliseconds.
  var deadline: Int64? { [heartbeatAt, retainAt, clockAt].compactMap(\.self).min() }

  mutating func handle(_ input: Input, _ turn: inout Turn) -> [Effect] {
    switch input {
    case .started: return started(&turn)
    case .tell(let code, let holds, let message, let about, let isNews):
      return turn.append(tell(code, holds, message, about: about, isNews: isNews, &turn))
    case .journalReported: return journalReported(&turn)
    case .clockJudged: return turn.append(tellClock(&turn))
    case .restarted(let end): return restarted(after: end, &turn)
    case .credentialsRead(let ends): return credentialsRead(ends, &turn)
    case .faultsFound(let faults): return faultsFound(faults, &turn)
    case .directoryRetained(let backend, let fault):
      let before = turn.house.retentionFaults[backend]
      turn.house.retentionFaults[backend] = fault.map { ($0, before?.since ?? turn.now.wall) }
      return []
    case .snapshotMade(let percent, let shortened): return snapshotMade(percent, shortened, &turn)
    case .refusalsChanged(let backend): return refusalsChanged(backend, &turn)
    case .due: return due(&turn)
    }
  }

  /// Histories that do not fit are told once a day: trends and pictures of these patients look back less far.
  private mutating func snapshotMade(_ percent: Int, _ shortened: Int, _ turn: inout Turn) -> [Effect] {
    turn.house.historyPercent = percent
    let now = turn.now.monotonic
    guard shortened > 0, shortenedAt.map({ now - $0 >= 86_400_000 }) ?? true else { return [] }
    shortenedAt = now
    let message =
      "the oldest values of \(Count.of(shortened, "patient")) are no longer looked back on: all of them take too much room"
    return [.log(.warning, "history.shortened: \(message)")]
      + turn.append([.event(turn.house.event("history.shortened", message, turn.now))])
  }

  private mutating func started(_ turn: inout Turn) -> [Effect] {
    day.stored = turn.head.readings
    // It was told before this start.
    for name in turn.durable.cursors.keys { raised.formUnion(turn.durable.refusalKeys(of: name)) }
    retainAt = turn.now.monotonic + 60_000
    heartbeatAt = turn.house.configuration.watch.heartbeatEvery.map { turn.now.monotonic + min($0, 60_000) }
    return turn.append(tellClock(&turn))
  }

  private mutating func due(_ turn: inout Turn) -> [Effect] {
    let now = turn.now
    var effects: [Effect] = []
    if let time = retainAt, time <= now.monotonic {
      // Once an hour is often enough for what is dropped after days.
      retainAt = now.monotonic + 3_600_000
      effects.append(.retain(pinned: turn.view.pinned))
      effects += dailyLine(&turn) + hourly(&turn)
    }
    if let time = clockAt, time <= now.monotonic { effects += turn.append(tellClock(&turn)) }
    if let time = heartbeatAt, time <= now.monotonic { beat(&turn) }
    return effects
  }

  /// One quiet line a day: what came, what waits. No values, patients or addresses.
  private mutating func dailyLine(_ turn: inout Turn) -> [Effect] {
    day.rounds += 1
    guard day.rounds >= 24 else { return [] }
    let waiting = turn.house.configuration.backends.map { "\($0.name) \(turn.durable.waiting($0.name))" }
      .joined(separator: ", ")
    let readings = turn.head.readings
    let count = readings >= day.stored ? readings - day.stored : 0
    day = (0, readings)
    let parked = turn.head.parked.count
    return [
      .log(
        .info,
        "hub.day: \(Count.of(count, "reading")) stored; waiting: \(waiting.isEmpty ? "-" : waiting); parked: \(parked)")
    ]
  }

  // MARK: Events

  /// Tells that something began or is over, each once.
  private mutating func tell(
    _ code: String, _ holds: Bool, _ message: String, about: String? = nil, isNews: Bool = false, _ turn: inout Turn
  ) -> [JournalEntry] {
    let key = about.map { "\(code)|\($0)" } ?? code
    if isNews, holds { raised.remove(key) }
    guard raised.contains(key) != holds else { return [] }
    if holds { raised.insert(key) } else { raised.remove(key) }
    return [.event(turn.house.event(code, message, isOver: !holds, turn.now))]
  }

  /// The hub's clock was not right for so long that it is told, or is right again.
  private mutating func tellClock(_ turn: inout Turn) -> [JournalEntry] {
    let at = turn.house.clockUnsureSince.map { $0 + turn.house.configuration.watch.clockAfter }
    // A longer time that came by a reload makes no clock right.
    let isUnsure = at.map { $0 <= turn.now.monotonic || raised.contains("clock.unsynchronised") } ?? false
    clockAt = isUnsure ? nil : at
    return tell(
      "clock.unsynchronised", isUnsure,
      isUnsure ? "the hub's clock is not synchronised" : "the hub's clock is synchronised again", &turn)
  }

  /// Once an hour: the clock, and devices that were not heard of.
  private mutating func hourly(_ turn: inout Turn) -> [Effect] {
    let now = turn.now
    let watch = turn.house.configuration.watch
    var entries = tellClock(&turn)
    for id in turn.knownDevices.map(\.id) {
      guard watch.silentAfter[id] ?? watch.silentAfter["*"] != nil, turn.house.devices[id] != nil else { continue }
      let silence = turn.view.silence(of: id)
      let key = "device.silent|\(id)"
      guard raised.contains(key) != (silence != nil) else { continue }
      guard let silence else {
        raised.remove(key)
        continue
      }
      raised.insert(key)
      let message = "nothing was heard of it for \(View.span(silence))"
      entries.append(.event(turn.house.event(of: id, "device.silent", message, now)))
    }
    return [.readCredentials] + turn.append(entries)
  }

  /// The journal told its size, and how full the disk is.
  private mutating func journalReported(_ turn: inout Turn) -> [Effect] {
    let journal = turn.house.journal
    let limit = turn.house.configuration.watch.diskPercent
    let percent = journal.diskPercent ?? 0
    var entries = tell(
      "disk.nearly-full", percent >= limit,
      percent >= limit ? "the disk of the journal is \(percent) % full" : "the disk has room again", &turn)
    let used = journal.maximumBytes > 0 ? journal.bytes * 100 / journal.maximumBytes : 0
    entries += tell(
      "journal.nearly-full", used >= limit,
      used >= limit ? "the journal has \(used) % of its size" : "the journal has room again", &turn)
    return turn.append(entries) + retained(journal, &turn)
  }

  /// A journal that has no room for two more segments lets go what every backend has, whatever its age: once at each size.
  private mutating func retained(_ journal: JournalReport, _ turn: inout Turn) -> [Effect] {
    let room = 2 * Int64(turn.house.configuration.journal.segmentBytes)
    guard turn.house.isStarted, journal.maximumBytes > 0, journal.bytes > journal.maximumBytes - room else {
      retainedBytes = nil
      return []
    }
    guard retainedBytes != journal.bytes else { return [] }
    retainedBytes = journal.bytes
    return [.retain(pinned: turn.view.pinned)]
  }

  /// The daemon before this one was not asked to end.
  private func restarted(after end: UncleanEnd, _ turn: inout Turn) -> [Effect] {
    let (code, message) =
      switch end {
      case .crash: ("daemon.restarted", "the daemon ended unexpectedly and was started again")
      case .powerLoss: ("hub.power-lost", "the hub lost power or was reset")
      }
    return [.log(.notice, "\(code): \(message)")]
      + turn.append([.event(turn.house.event(code, message, turn.now))])
  }

  /// What the shell read from the backends' credentials: what ends, and when.
  private mutating func credentialsRead(_ ends: [String: CredentialFact], _ turn: inout Turn) -> [Effect] {
    turn.house.credentials = ends
    guard turn.now.isSynchronised else { return [] }
    var entries: [JournalEntry] = []
    for name in turn.house.backends.keys.sorted() {
      let text = turn.house.ending(of: name, turn.now)
      let backend = "backend \(name): "
      entries += tell(
        "credential.ending", text != nil, backend + (text ?? "the credential is good again"), about: name, &turn)
    }
    return turn.append(entries)
  }

  /// That a backend refuses something, or a whole kind, is told when it begins and when nothing of it is left to be dealt with.
  private mutating func refusalsChanged(_ backend: String, _ turn: inout Turn) -> [Effect] {
    let now = turn.head.refusalKeys(of: backend)
    let kinds = "\(Watch.kindRefused)|\(backend)|"
    let before = raised.filter { $0.hasPrefix(kinds) || $0 == "\(Watch.someRefused)|\(backend)" }
    guard now != before else { return [] }
    var entries: [JournalEntry] = []
    for key in now.union(before).sorted() {
      let parts = key.split(separator: "|", maxSplits: 1).map(String.init)
      guard parts.count == 2 else { continue }
      let kind = parts[0] == Watch.kindRefused ? parts[1].dropFirst(backend.utf8.count + 1) : ""
      let message =
        switch (kind.isEmpty, now.contains(key)) {
        case (true, true): "backend \(backend) refused something: hearthctl parked tells what and why"
        case (true, false): "nothing that backend \(backend) refused is left"
        case (false, true):
          "backend \(backend) takes nothing of the kind \(kind) any more: it waits, and is asked again"
        case (false, false): "nothing of the kind \(kind) waits for backend \(backend) apart any more"
        }
      entries += tell(parts[0], now.contains(key), message, about: parts[1], &turn)
    }
    return turn.append(entries)
  }

  static let someRefused = "backend.refuses"
  static let kindRefused = "backend.refuses-kind"

  // MARK: Faults in files

  /// What these are about in `raised`, where backends' plans have codes of the same name.
  private static let ownFiles = "hub"

  /// What is wrong now. Each code is told once as an event when it comes up or changes, and once when it is over.
  private mutating func faultsFound(_ faults: [HubFault], _ turn: inout Turn) -> [Effect] {
    let before = Watch.words(of: turn.house.faults)
    turn.house.faults.replace(by: faults, at: turn.now.wall)
    let after = Watch.words(of: turn.house.faults)
    var entries: [JournalEntry] = []
    for code in Set(before.keys).union(after.keys).sorted() where before[code] != after[code] {
      entries += tell(
        code, after[code] != nil, after[code] ?? "it is mended", about: Watch.ownFiles, isNews: true, &turn)
    }
    return turn.append(entries)
  }

  /// What is told of each code: the first few faults.
  private static func words(of faults: KnownFaults) -> [String: String] {
    // What a file beside the configuration does at this hub alone is told here alone.
    let told = faults.list.filter { $0.fault.subject != .actions }
    return Dictionary(grouping: told, by: \.fault.code).mapValues { known in
      let more = known.count > 4 ? "; and \(known.count - 4) more" : ""
      return known.prefix(4).map(\.fault.told).joined(separator: "; ") + more
    }
  }

  // MARK: Heartbeat

  private mutating func beat(_ turn: inout Turn) {
    let now = turn.now
    let watch = turn.house.configuration.watch
    guard let every = watch.heartbeatEvery else {
      heartbeatAt = nil
      return
    }
    heartbeatAt = now.monotonic + every
    let name = "heartbeat|\(turn.house.identity.hubID)|\(now.bootID)|\(now.monotonic)"
    let id = NameBasedUUID.make(Array(name.utf8)).description
    let beat = Deliverable(
      sequence: 0, id: id, isReading: false, receivedAt: now.wall,
      json: turn.view.heartbeat(id, raised: raised).encoded())
    turn.send(.delivery(.heartbeat(beat, backends: watch.heartbeatTo)))
  }
}

extension LedgerState {
  /// What is told of a backend's refusals, as `Watch` knows it.
  fileprivate func refusalKeys(of backend: String) -> Set<String> {
    let cursor = cursors[backend]
    let kinds = cursor?.lines.keys.map { "\(Watch.kindRefused)|\(backend)|\($0)" } ?? []
    let isLeft = !(refusals[backend] ?? []).isEmpty || cursor?.unlisted ?? 0 > 0 || hasRetries(of: backend)
    return Set(kinds + (isLeft ? ["\(Watch.someRefused)|\(backend)"] : []))
  }
}
