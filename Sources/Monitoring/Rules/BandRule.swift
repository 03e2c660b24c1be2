// A single value against zones.

package import JSON
package import Readings

/// A single value against zones, with hysteresis and confirmation by repeat.
package struct BandRule: RuleKind {
  /// The value that it watches.
  package var measure: Measure
  /// The zones' limits, in the unit of the measure.
  package var zones: [ZoneLimit] { scale.zones }
  package let scale: ZoneScale
  /// How far past the limit a value must be before a zone is left; zero leaves at the limit.
  package var hysteresis: ExactDecimal
  /// The repeat that confirms; nil raises at the first reading.
  package var confirm: Confirmation?
  /// Raise at the first reading and still ask for the repeat.
  package var isImmediate: Bool
  /// The limits as they were set, where that was in another unit.
  package var given: GivenLimits?
  /// How far out counts as worse, in the unit of the measure; nil: the measure's own step.
  package var worseBy: ExactDecimal?

  package init(
    measure: Measure, zones: [ZoneLimit], hysteresis: ExactDecimal = .zero, confirm: Confirmation? = nil,
    isImmediate: Bool = false
  ) {
    self.measure = measure
    scale = ZoneScale(zones)
    self.hysteresis = hysteresis
    self.confirm = confirm
    self.isImmediate = isImmediate
  }
}

extension BandRule {
  package static var name: String { "band" }
  package static var keys: [String] { ["measure", "unit", "zones", "hysteresis", "confirm", "immediate", "worse_by"] }
  package static var bounds: [RuleBound] { [.zones] }

  package init(_ fields: RuleFields) throws(JSONError) {
    let measure = try fields.measure()
    let limits = try fields.limits(measure)
    self.init(
      measure: measure, zones: limits.zones, hysteresis: limits.hysteresis, confirm: try fields.confirmation(),
      isImmediate: try fields["immediate"]?.bool() ?? false)
    given = limits.given
    worseBy = try fields.worseBy([measure])
  }

  package func describe(in object: inout JSONObject) { object["zones"] = ZoneLimit.json(zones) }

  package var statedLimits: [StatedLimits] { StatedLimits.of(zones, measure) }
  package var statedScale: StatedScale? {
    StatedScale(zones: zones, hysteresis: hysteresis, worseBy: worseBy, usual: measure.usual, takesBeyond: true)
  }

  package func advice(_ rule: Rule, in plan: Plan) -> [String] {
    var found: [String] = []
    if [.pulse, .heartRate, .spo2].contains(measure), hysteresis.isZero, confirm == nil, rule.quiet == 0 {
      found.append("a value at its limit is told again and again: add hysteresis, confirm or quiet")
    }
    if isImmediate, confirm == nil { found.append("immediate asks for nothing without confirm: add confirm") }
    let isFirst =
      plan.rules.first { $0.isEnabled && $0.kind is BandRule && $0.measures == rule.measures }?.id == rule.id
    if measure == .glucose, isFirst {
      let open = plan.rules.filter { $0.isEnabled && $0.measures == [.glucose] }
        .compactMap { $0.kind.statedScale }.filter(\.takesBeyond).flatMap(\.zones).filter { $0.zone > .green }
      for above in [true, false] where !open.contains(where: { $0.holdsBeyond(above: above) }) {
        found.append(
          "\(above ? "HI" : "LO") is in no zone of this plan: it is asked about as a value that cannot be right")
      }
    }
    return found
  }

  package var measures: [Measure] { [measure] }

  package func steps(_ direction: Direction?) -> [ExactDecimal?] { [worseBy ?? measure.step(direction)] }

  package func finding(of value: SeenValue, standing: Finding?) -> Finding? {
    guard value.measure == measure else { return nil }
    func finding(_ found: (Rank, Direction?), _ value: FindingValue, _ seen: SeenValue) -> Finding {
      Finding(
        found.0, direction: found.1, value: value, isDoubted: seen.isDoubted, reading: seen.id, taken: seen.taken)
    }
    if let above = value.above { return finding(scale.finding(above: above), .beyond(above: above), value) }
    guard let number = value.number else { return nil }
    if let given, let said = value.reading.flatMap({ measure.reported(in: $0, unit: given.unit) }) {
      let found = given.scale.finding(Ratio(said), standing: standing, hysteresis: given.hysteresis)
      var told = finding(found, .number(Ratio(number)), value)
      told.said = said
      return told
    }
    let found = scale.finding(Ratio(number), standing: standing, hysteresis: hysteresis)
    return finding(found, .number(Ratio(number)), value)
  }

  package func detail(of finding: Finding, in reading: Reading?, _ view: HistoryView?) -> EventDetail {
    var detail = EventDetail(finding, measure.rawValue)
    detail.take(finding, scale, given, measure)
    return detail
  }

  package func explanation(_ words: PlanWords) -> String {
    "\(words.name(measure)): \(words.limits(zones, measure, given))."
      + words.repeated(confirm, isImmediate: isImmediate)
      + words.slack(given?.hysteresis ?? hysteresis) { words.number($0, given?.unit ?? measure.unit) }
  }
}
