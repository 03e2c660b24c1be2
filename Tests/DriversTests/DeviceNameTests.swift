// Names are guesses: which driver a name leads to, which devices are known and not read, and what a driver says when the device speaks
// something else.

import Octets
import Readings
import Testing

@testable import Drivers

struct DeviceNameTests {
  @Test(arguments: [
    ("Beurer BM85", "beurer-bm85"), ("BM 85", "beurer-bm85"), ("BM 59", "beurer-bm"), ("SBM69", "beurer-bm"),
    ("BF700", "beurer-bf700"), ("BEURER BF700", "beurer-bf700"), ("Beurer BF800W", "beurer-bf700"),
    ("Beurer BF710", "sanitas-sbf70"), ("SANITAS SBF70", "sanitas-sbf70"), ("AICDSCALE1", "sanitas-sbf70"),
    ("BF720", "beurer-bf720"), ("SBF77", "beurer-bf720"), ("BF500", "beurer-bf500"), ("SBF73", "beurer-bf915"),
    ("O2Ring 0123", "viatom-o2"), ("O2Ring SN123", "viatom-o2"), ("KidsO2 7", "viatom-o2"),
    ("SleepO2 1", "contec-cms50dbt"), ("QardioARM 2", "qardioarm"), ("BLEsmart_00000154D4EB", "omron"),
    ("HEM-9200T", "omron-standard"), ("AirBP 12", "viatom-airbp"), ("BP2W 1234", "viatom-bp2w"),
    ("LP-BP2W", "viatom-bp2w"), ("PC-68B", "creative-sp20"), ("PC-60F_SN1", "viatom-pc60fw"),
    ("VTM 20F", "wellue-fs20f"),
    ("Bluetooth BP", "fdfd-cuff"), ("QN-Scale", "qn-scale"), ("YUNMAI-ISM-1", "yunmai"), ("Shape200", "soehnle-shape"),
    ("swan", "icomon"), ("eufy T9146", "eufy-c1"), ("1byone scale", "1byone"), ("bm 85", "beurer-bm85"),
    ("BLEsmart_0001000C54D4EB", "omron-scale"), ("Vitafit", "vitafit-vt701"), ("SENSSUN FAT", "senssun"),
    ("RBP1608270023", "pulse-wave-rbp"), ("JPD-FR400", "jumper-fr400"), ("OneTouch A1B2", "onetouch"),
    ("eufy T9148", "eufy-p2"),
  ])
  func aNameHasOneDriver(_ name: String, _ driver: String) {
    #expect(Registry.claim(name: name, services: [], serviceData: [])?.id == driver)
  }

  @Test(arguments: [
    ("O2Ring S 0541", [] as [UInt16]), ("S8-AW 12", []), ("T8520_0541", []), ("BP2A 1234", []),
    ("Checkme BP2 1", []), ("ER1 0001", []), ("KN-550BT", [0x1810]), ("BP5S 11", []),
    ("BLEsmart_0001FFFF54D4", [0xFE4A]),
    ("PC-80B", [0xFFF0]),
  ])
  func whatIsKnownAndNotReadSaysSo(_ name: String, _ services: [UInt16]) {
    let claim = Registry.recognise(name: name, services: services.map { BluetoothUUID($0) }, serviceData: [])
    #expect(claim.profile == nil)
    #expect(claim.refusal?.hasPrefix("known, not supported") ?? false)
  }

  @Test func aLockedScaleOfQNSaysSo() {
    let claim = Registry.recognise(name: nil, services: [BluetoothUUID(0xAE00)], serviceData: [])
    #expect(claim.profile == nil && claim.refusal?.contains("secret key") ?? false)
  }

  @Test func theServiceOfCuffsAndOximetersAloneTellsNothing() {
    let claim = Registry.recognise(name: nil, services: [ViatomO2Line.service], serviceData: [])
    #expect(claim.profile == nil && claim.refusal != nil)
  }

  /// Beurer's scales advertise 181D with one octet; only ten are a Mi scale's.
  @Test func oneOctetOf181DIsNoMiScale() throws {
    let uuid = BluetoothUUID(0x181D)
    func claim(_ name: String?, _ octets: [UInt8]) -> String? {
      Registry.claim(
        name: name, services: [uuid], serviceData: [uuid], companies: [0x0611],
        data: [AdvertisedData(service: uuid, octets: octets)])?.id
    }
    #expect(claim(nil, [1]) == "weight-scale")
    #expect(claim("BF720", [1]) == "beurer-bf720")
    #expect(claim(nil, try Hex.decode("229e43e507040b101301")) == "mi-scale-1")
    for octets: [UInt8] in [[1], [UInt8](repeating: 0x22, count: 11)] {
      #expect(throws: DecodeError.self) {
        try AdvertisementDecoding.decode(AdvertisedData(service: uuid, octets: octets))
      }
    }
  }

  // MARK: A device that speaks something else

  private func told(_ id: String, _ stream: CharacteristicID, _ notifications: [[UInt8]]) throws -> [DriverProblem] {
    var driver = try #require(Registry.profile(id: id)).make(DriverContext())
    let characteristics = [stream, ViatomO2Line.commands, ContecOximeterLine.commands].compactMap { $0 }.map {
      DiscoveredCharacteristic(id: $0, properties: 0x1C)
    }
    var actions = driver.handle(.connected(characteristics)) + driver.handle(.subscribed(stream))
    for octets in notifications { actions += driver.handle(.value(stream, octets, .notification)) }
    let timers = actions.compactMap { action -> Int? in
      if case .startTimer(ProtocolProof.timer, let milliseconds) = action { milliseconds } else { nil }
    }
    #expect(timers.allSatisfy { $0 < 30_000 } && !timers.isEmpty)
    actions = driver.handle(.timer(ProtocolProof.timer))
    #expect(actions.contains(.finish) == actions.contains { if case .problem = $0 { true } else { false } })
    return actions.compactMap { if case .problem(let problem) = $0 { problem } else { nil } }
  }

  @Test func aRingThatAnswersNothingSpeaksAnotherProtocol() throws {
    let problem = try #require(told("viatom-o2", ViatomO2Line.stream, []).first)
    #expect(problem.code == "unsupported-device")
    #expect(problem.message.contains("not supported") && problem.message.contains("speaks another protocol"))
  }

  @Test(arguments: [
    ("viatom-o2", "a5000004040000004023ee02a4", "AirBP"), ("viatom-o2", "a5e11e00020000bf", "BP2"),
    ("contec-cms50dbt", "aa550f0801614800000000001a", "PC-60FW"), ("beurer-bf700", "fdfdfc6339430d0a", "FD FD"),
    ("jumper-jpd500f", "ffaa00006161484860002828010f8201005a64fc", "BerryMed"),
  ])
  func whatItSpeaksIsToldByItsFirstOctets(_ id: String, _ hex: String, _ word: String) throws {
    let streams = [
      "viatom-o2": ViatomO2Line.stream, "contec-cms50dbt": ContecOximeterLine.stream,
      "beurer-bf700": SanitasScaleDriver.link, "jumper-jpd500f": JumperOximeterLine.stream,
    ]
    let stream = try #require(streams[id])
    let octets = try Hex.decode(hex)
    let problem = try #require(told(id, stream, [octets]).first)
    #expect(problem.message.contains(word), "\(problem.message)")
    #expect(problem.raw?.octets == octets)
  }

  @Test func whoeverProvesItselfIsLeftAlone() throws {
    #expect(try told("contec-cms50dbt", ContecOximeterLine.stream, [try Hex.decode("eb010440637f0012")]).isEmpty)
    #expect(try told("beurer-bf700", SanitasScaleDriver.link, [try Hex.decode("e75801085e")]).isEmpty)
    #expect(try told("jumper-jpd500f", JumperOximeterLine.stream, []).isEmpty, "nobody asked it anything")
  }

  /// Nothing that erases, resets or inflates is written by a driver that does not know yet whom it speaks to.
  @Test(arguments: ["viatom-o2", "beurer-bf700", "sanitas-sbf70", "contec-cms50dbt"])
  func beforeItIsProvenNothingHarmfulIsSent(_ id: String) throws {
    var driver = try #require(Registry.profile(id: id)).make(DriverContext())
    let streams = [ViatomO2Line.stream, ContecOximeterLine.stream, SanitasScaleDriver.link]
    let commands = [ViatomO2Line.commands, ContecOximeterLine.commands].compactMap { $0 }
    let found = (streams + commands).map { DiscoveredCharacteristic(id: $0, properties: 0x1C) }
    var actions = driver.handle(.connected(found))
    for stream in streams { actions += driver.handle(.subscribed(stream)) }
    for timer: DriverTimer in [2, 30, 2] { actions += driver.handle(.timer(timer)) }
    let sent = actions.compactMap { action -> [UInt8]? in
      if case .write(_, let octets, _) = action { octets } else { nil }
    }
    #expect(!sent.isEmpty)
    #expect(
      sent.allSatisfy { [[0xAA, 0x17], [0xE6, 0x01], [0xF6, 0x01], [0x9B, 0x01]].contains(Array($0.prefix(2))) })
  }

  @Test func aSleepO2IsWhoseItsServicesSay() throws {
    var driver = try #require(Registry.profile(id: "contec-cms50dbt")).make(DriverContext())
    let commands = try #require(ViatomO2Line.commands)
    _ = driver.handle(
      .connected([ViatomO2Line.stream, commands].map { DiscoveredCharacteristic(id: $0, properties: 0x1C) }))
    #expect(
      driver.handle(.subscribed(ViatomO2Line.stream)).contains(
        .write(commands, ViatomO2Line.request(0x17), withResponse: true)))
  }
}

/// Scales that give a user's values only for a code.
struct ConsentCodeTests {
  private static let point = UserConsent.point
  private static let found = [
    (CharacteristicID(0x181D, 0x2A9D), 0x20), (point, 0x28), (UserConsent.display, 0x18),
    (CharacteristicID(0x181C, 0x2A8E), 0x0A),
  ].map { DiscoveredCharacteristic(id: $0.0, properties: UInt8($0.1)) }

  private func begin(
    _ id: String, pairing: Bool = false, consent: (user: UInt8, code: UInt16)? = nil
  ) throws -> (driver: any Driver, actions: [DriverAction]) {
    var context = DriverContext(consent: consent)
    context.isPairing = pairing
    var driver = try #require(Registry.profile(id: id)).make(context)
    let actions = driver.handle(.connected(ConsentCodeTests.found))
    return (driver, actions)
  }

  private func write(_ octets: [UInt8]) -> DriverAction { .write(ConsentCodeTests.point, octets, withResponse: true) }

  @Test func aScaleThatShowsItsCodeWhenAskedIsAsked() throws {
    let (_, actions) = try begin("beurer-bf915", pairing: true)
    #expect(actions.contains(.write(UserConsent.display, [0x11], withResponse: true)))
    #expect(actions.contains(.answer(.consentNeeded)))
  }

  @Test func withoutACodeZeroIsTriedAndARefusalIsNoFault() throws {
    var (driver, actions) = try begin("beurer-bf915")
    #expect(actions.contains(write([0x02, 0x01, 0x00, 0x00])))
    actions = driver.handle(.value(ConsentCodeTests.point, [0x20, 0x02, 0x05], .indication))
    #expect(actions == [.answer(.consentNeeded)])
  }

  @Test func theCodeThatWasEnteredIsGiven() throws {
    let (_, actions) = try begin("beurer-bf915", consent: (2, 1234))
    #expect(actions.contains(write([0x02, 0x02, 0xD2, 0x04])))
  }

  @Test func aBF500HasTheCodeOfItsApplicationAndIsLeftSoon() throws {
    var (driver, actions) = try begin("beurer-bf500")
    #expect(actions.contains(write([0x02, 0x01, 0x25, 0x20])))
    #expect(!actions.contains(.answer(.consentNeeded)))
    let ends = actions.compactMap { action -> Int? in
      if case .startTimer(1, let milliseconds) = action { milliseconds } else { nil }
    }
    #expect(ends.allSatisfy { $0 <= 10_000 } && !ends.isEmpty, "it does not weigh while it is connected")
    #expect(driver.handle(.timer(1)).contains(.finish))
    #expect(Registry.profile(id: "beurer-bf500")?.asksConsent == false)
  }

  @Test func whatAScaleKnowsOfAUserIsToldAgain() throws {
    var (driver, _) = try begin("beurer-bf720", consent: (1, 3752))
    let height = CharacteristicID(0x181C, 0x2A8E)
    let granted = driver.handle(.value(ConsentCodeTests.point, [0x20, 0x02, 0x01], .indication))
    #expect(granted.contains(.read(height)))
    #expect(driver.handle(.value(height, [0xB4, 0x00], .read)) == [.write(height, [0xB4, 0x00], withResponse: true)])
    #expect(driver.handle(.value(height, [0xFF, 0xFF], .read)).isEmpty, "what is not set stays so")
  }
}

/// A QardioArm streams its pressure while another host measures.
struct StreamingCuffTests {
  @Test func onlyAValueWithAStatusIsAResult() throws {
    var driver = try #require(Registry.profile(id: "qardioarm")).make(DriverContext())
    let begun = driver.handle(
      .connected([
        DiscoveredCharacteristic(id: BloodPressureProfile.measurement, properties: 0x10),
        DiscoveredCharacteristic(id: BloodPressureProfile.qardioControl, properties: 0x18),
      ]))
    #expect(begun.contains(.subscribe(BloodPressureProfile.qardioControl, indications: false)))
    #expect(!begun.contains { if case .write = $0 { true } else { false } }, "F1 01 inflates the cuff")
    func given(_ hex: String) throws -> [DriverAction] {
      driver.handle(.value(BloodPressureProfile.measurement, try Hex.decode(hex), .notification)).filter {
        if case .startTimer = $0 { false } else { true }
      }
    }
    #expect(try given("007800000000 00".filter { $0 != " " }).isEmpty, "the cuff's own pressure")
    #expect(try given("0478005a0000004800").isEmpty)
    for failure in ["04ff070200ff07ff07", "14ff07ee00ff07ff070000", "142c0150006400480000 00".filter { $0 != " " }] {
      let actions = try given(failure)
      #expect(actions.count == 1)
      if case .problem(let problem)? = actions.first { #expect(problem.code == "measurement-failed") }
    }
    let result = try given("147b0050006100480000 00".filter { $0 != " " })
    guard case .reading(let reading)? = result.first else {
      Issue.record("\(result)")
      return
    }
    #expect(reading.observations.first?.value.decimal == ExactDecimal(123))
    let control = driver.handle(.value(BloodPressureProfile.qardioControl, [0xF2, 0x06], .notification))
    #expect(control.contains { if case .problem = $0 { true } else { false } })
  }
}
