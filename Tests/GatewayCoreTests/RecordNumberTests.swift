// Where a device's next session goes on, and what becomes of times that the hub itself reckoned.

import Drivers
@testable import GatewayCore
import Octets
import Readings
import Settings
import Testing
import Zones
@testable import Ledger

private let meter = DeviceConfiguration(
  id: "meter", driver: "taidoc", endpoint: .serial(path: "/dev/x"), patient: "p-1")

/// A TD-1241 (thermometer) with records, oldest first: what the hub asks is answered.
private func converse(_ hub: inout Hub, records: [(a: String, b: String)]) {
  var seen = hub.sent(to: "meter").count - 1
  while seen < hub.sent(to: "meter").count {
    let question = hub.sent(to: "meter")[max(0, seen)]
    seen += 1
    func frame(_ data: [UInt8]) -> [UInt8] {
      let octets = [0x51, question[1]] + data + [0xA5]
      return octets + [octets.reduce(0, &+)]
    }
    let index = Int(question[2]) | Int(question[3]) << 8
    let record = index < records.count ? records[records.count - 1 - index] : nil
    let data: [UInt8]? =
      switch question[1] {
      case 0x24: [0x41, 0x12, 0, 0]
      case 0x2B: [UInt8(records.count), 0, 0, 0]
      case 0x25: record.flatMap { try? Hex.decode($0.a) }
      case 0x26: record.flatMap { try? Hex.decode($0.b) }
      default: [0, 0, 0, 0]
      }
    if let data { hub.send(.linkReceived(device: "meter", frame(data))) }
    hub.sync()
  }
}

@Suite struct RecordNumberTests {
  private let records = [
    (a: "75350f08", b: "7301001c"), (a: "75351008", b: "7401001c"), (a: "75351108", b: "7501001c"),
  ]

  @Test func aSessionGoesOnBehindTheLastRecordOnDiskAlsoAfterARestart() {
    var hub = Hub(.with([meter]))
    hub.send(.linkOpened(device: "meter"))
    converse(&hub, records: Array(records.prefix(2)))
    #expect(hub.readings.count == 2)
    #expect(hub.readings.allSatisfy { $0.recordNumber != nil })
    // Another hub process with the same disk.
    var next = Hub(.with([meter]), disk: hub.disk)
    next.send(.linkOpened(device: "meter"))
    converse(&next, records: records)
    #expect(next.readings.count == 3)
    let parts = next.sent(to: "meter").filter { $0[1] == 0x26 }.map { $0[2] }
    #expect(parts.first == 1, "the walk went back to the known minute, not to the oldest record")
  }

  @Test func theLastRecordIsInTheSnapshot() throws {
    var hub = Hub(.with([meter]))
    hub.send(.linkOpened(device: "meter"))
    converse(&hub, records: records)
    var state = LedgerState()
    for (sequence, entry) in hub.disk {
      _ = state.restore(kind: entry.kind, sequence: sequence, payload: entry.payload)
    }
    let number = try #require(state.lastRecord["meter"])
    #expect(number == hub.readings.last?.recordNumber)
    var copy = LedgerState()
    let isTaken = copy.restore(kind: .snapshot, sequence: 9, payload: state.encoded)
    #expect(isTaken)
    #expect(copy.lastRecord == state.lastRecord)
  }

  /// 2026-11-21T08:15:30Z.
  private let wall: Int64 = 1_795_248_930_000

  private func place(_ raw: DeviceReading, clock: DeviceClock? = nil, synchronised: Bool = true) -> Reading {
    let device = DeviceIdentity(id: "o", transport: .serial)
    let now = Now(monotonic: 0, wall: wall, isSynchronised: synchronised, bootID: "")
    return Intake.normalise(raw, IntakeContext(device: device, zone: .utc, now: now, clock: clock))
  }

  private func raw(_ time: DeviceStamp?, _ flags: [ReadingFlag] = []) -> DeviceReading {
    DeviceReading(
      kind: .pulseOximetry, observations: [Observation(.spo2, .value(ExactDecimal(97)), unit: .percent)], flags: flags,
      time: time, recordNumber: 9, stored: true, raw: RawSource(source: "contec-v7", octets: [1]))
  }

  @Test func anEstimateIsTheHubsTimeAndNotTheDevices() {
    let stamp = DeviceStamp.local(
      DeviceDateTime(year: 2026, month: 11, day: 21, hours: 2, minutes: 0, seconds: 0))
    let reading = place(raw(stamp, [.estimatedTime]), clock: DeviceClock(offset: 7_200_000, isReliable: true))
    #expect(reading.takenAt?.milliseconds == wall - 22_530_000)
    #expect(reading.timeQuality == .received)
    #expect(reading.deviceTime == nil)
    #expect(reading.flags.contains(.estimatedTime) && !reading.flags.contains(.clockUnverified))
  }

  @Test func aRecordOfAMemoryWithoutAnyTimeIsUnplaced() {
    let reading = place(raw(nil), synchronised: false)
    #expect(reading.takenAt == nil && reading.timeQuality == .unplaced)
  }
}
