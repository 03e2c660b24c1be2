// The limits of a rule in the unit in which they were set, and in that of the values. Decimals stay decimals; a unit that does not
// belong to the measure refuses the file.

internal import JSON
internal import Monitoring
internal import Readings

enum LimitFile {
  /// A rule's `zones` and `hysteresis` in the measure's unit, and as they were given where that was another.
  static func read(
    _ object: JSONMembers, _ measure: Measure, difference: Bool = false
  ) throws(JSONError) -> (zones: [ZoneLimit], hysteresis: ExactDecimal, given: GivenLimits?) {
    let node = try object.required("zones", "a list of zones")
    var zones: [ZoneLimit] = []
    for item in try node.array() { zones.append(try PlanFile.zone(item)) }
    guard !zones.isEmpty else { throw node.error("invalid-value", "expected at least one zone") }
    let hysteresis = try object["hysteresis"].map { node throws(JSONError) in try PlanFile.decimal(node) } ?? .zero
    guard let unit = try unit(object, [measure]) else { return (zones, hysteresis, nil) }
    let given = GivenLimits(unit: unit, zones: zones, hysteresis: hysteresis)
    for index in zones.indices {
      for place in zones[index].bounds.indices {
        zones[index].bounds[place].limit = try converted(
          zones[index].bounds[place].limit, unit, node, difference: difference)
      }
    }
    return (zones, try converted(hysteresis, unit, object["hysteresis"] ?? node, difference: true), given)
  }

  /// The unit of the limits, where it is not that of the measures.
  static func unit(_ object: JSONMembers, _ measures: [Measure]) throws(JSONError) -> UCUM? {
    guard let node = object["unit"] else { return nil }
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

  static func converted(
    _ limit: ExactDecimal, _ unit: UCUM, _ node: JSONNode, difference: Bool = false
  ) throws(JSONError) -> ExactDecimal {
    guard let converted = unit.canonicalLimit(limit, difference: difference) else {
      throw node.error("invalid-value", "\(limit) \(unit.symbol) has too many digits to be converted")
    }
    return converted
  }
}
