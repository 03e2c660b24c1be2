// The footer of a TZif file in all its forms (RFC 8536 3.3), and files whose counts lie.

import Octets
import Testing
import Zones

/// A TZif file of version 2 without any change, whose clocks follow `footer`.
private func tzif(footer: String, counts: [UInt32] = [0, 0, 0, 0, 1, 4], version: UInt8 = 0x32) -> [UInt8] {
  var writer = OctetWriter()
  for counts in [[0, 0, 0, 0, 1, 4], counts] {
    writer.append("TZif".utf8)
    writer.uint8(version)
    writer.append([UInt8](repeating: 0, count: 15))
    for count in counts { writer.uint32BigEndian(count) }
    writer.uint32BigEndian(0)
    writer.append([0, 0])
    writer.append("XXX\u{0}".utf8)
  }
  writer.append("\n\(footer)\n".utf8)
  return writer.octets
}

/// A rule, what clocks show on 1 January 2027, and every change of 2027 and 2028, as Python's zoneinfo has them; for the
/// forms n and Jn as glibc has them, because CPython 3.11 places n a day early and J59 on the 29th of February.
struct RuleCase: Sendable, CustomStringConvertible {
  var footer: String
  var starts: (offset: Int, name: String)
  var changes: [(at: Int64, offset: Int, name: String)] = []
  var description: String { footer }
}

private let ruleCases = [
  RuleCase(
    footer: "CET-1CEST,M3.5.0,M10.5.0/3", starts: (3600, "CET"),
    changes: [
      (1_806_195_600, 7200, "CEST"), (1_824_944_400, 3600, "CET"), (1_837_645_200, 7200, "CEST"),
      (1_856_394_000, 3600, "CET"),
    ]),
  RuleCase(
    footer: "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", starts: (39_600, "+11"),
    changes: [
      (1_806_764_400, 37_800, "+1030"), (1_822_491_000, 39_600, "+11"), (1_838_214_000, 37_800, "+1030"),
      (1_853_940_600, 39_600, "+11"),
    ]),
  // Jn never counts the 29th of February: 1 March in both years.
  RuleCase(
    footer: "AAA3BBB,J60/0,J300", starts: (-10_800, "AAA"),
    changes: [
      (1_803_870_000, -7200, "BBB"), (1_824_609_600, -10_800, "AAA"), (1_835_492_400, -7200, "BBB"),
      (1_856_232_000, -10_800, "AAA"),
    ]),
  RuleCase(
    footer: "AAA3BBB,J59/0,J300", starts: (-10_800, "AAA"),
    changes: [
      (1_803_783_600, -7200, "BBB"), (1_824_609_600, -10_800, "AAA"), (1_835_319_600, -7200, "BBB"),
      (1_856_232_000, -10_800, "AAA"),
    ]),
  // n counts it: 1 March 2027, 29 February 2028.
  RuleCase(
    footer: "AAA3BBB,59/0,300", starts: (-10_800, "AAA"),
    changes: [
      (1_803_870_000, -7200, "BBB"), (1_824_696_000, -10_800, "AAA"), (1_835_406_000, -7200, "BBB"),
      (1_856_232_000, -10_800, "AAA"),
    ]),
  RuleCase(
    footer: "IST-2IDT,M3.4.4/26,M10.5.0", starts: (7200, "IST"),
    changes: [
      (1_806_019_200, 10_800, "IDT"), (1_824_937_200, 7200, "IST"), (1_837_468_800, 10_800, "IDT"),
      (1_856_386_800, 7200, "IST"),
    ]),
  RuleCase(
    footer: "<-02>2<-01>,M3.5.0/-1,M10.5.0/0", starts: (-7200, "-02"),
    changes: [
      (1_806_195_600, -3600, "-01"), (1_824_944_400, -7200, "-02"), (1_837_645_200, -3600, "-01"),
      (1_856_394_000, -7200, "-02"),
    ]),
  RuleCase(
    footer: "WGT3WGST,M4.1.0/-167,M10.5.0/167", starts: (-10_800, "WGT"),
    changes: [
      (1_806_206_400, -7200, "WGST"), (1_825_549_200, -10_800, "WGT"), (1_837_656_000, -7200, "WGST"),
      (1_856_998_800, -10_800, "WGT"),
    ]),
  // Ireland's summer is its standard time.
  RuleCase(
    footer: "IST-1GMT0,M10.5.0,M3.5.0/1", starts: (0, "GMT"),
    changes: [
      (1_806_195_600, 3600, "IST"), (1_824_944_400, 0, "GMT"), (1_837_645_200, 3600, "IST"), (1_856_394_000, 0, "GMT"),
    ]),
  // Summer time all the year (RFC 8536 3.3.1).
  RuleCase(footer: "EST5EDT,0/0,J365/25", starts: (-14_400, "EDT")),
  RuleCase(footer: "VET4:30", starts: (-16_200, "VET")),
  RuleCase(footer: "ABC-0:42:45", starts: (2565, "ABC")),
]

@Suite struct PosixRuleTests {
  @Test(arguments: ruleCases) func changesAreThoseOfZoneinfo(rule: RuleCase) throws {
    let zone = try TimeZoneRules(tzif: tzif(footer: rule.footer))
    var shown = rule.starts
    #expect(zone.local(at: 1_798_761_600).offset == shown.offset)
    #expect(zone.local(at: 1_798_761_600).abbreviation == shown.name)
    for change in rule.changes {
      #expect(zone.local(at: change.at - 1).offset == shown.offset)
      #expect(zone.local(at: change.at - 1).abbreviation == shown.name)
      #expect(zone.local(at: change.at).offset == change.offset)
      #expect(zone.local(at: change.at).abbreviation == change.name)
      shown = (change.offset, change.name)
    }
    // The last second of 2028.
    #expect(zone.local(at: 1_861_919_999).offset == shown.offset)
  }

  @Test(arguments: [
    "C", "CET", "CE1", "CET-", "CET-168", "CET-1:60", "CET-1CEST", "CET-1CEST,", "CET-1CEST,M3.5.0",
    "CET-1CEST,M13.5.0,M10.5.0", "CET-1CEST,M0.5.0,M10.5.0", "CET-1CEST,M3.6.0,M10.5.0", "CET-1CEST,M3.0.0,M10.5.0",
    "CET-1CEST,M3.5.7,M10.5.0", "CET-1CEST,J0,J300", "CET-1CEST,J366,J300", "CET-1CEST,366,300",
    "CET-1CEST,M3.5.0/168,M10.5.0", "CET-1CEST,M3.5.0,M10.5.0,", "CET-1CEST,M3.5.0,M10.5.0/", "<+01-1", "<>-1",
    "CET-99999999999999999999", "CET-1CEST,M3.5.0,M10.5.0 ", "CET-1 CEST,M3.5.0,M10.5.0", ":Europe/Oslo",
  ])
  func whatIsNoRuleIsAnError(footer: String) {
    #expect(throws: DecodeError.self) { try TimeZoneRules(tzif: tzif(footer: footer)) }
  }

  @Test func theEndsOfTimeAreAnswered() throws {
    let zone = try TimeZoneRules(tzif: tzif(footer: "CET-1CEST,M3.5.0,M10.5.0/3"))
    for seconds in [Int64.min, Int64.min + 1, -1, 0, Int64.max - 1, Int64.max] {
      #expect([3600, 7200].contains(zone.local(at: seconds).offset))
      #expect(TimeZoneRules.utc.local(at: seconds).offset == 0)
    }
    for milliseconds in [Int64.min, Int64.max] {
      #expect(ISO8601.text(milliseconds: milliseconds, offsetSeconds: .max, withMilliseconds: true).utf8.count == 29)
      #expect(ISO8601.text(milliseconds: milliseconds, offsetSeconds: .min).utf8.count == 29)
    }
    for (year, month, day) in [(1, 1, 1), (9999, 12, 31)] {
      let time = try #require(CivilTime(year: year, month: month, day: day))
      _ = zone.resolve(time, received: .max)
      _ = zone.resolve(time, received: .min)
    }
  }

  /// isutcnt, isstdcnt, leapcnt, timecnt, typecnt, charcnt.
  @Test(
    arguments: [
      [0, 0, 0, 0, 0, 4], [0, 0, 0, 0, 257, 4], [0, 0, 0, 0, 1, 0], [0, 0, 0, 0, 1, 3], [0, 0, 0, 0, 1, 2049],
      [0, 0, 0, 100_001, 1, 4], [0, 0, 0, 1, 1, 4], [0, 0, 1001, 0, 1, 4], [257, 0, 0, 0, 1, 4], [0, 257, 0, 0, 1, 4],
      [.max, .max, .max, .max, .max, .max],
    ] as [[UInt32]])
  func countsThatLieAreErrors(counts: [UInt32]) {
    #expect(throws: DecodeError.self) { try TimeZoneRules(tzif: tzif(footer: "UTC0", counts: counts)) }
  }

  @Test(arguments: [0x01, 0x30, 0x31] as [UInt8]) func aVersionThatNeverWasIsAnError(version: UInt8) {
    #expect(throws: DecodeError.self) { try TimeZoneRules(tzif: tzif(footer: "UTC0", version: version)) }
  }
}
