// A BerryMed oximeter of protocol 1.5: its packets are read as nothing else, whatever is in them.

import Octets
import Readings
import Testing

@testable import Drivers

struct BerryProtocolTests {
  private func numbers(_ reading: DeviceReading?) -> [String] {
    reading?.observations.map { $0.value.decimal?.description ?? "-" } ?? []
  }

  /// The protocol 1.5 of BerryMed with every battery, rate and raw value: never anything but its own values.
  @Test func aPacketOfProtocol15IsNeverReadAsAnother() throws {
    var seed: UInt64 = 15
    func next() -> UInt8 {
      seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return UInt8(truncatingIfNeeded: seed >> 33)
    }
    for battery in stride(from: UInt8(5), through: 100, by: 19) {
      for rate: UInt8 in [1, 50, 100, 200] {
        var driver = try #require(Registry.profile(id: "berry-ble")).make(DriverContext())
        _ = driver.handle(
          .connected([DiscoveredCharacteristic(id: BerryOximeterLine.stream, properties: 0x10)]))
        var readings: [DeviceReading] = []
        for index in 0..<(Int(rate) * 11 + 1) {
          var packet: [UInt8] = [
            0xFF, 0xAA, UInt8(truncatingIfNeeded: index) & 0x1F, index % 70 == 0 ? 8 : 0, 97, 97, 72, 72,
          ]
          packet += [next(), next(), 40, 40, next() & 0x7F, next(), next(), next(), 0, battery, rate]
          packet.append(Checksum.sum8(packet))
          for case .reading(let reading) in driver.handle(.value(BerryOximeterLine.stream, packet, .notification)) {
            readings.append(reading)
          }
        }
        #expect(readings.count == 1, "battery \(battery), rate \(rate)")
        #expect(numbers(readings.first) == ["97", "72", "4.0"])
      }
    }
  }

  @Test func aDeviceIsOfOneProtocolForItsWholeLink() throws {
    var driver = try #require(Registry.profile(id: "berry-ble")).make(DriverContext(everyFrame: true))
    _ = driver.handle(.connected([DiscoveredCharacteristic(id: BerryOximeterLine.stream, properties: 0x10)]))
    func given(_ octets: [UInt8]) -> Int {
      driver.handle(.value(BerryOximeterLine.stream, octets, .notification)).count {
        if case .reading = $0 { true } else { false }
      }
    }
    let frame: [UInt8] = [0x85, 0x20, 0x05, 72, 97]
    #expect(given(frame + frame) == 2)
    let packet = try Hex.decode("ffaa00006161484860002828010f8201005a64fc")
    #expect(given(packet) == 1)
    #expect(given(frame + frame + frame + frame) == 0, "frames of BCI 1.2 are in no packet")
    var cut = packet
    cut.removeLast()
    #expect(given(cut) == 0)
    // Without a finger, without a pulse, a version text, values that a document excludes.
    for (place, octet): (Int, UInt8) in [(3, 2), (3, 4), (3, 1), (2, 0x53), (4, 127), (4, 34), (6, 255), (6, 24)] {
      var other = packet
      other[place] = octet
      #expect(given(other) == 0, "\(place) \(octet)")
    }
    var other = packet
    other[19] ^= 0x55
    #expect(given(other) == 1, "one device has other values in its last octet")
  }
}
