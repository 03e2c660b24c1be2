// A patient's days as the daemon tells them, for the tests of the picture.

import JSON
import Monitoring
import Readings
import Reports
import Zones

/// The rules of Norway's clocks since 1996, as a TZif footer: enough for these days.
let oslo: TimeZoneRules = {
  // RFC 8536: a version 2 file without transitions, one type (CET), and the footer.
  func header(_ types: UInt32, _ characters: UInt32) -> [UInt8] {
    var octets = Array("TZif2".utf8) + [UInt8](repeating: 0, count: 15)
    for count in [0, 0, 0, 0, types, characters] as [UInt32] {
      octets += [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: count >> $0) }
    }
    return octets
  }
  let block = header(1, 4) + [0, 0, 0x0E, 0x10, 0, 0] + Array("CET\0".utf8)
  let footer = Array("\nCET-1CEST,M3.5.0,M10.5.0/3\n".utf8)
  return (try? TimeZoneRules(tzif: block + block + footer)) ?? .utc
}()

/// An answer to `report`.
struct Story {
  var patient = "p-1"
  var language = "nb"
  var hub = "hub-1"
  var from = "2026-10-23T00:00:00+02:00"
  var until = "2026-11-21T10:40:00+01:00"
  var rules: [JSONValue] = [Story.extreme]
  var hasPlan = true
  var rows: [JSONValue] = []
  var asides: [JSONValue] = []
  var expected: [JSONValue] = []
  var marks: [JSONValue] = []
  var alerts: [JSONValue] = []
  var readings: [JSONValue] = []
  var means: [JSONValue] = []
  var episodes: [JSONValue] = []
  var goneRules: [JSONValue] = []

  static let extreme: JSONValue = [
    "id": "bp.extreme", "kind": "band", "enabled": true, "measures": ["bp.systolic"], "says": "Blodtrykket: rød over.",
    "zones": [["zone": "red", "gte": "180"], ["zone": "yellow", "gte": "160"], ["zone": "red", "lt": "90"]],
  ]

  mutating func add(
    _ at: String, _ values: [(String, String)], zone: String = "green", rule: String? = nil, flags: [String] = [],
    kind: String = "blood-pressure", id: String? = nil, worth: JSONValue = .null, notJudged: JSONValue = .null
  ) {
    var object = JSONObject()
    for (key, value) in values { object[key] = .string(value) }
    rows.append([
      "id": .string(id ?? String(rows.count + 1, radix: 16)), "kind": .string(kind), "at": .string(at),
      "values": .object(object), "zone": hasPlan && !zone.isEmpty ? .string(zone) : .null,
      "rules": .array(rule.map { [["rule": .string($0), "zone": .string(zone)]] } ?? []),
      "flags": .array(flags.map { .string($0) }), "worth": worth, "not_judged": notJudged,
    ])
  }

  var report: JSONValue {
    [
      "patient": .string(patient), "hub_id": .string(hub), "from": .string(from), "until": .string(until), "days": 30,
      "timezone": "Europe/Oslo",
      "plan": hasPlan ? ["version": 12, "language": .string(language), "rules": .array(rules)] : .null,
      "rows": .array(rows), "asides": .array(asides), "expected": .array(expected), "marks": .array(marks),
      "alerts": .array(alerts), "means": .array(means), "episodes": .array(episodes), "gone_rules": .array(goneRules),
    ]
  }

  func picture(_ language: PlanLanguage? = nil) throws -> PatientPicture {
    try PatientPicture(report: report, readings: readings, zone: oslo, language: language)
  }

  func page() throws -> String { ReportPage(try picture()).html }
}

/// How often a text stands in another.
func count(_ part: String, in text: String) -> Int {
  text.split(separator: part, omittingEmptySubsequences: false).count - 1
}
