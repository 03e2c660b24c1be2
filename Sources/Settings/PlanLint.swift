// What is wrong with a plan that can be read (plans-2, 10): limits that no value reaches, zones that hold for nothing, and advice on what
// is right and still silences or tires those who are to be told.

internal import JSON
internal import Monitoring
internal import Readings

package enum PlanLint {
  /// Holds the rules of a plan to what values can be. What is in force already stays so, with a warning.
  static func check(_ plan: Plan, _ top: JSONNode, _ newer: inout NewerRules) throws(JSONError) {
    let members = try JSONMembers(top)
    for (rule, node) in zip(plan.rules, try members["rules"]?.array() ?? []) {
      try check(rule, try JSONMembers(node), &newer)
    }
    if let node = members["pause"], try node.array().count > 20 {
      try newer.refuse(node, "expected at most 20 pauses, found \(try node.array().count)", code: bound)
    }
  }

  private static let bound = "plan.bound"
  private static let limit = "plan.limit"

  private static func check(_ rule: Rule, _ node: JSONMembers, _ newer: inout NewerRules) throws(JSONError) {
    if rule.id.hasPrefix(DoubtRule.prefix), let id = node["id"] {
      try newer.refuse(id, "expected another name: those that begin with \"doubt.\" are built in", code: limit)
    }
    for (number, limits) in PlanLint.limits(rule).enumerated() {
      guard let place = try place(number, node) else { continue }
      if let text = limits.fault { try newer.refuse(place, text, code: limit) }
    }
    if let delta = rule.kind as? DeltaRule, case .value(let value) = delta.reference, let gate = delta.measure.gate,
      !gate.contains(value), let from = node["from"]
    {
      try newer.refuse(from, outside(value, gate, delta.measure.unit), code: limit)
    }
    if let average = rule.kind as? AverageRule, average.minimumCount > PatientHistory.mostPoints,
      let place = node["min_count"]
    {
      try newer.refuse(
        place, "expected at most \(PatientHistory.mostPoints), as many as are kept, found \(average.minimumCount)",
        code: bound)
    }
    if let hours = node["valid_hours"], rule.hours.count > 4 {
      try newer.refuse(hours, "expected at most 4 spans of hours, found \(rule.hours.count)", code: bound)
    }
    if let retell = node["retell"] {
      if let every = rule.retell?.every, every < 300_000 {
        try newer.refuse(retell, "every: expected at least \"PT5M\"", code: bound)
      }
      if let after = rule.afterAcknowledgement, after < 3_600_000 {
        try newer.refuse(retell, "after_ack: expected at least \"PT1H\"", code: bound)
      }
    }
  }

  /// The place of a rule's zone, by its number; zones of parts stand behind those of the rule.
  private static func place(_ number: Int, _ node: JSONMembers) throws(JSONError) -> JSONNode? {
    var places = try node["zones"]?.array() ?? []
    for part in try node["parts"]?.array() ?? [] { places += try JSONMembers(part)["points"]?.array() ?? [] }
    return number < places.count ? places[number] : node["zones"]
  }

  // MARK: Limits

  /// The limits of one zone, and what is wrong with them.
  private struct Limits {
    var bounds: [ZoneLimit.Bound]
    /// What values may be; nil: anything.
    var range: ClosedRange<ExactDecimal>?
    var unit: String

    /// Nil: nothing.
    var fault: String? {
      for bound in bounds {
        if let range, !range.contains(bound.limit) {
          return
            "\(bound.comparison.rawValue) \(bound.limit) \(unit): expected a limit of \(range.lowerBound) to \(range.upperBound) \(unit)"
        }
      }
      let lower = bounds.filter { $0.comparison == .greaterThan || $0.comparison == .atLeast }
      let upper = bounds.filter { $0.comparison == .lessThan || $0.comparison == .atMost }
      for one in lower {
        for other in upper {
          let isEmpty =
            other.limit < one.limit
            || (!(one.limit < other.limit) && (one.comparison == .greaterThan || other.comparison == .lessThan))
          if isEmpty {
            return
              "no value is \(one.comparison.rawValue) \(one.limit) and \(other.comparison.rawValue) \(other.limit) at once"
          }
        }
      }
      return nil
    }
  }

  private static func outside(_ value: ExactDecimal, _ gate: ClosedRange<ExactDecimal>, _ unit: UCUM) -> String {
    "\(value) \(unit.symbol): expected \(gate.lowerBound) to \(gate.upperBound) \(unit.symbol)"
  }

  /// The limits of a rule, zone by zone as they stand in the file.
  private static func limits(_ rule: Rule) -> [Limits] {
    func zones(_ zones: [ZoneLimit], _ range: ClosedRange<ExactDecimal>?, _ unit: String) -> [Limits] {
      zones.map { Limits(bounds: $0.bounds, range: range, unit: unit) }
    }
    switch rule.kind {
    case let band as BandRule: return zones(band.zones, band.measure.gate, band.measure.unit.symbol)
    case let consecutive as ConsecutiveRule:
      return zones(consecutive.zones, consecutive.measure.gate, consecutive.measure.unit.symbol)
    case let delta as DeltaRule:
      if delta.isPercent { return zones(delta.zones, ExactDecimal(-100)...ExactDecimal(100), "%") }
      guard let gate = delta.measure.gate, let width = gate.upperBound.subtracting(gate.lowerBound),
        let least = ExactDecimal.zero.subtracting(width)
      else { return zones(delta.zones, nil, "") }
      return zones(delta.zones, least...width, delta.measure.unit.symbol)
    case let average as AverageRule:
      let measure = average.measures.first
      if let plain = average.plain { return zones(plain.zones, measure?.gate, measure?.unit.symbol ?? "") }
      return average.zones.map { any in
        let faulty = zip(any.limits, average.measures).first { limit, measure in
          measure.gate.map { !$0.contains(limit) } ?? false
        }
        let (limit, of) = faulty ?? (any.limits.first ?? .zero, measure ?? .systolic)
        return Limits(bounds: [.init(any.comparison, limit)], range: of.gate, unit: of.unit.symbol)
      }
    case let score as ScoreRule:
      return zones(score.zones, nil, "points")
        + score.parts.flatMap { part in
          part.points.map { Limits(bounds: $0.limit.bounds, range: part.measure.gate, unit: part.measure.unit.symbol) }
        }
    default: return []
    }
  }

  // MARK: Advice

  /// What is right and may still silence or tire people; in the order of the rules.
  /// - Parameter sharesScale: several users stand on the patient's scale.
  static func advice(_ plan: Plan, _ top: JSONNode, sharesScale: Bool = false) -> [JSONError] {
    guard let members = try? JSONMembers(top) else { return [] }
    let nodes = (try? members["rules"]?.array()) ?? []
    var found: [JSONError] = []
    for (rule, node) in zip(plan.rules, nodes) where rule.isEnabled {
      for text in advice(rule, plan, sharesScale) { found.append(node.error("advice", "\(rule.id): \(text)")) }
    }
    if plan.liveWindow > day, let node = members["live_window"] {
      found.append(node.error("advice", "values of more than a day ago raise as if they were of now"))
    }
    for (pause, node) in zip(plan.pauses, (try? members["pause"]?.array()) ?? []) where pause.to - pause.from >= 60 {
      found.append(
        node.error("advice", "a pause of more than 60 days: nobody hears of a measurement that does not come"))
    }
    return found
  }

  private static let day: Int64 = 86_400_000

  private static func advice(_ rule: Rule, _ plan: Plan, _ sharesScale: Bool) -> [String] {
    var found: [String] = []
    let scale = PlanLint.scale(rule)
    if let scale {
      found += decides(scale, isBand: rule.kind is BandRule)
      found += swapped(rule, scale)
      found += slack(rule, scale)
    }
    if let average = rule.kind as? AverageRule { found += counts(rule, average, plan) }
    if let band = rule.kind as? BandRule, [.pulse, .heartRate, .spo2].contains(band.measure), band.hysteresis.isZero,
      band.confirm == nil, rule.quiet == 0
    {
      found.append("a value at its limit is told again and again: add hysteresis, confirm or quiet")
    }
    let zones = PlanLint.colours(rule)
    if zones.contains(.red), rule.quiet > day { found.append("a red is held for more than a day: shorten quiet") }
    if let confirm = rule.kind.confirm, confirm.within > 3_600_000 {
      found.append("a repeat is awaited for more than an hour before anybody is told: shorten within")
    }
    if let missing = rule.kind as? MissingRule, let remind = missing.remindAfter,
      case .slots(let hours, _) = missing.schedule,
      hours.contains(where: {
        Int64(($0.to > $0.from ? $0.to : $0.to + 1440) - $0.from) * 60_000 + missing.grace <= remind
      })
    {
      found.append("the reminder comes after the measurement is called missing: shorten remind_after")
    }
    if !rule.measures.isEmpty, !(rule.kind is MissingRule), !zones.isEmpty, !zones.contains(.red),
      !plan.rules.contains(where: { other in
        other.isEnabled && colours(other).contains(.red) && other.measures.contains { rule.measures.contains($0) }
      })
    {
      found.append("nothing of \(rule.measures.map(\.rawValue).joined(separator: ", ")) is ever red")
    }
    if rule.kind is AverageRule, rule.measures.contains(.glucose),
      !plan.rules.contains(where: { $0.isEnabled && $0.kind is BandRule && $0.measures == [.glucose] })
    {
      found.append("LO and HI are not averaged: add a band over glucose")
    }
    if rule.measures.contains(.weight), !plan.isSingleUser, sharesScale, !(rule.kind is MissingRule) {
      found.append("several people stand on this scale: a weight far from the patient's is asked about first")
    }
    if zones.contains(.red), rule.retell == nil, !(rule.kind is DeviceRule) {
      found.append("a red that nobody takes notice of is told once: add retell")
    }
    return found
  }

  private static func scale(_ rule: Rule) -> [ZoneLimit]? {
    switch rule.kind {
    case let band as BandRule: band.zones
    case let delta as DeltaRule: delta.zones
    case let consecutive as ConsecutiveRule: consecutive.zones
    case let average as AverageRule:
      average.plain?.zones
        ?? (average.measures.count == 1
          ? average.zones.map { ZoneLimit($0.zone, [.init($0.comparison, $0.limits.first ?? .zero)]) } : nil)
    default: nil
    }
  }

  private static func colours(_ rule: Rule) -> Set<Zone> {
    if let average = rule.kind as? AverageRule {
      return Set(average.zones.map(\.zone) + (average.plain?.zones.map(\.zone) ?? [])).subtracting([.green])
    }
    if let score = rule.kind as? ScoreRule { return Set(score.zones.map(\.zone)).subtracting([.green]) }
    return Set((scale(rule) ?? []).map(\.zone)).subtracting([.green])
  }

  /// W1: a zone that never decides, or a side on which the worst value of all is green.
  private static func decides(_ zones: [ZoneLimit], isBand: Bool) -> [String] {
    var found: [String] = []
    for (index, zone) in zones.enumerated() where zone.zone > .green {
      let isCovered = zones.enumerated().contains { other, wider in
        other != index && (wider.zone > zone.zone || (wider == zone && other < index))
          && Span(zone).isInside(Span(wider))
      }
      if isCovered { found.append("\(words(zone)) never decides: a zone that is no milder holds wherever it does") }
    }
    guard isBand else { return found }
    for above in [true, false] {
      let side = zones.filter { $0.zone > .green && $0.bounds.contains { isUpper($0) == above } }
      let open = zones.contains { $0.zone > .green && $0.bounds.allSatisfy { isUpper($0) == above } }
      if !side.isEmpty, !open, side.contains(where: { $0.bounds.count > 1 }) {
        found.append(
          "a value \(above ? "above" : "below") all that can be measured is green: leave its outermost zone open")
      }
    }
    return found
  }

  private static func isUpper(_ bound: ZoneLimit.Bound) -> Bool {
    bound.comparison == .greaterThan || bound.comparison == .atLeast
  }

  private static func words(_ zone: ZoneLimit) -> String {
    "\(zone.zone.rawValue) " + zone.bounds.map { "\($0.comparison.rawValue) \($0.limit)" }.joined(separator: " ")
  }

  /// The values of a zone, from a bound to a bound.
  private struct Span {
    var low: ZoneLimit.Bound?
    var high: ZoneLimit.Bound?

    init(_ zone: ZoneLimit) {
      for bound in zone.bounds {
        if isUpper(bound) {
          if let known = low, !(known.limit < bound.limit) { continue }
          low = bound
        } else {
          if let known = high, !(bound.limit < known.limit) { continue }
          high = bound
        }
      }
    }

    func isInside(_ other: Span) -> Bool {
      if let limit = other.low {
        guard let mine = low else { return false }
        let isOpen = limit.comparison == .greaterThan && mine.comparison == .atLeast
        guard limit.limit < mine.limit || (!(mine.limit < limit.limit) && !isOpen) else { return false }
      }
      if let limit = other.high {
        guard let mine = high else { return false }
        let isOpen = limit.comparison == .lessThan && mine.comparison == .atMost
        guard mine.limit < limit.limit || (!(limit.limit < mine.limit) && !isOpen) else { return false }
      }
      return true
    }
  }

  /// W2: a zone that holds for what is usual.
  private static func swapped(_ rule: Rule, _ zones: [ZoneLimit]) -> [String] {
    let usual: ExactDecimal? = rule.kind is DeltaRule ? .zero : rule.measures.first?.usual
    guard let usual else { return [] }
    return zones.filter { $0.zone > .green && $0.holds(usual) }.map {
      "\(words($0)) holds for the usual value \(usual): is the comparison the right way round?"
    }
  }

  /// W3: hysteresis or the step of what is worse reaches from one side to the other.
  private static func slack(_ rule: Rule, _ zones: [ZoneLimit]) -> [String] {
    let abnormal = zones.filter { $0.zone > .green && $0.bounds.count == 1 }
    let low = abnormal.flatMap(\.bounds).filter { !isUpper($0) }.map(\.limit).max()
    let high = abnormal.flatMap(\.bounds).filter { isUpper($0) }.map(\.limit).min()
    guard let low, let high, low < high, let distance = high.subtracting(low) else { return [] }
    var (hysteresis, step) = (ExactDecimal.zero, ExactDecimal.zero)
    switch rule.kind {
    case let band as BandRule: (hysteresis, step) = (band.hysteresis, band.worseBy ?? .zero)
    case let delta as DeltaRule: (hysteresis, step) = (delta.hysteresis, delta.worseBy ?? .zero)
    case let average as AverageRule: (hysteresis, step) = (average.hysteresis, average.worseBy ?? .zero)
    default: break
    }
    var found: [String] = []
    if !hysteresis.isZero, !(hysteresis < distance) {
      found.append("hysteresis \(hysteresis) reaches from the low side to the high one")
    }
    if !step.isZero, !(step < distance) { found.append("worse_by \(step) reaches from the low side to the high one") }
    return found
  }

  /// W4: more values than the plan itself asks for.
  private static func counts(_ rule: Rule, _ average: AverageRule, _ plan: Plan) -> [String] {
    let days = max(1, Int(average.window / day)) - (average.dropsFirstDay ? 1 : 0)
    var perDay = 24.0
    for other in plan.rules where other.isEnabled {
      guard let missing = other.kind as? MissingRule, average.measures.contains(missing.measure),
        case .slots(let hours, let weekdays) = missing.schedule
      else { continue }
      perDay = Double(2 * hours.count) * Double(weekdays.isEmpty ? 7 : Set(weekdays).count) / 7
    }
    let most = Int((Double(max(0, days)) * perDay).rounded(.up))
    guard average.minimumCount > most else { return [] }
    return [
      "min_count \(average.minimumCount) is more than the about \(most) values that come in the window: it never judges"
    ]
  }
}

extension Measure {
  /// What is usual of a person who is well.
  fileprivate var usual: ExactDecimal? {
    switch self {
    case .systolic: ExactDecimal(120)
    case .diastolic: ExactDecimal(75)
    case .meanArterial: ExactDecimal(90)
    case .pulse, .heartRate: ExactDecimal(70)
    case .spo2: ExactDecimal(96)
    case .temperature: ExactDecimal(368, exponent: -1)
    case .glucose: ExactDecimal(55, exponent: -1)
    case .perfusion, .weight, .bodyFat, .bodyMassIndex: nil
    }
  }
}
