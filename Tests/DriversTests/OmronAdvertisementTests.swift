// What Omron cuffs say in their manufacturer data. The vector is a capture of ble_monitor's issue 1003.

import Drivers
import Octets
import Testing

@Suite struct OmronAdvertisementTests {
  private func values(_ hex: String) throws -> [NamedValue]? {
    let decoded = try AdvertisementDecoding.decode(AdvertisedData(company: 0x020E, octets: try Hex.decode(hex)))
    #expect(decoded?.readings.isEmpty ?? true)
    return decoded?.values
  }

  private let state: [NamedValue] = [
    NamedValue("format", .integer(1)), NamedValue("user_count", .integer(1)), NamedValue("invalid_time", .flag(false)),
    NamedValue("pairing_mode", .flag(false)), NamedValue("streaming", .flag(false)),
    NamedValue("data_pending", .flag(false)),
  ]

  /// The data behind the company id, and the whole structure of the advertisement.
  @Test(arguments: ["0101d00264110011", "0bff0e020101d00264110011"])
  func theCapturedStateIsRead(hex: String) throws { #expect(try values(hex) == state) }

  @Test(arguments: [(0x04, "invalid_time"), (0x08, "pairing_mode"), (0x10, "streaming"), (0x40, "data_pending")])
  func eachBitIsItsOwn(bit: UInt8, name: String) throws {
    let set = try #require(try values("01" + Hex.encode([bit])))
    #expect(set.filter { $0.value == .flag(true) }.map(\.name) == [name])
    #expect(set.contains(NamedValue("user_count", .integer(0))))
  }

  @Test(arguments: ["", "01", "03ff0e02"]) func lessThanTwoOctetsAreMalformed(hex: String) {
    // The last is a structure that holds no more than the company.
    #expect(throws: DecodeError.self) { try values(hex) }
  }
}
