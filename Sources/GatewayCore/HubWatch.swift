// What the hub tells of itself: a heartbeat to the backends that want it, and events when it needs somebody. A missing heartbeat
// is how a backend notices a dead hub: a silent hub must not look like a healthy patient. A heartbeat is never stored: while a
// backend is away only the newest one waits, in memory.

internal import Drivers
internal import JSON
internal import Monitoring
internal import Octets
internal import Readings
internal import Settings
internal import Zones

/// What is known of the hub's own state.
struct HubWatch: Sendable {
  /// When the next heartbeat is due, monotonic milliseconds.
  var heartbeatAt: Int64?
  /// The newest heartbeat that a backend does not have yet, and the one that is on its way.
  var waiting: [String: Deliverable] = [:]
  var sent: [String: String] = [:]
  /// What was told and is not over.
  var raised: Set<String> = []
  /// What was found wrong in files and is not mended.
  var faults = KnownFaults()
  var clockUnsureSince: Int64?
  /// When backends' credentials end, by name.
  var credentials: [String: CredentialFact] = [:]
}

extension Gateway {
  // MARK: Events

  private func offset(_ now: Now) -> Int32 {
    Int32(clamping: (zones[configuration.timeZone] ?? .utc).local(at: now.wall / 1000).offset)
  }

  /// Tells that something began or is over, each once.
  mutating func tell(
    _ code: String, _ holds: Bool, _ message: String, _ now: Now, about: String? = nil
  ) -> [JournalEntry] {
    let key = about.map { "\(code)|\($0)" } ?? code
    guard watch.raised.contains(key) != holds else { return [] }
    if holds { watch.raised.insert(key) } else { watch.raised.remove(key) }
    return [.event(HubEvent(hub: code, message: message, isOver: !holds, at: now.wall, offsetSeconds: offset(now)))]
  }

  /// Once an hour: the clock, and devices that were not heard of.
  mutating func watchRound(_ now: Now) -> [Effect] {
    watch.clockUnsureSince = now.isSynchronised ? nil : watch.clockUnsureSince ?? now.monotonic
    let unsure = watch.clockUnsureSince.map { now.monotonic - $0 >= configuration.watch.clockAfter } ?? false
    var entries = tell(
      "clock.unsynchronised", unsure,
      unsure ? "the hub's clock is not synchronised" : "the hub's clock is synchronised again", now)
    for device in knownDevices {
      let watched = configuration.watch.silentAfter
      guard let after = watched[device.id] ?? watched["*"], let state = devices[device.id] else { continue }
      // What was before this start is not known: silence is counted from there.
      let heard = state.lastContact.map { now.wall - $0 } ?? (now.monotonic - identity.startedAt)
      let isSilent = state.session == nil && heard >= after
      let key = "device.silent|\(device.id)"
      guard watch.raised.contains(key) != isSilent else { continue }
      if isSilent { watch.raised.insert(key) } else { watch.raised.remove(key) }
      guard isSilent else { continue }
      entries.append(
        .event(
          HubEvent(
            device: device.id, code: "device.silent", message: "nothing was heard of it for \(heard / 3_600_000) h",
            at: now.wall, offsetSeconds: offset(now))))
    }
    return [.readCredentials] + (entries.isEmpty ? [] : append(entries, now: now))
  }

  /// The journal told its size, and how full the disk is.
  mutating func watchJournal(_ now: Now) -> [Effect] {
    let limit = configuration.watch.diskPercent
    let percent = journal.diskPercent ?? 0
    var entries = tell(
      "disk.nearly-full", percent >= limit,
      percent >= limit ? "the disk of the journal is \(percent) % full" : "the disk has room again", now)
    let used = journal.maximumBytes > 0 ? journal.bytes * 100 / journal.maximumBytes : 0
    entries += tell(
      "journal.nearly-full", used >= limit,
      used >= limit ? "the journal has \(used) % of its size" : "the journal has room again", now)
    return entries.isEmpty ? [] : append(entries, now: now)
  }

  /// The daemon before this one was not asked to end.
  mutating func restarted(after end: UncleanEnd, _ now: Now) -> [Effect] {
    let (code, message) =
      switch end {
      case .crash: ("daemon.restarted", "the daemon ended unexpectedly and was started again")
      case .powerLoss: ("hub.power-lost", "the hub lost power or was reset")
      }
    let event = HubEvent(hub: code, message: message, at: now.wall, offsetSeconds: offset(now))
    return [.log(.notice, "\(code): \(message)")] + append([.event(event)], now: now)
  }

  // MARK: Heartbeat

  /// A new heartbeat takes the place of one that still waits.
  mutating func beat(_ now: Now) -> [Effect] {
    guard let every = configuration.watch.heartbeatEvery else {
      watch.heartbeatAt = nil
      return []
    }
    watch.heartbeatAt = now.monotonic + every
    let name = "heartbeat|\(identity.hubID)|\(now.bootID)|\(now.monotonic)"
    let id = NameBasedUUID.make(Array(name.utf8)).description
    let beat = Deliverable(
      sequence: 0, id: id, isReading: false, receivedAt: now.wall, json: heartbeat(id, now).encoded())
    var effects: [Effect] = []
    for backend in configuration.watch.heartbeatTo {
      guard let outbox = outboxes[backend] else { continue }
      watch.waiting[backend] = beat
      let batch = outbox.backlog.batch
      if batch.count == 1, batch.first?.id == watch.sent[backend], outbox.backlog.step == .held {
        outboxes[backend]?.thaw([.backlog])
      }
      outboxes[backend]?.wake()
      effects += advance(backend, now)
    }
    return effects
  }

  /// A heartbeat goes alone, when nothing else is to be sent.
  mutating func withHeartbeat(_ items: [Deliverable], _ request: FetchRequest) -> [Deliverable] {
    let backend = request.backend
    guard items.isEmpty, request.lane == .backlog, request.before == nil,
      outboxes[backend]?.backlog.step == .fetching(request), var beat = watch.waiting[backend]
    else { return items }
    beat.sequence = shown.cursors[backend]?.through ?? 0
    watch.sent[backend] = beat.id
    return [beat]
  }

  /// The answer to a heartbeat is no acknowledgement of anything stored; nil when it is none. Refused or taken: it is over.
  mutating func heartbeatAnswered(
    _ backend: String, _ lane: OutboxLane, _ batch: [Deliverable], _ now: Now
  ) -> [Effect]? {
    guard lane == .backlog, batch.count == 1, let id = batch.first?.id, id == watch.sent[backend] else { return nil }
    watch.sent[backend] = nil
    if watch.waiting[backend]?.id == id { watch.waiting[backend] = nil }
    outboxes[backend]?.stored(lane)
    return advance(backend, now)
  }

  /// A heartbeat that was not taken makes room for a newer one.
  mutating func thawHeartbeat(_ backend: String, _ batch: [Deliverable]) {
    guard batch.count == 1, let id = batch.first?.id, id == watch.sent[backend], watch.waiting[backend]?.id != id else {
      return
    }
    outboxes[backend]?.thaw([.backlog])
  }

  /// Never a value.
  private func heartbeat(_ id: String, _ now: Now) -> JSONValue {
    var object = JSONObject()
    object["id"] = .string(id)
    object["type"] = "heartbeat"
    object["at"] = .string(EventText.instant(now.wall, offset(now)))
    object["hub_id"] = .string(identity.hubID)
    object["version"] = .string(identity.version)
    object["boot_id"] = .string(now.bootID)
    object["uptime_seconds"] = .int((now.monotonic - identity.startedAt) / 1000)
    object["clock_synchronised"] = .bool(now.isSynchronised)
    object["parked"] = .int(shown.parked.count)
    object["refused"] = .int(shown.allRefusals.count)
    object["journal"] = [
      "state": .string(journalFailure?.failure.code ?? "ok"), "bytes": .int(journal.bytes),
      "maximum_bytes": .int(journal.maximumBytes), "damaged": .int(journal.damage.count),
    ]
    object["queues"] = .array(
      outboxes.keys.sorted().compactMap { name in
        guard let outbox = outboxes[name] else { return nil }
        var queue = JSONObject()
        queue["backend"] = .string(name)
        queue["waiting"] = .int(shown.waiting(name))
        if shown.waiting(name) > 0, let oldest = outbox.oldestWaiting {
          queue["oldest_waiting_seconds"] = .int(max(0, now.wall - oldest) / 1000)
        }
        if let error = outbox.lastError { queue["last_error"] = .string(error.code) }
        return .object(queue)
      })
    object["devices"] = .array(
      knownDevices.compactMap { configured in
        guard let device = devices[configured.id] else { return nil }
        var entry = JSONObject()
        entry["id"] = .string(configured.id)
        entry["last_contact"] = instant(device.lastContact)
        if let battery = device.battery { entry["battery"] = .int(battery) }
        if let problem = device.lastProblem { entry["last_problem"] = .string(problem.code) }
        return .object(entry)
      })
    var versions = JSONObject()
    for (patient, plan) in plans.sorted(by: { $0.key < $1.key }) { versions[patient] = .int(plan.version) }
    object["plans"] = .object(versions)
    if !watch.faults.list.isEmpty { object["problems"] = .array(faultProblems()) }
    object["raised"] = .array(watch.raised.sorted().map { .string($0) })
    return .object(object)
  }
}
