// The built-in rules over values that are not believed (plans-2, 1): a value outside of what can be, or a weight that may be somebody
// else's, is asked about at once and told as yellow; never only set aside.

package import JSON
package import Readings

/// Values of a measure that are not believed.
package struct DoubtRule: RuleKind {
  /// What is believed or not together.
  package let group: DoubtGroup

  private init(group: DoubtGroup) { self.group = group }

  /// What begins the name of such a rule; no rule of a plan may be called so.
  package static let prefix = "doubt."

  /// The rule of a group.
  static func rule(_ group: DoubtGroup) -> Rule {
    let name = group == .pressure ? "bp" : group.measures.first?.rawValue ?? ""
    return Rule(id: prefix + name, kind: DoubtRule(group: group), quiet: 3_600_000)
  }

  /// The rule of each group; a mean pressure is believed or not with the pressure.
  static let all = DoubtGroup.allCases.filter { $0 != .mean }.map(rule)

  /// The rule over weights that may be somebody else's.
  static let weight = rule(.weight)

  /// The measures that a plan must watch for a group's rule to be there.
  static func watching(_ group: DoubtGroup) -> [Measure] {
    group == .pressure ? [.systolic, .diastolic, .meanArterial] : group.measures
  }
}

extension DoubtRule {
  package static var name: String { "doubt" }
  package static var keys: [String] { [] }

  package init(_ fields: RuleFields) throws(JSONError) {
    throw fields.error("invalid-value", "a rule of this kind is built in")
  }

  package var measures: [Measure] { DoubtRule.watching(group) }
  package var confirm: Confirmation? { Confirmation(count: 2, within: Machine.usualWait) }

  /// What a reading comes to; nil: it says nothing of the group.
  /// - Parameter isUnbelieved: of each measure that is beyond range: the plan's limits say nothing about it.
  func finding(
    of seen: Sighting, hidesPulse: Bool, isBeyondUnbelieved: (Measure) -> Bool
  ) -> (Finding, NotJudgedReason)? {
    var worst: NotJudgedReason?
    var isSound = false
    // Of pressures that are not believed nothing else is told.
    if group == .pulse, hidesPulse, seen.pressure?.isUnbelieved ?? false { return nil }
    for measure in group.measures {
      guard let worth = seen.worth[measure] else { continue }
      if seen.beyond[measure] != nil, worth == .sound || worth == .doubted, isBeyondUnbelieved(measure) {
        worst = .notBelievable
        continue
      }
      switch worth {
      case .unbelieved: worst = .notBelievable
      case .suspect: if measure == .weight { worst = worst ?? .somebodyElse }
      case .sound, .accepted: isSound = true
      case .doubted, .test, .void: continue
      }
    }
    let (id, taken) = (seen.reading.id, seen.time)
    // What was measured, for those who read it; distance does not count.
    let value = group.measures.lazy.compactMap { seen.values[$0] }.first.map { FindingValue.number(Ratio($0)) } ?? .none
    if let worst { return (Finding(Rank(.yellow, 1), value: value, reading: id, taken: taken), worst) }
    return isSound ? (Finding(.green, value: value, reading: id, taken: taken), .notBelievable) : nil
  }

  package func detail(of finding: Finding, in reading: Reading?, _ view: HistoryView?) -> EventDetail {
    let measure = group.measures.first ?? .systolic
    var detail = EventDetail(finding, measure.rawValue)
    if detail.value != nil { detail.unit = measure.unit.rawValue }
    return detail
  }

  package func subject(_ language: PlanLanguage) -> String { PlanText.name(measures.first ?? .systolic, language) }

  package func explanation(_ words: PlanWords) -> String {
    let what = words.name(measures.first ?? .systolic)
    return words.say(
      "\(what): en verdi som ikke kan stemme, måles på nytt innen 15 minutter.",
      "\(what): ein verdi som ikkje kan stemme, blir målt på nytt innan 15 minutt.",
      "\(what): a value that cannot be right is measured again within 15 minutes.")
  }
}
