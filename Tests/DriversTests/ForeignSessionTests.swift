// Every recorded session against every driver over the air: a driver makes a reading of its own family's sessions alone, whole, cut or
// damaged, also where another maker uses the same service. A table of who may read whom is all that is excepted.

import Drivers
import Foundation
import Octets
import Readings
import Testing

struct ForeignSessionTests {
  /// Drivers that read each other's sessions: one profile of the Bluetooth SIG, one protocol under two names, or a driver that falls back
  /// on the profile when the device follows it.
  private static let kin: [Set<String>] = [
    [
      "and-ua651ble", "beurer-bm85", "beurer-bm", "omron", "omron-standard", "microlife", "qardioarm", "blood-pressure",
      "taidoc-ble",
    ],
    ["and-uc352ble", "beurer-bf720", "beurer-bf915", "beurer-bf500", "weight-scale", "taidoc-ble"],
    ["nonin-3230", "pulse-oximeter", "taidoc-ble"], ["and-ut201ble", "thermometer", "taidoc-ble"],
    ["beurer-gl50", "glucose-meter", "taidoc-ble"], ["sanitas-sbf70", "beurer-bf700"],
    ["transtek-scale", "transtek-cuff"], ["viatom-o2", "contec-cms50dbt"], ["viatom-pc60fw", "creative-sp20"],
  ]

  private static func isKin(_ one: String, _ other: String) -> Bool {
    one == other || kin.contains { $0.contains(one) && $0.contains(other) }
  }

  private static let drivers = Registry.profiles.filter { profile in
    if case .serial = profile.transport { return false }
    return true
  }

  /// One session of each protocol 1.5 is enough.
  static let sessions = Capture.all.filter { capture in
    guard let profile = capture.profile, drivers.contains(where: { $0.id == profile.id }) else { return false }
    return !capture.name.contains("protocol-15-")
  }

  /// The session with what `change` makes of each value, perhaps over other characteristics; at most so many values.
  private static func changed(
    _ capture: Capture, over characteristics: [(id: CharacteristicID, properties: UInt8, value: [UInt8])]? = nil,
    _ change: (Int, [UInt8]) -> [UInt8]
  ) throws -> Capture {
    var lines = capture.headers.filter { !["until", "characteristic"].contains($0.key) }.map {
      "# \($0.key): \($0.value)"
    }
    let names: [(UInt8, String)] = [
      (2, "read"), (4, "write-command"), (8, "write"), (16, "notify"), (32, "indicate"),
    ]
    let given = characteristics ?? capture.characteristics
    for (id, properties, value) in given {
      let words = names.filter { properties & $0.0 != 0 }.map(\.1).joined(separator: ",")
      lines.append("# characteristic: \(id) \(words) \(Hex.encode(value))")
    }
    let streams = given.filter { $0.properties & 0x30 != 0 }.map(\.id)
    var last: Int64 = 0
    for (index, item) in capture.items.filter({ $0.request == nil }).prefix(400).enumerated() {
      let octets = change(index, item.octets)
      guard !octets.isEmpty else { continue }
      lines.append("@ \(item.at)")
      last = item.at
      if characteristics == nil {
        lines.append("< \(item.source.isEmpty ? "" : item.source + " ")\(Hex.encode(octets))")
      } else {
        for stream in streams { lines.append("< \(stream) \(Hex.encode(octets))") }
      }
    }
    lines.append("# until: \(last + 40_000)")
    return try Capture(name: capture.name, text: lines.joined(separator: "\n"), expected: "")
  }

  private static let changes: [(name: String, change: @Sendable (Int, [UInt8]) -> [UInt8])] = [
    ("whole", { $1 }), ("cut in half", { $1.isEmpty ? [] : Array($1.prefix(max(1, $1.count / 2))) }),
    ("without the first octet", { Array($1.dropFirst()) }),
    (
      "damaged",
      { index, octets in
        var octets = octets
        if !octets.isEmpty { octets[index * 7 % octets.count] ^= UInt8(1) << UInt8(index % 8) }
        return octets
      }
    ),
  ]

  @Test func thereAreSessionsOfMostDrivers() {
    let without = ForeignSessionTests.drivers.filter { driver in
      !ForeignSessionTests.sessions.contains { ForeignSessionTests.isKin($0.headers["driver"] ?? "", driver.id) }
    }
    #expect(without.map(\.id) == [])
    #expect(ForeignSessionTests.sessions.count >= 60)
  }

  /// As it was recorded: the driver sees the device's own services.
  @Test(arguments: sessions) func noOtherDriverReadsASession(_ capture: Capture) throws {
    let own = capture.headers["driver"] ?? ""
    for (name, change) in ForeignSessionTests.changes {
      let session = try ForeignSessionTests.changed(capture, change)
      for driver in ForeignSessionTests.drivers where !ForeignSessionTests.isKin(own, driver.id) {
        let replay = try #require(Replay.run(session, as: driver))
        #expect(replay.readings.isEmpty, "\(driver.id), \(name): \(replay.lines.first ?? "")")
      }
    }
  }

  /// Drivers of makers' own protocols: what a characteristic of the SIG says is what its number says, whoever sends it.
  private static let own = drivers.filter { driver in
    ![
      "and-ua651ble", "beurer-bm85", "beurer-bm", "omron-standard", "qardioarm", "blood-pressure", "and-uc352ble",
      "beurer-bf720", "beurer-bf915", "beurer-bf500", "weight-scale", "pulse-oximeter", "and-ut201ble", "thermometer",
      "beurer-gl50", "glucose-meter", "heart-rate",
    ].contains(driver.id)
  }

  /// Another family's octets over the driver's own characteristics: makers share services and names.
  @Test(arguments: own.map(\.id)) func anotherFamilysOctetsAreNoReading(_ id: String) throws {
    let driver = try #require(Registry.profile(id: id))
    guard case .gatt = driver.transport,
      let layout = ForeignSessionTests.sessions.first(where: { $0.headers["driver"] == id })
    else { return }
    for capture in ForeignSessionTests.sessions where !ForeignSessionTests.isKin(capture.headers["driver"] ?? "", id) {
      for (name, change) in ForeignSessionTests.changes {
        let session = try ForeignSessionTests.changed(capture, over: layout.characteristics, change)
        let replay = try #require(Replay.run(session, as: driver))
        #expect(
          replay.readings.isEmpty, "\(capture.name), \(name): \(replay.lines.first { !$0.hasPrefix("prob") } ?? "")")
      }
    }
  }

  /// Drivers whose frames have a check value: a damaged frame is no reading, and nothing else is made of it.
  @Test(
    arguments: sessions.filter { capture in
      // What follows the profile of the SIG has no check value.
      !capture.name.contains("standard") && !capture.name.contains("x4-smart")
        && [
          "viatom-pc60fw", "creative-sp20", "wellue-fs20f", "contec-cms50dbt", "viatom-o2", "viatom-airbp",
          "viatom-bp2w",
          "jamr", "qn-scale", "renpho-1a10", "etekcity-esf551", "icomon", "yunmai", "inlife", "omron", "microlife",
          "beurer-po60", "taidoc-ble", "vitafit-vt701", "hoffen", "temp-sitter", "onetouch",
        ].contains(capture.headers["driver"] ?? "")
    })
  func aDamagedFrameGivesNoOtherValue(_ capture: Capture) throws {
    let profile = try #require(capture.profile)
    func values(_ capture: Capture) throws -> Set<String> {
      let readings = try #require(Replay.run(capture, as: profile)).readings
      return Set(readings.flatMap { reading in reading.observations.map { "\($0.term.name) \($0.value)" } })
    }
    let right = try values(capture)
    for bit in 0..<8 {
      for place in [0, 2, 3, 5, 8] {
        let session = try ForeignSessionTests.changed(capture) { _, octets in
          var octets = octets
          if place < octets.count { octets[place] ^= UInt8(1) << UInt8(bit) }
          return octets
        }
        let given = try values(session)
        #expect(given.isSubset(of: right), "bit \(bit) of octet \(place): \(given.subtracting(right))")
      }
    }
  }
}
