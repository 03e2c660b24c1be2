// A day with twenty devices in simulated time, calm and stormy: whatever happens, what a device offered until it was confirmed
// is on disk, once.

import BluetoothManagement
import ControlProtocol
@testable import GatewayCore
import Readings
import Testing
@testable import Ledger

@Suite struct BluetoothRehearsalTests {
  private static let day: Int64 = 86_400_000

  /// A house with twenty paired devices of eight kinds, some with changing addresses, some with passkeys. Three are as real ones were
  /// recorded: a cuff with its maker's octets before the value, a scale that counts from 1970 without bond, and a thermometer whose
  /// clock was never set.
  private func house(seed: UInt64) -> Kernel {
    var devices: [Peripheral] = []
    for number in 0..<20 {
      let address = "F0:00:00:00:01:" + (number < 16 ? "0" : "") + String(number, radix: 16).uppercased()
      var device =
        switch number % 8 {
        case 0: Peripheral.cuff(address: address)
        case 1: Peripheral.scale(address: address)
        case 2: Peripheral.thermometer(address: address)
        case 3: Peripheral.cuff("A&D_UA-651BLE_\(number)", address: address)
        case 4: Peripheral.oximeter(address: address)
        case 5: Peripheral.cuff("BPM \(number)", address: address)
        case 6: Peripheral.transtekScale(address: address)
        default: Peripheral.thermometerOf2010(address: address)
        }
      device.sendsAtOnce = number % 3 == 0
      if number % 4 == 1 {
        device.identityKey = [UInt8](repeating: UInt8(number), count: 16)
        device.address = PeerAddress(bits: 0x5A01_0203_0400 + UInt64(number), kind: .randomLE)
      }
      if number % 7 == 2 { device.pairing = .legacy }
      devices.append(device)
    }
    let kernel = Kernel(devices, seed: seed)
    kernel.keepsEffects = false
    kernel.pass(100)
    for place in devices.indices {
      kernel.pair(place) { $0.patient = "p-\(place)" }
      kernel.onAirUntil[place] = 0
    }
    kernel.pass(120_000)
    kernel.notices = []
    return kernel
  }

  /// A value of the device's kind, unlike every other.
  private func value(_ kernel: Kernel, _ place: Int, _ number: Int) -> [UInt8] {
    let seconds = kernel.seconds
    switch place % 8 {
    case 1: return Peripheral.weight(UInt16(12_000 + place * 100 + number), at: seconds)
    case 2: return Peripheral.temperature(UInt16(350 + number % 50), at: seconds)
    case 4: return Peripheral.spotCheck(UInt16(90 + number % 10), at: seconds)
    case 5: return Peripheral.prefixedPressure(UInt8(100 + place), at: seconds)
    case 6: return Peripheral.transtekWeight(UInt16(6000 + number), at: seconds)
    case 7: return Peripheral.temperature(UInt16(350 + number % 50), at: Peripheral.start2010 + Int64(number) * 60)
    default: return Peripheral.bloodPressure(UInt8(100 + place), at: seconds)
    }
  }

  /// Person after person measures, sometimes two at once; each device is on the air for five seconds.
  private func live(
    _ kernel: Kernel, _ random: inout SplitMix, until end: Int64,
    _ storm: (Kernel, inout SplitMix) -> Void = { _, _ in }
  ) -> [(place: Int, value: [UInt8], at: Int64)] {
    var offered: [(place: Int, value: [UInt8], at: Int64)] = []
    while kernel.hub.time < end {
      kernel.pass(Int64.random(in: 10_000...400_000, using: &random))
      storm(kernel, &random)
      for _ in 0..<(Int.random(in: 0...4, using: &random) == 0 ? 2 : 1) {
        let place = Int.random(in: 0..<kernel.air.count, using: &random)
        let value = value(kernel, place, offered.count)
        // A person does not measure twice in a second.
        guard !offered.contains(where: { $0.place == place && $0.value == value }) else { continue }
        kernel.air[place].measure(value)
        kernel.appear(place, for: 5000)
        offered.append((place, value, kernel.hub.time))
      }
    }
    return offered
  }

  @Test(arguments: [1] as [UInt64]) func onACalmDayNothingIsMissed(seed: UInt64) {
    var random = SplitMix(seed)
    let kernel = house(seed: seed)
    kernel.disk = .takes(after: 30)
    let start = kernel.hub.time
    let offered = live(kernel, &random, until: start + BluetoothRehearsalTests.day)
    kernel.pass(30_000)
    #expect(offered.count > 300, "seed \(seed)")
    let wrong = kernel.wrong(offered)
    #expect(wrong.isEmpty, "seed \(seed): \(wrong.count) of \(offered.count), such as \(wrong.prefix(3))")
    // At its first contact, before it leaves the air.
    let late = offered.filter { (kernel.storedAt[$0.value] ?? .max) - $0.at >= 5000 }
    #expect(late.isEmpty, "seed \(seed): \(late.map(\.place))")
    #expect(kernel.violations.isEmpty, "seed \(seed): \(kernel.violations)")
    #expect(kernel.deviceEvents.isEmpty, "seed \(seed)")
    #expect(kernel.hub.readings.count == offered.count, "seed \(seed)")
  }

  @Test(arguments: [1, 2, 3, 4] as [UInt64]) func onAStormyDayNothingIsLostOrDoubled(seed: UInt64) {
    var random = SplitMix(seed &* 7919)
    let kernel = house(seed: seed)
    let start = kernel.hub.time
    var restarts = 0
    let offered = live(kernel, &random, until: start + BluetoothRehearsalTests.day) { kernel, random in
      let place = Int.random(in: 0..<20, using: &random)
      let soon = Int64.random(in: 0...3000, using: &random)
      switch Int.random(in: 0..<14, using: &random) {
      case 0: kernel.cuts[place] = Int.random(in: 0...14, using: &random)
      case 1: kernel.after(soon) { $0.powerOff(0) }
      case 2:
        kernel.unplug(0)
        kernel.after(soon * 10) { $0.plug(0) }
      case 3: kernel.disk = .refuses
      case 4: kernel.disk = .holds
      case 5...7: kernel.disk = .takes(after: soon / 10)
      case 8:
        restarts += 1
        kernel.after(soon) { $0.restart() }
      case 9: kernel.air[place].isDeaf.toggle()
      case 10: kernel.tell(0, 0x001B, [UInt8](repeating: 0, count: 7), after: soon)
      case 11:
        // Its address changes.
        if kernel.air[place].identityKey != nil {
          kernel.air[place].address = PeerAddress(
            bits: 0x5A00_0000_0000 | UInt64.random(in: 0...0xFFFF_FFFF, using: &random), kind: .randomLE)
        }
      case 12: kernel.hub.refusesKeys.toggle()
      default: break
      }
    }
    // The storm is over; everybody is on the air once more, until nothing is left.
    kernel.disk = .takes(after: 0)
    kernel.hub.refusesKeys = false
    kernel.cuts = [:]
    if kernel.controllers[0]?.isPlugged == false { kernel.plug(0) }
    kernel.pass(60_000)
    for place in kernel.air.indices {
      kernel.air[place].isDeaf = false
      kernel.appear(place, for: 60_000)
    }
    kernel.pass(120_000)
    #expect(offered.count > 300 && restarts > 5, "seed \(seed)")
    let wrong = kernel.wrong(offered)
    #expect(wrong.isEmpty, "seed \(seed): \(wrong.count) of \(offered.count), such as \(wrong.prefix(3))")
    #expect(kernel.air.allSatisfy { $0.memory.isEmpty }, "seed \(seed)")
    #expect(kernel.violations.isEmpty, "seed \(seed): \(kernel.violations)")
    #expect(kernel.deviceEvents.isEmpty, "seed \(seed)")
    #expect(kernel.hub.readings.count == offered.count, "seed \(seed)")
  }
}

extension Kernel {
  /// What is not exactly once on disk, in words.
  func wrong(_ offered: [(place: Int, value: [UInt8], at: Int64)]) -> [String] {
    var tally: [String: [[UInt8]: Int]] = [:]
    for reading in hub.readings { tally[reading.patient ?? "", default: [:]][reading.raw.octets, default: 0] += 1 }
    return offered.compactMap { item in
      let count = tally["p-\(item.place)"]?[item.value] ?? 0
      return count == 1 ? nil : "\(air[item.place].name) \(item.place) at \(item.at): \(count) times"
    }
  }
}
