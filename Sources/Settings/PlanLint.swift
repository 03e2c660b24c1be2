// What is wrong with a plan that can be read (plans-2, 10): limits that no value reaches, zones that hold for nothing, and advice on what
// is right and still silences or tires those who are to be told.

internal import JSON
internal import Monitoring
internal import Readings
internal import Zones

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
    for (number, limits) in rule.kind.statedLimits.enumerated() {
      guard let place = try place(number, node), let text = fault(limits) else { continue }
      try newer.refuse(place, text, code: limit)
    }
    for fault in rule.kind.statedFaults {
      if let place = node[fault.key] { try newer.refuse(place, fault.message, code: fault.isBound ? bound : limit) }
    }
    if let slack = node["hysteresis"], try slack.string().hasPrefix("-") {
      try newer.refuse(slack, "expected at least \"0\", found \"\(try slack.string())\"", code: limit)
    }
    if let days = node["days"], try days.array().isEmpty {
      try newer.refuse(days, "expected at least one day; without \"days\" it is every day", code: limit)
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

  /// What is wrong with the limits of a zone; nil: nothing.
  private static func fault(_ limits: StatedLimits) -> String? {
    for bound in limits.bounds {
      if let range = limits.range, !range.contains(bound.limit) {
        let unit = limits.unit
        return
          "\(bound.comparison.rawValue) \(bound.limit) \(unit): expected a limit of \(range.lowerBound) to \(range.upperBound) \(unit)"
      }
    }
    for one in limits.bounds where isUpper(one) {
      for other in limits.bounds where !isUpper(other) {
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

  // MARK: Advice

  /// What is right and may still silence or tire people; in the order of the rules.
  /// - Parameters:
  ///   - sharesScale: several users stand on the patient's scale.
  ///   - today: in days since 1970; nil: dates are not looked at.
  static func advice(_ plan: Plan, _ top: JSONNode, sharesScale: Bool = false, today: Int64? = nil) -> [JSONError] {
    guard let members = try? JSONMembers(top) else { return [] }
    let nodes = (try? members["rules"]?.array()) ?? []
    var found: [JSONError] = []
    for (rule, node) in zip(plan.rules, nodes) where rule.isEnabled {
      let texts = advice(rule, plan, sharesScale) + (today.map { dates(rule, today: $0) } ?? [])
      found += texts.map { node.error("advice", "\(rule.id): \($0)") }
    }
    if plan.liveWindow < 300_000, let node = members["live_window"] {
      found.append(
        node.error(
          "advice", "a value that comes some minutes late is told as an old one, in yellow: lengthen live_window"))
    }
    if let today, let review = plan.reviewBy, review < today, let node = members["review_by"] {
      found.append(node.error("advice", "the review is due since \(ISO8601.date(day: review))"))
    }
    if let today, let list = try? members["pause"]?.array() {
      for (pause, node) in zip(plan.pauses, list) where pause.to < today {
        found.append(node.error("advice", "the pause is over since \(ISO8601.date(day: pause.to))"))
      }
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

  /// Dates that leave a rule out of force, now or for long.
  private static func dates(_ rule: Rule, today: Int64) -> [String] {
    var found: [String] = []
    if let to = rule.validTo, to < today {
      found.append("it is not in force any more, since \(ISO8601.date(day: to)): it judges nothing")
    }
    if let from = rule.validFrom, from > today + 366 {
      found.append("it is in force from \(ISO8601.date(day: from)) on: is the year right?")
    }
    return found
  }

  private static func advice(_ rule: Rule, _ plan: Plan, _ sharesScale: Bool) -> [String] {
    var found: [String] = []
    if let scale = rule.kind.statedScale {
      found += decides(scale) + gaps(scale) + swapped(scale) + slack(scale)
      if !scale.zones.isEmpty, rule.kind.zonesTold.isEmpty {
        found.append("no zone but green: nobody is ever told anything")
      }
    }
    found += rule.kind.advice(rule, in: plan)
    let zones = rule.kind.zonesTold
    if zones.contains(.red), rule.quiet > day { found.append("a red is held for more than a day: shorten quiet") }
    if let confirm = rule.kind.confirm, confirm.within > 3_600_000 {
      found.append("a repeat is awaited for more than an hour before anybody is told: shorten within")
    }
    // A measurement that is missing is no value.
    let judgesValues = !rule.measures.isEmpty && !rule.kind.isTimed
    if judgesValues, !zones.isEmpty, !zones.contains(.red),
      !plan.rules.contains(where: { other in
        other.isEnabled && other.kind.zonesTold.contains(.red) && !other.kind.isTimed
          && other.measures.contains { rule.measures.contains($0) }
      })
    {
      found.append("nothing of \(rule.measures.map(\.rawValue).joined(separator: ", ")) is ever red")
    }
    if judgesValues, rule.measures.contains(.weight), !plan.isSingleUser, sharesScale {
      found.append("several people stand on this scale: a weight far from the patient's is asked about first")
    }
    if zones.contains(.red), rule.retell == nil {
      found.append("a red that nobody takes notice of is told once: add retell")
    }
    return found
  }

  /// W1: a zone that never decides, or a side on which the worst value of all is green.
  private static func decides(_ scale: StatedScale) -> [String] {
    let zones = scale.zones
    var found: [String] = []
    for (index, zone) in zones.enumerated() where zone.zone > .green {
      let isCovered = zones.enumerated().contains { other, wider in
        other != index && (wider.zone > zone.zone || (wider == zone && other < index))
          && Span(zone).isInside(Span(wider))
      }
      if isCovered { found.append("\(words(zone)) never decides: a zone that is no milder holds wherever it does") }
    }
    guard scale.takesBeyond else { return found }
    // Of a zone with two bounds that lies between green and nothing, the far bound ends what is told.
    for above in [true, false] {
      let ends = zones.filter { $0.zone > .green && $0.bounds.count > 1 }.flatMap(\.bounds)
        .contains { isUpper($0) != above && !isOpen(beyond: $0, of: scale) }
      if ends {
        found.append(
          "a value \(above ? "above" : "below") all that can be measured is green: leave its outermost zone open")
      }
    }
    return found
  }

  /// Whether all that lies beyond a zone's bound, away from what is usual, is in some zone; true of the bound that faces it.
  private static func isOpen(beyond bound: ZoneLimit.Bound, of scale: StatedScale) -> Bool {
    let above = !isUpper(bound)
    guard let usual = scale.usual, above ? usual < bound.limit : bound.limit < usual else { return true }
    return scale.zones.contains { zone in
      zone.zone > .green && zone.bounds.allSatisfy { isUpper($0) == above }
    }
  }

  /// Values between two zones that are in none: they are green, and nobody wrote it. What is usual lies in no zone by intention, unless
  /// the plan says where green is.
  private static func gaps(_ scale: StatedScale) -> [String] {
    let limits = scale.zones.flatMap { $0.bounds.map(\.limit) }.sorted()
    guard let first = limits.first, let last = limits.last, let below = first.subtracting(ExactDecimal(1)),
      let above = last.adding(ExactDecimal(1))
    else { return [] }
    // Between two limits nothing changes: the limits, a value between each two and one beyond either end stand for all.
    var samples = [below, first]
    for (left, right) in zip(limits, limits.dropFirst()) where left < right {
      if let middle = left.adding(right)?.times(ExactDecimal(5, exponent: -1)) { samples.append(middle) }
      samples.append(right)
    }
    samples.append(above)
    let isCovered = samples.map { sample in scale.zones.contains { $0.holds(sample) } }
    guard let start = isCovered.firstIndex(of: true), let end = isCovered.lastIndex(of: true) else { return [] }
    var gaps: [(from: ExactDecimal, to: ExactDecimal)] = []
    for index in start..<end where isCovered[index] && !isCovered[index + 1] {
      guard let next = (index + 1...end).first(where: { isCovered[$0] }) else { continue }
      let inside = samples[index + 1..<next]
      guard let from = limits.last(where: { $0 <= (inside.first ?? first) }),
        let to = limits.first(where: { (inside.last ?? last) <= $0 })
      else { continue }
      gaps.append((from, to))
    }
    if !scale.zones.contains(where: { $0.zone == .green }) {
      if let usual = scale.usual {
        gaps.removeAll { $0.from <= usual && usual <= $0.to }
      } else if gaps.count == 1 {
        gaps = []
      }
    }
    return gaps.map { gap in
      gap.from == gap.to
        ? "\(gap.from) itself is in no zone and counts as green"
        : "what lies between \(gap.from) and \(gap.to) is in no zone and counts as green"
    }
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
  private static func swapped(_ scale: StatedScale) -> [String] {
    guard let usual = scale.usual else { return [] }
    return scale.zones.filter { $0.zone > .green && $0.holds(usual) }.map {
      "\(words($0)) holds for the usual value \(usual): is the comparison the right way round?"
    }
  }

  /// W3: hysteresis or the step of what is worse reaches from one side to the other.
  private static func slack(_ scale: StatedScale) -> [String] {
    if let usual = scale.usual, !scale.hysteresis.isZero {
      for zone in scale.zones where zone.zone > .green && zone.bounds.count == 1 && !zone.holds(usual) {
        guard let bound = zone.bounds.first,
          let moved = isUpper(bound)
            ? bound.limit.subtracting(scale.hysteresis) : bound.limit.adding(scale.hysteresis),
          ZoneLimit(zone.zone, [.init(bound.comparison, moved)]).holds(usual)
        else { continue }
        return ["hysteresis \(scale.hysteresis): the usual value \(usual) does not end \(words(zone))"]
      }
    }
    let abnormal = scale.zones.filter { $0.zone > .green && $0.bounds.count == 1 }
    let low = abnormal.flatMap(\.bounds).filter { !isUpper($0) }.map(\.limit).max()
    let high = abnormal.flatMap(\.bounds).filter { isUpper($0) }.map(\.limit).min()
    guard let low, let high, low < high, let distance = high.subtracting(low) else { return [] }
    let (hysteresis, step) = (scale.hysteresis, scale.worseBy ?? .zero)
    var found: [String] = []
    if !hysteresis.isZero, !(hysteresis < distance) {
      found.append("hysteresis \(hysteresis) reaches from the low side to the high one")
    }
    if !step.isZero, !(step < distance) { found.append("worse_by \(step) reaches from the low side to the high one") }
    return found
  }
}
