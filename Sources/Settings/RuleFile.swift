// Reading one rule of a plan: the keys that its kind knows, and no other.

internal import JSON
internal import Monitoring
internal import Readings

enum RuleFile {
  private static let kinds = ["band", "delta", "average", "consecutive", "missing", "bits", "quality", "device"]
  private static let common = ["id", "kind", "enabled", "quiet", "valid_hours", "message"]

  static func read(_ node: JSONNode) throws(JSONError) -> Rule {
    let kindNode = try node.objectOfAnyKeys().first { $0.key == "kind" }?.value
    guard let kindNode else {
      throw node.error("missing-key", "missing key \"kind\": expected one of \(kinds.joined(separator: ", "))")
    }
    let kind: RuleKind
    switch try kindNode.string(of: kinds) {
    case "band": kind = try band(node)
    case "delta": kind = try delta(node)
    case "average": kind = try average(node)
    case "consecutive": kind = try consecutive(node)
    case "missing": kind = try missing(node)
    case "bits": kind = .bits(try bits(node, isQuality: false))
    case "quality": kind = .quality(try bits(node, isQuality: true))
    default: kind = try device(node)
    }
    let object = try JSONMembers(node)
    var rule = Rule(
      id: try ConfigurationFile.identifier(try object.required("id", "the rule's name")),
      isEnabled: try object["enabled"]?.bool() ?? true, kind: kind)
    if let node = object["quiet"] { rule.quiet = try duration(node) }
    if let node = object["valid_hours"] { rule.hours = try hours(node) }
    rule.message = try object["message"]?.string()
    return rule
  }

  private static func band(_ node: JSONNode) throws(JSONError) -> RuleKind {
    let object = try node.object(known: common + ["measure", "unit", "zones", "hysteresis", "confirm", "immediate"])
    let measure = try measure(object)
    var confirm: Confirmation?
    if let given = try object["confirm"]?.object(known: ["n", "within"]) {
      confirm = Confirmation(
        count: try given.required("n", "how many readings in all").int(in: 2...10),
        within: try ConfigurationFile.duration(
          try given.required("within", "a duration such as \"PT15M\""), upTo: 86_400_000))
    }
    let limits = try LimitFile.read(object, measure)
    var rule = BandRule(
      measure: measure, zones: limits.zones, hysteresis: limits.hysteresis, confirm: confirm,
      isImmediate: try object["immediate"]?.bool() ?? false)
    rule.given = limits.given
    return .band(rule)
  }

  private static func delta(_ node: JSONNode) throws(JSONError) -> RuleKind {
    let object = try node.object(
      known: common + ["measure", "unit", "from", "window", "min_points", "zones", "hysteresis"])
    let text = try object.required("from", "what the value is held against").string(
      of: DeltaRule.Reference.allCases.map(\.rawValue))
    let measure = try measure(object)
    let limits = try LimitFile.read(object, measure, difference: true)
    var rule = DeltaRule(
      measure: measure, reference: DeltaRule.Reference(rawValue: text) ?? .min, window: try window(object),
      minimumPoints: try object["min_points"]?.int(in: 2...1000) ?? 2, zones: limits.zones,
      hysteresis: limits.hysteresis)
    rule.given = limits.given
    return .delta(rule)
  }

  private static func average(_ node: JSONNode) throws(JSONError) -> RuleKind {
    let object = try node.object(known: common + ["measure", "unit", "window", "drop_first_day", "min_count", "zones"])
    let measureNode = try object.required("measure", "what is watched, or a list of it")
    var measures: [Measure] = []
    if case .array = measureNode.content {
      for item in try measureNode.array() { measures.append(try Self.measure(item)) }
    } else {
      measures = [try measure(measureNode)]
    }
    guard !measures.isEmpty else { throw measureNode.error("invalid-value", "expected at least one measure") }
    let zonesNode = try object.required("zones", "a list of zones")
    var limits: [AverageRule.AnyLimit] = []
    for item in try zonesNode.array() { limits += try anyLimits(item, measures.count) }
    guard !limits.isEmpty else { throw zonesNode.error("invalid-value", "expected at least one zone") }
    let unit = try LimitFile.unit(object, measures)
    var rule = AverageRule(
      measures: measures, window: try window(object), dropsFirstDay: try object["drop_first_day"]?.bool() ?? false,
      minimumCount: try object["min_count"]?.int(in: 1...1000) ?? 1, zones: limits)
    if let unit {
      rule.given = (unit, limits)
      for index in limits.indices {
        for (place, limit) in limits[index].limits.enumerated() {
          rule.zones[index].limits[place] = try LimitFile.converted(limit, unit, zonesNode)
        }
      }
    }
    return .average(rule)
  }

  /// `{"yellow": {"any_gte": ["135", "85"]}}`, or with one measure `{"yellow": {"gte": "135"}}`.
  private static func anyLimits(_ node: JSONNode, _ count: Int) throws(JSONError) -> [AverageRule.AnyLimit] {
    let members = try node.objectOfAnyKeys()
    guard members.count == 1, let member = members.first, let zone = Zone(rawValue: member.key) else {
      throw node.error("invalid-value", "expected one zone, such as {\"yellow\": {\"any_gte\": [\"135\", \"85\"]}}")
    }
    let comparisons = ZoneLimit.Comparison.allCases
    let given = try member.value.object(known: comparisons.flatMap { [$0.rawValue, "any_\($0.rawValue)"] })
    var limits: [AverageRule.AnyLimit] = []
    for comparison in comparisons {
      if let node = given["any_\(comparison.rawValue)"] {
        var bounds: [ExactDecimal] = []
        for item in try node.array() { bounds.append(try PlanFile.decimal(item)) }
        guard bounds.count == count else {
          throw node.error("invalid-value", "expected a limit for each of the \(count) measures, found \(bounds.count)")
        }
        limits.append(.init(zone: zone, comparison: comparison, limits: bounds))
      }
      if let node = given[comparison.rawValue] {
        guard count == 1 else {
          throw node.error("invalid-value", "with \(count) measures expected any_\(comparison.rawValue) and a list")
        }
        limits.append(.init(zone: zone, comparison: comparison, limits: [try PlanFile.decimal(node)]))
      }
    }
    guard !limits.isEmpty else { throw member.value.error("invalid-value", "expected a limit") }
    return limits
  }

  private static func consecutive(_ node: JSONNode) throws(JSONError) -> RuleKind {
    let object = try node.object(known: common + ["measure", "unit", "k", "of", "zones"])
    let (k, of) = try counts(object)
    let measure = try measure(object)
    let limits = try LimitFile.read(object, measure)
    var rule = ConsecutiveRule(measure: measure, k: k, of: of, zones: limits.zones)
    rule.given = limits.given
    return .consecutive(rule)
  }

  private static func missing(_ node: JSONNode) throws(JSONError) -> RuleKind {
    let object = try node.object(
      known: common + ["measure", "slots", "days", "max_interval", "grace", "remind_after", "zone"])
    let schedule: MissingRule.Schedule
    switch (object["slots"], object["max_interval"]) {
    case (let slots?, nil):
      var list: [DayHours] = []
      for item in try slots.array() { list.append(try hours(item)) }
      guard !list.isEmpty else {
        throw slots.error("invalid-value", "expected at least one slot such as \"07:00-10:00\"")
      }
      var days: [Int] = []
      let names = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
      for item in try object["days"]?.array() ?? [] {
        if let index = names.firstIndex(of: try item.string(of: names)) { days.append(index + 1) }
      }
      schedule = .slots(list, days: days)
    case (nil, let interval?): schedule = .interval(try duration(interval))
    default: throw node.error("missing-key", "expected one of \"slots\" and \"max_interval\"")
    }
    return .missing(
      MissingRule(
        measure: try measure(object), schedule: schedule,
        grace: try object["grace"].map { node throws(JSONError) in try duration(node) } ?? 0,
        remindAfter: try object["remind_after"].map { node throws(JSONError) in try duration(node) },
        zone: try zone(object)))
  }

  private static func bits(_ node: JSONNode, isQuality: Bool) throws(JSONError) -> BitsRule {
    let object = try node.object(known: common + ["measure", "bit", "k", "of", "zone"])
    let (k, of) = try counts(object)
    let readingKinds: [String: ReadingKind] = [
      "bp.status": .bloodPressure, "spo2.status": .pulseOximetry, "weight.status": .bodyWeight,
      "temperature.status": .bodyTemperature, "glucose.status": .glucose,
    ]
    var kind: ReadingKind?
    if let node = object["measure"] { kind = readingKinds[try node.string(of: readingKinds.keys.sorted())] }
    let flags: [ReadingFlag]
    if let node = object["bit"] {
      guard let flag = ReadingFlag(rawValue: try node.string()) else {
        throw node.error("invalid-value", "an unknown flag; a reading's flags are named like irregular-pulse")
      }
      flags = [flag]
    } else if isQuality {
      flags = [
        .questionable, .implausible, .signalPoor, .bodyMovement, .cuffTooLoose, .improperPosition, .suspectPerson,
      ]
    } else {
      throw node.error("missing-key", "missing key \"bit\": expected a flag such as irregular-pulse")
    }
    return BitsRule(readingKind: kind, flags: flags, k: k, of: of, zone: try zone(object))
  }

  private static func device(_ node: JSONNode) throws(JSONError) -> RuleKind {
    let object = try node.object(known: common + ["battery_below", "clock_beyond", "silent_for", "zone"])
    let watch: DeviceRule.Watch
    switch (object["battery_below"], object["clock_beyond"], object["silent_for"]) {
    case (let node?, nil, nil): watch = .battery(below: try node.int(in: 1...100))
    case (nil, let node?, nil): watch = .clock(beyond: try duration(node))
    case (nil, nil, let node?): watch = .silent(for: try duration(node))
    default: throw node.error("missing-key", "expected one of \"battery_below\", \"clock_beyond\" and \"silent_for\"")
    }
    return .device(DeviceRule(watch: watch, zone: try zone(object)))
  }

  // MARK: Values

  private static func measure(_ object: JSONMembers) throws(JSONError) -> Measure {
    try measure(try object.required("measure", "what is watched"))
  }

  private static func measure(_ node: JSONNode) throws(JSONError) -> Measure {
    guard let measure = Measure(rawValue: try node.string(of: Measure.allCases.map(\.rawValue))) else {
      throw node.error("invalid-value", "an unknown measure")
    }
    return measure
  }

  private static func zone(_ object: JSONMembers) throws(JSONError) -> Zone {
    let text = try object.required("zone", "yellow or red").string(of: ["yellow", "red"])
    return Zone(rawValue: text) ?? .yellow
  }

  private static func window(_ object: JSONMembers) throws(JSONError) -> Int64 {
    try duration(try object.required("window", "a duration such as \"P3D\""))
  }

  private static func duration(_ node: JSONNode) throws(JSONError) -> Int64 {
    try ConfigurationFile.duration(node, upTo: PatientHistory.length)
  }

  private static func hours(_ node: JSONNode) throws(JSONError) -> DayHours {
    let text = try node.string()
    guard let hours = DayHours(text) else {
      throw node.error("invalid-value", "expected hours such as \"07:00-10:00\", found \"\(text)\"")
    }
    return hours
  }

  private static func counts(_ object: JSONMembers) throws(JSONError) -> (k: Int, of: Int) {
    let of = try object.required("of", "of how many readings").int(in: 1...50)
    return (try object.required("k", "how many readings").int(in: 1...of), of)
  }
}
