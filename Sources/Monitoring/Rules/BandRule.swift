// A single value against zones.

package import JSON
package import Readings

/// A single value against zones, with hysteresis and confirmation by repeat.
package struct BandRule: RuleKind {
  /// The value that it watches.
  package var measure: Measure
  /// The zones' limits, in the unit of the measure.
  package var zones: [ZoneLimit]
  /// How far past the limit a value must be before a zone is left; zero leaves at the limit.
  package var hysteresis: ExactDecimal
  /// The repeat that confirms; nil raises at the first reading.
  package var confirm: Confirmation?
  /// Raise at the first reading and still ask for the repeat.
  package var isImmediate: Bool
  /// The limits as they were set, where that was in another unit.
  package var given: GivenLimits?

  package init(
    measure: Measure, zones: [ZoneLimit], hysteresis: ExactDecimal = .zero, confirm: Confirmation? = nil,
    isImmediate: Bool = false
  ) {
    self.measure = measure
    self.zones = zones
    self.hysteresis = hysteresis
    self.confirm = confirm
    self.isImmediate = isImmediate
  }
}

extension BandRule {
  package static var name: String { "band" }
  package static var keys: [String] { ["measure", "unit", "zones", "hysteresis", "confirm", "immediate"] }
  package static var bounds: [RuleBound] { [.zones] }

  package init(_ fields: RuleFields) throws(JSONError) {
    let measure = try fields.measure()
    var confirm: Confirmation?
    if let given = try fields["confirm"]?.object(known: ["n", "within"]) {
      confirm = Confirmation(
        count: try given.required("n", "how many readings in all").int(in: 2...10),
        within: try given.required("within", "a duration such as \"PT15M\"").duration(upTo: 86_400_000))
    }
    let limits = try fields.limits(measure)
    self.init(
      measure: measure, zones: limits.zones, hysteresis: limits.hysteresis, confirm: confirm,
      isImmediate: try fields["immediate"]?.bool() ?? false)
    given = limits.given
  }

  package func describe(in object: inout JSONObject) { object["zones"] = ZoneLimit.json(zones) }

  package var measures: [Measure] { [measure] }

  package func zone(of sighting: Sighting, before: Zone, _ history: PatientHistory, _ clock: PatientClock) -> Zone? {
    guard !sighting.isUnfit else { return nil }
    guard let value = sighting.values[measure] else {
      return sighting.capped(measure.isBeyond(in: sighting.reading).map { ZoneLimit.worst(zones, above: $0) })
    }
    if let given, let said = measure.reported(in: sighting.reading, unit: given.unit) {
      return sighting.capped(ZoneLimit.worst(given.zones, said, before: before, hysteresis: given.hysteresis))
    }
    return sighting.capped(ZoneLimit.worst(zones, value, before: before, hysteresis: hysteresis))
  }

  package func explanation(_ words: PlanWords) -> String {
    var text = "\(words.name(measure)): \(words.limits(zones, measure, given))."
    if let confirm {
      let within = words.duration(confirm.within)
      let first = words.say("meldes straks, og måles", "blir meldt straks, og målt", "told at once, and measured")
      let asked = isImmediate ? first : words.say("Måles", "Blir målt", "Measured")
      text += " " + asked.prefix(1).uppercased() + asked.dropFirst()
      text += words.say(
        " på nytt innen \(within); \(confirm.count) målinger avgjør.",
        " på nytt innan \(within); \(confirm.count) målingar avgjer.",
        " again within \(within); \(confirm.count) measurements decide.")
    }
    if !hysteresis.isZero {
      let slack = words.number(given?.hysteresis ?? hysteresis, given?.unit ?? measure.unit)
      text += words.say(
        " Slutter først \(slack) innenfor grensen.", " Sluttar først \(slack) innanfor grensa.",
        " Ends only \(slack) inside the limit.")
    }
    return text
  }
}
