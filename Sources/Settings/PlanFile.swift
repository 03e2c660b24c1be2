// Reading a patient's plan. Anything unknown refuses the whole file: a rule that is not understood must not be left out silently.

package import JSON
package import Monitoring

internal import Octets
internal import Readings
internal import Zones

/// The plan's file format.
package enum PlanFile {
  /// The plan of a file's octets, which must be of `patient` when that is given. Throws the first fault.
  package static func read(_ text: [UInt8], patient: String? = nil) throws(JSONError) -> Plan {
    try read(text, patient: patient, .strict).plan
  }

  /// The plan of a file's octets, and what stays in force although a newer rule refuses it. Throws the first fault.
  package static func read(
    _ text: [UInt8], patient: String? = nil, _ strictness: Strictness
  ) throws(JSONError) -> (plan: Plan, warnings: [SettingsWarning]) {
    var newer = NewerRules(strictness)
    let node = try JSONReader(dialect: .configuration, maximumSize: 1 << 20).node(text)
    let plan = try plan(node, patient: patient)
    try PatientRule.check(plan: node, newer)
    try PatientRule.nameless(plan: node, &newer)
    try PlanBounds.check(text.count, node, &newer)
    try PlanLint.check(plan, node, &newer)
    return (plan, newer.warnings)
  }

  /// The plan of an object that stands among others, and the object alone. Throws the first fault.
  package static func plan(_ node: JSONNode) throws(JSONError) -> (plan: Plan, text: [UInt8]) {
    let text = node.value.encoded()
    var newer = NewerRules(.strict)
    let plan = try plan(node, patient: nil)
    try PatientRule.check(plan: node, newer)
    try PatientRule.nameless(plan: node, &newer)
    try PlanBounds.check(text.count, node, &newer)
    try PlanLint.check(plan, node, &newer)
    return (plan, text)
  }

  /// What a plan's file is advised: what is right and may still silence or tire people. Empty for one that cannot be read.
  /// - Parameters:
  ///   - sharesScale: several users stand on the patient's scale.
  ///   - today: in days since 1970; nil: dates are not looked at.
  package static func advice(_ text: [UInt8], sharesScale: Bool = false, today: Int64? = nil) -> [JSONError] {
    guard let node = try? JSONReader(dialect: .configuration, maximumSize: 1 << 20).node(text),
      let plan = try? plan(node, patient: nil)
    else { return [] }
    return PlanLint.advice(plan, node, sharesScale: sharesScale, today: today)
  }

  private static func plan(_ node: JSONNode, patient: String?) throws(JSONError) -> Plan {
    let top = try node.object(
      known: [
        "patient", "version", "set_by", "valid_from", "timezone", "live_window", "language", "rules", "single_user",
        "pause", "review_by",
      ])
    let patientNode = try top.required("patient", "the patient's reference")
    let name = try ConfigurationFile.identifier(patientNode)
    if let patient, patient != name {
      throw patientNode.error("invalid-value", "expected \"\(patient)\" as the file's name says, found \"\(name)\"")
    }
    let writtenBy = try top["set_by"]?.string()
    let validFrom = try top["valid_from"]?.date()
    var zone: String?
    if let node = top["timezone"] {
      let text = try node.string()
      guard TimeZoneRules.isValidName(text) else {
        throw node.error("invalid-value", "expected a time zone such as \"Europe/Oslo\", found \"\(text)\"")
      }
      zone = text
    }
    var plan = Plan(
      patient: name, version: try top.required("version", "a whole number").int(in: 0...Int(Int32.max)), timeZone: zone,
      liveWindow: try top["live_window"].map { node throws(JSONError) in
        try ConfigurationFile.duration(node, upTo: 30 * 86_400_000)
      } ?? 7_200_000, rules: [])
    if let text = try top["language"]?.string(of: PlanLanguage.allCases.map(\.rawValue)) {
      plan.language = PlanLanguage(rawValue: text) ?? .bokmal
    }
    (plan.writtenBy, plan.validFrom) = (writtenBy, validFrom)
    plan.isSingleUser = try top["single_user"]?.bool() ?? false
    plan.reviewBy = try top["review_by"]?.date()
    plan.digest = digest(node.value.encoded())
    let pauses = try top["pause"]?.array() ?? []
    for node in pauses { plan.pauses.append(try pause(node)) }
    // Last: what is wrong beside the rules is told beside what is wrong in them.
    var rules: [Rule] = []
    var ids: Set<String> = []
    let rulesNode = try top.required("rules", "a list of rules")
    for node in try rulesNode.array() {
      let rule = try Rule(node)
      guard ids.insert(rule.id).inserted else {
        throw node.error("invalid-value", "id: \"\(rule.id)\" is used twice")
      }
      rules.append(rule)
    }
    plan.rules = rules
    for node in pauses {
      guard let names = try JSONMembers(node)["rules"] else { continue }
      for name in try names.array() {
        let id = try name.string()
        guard ids.contains(id) else { throw name.error("invalid-value", "the plan has no rule \"\(id)\"") }
      }
    }
    return plan
  }

  /// Dates on which rules are not in force.
  private static func pause(_ node: JSONNode) throws(JSONError) -> Pause {
    let members = try node.object(known: ["from", "to", "rules", "note"])
    let from = try members.required("from", "the first date, such as \"2026-12-20\"").date()
    let toNode = try members.required("to", "the last date, such as \"2027-01-03\"")
    let to = try toNode.date()
    guard to >= from else { throw toNode.error("invalid-value", "expected a date not before \"from\"") }
    guard to - from < 366 else { throw toNode.error("out-of-bounds", "expected at most 366 days") }
    var pause = Pause(from: from, to: to)
    if let rules = members["rules"] {
      var names: [String] = []
      for name in try rules.array() { names.append(try name.string()) }
      pause.rules = names
    }
    pause.note = try members["note"]?.string()
    return pause
  }

  /// A number that tells one plan from another: FNV-1a of its JSON.
  private static func digest(_ octets: [UInt8]) -> UInt64 {
    max(1, FNV1a.hash(octets))
  }

  /// All that is wrong with a plan's file: of each rule its first fault, and the first beside the rules. Empty: it is good.
  /// - Parameter zoneFault: what is wrong with a zone of this name; nil when the machine knows it.
  package static func faults(_ text: [UInt8], zoneFault: (String) -> String? = { _ in nil }) -> [JSONError] {
    var faults: [JSONError] = []
    do throws(JSONError) {
      let node = try JSONReader(dialect: .configuration, maximumSize: 1 << 20).node(text)
      let members = try JSONMembers(node)
      for rule in try members["rules"]?.array() ?? [] {
        do throws(JSONError) { _ = try Rule(rule) } catch { faults.append(error) }
      }
      if let zone = members["timezone"], case .string(let name) = zone.content, TimeZoneRules.isValidName(name),
        let fault = zoneFault(name)
      {
        faults.append(zone.error("invalid-value", fault))
      }
      let warnings = try read(text, .lenient).warnings
      faults += warnings.map(\.error)
      try PatientRule.check(plan: node, NewerRules(.strict))
    } catch {
      if !faults.contains(error) { faults.append(error) }
    }
    return faults.sorted { ($0.place.line, $0.place.column) < ($1.place.line, $1.place.column) }
  }
}
