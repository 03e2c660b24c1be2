// Random plans of every kind and key, and random histories: doubts, values that cannot be, guests on the scale, clocks that are wrong,
// backlogs. Numbers are tenths, so that the test compares whole numbers.

import JSON
import Monitoring
import Readings
import Settings

/// A small generator: the same seed, the same story.
struct StoryDice: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return state ^ (state >> 29)
  }

  mutating func roll(_ sides: Int) -> Int { Int(next() % UInt64(max(1, sides))) }
  /// True once in so many times.
  mutating func once(in sides: Int) -> Bool { roll(sides) == 0 }
  mutating func pick<Item>(_ items: [Item]) -> Item { items[roll(items.count)] }
}

private let minute: Int64 = 60_000
private let hour: Int64 = 3_600_000
private let day: Int64 = 86_400_000

/// A number of tenths as plans and readings have it.
func tenthsText(_ tenths: Int) -> String { tenths % 10 == 0 ? "\(tenths / 10)" : "\(tenths / 10).\(abs(tenths % 10))" }

/// What is watched: its values and sensible limits, in tenths.
struct Watched {
  let measure: Measure
  let kind: ReadingKind
  let usual: ClosedRange<Int>
  let high: [Int]
  let low: [Int]
  let gate: ClosedRange<Int>
  /// How far out counts as worse, by default.
  let step: (high: Int, low: Int)

  static let all = [
    Watched(
      measure: .systolic, kind: .bloodPressure, usual: 1100...1340, high: [1350, 1500, 1800, 2000],
      low: [1000, 900, 800], gate: 500...2800, step: (200, 200)),
    Watched(
      measure: .spo2, kind: .pulseOximetry, usual: 940...990, high: [], low: [930, 900, 880, 850], gate: 500...1000,
      step: (40, 40)),
    Watched(
      measure: .weight, kind: .bodyWeight, usual: 790...812, high: [815, 822, 830], low: [785, 778], gate: 5...3000,
      step: (10, 10)),
    Watched(
      measure: .temperature, kind: .bodyTemperature, usual: 364...374, high: [378, 385, 392], low: [360, 350],
      gate: 300...430, step: (10, 10)),
    Watched(
      measure: .glucose, kind: .glucose, usual: 50...90, high: [100, 139, 200], low: [45, 39, 30], gate: 6...333,
      step: (50, 6)),
  ]
}

/// A rule as the test knows it.
struct RandomRule {
  var id: String
  var kind: String
  var watched: Watched
  /// Colour and limit of each zone, in tenths: those above the usual, those below it.
  var high: [(zone: Zone, limit: Int)] = []
  var low: [(zone: Zone, limit: Int)] = []
  var within: Int64?
  var isImmediate = false
  var quiet: Int64 = 0
  /// Tenths; nil: the measure's own.
  var worseBy: Int?
  /// Of a baseline, in tenths.
  var baseline: Int?
  /// Of a mean: the dates of its window, the fewest values, without the first date.
  var dates = 0
  var fewest = 1
  var dropsFirst = false
  /// Told again so often.
  var retells = 0
  /// Nothing after this instant, in milliseconds; nil: no end.
  var end: Int64?
  /// Hours, dates or spacing choose among values: the evaluator leaves such a rule out.
  var isNarrowed = false
  var text = ""
}

/// A plan, and what the test knows of it.
struct RandomPlan {
  private(set) var rules: [RandomRule] = []
  let text: String

  init(_ dice: inout StoryDice) {
    let count = 3 + dice.roll(4)
    var watched = Watched.all
    watched.shuffle(using: &dice)
    watched = Array(watched.prefix(1 + dice.roll(3)))
    for number in 0..<count {
      var rule = RandomRule(id: "r\(number)", kind: "", watched: dice.pick(watched))
      RandomPlan.fill(&rule, &dice)
      rules.append(rule)
    }
    let single = dice.once(in: 3) ? #""single_user": true, "# : ""
    text =
      #"{"patient": "p", "version": 1, "timezone": "UTC", \#(single)"rules": [\#(rules.map(\.text).joined(separator: ",\n"))]}"#
  }

  func plan() throws -> Plan { try PlanFile.read(Array(text.utf8), .lenient).plan }

  private static func fill(_ rule: inout RandomRule, _ dice: inout StoryDice) {
    let measure = rule.watched.measure.rawValue
    var keys: [String] = []
    func add(_ key: String, _ value: String) { keys.append("\"\(key)\": \(value)") }
    rule.kind = dice.pick([
      "band", "band", "band", "baseline", "delta", "average", "average", "consecutive", "score", "missing", "bits",
      "quality",
    ])
    add("id", "\"\(rule.id)\"")
    add("kind", rule.kind == "baseline" ? "\"delta\"" : "\"\(rule.kind)\"")
    if rule.kind != "missing", dice.once(in: 3) {
      rule.quiet = Int64([1, 4, 12].randomElement(using: &dice) ?? 1) * hour
      add("quiet", "\"PT\(rule.quiet / hour)H\"")
    }
    if dice.once(in: 8) {
      rule.isNarrowed = true
      add("valid_hours", dice.once(in: 2) ? #""05:00-17:00""# : #"["00:00-11:00", "16:00-23:00"]"#)
    }
    if dice.once(in: 10) {
      rule.isNarrowed = true
      rule.end = 1_795_392_000_000
      add("valid_to", "\"2026-11-22\"")
    }
    if dice.once(in: 6) {
      rule.retells = 1 + dice.roll(12)
      add("retell", #"{"every": "PT\#(5 + dice.roll(60))M", "times": \#(rule.retells), "after_ack": "P1D"}"#)
    }
    switch rule.kind {
    case "band", "baseline": fillBand(&rule, &dice, &keys)
    case "delta":
      let from = dice.pick(["min", "max", "median", "first", "last_previous_day"])
      add("measure", "\"\(measure)\"")
      add("from", "\"\(from)\"")
      add("window", dice.pick([#""P3D""#, #""P2D""#, #""PT36H""#]))
      add("min_points", "\(2 + dice.roll(2))")
      let isPercent = dice.once(in: 4)
      if isPercent { add("percent", "true") }
      let size = isPercent ? 60 : max(2, rule.watched.step.high)
      add("zones", #"[{"yellow": {"gte": "\#(tenthsText(size))"}}, {"red": {"gte": "\#(tenthsText(2 * size))"}}]"#)
      if dice.once(in: 2) { add("hysteresis", "\"\(tenthsText(max(1, size / 10)))\"") }
    case "average":
      let limit = dice.pick(rule.watched.high + rule.watched.low)
      let isHigh = rule.watched.high.contains(limit)
      if isHigh { rule.high = [(.yellow, limit)] } else { rule.low = [(.yellow, limit)] }
      (rule.dates, rule.fewest, rule.dropsFirst) = (2 + dice.roll(3), 1 + dice.roll(4), dice.once(in: 2))
      add("measure", "\"\(measure)\"")
      add("window", "\"P\(rule.dates)D\"")
      add("min_count", "\(rule.fewest)")
      if rule.dropsFirst { add("drop_first_day", "true") }
      if dice.once(in: 5) {
        rule.isNarrowed = true
        add("last", "\(max(rule.fewest, 3))")
        add("spacing", "\"PT10M\"")
      }
      if dice.once(in: 3) { add("hysteresis", "\"0.3\"") }
      add("zones", #"[{"yellow": {"\#(isHigh ? "gte" : "lt")": "\#(tenthsText(limit))"}}]"#)
    case "consecutive":
      add("measure", "\"\(measure)\"")
      add("k", "2")
      add("of", "\(2 + dice.roll(3))")
      if dice.once(in: 3) { add("window", #""P2D""#) }
      if dice.once(in: 4) { add("spacing", #""PT5M""#) }
      add("zones", zones([(.yellow, rule.watched.low[0])], isHigh: false))
    case "score":
      add("within", #""PT2H""#)
      let parts = Watched.all.prefix(2 + dice.roll(3)).map {
        #"{"measure": "\#($0.measure.rawValue)", "points": [{"points": 2, "lt": "\#(tenthsText($0.low[0]))"}, {"points": 3, "lt": "\#(tenthsText($0.low[1]))"}]}"#
      }
      add("parts", "[\(parts.joined(separator: ", "))]")
      if dice.once(in: 2) { add("min_parts", "1") }
      add("zones", #"[{"yellow": {"gte": "2"}}, {"red": {"gte": "4"}}]"#)
    case "missing":
      add("measure", "\"\(measure)\"")
      if dice.once(in: 3) {
        add("max_interval", #""PT18H""#)
      } else {
        add("slots", #"["07:00-10:00", "18:00-21:00"]"#)
        if dice.once(in: 2) { add("remind_after", #""PT1H""#) }
      }
      add("grace", #""PT1H""#)
      add("zone", #""yellow""#)
    case "bits":
      add("measure", #""bp.status""#)
      add("bit", #""irregular-pulse""#)
      add("k", "2")
      add("of", "3")
      add("zone", #""yellow""#)
    default:
      add("measure", "\"\(rule.watched.kind == .pulseOximetry ? "spo2.status" : "bp.status")\"")
      add("k", "2")
      add("of", "4")
      add("zone", #""red""#)
    }
    rule.text = "{\(keys.joined(separator: ", "))}"
  }

  private static func fillBand(_ rule: inout RandomRule, _ dice: inout StoryDice, _ keys: inout [String]) {
    let watched = rule.watched
    keys.append("\"measure\": \"\(watched.measure.rawValue)\"")
    var highs = watched.high.filter { _ in dice.once(in: 2) }
    var lows = watched.low.filter { _ in dice.once(in: 2) }
    if highs.isEmpty, lows.isEmpty { lows = [watched.low[0]] }
    if rule.kind == "baseline" {
      // A difference from the middle of the usual.
      let baseline = (watched.usual.lowerBound + watched.usual.upperBound) / 2
      rule.baseline = baseline
      keys.append(#""from": {"value": "\#(tenthsText(baseline))"}"#)
    }
    // Outer zones are red, or of the same colour: a second level.
    func colours(_ limits: [Int]) -> [(zone: Zone, limit: Int)] {
      limits.enumerated().map { ($0.offset > 0 && $0.offset >= limits.count / 2 ? Zone.red : .yellow, $0.element) }
    }
    highs.sort()
    lows.sort(by: >)
    (rule.high, rule.low) = (colours(highs), colours(lows))
    let base = rule.baseline ?? 0
    let list = [
      zoneList(rule.high.map { ($0.zone, $0.limit - base) }, isHigh: true),
      zoneList(rule.low.map { ($0.zone, $0.limit - base) }, isHigh: false),
    ].flatMap(\.self)
    keys.append("\"zones\": [\(list.joined(separator: ", "))]")
    if dice.once(in: 2) { keys.append(#""hysteresis": "\#(tenthsText(max(1, watched.step.low / 10)))""#) }
    if dice.once(in: 2) {
      rule.within = Int64(5 + dice.roll(25)) * minute
      keys.append(#""confirm": {"n": \#(dice.once(in: 4) ? 3 : 2), "within": "PT\#((rule.within ?? 0) / minute)M"}"#)
      if dice.once(in: 3) {
        rule.isImmediate = true
        keys.append(#""immediate": true"#)
      }
    }
    if dice.once(in: 4) {
      rule.worseBy = dice.once(in: 3) ? 0 : watched.step.low * 2
      keys.append("\"worse_by\": \"\(tenthsText(rule.worseBy ?? 0))\"")
    }
  }

  private static func zoneList(_ zones: [(zone: Zone, limit: Int)], isHigh: Bool) -> [String] {
    zones.map { zone, limit in
      let sign = limit < 0 ? "-" : ""
      return #"{"\#(zone.rawValue)": {"\#(isHigh ? "gte" : "lt")": "\#(sign)\#(tenthsText(abs(limit)))"}}"#
    }
  }

  private static func zones(_ zones: [(zone: Zone, limit: Int)], isHigh: Bool) -> String {
    "[\(zoneList(zones, isHigh: isHigh).joined(separator: ", "))]"
  }
}
