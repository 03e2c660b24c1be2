// A block of flats: a thousand advertisements a second through the whole gateway, of devices that nobody knows and of a scale
// that says its weight so.

import ControlProtocol
import GatewayCore
import Glibc
import Octets
import Platform
import Readings
import Settings
import Zones
import Ledger

enum BluetoothBench {
  /// Earphones and the like, each with its own address.
  private static let stranger: [UInt8] =
    [2, 1, 6, 5, 3, 0x0B, 0x11, 0x0E, 0x11, 9, 9] + Array("EarPhone".utf8) + [7, 0xFF, 0x4C, 0, 1, 2, 3, 4]
  /// A Mi Scale with a stable weight: a frame that repeats.
  private static let scale: [UInt8] = [
    2, 1, 6, 13, 0x16, 0x1D, 0x18, 0x22, 0x64, 0x37, 0xEA, 0x07, 11, 21, 8, 15, 30,
  ]

  static func run() -> [Figure] {
    guard var hub = Hub() else { return [] }
    // The first hundred thousand settle the allocator.
    _ = hub.strangers(100_000)
    let before = kilobytes("/proc/self/status", "VmRSS:")
    let unknown = hub.strangers(1_000_000)
    let growth = kilobytes("/proc/self/status", "VmRSS:") - before
    let known = hub.scale(200_000)
    hub.look()
    _ = hub.strangers(10_000)
    let looking = hub.strangers(100_000)
    return [
      Figure("advertisement of a stranger through the gateway", unknown, "us", atMost: 50),
      Figure("  growth of memory over 1 million", growth, "KiB", atMost: 256),
      Figure("  while a technician looks, every address new", looking, "us", atMost: 50),
      Figure("advertisement of a known scale, repeated", known, "us", atMost: 50),
    ]
  }

  /// A gateway with twenty devices and a controller that is up.
  private struct Hub {
    private var gateway: Gateway
    private var time: Int64 = 0
    private var done = 0
    private var stored = 0

    init?() {
      var devices: [String] = []
      for number in 0..<20 {
        let digits = number < 10 ? "0\(number)" : "\(number)"
        let driver = number == 0 ? "mi-scale-1" : "blood-pressure"
        devices.append(
          #"{"id":"d\#(number)","driver":"\#(driver)","address":"C8:47:8C:00:00:\#(digits)","address_type":"public","#
            + #""controller":"00:1B:DC:07:32:01"}"#)
      }
      let text = #"{"version":1,"devices":["# + devices.joined(separator: ",") + "]}"
      guard let register = try? DeviceRegister(Array(text.utf8)) else { return nil }
      var state = LedgerState()
      state.register = register
      gateway = Gateway(
        identity: .init(hubID: "hub-bench", version: "0", startedAt: 0), state: state)
      send(.configured(Configuration(), zones: ["UTC": .utc], plans: [:]))
      send(.started(seed: 1))
      send(.bluetoothOpened)
    }

    /// Runs an event and what follows: commands succeed, the disk takes everything.
    private mutating func send(_ event: Event) {
      for effect in gateway.handle(event, at: now) {
        switch effect {
        case .manage(let packet) where packet.count >= 6: send(.managementReceived(Hub.answer(packet)))
        case .append(let id, let entries, _):
          stored += entries.count
          let sequences = (0..<entries.count).map { UInt64(stored - entries.count + $0 + 1) }
          send(.appended(id, sequences: sequences))
        default: done += 1
        }
      }
    }

    private var now: Now { Now(monotonic: time, wall: 1_795_248_930_000 + time, isSynchronised: true, bootID: "") }

    /// Command Complete with success.
    private static func answer(_ packet: [UInt8]) -> [UInt8] {
      var data: [UInt8] = []
      if packet[0] == 0x03 { data = [1, 0, 0, 0] }
      if packet[0] == 0x04 {
        // Address, version, manufacturer, supported and current settings, class and names.
        data = [0x01, 0x32, 0x07, 0xDC, 0x1B, 0x00, 9, 0, 0, 0xFF, 0xFF, 0, 0, 0, 0, 0, 0]
        data += [UInt8](repeating: 0, count: 263)
      }
      var writer = OctetWriter()
      writer.uint16(0x0001)
      writer.uint16(0)
      writer.uint16(UInt16(3 + data.count))
      return writer.octets + [packet[0], packet[1], 0] + data
    }

    /// Device Found, a millisecond after the last. Gives microseconds for one.
    private mutating func found(_ count: Int, _ address: (Int) -> [UInt8], _ data: [UInt8]) -> Double {
      let rest: [UInt8] = [0xB0, 0, 0, 0, 0, UInt8(data.count), 0] + data
      var packets: [[UInt8]] = []
      for index in 0..<1024 {
        packets.append([0x12, 0, 0, 0, UInt8(7 + rest.count), 0] + address(index) + rest)
      }
      let start = nanoseconds()
      for index in 0..<count {
        time += 1
        var packet = packets[index & 1023]
        // Every address is a new one.
        if address(0) != address(1) { packet[8] = UInt8(truncatingIfNeeded: index >> 10) }
        send(.managementReceived(packet))
      }
      return (nanoseconds() - start) / Double(count) / 1000
    }

    mutating func strangers(_ count: Int) -> Double {
      found(count, { [UInt8($0 & 0xFF), UInt8($0 >> 8), 0, 0, 0, 0x5A, 2] }, BluetoothBench.stranger)
    }

    mutating func scale(_ count: Int) -> Double {
      found(count, { _ in [0, 0, 0, 0x8C, 0x47, 0xC8, 1] }, BluetoothBench.scale)
    }

    /// A technician scans.
    mutating func look() {
      send(.asked(RequestID(connection: 1, number: 1), .scan(seconds: 1_000_000), CallerName(uid: 0)))
    }
  }
}
