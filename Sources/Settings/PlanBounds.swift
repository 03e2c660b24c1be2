// How large a plan may be: so that every record that it can cause fits into the journal, and the work that it asks for is bounded.
// They are newer than the first plans: one that is in force already stays so, with a warning.

internal import JSON
internal import Monitoring

/// The bounds of a patient's plan; what a kind of rule bounds beside them stands with the kind.
package enum PlanBounds {
  /// Octets of a plan's file.
  package static let octets = 65_536
  /// Rules of a plan.
  package static let rules = 64
  /// Characters of what people are told, and of who set the plan.
  package static let text = 500

  /// Holds a plan's file that can be read against its bounds.
  static func check(_ octets: Int, _ top: JSONNode, _ newer: inout NewerRules) throws(JSONError) {
    if octets > self.octets {
      try newer.refuse(
        top, "expected at most \(self.octets) octets, found \(octets)", code: PlanBounds.code)
    }
    let plan = try JSONMembers(top)
    if let node = plan["set_by"] { try checkText(node, &newer) }
    guard let list = plan["rules"] else { return }
    try check(list, atMost: rules, "rules", &newer)
    for node in try list.array() { try checkRule(JSONMembers(node), &newer) }
  }

  private static func checkRule(_ rule: JSONMembers, _ newer: inout NewerRules) throws(JSONError) {
    let name = try rule["kind"]?.string()
    let bounds = Rule.kinds.first { $0.name == name }?.bounds ?? []
    for case .count(let key, let most, let what) in bounds {
      if let node = rule[key], case .array = node.content { try check(node, atMost: most, what, &newer) }
    }
    if let node = rule["message"] { try checkText(node, &newer) }
    for case .days(let key, let most) in bounds {
      if let node = rule[key], try node.duration(upTo: .max) > Int64(most) * 86_400_000 {
        try newer.refuse(node, "expected at most \"P\(most)D\", found \"\(try node.string())\"", code: code)
      }
    }
  }

  private static func check(
    _ node: JSONNode, atMost most: Int, _ what: String, _ newer: inout NewerRules
  ) throws(JSONError) {
    let count = try node.array().count
    guard count > most else { return }
    try newer.refuse(node, "expected at most \(most) \(what), found \(count)", code: code)
  }

  private static func checkText(_ node: JSONNode, _ newer: inout NewerRules) throws(JSONError) {
    let scalars = try node.string().unicodeScalars
    if scalars.count > text {
      try newer.refuse(node, "expected at most \(text) characters, found \(scalars.count)", code: code)
    }
    // A line end and a tab are text; what else is below a blank is none.
    if scalars.contains(where: { $0.value < 0x20 && $0 != "\n" && $0 != "\t" || $0.value == 0x7F }) {
      try newer.refuse(node, "expected a text without control characters", code: code)
    }
  }

  private static let code = "plan.bound"
}
