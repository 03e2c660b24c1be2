// The daemon: the gateway in the middle, the world around it. It runs the effects of each event in order; the journal's thread
// writes meanwhile, and its answer is an event like any other.

import BluetoothManagement
import ControlProtocol
import GatewayCore
import Glibc
import JSON
import Journal
import JournalFiles
import Platform
import Readings
import Settings
import Zones
import Ledger
import Monitoring

final class Daemon {
  let options: Options
  private let loop: EventLoop
  private let journal: JournalThread
  let files: FilesThread
  private let people: PeopleThreads
  private let isImporting: Bool
  private(set) var gateway: Gateway
  var loaded: LoadedConfiguration
  /// What was in force when the daemon began: of that, a reload changes nothing.
  let begun: Configuration
  /// By which backends know the hub.
  let hubID: String
  /// What is being kept for the next start.
  var keeping = Keeping()
  /// Patients who were erased, and whose files may still be there.
  var erasedPlans: Set<String> = []
  /// Plans that are in force and not in their place on the disk, by patient.
  var unsettledPlans: [String: Plan] = [:]
  /// The zones that the staged plans name.
  private(set) var stagedZones: [String: TimeZoneRules] = [:]
  private let bootID = Clocks.bootID()
  /// How many appends the journal's thread has not answered.
  private var appending = 0
  private var events: [Event] = []
  private var isHandling = false
  private var gatewayWake: Int64?
  private var memory = IdleMemory()
  private var watchdogAt: Int64?
  private var watchdogEvery: Int64?
  private var exitBy: Int64?
  private var moment: Now?
  private var isStopping = false
  private var serial: SerialLinks?
  private var ports: PortMonitor?
  private var playback: PlaybackLinks?
  private var bluetooth: BluetoothLinks?
  var control: ControlServer?
  var backends: Backends?
  /// The names of the devices that do not stand in the configuration.
  var pairedDevices: Set<String> { gateway.pairedDevices }
  /// What is told of a configuration that comes into force.
  func warnings(of loaded: LoadedConfiguration) -> [String] {
    gateway.warnings(of: loaded.configuration, plans: loaded.plans)
  }
  /// Local actions; none in the demo.
  private var actions: Actions?
  /// Called with every effect before it is run; the demo watches by it.
  var observer: (Effect) -> Void = { _ in }
  /// Called when the daemon is ready.
  var whenReady: () -> Void = {}

  init(_ options: Options, _ loaded: LoadedConfiguration) throws(StartError) {
    self.options = options
    self.loaded = loaded
    begun = loaded.configuration
    let state = options.stateDirectory
    do {
      try Directory.make(state)
      loop = try EventLoop(signals: [SIGTERM, SIGINT, SIGHUP, SIGCHLD])
      var recovered = LedgerState()
      var unreadable = 0
      var unknown: [UInt8: Int] = [:]
      let configured = loaded.configuration.journal
      var limits = JournalLimits(segmentBytes: configured.segmentBytes, maximumBytes: configured.maximumBytes)
      // The largest snapshot that the bounds of patients, devices and backends let come about.
      limits.groupBytes = JournalLimits.mostGroupBytes
      limits.deliverable = JournalEntry.deliverable
      limits.bounded = JournalEntry.bounded
      var store = try JournalStore(stateDirectory: state, limits: limits) { record in
        switch recovered.restore(record) {
        case .taken: break
        case .unreadable: unreadable += 1
        case .unknown: unknown[record.kind.rawValue, default: 0] += 1
        }
      }
      if let beyond = recovered.parkedBeyond { Daemon.index(beyond.first, &store, &recovered) }
      if unreadable > 0 {
        SystemLog.write(
          4, "journal.records-unreadable: not understood, left where it is: \(Count.of(unreadable, "record"))")
      }
      for (kind, count) in unknown.sorted(by: { $0.key < $1.key }) {
        SystemLog.write(
          4, "journal.records-newer: passed over: \(Count.of(count, "record")) of kind \(kind), of a newer version")
      }
      let kept = try KeptState(state, hubID: loaded.configuration.hubID, recovered)
      hubID = kept.hubID
      var identity = Gateway.Identity(hubID: kept.hubID, version: Hearthd.version, startedAt: Clocks.monotonic())
      identity.hasBatteryClock = Clocks.hasBattery()
      // Two of the segments that hold a snapshot, and what is written meanwhile, must fit.
      identity.snapshotRoom = max(0, limits.maximumBytes - 3 * limits.segmentBytes) / 3
      if Clocks.monotonic() < 300_000 { identity.startSpread = 30_000 }
      identity.kernel = RunningKernel.names.map { KernelRelease(release: $0.release, build: $0.build) }
      gateway = Gateway(
        identity: identity, state: recovered, keys: kept.keys, imported: kept.imported)
      isImporting = kept.imported != nil
      files = try FilesThread(state)
      journal = try JournalThread(store, folder: "\(state)/journal")
      people = try PeopleThreads(journal: "\(state)/journal", journal.view)
      let uplink = UplinkClient(loop, path: options.uplink, socket: "\(options.runtimeDirectory)/uplink.sock")
      backends = nil
      backends = try Backends(
        loop, uplink: uplink, identity: .init(hubID: kept.hubID, bootID: bootID), { [unowned self] in handle($0) })
      bluetooth = BluetoothLinks(loop, kernel: identity.kernel) { [unowned self] in handle($0) }
      serial = SerialLinks(loop) { [unowned self] in handle($0) }
      playback = PlaybackLinks(localTime: { [unowned self] in localTime() }) { [unowned self] in handle($0) }
      try listen()
    } catch let error as JournalOpenError {
      throw StartError(message: error.description, status: error.code == "journal.newer-version" ? 78 : 1)
    } catch let error as SystemError {
      throw StartError(message: error.message)
    } catch let error as FileError {
      throw StartError(message: "\(error)")
    } catch let error as StartError {
      throw error
    } catch {
      throw StartError(message: "\(error)")
    }
    files.mailbox.attach(to: loop) { [unowned self] message in
      switch message {
      case .kept(let id): handle(.kept(id))
      case .failed(let id, let message): handle(.keepFailed(id, message: message))
      case .staged(let zones, let faults):
        stagedZones = zones
        handle(.plansStaged(faults: faults))
      case .lastGood(let number, let fault): kept(number, fault)
      case .removed(let patient, let fault):
        if let fault { SystemLog.write(3, "erase.files: an erased patient's plan is still on the disk: \(fault)") }
        erasedPlans.remove(patient)
        journal.erase(patient)
      }
    }
    people.mailbox.attach(to: loop) { [unowned self] message in
      switch message {
      case .answered(let id, let answer):
        people.finished(id)
        control?.answer(id, answer)
      case .located(let id, let found):
        people.finished(id)
        handle(.located(id, found))
      case .found(let id, let readings):
        people.finished(id)
        control?.answer(id, readings: readings)
      }
    }
    journal.mailbox.attach(to: loop) { [unowned self] in received($0) }
    loop.onWake { [unowned self] in moment = Now(bootID: bootID, isDemo: options.action == .demo) }
    loop.onTimer { [unowned self] in timer() }
    loop.onSignal { [unowned self] in signalled($0) }
    do throws(SystemError) {
      try loop.onClockSet { [unowned self] in handle(.clockChanged) }
    } catch {
      SystemLog.write(4, "clock.unwatched: steps of the clock are not noticed at once: \(error.message)")
    }
  }

  /// The snapshot does not name all readings that wait for a patient: they are looked for in the journal.
  private static func index(_ first: UInt64, _ store: inout JournalStore, _ recovered: inout LedgerState) {
    var index = ParkedIndex()
    var after = first > 0 ? first - 1 : 0
    while true {
      let batch = store.journal.read(after: after, maximumCount: 1000, maximumBytes: 2 << 20, kinds: [.reading])
      batch.records.forEach { index.take($0) }
      // A disk that cannot be read now says nothing of what waits: what the snapshot says stays.
      guard batch.error == nil else {
        SystemLog.write(4, "journal.unreadable: readings that wait for a patient cannot all be listed; they are kept")
        return
      }
      guard !batch.isAtEnd, batch.through > after else { break }
      after = batch.through
    }
    index.finish(&recovered)
  }

  private func listen() throws {
    let passed = ServiceManager.listenDescriptors()
    let listener: Int32
    if let first = passed.first(where: { $0.name == "hearthd.socket" || $0.name == "control" }) ?? passed.first {
      listener = first.fd
    } else {
      try Directory.make(options.runtimeDirectory)
      // Everyone may call; the kernel says who it is, and who may not is told so.
      listener = try UnixSocket.listen(
        "\(options.runtimeDirectory)/hearthd.sock", mode: 0o666, group: loaded.configuration.readerGroup)
    }
    control = ControlServer(loop, listener: listener, rearm: { [unowned self] in arm() }) { [unowned self] in handle($0)
    }
  }

  // MARK: Running

  func run() -> Int32 {
    if options.action != .demo { actions = Actions(loop, beside: options.configuration) }
    if isImporting { handle(.importWanted) }
    settlePlans(planOrigins)
    configure(loaded)
    let seed = Clocks.random(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    if let device = crashedDevice() { handle(.sessionCrashed(device: device)) }
    handle(.started(seed: seed))
    if let end = beginRun() { handle(.restartedAfter(end)) }
    tellFaults()
    watchPorts()
    journal.report()
    watchdogEvery = ServiceManager.watchdogMilliseconds.map { max(1000, $0 / 2) }
    watchdogAt = watchdogEvery.map { Clocks.monotonic() + $0 }
    ServiceManager.notify(
      "READY=1\nSTATUS=\(loaded.configuration.summary)")
    log(
      6,
      "daemon.ready: the hub works: \(loaded.configuration.summary)"
    )
    whenReady()
    keepAccepted()
    memory.started()
    arm()
    loop.run()
    tellUnsaved()
    bluetooth?.stop()
    ports?.stop()
    control?.close()
    backends?.stop()
    people.stop()
    journal.stop()
    files.stop()
    try? Directory.remove(runningFile)
    return 0
  }

  /// The device that an earlier daemon handled when a fault ended it.
  private func crashedDevice() -> String? {
    guard options.action != .demo else { return nil }
    do throws(SystemError) {
      return try CrashTrace.open("\(options.runtimeDirectory)/handling")
    } catch {
      SystemLog.write(
        5, "crash-trace.unusable: of a crash it will not be known which device it came of: \(error.message)")
      return nil
    }
  }

  private var runningFile: String { "\(options.stateDirectory)/running" }

  /// A file says that a daemon runs: one that is there already was left by one that did not end as it should.
  private func beginRun() -> UncleanEnd? {
    guard options.action != .demo else { return nil }
    let before = try? StateFile.read(runningFile)
    let end = before.map { String(decoding: $0, as: UTF8.self) == bootID ? UncleanEnd.crash : .powerLoss }
    // A disk that is full is told by other means.
    if end != .crash { try? StateFile.write(Array(bootID.utf8), to: runningFile) }
    return end
  }

  /// Without udev, ports that the configuration names go on as ever; nothing is recognised or bound by its place.
  private func watchPorts() {
    guard options.action != .demo else { return }
    do throws(SystemError) {
      let monitor = try PortMonitor(loop) { [unowned self] change in
        switch change {
        case .removed(let node): handle(.portRemoved(node: node))
        case .added(let facts):
          var port = PortFacts(
            node: facts.node, path: facts.path, vendor: facts.vendor, product: facts.product, serial: facts.serial)
          port.links = facts.links
          port.manufacturer = facts.manufacturer
          port.model = facts.model
          port.driver = facts.driver
          handle(.portAdded(port))
        }
      }
      ports = monitor
      monitor.start()
    } catch {
      SystemLog.write(
        4, "ports.unwatched: plugging in is not noticed: \(error.message); restart hearthd when udev runs")
    }
  }

  /// One moment for everything that the loop found when it woke up: octets that waited are not later than the timers.
  private func now() -> Now { moment ?? Now(bootID: bootID, isDemo: options.action == .demo) }

  /// Who set which plan, as the disk has it.
  var planOrigins: PlanOrigins { gateway.planOrigins }

  /// The demo tells in its own words what goes on; only errors are logged beside them.
  private func log(_ level: Int, _ text: String) {
    if options.action != .demo || level <= 3 { SystemLog.write(level, text) }
  }

  private func localTime() -> [UInt8] {
    let seconds = Clocks.wall() / 1000
    let zone = loaded.zones[loaded.configuration.timeZone] ?? .utc
    let civil = CivilTime(seconds: seconds + Int64(zone.local(at: seconds).offset))
    let parts = [civil.year & 0xFF, civil.year >> 8, civil.month, civil.day, civil.hour, civil.minute, civil.second]
    return parts.map { UInt8(truncatingIfNeeded: $0) }
  }

  /// Events are handled one after the other: what an effect brings about at once waits for the end of its list.
  func handle(_ event: Event) {
    events.append(event)
    handleWaiting()
  }

  private func handleWaiting() {
    guard !isHandling else { return }
    isHandling = true
    while !events.isEmpty {
      let event = events.removeFirst()
      if case .callerGone(let connection) = event { people.callerGone(connection) }
      if let device = event.device { CrashTrace.begin(device) }
      if event.showsState, let percent = journal.diskPercent {
        run(gateway.handle(.diskSeen(percent: percent), at: now()))
      }
      run(gateway.handle(event, at: now()))
      CrashTrace.end()
    }
    isHandling = false
    memory.used(at: Clocks.monotonic())
    arm()
  }

  private func run(_ effects: [Effect]) {
    for effect in effects {
      observer(effect)
      perform(effect)
    }
  }

  private func read(_ id: RequestID, _ job: ReadJob) {
    let (role, uid) = control?.caller(of: id) ?? (.nobody, 0)
    guard !people.ask(id, job, role: role, uid: uid) else { return }
    let error = ControlError(
      code: "busy", message: "too many questions wait for an answer already", hint: "wait for the answers")
    // Of a correction and an erasure the gateway hears: it answers.
    switch job {
    case .locate, .bearer: handle(.located(id, .failure(error)))
    case .readings, .picture, .answer, .known: control?.answer(id, .failure(error))
    }
  }

  private func links(of device: String) -> (any DeviceLinks)? {
    let kinds: [(any DeviceLinks)?] = [serial, bluetooth, playback]
    return kinds.lazy.compactMap { $0 }.first { $0.has(device) }
  }

  private func perform(_ effect: Effect) {
    switch effect {
    case .append(let id, let entries, let fence):
      appending += 1
      journal.append(id, entries, fence: fence)
    case .keep(let id, let octets): files.keep(id, octets)
    case .shredImported: files.shredImported()
    case .importFinished: files.finishImport()
    case .openPort(let device, let path, let settings): serial?.open(device, path, settings)
    case .setLine(let device, let settings): serial?.setLine(device, settings)
    case .adoptPort(let key, let device): serial?.adopt(key, device)
    case .openPlayback(let device, let path): playback?.open(device, path)
    case .connect(let device): playback?.connect(device)
    case .transmit(let device, let octets): links(of: device)?.send(device, octets)
    case .close(let device): links(of: device)?.close(device)
    case .openLink(let device, let link): bluetooth?.connect(device, link)
    case .secure(let device, let level): bluetooth?.secure(device, level: level)
    case .openBluetooth(let ignores): bluetooth?.open(ignoresOtherDaemons: ignores)
    case .closeBluetooth: bluetooth?.closeManagement()
    case .manage(let packet): bluetooth?.manage(packet)
    case .notify(let connection, let method, let value): control?.notify(connection, method, value)
    case .wake(let at): gatewayWake = at
    case .fetch(let request): journal.fetch(request)
    case .deliver(let backend, let lane, let items): backends?.deliver(BackendLane(backend, lane), items)
    case .redeliver(let backend, let lane): backends?.redeliver(BackendLane(backend, lane))
    case .sealJournal: journal.seal()
    case .retain(let pinned):
      journal.retain(
        cursors: gateway.cursors, pinned: pinned, now: Clocks.wall(), keep: loaded.configuration.journal.keep)
    case .load(let sequence): journal.load(sequence)
    case .loadParked(let slot, let sequences): journal.loadParked(slot, sequences)
    case .erase(let patient):
      loaded.plans[patient] = nil
      unsettledPlans[patient] = nil
      erasedPlans.insert(patient)
      keeping.waiting.forget(patient)
      backends?.configure(loaded.configuration, plans: loaded.plans)
      files.remove(patient)
    case .eraseFiles(let patient, let removes): backends?.eraseFiles(patient, removes: removes)
    case .read(let id, let job): read(id, job)
    case .answer(let id, let answer): control?.answer(id, answer)
    case .publishReading(let reading, let sequence): control?.publish(reading, sequence)
    case .publishEvent(let event):
      control?.publish(event)
      actions?.tell(event)
    case .readCredentials: handle(.credentialsRead(BackendCredential.ends(loaded.configuration.backends)))
    case .reload(let id): reload(id)
    case .stagePlans(let plans): stage(plans)
    case .adoptPlans(let plans): adopt(plans)
    case .fetchPlans(let backend, let etag): backends?.fetchPlans(backend, etag: etag)
    case .tryBackend(let id, let backend, let readings):
      backends?.tryBackend(backend, readings) { [weak self] in self?.control?.answer(id, $0) }
    case .log(let level, let text): log(level.rawValue, text)
    case .exit: stopNow()
    }
  }

  private func received(_ message: JournalMessage) {
    switch message {
    case .appended(let id, let sequences, let rolled):
      appending -= 1
      events.insert(.appended(id, sequences: sequences), at: 0)
      if rolled { events.insert(.journalRolled, at: 1) }
      handleWaiting()
    case .failed(let id, let failure):
      appending -= 1
      handle(.appendFailed(id, failure))
    case .report(let report): handle(.journalReport(report))
    case .fetched(let request, let items, let isAtEnd): handle(.fetched(request, items, isAtEnd: isAtEnd))
    case .parked(let slot, let readings): handle(.loadedParked(slot, readings))
    case .loaded(let sequence, let reading, let isEvent):
      handle(.loaded(sequence: sequence, reading, isEvent: isEvent))
    case .finding(let text): SystemLog.write(3, text)
    case .recovered(let records):
      handle(.recovered(records))
      journal.goOn()
    case .erased(let patient, let report): handle(.erased(patient: patient, report))
    }
    if isStopping, appending == 0 { loop.stop() }
    arm()
  }

  // MARK: Time, signals, the end

  private func arm() {
    loop.wake(
      at: [
        gatewayWake, playback?.nextTime, watchdogAt, exitBy, backends?.nextDeadline, actions?.nextDeadline,
        control?.nextDeadline, keeping.againAt, memory.nextDeadline,
      ]
      .compactMap { $0 }.min())
  }

  private func timer() {
    let time = now().monotonic
    if let due = watchdogAt, due <= time {
      ServiceManager.notify("WATCHDOG=1")
      watchdogAt = watchdogEvery.map { time + $0 }
    }
    if let due = exitBy, due <= time { return loop.stop() }
    if let due = backends?.nextDeadline, due <= time { backends?.due(at: time) }
    if let due = actions?.nextDeadline, due <= time { actions?.due(at: time) }
    if let due = control?.nextDeadline, due <= time { control?.due(at: time) }
    keepAgain(at: time)
    if let due = playback?.nextTime, due <= time { playback?.advance(to: time) }
    if let due = gatewayWake, due <= time {
      gatewayWake = nil
      handle(.timer)
    }
    memory.due(at: time)
    arm()
  }

  private func signalled(_ number: Int32) {
    switch number {
    case SIGHUP: reload(nil)
    case SIGCHLD:
      backends?.childEnded()
      actions?.childEnded()
      bluetooth?.childEnded()
    default: stop()
    }
  }

  /// Ends after what is under way; at the latest in five seconds.
  func stop() {
    guard !isStopping else { return }
    ServiceManager.notify("STOPPING=1")
    exitBy = Clocks.monotonic() + 4500
    handle(.stopRequested)
  }

  private func stopNow() {
    isStopping = true
    if appending == 0 { loop.stop() }
  }
}
