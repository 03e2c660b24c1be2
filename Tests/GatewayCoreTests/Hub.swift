// A hub for scenarios: the real gateway with a disk and a clock that the test holds in its hand.

import ControlProtocol
import Drivers
import Foundation
import GatewayCore
import JSON
import Monitoring
import Octets
import Readings
import Testing
import Zones

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
  /// Appends that wait for the disk, with the rest of their lists.
  var waiting: [(id: AppendID, entries: [JournalEntry], rest: [Effect])] = []
  /// Everything that was done, in order.
  var done: [Effect] = []
  /// The state files, and whether the disk refuses them.
  var files: [StateFileName: [UInt8]] = [:]
  var refusesFiles: Set<StateFileName> = []
  /// What was done at the start, before anything is looked at.
  private(set) var atStart: [Effect] = []

  init(
    _ configuration: Configuration, plans: [Plan] = [], disk: [(sequence: UInt64, entry: JournalEntry)] = [],
    files: [StateFileName: [UInt8]] = [:], time: Int64 = 0, wall: Int64? = nil, isSynchronised: Bool = true,
    died: String? = nil, isDiskGood: Bool = true
  ) {
    var state = GatewayState()
    // A snapshot stands for everything before it.
    let first = disk.lastIndex { $0.entry.kind == .snapshot } ?? 0
    for (sequence, entry) in disk.dropFirst(first) {
      if case .acknowledgement(let word) = entry {
        state.restore(word)
      } else {
        _ = state.restore(kind: entry.kind, sequence: sequence, payload: entry.payload)
      }
    }
    gateway = Gateway(
      identity: .init(hubID: "hub-test", version: "0", startedAt: time), state: state,
      bindings: files[.bindings].flatMap { try? Bindings($0) } ?? Bindings(),
      register: files[.devices].flatMap { try? DeviceRegister($0) } ?? DeviceRegister(),
      bonds: files[.bonds].flatMap { try? Bonds($0) } ?? Bonds(),
      quarantine: files[.quarantine].flatMap { try? Quarantine($0) } ?? Quarantine(),
      origins: files[.planOrigins].flatMap { try? PlanOrigins($0) } ?? PlanOrigins())
    self.disk = disk
    self.files = files
    self.time = time
    self.wall = wall ?? self.wall
    self.isSynchronised = isSynchronised
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

  mutating func send(_ event: Event) {
    if case .linkClosed(let device, _) = event {
      for index in waiting.indices { waiting[index].rest.removeAll { $0.isOverLink(of: device) } }
    }
    run(gateway.handle(event, at: now))
  }

  private mutating func run(_ effects: [Effect]) {
    for (index, effect) in effects.enumerated() {
      let rest = Array(effects[(index + 1)...])
      if case .append(let id, let entries) = effect {
        // Deadlines do not depend on the disk.
        done += rest.filter { if case .wake = $0 { true } else { false } }
        waiting.append((id, entries, rest.filter { if case .wake = $0 { false } else { true } }))
        return
      }
      done.append(effect)
      guard case .save(let name, let octets) = effect else { continue }
      guard refusesFiles.contains(name) else {
        files[name] = octets
        continue
      }
      cancel(rest, JournalFailure(code: "state.write-failed", message: "the disk is full"))
      return send(.saveFailed(name, message: "the disk is full"))
    }
  }

  /// What was to follow in the same list does not happen: who waits for it hears so.
  private mutating func cancel(_ rest: [Effect], _ failure: JournalFailure) {
    for effect in rest {
      switch effect {
      case .wake: done.append(effect)
      case .append(let id, _): send(.appendFailed(id, failure))
      case .answer(let id, _):
        done.append(.answer(id, .failure(ControlError(code: failure.code, message: failure.message))))
      default: if effect.promisesNothing { done.append(effect) }
      }
    }
  }

  /// The disk has everything now.
  mutating func sync() {
    while !waiting.isEmpty {
      let (id, entries, rest) = waiting.removeFirst()
      var sequences: [UInt64] = []
      for entry in entries {
        let sequence = (disk.last?.sequence ?? 0) + 1
        disk.append((sequence, entry))
        sequences.append(sequence)
      }
      run(rest)
      send(.appended(id, sequences: sequences))
    }
  }

  /// The disk refuses what waits.
  mutating func refuse(_ code: String = "journal.full") {
    let failed = waiting
    waiting = []
    let failure = JournalFailure(code: code, message: "the disk is full")
    for item in failed {
      send(.appendFailed(item.id, failure))
      cancel(item.rest, failure)
    }
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
  static func indication(systolic: UInt8, second: UInt8 = 0, user: UInt8 = 1) -> [UInt8] {
    [0x1D, 3, 0] + [0x1E, systolic, 0, 80, 0, 95, 0, 0xEA, 0x07, 11, 21, 8, 15, second, 70, 0, user, 0, 0]
  }
}
