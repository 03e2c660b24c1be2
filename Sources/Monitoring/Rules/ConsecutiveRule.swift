// Several of the newest values out of band.

package import JSON
package import Readings

/// `k` of the newest `of` values in a zone.
package struct ConsecutiveRule: TrendRule {
  /// The value that it watches.
  package var measure: Measure
  /// How many.
  package var k: Int
  /// Of how many.
  package var of: Int
  /// The zones' limits.
  package var zones: [ZoneLimit]
  /// The limits as they were set, where that was in another unit.
  package var given: GivenLimits?

  /// A rule over the newest values.
  package init(measure: Measure, k: Int, of: Int, zones: [ZoneLimit]) {
    self.measure = measure
    self.k = k
    self.of = of
    self.zones = zones
  }
}

extension ConsecutiveRule {
  package static var name: String { "consecutive" }
  package static var keys: [String] { ["measure", "unit", "k", "of", "zones"] }
  package static var bounds: [RuleBound] { [.zones] }

  package init(_ fields: RuleFields) throws(JSONError) {
    let (k, of) = try fields.counts()
    let measure = try fields.measure()
    let limits = try fields.limits(measure)
    self.init(measure: measure, k: k, of: of, zones: limits.zones)
    given = limits.given
  }

  package func describe(in object: inout JSONObject) { object["zones"] = ZoneLimit.json(zones) }

  package var measures: [Measure] { [measure] }

  package func looksBack(from time: Int64, to earlier: Int64, over count: Int) -> Bool { count < of }

  package func zone(at moment: TrendMoment, before: Zone, _ history: PatientHistory, _ clock: PatientClock) -> Zone? {
    let newest = history.newest(measure, of, upTo: moment.time)
    guard newest.count >= k else { return nil }
    var worst = Zone.green
    for limit in zones where limit.zone > worst {
      if newest.count(where: { limit.holds(for: $0.value) }) >= k { worst = limit.zone }
    }
    return moment.capped(worst)
  }

  package func explanation(_ words: PlanWords) -> String {
    let (what, change) = (words.name(measure), words.limits(zones, measure, given))
    return words.say(
      "\(what): \(k) av de siste \(of) målingene \(change).",
      "\(what): \(k) av dei siste \(of) målingane \(change).",
      "\(what): \(k) of the last \(of) \(change).")
  }
}
