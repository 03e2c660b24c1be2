// Decoding: an indication to a stored form of a reading, an advertisement that nobody asked for.

import Drivers
import Exchange
import GATT
import GatewayCore
import Octets
import Readings
import Zones
import Ledger

enum DecodeBench {
  static func run() -> [Figure] {
    let indication: [UInt8] = [
      0x1E, 0x80, 0, 0x52, 0, 0x61, 0, 0xEA, 0x07, 11, 21, 8, 15, 30, 70, 0, 1, 4, 0,
    ]
    let identity = DeviceIdentity(
      id: "cuff", manufacturer: "A&D", model: "UA-651BLE", transport: .ble, address: "5C:31:3E:00:00:01")
    let now = Now(monotonic: 0, wall: 1_795_248_930_000, isSynchronised: true, bootID: "")
    let context = IntakeContext(device: identity, zone: .utc, now: now)
    let service = BluetoothUUID(0x1810)
    let characteristic = BluetoothUUID(0x2A35)
    var checksum = 0
    func decode(_ count: Int) {
      for index in 0..<count {
        var octets = indication
        octets[1] = UInt8(truncatingIfNeeded: 100 + index % 60)
        guard let decoded = try? GATTDecoding.decode(service: service, characteristic: characteristic, octets: octets)
        else { continue }
        for raw in decoded.readings { checksum &+= Intake.normalise(raw, context).observations.count }
      }
    }
    // The first million settles the allocator.
    decode(1_000_000)
    let before = kilobytes("/proc/self/status", "RssAnon:")
    let start = nanoseconds()
    let count = 10_000_000
    decode(count / 10)
    let elapsed = nanoseconds() - start
    decode(count - count / 10)
    let growth = kilobytes("/proc/self/status", "RssAnon:") - before
    return [
      Figure("blood-pressure indication to reading", elapsed / Double(count / 10) / 1000, "us", atMost: 5),
      Figure("growth of memory over 10 million", growth, "KiB", atMost: 256),
      advertisement(&checksum), recognition(&checksum),
      json(context, indication, &checksum),
    ]
  }

  private static func advertisement(_ checksum: inout Int) -> Figure {
    // An earphone: flags, two service UUIDs, a name, manufacturer data.
    let data: [UInt8] =
      [2, 1, 6, 5, 3, 0x0B, 0x11, 0x0E, 0x11, 9, 9] + Array("EarPhone".utf8) + [7, 0xFF, 0x4C, 0, 1, 2, 3, 4]
    let filter = AdvertisementFilter(addresses: Set((0..<20).map { UInt64($0) * 7919 }), serviceData: [0x181D, 0x181B])
    let count = 5_000_000
    let start = nanoseconds()
    for index in 0..<count where filter.wants(address: UInt64(index) | 1 << 47, data: data.span) { checksum += 1 }
    return Figure(
      "advertisement that nobody asked for", (nanoseconds() - start) / Double(count) / 1000, "us", atMost: 10)
  }

  /// Who a stranger is: while a technician looks, each one is compared with all names, services and companies that drivers know.
  private static func recognition(_ checksum: inout Int) -> Figure {
    let services = [BluetoothUUID(0x110B), BluetoothUUID(0x110E)]
    let data = [AdvertisedData(company: 0x004C, octets: [1, 2, 3, 4])]
    let names = ["EarPhone", "Blood pressure of nobody", "BEURER of tomorrow", "S-Bahn", "eufy lamp"]
    let count = 500_000
    let start = nanoseconds()
    for index in 0..<count {
      let claim = Registry.recognise(
        name: names[index % names.count], services: services, serviceData: [], companies: [0x004C], data: data)
      checksum &+= claim.profile == nil ? 1 : 0
    }
    return Figure(
      "  recognition of a stranger among \(Registry.profiles.count) drivers",
      (nanoseconds() - start) / Double(count) / 1000, "us", atMost: 10)
  }

  private static func json(_ context: IntakeContext, _ octets: [UInt8], _ checksum: inout Int) -> Figure {
    guard
      let raw = try? GATTDecoding.decode(
        service: BluetoothUUID(0x1810), characteristic: BluetoothUUID(0x2A35), octets: octets)?
        .readings.first
    else { return Figure("reading to JSON", 0, "/s") }
    var reading = Intake.normalise(raw, context)
    reading.patient = "p-7f3a"
    let count = 200_000
    let start = nanoseconds()
    for _ in 0..<count { checksum &+= ReadingJSON.encode(reading).count }
    return Figure("reading to JSON", Double(count) / (nanoseconds() - start) * 1e9, "/s", atLeast: 50_000)
  }
}
