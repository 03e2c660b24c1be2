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
    if let first = rule.hours.first {
      object["hours"] = rule.hours.count == 1 ? .string(first.text) : .array(rule.hours.map { .string($0.text) })
    }
    rule.kind.describe(in: &object)
    return object
  }
}
