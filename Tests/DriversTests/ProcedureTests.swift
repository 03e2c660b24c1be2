// What the drivers of the SIG profiles do between the values: clocks, consent, stored records, and what they never do.

import Drivers
import Octets
import Readings
import Testing

struct ProcedureTests {
  private static let weight = CharacteristicID(0x181D, 0x2A9D)
  private static let users = CharacteristicID(0x181C, 0x2A9F)
  private static let clock = CharacteristicID(0x1805, 0x2A2B)
  private static let glucose = CharacteristicID(0x1808, 0x2A18)
  private static let records = CharacteristicID(0x1808, 0x2A52)
  private static let now = DeviceDateTime(year: 2026, month: 11, day: 21, hours: 8, minutes: 15, seconds: 30)
  private static let record: [UInt8] = [3, 9, 0, 0xE4, 7, 3, 15, 7, 23, 0, 60, 0, 0x68, 0xB0, 0x11]

  private func driver(_ id: String, _ context: DriverContext = DriverContext()) throws -> any Driver {
    try #require(Registry.profile(id: id)).make(context)
  }

  private func connected(_ device: [(CharacteristicID, UInt8)]) -> DriverInput {
    .connected(device.map { DiscoveredCharacteristic(id: $0.0, properties: $0.1) })
  }

  private func writes(_ actions: [DriverAction]) -> [[UInt8]] {
    actions.compactMap { if case .write(_, let octets, _) = $0 { octets } else { nil } }
  }

  // MARK: Clocks

  @Test func aHubThatDoesNotKnowTheTimeSetsNoClock() throws {
    var driver = try driver("weight-scale")
    var actions = driver.handle(connected([(ProcedureTests.weight, 0x20), (ProcedureTests.clock, 0x0A)]))
    actions += driver.handle(.value(ProcedureTests.clock, [0xEA, 7, 11, 21, 8, 0, 0, 6, 0, 0], .read))
    #expect(writes(actions).isEmpty)
    #expect(actions.contains { if case .deviceClock = $0 { true } else { false } })
  }

  @Test func aClockThatCannotBeReadIsSetAllTheSame() throws {
    var driver = try driver("weight-scale", DriverContext(localTime: ProcedureTests.now))
    let first = driver.handle(connected([(ProcedureTests.weight, 0x20), (ProcedureTests.clock, 0x0A)]))
    #expect(writes(first).isEmpty, "read before written")
    #expect(writes(driver.handle(.readFailed(ProcedureTests.clock, 0x02))) == [[0xEA, 7, 11, 21, 8, 15, 30, 6, 0, 1]])
  }

  /// A&D hang up after five seconds without subscription and clock: nothing else stands before them.
  @Test func anAAndDHasItsSubscriptionAndClockFirst() throws {
    for (id, service, value) in [
      ("and-ua651ble", UInt16(0x1810), UInt16(0x2A35)), ("and-uc352ble", 0x181D, 0x2A9D),
      ("and-ut201ble", 0x1809, 0x2A1C),
    ] {
      var driver = try driver(id, DriverContext(localTime: ProcedureTests.now))
      let (measurement, clock) = (CharacteristicID(service, value), CharacteristicID(service, 0x2A08))
      let name = CharacteristicID(0x180A, 0x2A24)
      var actions = driver.handle(connected([(name, 2), (measurement, 0x20), (clock, 0x0A)]))
      actions = actions.filter { if case .startTimer = $0 { false } else { true } }
      #expect(actions == [.subscribe(measurement, indications: true), .read(clock)], "\(id)")
      actions = driver.handle(.value(clock, [0xEA, 7, 11, 21, 8, 15, 0], .read))
      let place = actions.firstIndex { if case .write = $0 { true } else { false } }
      #expect(place ?? 9 < actions.firstIndex(of: .read(name)) ?? 0, "\(id)")
    }
  }

  // MARK: Consent

  @Test func whatIsWithheldIsAskedForAgainWithConsent() throws {
    var driver = try driver("beurer-bf720")
    var actions = driver.handle(connected([(ProcedureTests.weight, 0x20), (ProcedureTests.users, 0x28)]))
    #expect(actions.contains(.answer(.consentNeeded)))
    // 0x80: user data access not permitted.
    #expect(driver.handle(.subscribeFailed(ProcedureTests.weight, 0x80)).isEmpty)
    actions = driver.handle(.request(.consent(user: 1, code: 3752)))
    #expect(writes(actions) == [[0x02, 0x01, 0xA8, 0x0E]])
    actions = driver.handle(.value(ProcedureTests.users, [0x20, 0x02, 0x01], .indication))
    #expect(actions == [.answer(.consentGiven(user: 1)), .subscribe(ProcedureTests.weight, indications: true)])
  }

  @Test func aCodeOfFiveDigitsIsRefusedBeforeItIsSent() throws {
    var driver = try driver("beurer-bf720")
    _ = driver.handle(connected([(ProcedureTests.weight, 0x20), (ProcedureTests.users, 0x28)]))
    for request in [DriverRequest.consent(user: 1, code: 10_000), .registerUser(code: 65_535)] {
      let actions = driver.handle(.request(request))
      #expect(writes(actions).isEmpty)
      #expect(actions.contains { if case .answer(.refused(request, _)) = $0 { true } else { false } })
    }
  }

  @Test func aDeviceWithoutUsersSaysSo() throws {
    var driver = try driver("weight-scale")
    _ = driver.handle(connected([(ProcedureTests.weight, 0x20)]))
    let request = DriverRequest.registerUser(code: 1)
    let actions = driver.handle(.request(request))
    #expect(actions.contains { if case .answer(.refused(request, _)) = $0 { true } else { false } })
  }

  // MARK: Stored records

  private func meter(_ context: DriverContext = DriverContext()) throws -> (driver: any Driver, first: [DriverAction]) {
    var driver = try driver("glucose-meter", context)
    let first = driver.handle(connected([(ProcedureTests.glucose, 0x10), (ProcedureTests.records, 0x28)]))
    return (driver, first)
  }

  @Test(
    arguments: [
      (nil, [1, 1]), (0, [1, 3, 1, 1, 0]), (9, [1, 3, 1, 10, 0]), (255, [1, 3, 1, 0, 1]), (65_535, [1, 3, 1, 0, 0]),
    ] as [(UInt32?, [UInt8])])
  func aSessionGoesOnBehindTheLastRecordOnDisk(_ known: UInt32?, _ request: [UInt8]) throws {
    let (_, actions) = try meter(DriverContext(lastRecordNumber: known))
    #expect(writes(actions) == [request])
  }

  /// Whoever asks is answered, by every driver, before the contact and during it.
  @Test(arguments: Capture.all.filter { $0.profile?.transport == .gatt && $0.headers["requests"] == nil })
  func everyRequestHasAnAnswer(_ capture: Capture) throws {
    let found = capture.characteristics.map { DiscoveredCharacteristic(id: $0.id, properties: $0.properties) }
    let keeps = capture.characteristics.contains { $0.id.characteristic == BluetoothUUID(0x2A52) }
    guard !keeps, !capture.name.hasPrefix("taidoc/cuff") else { return }
    var context = capture.context
    context.requests = [.countStored]
    var driver = try #require(capture.profile).make(context)
    var actions = driver.handle(.connected(found))
    for characteristic in capture.characteristics where actions.contains(.read(characteristic.id)) {
      actions += driver.handle(.value(characteristic.id, characteristic.value, .read))
    }
    let isUsable = !actions.contains { if case .problem = $0 { true } else { false } }
    let refusals = actions.filter { if case .answer(.refused(.countStored, _)) = $0 { true } else { false } }
    #expect(refusals.count == 1 || !isUsable)
    if isUsable {
      let live = driver.handle(.request(.deleteStored))
      #expect(live.contains { if case .answer(.refused(.deleteStored, _)) = $0 { true } else { false } })
    }
  }

  @Test func aTransferIsStoppedOnATechniciansWord() throws {
    var (driver, _) = try meter()
    _ = driver.handle(.value(ProcedureTests.glucose, ProcedureTests.record, .notification))
    #expect(writes(driver.handle(.request(.abort))) == [[3, 0]])
    let actions = driver.handle(.value(ProcedureTests.records, [6, 0, 3, 1], .indication))
    #expect(actions.contains(.answer(.aborted)) && actions.contains(.finish))
  }

  @Test func nothingIsErasedBeforeEverythingIsOnDisk() throws {
    var (driver, _) = try meter()
    _ = driver.handle(.value(ProcedureTests.glucose, ProcedureTests.record, .notification))
    #expect(writes(driver.handle(.request(.deleteStored))).isEmpty)
    // The last record is given, and on its way to the disk.
    #expect(writes(driver.handle(.value(ProcedureTests.records, [6, 0, 1, 1], .indication))).isEmpty)
    #expect(writes(driver.handle(.committed)) == [[2, 2, 1, 9, 0]], "up to the number that was read")
    let actions = driver.handle(.value(ProcedureTests.records, [6, 0, 2, 1], .indication))
    #expect(actions.contains(.answer(.storedDeleted)))
  }

  @Test func nothingIsErasedAfterATransferThatFailed() throws {
    var (driver, _) = try meter(DriverContext())
    _ = driver.handle(.request(.deleteStored))
    let actions = driver.handle(.value(ProcedureTests.records, [6, 0, 1, 8], .indication))
    #expect(writes(actions).isEmpty)
    #expect(
      actions.contains { if case .problem(let problem) = $0 { problem.code == "records-refused" } else { false } })
    #expect(actions.contains { if case .answer(.refused(.deleteStored, _)) = $0 { true } else { false } })
  }

  @Test func anAnswerToAnotherRequestEndsNothing() throws {
    var (driver, _) = try meter()
    #expect(driver.handle(.value(ProcedureTests.records, [6, 0, 2, 1], .indication)).allSatisfy { $0 != .finish })
    #expect(driver.handle(.value(ProcedureTests.records, [5, 0, 7, 0], .indication)).allSatisfy { $0 != .finish })
    #expect(driver.handle(.value(ProcedureTests.records, [6, 0, 1, 1], .indication)).contains(.finish))
  }

  @Test(arguments: 0...255 as ClosedRange<UInt8>) func everyAnswerEndsOrGoesOn(_ code: UInt8) throws {
    for known in [nil, 7] as [UInt32?] {
      var (driver, _) = try meter(DriverContext(lastRecordNumber: known))
      var goesOn = true
      for _ in 0..<20 where goesOn {
        let actions =
          driver.handle(.value(ProcedureTests.records, [6, 0, 1, code], .indication)) + driver.handle(.timer(21))
        goesOn = !actions.contains(.finish)
      }
      #expect(!goesOn, "\(code)")
    }
  }

  // MARK: Never

  /// Without a technician's word nothing that any driver sends erases or writes a device's memory.
  @Test(arguments: Capture.all.filter { $0.profile?.transport == .gatt })
  func nothingIsErasedByItself(_ capture: Capture) throws {
    let replay = try #require(Replay.run(capture))
    let isAsked = (capture.headers["requests"] ?? "").contains("delete")
    for line in replay.sent where line.hasPrefix("write ") {
      let octets = line.split(separator: " ").last ?? ""
      if line.contains("/2A52") { #expect(isAsked || !octets.hasPrefix("02"), "\(capture.name)") }
      // A write to an Omron's memory, and erasing a TaiDoc's.
      #expect(!(line.contains("DB5B55E0") && octets.dropFirst(2).hasPrefix("01c0")), "\(capture.name)")
      #expect(!(line.contains("00001524") && (octets.hasPrefix("5152") || octets.hasPrefix("5143"))), "\(capture.name)")
      // Erasing a Contec's or a PO60's records, and A&D's own service.
      #expect(!(line.contains("FF12/FF01") && (octets.hasPrefix("9d7f") || octets.hasPrefix("a1"))), "\(capture.name)")
      #expect(!line.contains("233BF"), "\(capture.name)")
    }
  }

  @Test func aWrongBitInKeyOrFrameGivesNoReading() throws {
    let key = try Hex.decode("0728974d657a4b60964c1b1677f35f7c")
    let address = try Hex.decode("8CD0B2F6BEEF")
    let frame = try Hex.decode("4859d53b0abc078ff2348c844138e930220000009e538599")
    func readings(_ key: [UInt8], _ frame: [UInt8]) -> Int {
      let data = AdvertisedData(service: BluetoothUUID(0xFE95), octets: frame)
      return (try? AdvertisementDecoding.decode(data, key: key, address: address))?.readings.count ?? 0
    }
    #expect(readings(key, frame) == 2)
    for bit in 0..<128 {
      var wrong = key
      wrong[bit / 8] ^= 1 << UInt8(bit % 8)
      #expect(readings(wrong, frame) == 0)
    }
    // From the product on, everything is under the check.
    for bit in 16..<(frame.count * 8) {
      var wrong = frame
      wrong[bit / 8] ^= 1 << UInt8(bit % 8)
      #expect(readings(key, wrong) == 0, "bit \(bit)")
    }
    #expect(readings([], frame) == 0 && readings(key, []) == 0)
  }
}
