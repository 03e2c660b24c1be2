// What cannot be measured is no value, whichever driver gives it; what is only alarming is one.

import Octets
import Readings
import Testing

@testable import Drivers

struct PossibleValueTests {
  private func decoded(_ hex: String, _ characteristic: UInt16 = 0x2A35, model: String? = nil) throws -> Decoded {
    let service: UInt16 = characteristic == 0x2A35 ? 0x1810 : characteristic == 0x2A5E ? 0x1822 : 0x181D
    return try #require(
      try GATTDecoding.decode(
        service: BluetoothUUID(service), characteristic: BluetoothUUID(characteristic), octets: try Hex.decode(hex),
        context: GATTDecoding.Context(model: model)))
  }

  private func numbers(_ reading: DeviceReading?) -> [String] {
    reading?.observations.map { $0.value.decimal?.description ?? "-" } ?? []
  }

  @Test(arguments: [
    "04ff070200ff07ff07", "04ff07ee00ff07ff07", "0050005a0055000000", "0078000000000000", "00500050005000",
    "00f0ff780050000000",
  ])
  func aPressureThatCannotBeIsNoMeasurement(_ hex: String) {
    let result = try? decoded(hex)
    #expect(result?.readings.isEmpty ?? true)
    #expect(result.map { !$0.problems.isEmpty } ?? true)
  }

  @Test func thePulseStandsWhereThePressuresCannot() throws {
    let result = try decoded("0478007800780048000000".dropLast(4).description)
    let reading = try #require(result.readings.first)
    #expect(numbers(reading) == ["-", "-", "-", "72"])
    #expect(reading.observations[0].value == .absent(.implausible))
    #expect(result.problems.map(\.code) == ["implausible-value"])
    #expect(reading.raw.octets == (try Hex.decode("047800780078004800")))
  }

  @Test func anImpossiblePulseTakesNoPressureWithIt() throws {
    #expect(numbers(try decoded("0478005000600010f9").readings.first) == ["120", "80", "96", "-"])
  }

  @Test func aMeanOfZeroIsNoFault() throws {
    let result = try decoded("00780050000000")
    #expect(numbers(result.readings.first) == ["120", "80", "-"])
    #expect(result.problems.isEmpty)
  }

  @Test func whatIsOnlyAlarmingIsANumber() throws {
    #expect(numbers(try decoded("0030001800d200", 0x2A5E).readings.first) == ["48", "24"])
    #expect(numbers(try decoded("0004011e006400").readings.first) == ["260", "30", "100"])
  }

  @Test func aSaturationAbove100IsNone() throws {
    let result = try decoded("007f004800", 0x2A5E)
    #expect(numbers(result.readings.first) == ["-", "72"])
    #expect(try decoded("007f00ff01", 0x2A5E).readings.isEmpty)
    #expect(try decoded("000000", 0x2A9D).readings.isEmpty)
  }

  @Test(arguments: [
    // Reserved flags and a length that they do not claim.
    "fe202800750055005f00e407091810093a690001ff", "fe0a2700750055005f00e407091810093a690001",
    "566a0047000000ea07080b121f00003f000000", "56710049000000ea07080b1438000041010000",
    // Octets that no flag claims behind pressures that cannot be.
    "0050005a005500aabb",
  ])
  func whatContradictsItselfIsRefused(_ hex: String) {
    #expect(throws: DecodeError.self) { try decoded(hex) }
  }

  @Test func aReservedFlagAloneIsNone() throws {
    #expect(
      numbers(try decoded("def6f416f3ff07e4070114082b00b2f2018000").readings.first) == ["127.0", "79.0", "-", "69.0"])
  }

  @Test(arguments: ["BM85", "Beurer BM85", "bm 85", "BEURER BM 85"])
  func aBM85IsKnownByAnyOfItsNames(_ model: String) throws {
    #expect(
      numbers(try decoded("566a0047000000ea07080b121f00003f000000", model: model).readings.first) == [
        "106", "71", "-", "63",
      ])
  }

  @Test func aCuffWithAPrefixIsRead() throws {
    let reading = try #require(try decoded("fe202700750055005f00e407091810093a690001").readings.first)
    #expect(numbers(reading) == ["117", "85", "95", "105"])
    #expect(throws: DecodeError.self) { try decoded("fe202700750085005f00e407091810093a690001") }
  }

  /// Every driver of the registry is held to it.
  @Test(arguments: Registry.profiles.map(\.id)) func everyDriverIsChecked(_ id: String) throws {
    let profile = try #require(Registry.profile(id: id))
    #expect(profile.make(DriverContext()) is CheckedDriver)
  }
}
