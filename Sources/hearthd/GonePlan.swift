// Plans that were in force and whose files are gone. Nobody is unwatched by a file that is lost: what ends a plan is a higher version
// without rules, or the erasure of its patient.

import GatewayCore
import Monitoring
import Settings

/// A plan whose file is gone, or went back to an older version.
struct GonePlan: Sendable {
  let patient: String
  /// What stays in force; nil: no copy of it can be read.
  private let plan: Plan?
  /// What the files hold instead.
  private let there: Plan?
  /// The version that somebody brought in, by the record of that.
  private let version: Int?

  /// A plan of which a copy was kept.
  init(_ plan: Plan, there: Plan?) {
    (patient, self.plan, self.there, version) = (plan.patient, plan, there, plan.version)
  }

  /// A plan of which no copy can be read.
  init(_ patient: String, version: Int? = nil) {
    (self.patient, plan, there, self.version) = (patient, nil, nil, version)
  }

  /// What is told; nil when the plan in force is another one, or nobody was watched by it: then it was ended.
  func fault(_ inForce: [String: Plan]) -> HubFault? {
    guard let plan else { return lost(inForce[patient]) }
    guard inForce[patient]?.version == plan.version, !plan.rules.isEmpty || there?.rules.isEmpty == false else {
      return nil
    }
    let what = there.map { "its file holds version \($0.version) only" } ?? "its file is gone"
    let hint =
      "put the file back, then hearthctl reload; to watch nothing any more, set version \(plan.version + 1) with \"rules\": []"
    return HubFault(
      .plans, "plan.gone", "version \(plan.version) of the plan of \(patient) stays in force, and \(what)",
      told: "version \(plan.version) of a plan stays in force, and \(what)", hint: hint, isWarning: true)
  }

  private func lost(_ inForce: Plan?) -> HubFault? {
    guard inForce?.version ?? -1 < version ?? 0 else { return nil }
    let which = version.map { "version \($0) of " } ?? ""
    let stays = inForce.map { "version \($0.version) is in force instead" } ?? "what it watched is watched no more"
    func words(_ whose: String) -> String {
      "\(which)\(whose), which was in force, is gone, and no copy of it can be read: \(stays)"
    }
    return HubFault(
      .plans, "plan.gone", words("the plan of \(patient)"), told: words("a plan"),
      hint: "bring it in again with a higher version: hearthctl plan set; or hearthctl erase --patient \(patient)")
  }
}
