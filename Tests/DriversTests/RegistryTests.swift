// The registry holds together: ids, kinds and terms, one owner for each advertisement, and the files that are made from it.

import Drivers
import Foundation
import Octets
import Readings
import Testing

struct RegistryTests {
  private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  @Test func idsAreUniqueAndWellFormed() {
    let ids = Registry.profiles.map(\.id)
    #expect(Set(ids).count == ids.count)
    for id in ids {
      #expect(id.allSatisfy { $0.isASCII && ($0.isLowercase || $0.isNumber || $0 == "-") }, "\(id)")
      #expect(!id.hasPrefix("-") && !id.hasSuffix("-") && !id.contains("--"), "\(id)")
      #expect(Registry.profile(id: id)?.id == id)
    }
  }

  @Test(arguments: Registry.profiles.map(\.id)) func aProfileIsComplete(_ id: String) throws {
    let profile = try #require(Registry.profile(id: id))
    #expect(!profile.names.isEmpty)
    #expect(!profile.recognition.isEmpty)
    #expect(!profile.kinds.isEmpty)
    #expect(!profile.terms.isEmpty)
    #expect(Set(profile.terms).count == profile.terms.count)
    #expect(profile.terms.allSatisfy { Nomenclature.term(mdc: $0.mdc) == $0 })
    if case .serial(let settings) = profile.transport {
      #expect(!settings.isEmpty)
      for setting in settings {
        #expect([1200, 2400, 4800, 9600, 19_200, 115_200].contains(setting.baud))
        #expect((7...8).contains(setting.dataBits) && (1...2).contains(setting.stopBits))
      }
      #expect(!profile.rule.isEmpty, "a stream needs a rule for what is one measurement")
      #expect(SerialDecoding.decode(protocol: id, octets: [], everyFrame: false) != nil, "decode serial knows it")
    }
  }

  /// A driver gives nothing but what its profile promises, and nothing traps on a start and an end.
  @Test(arguments: Capture.all) func aDriverKeepsItsProfile(_ capture: Capture) throws {
    let profile = try #require(capture.profile, "\(capture.name) names a driver")
    for reading in try #require(Replay.run(capture)).readings {
      #expect(profile.kinds.contains(reading.kind), "\(capture.name): \(reading.kind)")
      #expect(reading.observations.allSatisfy { profile.terms.contains($0.term) }, "\(capture.name)")
      if case .serial = profile.transport { #expect(reading.raw.source == profile.id) }
      let order = reading.observations.map { Nomenclature.order(of: $0.term) }
      #expect(order == order.sorted(), "\(capture.name): observations in the order of the nomenclature")
    }
  }

  @Test func theSerialProtocolsOfTheContractAreThere() {
    let contract = [
      "contec-v7", "contec-v5", "bci", "taidoc", "nonin-13", "nonin-8", "nonin-2", "nonin-7", "healthometer-esc",
      "and-scale", "cas", "mt-sics", "kern", "tanita-csv", "and-ua767", "and-tm265x", "masimo-ascii1", "suntech",
      "beurer-serial", "visomat",
    ]
    for id in contract { #expect(SerialDecoding.protocols.contains(id), "\(id)") }
  }

  @Test(arguments: [
    ("A&D_UA-651BLE_1A2B3C", [0x1810], "and-ua651ble"), ("A&D_UC-352BLE_0A0B0C", [0x181D], "and-uc352ble"),
    ("FORA D40", [], "taidoc-ble"), ("TAIDOC TD3128", [], "taidoc-ble"), (nil, [0x1810], "blood-pressure"),
    (nil, [0x1822], "pulse-oximeter"), (nil, [0x1809], "thermometer"), (nil, [0x1808], "glucose-meter"),
    (nil, [0x181D], "weight-scale"),
  ])
  func anAdvertisementHasOneOwner(_ name: String?, _ services: [UInt16], _ id: String) {
    let found = Registry.claim(name: name, services: services.map { BluetoothUUID($0) }, serviceData: [])
    #expect(found?.id == id)
  }

  @Test func scalesThatOnlyAdvertiseAreKnownByTheirData() {
    #expect(Registry.claim(name: "MIBFS", services: [], serviceData: [BluetoothUUID(0x181B)])?.id == "mi-scale-2")
    #expect(Registry.claim(name: "MI SCALE2", services: [], serviceData: [BluetoothUUID(0x181D)])?.id == "mi-scale-1")
    #expect(Registry.claim(name: "somebody's earphones", services: [BluetoothUUID(0x110B)], serviceData: []) == nil)
  }

  /// Each level of signs (name, service data, service, company) that a device shows is claimed by one profile at most, and the
  /// strongest of them by the driver of the session.
  @Test(arguments: Capture.all.filter { $0.headers["name"] != nil || $0.headers["services"] != nil })
  func anAdvertisedDeviceHasExactlyOneDriver(_ capture: Capture) throws {
    let name = capture.headers["name"]
    let services = (capture.headers["services"] ?? "").split(separator: " ").compactMap { BluetoothUUID($0) }
    let company = capture.headers["company"].flatMap { UInt16($0, radix: 16) }
    let data = (capture.headers["service-data"] ?? "").split(separator: " ").compactMap { BluetoothUUID($0) }
    let claimed = Registry.claim(
      name: name, services: services, serviceData: data, companies: company.map { [$0] } ?? [],
      data: capture.items.compactMap { item in
        guard item.source.hasPrefix("adv/"), let service = BluetoothUUID(item.source.dropFirst(4)) else { return nil }
        return AdvertisedData(service: service, octets: item.octets)
      })
    #expect(claimed?.id == capture.headers["driver"])
    let byName = Registry.profiles.filter { profile in
      profile.recognition.contains {
        if case .namePrefix(let prefix) = $0 { name?.hasPrefix(prefix) ?? false } else { false }
      }
    }
    #expect(byName.count <= 1, "\(byName.map(\.id))")
  }

  /// No name begins with another profile's name, and no service is two profiles'.
  @Test func signsAreOneProfilesOwn() {
    var names: [(prefix: String, id: String)] = []
    var services: [BluetoothUUID: String] = [:]
    for profile in Registry.profiles {
      for sign in profile.recognition {
        switch sign {
        case .namePrefix(let prefix):
          for other in names where other.id != profile.id {
            #expect(!prefix.hasPrefix(other.prefix) && !other.prefix.hasPrefix(prefix), "\(profile.id) \(other.id)")
          }
          names.append((prefix, profile.id))
        case .service(let uuid):
          #expect(services[uuid] == nil, "\(uuid)")
          services[uuid] = profile.id
        case .serviceData, .company, .usb, .frames: break
        }
      }
    }
  }

  @Test(arguments: GATTVector.advertisements + GATTVector.vendors.filter { $0.characteristic == nil })
  func aRecordedAdvertisementHasOneOwner(_ vector: GATTVector) {
    guard let service = vector.service, vector.device.contains("cale") || vector.device.contains("Xiaomi") else {
      return
    }
    // One source writes the UUID before the octets.
    let octets = vector.id == "openscale-s400-732" ? Array(vector.octets.dropFirst(2)) : vector.octets
    let found = Registry.claim(
      name: nil, services: [], serviceData: [service], data: [AdvertisedData(service: service, octets: octets)])
    let owners: [UInt16: String] = [0x181D: "mi-scale-1", 0x181B: "mi-scale-2", 0xFE95: "xiaomi-s400"]
    #expect(found?.id == service.short.flatMap { owners[$0] })
  }

  /// FE95 is on every thing of its maker; only a scale's number makes it a scale.
  @Test func aThermometerOfTheSameMakerIsNoScale() {
    let uuid = BluetoothUUID(0xFE95)
    let frame: [UInt8] = [0x50, 0x20, 0xAA, 0x01, 0xDA, 1, 2, 3, 4, 5, 6, 0x0D, 0x10, 4, 0xFE, 0, 0x48, 2]
    let data = [AdvertisedData(service: uuid, octets: frame)]
    #expect(Registry.claim(name: "MJ_HT_V1", services: [], serviceData: [uuid], data: data) == nil)
  }

  /// A grade is what was looked at: a session that stands in the tests, frames that were recorded, or documents.
  @Test func aGradeIsExact() {
    for profile in Registry.profiles {
      let evidence = profile.evidence
      let origins = Capture.all.filter { $0.headers["driver"] == profile.id }.compactMap { $0.headers["origin"] }
      if [.deviceSeen, .sessionRecorded].contains(evidence.grade) {
        #expect(origins.contains { $0.hasPrefix("captured session") }, "\(profile.id)")
      }
      if evidence.grade == .documentOnly {
        #expect(evidence.transport == nil && evidence.models.isEmpty && evidence.firmware == nil, "\(profile.id)")
      } else {
        #expect(profile.verification == .captured, "\(profile.id)")
      }
    }
    let counted = (Registry.counts(serial: false) + Registry.counts(serial: true)).reduce(0) { $0 + $1.count }
    #expect(counted == Registry.profiles.count)
  }

  /// The firmware that a driver tells is that of its captures, where they know it.
  @Test func theFirmwareIsThatOfTheCaptures() {
    for profile in Registry.profiles {
      let known = Capture.all.filter { $0.headers["driver"] == profile.id }.compactMap { $0.headers["firmware"] }
      #expect(Set(known).isEmpty == (profile.evidence.firmware == nil), "\(profile.id): \(known)")
      if let firmware = profile.evidence.firmware { #expect(known.contains(firmware), "\(profile.id)") }
    }
  }

  /// Every driver that was not seen at a hub says what is missing, and a device is wanted once.
  @Test func whatIsWantedIsWhatWasNotSeen() {
    let wanted = Registry.wanted
    let drivers = Registry.profiles.filter { $0.evidence.grade != .deviceSeen }
    #expect(Set(wanted.filter { $0.grade != nil }.map(\.id)) == Set(drivers.map(\.id)))
    #expect(Set(wanted.map(\.id)).count == wanted.count)
    #expect(wanted.allSatisfy { !$0.missing.isEmpty && !$0.how.isEmpty && !$0.devices.isEmpty })
  }

  @Test func theUdevRulesAreThoseOfTheRegistry() throws {
    let file = RegistryTests.root.appending(path: "udev-rules/60-hearth.rules")
    if ProcessInfo.processInfo.environment["HEARTH_RECORD_CAPTURES"] != nil {
      try Registry.udevRules().write(to: file, atomically: true, encoding: .utf8)
    }
    #expect(try String(contentsOf: file, encoding: .utf8) == Registry.udevRules())
  }

  @Test func theTableOfTheReadmeIsThatOfTheRegistry() throws {
    let file = RegistryTests.root.appending(path: "README.md")
    var text = try String(contentsOf: file, encoding: .utf8)
    let begin = try #require(text.range(of: "<!-- devices:begin -->\n"))
    let end = try #require(text.range(of: "<!-- devices:end -->"))
    if ProcessInfo.processInfo.environment["HEARTH_RECORD_CAPTURES"] != nil {
      text.replaceSubrange(begin.upperBound..<end.lowerBound, with: Registry.markdownTable())
      try text.write(to: file, atomically: true, encoding: .utf8)
      return
    }
    #expect(text[begin.upperBound..<end.lowerBound] == Registry.markdownTable())
  }
}
