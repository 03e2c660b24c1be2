// The second collection of recorded values (Fixtures/ble-vectors-2.jsonl): what the source says comes out; what no driver of the hub
// reads gives no reading.

import Foundation
import HealthProfiles
import JSON
import Octets
import Readings
import Testing

@testable import Drivers

/// One line of the fixture.
struct SecondVector: Sendable, CustomTestStringConvertible {
  let id: String
  let model: String
  let kind: String
  let service: BluetoothUUID?
  /// Of manufacturer data.
  let company: UInt16?
  let characteristic: BluetoothUUID?
  let octets: [UInt8]
  let expected: JSONObject

  var testDescription: String { id }

  static let all: [SecondVector] = VectorFile.lines("ble-vectors-2").compactMap { value in
    guard let id = value["id"]?.string,
      let octets = value["hex"]?.string.flatMap({ try? Hex.decode($0) }), let expected = value["expected"]?.object
    else { return nil }
    return SecondVector(
      id: id, model: value["model"]?.string ?? "", kind: value["kind"]?.string ?? "",
      service: value["service_uuid"]?.string.flatMap { BluetoothUUID($0) },
      company: value["service_uuid"]?.string.flatMap { text in
        text.hasPrefix("company ") ? UInt16(text.dropFirst("company ".count), radix: 16) : nil
      },
      characteristic: value["characteristic_uuid"]?.string.flatMap { BluetoothUUID($0) }, octets: octets,
      expected: expected)
  }

  /// What `decode gatt` or `decode adv` makes of it.
  func decoded() throws -> Decoded? {
    if let characteristic, let service {
      return try GATTDecoding.decode(
        service: service, characteristic: characteristic, octets: octets, context: GATTDecoding.Context(model: model))
    }
    if let company { return try AdvertisementDecoding.decode(AdvertisedData(company: company, octets: octets)) }
    guard kind == "adv", let service else { return nil }
    return try AdvertisementDecoding.decode(AdvertisedData(service: service, octets: octets))
  }

  func text(_ key: String) -> String? {
    if case .number(let number)? = expected[key] { return number.text }
    return expected[key]?.string
  }
}

struct SecondVectorTests {
  @Test func thereAreVectors() { #expect(SecondVector.all.count == 45) }

  private static let terms: [(key: String, terms: [Term])] = [
    ("systolic", [.systolic]), ("diastolic", [.diastolic]), ("mean", [.meanArterial]),
    ("pulse", [.cuffPulse, .oximeterPulse]), ("spo2", [.spo2]), ("weight", [.weight]), ("impedance", [.impedance]),
    ("bmi", [.bodyMassIndex]), ("height", [.height]),
  ]
  /// What has no decoder, and what is not to be judged.
  private static let unread: Set<String> = [
    "vt701-a", "vt701-b", "airbp-a", "airbp-b", "bf500-consent",
  ]

  @Test(arguments: SecondVector.all.filter { $0.kind != "session" && !unread.contains($0.id) })
  func saysWhatItsSourceSays(_ vector: SecondVector) throws {
    let decoded = try #require(try vector.decoded(), "\(vector.id)")
    if vector.expected["failed"]?.bool == true {
      #expect(decoded.readings.isEmpty && decoded.problems.map(\.code) == ["measurement-failed"])
      return
    }
    if vector.expected["final"]?.bool == false || vector.id == "mmc-t201" {
      #expect(decoded.readings.isEmpty)
      #expect(!decoded.problems.contains { $0.code == "encrypted" })
      let weight = decoded.values.first { $0.name == "weight" }?.value.text.flatMap { ExactDecimal($0) }
      if let wanted = vector.text("weight").flatMap({ ExactDecimal($0) }) {
        #expect(weight?.isEqual(to: wanted) ?? false)
      }
      if let battery = vector.text("battery") {
        #expect(decoded.values.first { $0.name == "battery" }?.value.text == battery)
      }
      return
    }
    let reading = try #require(decoded.readings.first, "\(vector.id)")
    for (key, terms) in SecondVectorTests.terms {
      guard let wanted = vector.text(key).flatMap({ ExactDecimal($0) }) else { continue }
      let found = reading.observations.first { terms.contains($0.term) }?.value.decimal
      #expect(found?.isEqual(to: wanted) ?? false, "\(key): \(String(describing: found))")
    }
    if let wanted = vector.text("temperature").flatMap({ ExactDecimal($0) }) {
      #expect(reading.observations.first?.value.decimal?.isEqual(to: wanted) ?? false)
    }
    if let wanted = vector.text("timestamp"), case .local(let time)? = reading.time {
      #expect(time.description.hasPrefix(wanted))
    }
    if let user = vector.text("user") { #expect(reading.user.map { "\($0)" } == user) }
  }

  private func vector(_ id: String) throws -> SecondVector {
    try #require(SecondVector.all.first { $0.id == id }, "\(id)")
  }

  private func value(_ id: String, _ name: String) throws -> String? {
    try #require(try vector(id).decoded()).values.first { $0.name == name }?.value.text
  }

  @Test func whatAFrameOfASessionSaysIsShown() throws {
    #expect(try value("bf800-init", "greeting") == "true")
    #expect(try value("sbf70-status", "battery") == "100")
    for id in ["sbf70-59-2", "sbf70-4c-1"] {
      let wanted = try #require(vector(id).text("weight").flatMap { ExactDecimal($0) })
      #expect(try value(id, "weight").flatMap { ExactDecimal($0) }?.isEqual(to: wanted) ?? false, "\(id)")
      #expect(try value(id, "impedance_ohm") == vector(id).text("impedance"), "\(id)")
      #expect(try #require(try vector(id).decoded()).readings.isEmpty, "a part is no reading")
    }
    #expect(try value("sbf70-4c-1", "body_fat_pct") == "18.5")
    #expect(try value("sbf70-59-2", "time_utc") == vector("sbf70-59-2").text("timestamp_utc"))
    #expect(try value("airbp-a", "pressure") == "90.24")
  }

  /// The collection does not name the service of this scale; the program that its frames are from does.
  @Test func theFramesOfAVitafitAreRead() throws {
    func decoded(_ id: String) throws -> Decoded? {
      try GATTDecoding.decode(
        service: BluetoothUUID(0xFFF0), characteristic: BluetoothUUID(0xFFF1), octets: vector(id).octets)
    }
    let weight = try #require(try decoded("vt701-a")?.readings.first?.observations.first)
    #expect(weight.term == .weight && weight.value.decimal?.isEqual(to: ExactDecimal(85)) ?? false)
    #expect(try decoded("vt701-b")?.values.map(\.name) == ["impedance_ohm"])
    #expect(try decoded("vt701-b")?.values.first?.value.text == vector("vt701-b").text("impedance"))
  }

  @Test func theBeginningOfAnOmronIsAPacket() throws {
    let packet = try OmronPacket(vector("omron-7280t-begin").octets)
    #expect(packet.type == 0x8000)
  }

  @Test func theCodeOfABF500IsThatOfItsApplication() throws {
    let code = try #require(ConsentCode.ofApplication.usual)
    let wanted = try vector("bf500-consent")
    #expect(UserControlRequest.consent(user: code.user, consentCode: code.code).octets == wanted.octets)
  }

  /// Every line of the collection is held against something, and names its source.
  @Test func everyVectorIsHeldAgainstSomething() throws {
    let url = try #require(Bundle.module.url(forResource: "Fixtures/ble-vectors-2", withExtension: "jsonl"))
    let lines = Array(try Data(contentsOf: url)).split(separator: 0x0A)
    #expect(lines.count == SecondVector.all.count)
    for line in lines {
      let value = try JSONReader().value(Array(line))
      #expect(value["source"]?.string?.isEmpty == false && value["model"]?.string?.isEmpty == false)
    }
    let sessions = SecondVector.all.filter { $0.kind == "session" }.map(\.id)
    let held = ["bf800-init", "sbf70-status", "sbf70-59-2", "sbf70-4c-1", "omron-7280t-begin", "omron-7280t-settings"]
    for id in sessions where !id.hasPrefix("omron-714") && id != "omron-7380t1-clock" {
      #expect(held.contains(id), "\(id)")
    }
  }

  @Test(arguments: SecondVector.all.filter { unread.contains($0.id) })
  func whatNoDriverReadsGivesNoReading(_ vector: SecondVector) {
    let decoded = try? vector.decoded()
    #expect(decoded?.readings.isEmpty ?? true)
  }

  @Test(arguments: SecondVector.all.filter { $0.id.hasPrefix("omron-714") })
  func aRecordOfAnOmronIsRead(_ vector: SecondVector) throws {
    let model = try #require(OmronModel.named(vector.model.split(separator: " ").last.map(String.init), isModern: true))
    #expect(!model.layout.isSwapped && model.stride == 14)
    let record = try OmronRecord.reading(
      vector.octets, isSwapped: model.layout.isSwapped, takesFlags: model.takesFlags, user: nil, source: "omron")
    let reading = try #require(record)
    for (key, terms) in SecondVectorTests.terms {
      guard let wanted = vector.text(key).flatMap({ ExactDecimal($0) }) else { continue }
      #expect(
        reading.observations.first { terms.contains($0.term) }?.value.decimal?.isEqual(to: wanted) ?? false, "\(key)")
    }
    guard case .local(let time)? = reading.time else {
      Issue.record("no time")
      return
    }
    #expect(time.description == vector.text("timestamp"))
    if let irregular = vector.expected["irregular"]?.bool {
      #expect(reading.flags.contains(.irregularPulse) == irregular)
    }
    if let movement = vector.expected["movement"]?.bool { #expect(reading.flags.contains(.bodyMovement) == movement) }
  }

  @Test func theClocksOfOmronCuffsAreRead() throws {
    let newer = try #require(SecondVector.all.first { $0.id == "omron-7380t1-clock" })
    let clock = try #require(OmronModel.named("HEM-7380T1", isModern: true)).clock
    #expect(clock.flatMap({ OmronRecord.clock(newer.octets, $0) })?.description == newer.text("device_clock"))
    var damaged = newer.octets
    damaged[9] ^= 1
    #expect(clock.flatMap { OmronRecord.clock(damaged, $0) } == nil)
    let older = try #require(SecondVector.all.first { $0.id == "omron-7280t-settings" })
    let settings = try #require(OmronModel.named("HEM-7280T", isModern: false)?.clock)
    // An answer: six octets of head, then the settings from 0260 on.
    let slice = Array(older.octets.dropFirst(6 + Int(settings.address) - 0x0260).prefix(settings.count))
    #expect(OmronRecord.clock(slice, settings)?.description == older.text("device_clock"))
  }

  @Test(arguments: [
    ("HEM-7271T-E", false, 100), ("HEM-7271T_SH3", false, 90), ("HEM-6231T", false, 100), ("HEM-6231T2-JC", false, 90),
    ("HEM-7155T-EBK", false, 60), ("HEM-7155T_ESL1", true, 60), ("HEM-7144T2-LA", true, 30), ("hem-716bt2", true, 30),
  ])
  func theLongestNumberDecides(_ name: String, _ isModern: Bool, _ records: Int) {
    #expect(OmronModel.named(name, isModern: isModern)?.records == records)
  }

  @Test func aCuffOfTheOtherServiceIsRefused() {
    #expect(OmronModel.named("HEM-7322T", isModern: true) == nil)
    #expect(OmronModel.named("HEM-7155T_K4", isModern: false) == nil, "the shorter number is another cuff")
    #expect(OmronModel.named("HEM-7144T2", isModern: false) == nil)
    #expect(OmronModel.named("HEM-7155T", isModern: true)?.users == [0x0098, 0x0458])
    #expect(OmronModel.named("X4 Smart", isModern: true) == nil)
  }
}
