// What a plan's file says of one rule: its values by key, read by the kind that knows them. Anything unknown refuses the rule.

package import JSON
package import Readings
internal import Zones

/// The members of a rule in a plan's file.
package struct RuleFields {
  /// The keys of every rule.
  package static let common = [
    "id", "kind", "enabled", "quiet", "valid_hours", "message", "valid_from", "valid_to", "retell",
  ]

  private let members: JSONMembers

  /// A rule's members. Throws for a key that neither every rule nor its kind knows.
  init(_ node: JSONNode, keys: [String]) throws(JSONError) {
    members = try node.object(known: RuleFields.common + keys)
  }

  /// A member that may be missing.
  package subscript(key: String) -> JSONNode? { members[key] }

  /// A member that must be there.
  package func required(_ key: String, _ expectation: String) throws(JSONError) -> JSONNode {
    try members.required(key, expectation)
  }

  /// Why the rule as a whole is refused.
  package func error(_ code: String, _ message: String) -> JSONError { members.node.error(code, message) }

  // MARK: Values that several kinds have

  /// The value that is watched.
  package func measure() throws(JSONError) -> Measure {
    try RuleFields.measure(try required("measure", "what is watched"))
  }

  /// The value that is watched.
  package static func measure(_ node: JSONNode) throws(JSONError) -> Measure {
    guard let measure = Measure(rawValue: try node.string(of: Measure.allCases.map(\.rawValue))) else {
      throw node.error("invalid-value", "an unknown measure")
    }
    return measure
  }

  /// The zone that a rule without limits brings about: yellow or red.
  package func zone() throws(JSONError) -> Zone {
    let text = try required("zone", "yellow or red").string(of: ["yellow", "red"])
    return Zone(rawValue: text) ?? .yellow
  }

  /// How far a trend looks back, in milliseconds.
  package func window() throws(JSONError) -> Int64 {
    try RuleFields.duration(try required("window", "a duration such as \"P3D\""))
  }

  /// Milliseconds, at most as long as values are kept.
  package static func duration(_ node: JSONNode) throws(JSONError) -> Int64 {
    try node.duration(upTo: PatientHistory.length)
  }

  /// Milliseconds under a key that may be missing.
  package func duration(_ key: String) throws(JSONError) -> Int64? {
    try members[key].map { node throws(JSONError) in try RuleFields.duration(node) }
  }

  /// Hours of a day.
  package static func hours(_ node: JSONNode) throws(JSONError) -> DayHours {
    let text = try node.string()
    guard let hours = DayHours(text) else {
      throw node.error("invalid-value", "expected hours such as \"07:00-10:00\", found \"\(text)\"")
    }
    return hours
  }

  /// `k` of the newest `of`.
  package func counts() throws(JSONError) -> (k: Int, of: Int) {
    let of = try required("of", "of how many readings").int(in: 1...100)
    return (try required("k", "how many readings").int(in: 1...of), of)
  }

  // MARK: Limits

  /// `zones` and `hysteresis` in the measure's unit, and as they were given where that was another.
  package func limits(
    _ measure: Measure, difference: Bool = false, isConverted: Bool = true
  ) throws(JSONError) -> (zones: [ZoneLimit], hysteresis: ExactDecimal, given: GivenLimits?) {
    let node = try required("zones", "a list of zones")
    var zones: [ZoneLimit] = []
    for item in try node.array() { zones.append(try RuleFields.zoneLimit(item)) }
    guard !zones.isEmpty else { throw node.error("invalid-value", "expected at least one zone") }
    let hysteresis = try members["hysteresis"].map { node throws(JSONError) in try RuleFields.decimal(node) } ?? .zero
    guard let unit = try unit([measure]), isConverted else { return (zones, hysteresis, nil) }
    let given = GivenLimits(unit: unit, zones: zones, hysteresis: hysteresis)
    for index in zones.indices {
      for place in zones[index].bounds.indices {
        zones[index].bounds[place].limit = try RuleFields.converted(
          zones[index].bounds[place].limit, unit, node, difference: difference)
      }
    }
    let slack = try RuleFields.converted(hysteresis, unit, members["hysteresis"] ?? node, difference: true)
    return (zones, slack, given)
  }

  /// The unit of the limits, where it is not that of the measures.
  package func unit(_ measures: [Measure]) throws(JSONError) -> UCUM? {
    guard let node = members["unit"] else { return nil }
    let text = try node.string()
    let known = measures.first?.units.filter { unit in measures.allSatisfy { $0.units.contains(unit) } } ?? []
    guard let unit = UCUM(named: text), known.contains(unit) else {
      let names = known.map(\.rawValue).joined(separator: ", ")
      throw node.error(
        "invalid-value",
        known.isEmpty
          ? "these measures have no unit in common, found \"\(text)\"" : "expected one of \(names), found \"\(text)\"")
    }
    return unit == measures.first?.unit ? nil : unit
  }

  /// A limit in the measure's unit, exactly.
  package static func converted(
    _ limit: ExactDecimal, _ unit: UCUM, _ node: JSONNode, difference: Bool = false
  ) throws(JSONError) -> ExactDecimal {
    guard let converted = unit.canonicalLimit(limit, difference: difference) else {
      throw node.error("invalid-value", "\(limit) \(unit.symbol) has too many digits to be converted")
    }
    return converted
  }

  /// `{"red": {"gte": "180"}}`.
  package static func zoneLimit(_ node: JSONNode) throws(JSONError) -> ZoneLimit {
    let members = try node.objectOfAnyKeys()
    guard members.count == 1, let member = members.first else {
      throw node.error("invalid-value", "expected one zone, such as {\"red\": {\"gte\": \"180\"}}")
    }
    _ = try node.object(known: Zone.allCases.map(\.rawValue))
    guard let zone = Zone(rawValue: member.key) else { throw node.error("invalid-value", "an unknown zone") }
    let limits = try member.value.object(known: ZoneLimit.Comparison.allCases.map(\.rawValue))
    var bounds: [ZoneLimit.Bound] = []
    for comparison in ZoneLimit.Comparison.allCases {
      if let node = limits[comparison.rawValue] { bounds.append(.init(comparison, try decimal(node))) }
    }
    guard !bounds.isEmpty else { throw member.value.error("invalid-value", "expected a limit: lt, lte, gt or gte") }
    return ZoneLimit(zone, bounds)
  }

  /// How far out counts as worse, in the measure's unit; nil: the measure's own step.
  package func worseBy(_ measures: [Measure], difference: Bool = true) throws(JSONError) -> ExactDecimal? {
    guard let node = members["worse_by"] else { return nil }
    let given = try RuleFields.decimal(node)
    guard !given.isNegative else { throw node.error("invalid-value", "expected zero or more, found \"\(given)\"") }
    guard difference, let unit = try unit(measures) else { return given }
    return try RuleFields.converted(given, unit, node, difference: true)
  }

  /// A repeat that decides.
  package func confirmation() throws(JSONError) -> Confirmation? {
    guard let given = try members["confirm"]?.object(known: ["n", "within"]) else { return nil }
    return Confirmation(
      count: try given.required("n", "how many readings in all").int(in: 2...10),
      within: try given.required("within", "a duration such as \"PT15M\"").duration(upTo: 86_400_000))
  }

  /// Limits are decimal strings: a number would pass through binary floating point on its way.
  package static func decimal(_ node: JSONNode) throws(JSONError) -> ExactDecimal {
    let text = try node.string()
    guard let decimal = ExactDecimal(text) else {
      throw node.error("invalid-value", "expected a decimal number in quotes, such as \"37.5\", found \"\(text)\"")
    }
    return decimal
  }
}

extension Rule {
  /// Reads a rule of a plan's file. Throws the first fault.
  package init(_ node: JSONNode) throws(JSONError) {
    let names = Rule.kinds.map { $0.name }
    let kindNode = try node.objectOfAnyKeys().first { $0.key == "kind" }?.value
    guard let kindNode else {
      throw node.error("missing-key", "missing key \"kind\": expected one of \(names.joined(separator: ", "))")
    }
    let name = try kindNode.string(of: names)
    guard let type = Rule.kinds.first(where: { $0.name == name }) else {
      throw kindNode.error("invalid-value", "an unknown kind")
    }
    let fields = try RuleFields(node, keys: type.keys)
    let kind = try type.init(fields)
    self.init(
      id: try fields.required("id", "the rule's name").identifier(), isEnabled: try fields["enabled"]?.bool() ?? true,
      kind: kind)
    if let length = try fields.duration("quiet") { quiet = length }
    if let node = fields["valid_hours"] {
      if case .array = node.content {
        for item in try node.array() { hours.append(try RuleFields.hours(item)) }
        guard !hours.isEmpty else { throw node.error("invalid-value", "expected at least one span of hours") }
      } else {
        hours = [try RuleFields.hours(node)]
      }
    }
    message = try fields["message"]?.string()
    validFrom = try fields["valid_from"].map { node throws(JSONError) in try node.date() }
    validTo = try fields["valid_to"].map { node throws(JSONError) in try node.date() }
    if let from = validFrom, let to = validTo, to < from, let node = fields["valid_to"] {
      throw node.error("invalid-value", "expected a date not before \"valid_from\"")
    }
    if let node = fields["retell"] {
      let members = try node.object(known: ["every", "times", "after_ack"])
      if let every = try members["every"]?.duration(upTo: 86_400_000) {
        retell = Retelling(every: every, times: try members.required("times", "how often, 1 to 12").int(in: 1...12))
      } else if let times = members["times"] {
        throw times.error("missing-key", "\"times\" needs \"every\", a duration such as \"PT30M\"")
      }
      if let after = try members["after_ack"]?.duration(upTo: 30 * 86_400_000) { afterAcknowledgement = after }
    }
  }
}

/// How much may stand under a key of a rule, so that all that it can cause is bounded. Newer than the first plans: one that is in
/// force already stays so, with a warning.
package enum RuleBound: Sendable, Hashable {
  /// Elements of a list.
  case count(key: String, atMost: Int, of: String)
  /// Days of a duration.
  case days(key: String, atMost: Int)

  /// Zones of a rule.
  package static let zones = RuleBound.count(key: "zones", atMost: 16, of: "zones")
  /// How far a trend looks back.
  package static let window = RuleBound.days(key: "window", atMost: 366)
}

extension JSONNode {
  /// Milliseconds of an ISO 8601 duration of days, hours, minutes and seconds, such as `PT72H` or `P3DT12H`.
  package func duration(upTo longest: Int64) throws(JSONError) -> Int64 {
    let text = try string()
    guard let milliseconds = ISO8601Duration.milliseconds(text), milliseconds <= longest else {
      let day: Int64 = 86_400_000
      let most = longest % day == 0 ? "P\(longest / day)D" : "PT\(longest / 1000)S"
      throw error(
        "invalid-value",
        "expected a duration such as \"PT15M\", \"PT72H\" or \"P3D\", at most \"\(most)\", found \"\(text)\"")
    }
    return milliseconds
  }

  /// A date such as `2026-11-21`, in days since 1970.
  package func date() throws(JSONError) -> Int64 {
    let text = try string()
    guard let day = ISO8601.day(text) else {
      throw error("invalid-value", "expected a date such as \"2026-11-21\", found \"\(text)\"")
    }
    return day
  }

  /// A name that stands in file names, cursors and commands.
  package func identifier() throws(JSONError) -> String {
    let text = try string()
    guard Reference.isValid(text) else {
      throw error("invalid-value", "expected 1 to 64 letters, digits, \"-\", \"_\" or \".\", found \"\(text)\"")
    }
    return text
  }
}
