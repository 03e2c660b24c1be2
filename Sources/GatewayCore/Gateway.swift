// The gateway: one value that decides everything. Events go in, effects come out, in order; it has no clock and does no I/O. This file
// is its router: an event goes to the components that it concerns, what they propose becomes one append, and what depends on it
// waits until it is on disk.

package import BluetoothManagement
internal import Drivers
internal import JSON
internal import Readings
internal import ControlProtocol
internal import Journal
package import Monitoring
package import Settings
internal import Zones
package import Ledger

/// The gateway of one home.
package struct Gateway: Sendable {
  /// What is told about this build and start.
  package struct Identity: Sendable, Hashable {
    /// The hub's identifier.
    package var hubID: String
    /// The program's version.
    package var version: String
    /// When it started, monotonic milliseconds.
    package var startedAt: Int64
    /// The wall clock goes on while the machine is off.
    package var hasBatteryClock = true
    /// After a start of the machine, backends are tried at a random moment of so many milliseconds: when the power comes back,
    /// it does so for many hubs at once.
    package var startSpread: Int64 = 0
    /// The kernel that runs; nil when that cannot be told.
    package var kernel: KernelRelease?
    /// The most octets of a snapshot that leave a small journal room for readings.
    package var snapshotRoom = Int.max
    /// What is told about this build and start.
    package init(hubID: String, version: String, startedAt: Int64) {
      self.hubID = hubID
      self.version = version
      self.startedAt = startedAt
    }
  }

  /// A group of records on its way to the disk: who gave them, and what follows when they are there.
  private struct PendingAppend: Sendable {
    var parts: [Part]
    /// What is done when they are on disk; never otherwise.
    var after: [Effect]
  }

  /// Whether the newest segment of the journal has its snapshot.
  private struct Snapshots: Sendable {
    /// A segment began that has none yet.
    var isNeeded = false
    /// The last that came to the disk was one.
    var isNewest = false
    /// When room was made in a full journal last, monotonic milliseconds.
    var madeRoomAt: Int64?
  }

  /// What an event brings about so far, in order.
  private struct Effects {
    var now: [Effect] = []
    var after: [Effect] = []
    var isEnding = false
  }

  private(set) var turn: Turn
  private(set) var links = Links()
  private(set) var bluetooth: Bluetooth
  private(set) var ports = Ports()
  private(set) var rules = Rules()
  private(set) var delivery = Delivery()
  private(set) var watch = Watch()
  private(set) var desk: Desk
  private var pending: [AppendID: PendingAppend] = [:]
  private var snapshots = Snapshots()
  private var wakeAt: Int64?
  /// This event says that a deadline has come: the shell waits for none any more.
  private var isOverdue = false

  /// A gateway with what recovery and the file of keys gave.
  package init(
    identity: Identity, state: LedgerState, keys: KeyFile = KeyFile(), imported: ImportedState? = nil
  ) {
    let keys = KeyStore(keys, state, imported)
    turn = Turn(Ledger(state), House(identity))
    turn.house.keys = keys.keys
    bluetooth = Bluetooth(keys)
    desk = Desk(imported)
  }

  /// Takes an event and gives what is to be done, in order.
  package mutating func handle(_ event: Event, at now: Now) -> [Effect] {
    let wasUnsure = turn.house.clockUnsureSince != nil
    turn.begin(now)
    isOverdue = false
    var effects = Effects()
    if turn.house.isStarted, wasUnsure != (turn.house.clockUnsureSince != nil) { send(.watch(.clockJudged)) }
    if let step = turn.house.clockStep { send(.rules(.clockStepped(by: step))) }
    take(arrived(event), &effects)
    deliver(&effects)
    take(links.handle(.turnEnds, &turn), &effects)
    take(bluetooth.handle(.turnEnds, &turn), &effects)
    deliver(&effects)
    return close(effects)
  }

  // MARK: Events

  /// What an event is for the router itself; the rest goes to components.
  private mutating func arrived(_ event: Event) -> [Effect] {
    switch event {
    case .started(let seed): return started(seed)
    case .configured(let configuration, let zones, let plans):
      let changesPlans = turn.house.plans != plans
      turn.house.configure(configuration, zones, plans)
      send(Route.configured(changesPlans: changesPlans))
      if turn.house.isStarted { send(.watch(.clockJudged)) }
    case .linkOpened(let device):
      if let node = SerialPortState.node(device) {
        send(.ports(.opened(node: node)))
      } else {
        send([.links(.opened(device)), .ports(.deviceOpened(device))])
      }
    case .deviceInRange(let device): send(.links(.inRange(device)))
    case .advertised(let device, let data): send(.links(.advertised(device, data)))
    case .linkReceived(let device, let octets):
      if let node = SerialPortState.node(device) {
        send(.ports(.heard(node: node, octets)))
      } else {
        send(.links(.received(device, octets)))
      }
    case .portAdded(let facts): send(.ports(.added(facts)))
    case .portRemoved(let node): send(.ports(.removed(node: node)))
    case .linkSecured(let device, let level): send(.links(.secured(device, level: level)))
    case .linkClosed(let device, let end):
      forgetLink(device)
      if let node = SerialPortState.node(device) {
        send(.ports(.closed(node: node, end)))
      } else {
        send(.links(.closed(device, end)))
      }
    case .bluetoothOpened: send(.bluetooth(.opened))
    case .bluetoothClosed(let end): send(.bluetooth(.closed(end)))
    case .managementReceived(let octets): send(.bluetooth(.received(octets)))
    case .rehearsed(let reading): return turn.append(turn.judged(reading))
    case .timer:
      isOverdue = true
      wakeAt = nil
      send(Route.due)
    case .clockChanged: send(.rules(.expire))
    case .appended(let id, let sequences): return appended(id, sequences)
    case .appendFailed(let id, let failure): return appendFailed(id, failure)
    case .recovered(let records):
      let known = turn.head.erasing.union(turn.head.erasingFiles)
      turn.recover(records)
      let erasing = turn.head.erasing.union(turn.head.erasingFiles)
      send([.delivery(.wake), .desk(.erasuresRecovered(erasing.subtracting(known)))])
    case .journalRolled:
      // One that made the journal roll stands in the new segment: another would make it roll again, for ever.
      snapshots.isNeeded = snapshots.isNeeded || !snapshots.isNewest
      return snapshot()
    case .journalReport(let report):
      turn.house.journal = report
      send(.watch(.journalReported))
    case .sessionCrashed(let device): send(.links(.sessionCrashed(device)))
    case .restartedAfter(let end): send(.watch(.restarted(after: end)))
    case .credentialsRead(let ends): send(.watch(.credentialsRead(ends)))
    case .plansAnswered(let backend, let url, let answer): send(.rules(.answered(backend: backend, url: url, answer)))
    case .plansStaged(let faults): send(.rules(.staged(faults)))
    case .plansHinted(let backend, let etag): send(.rules(.hinted(backend: backend, etag: etag)))
    case .compressionKnown(let backend, let state): send(.delivery(.compressionKnown(backend: backend, state)))
    case .plansWanted: send(.rules(.wanted))
    case .faultsFound(let faults): send(.watch(.faultsFound(faults)))
    case .diskSeen(let percent):
      turn.house.journal.diskPercent = percent
      send(.watch(.journalReported))
    case .directoryRetained(let backend, let fault): send(.watch(.directoryRetained(backend: backend, fault: fault)))
    case .erased(let patient, let report): send(.desk(.erased(patient, report)))
    case .filesErased(let patient, let removes, let files): send(.desk(.filesErased(patient, removes: removes, files)))
    case .fetched(let request, let items, let isAtEnd):
      send(.delivery(.fetched(request, items, isAtEnd: isAtEnd)))
    case .delivered(let backend, let lane, let outcome, let mostItems):
      send(.delivery(.delivered(backend: backend, lane, outcome, mostItems: mostItems)))
    case .loaded(let sequence, let reading, let isEvent):
      send([.desk(.loaded(sequence, reading, isEvent: isEvent)), .links(.loaded(sequence, reading))])
    case .asked(let id, let request, let caller): send(.desk(.asked(id, request, caller)))
    case .kept(let id): send(.bluetooth(.keysKept(id)))
    case .keepFailed(let id, let message): send(.bluetooth(.keysRefused(id, message)))
    case .loadedParked(let slot, let readings): send(.desk(.loadedParked(slot, readings)))
    case .importWanted: send(.desk(.importWanted))
    case .callerGone(let connection):
      send([.links(.callerGone(connection)), .bluetooth(.callerGone(connection)), .desk(.callerGone(connection))])
    case .located(let id, let found): send(.desk(.located(id, found)))
    case .stopRequested:
      send(.links(.stopping))
      return bluetooth.handle(.leave, &turn) + [.exit]
    }
    return []
  }

  private mutating func started(_ seed: UInt64) -> [Effect] {
    turn.jitter = Jitter(seed: seed)
    turn.house.isStarted = true
    send(Route.started)
    snapshots.isNeeded = turn.head != LedgerState()
    return snapshot()
  }

  // MARK: The disk's answers

  private mutating func appended(_ id: AppendID, _ sequences: [UInt64]) -> [Effect] {
    guard let append = pending.removeValue(forKey: id) else { return [] }
    let records = turn.written(id, sequences, append.parts)
    snapshots.isNewest = records.contains { $0.entry.kind == .snapshot }
    // The confirmations and answers that waited for this.
    var effects = append.after
    if let failure = turn.house.journalFailure {
      turn.house.journalFailure = nil
      effects.append(.log(.notice, "\(failure.failure.code): it is over: the journal takes readings again"))
      send([.delivery(.diskRecovered), .links(.diskRecovered)])
    }
    var hasNews = false
    for (entry, sequence) in records {
      if case .erase(let patient, _) = entry { turn.house.forgetPlan(of: patient) }
      effects += entry.published(at: sequence)
      hasNews = hasNews || JournalEntry.deliverable.contains(RecordKind(rawValue: entry.kind.rawValue))
      send(Route.written(entry, at: sequence))
    }
    for part in append.parts { send(Route.written(part.ticket)) }
    if hasNews { send(.delivery(.wake)) }
    for device in Set(append.parts.compactMap(\.ticket.device)).sorted() { send(.links(.committed(device))) }
    return effects + snapshot()
  }

  /// A group is not on disk. Neither is anything behind it: it was decided upon what is lost.
  private mutating func appendFailed(_ id: AppendID, _ failure: JournalFailure) -> [Effect] {
    let lost = turn.refused(id)
    guard !lost.isEmpty else { return snapshot() }
    var effects: [Effect] = []
    if turn.house.journalFailure?.failure.code != failure.code {
      effects.append(
        .log(.error, "\(failure.code): \(failure.message); nothing is confirmed until the journal takes readings again")
      )
    }
    turn.house.journalFailure = (failure, turn.house.journalFailure?.since ?? turn.now.wall)
    if failure.isLimit { effects += makeRoom() }
    var parts: [Part] = []
    for group in lost {
      guard let append = pending.removeValue(forKey: group.id) else { continue }
      effects += append.after.compactMap { $0.answered.map { Gateway.refusal(of: $0, failure) } }
      turn.ended(append.parts)
      parts += append.parts
    }
    for part in parts { send(Route.refused(part.ticket)) }
    for entry in parts.flatMap(\.entries) {
      if entry.kind == .snapshot { snapshots.isNeeded = true }
      send(Route.refused(entry, failure))
    }
    send(.links(.refused(parts)))
    return effects + snapshot()
  }

  /// The journal has reached its limit. What every backend has may go at once; where all of it does, and the newest segment is what
  /// takes the room, a snapshot in a new one lets that go, too.
  private mutating func makeRoom() -> [Effect] {
    let now = turn.now.monotonic
    guard snapshots.madeRoomAt.map({ now - $0 >= Gateway.roomPause }) ?? true else { return [] }
    snapshots.madeRoomAt = now
    let names = turn.house.configuration.backends.map(\.name)
    let isAnswered = !names.isEmpty && names.allSatisfy { turn.durable.waiting($0) == 0 } && pinned == nil
    guard isAnswered else { return [.retain(pinned: pinned)] }
    snapshots.isNeeded = true
    return [.sealJournal]
  }

  /// How long is waited before room is made once more, in milliseconds.
  private static let roomPause: Int64 = 10_000

  static func refusal(of request: RequestID, _ failure: JournalFailure) -> Effect {
    .answer(
      request,
      .failure(
        ControlError(code: failure.code, message: failure.message, hint: "free space on the disk, then try again")))
  }

  /// What waits for the disk to be said over a link that is gone must not be said over the next one: it would be taken for the
  /// confirmation of something else.
  private mutating func forgetLink(_ device: String) {
    for id in pending.keys { pending[id]?.after.removeAll { $0.isOverLink(of: device) } }
  }

  /// A snapshot, when one is due: of everything before it, also of what is on its way to the disk in front of it.
  private mutating func snapshot() -> [Effect] {
    guard snapshots.isNeeded else { return [] }
    snapshots.isNeeded = false
    let records = turn.head.snapshotRecords(room: turn.house.identity.snapshotRoom)
    send(.watch(.snapshotMade(percent: records.percent, shortened: records.shortened)))
    return turn.append(records.entries)
  }

  // MARK: The turn

  private mutating func send(_ message: Message) { turn.send(message) }

  private mutating func send(_ messages: [Message]) { for message in messages { turn.send(message) } }

  /// Hands out messages until there are none.
  private mutating func deliver(_ effects: inout Effects) {
    while let message = turn.next() {
      switch message {
      case .links(let input): take(links.handle(input, &turn), &effects)
      case .bluetooth(let input): take(bluetooth.handle(input, &turn), &effects)
      case .ports(let input): take(ports.handle(input, &turn), &effects)
      case .rules(let input): take(rules.handle(input, &turn), &effects)
      case .delivery(let input): take(delivery.handle(input, &turn), &effects)
      case .watch(let input): take(watch.handle(input, &turn), &effects)
      case .desk(let input): take(desk.handle(input, &turn), &effects)
      }
    }
  }

  /// What stands behind a record in the list of one component waits until the disk has the turn's records.
  private func take(_ list: [Effect], _ effects: inout Effects) {
    var isBehind = false
    for effect in list {
      switch effect {
      case .append: isBehind = true
      case .exit: effects.isEnding = true
      default:
        if isBehind, !effect.promisesNothing { effects.after.append(effect) } else { effects.now.append(effect) }
      }
    }
  }

  /// What depends on no record, then at most one append with all records of this turn.
  private mutating func close(_ effects: Effects) -> [Effect] {
    var list = effects.now
    if let (group, parts) = turn.close() {
      pending[group.id] = PendingAppend(parts: parts, after: effects.after)
      list.append(.append(group.id, group.entries, fence: turn.ledger.fence))
    } else {
      list += effects.after
    }
    if effects.isEnding { list.append(.exit) }
    var next = [
      links.deadline, bluetooth.deadline, ports.deadline, rules.deadline, delivery.deadline, watch.deadline,
      desk.deadline,
    ].compactMap(\.self).min()
    // One that its component did not settle must neither keep the others waiting nor be looked at without end.
    if isOverdue, let time = next, time <= turn.now.monotonic { next = turn.now.monotonic + 1000 }
    if next != wakeAt {
      wakeAt = next
      list.insert(.wake(at: next), at: 0)
    }
    return list
  }

  // MARK: Retention

  /// The lowest sequence number that waits for a patient: it is never dropped, nor what comes after it. What backends refused is
  /// kept as long as the journal is not half full: it must not keep new readings out.
  package var pinned: UInt64? { turn.view.pinned }

  /// Who set which plan, as the disk has it.
  package var planOrigins: PlanOrigins { turn.durable.origins }

  /// What the disk refused and is in memory alone: readings, and events of the hub.
  package var unsaved: (readings: Int, events: Int) {
    (turn.house.unsavedReadings, turn.house.unsaved - turn.house.unsavedReadings)
  }

  /// How many items a backend does not have yet.
  package func waiting(for backend: String) -> UInt64 { turn.durable.waiting(backend) }

  /// The names of the devices that technicians brought in.
  package var pairedDevices: Set<String> { Set(turn.durable.register.devices.map(\.id)) }

  /// What whoever brings a configuration into force should know of it, a line each.
  package func warnings(of configuration: Configuration, plans: [String: Plan]) -> [String] {
    turn.view.warnings(of: configuration, plans: plans)
  }

  /// What each configured backend has: what all of them have may be dropped. None without backends: then nothing goes.
  package var cursors: [UInt64] {
    turn.house.configuration.backends.map { turn.durable.cursors[$0.name]?.complete ?? 0 }
  }
}

extension JournalEntry {
  /// What everybody is told of a record that is on disk.
  func published(at sequence: UInt64) -> [Effect] {
    switch self {
    case .reading(let reading): [.publishReading(reading, sequence: sequence)]
    case .event(let event): [.publishEvent(event)]
    case .erase(let patient, _): [.shredImported, .erase(patient: patient)]
    case .imported: [.importFinished]
    default: []
    }
  }
}
