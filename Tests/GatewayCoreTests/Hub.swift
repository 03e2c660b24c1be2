// A hub for scenarios: the real gateway with a disk and a clock that the test holds in its hand.

import BluetoothManagement
import ControlProtocol
import Drivers
import Foundation
@testable import GatewayCore
import Journal
import JSON
import Monitoring
import Octets
import Readings
import Settings
import Testing
import Zones
@testable import Ledger

/// Events in, effects out; appends are kept back until `sync`, so that a test can look at every boundary.
struct Hub {
  var gateway: Gateway
  var time: Int64 = 0
  /// 2026-11-21T08:15:30Z.
  var wall: Int64 = 1_795_248_930_000
  var isSynchronised = true
  var bootID = "boot"
  /// What is on disk, with sequence numbers.
  var disk: [(sequence: UInt64, entry: JournalEntry)] = []
  /// Appends that wait for the disk.
  var waiting: [(id: AppendID, entries: [JournalEntry], fence: UInt64)] = []
  /// Everything that was done, in order.
  var done: [Effect] = []
  /// The file of keys, and whether the disk refuses it.
  var keyFile: [UInt8]?
  var refusesKeys = false
  /// False where a test stages plans itself.
  var stagesPlans = true
  /// False where a test changes the disk itself, as an erasure does.
  var comparesRestarts = true
  /// What was done at the start, before anything is looked at.
  private(set) var atStart: [Effect] = []

  init(
    _ configuration: Configuration, plans: [Plan] = [], disk: [(sequence: UInt64, entry: JournalEntry)] = [],
    keyFile: [UInt8]? = nil, imported: ImportedState? = nil, time: Int64 = 0, wall: Int64? = nil,
    isSynchronised: Bool = true,
    died: String? = nil, isDiskGood: Bool = true, kernel: KernelRelease? = nil
  ) {
    let state = Hub.state(of: disk)
    var identity = Gateway.Identity(hubID: "hub-test", version: "0", startedAt: time)
    identity.kernel = kernel
    gateway = Gateway(
      identity: identity, state: state,
      keys: keyFile.flatMap { try? KeyFile($0) } ?? KeyFile(), imported: imported)
    self.disk = disk
    self.keyFile = keyFile
    self.time = time
    self.wall = wall ?? self.wall
    self.isSynchronised = isSynchronised
    if imported != nil { send(.importWanted) }
    send(
      .configured(
        configuration, zones: ["UTC": .utc], plans: Dictionary(plans.map { ($0.patient, $0) }, uniquingKeysWith: { $1 })
      ))
    if let died { send(.sessionCrashed(device: died)) }
    send(.started(seed: 1))
    if isDiskGood { sync() } else { refuse() }
    atStart = done
    // What the outboxes asked of the journal at the start waits for its answer.
    done = done.filter {
      switch $0 {
      case .fetch, .load: true
      default: false
      }
    }
  }

  var now: Now { Now(monotonic: time, wall: wall + time, isSynchronised: isSynchronised, bootID: bootID) }

  /// What a start makes of records on disk.
  static func state(of disk: [(sequence: UInt64, entry: JournalEntry)]) -> LedgerState {
    var state = LedgerState()
    // A snapshot stands for everything before it.
    for (sequence, entry) in disk.dropFirst(disk.lastIndex { $0.entry.kind == .snapshot } ?? 0) {
      guard let read = JournalEntry(kind: entry.kind, payload: entry.payload) else {
        Issue.record("a record of kind \(entry.kind) cannot be read again")
        continue
      }
      state.apply(read, at: sequence)
    }
    guard let beyond = state.parkedBeyond else { return state }
    var index = ParkedIndex()
    for (sequence, entry) in disk where sequence >= beyond.first && entry.kind == .reading {
      index.take(JournalRecord(sequence: sequence, kind: .reading, payload: entry.payload))
    }
    index.finish(&state)
    return state
  }

  mutating func send(_ event: Event) { run(gateway.handle(event, at: now)) }

  private mutating func run(_ effects: [Effect]) {
    var writes: [(KeysID, [UInt8])] = []
    for (index, effect) in effects.enumerated() {
      if case .append(let id, let entries, let fence) = effect {
        // Nothing that depends on the records stands behind them.
        #expect(effects[(index + 1)...].allSatisfy { if case .exit = $0 { true } else { false } })
        waiting.append((id, entries, fence))
        continue
      }
      done.append(effect)
      if case .keep(let id, let octets) = effect { writes.append((id, octets)) }
      if case .read(let id, .picture(let picture)) = effect { done.append(.answer(id, picture.run { false })) }
    }
    for case .read(let id, .locate(let beginning)) in effects {
      let named = readings.filter { $0.id.description.hasPrefix(beginning) }
      let newest = Dictionary(named.map { ($0.id, $0) }, uniquingKeysWith: { $1 })
      send(.located(id, .success(Array(newest.values))))
    }
    for case .read(let id, .bearer(let patient)) in effects {
      send(.located(id, .success(Array(readings.filter { $0.patient == patient }.prefix(1)))))
    }
    for case .stagePlans in effects where stagesPlans { send(.plansStaged(faults: [:])) }
    for (id, octets) in writes {
      if refusesKeys {
        send(.keepFailed(id, message: "the disk is full"))
      } else {
        keyFile = octets
        send(.kept(id))
      }
    }
  }

  /// The disk has everything now.
  mutating func sync() {
    while !waiting.isEmpty {
      let (id, entries, _) = waiting.removeFirst()
      var sequences: [UInt64] = []
      for entry in entries {
        let sequence = (disk.last?.sequence ?? 0) + 1
        disk.append((sequence, entry))
        sequences.append(sequence)
      }
      send(.appended(id, sequences: sequences))
      expectSameAfterRestart()
    }
  }

  /// What the running gateway knows durably is what a start would find.
  private func expectSameAfterRestart() {
    guard comparesRestarts else { return }
    // Of a long disk not after each append: reading it all again each time would take hours.
    guard disk.count < 64 || disk.count % 101 == 0 else { return }
    let (live, restored) = (gateway.turn.ledger.durable, Hub.state(of: disk))
    guard live != restored else { return }
    Issue.record("the state of a restart differs: \(live.difference(to: restored))")
  }

  /// The disk refuses what waits.
  mutating func refuse(_ code: String = "journal.full") {
    let failed = waiting
    waiting = []
    let failure = JournalFailure(code: code, message: "the disk is full")
    for item in failed { send(.appendFailed(item.id, failure)) }
  }

  /// Asks, and gives the answer when the disk has everything; nil while there is none.
  mutating func ask(_ request: ControlRequest, uid: UInt32 = 0) -> ControlAnswer? {
    let id = RequestID(connection: 9, number: UInt64(done.count))
    send(.asked(id, request, CallerName(uid: uid)))
    sync()
    for case .answer(id, let answer) in done.reversed() { return answer }
    return nil
  }

  /// With its cuff connected, and nothing on record yet of how that was done.
  func listening(to device: String = "cuff") -> Hub {
    var hub = self
    Cuff.connect(&hub, device)
    hub.done = []
    return hub
  }

  /// Asks for something that must be given; null when it is not.
  mutating func result(_ request: ControlRequest, uid: UInt32 = 0) -> JSONValue {
    if case .result(let value)? = ask(request, uid: uid) { return value }
    return .null
  }

  mutating func pass(_ milliseconds: Int64) {
    time += milliseconds
    send(.timer)
  }

  /// Readings on disk, in order.
  var readings: [Reading] {
    disk.compactMap { if case .reading(let reading) = $0.entry { reading } else { nil } }
  }

  /// Events on disk, in order.
  var events: [HubEvent] {
    disk.compactMap { if case .event(let event) = $0.entry { event } else { nil } }
  }

  /// PDUs that went to a device.
  func sent(to device: String) -> [[UInt8]] {
    done.compactMap { if case .transmit(device, let octets) = $0 { octets } else { nil } }
  }

  func deliveries(_ backend: String) -> [[Deliverable]] {
    done.compactMap { if case .deliver(backend, _, let items) = $0 { items } else { nil } }
  }
}

extension Configuration {
  static func with(_ devices: [DeviceConfiguration], backends: [BackendConfiguration] = []) -> Configuration {
    var configuration = Configuration()
    configuration.devices = devices
    configuration.backends = backends
    return configuration
  }
}

/// A device that speaks the Blood Pressure Profile, at ATT level: what a hub's client asks is answered.
struct Cuff {
  static let measurementHandle: UInt16 = 3

  /// The cuff as the configuration has it.
  static func device(users: [UInt8: String] = [:], patient: String? = nil) -> DeviceConfiguration {
    DeviceConfiguration(
      id: "cuff", driver: "blood-pressure", endpoint: .playback(path: "/x"), patient: patient, users: users)
  }

  /// Opens its link and answers whatever the hub asks.
  static func connect(_ hub: inout Hub, _ device: String = "cuff") {
    hub.send(.linkOpened(device: device))
    converse(&hub, device)
  }

  /// Answers the hub's PDUs until it asks nothing more.
  static func converse(_ hub: inout Hub, _ device: String) {
    var answered = 0
    while true {
      let sent = hub.sent(to: device)
      guard answered < sent.count else { return }
      let pdu = sent[answered]
      answered += 1
      if let answer = answer(pdu) { hub.send(.linkReceived(device: device, answer)) }
    }
  }

  static func answer(_ pdu: [UInt8]) -> [UInt8]? {
    switch pdu.first {
    case 0x02: return [0x03, 0x17, 0x00]
    case 0x10: return pdu[1] == 1 ? [0x11, 6, 1, 0, 4, 0, 0x10, 0x18] : [0x01, 0x10, pdu[1], pdu[2], 0x0A]
    case 0x08: return pdu[1] == 1 ? [0x09, 7, 2, 0, 0x20, 3, 0, 0x35, 0x2A] : [0x01, 0x08, pdu[1], pdu[2], 0x0A]
    case 0x04: return [0x05, 1, 4, 0, 0x02, 0x29]
    case 0x12: return [0x13]
    default: return nil
    }
  }

  /// An indication of 2A35: 22 November 2026, 09:00:00 plus `second`.
  static func indication(systolic: UInt8, diastolic: UInt8 = 80, second: UInt8 = 0, user: UInt8 = 1) -> [UInt8] {
    [0x1D, 3, 0] + [0x1E, systolic, 0, diastolic, 0, 95, 0, 0xEA, 0x07, 11, 21, 8, 15, second, 70, 0, user, 0, 0]
  }
}

extension LedgerState {
  /// The names of the members that differ.
  func difference(to other: LedgerState) -> String {
    zip(Mirror(reflecting: self).children, Mirror(reflecting: other).children)
      .filter { "\($0.value)" != "\($1.value)" }.compactMap(\.0.label).joined(separator: ", ")
  }
}

extension LedgerState {
  /// Takes a record as a start does: by its octets. False for octets that are not of their kind.
  mutating func restore(kind: JournalEntry.Kind, sequence: UInt64, payload: [UInt8]) -> Bool {
    guard let entry = JournalEntry(kind: kind, payload: payload) else { return false }
    apply(entry, at: sequence)
    return true
  }
}

extension LedgerState {
  /// What a start makes of a snapshot of it, and the octets of the snapshot's records together and of the longest.
  var throughSnapshot: (state: LedgerState, octets: Int, longest: Int) {
    var restored = LedgerState()
    let records = snapshotRecords.entries
    for entry in records { _ = restored.restore(kind: entry.kind, sequence: 1, payload: entry.payload) }
    let sizes = records.map(\.payload.count)
    return (restored, sizes.reduce(0, +), sizes.max() ?? 0)
  }
}
