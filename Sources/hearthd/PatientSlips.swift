// References of patients that are one slip of the fingers from another one: two persons, or one whose readings and plan do not meet.

import Readings
import JSON
import Monitoring
import Settings

enum PatientSlips {
  /// Where a reference stands.
  private struct Uses {
    var devices = 0
    var plans = 0
    var isInJournal = false
    var count: Int { devices + plans + (isInJournal ? 1 : 0) }
  }

  /// What is said of the references of devices.
  static func findings(_ top: JSONNode, _ plans: PlanFolder, _ known: Set<String>) -> [Finding] {
    let uses = uses(top, plans, known)
    return PatientReferences.nodes(top).compactMap { node in
      guard case .string(let patient) = node.content, let near = near(patient, uses) else { return nil }
      return Finding(.warning, node, words(patient, near))
    }
  }

  /// What is said of plans that can be read, with their file in front.
  static func lines(_ top: JSONNode, _ plans: PlanFolder, _ known: Set<String>) -> [String] {
    let uses = uses(top, plans, known)
    return plans.plans.values.sorted { $0.path < $1.path }.compactMap { found in
      // Of a device and a plan that do not meet the plan is told.
      near(found.plan.patient, uses, isPlan: true).map {
        "\(found.path): warning: patient: \(words(found.plan.patient, $0))"
      }
    }
  }

  /// Plans of patients whom nothing else names: nobody is watched by them.
  /// - Parameter known: whom the journal knows; nil where it may not be read.
  static func orphans(_ top: JSONNode, _ plans: PlanFolder, _ known: Set<String>?) -> [String] {
    guard let known else { return [] }
    let uses = uses(top, plans, known)
    return plans.plans.values.sorted { $0.path < $1.path }.compactMap { found in
      let patient = found.plan.patient
      // Of one who is a slip from somebody else that is told.
      guard !found.plan.rules.isEmpty, let own = uses[patient], own.devices == 0, !own.isInJournal,
        !PatientReference.isNationalIdentityNumber(patient), near(patient, uses, isPlan: true) == nil
      else { return nil }
      return
        "\(found.path): warning: patient: no device, no slot and no reading is of \"\(patient)\": nobody is watched by this plan"
    }
  }

  private static func uses(_ top: JSONNode, _ plans: PlanFolder, _ known: Set<String>) -> [String: Uses] {
    var uses: [String: Uses] = [:]
    for node in PatientReferences.nodes(top) {
      if case .string(let patient) = node.content { uses[patient, default: Uses()].devices += 1 }
    }
    for found in plans.plans.values { uses[found.plan.patient, default: Uses()].plans += 1 }
    for patient in known { uses[patient, default: Uses()].isInJournal = true }
    return uses
  }

  /// A reference that is known better than this one, or that a device has where only a plan has this one.
  private static func near(_ patient: String, _ uses: [String: Uses], isPlan: Bool = false) -> String? {
    // Such a number is refused, and repeated nowhere.
    guard let own = uses[patient], !PatientReference.isNationalIdentityNumber(patient) else { return nil }
    return uses.keys.sorted().first { other in
      guard let its = uses[other], Suggestion.isLikelySlip(patient, other),
        !PatientReference.isNationalIdentityNumber(other)
      else { return false }
      return its.count > own.count || isPlan && own.devices == 0 && its.plans == 0 && its.count == own.count
    }
  }

  private static func words(_ patient: String, _ near: String) -> String {
    "\"\(patient)\" is one letter from \"\(near)\", who is known, too: write \"\(near)\" if the same patient is meant"
  }
}
