// The kernel's Bluetooth, simulated for scenarios: time, what the gateway does, and a disk with moods. Commands stand in
// KernelControllers.swift, links and pairing in KernelLinks.swift. The orders of events are those seen on a real kernel.

import BluetoothManagement
import ControlProtocol
@testable import GatewayCore
import JSON
import Octets
import Readings
import Settings
import Testing
@testable import Ledger

/// A hub with its kernel and the devices around it.
final class Kernel {
  enum Disk: Equatable {
    /// Takes everything after so many milliseconds.
    case takes(after: Int64)
    case refuses
    /// Keeps everything waiting.
    case holds
  }

  private struct Job {
    var at: Int64
    var order: Int
    var run: (Kernel) -> Void
  }

  var hub: Hub
  var controllers: [UInt16: SimulatedController] = [:]
  var air: [Peripheral] = []
  /// By the peripheral's place in `air`.
  var links: [Int: SimulatedLink] = [:]
  var onAirUntil: [Int: Int64] = [:]
  var nextLink = 0
  var disk = Disk.takes(after: 0)
  /// False: the capability is missing.
  var isPermitted = true
  /// A `bluetoothd` runs.
  var otherDaemon = false
  var isDoorOpen = false
  /// Links of a device that are to be cut after so many PDUs of the hub, by its place.
  var cuts: [Int: Int] = [:]
  var random: SplitMix

  /// Every command in words, such as `Set Powered 1`.
  var commands: [String] = []
  var answers: [(request: RequestID, answer: ControlAnswer)] = []
  var notices: [(connection: UInt64, method: String, value: JSONValue)] = []
  var logs: [(level: LogLevel, text: String)] = []
  /// Everything that the gateway did; only kept when asked for.
  var done: [Effect] = []
  var keepsEffects = true
  /// Its events are not true: nothing can be said of what the hub does with links that it was lied to about.
  var isLying = false
  /// What must never happen and did.
  var violations: [String] = []
  /// How often each raw value stands on disk.
  private(set) var stored: [[UInt8]: Int] = [:]
  /// When it was stored first.
  private(set) var storedAt: [[UInt8]: Int64] = [:]

  private let configuration: Configuration
  /// What uname says.
  private let release: KernelRelease?
  private var jobs: [Job] = []
  private var nextJob = 0
  private var wakeAt: Int64?
  private var seenOnDisk = 0
  private var isSettling = false
  private var nextRequest: UInt64 = 1

  /// A hub with one controller.
  init(
    _ air: [Peripheral] = [], controllers: Int = 1, configuration: Configuration = Configuration(), seed: UInt64 = 1,
    release: KernelRelease? = nil
  ) {
    self.configuration = configuration
    self.release = release
    self.air = air
    random = SplitMix(seed)
    for index in 0..<controllers {
      let address = PeerAddress(bits: 0x001B_DC07_3200 + UInt64(index), kind: .publicLE)
      self.controllers[UInt16(index)] = SimulatedController(address: address)
    }
    hub = Hub(configuration, kernel: release)
    hub.done = hub.atStart
  }

  deinit { if !violations.isEmpty { Issue.record("\(violations)") } }

  /// Lets things happen for a while.
  @discardableResult
  func pass(_ milliseconds: Int64) -> Kernel {
    settle()
    let end = hub.time + milliseconds
    while let next = nextMoment(), next <= end {
      hub.time = max(hub.time, next)
      if let wake = wakeAt, wake <= hub.time {
        wakeAt = nil
        hub.send(.timer)
        settle()
        continue
      }
      guard let index = jobs.indices.min(by: { (jobs[$0].at, jobs[$0].order) < (jobs[$1].at, jobs[$1].order) }) else {
        continue
      }
      let job = jobs.remove(at: index)
      job.run(self)
      settle()
    }
    hub.time = end
    return self
  }

  private func nextMoment() -> Int64? { [jobs.map(\.at).min(), wakeAt].compactMap { $0 }.min() }

  func after(_ milliseconds: Int64, _ run: @escaping (Kernel) -> Void) {
    nextJob += 1
    jobs.append(Job(at: hub.time + milliseconds, order: nextJob, run: run))
  }

  /// Something happens now.
  func send(_ event: Event) {
    hub.send(event)
    settle()
  }

  /// A technician asks.
  @discardableResult
  func ask(_ request: ControlRequest, connection: UInt64 = 7) -> RequestID {
    settle()
    let id = RequestID(connection: connection, number: nextRequest)
    nextRequest += 1
    send(.asked(id, request, CallerName(uid: 1000)))
    return id
  }

  /// The answer to a request; nil while there is none.
  func answer(_ id: RequestID) -> ControlAnswer? { answers.last { $0.request == id }?.answer }

  /// The code of a request's failure.
  func failure(_ id: RequestID) -> String? {
    guard case .failure(let error)? = answer(id) else { return nil }
    return error.code
  }

  /// The result of a request.
  func result(_ id: RequestID) -> JSONValue? {
    guard case .result(let value)? = answer(id) else { return nil }
    return value
  }

  /// Power cut of the daemon: what is on disk stays, what waits is gone; the kernel closes the sockets.
  func restart() {
    wakeAt = nil
    isDoorOpen = false
    for place in links.keys.sorted() { socketClosed(place) }
    hub = Hub(configuration, disk: hub.disk, keyFile: hub.keyFile, time: hub.time, kernel: release)
    hub.done = hub.atStart
    look()
    settle()
  }

  // MARK: Effects

  /// Carries out what the gateway asked for, as the daemon does.
  private func settle() {
    guard !isSettling else { return }
    isSettling = true
    defer { isSettling = false }
    while true {
      while !hub.done.isEmpty {
        let effects = hub.done
        hub.done = []
        if keepsEffects { done += effects }
        for effect in effects { perform(effect) }
      }
      guard !hub.waiting.isEmpty else { return }
      switch disk {
      case .takes(0):
        hub.sync()
        look()
      case .takes(let delay):
        let first = hub.waiting[0].id
        after(delay) { kernel in
          guard kernel.hub.waiting.contains(where: { $0.id == first }) else { return }
          kernel.hub.sync()
          kernel.look()
        }
        return
      case .refuses: hub.refuse()
      case .holds: return
      }
    }
  }

  /// What came to the disk.
  private func look() {
    for item in hub.disk[seenOnDisk...] {
      guard case .reading(let reading) = item.entry else { continue }
      stored[reading.raw.octets, default: 0] += 1
      if storedAt[reading.raw.octets] == nil { storedAt[reading.raw.octets] = hub.time }
    }
    seenOnDisk = hub.disk.count
  }

  private func perform(_ effect: Effect) {
    switch effect {
    case .manage(let packet): if isDoorOpen { command(packet) }
    case .openBluetooth(let ignores):
      let end = LinkEnd(code: "bluetooth.shared", message: "bluetoothd holds the controller")
      isDoorOpen = ignores || !otherDaemon
      after(0) { [isDoorOpen] kernel in kernel.hub.send(isDoorOpen ? .bluetoothOpened : .bluetoothClosed(end)) }
    case .closeBluetooth: isDoorOpen = false
    case .openLink(let device, let link): openSocket(device, link)
    case .secure(let device, let level): secure(device, level)
    case .transmit(let device, let pdu): transmit(device, pdu)
    case .close(let device): closeSocket(device)
    case .wake(let at): wakeAt = at
    case .answer(let id, let answer): answers.append((id, answer))
    case .notify(let connection, let method, let value): notices.append((connection, method, value))
    case .log(let level, let text): logs.append((level, text))
    default: break
    }
  }

  // MARK: Looking

  /// The status of a device as a technician sees it.
  func device(_ id: String) -> JSONValue? {
    let request = ask(.devices)
    return result(request)?["devices"]?.array?.first { $0["id"]?.string == id }
  }

  /// What the progress notifications of pairing said, by their `event`.
  var progress: [String] { notices.filter { $0.method == "pairing" }.compactMap { $0.value["event"]?.string } }

  /// The newest question of a pairing.
  var prompt: JSONValue? {
    notices.last { $0.method == "pairing" && $0.value["event"]?.string == "prompt" }?.value
  }

  /// Codes of events on disk that concern devices.
  var deviceEvents: [String] {
    hub.events.compactMap { if case .device(_, let code, _) = $0.content { code } else { nil } }
  }

  /// Pairs a device that is in pairing mode; asks nothing more.
  @discardableResult
  func pair(_ place: Int, connection: UInt64 = 7, _ change: (inout PairingWish) -> Void = { _ in }) -> RequestID {
    var wish = PairingWish(address: air[place].address.description)
    change(&wish)
    appear(place, for: 60_000)
    let id = ask(.pair(wish), connection: connection)
    pass(3000)
    return id
  }

  /// Milliseconds since 1970 in seconds, as a device with a right clock stamps it.
  var seconds: Int64 { (hub.wall + hub.time) / 1000 }
}

/// A small generator with a seed (Steele, Lea, Flood: SplitMix64).
struct SplitMix: RandomNumberGenerator {
  private var state: UInt64
  init(_ seed: UInt64) { state = seed }
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var value = (state ^ state >> 30) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
    return value ^ value >> 31
  }
}
