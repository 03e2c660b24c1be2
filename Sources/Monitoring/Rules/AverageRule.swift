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
  /// Zones of one measure, with both bounds where a zone has two.
  package var plain: ZoneScale?
  /// How far past the limit a mean must be before a zone is left.
  package var hysteresis: ExactDecimal = .zero
  /// The newest so many values of each measure alone; nil: all of the window.
  package var newest: Int?
  /// Going back from the newest, a value counts only so long before the last that counted, in milliseconds; 0: all count.
  package var spacing: Int64 = 0
  /// How far out counts as worse; nil: the measures' own steps.
  package var worseBy: ExactDecimal?
  /// The limits as they were set, where that was in another unit.
  package var given: (unit: UCUM, zones: [AnyLimit])? {
    get { givenUnit.map { ($0, givenZones) } }
    set { (givenUnit, givenZones) = (newValue?.unit, newValue?.zones ?? []) }
  }
  private var givenUnit: UCUM?
  private var givenZones: [AnyLimit] = []
  private var givenPlain: [ZoneLimit] = []

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
  package static var keys: [String] {
    [
      "measure", "unit", "window", "drop_first_day", "min_count", "zones", "hysteresis", "last", "spacing", "worse_by",
    ]
  }
  package var statedLimits: [StatedLimits] {
    let measure = measures.first
    if let plain { return StatedLimits.of(plain.zones, measure) }
    return zones.map { any in
      let faulty = zip(any.limits, measures).first { limit, measure in
        measure.gate.map { !$0.contains(limit) } ?? false
      }
      let (limit, of) = faulty ?? (any.limits.first ?? .zero, measure ?? .systolic)
      return StatedLimits([.init(any.comparison, limit)], of.gate, of.unit.symbol)
    }
  }
  package var statedFaults: [StatedFault] {
    guard minimumCount > PatientHistory.mostPoints else { return [] }
    let message = "expected at most \(PatientHistory.mostPoints), as many as are kept, found \(minimumCount)"
    return [StatedFault(key: "min_count", message: message, isBound: true)]
  }
  package var statedScale: StatedScale? {
    guard measures.count == 1 else { return nil }
    let zones = plain?.zones ?? zones.map { ZoneLimit($0.zone, [.init($0.comparison, $0.limits.first ?? .zero)]) }
    return StatedScale(zones: zones, hysteresis: hysteresis, worseBy: worseBy, usual: measures.first?.usual)
  }
  package var zonesTold: Set<Zone> {
    Set(zones.map(\.zone) + (plain?.zones.map(\.zone) ?? [])).subtracting([.green])
  }

  package func advice(_ rule: Rule, in plan: Plan) -> [String] {
    var found: [String] = []
    let most = plan.mostValues(
      of: measures, in: max(1, window / 86_400_000), dropsFirstDay: dropsFirstDay, unasked: 24)
    if minimumCount > most {
      found.append(
        "min_count \(minimumCount) is more than the about \(most) values that come in the window: it never judges")
    } else if spacing > 0, Int64(minimumCount) > window / spacing + 1 {
      found.append("no \(minimumCount) values so far apart lie in the window: shorten spacing or lower min_count")
    }
    if plain == nil {
      for limit in zones where limit.zone > .green {
        for (bound, measure) in zip(limit.limits, measures) {
          guard let usual = measure.usual, limit.holds(Ratio(usual), bound, .zero) else { continue }
          found.append(
            "\(limit.zone.rawValue) \(limit.comparison.rawValue) \(bound) holds for the usual \(measure.rawValue) \(usual): are the limits in the order of the measures?"
          )
        }
      }
    }
    if measures.contains(.glucose),
      !plan.rules.contains(where: { $0.isEnabled && $0.kind is BandRule && $0.measures == [.glucose] })
    {
      found.append("LO and HI are not averaged: add a band over glucose")
    }
    return found
  }

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
    let unit = try fields.unit(measures)
    var limits: [AnyLimit] = []
    var plain: [ZoneLimit] = []
    // Zones of both forms are all read as limits of any of the measures.
    let items = try zonesNode.array()
    let isPlain = measures.count == 1 && !items.contains(where: AverageRule.isAny)
    for item in items {
      if isPlain {
        plain.append(try RuleFields.zoneLimit(item))
      } else {
        limits += try AverageRule.anyLimits(item, measures.count)
      }
    }
    guard !limits.isEmpty || !plain.isEmpty else {
      throw zonesNode.error("invalid-value", "expected at least one zone")
    }
    self.init(
      measures: measures, window: try fields.window(), dropsFirstDay: try fields["drop_first_day"]?.bool() ?? false,
      minimumCount: try fields["min_count"]?.int(in: 1...1000) ?? 1, zones: limits)
    newest = try fields["last"]?.int(in: 1...100)
    if let newest, newest < minimumCount, let node = fields["min_count"] {
      throw node.error("invalid-value", "expected at most \(newest), as many as \"last\" keeps, found \(minimumCount)")
    }
    spacing = try fields.duration("spacing") ?? 0
    worseBy = try fields.worseBy(measures)
    if let node = fields["hysteresis"] {
      hysteresis = try RuleFields.decimal(node)
      if let unit { hysteresis = try RuleFields.converted(hysteresis, unit, node, difference: true) }
    }
    if let unit {
      if !limits.isEmpty { given = (unit, limits) }
      givenPlain = plain
      for index in limits.indices {
        for (place, limit) in limits[index].limits.enumerated() {
          zones[index].limits[place] = try RuleFields.converted(limit, unit, zonesNode)
        }
      }
      for index in plain.indices {
        for place in plain[index].bounds.indices {
          plain[index].bounds[place].limit = try RuleFields.converted(plain[index].bounds[place].limit, unit, zonesNode)
        }
      }
      givenUnit = unit
    }
    if !plain.isEmpty { self.plain = ZoneScale(plain) }
  }

  /// A zone with limits of any of the measures.
  private static func isAny(_ node: JSONNode) -> Bool {
    guard case .object(let members) = node.content, let first = members.first,
      case .object(let limits) = first.value.content
    else { return false }
    return limits.contains { $0.key.hasPrefix("any_") }
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
    if let plain { object["mean_zones"] = ZoneLimit.json(plain.zones) }
    object["window_seconds"] = .int(window / 1000)
  }

  package func looksBack(from time: Int64, to earlier: Int64, over count: Int) -> Bool {
    TrendWindow.reaches(window, from: time, to: earlier)
  }

  package func steps(_ direction: Direction?) -> [ExactDecimal?] { measures.map { worseBy ?? $0.step(direction) } }

  package func verdict(at moment: TrendMoment, standing: Finding?, _ view: HistoryView) -> TrendVerdict {
    guard !moment.isDoubtful else { return .notJudged(.doubted) }
    guard !moment.isBeyond else { return .notJudged(.tooFew) }
    guard let (means, count) = means(at: moment, view) else { return .notJudged(.tooFew) }
    var note = TrendNote()
    note.points = count
    if let plain, let mean = means.first {
      let found = plain.finding(mean, standing: standing, hysteresis: hysteresis)
      return .found(Finding(found.0, direction: found.1, value: .number(mean), taken: moment.time), note)
    }
    return .found(finding(means, standing, moment.time), note)
  }

  /// The mean of each measure at a moment, in the measures' order, and of how many values at least; nil: there are too few.
  package func means(at moment: TrendMoment, _ view: HistoryView) -> (means: [Ratio], count: Int)? {
    var means: [Ratio] = []
    var least = Int.max
    for measure in measures {
      let (sum, count) = sum(measure, at: moment, view)
      guard count >= max(1, minimumCount) else { return nil }
      means.append(Ratio(sum, over: ExactDecimal(Int64(count))))
      least = min(least, count)
    }
    return (means, least)
  }

  /// The sum of the values of a measure that count at a moment, and how many they are.
  private func sum(_ measure: Measure, at moment: TrendMoment, _ view: HistoryView) -> (ExactDecimal, Int) {
    var from = view.start(of: window, endingAt: moment.time) { $0 }
    func counts(_ point: PatientHistory.Point) -> Bool {
      !point.isDoubtful && !point.isBeyond && (point.time, point.id) <= (moment.time, moment.id)
    }
    if dropsFirstDay, let first = view.first(measure, from: from, to: moment.time, where: counts) {
      let (clock, day) = (view.clock, view.clock.day(first.time))
      let next = view.first(measure, from: first.time, to: moment.time) { counts($0) && clock.day($0.time) != day }
      guard let next else { return (.zero, 0) }
      from = next.time
    }
    var (sum, count) = (ExactDecimal.zero, 0)
    var last: Int64?
    view.forEachBackwards(measure, from: from, to: moment.time) { point in
      guard counts(point), last.map({ point.time <= $0.moved(-spacing) }) ?? true else { return true }
      last = point.time
      sum = sum.adding(point.value) ?? sum
      count += 1
      return newest.map { count < $0 } ?? true
    }
    return (sum, count)
  }

  /// What the means come to: any of them brings a zone about.
  private func finding(_ means: [Ratio], _ standing: Finding?, _ time: Int64) -> Finding {
    /// The worst rank that holds on a side, with the limits moved by `slack`.
    func rank(_ side: Direction, slack: ExactDecimal = .zero) -> Rank {
      var rank = Rank.green
      for limit in zones where limit.zone > .green && limit.zone >= rank.zone && limit.side == side {
        guard zip(limit.limits, means).contains(where: { limit.holds($1, $0, slack) }) else { continue }
        rank = limit.zone > rank.zone ? Rank(limit.zone, 1) : Rank(limit.zone, rank.level + 1)
      }
      return rank
    }
    var side = standing?.direction ?? .high
    let plain = rank(side)
    let other = rank(side.opposite)
    if other > plain { side = side.opposite }
    var found = max(plain, other)
    if let standing, !standing.isGreen, !hysteresis.isZero, found.zone == .green || standing.direction == side {
      let stood = standing.direction ?? side
      let held = min(rank(stood, slack: hysteresis), standing.rank)
      if held > found { (found, side) = (held, stood) }
    }
    // Of each mean that is in the zone by itself.
    let inside = means.enumerated().map { index, mean -> Ratio? in
      zones.contains { limit in
        limit.zone == found.zone && limit.side == side && index < limit.limits.count
          && limit.holds(mean, limit.limits[index], .zero)
      } ? mean : nil
    }
    return Finding(found, direction: side, value: .means(inside), taken: time)
  }

  package func detail(of finding: Finding, in reading: Reading?, _ view: HistoryView?) -> EventDetail {
    var detail = EventDetail(finding, measures.first?.rawValue ?? "")
    detail.unit = measures.first?.unit.rawValue
    switch finding.value {
    case .number(let mean):
      detail.value = mean.rounded(places: places(mean))
      detail.limit = plain?.limit(finding.value, zone: finding.raw.zone, given: givenPlain)
    case .means(let means):
      guard let index = means.firstIndex(where: { $0 != nil }), let mean = means[index] else {
        detail.measure = nil
        detail.unit = nil
        return detail
      }
      detail.measure = measures[index].rawValue
      detail.unit = measures[index].unit.rawValue
      detail.value = mean.rounded(places: places(mean))
      let holding = zones.indices.filter { place in
        let limit = zones[place]
        return limit.zone == finding.raw.zone && limit.side == finding.direction && index < limit.limits.count
          && limit.holds(mean, limit.limits[index], .zero)
      }
      if let last = holding.max(by: {
        let (left, right) = (zones[$0], zones[$1])
        return left.side == .high
          ? left.limits[index] < right.limits[index] : right.limits[index] < left.limits[index]
      }) {
        let named = givenZones.indices.contains(last) ? givenZones[last] : zones[last]
        detail.limit = "\(named.comparison.rawValue) \(named.limits[index])"
      }
    default: break
    }
    if let unit = givenUnit {
      detail.unit = unit.rawValue
      detail.value = detail.value.map { unit.shown(canonical: $0) ?? $0 }
    }
    return detail
  }

  /// Two digits more than the readings have.
  func places(_ mean: Ratio) -> Int { mean.top.decimalPlaces + 2 }

  package func explanation(_ words: PlanWords) -> String {
    let what = measures.map(words.name).joined(separator: words.say(" og ", " og ", " and "))
    var limits = (given?.zones ?? zones).map { limit in
      let numbers = zip(limit.limits, measures).map { words.number($0, given?.unit ?? $1.unit) }
      return words.zone(limit.zone) + " " + words.comparison(limit.comparison) + " "
        + numbers.joined(separator: words.say(" eller ", " eller ", " or "))
    }.joined(separator: ", ")
    if let plain, let measure = measures.first {
      let shown = givenUnit.map { GivenLimits(unit: $0, zones: givenPlain) }
      limits = words.limits(plain.zones, measure, shown)
    }
    let window = words.duration(window)
    let count = words.measurements(minimumCount)
    var text = words.say(
      "\(what): gjennomsnittet av de siste \(window), når det er minst \(count): \(limits).",
      "\(what): gjennomsnittet av dei siste \(window), når det er minst \(count): \(limits).",
      "\(what): the mean of the last \(window), once there are at least \(count): \(limits).")
    if dropsFirstDay {
      text += words.say(
        " Den første dagen teller ikke.", " Den første dagen tel ikkje.", " The first day does not count.")
    }
    if let newest {
      let count = words.measurements(newest)
      text += words.say(
        " Bare de siste: \(count).", " Berre dei siste: \(count).", " Only the newest: \(count).")
    }
    return text + words.spaced(spacing)
      + words.slack(hysteresis) { words.number($0, measures.first?.unit ?? .millimetreOfMercury) }
  }
}

extension AverageRule.AnyLimit {
  /// The side on which it lies.
  var side: Direction { comparison == .greaterThan || comparison == .atLeast ? .high : .low }

  /// A mean is in the zone, with the limit moved outwards by `slack`.
  func holds(_ mean: Ratio, _ limit: ExactDecimal, _ slack: ExactDecimal) -> Bool {
    ZoneLimit.Bound(comparison, limit).holds(mean, slack: slack)
  }
}
