// The mean of a window's values.

package import JSON
package import Readings

/// The mean of a window's values: home blood pressure over a week.
package struct AverageRule: TrendRule {
  /// A zone that any of the measures' means brings about.
  package struct AnyLimit: Sendable, Hashable {
    package var zone: Zone
    /// How each mean is compared.
    package var comparison: ZoneLimit.Comparison
    /// A limit a measure, in their order.
    package var limits: [ExactDecimal]
    /// A zone that any of the means brings about.
    package init(zone: Zone, comparison: ZoneLimit.Comparison, limits: [ExactDecimal]) {
      self.zone = zone
      self.comparison = comparison
      self.limits = limits
    }
  }

  /// The values that it watches.
  package var measures: [Measure]
  /// How far back, in milliseconds.
  package var window: Int64
  /// Leave out the first day of the window: people get used to measuring.
  package var dropsFirstDay: Bool
  /// The fewest values of each measure.
  package var minimumCount: Int
  /// Worst first does not matter: the worst that holds counts.
  package var zones: [AnyLimit]
  /// The limits as they were set, where that was in another unit.
  package var given: (unit: UCUM, zones: [AnyLimit])? {
    get { givenUnit.map { ($0, givenZones) } }
    set { (givenUnit, givenZones) = (newValue?.unit, newValue?.zones ?? []) }
  }
  private var givenUnit: UCUM?
  private var givenZones: [AnyLimit] = []

  package init(measures: [Measure], window: Int64, dropsFirstDay: Bool, minimumCount: Int, zones: [AnyLimit]) {
    self.measures = measures
    self.window = window
    self.dropsFirstDay = dropsFirstDay
    self.minimumCount = minimumCount
    self.zones = zones
  }
}

extension AverageRule {
  package static var name: String { "average" }
  package static var keys: [String] { ["measure", "unit", "window", "drop_first_day", "min_count", "zones"] }
  package static var bounds: [RuleBound] { [.zones, .count(key: "measure", atMost: 12, of: "measures"), .window] }

  package init(_ fields: RuleFields) throws(JSONError) {
    let measureNode = try fields.required("measure", "what is watched, or a list of it")
    var measures: [Measure] = []
    if case .array = measureNode.content {
      for item in try measureNode.array() { measures.append(try RuleFields.measure(item)) }
    } else {
      measures = [try RuleFields.measure(measureNode)]
    }
    guard !measures.isEmpty else { throw measureNode.error("invalid-value", "expected at least one measure") }
    let zonesNode = try fields.required("zones", "a list of zones")
    var limits: [AnyLimit] = []
    for item in try zonesNode.array() { limits += try AverageRule.anyLimits(item, measures.count) }
    guard !limits.isEmpty else { throw zonesNode.error("invalid-value", "expected at least one zone") }
    let unit = try fields.unit(measures)
    self.init(
      measures: measures, window: try fields.window(), dropsFirstDay: try fields["drop_first_day"]?.bool() ?? false,
      minimumCount: try fields["min_count"]?.int(in: 1...1000) ?? 1, zones: limits)
    guard let unit else { return }
    given = (unit, limits)
    for index in limits.indices {
      for (place, limit) in limits[index].limits.enumerated() {
        zones[index].limits[place] = try RuleFields.converted(limit, unit, zonesNode)
      }
    }
  }

  /// `{"yellow": {"any_gte": ["135", "85"]}}`, or with one measure `{"yellow": {"gte": "135"}}`.
  private static func anyLimits(_ node: JSONNode, _ count: Int) throws(JSONError) -> [AnyLimit] {
    let members = try node.objectOfAnyKeys()
    guard members.count == 1, let member = members.first, let zone = Zone(rawValue: member.key) else {
      throw node.error("invalid-value", "expected one zone, such as {\"yellow\": {\"any_gte\": [\"135\", \"85\"]}}")
    }
    let comparisons = ZoneLimit.Comparison.allCases
    let given = try member.value.object(known: comparisons.flatMap { [$0.rawValue, "any_\($0.rawValue)"] })
    var limits: [AnyLimit] = []
    for comparison in comparisons {
      if let node = given["any_\(comparison.rawValue)"] {
        var bounds: [ExactDecimal] = []
        for item in try node.array() { bounds.append(try RuleFields.decimal(item)) }
        guard bounds.count == count else {
          throw node.error("invalid-value", "expected a limit for each of the \(count) measures, found \(bounds.count)")
        }
        limits.append(.init(zone: zone, comparison: comparison, limits: bounds))
      }
      if let node = given[comparison.rawValue] {
        guard count == 1 else {
          throw node.error("invalid-value", "with \(count) measures expected any_\(comparison.rawValue) and a list")
        }
        limits.append(.init(zone: zone, comparison: comparison, limits: [try RuleFields.decimal(node)]))
      }
    }
    guard !limits.isEmpty else { throw member.value.error("invalid-value", "expected a limit") }
    return limits
  }

  package func describe(in object: inout JSONObject) {
    object["averages"] = .array(
      zones.map { limit in
        [
          "zone": .string(limit.zone.rawValue), "comparison": .string(limit.comparison.rawValue),
          "limits": .array(limit.limits.map { .string("\($0)") }),
        ]
      })
    object["window_seconds"] = .int(window / 1000)
  }

  package func looksBack(from time: Int64, to earlier: Int64, over count: Int) -> Bool {
    TrendWindow.reaches(window, from: time, to: earlier)
  }

  package func zone(at moment: TrendMoment, before: Zone, _ history: PatientHistory, _ clock: PatientClock) -> Zone? {
    var sums: [(sum: ExactDecimal, count: Int)] = []
    for measure in measures {
      var points = history.points(measure, from: moment.time - window, to: moment.time)
      if dropsFirstDay, let first = points.first.map({ clock.day($0.time) }) {
        points = points.drop { clock.day($0.time) == first }
      }
      guard points.count >= max(1, minimumCount) else { return nil }
      var sum = ExactDecimal.zero
      for point in points { sum = sum.adding(point.value) ?? sum }
      sums.append((sum, points.count))
    }
    var worst = Zone.green
    for limit in zones where limit.zone > worst {
      for (index, bound) in limit.limits.enumerated() where index < sums.count {
        // The sum against the limit times the count: nothing is divided, so nothing is rounded.
        guard let whole = bound.multiplied(by: Int64(sums[index].count)) else { continue }
        if ZoneLimit.Bound(limit.comparison, whole).holds(for: sums[index].sum, slack: .zero) { worst = limit.zone }
      }
    }
    return worst
  }

  package func explanation(_ words: PlanWords) -> String {
    let what = measures.map(words.name).joined(separator: words.say(" og ", " og ", " and "))
    let limits = (given?.zones ?? zones).map { limit in
      let numbers = zip(limit.limits, measures).map { words.number($0, given?.unit ?? $1.unit) }
      return words.zone(limit.zone) + " " + words.comparison(limit.comparison) + " "
        + numbers.joined(separator: words.say(" eller ", " eller ", " or "))
    }.joined(separator: ", ")
    let window = words.duration(window)
    var text = words.say(
      "\(what): gjennomsnittet av de siste \(window), når det er minst \(minimumCount) målinger: \(limits).",
      "\(what): gjennomsnittet av dei siste \(window), når det er minst \(minimumCount) målingar: \(limits).",
      "\(what): the mean of the last \(window), once there are at least \(minimumCount): \(limits).")
    if dropsFirstDay {
      text += words.say(
        " Den første dagen teller ikke.", " Den første dagen tel ikkje.", " The first day does not count.")
    }
    return text
  }
}
