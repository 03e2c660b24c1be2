// Values as their specifications and makers have them, where a simpler reading of the octets gives something else.

import Drivers
import Octets
import Readings
import Testing

struct DecodingRuleTests {
  private func decode(
    _ service: BluetoothUUID, _ characteristic: BluetoothUUID, _ text: String, feature: [UInt8]? = nil
  ) throws -> Decoded {
    var context = GATTDecoding.Context()
    context.bloodPressureFeature = feature
    let octets = try Hex.decode(text)
    return try #require(
      try GATTDecoding.decode(service: service, characteristic: characteristic, octets: octets, context: context))
  }

  private func first(_ decoded: Decoded) -> String? {
    decoded.readings.first?.observations.first?.value.decimal.map { "\($0)" }
  }

  @Test(
    arguments: [
      (0x1808, 0x2A18, "020100EA070B150A00000CC011", "6.7"), (0x1808, 0x2A18, "020100EA070B150A000001D011", "5.6"),
      (0x1809, 0x2A1C, "0101000002", "37.8"), (0x1809, 0x2A1C, "0162000000", "36.7"),
    ] as [(UInt16, UInt16, String, String)])
  func howANumberIsCodedCostsNoPlace(_ service: UInt16, _ id: UInt16, _ text: String, _ value: String) throws {
    #expect(first(try decode(BluetoothUUID(service), BluetoothUUID(id), text)) == value)
  }

  /// A frame of a thermometer, with its sum; nil where it gives no value.
  @Test(
    arguments: [
      (0x0E47, "36.55"), (0x016E, "36.6"), (0x816E, "36.6"), (0x1068, "42.00"), (0x8E47, "36.55"), (0xFFFF, nil),
      (0x0064, nil),
    ] as [(UInt16, String?)])
  func aTaiDocThermometerSendsTenthsOrHundredths(_ word: UInt16, _ value: String?) throws {
    var frame: [UInt8] = [0x51, 0x26, UInt8(word & 0xFF), UInt8(word >> 8), 0, 0, 0xA5]
    frame.append(Checksum.sum8(frame))
    let decoded = try #require(
      try GATTDecoding.decode(
        service: BluetoothUUID("00001523-1212-EFDE-1523-785FEABCD123") ?? BluetoothUUID(0),
        characteristic: BluetoothUUID("00001524-1212-EFDE-1523-785FEABCD123") ?? BluetoothUUID(0), octets: frame))
    let temperature = decoded.readings.first { $0.kind == .bodyTemperature }
    #expect(temperature?.observations.first?.value.decimal.map { "\($0)" } == value)
  }

  @Test func aWaveformOfAJumperIsNoErrorAndNoReading() throws {
    let service = BluetoothUUID("CDEACB80-5235-4C07-8846-93A37EE6B86D") ?? BluetoothUUID(0)
    let stream = BluetoothUUID("CDEACB81-5235-4C07-8846-93A37EE6B86D") ?? BluetoothUUID(0)
    let decoded = try decode(service, stream, "8081386344102030")
    #expect(decoded == Decoded(values: [NamedValue("type", .text("waveform"))]))
    #expect(try decode(service, stream, "81386344").readings.count == 1)
  }

  @Test func aDeviceTimeIsReadWithAndWithoutItsCheckValue() throws {
    for text in ["15B500F0A52D08000200", "00F0A52D08000200"] {
      let values = try decode(BluetoothUUID(0x1847), BluetoothUUID(0x2B90), text).values
      func value(_ name: String) -> DecodedValue? { values.first { $0.name == name }?.value }
      #expect(value("base_time_s") == .integer(765_849_600) && value("time_zone_15min") == .integer(8))
      #expect(value("dst_offset") == .integer(0) && value("status_hex") == .text("0002"))
    }
  }

  // MARK: Blood pressure service 1.1

  /// 120/80, mean 93, with every status bit.
  private static let enhanced: [UInt8] = [0x10, 120, 0, 80, 0, 93, 0, 0xFF, 0xFF]

  private static func checked(_ octets: [UInt8]) -> [UInt8] {
    let sum = Checksum.crc16MCRF4XX(octets)
    return octets + [UInt8(sum & 0xFF), UInt8(sum >> 8)]
  }

  @Test func anEnhancedStatusMeansWhatTheFeatureSays() throws {
    let text = Hex.encode(DecodingRuleTests.enhanced)
    let decoded = try decode(BluetoothUUID(0x1810), BluetoothUUID(0x2B34), text, feature: [0x04, 0x00])
    #expect(decoded.readings.first?.flags == [.irregularPulse])
  }

  @Test func anIndicationWithACheckValueHasTheRightOne() throws {
    let text = Hex.encode(DecodingRuleTests.checked(DecodingRuleTests.enhanced))
    let decoded = try decode(BluetoothUUID(0x1810), BluetoothUUID(0x2B34), text, feature: [0x40, 0x00])
    #expect(decoded.readings.count == 1 && decoded.values.isEmpty)
    #expect(throws: DecodeError.self) {
      try decode(BluetoothUUID(0x1810), BluetoothUUID(0x2B34), text.dropLast(2) + "00", feature: [0x40, 0x00])
    }
  }

  private static let record = CharacteristicID(0x1810, 0x2B36)
  private static let controlPoint = CharacteristicID(0x1810, 0x2A52)
  private static let feature = CharacteristicID(0x1810, 0x2A49)

  /// A cuff whose stored records have check values.
  private func cuff() throws -> any Driver {
    var driver = try #require(Registry.profile(id: "blood-pressure")).make(DriverContext())
    let found =
      [(CharacteristicID(0x1810, 0x2A35), 0x20), (DecodingRuleTests.record, 0x10)]
      + [(DecodingRuleTests.controlPoint, 0x28), (DecodingRuleTests.feature, 0x02)]
    let actions = driver.handle(
      .connected(found.map { DiscoveredCharacteristic(id: $0.0, properties: UInt8($0.1)) }))
    #expect(actions.contains(.read(DecodingRuleTests.feature)))
    _ = driver.handle(.value(DecodingRuleTests.feature, [0x40, 0x00], .read))
    return driver
  }

  private func segment(_ driver: inout any Driver, _ header: UInt8, _ number: UInt8, _ octets: [UInt8])
    -> [DriverAction]
  {
    driver.handle(.value(DecodingRuleTests.record, [header, number, 0, 0x34, 0x2B] + octets, .notification))
  }

  private func end(_ driver: inout any Driver) -> [DriverAction] {
    driver.handle(.value(DecodingRuleTests.controlPoint, [6, 0, 1, 1], .indication))
  }

  private func readings(_ actions: [DriverAction]) -> [UInt32?] {
    actions.compactMap { if case .reading(let reading) = $0 { .some(reading.recordNumber) } else { nil } }
  }

  private func problems(_ actions: [DriverAction]) -> [String] {
    actions.compactMap { if case .problem(let problem) = $0 { problem.code } else { nil } }
  }

  /// Everything is on disk, and a technician wants the memory erased: only after a transfer without fault.
  private func isErased(_ driver: inout any Driver) -> Bool {
    let actions = driver.handle(.committed) + driver.handle(.request(.deleteStored))
    return actions.contains { if case .write(DecodingRuleTests.controlPoint, _, _) = $0 { true } else { false } }
  }

  @Test func aStoredRecordIsTakenWithoutItsCheckValue() throws {
    var driver = try cuff()
    let octets = DecodingRuleTests.checked(DecodingRuleTests.enhanced)
    // The check value is cut, too.
    #expect(readings(segment(&driver, 0x01, 5, Array(octets.prefix(10)))) == [])
    let actions = segment(&driver, 0x06, 5, Array(octets.dropFirst(10)))
    #expect(readings(actions) == [5] && problems(actions) == [])
    #expect(problems(end(&driver)) == [])
    #expect(isErased(&driver))
  }

  @Test func aStoredRecordWithAWrongCheckValueGivesNothing() throws {
    var driver = try cuff()
    var octets = DecodingRuleTests.checked(DecodingRuleTests.enhanced)
    octets[1] ^= 1
    let actions = segment(&driver, 0x03, 5, octets)
    #expect(readings(actions) == [] && problems(actions) == ["checksum"])
    _ = end(&driver)
    #expect(!isErased(&driver))
  }

  @Test func aRecordWhoseEndIsMissingIsToldAndNothingIsErased() throws {
    let octets = DecodingRuleTests.checked(DecodingRuleTests.enhanced)
    var driver = try cuff()
    _ = segment(&driver, 0x01, 5, Array(octets.prefix(4)))
    let actions = segment(&driver, 0x03, 6, octets)
    #expect(readings(actions) == [6] && problems(actions) == ["malformed"], "the record that begins is given")
    #expect(problems(end(&driver)) == [])
    #expect(!isErased(&driver))
    // The same at the end of all records.
    driver = try cuff()
    _ = segment(&driver, 0x01, 5, Array(octets.prefix(4)))
    #expect(problems(end(&driver)) == ["malformed"])
    #expect(!isErased(&driver))
  }
}
