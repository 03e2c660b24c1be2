// Every bound of a plan and of a configuration: what is at the bound is taken; what is beyond is refused by a check with the bound
// in the words, and stays in force with a warning at a start.

import JSON
import Monitoring
import Settings
import Testing

private func plan(_ rules: [String], more: String = "") -> [UInt8] {
  Array(#"{"patient": "p", "version": 1\#(more), "rules": [\#(rules.joined(separator: ",\n"))]}"#.utf8)
}

private func band(_ id: String = "r", zones: Int = 1, more: String = "") -> String {
  let zones = (0..<zones).map { #"{"red": {"gt": "\#(100 + $0)"}}"# }.joined(separator: ", ")
  return #"{"id": "\#(id)", "kind": "band", "measure": "pulse", "zones": [\#(zones)]\#(more)}"#
}

private func missing(slots: Int, days: Int = 1) -> String {
  let hours = (0..<slots).map { "\"\($0 < 10 ? "0" : "")\($0):00-24:00\"" }.joined(separator: ", ")
  let names = Array(repeating: "\"mon\"", count: days).joined(separator: ", ")
  return
    #"{"id": "r", "kind": "missing", "measure": "weight", "slots": [\#(hours)], "days": [\#(names)], "zone": "yellow"}"#
}

private func delta(_ days: Int) -> String {
  #"{"id": "r", "kind": "delta", "measure": "weight", "from": "min", "window": "P\#(days)D", "zones": [{"red": {"gt": "2"}}]}"#
}

private func average(_ measures: Int) -> String {
  let names = Array(repeating: "\"pulse\"", count: measures).joined(separator: ", ")
  let limits = Array(repeating: "\"150\"", count: measures).joined(separator: ", ")
  return
    #"{"id": "r", "kind": "average", "measure": [\#(names)], "window": "P7D", "zones": [{"red": {"any_gt": [\#(limits)]}}]}"#
}

private func text(_ count: Int) -> String { String(repeating: "ø", count: count) }

/// A plan at a bound, one beyond it, and what is said of that.
struct PlanBound: Sendable {
  var good: [UInt8]
  var bad: [UInt8]
  var path: String
  var words: String
}

@Suite struct PlanBoundsTests {
  static let bounds: [PlanBound] = [
    PlanBound(
      good: plan((0..<64).map { band("r\($0)") }), bad: plan((0..<65).map { band("r\($0)") }), path: "rules",
      words: "expected at most 64 rules, found 65"),
    PlanBound(
      good: plan([band(zones: 16)]), bad: plan([band(zones: 17)]), path: "rules[0].zones",
      words: "expected at most 16 zones, found 17"),
    PlanBound(
      good: plan([missing(slots: 12)]), bad: plan([missing(slots: 13)]), path: "rules[0].slots",
      words: "expected at most 12 slots a day, found 13"),
    PlanBound(
      good: plan([missing(slots: 1, days: 7)]), bad: plan([missing(slots: 1, days: 8)]), path: "rules[0].days",
      words: "expected at most 7 days, found 8"),
    PlanBound(
      good: plan([delta(366)]), bad: plan([delta(367)]), path: "rules[0].window",
      words: "expected at most \"P366D\", found \"P367D\""),
    PlanBound(
      good: plan([average(12)]), bad: plan([average(13)]), path: "rules[0].measure",
      words: "expected at most 12 measures, found 13"),
    PlanBound(
      good: plan([band(more: ", \"message\": \"\(text(500))\"")]),
      bad: plan([band(more: ", \"message\": \"\(text(501))\"")]), path: "rules[0].message",
      words: "expected at most 500 characters, found 501"),
    PlanBound(
      good: plan([band(more: #", "message": "a\n\tb""#)]), bad: plan([band(more: #", "message": "a\u001bb""#)]),
      path: "rules[0].message", words: "without control characters"),
    PlanBound(
      good: plan([], more: ", \"set_by\": \"\(text(500))\""), bad: plan([], more: ", \"set_by\": \"\(text(501))\""),
      path: "set_by", words: "expected at most 500 characters, found 501"),
    PlanBound(
      good: plan([band()]) + blanks(65_536 - plan([band()]).count),
      bad: plan([band()]) + blanks(65_537 - plan([band()]).count), path: "",
      words: "expected at most 65536 octets, found 65537"),
  ]

  private static func blanks(_ count: Int) -> [UInt8] { Array(repeating: 0x20, count: count) }

  @Test(arguments: bounds) func aPlanAtABoundIsTaken(bound: PlanBound) throws {
    #expect(try PlanFile.read(bound.good, .strict).warnings.isEmpty)
    #expect(PlanFile.faults(bound.good).isEmpty)
  }

  @Test(arguments: bounds) func aPlanBeyondItIsRefused(bound: PlanBound) {
    let error = #expect(throws: JSONError.self) { try PlanFile.read(bound.bad) }
    #expect(error?.path == bound.path && error?.message.contains(bound.words) == true, "\(String(describing: error))")
    let faults = PlanFile.faults(bound.bad)
    #expect(faults.count == 1 && faults.first == error, "\(faults)")
  }

  @Test(arguments: bounds) func aStartTakesItWithAWarning(bound: PlanBound) throws {
    let (plan, warnings) = try PlanFile.read(bound.bad, .lenient)
    #expect(plan.patient == "p" && warnings.count == 1)
    let warning = try #require(warnings.first)
    #expect(warning.code == "plan.bound" && warning.path == bound.path && warning.message.contains(bound.words))
    #expect(warning.description(file: "f").hasPrefix("f:\(warning.place.line):\(warning.place.column): "))
  }

  @Test func aPlanOfABackendHasThePlacesOfItsOwnText() throws {
    let node = try JSONReader().node(plan([band(zones: 17)]))
    #expect(throws: JSONError.self) { try PlanFile.plan(node) }
    let good = try PlanFile.plan(JSONReader().node(plan([band(zones: 16)])))
    #expect(try PlanFile.read(good.text) == good.plan)
  }

  @Test func everyBoundThatIsPassedIsTold() {
    let faults = PlanFile.faults(
      plan([band("a", zones: 17), band("b", zones: 18, more: ", \"message\": \"\(text(501))\"")]))
    #expect(faults.map(\.path) == ["rules[0].zones", "rules[1].zones", "rules[1].message"])
  }
}

private func device(_ id: String, more: String = "") -> String {
  #"{"id": "\#(id)", "driver": "visomat", "port": "/dev/\#(id)"\#(more)}"#
}

private func devices(_ list: [String]) -> String { "{\"devices\": [\(list.joined(separator: ", "))]}" }

private func native(_ count: Int, url: String = "https://x.example") -> String {
  let list = (0..<count).map { #"{"name": "b\#($0)", "type": "native", "url": "\#(url)"}"# }
  return "{\"backends\": [\(list.joined(separator: ", "))]}"
}

private func users(_ first: Int, _ count: Int) -> String {
  ", \"users\": {\((0..<count).map { "\"\($0)\": \"p-\(first + $0)\"" }.joined(separator: ", "))}"
}

private func long(_ count: Int) -> String { String(repeating: "x", count: count) }

/// A configuration at a bound, one beyond it, and what is said of that.
struct ConfigurationBound: Sendable {
  var good: String
  var bad: String
  var path: String
  var words: String
}

@Suite struct ConfigurationBoundsTests {
  static let bounds: [ConfigurationBound] = [
    ConfigurationBound(
      good: devices((0..<64).map { device("d\($0)") }), bad: devices((0..<65).map { device("d\($0)") }),
      path: "devices", words: "expected at most 64 devices, found 65"),
    ConfigurationBound(
      good: native(16), bad: native(17), path: "backends", words: "expected at most 16 backends, found 17"),
    ConfigurationBound(
      good: devices([device("d", more: ", \"name\": \"\(long(100))\"")]),
      bad: devices([device("d", more: ", \"name\": \"\(long(101))\"")]), path: "devices[0].name",
      words: "expected at most 100 octets, found 101"),
    ConfigurationBound(
      good: devices([device("d", more: ", \"model\": \"\(long(100))\"")]),
      bad: devices([device("d", more: ", \"model\": \"\(long(101))\"")]), path: "devices[0].model",
      words: "expected at most 100 octets, found 101"),
    ConfigurationBound(
      good: devices([device("d", more: ", \"name\": \"a b\"")]),
      bad: devices([device("d", more: #", "name": "a\u0007b""#)]), path: "devices[0].name",
      words: "without control characters"),
    ConfigurationBound(
      good: native(1, url: "https://x/" + long(2038)), bad: native(1, url: "https://x/" + long(2039)),
      path: "backends[0].url", words: "expected at most 2048 octets, found 2049"),
    ConfigurationBound(
      good: "{\"plans\": \"/\(long(4094))\"}", bad: "{\"plans\": \"/\(long(4095))\"}", path: "plans",
      words: "expected at most 4095 octets, found 4096"),
    ConfigurationBound(
      good: "{\"control\": {\"reader_group\": \"\(long(64))\"}}",
      bad: "{\"control\": {\"reader_group\": \"\(long(65))\"}}", path: "control.reader_group",
      words: "expected at most 64 octets, found 65"),
    ConfigurationBound(
      good: devices([device("a", more: users(0, 250)), device("b", more: users(250, 6))]),
      bad: devices([device("a", more: users(0, 250)), device("b", more: users(250, 7))]), path: "devices",
      words: "expected at most 256 patients, found 257"),
    ConfigurationBound(
      good: silent(256), bad: silent(257), path: "watch.silent_after",
      words: "expected at most 256 members, found 257"),
  ]

  private static func silent(_ count: Int) -> String {
    "{\"watch\": {\"silent_after\": {\((0..<count).map { "\"d\($0)\": \"P1D\"" }.joined(separator: ", "))}}}"
  }

  @Test(arguments: bounds) func whatIsAtABoundIsTaken(bound: ConfigurationBound) throws {
    #expect(try ConfigurationFile.read(Array(bound.good.utf8)).warnings.isEmpty)
  }

  @Test(arguments: bounds) func whatIsBeyondItIsRefused(bound: ConfigurationBound) {
    let error = #expect(throws: JSONError.self) { try ConfigurationFile.read(Array(bound.bad.utf8)) }
    #expect(error?.path == bound.path && error?.message.contains(bound.words) == true, "\(String(describing: error))")
  }

  @Test(arguments: bounds) func aStartTakesItWithAWarning(bound: ConfigurationBound) throws {
    let configuration = try ConfigurationFile.read(Array(bound.bad.utf8), .lenient)
    #expect(configuration.warnings.map(\.code) == ["configuration.bound"])
    #expect(configuration.warnings.first?.path == bound.path)
  }

  /// However many there are: a start tells of some, and starts.
  @Test func warningsAreBounded() throws {
    let list = (0..<64).map { device("d\($0)", more: ", \"name\": \"\(long(101))\"") }
    let configuration = try ConfigurationFile.read(Array(devices(list).utf8), .lenient)
    #expect(configuration.devices.count == 64 && configuration.warnings.count == NewerRules.mostWarnings)
  }
}
