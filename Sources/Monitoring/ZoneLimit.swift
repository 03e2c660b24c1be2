// Limits of zones: the comparison of a value with them, in the unit of the measure and as they were set.

package import JSON
package import Readings

/// One limit of a zone. Both bounds given means both must hold.
package struct ZoneLimit: Sendable, Hashable {
  /// How a value is compared with a bound.
  package enum Comparison: String, Sendable, Hashable, CaseIterable {
    case lessThan = "lt"
    case atMost = "lte"
    case greaterThan = "gt"
    case atLeast = "gte"
  }

  /// A comparison with its bound.
  package struct Bound: Sendable, Hashable {
    /// How the value is compared.
    package var comparison: Comparison
    /// The limit, in the unit of the measure.
    package var limit: ExactDecimal
    package init(_ comparison: Comparison, _ limit: ExactDecimal) {
      self.comparison = comparison
      self.limit = limit
    }
  }

  /// The zone that the value is in when every bound holds.
  package var zone: Zone
  /// At least one.
  package var bounds: [Bound]

  package init(_ zone: Zone, _ bounds: [Bound]) {
    self.zone = zone
    self.bounds = bounds
  }

  /// True when a value lies in this zone.
  package func holds(_ value: ExactDecimal) -> Bool { holds(Ratio(value)) }
}

/// Limits in a unit other than the measure's. A device that measures in this unit is held against these: what it said is not rounded.
package struct GivenLimits: Sendable, Hashable {
  package var unit: UCUM
  /// The zones' limits in it.
  package var zones: [ZoneLimit] { scale.zones }
  package let scale: ZoneScale
  /// How far past the limit a value must be before a zone is left, in this unit.
  package var hysteresis: ExactDecimal

  /// Limits in another unit.
  package init(unit: UCUM, zones: [ZoneLimit], hysteresis: ExactDecimal = .zero) {
    self.unit = unit
    scale = ZoneScale(zones)
    self.hysteresis = hysteresis
  }
}

extension ZoneLimit {
  /// Limits for those who draw them.
  package static func json(_ limits: [ZoneLimit]) -> JSONValue {
    .array(
      limits.map { limit in
        var object = JSONObject()
        object["zone"] = .string(limit.zone.rawValue)
        for bound in limit.bounds { object[bound.comparison.rawValue] = .string("\(bound.limit)") }
        return .object(object)
      })
  }
}
