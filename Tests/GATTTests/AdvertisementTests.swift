// Advertising data: what the filter lets through, and what the parser makes of it.

import GATT
import Octets
import Testing

struct AdvertisementTests {
  /// Flags, a list of 16-bit services (180A, 1810), a name.
  private static let cuff: [UInt8] =
    [2, 0x01, 0x06, 5, 0x03, 0x0A, 0x18, 0x10, 0x18, 13, 0x09] + Array("A&D_UA-651BLE".utf8.prefix(12))
  /// Flags, service data 181D (a Mi scale), company 0157.
  private static let scale: [UInt8] =
    [2, 0x01, 0x06, 13, 0x16, 0x1D, 0x18, 0x22, 0x9E, 0x43, 0xE5, 0x07, 0x04, 0x0B, 0x10, 0x13, 0x01]
    + [5, 0xFF, 0x57, 0x01, 0xAA, 0xBB]
  private static let long = BluetoothUUID(high: 0x46A9_70E0_0D5F_11E2, low: 0x8B5E_0002_A5D5_C51B)

  private func wants(_ filter: AdvertisementFilter, _ data: [UInt8], address: UInt64 = 0xF000_0000_0001) -> Bool {
    filter.wants(address: address, data: data.span)
  }

  @Test func structuresAreParsed() {
    let cuff = Advertisement(AdvertisementTests.cuff)
    #expect(cuff.flags == 6)
    #expect(cuff.services == [BluetoothUUID(0x180A), BluetoothUUID(0x1810)])
    #expect(cuff.name == "A&D_UA-651BL")
    let scale = Advertisement(AdvertisementTests.scale)
    #expect(scale.serviceData.map(\.uuid) == [BluetoothUUID(0x181D)])
    #expect(scale.serviceData.first?.octets.count == 10)
    #expect(scale.manufacturerData == [0x0157: [0xAA, 0xBB]])
    let nonin = Advertisement([17, 0x07] + AdvertisementTests.long.littleEndian)
    #expect(nonin.services == [AdvertisementTests.long])
    let data = Advertisement([19, 0x21] + AdvertisementTests.long.littleEndian + [1, 2])
    #expect(data.serviceData.map(\.uuid) == [AdvertisementTests.long] && data.serviceData.first?.octets == [1, 2])
  }

  @Test func everyPrefixGivesWhatWasWhole() {
    for data in [AdvertisementTests.cuff, AdvertisementTests.scale] {
      for count in 0...data.count {
        let part = Advertisement(Array(data.prefix(count)))
        #expect(part.services.count <= 2)
        _ = wants(AdvertisementFilter(serviceData: [0xFFFF], namePrefixes: ["x"]), Array(data.prefix(count)))
      }
    }
    #expect(Advertisement(Array(AdvertisementTests.cuff.dropLast())).services.count == 2)
  }

  @Test func everyOctetAtEveryPlaceIsSurvived() {
    let filter = AdvertisementFilter(
      serviceData: [0x181B], services: [0x1822], longServices: [AdvertisementTests.long], companies: [0x020E],
      namePrefixes: ["BM85", "Nonin"])
    for place in AdvertisementTests.scale.indices {
      for octet in UInt8.min...UInt8.max {
        var data = AdvertisementTests.scale
        data[place] = octet
        _ = Advertisement(data)
        _ = wants(filter, data)
      }
    }
  }

  @Test func whatNobodyAskedForIsRejected() {
    let filter = AdvertisementFilter(
      addresses: [1], serviceData: [0x181B], services: [0x1822], longServices: [AdvertisementTests.long],
      companies: [0x020E], namePrefixes: ["BM85"])
    #expect(!wants(filter, AdvertisementTests.cuff))
    #expect(!wants(filter, AdvertisementTests.scale))
    #expect(!wants(AdvertisementFilter(), AdvertisementTests.cuff))
  }

  @Test func eachSignLetsThrough() {
    let cuff = AdvertisementTests.cuff
    let scale = AdvertisementTests.scale
    #expect(wants(AdvertisementFilter(addresses: [0xF000_0000_0001]), []))
    #expect(wants(AdvertisementFilter(serviceData: [0x181D]), scale))
    #expect(!wants(AdvertisementFilter(serviceData: [0x1810]), cuff))
    #expect(wants(AdvertisementFilter(services: [0x1810]), cuff))
    #expect(!wants(AdvertisementFilter(services: [0x181D]), scale))
    #expect(wants(AdvertisementFilter(companies: [0x0157]), scale))
    #expect(wants(AdvertisementFilter(namePrefixes: ["BM85", "A&D_UA-"]), cuff))
    #expect(!wants(AdvertisementFilter(namePrefixes: ["A&D_UA-651BLE_long"]), cuff))
    #expect(
      wants(
        AdvertisementFilter(longServices: [AdvertisementTests.long]),
        [2, 0x01, 0x06, 17, 0x07] + AdvertisementTests.long.littleEndian))
    #expect(
      wants(
        AdvertisementFilter(longServices: [AdvertisementTests.long]),
        [19, 0x21] + AdvertisementTests.long.littleEndian + [1, 2]))
  }
}
