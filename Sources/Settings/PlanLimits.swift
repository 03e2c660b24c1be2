// A rule of a plan as those see it who draw it or hand it on: kind, values, limits in the units of the values.

package import JSON
package import Monitoring
internal import Readings

/// A rule of a plan as JSON for those who read it.
package enum PlanLimits {
  /// `id`, `kind`, `enabled`, and what the kind has of `measures`, `zones`, `averages`, `window_seconds`, `hours`.
  package static func json(_ rule: Rule) -> JSONObject {
    var object = JSONObject()
    object["id"] = .string(rule.id)
    object["kind"] = .string(rule.kind.name)
    object["enabled"] = .bool(rule.isEnabled)
    if !rule.measures.isEmpty { object["measures"] = .array(rule.measures.map { .string($0.rawValue) }) }
    if let hours = rule.hours { object["hours"] = .string(hours.text) }
    switch rule.kind {
    case .band(let band): object["zones"] = zones(band.zones)
    case .delta(let delta):
      object["zones"] = zones(delta.zones)
      object["window_seconds"] = .int(delta.window / 1000)
    case .average(let average):
      object["averages"] = .array(
        average.zones.map { limit in
          [
            "zone": .string(limit.zone.rawValue), "comparison": .string(limit.comparison.rawValue),
            "limits": .array(limit.limits.map { .string("\($0)") }),
          ]
        })
      object["window_seconds"] = .int(average.window / 1000)
    case .consecutive(let consecutive): object["zones"] = zones(consecutive.zones)
    case .missing, .bits, .quality, .device: break
    }
    return object
  }

  private static func zones(_ limits: [ZoneLimit]) -> JSONValue {
    .array(
      limits.map { limit in
        var object = JSONObject()
        object["zone"] = .string(limit.zone.rawValue)
        for bound in limit.bounds { object[bound.comparison.rawValue] = .string("\(bound.limit)") }
        return .object(object)
      })
  }
}
