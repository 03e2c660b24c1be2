// The gateway: one value that decides everything. Events go in, effects come out, in order; it has no clock and does no I/O.

internal import ControlProtocol
internal import Drivers
internal import GATT
internal import Monitoring
internal import Readings
internal import Settings
internal import Zones

/// The gateway of one home.
public struct Gateway: Sendable {
  /// What is told about this build and start.
  public struct Identity: Sendable, Hashable {
    /// The hub's identifier.
    public var hubID: String
    /// The program's version.
    public var version: String
    /// When it started, monotonic milliseconds.
    public var startedAt: Int64
    /// The wall clock goes on while the machine is off.
    public var hasBatteryClock = true
    /// After a start of the machine, backends are tried at a random moment of so many milliseconds: when the power comes back,
    /// it does so for many hubs at once.
    public var startSpread: Int64 = 0
    /// What is told about this build and start.
    public init(hubID: String, version: String, startedAt: Int64) {
      self.hubID = hubID
      self.version = version
      self.startedAt = startedAt
    }
  }

  /// A stored reading goes to a patient: who asked for it, if a person waits.
  struct Assignment: Sendable {
    var patient: String
    var request: RequestID?
    /// What is written with it of who did it.
    var audit: JournalEntry?
  }

  /// A group of records on its way to the disk: who gave them, and what follows when they are there.
  struct PendingAppend: Sendable {
    /// Records of one giver.
    struct Part: Sendable {
      var entries: [JournalEntry]
      var device: String?
      var backend: String?
      var lane: OutboxLane?
      /// When the disk refuses, its readings are held and its events told later.
      var isHeld = false
      /// What else comes about with it.
      var completion: Completion?
      /// Parked readings that go to a patient without anybody waiting for it: tried again when the disk refuses.
      var assigns: [UInt64: String] = [:]
    }

    var parts: [Part] = []
    /// What is done when they are on disk; never otherwise.
    var after: [Effect] = []
  }

  let identity: Identity
  var configuration = Configuration()
  var zones: [String: TimeZoneRules] = [:]
  var plans: [String: Plan] = [:]
  /// Every durable fact; decisions see what is on its way to the disk, everybody else what is there.
  var ledger: Ledger
  /// What decisions are made upon.
  var state: LedgerState { ledger.head }
  /// What is shown, published and delivered.
  var shown: LedgerState { ledger.durable }
  var bindings: Bindings { ledger.head.bindings }
  var register: DeviceRegister { ledger.head.register }
  var sessions: PublicSessions { ledger.head.sessions }
  /// Secrets of devices.
  var keys: KeyStore
  var bonds: Bonds { keys.keys.bonds }
  var bluetooth = BluetoothState()
  var serial = SerialState()
  /// Devices of which the disk does not have yet that the daemon died in their session.
  var crashed: Set<String> = []
  /// Readings of a slot that is swept are being read, by slot.
  var sweeping: Set<Bindings.Slot> = []
  var sweepAt: Int64?
  /// What state files of an older version held, until it is on disk as records; and when that is tried again.
  var importing: ImportedState?
  var importAt: Int64?
  /// Control connections that record a device's link.
  var captures: [UInt64: String] = [:]
  var devices: [String: DeviceState] = [:]
  var outboxes: [String: Outbox] = [:]
  var pending: [AppendID: PendingAppend] = [:]
  /// What this turn's records came from.
  var turn: [PendingAppend.Part] = []
  /// Readings of devices without memory that the disk refused, and events: tried again until it takes them.
  var unsaved: [Unsaved] = []
  var retryUnsavedAt: Int64?
  /// The most that is held so: months of a home's readings.
  static let mostUnsaved = 1000
  /// Readings that a device without memory gave while the disk refused and no more could be held. Told for as long as the
  /// daemon runs.
  var lost = 0
  /// Stored readings that are being read from the journal to be given to a patient, by sequence number; and when those are read
  /// again that the disk refused, monotonic milliseconds.
  var loads: [UInt64: [Assignment]] = [:]
  var reloadAt: Int64?
  var journal = JournalReport(bytes: 0, segments: 0, maximumBytes: 0, damage: [])
  var journalFailure: (failure: JournalFailure, since: Int64)?
  /// Technicians who wait for a refused reading, by its sequence number.
  var retrying: [UInt64: [PendingRetry]] = [:]
  /// Who waits for a patient's erasure; and when one that failed is tried again, monotonic milliseconds.
  var erasures: [String: [RequestID]] = [:]
  var eraseAgainAt: Int64?
  var watch = HubWatch()
  /// What is known of each backend that gives plans, by its name; and who set which patient's plan.
  var pulls: [String: PlanPull] = [:]
  var clockState = HubClock()
  var jitter = Jitter(seed: 1)
  var isStarted = false
  /// The journal began a segment that has no snapshot yet.
  var needsSnapshot = false
  /// The last that came to the disk was a snapshot.
  var hasJustSnapshot = false
  var wakeAt: Int64?
  var retainAt: Int64?
  /// Hourly rounds since the last line of the day, and what was stored then.
  var day = (rounds: 0, stored: UInt64(0))

  /// A gateway with what recovery and the file of keys gave.
  public init(
    identity: Identity, state: LedgerState, keys: KeyFile = KeyFile(), imported: ImportedState? = nil
  ) {
    self.identity = identity
    ledger = Ledger(state)
    self.keys = KeyStore(keys, state, imported)
    importing = imported
  }

  /// Every device: those of the configuration, and those that technicians brought in.
  var knownDevices: [DeviceConfiguration] {
    let configured = Set(configuration.devices.map(\.id))
    return configuration.devices
      + register.devices.filter { !configured.contains($0.id) }.map { device in
        var device = device
        device.consent = keys.keys.consents[device.id]
        device.key = keys.keys.deviceKeys[device.id]
        return device
      }
  }

  /// Takes an event and gives what is to be done, in order.
  public mutating func handle(_ event: Event, at now: Now) -> [Effect] {
    var effects = decide(event, now)
    effects += clockRound(now)
    if isStarted, let (id, file) = keys.toWrite(at: now.monotonic) { effects.append(.keep(id, file.encoded)) }
    effects = closeTurn(effects)
    let wake = nextDeadline()
    if wake != wakeAt {
      wakeAt = wake
      effects.insert(.wake(at: wake), at: 0)
    }
    return effects
  }

  /// What came of an event, in the order in which it is done: what depends on no record, then at most one append with all records
  /// of this turn. What stands behind a record in the list waits until the disk has them all.
  private mutating func closeTurn(_ effects: [Effect]) -> [Effect] {
    guard let group = ledger.close() else { return effects }
    var now: [Effect] = []
    var after: [Effect] = []
    var last: [Effect] = []
    var isBehind = false
    for effect in effects {
      if case .append = effect {
        isBehind = true
      } else if case .exit = effect {
        last.append(effect)
      } else if isBehind, !effect.promisesNothing {
        after.append(effect)
      } else {
        now.append(effect)
      }
    }
    pending[group.id] = PendingAppend(parts: turn, after: after)
    turn = []
    return now + [.append(group.id, group.entries, fence: ledger.fence)] + last
  }

  private mutating func decide(_ event: Event, _ now: Now) -> [Effect] {
    switch event {
    case .started(let seed): return started(seed, now)
    case .configured(let configuration, let zones, let plans): return configured(configuration, zones, plans, now)
    case .linkOpened(let device):
      if let node = SerialState.node(device) { return portOpened(node, now) }
      return linkOpened(device, now)
    case .deviceInRange(let device):
      guard let state = devices[device], state.session == nil, !isLeftAlone(device) else { return [] }
      return [.connect(device: device)]
    case .advertised(let device, let data): return advertised(device, data, now)
    case .linkReceived(let device, let octets):
      if let node = SerialState.node(device) { return portHeard(node, octets, now) }
      // Some cuffs read the hub's clock.
      if let opcode = octets.first, ATTOpcode.reads.contains(opcode) {
        let time = hubTime(device, now)
        devices[device]?.session?.hubTime = time
      }
      return captured(device, "<", octets, now) + overhear(device, octets, now)
        + session(device, now) { $0.received(octets, at: now.monotonic) }
    case .portAdded(let facts): return portAdded(facts, now)
    case .portRemoved(let node): return portRemoved(node, now)
    case .linkSecured(let device, let level):
      return session(device, now) { $0.secured(level: level, at: now.monotonic) }
    case .linkClosed(let device, let end):
      forgetLink(device)
      if let node = SerialState.node(device) { return portClosed(node, end, now) }
      return linkClosed(device, end, now)
    case .bluetoothOpened: return bluetoothOpened()
    case .bluetoothClosed(let end): return bluetoothClosed(end, now)
    case .managementReceived(let octets): return managementReceived(octets, now)
    case .timer: return due(now)
    case .clockChanged: return expireRules(now)
    case .appended(let id, let sequences): return appended(id, sequences, now) + snapshot(now)
    case .appendFailed(let id, let failure): return appendFailed(id, failure, now) + snapshot(now)
    case .recovered(let records):
      let erasing = state.erasing
      ledger.recover(records)
      return wakeOutboxes(now) + state.erasing.subtracting(erasing).sorted().map { .erase(patient: $0) }
    case .journalRolled:
      // One that made the journal roll stands in the new segment: another would make it roll again, for ever.
      needsSnapshot = needsSnapshot || !hasJustSnapshot
      return snapshot(now)
    case .journalReport(let report):
      journal = report
      return watchJournal(now)
    case .sessionCrashed(let device): return sessionCrashed(device, now)
    case .restartedAfter(let end): return restarted(after: end, now)
    case .credentialsRead(let ends): return credentialsRead(ends, now)
    case .plansAnswered(let backend, let url, let answer): return plansAnswered(backend, url, answer, now)
    case .plansKept(let backend, let faults): return plansKept(backend, faults, now)
    case .plansHinted(let backend, let etag): return plansHinted(backend, etag, now)
    case .plansWanted: return plansWanted(now)
    case .faultsFound(let faults): return faultsFound(faults, now)
    case .erased(let patient, let report): return erased(patient, report, now)
    case .fetched(let request, let items, let isAtEnd): return fetched(request, items, isAtEnd: isAtEnd, now)
    case .delivered(let backend, let lane, let outcome): return delivered(backend, lane, outcome, now)
    case .loaded(let sequence, let reading):
      return loadedForRetry(sequence, isThere: reading != nil, now) + loaded(sequence, reading, now)
        + loadedForClock(sequence, reading, now)
    case .asked(let id, let request, let caller): return answer(id, request, caller, now)
    case .kept(let id): return keysKept(id, now)
    case .keepFailed(let id, let message): return keepFailed(id, message, now)
    case .loadedParked(let slot, let readings): return loadedParked(slot, readings, now)
    case .importWanted: return importState(now)
    case .callerGone(let connection): return callerGone(connection, now)
    case .stopRequested: return stop(now)
    }
  }

  private mutating func started(_ seed: UInt64, _ now: Now) -> [Effect] {
    jitter = Jitter(seed: seed)
    isStarted = true
    day.stored = state.stored
    retainAt = now.monotonic + 60_000
    var effects: [Effect] = []
    if state != LedgerState() { effects += append([.snapshot(state)], now: now) }
    effects += endSessions(now) + sweepRound(now)
    for name in outboxes.keys.sorted() where identity.startSpread > 0 && shown.waiting(name) > 0 {
      outboxes[name]?.pausedUntil = now.monotonic + jitter.next(0...identity.startSpread)
    }
    startPulls(now)
    resumeSettling(now)
    watch.heartbeatAt = configuration.watch.heartbeatEvery.map { now.monotonic + min($0, 60_000) }
    return effects + openBluetooth() + openDevices(now) + recoverFragments(now) + wakeOutboxes(now) + expireRules(now)
      + resumeErasures()
  }

  private mutating func configured(
    _ configuration: Configuration, _ zones: [String: TimeZoneRules], _ plans: [String: Plan], _ now: Now
  ) -> [Effect] {
    self.configuration = configuration
    self.zones = zones
    // What was held against other plans is held against these.
    if self.plans != plans { for name in pulls.keys { pulls[name]?.etag = nil } }
    self.plans = plans
    // What is expected from now on.
    if isStarted { ruleDeadline = now.monotonic }
    var effects: [Effect] = []
    let known = knownDevices
    for (id, device) in devices.sorted(by: { $0.key < $1.key }) where !known.contains(device.configuration) {
      // What a device on a port still held back was measured under the old settings.
      if device.session != nil, device.configuration.isOnPort {
        effects += linkClosed(id, LinkEnd(code: "ended", message: "its configuration changed"), now)
      }
      effects.append(.close(device: id))
      devices[id] = nil
      effects += forgetSerial(of: device.configuration, now)
    }
    for device in known where devices[device.id] == nil {
      if let profile = Registry.profile(id: device.driver) { devices[device.id] = DeviceState(device, profile) }
    }
    bluetooth.devices = [:]
    for (id, device) in devices { if let link = device.link { bluetooth.devices[link.device] = id } }
    for name in outboxes.keys where !configuration.backends.contains(where: { $0.name == name }) {
      outboxes[name] = nil
    }
    for backend in configuration.backends {
      // Who reloads has mended something, perhaps in a file that the configuration only names.
      if outboxes[backend.name]?.configuration == backend {
        outboxes[backend.name]?.tryNow()
      } else if outboxes[backend.name] == nil {
        outboxes[backend.name] = Outbox(backend, limit: state.cursors[backend.name]?.limit)
      } else {
        outboxes[backend.name]?.reconfigure(backend)
      }
    }
    configurePulls(now)
    guard isStarted else { return effects }
    effects += openBluetooth() + listDevices(now) + settlePorts(now)
    // A bound device whose port is its own again is opened already.
    let opening = effects.compactMap { if case .openPort(let device, _, _) = $0 { device } else { nil } }
    return effects + openDevices(besides: opening, now) + wakeOutboxes(now)
  }

  private mutating func stop(_ now: Now) -> [Effect] {
    var effects: [Effect] = []
    for id in devices.keys.sorted() where devices[id]?.session != nil {
      effects += linkClosed(id, LinkEnd(code: "stopping", message: "the daemon stops"), now)
      effects.append(.close(device: id))
    }
    return leaveBluetooth() + effects + [.exit]
  }

  /// Proposes records; what follows in the same list waits until they are on disk.
  mutating func append(
    _ entries: [JournalEntry], device: String? = nil, backend: String? = nil, lane: OutboxLane? = nil,
    isHeld: Bool = false, assigns: [UInt64: String] = [:], completion: Completion? = nil, now: Now
  ) -> [Effect] {
    guard !entries.isEmpty else { return [] }
    let entries = now.isSynchronised ? entries : entries.map(\.unsynchronised)
    ledger.propose(entries)
    if entries.contains(where: { $0.kind == .rules }) { planRuleDeadline(now) }
    turn.append(
      PendingAppend.Part(
        entries: entries, device: device, backend: backend, lane: lane, isHeld: isHeld,
        completion: completion, assigns: assigns))
    return [.append(AppendID(0), [], fence: 0)]
  }

  /// What waits for the disk to be said over a link that is gone must not be said over the next one: it would be taken for the
  /// confirmation of something else.
  private mutating func forgetLink(_ device: String) {
    for id in pending.keys { pending[id]?.after.removeAll { $0.isOverLink(of: device) } }
  }

  /// A snapshot, when one is due: of everything before it, also of what is on its way to the disk in front of it.
  mutating func snapshot(_ now: Now) -> [Effect] {
    guard needsSnapshot else { return [] }
    needsSnapshot = false
    return append([.snapshot(state)], now: now)
  }

  /// The earliest moment at which something is to be done without an event from outside.
  private func nextDeadline() -> Int64? {
    var times: [Int64] = [
      retryUnsavedAt, reloadAt, keys.retryAt, sweepAt, importAt, retainAt, eraseAgainAt, watch.heartbeatAt,
      clockState.lookAt,
    ]
    .compactMap {
      $0
    }
    for device in devices.values {
      if let time = device.session?.nextDeadline { times.append(time) }
      if let time = device.reopenAt { times.append(time) }
      if let time = device.relistAt { times.append(time) }
    }
    for outbox in outboxes.values { if let time = outbox.nextDeadline { times.append(time) } }
    for pull in pulls.values { if let time = pull.nextAt { times.append(time) } }
    if let time = ruleDeadline { times.append(time) }
    if let time = bluetooth.nextDeadline { times.append(time) }
    if let time = serial.nextDeadline { times.append(time) }
    if let time = sessionDeadline { times.append(time) }
    return times.min()
  }

  /// When the next wait for a repeat ends, on the monotonic clock; set by `expireRules`.
  var ruleDeadline: Int64?
  /// Deliveries that go on, by patient, on the monotonic clock.
  var settling: [String: Settling] = [:]
  /// When the next session on a public device ends, on the monotonic clock.
  var sessionDeadline: Int64?

  private mutating func due(_ now: Now) -> [Effect] {
    var effects: [Effect] = []
    for id in devices.keys.sorted() {
      if let deadline = devices[id]?.session?.nextDeadline, deadline <= now.monotonic {
        effects += session(id, now) { $0.due(at: now.monotonic) }
      }
      if let time = devices[id]?.reopenAt, time <= now.monotonic { effects += open(id, now) }
    }
    effects += bluetoothDue(now)
    effects += serialDue(now)
    if let time = sessionDeadline, time <= now.monotonic { effects += endSessions(now) }
    for name in outboxes.keys.sorted() { effects += advance(name, now) }
    if let time = retryUnsavedAt, time <= now.monotonic, !unsaved.isEmpty {
      effects += retryUnsaved(now)
    }
    if let time = importAt, time <= now.monotonic { effects += importState(now) }
    if let time = sweepAt, time <= now.monotonic { effects += sweepRound(now) }
    if let time = reloadAt, time <= now.monotonic {
      reloadAt = nil
      effects += loads.keys.sorted().map { .load(sequence: $0) }
    }
    if let time = retainAt, time <= now.monotonic {
      // Once an hour is often enough for what is dropped after days.
      retainAt = now.monotonic + 3_600_000
      effects.append(.retain(pinned: pinned))
      effects += dailyLine() + watchRound(now)
    }
    if let time = eraseAgainAt, time <= now.monotonic {
      eraseAgainAt = nil
      effects += resumeErasures()
    }
    if let time = watch.heartbeatAt, time <= now.monotonic { effects += beat(now) }
    effects += pullsDue(now)
    if let time = ruleDeadline, time <= now.monotonic { effects += expireRules(now) }
    return effects
  }

  /// One quiet line a day: what came, what waits. No values, patients or addresses.
  private mutating func dailyLine() -> [Effect] {
    day.rounds += 1
    guard day.rounds >= 24 else { return [] }
    let waiting = configuration.backends.map { "\($0.name) \(shown.waiting($0.name))" }.joined(separator: ", ")
    let stored = state.stored >= day.stored ? state.stored - day.stored : 0
    day = (0, state.stored)
    return [
      .log(.info, "a day: \(stored) stored; waiting: \(waiting.isEmpty ? "-" : waiting); parked: \(state.parked.count)")
    ]
  }

  /// The lowest sequence number that waits for a patient: it is never dropped, nor what comes after it. What backends refused is
  /// kept as long as the journal is not half full: it must not keep new readings out.
  public var pinned: UInt64? {
    let state = ledger.durable
    // A backend that the configuration has no more gets nothing again.
    let retries = state.retries.values.filter { outboxes[$0.backend] != nil }
    var numbers = state.parked.values.map(\.sequence) + retries.map(\.original)
    numbers += state.held.values.map(\.sequence)
    if journal.bytes <= journal.maximumBytes / 2 { numbers += state.allRefusals.map(\.sequence) }
    return numbers.min()
  }

  func zone(for device: DeviceConfiguration, patient: String?) -> TimeZoneRules {
    let name = device.timeZone ?? patient.flatMap { plans[$0]?.timeZone } ?? configuration.timeZone
    return zones[name] ?? zones[configuration.timeZone] ?? .utc
  }
}

extension Gateway {
  /// What each configured backend has: what all of them have may be dropped. None without backends: then nothing goes.
  public var cursors: [UInt64] { configuration.backends.map { shown.cursors[$0.name]?.through ?? 0 } }
}
