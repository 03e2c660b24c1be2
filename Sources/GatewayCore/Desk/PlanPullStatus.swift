// What technicians see of the backends that give plans.

internal import ControlProtocol
internal import JSON
internal import Monitoring
internal import Ledger

extension View {
  /// How many plans in force came from a backend.
  private func plansInForce(from name: String) -> Int {
    durable.origins.plans.count { patient, origin in
      origin.by == PlanOrigin.name(ofBackend: name) && plans[patient]?.version == origin.version
    }
  }

  func pullStatus(_ name: String) -> JSONValue? {
    guard let pull = house.pulls[name] else { return nil }
    var object = JSONObject()
    object["url"] = .string(pull.file)
    object["state"] = .string(
      pull.isUnderway ? "asking" : pull.isMisconfigured ? "misconfigured" : pull.attempts > 0 ? "waiting" : "idle")
    object["last_asked"] = instant(pull.askedAt.map { now.wall - (now.monotonic - $0) })
    object["last_success"] = instant(pull.lastSuccess)
    if let tag = pull.seen { object["etag"] = .string(tag) }
    object["in_force"] = .int(plansInForce(from: name))
    object["refused"] = .array(pull.refused.map { .string($0) })
    object["withdrawn"] = .array(pull.withdrawn.sorted().map { .string($0) })
    if let error = pull.error { object["last_error"] = ["code": .string(error.code), "message": .string(error.text)] }
    if let next = pull.nextAt { object["next_attempt_seconds"] = .int(max(0, next - now.monotonic) / 1000) }
    return .object(object)
  }

  /// What the doctor says of a backend that gives no plans now, although that is no problem yet; nil when nothing is to be said.
  func earlyPullCheck(_ name: String, _ problems: [StandingProblem]) -> JSONValue? {
    guard let error = house.pulls[name]?.error, !problems.contains(where: { $0.check == "plans-\(name)" }) else {
      return nil
    }
    return [
      "id": .string("plans-\(name)"), "state": "unknown",
      "message": .string("\(error.text) (\(error.code)); \(inForceText(name))"),
      "hint": "it is asked again by itself",
    ]
  }

  /// What the doctor says of a backend whose plans are good.
  func pullText(_ name: String) -> String {
    guard let pull = house.pulls[name], pull.lastSuccess != nil else { return "plans were not asked for yet" }
    return inForceText(name) + (pull.seen.map { ", tag \($0)" } ?? "")
  }

  private func inForceText(_ name: String) -> String {
    Count.of(plansInForce(from: name), "of its plans is", plural: "of its plans are") + " in force"
  }

  /// The most plans that the doctor names.
  private static let mostNamed = 20

  /// Which plans are in force, and where it is told which are not.
  var plansText: String {
    let names = plans.values.sorted { $0.patient < $1.patient }.map { "\($0.patient) version \($0.version)" }
    let more = names.count > View.mostNamed ? " and \(names.count - View.mostNamed) more" : ""
    var text =
      names.isEmpty
      ? "no plan is in force" : "in force: " + names.prefix(View.mostNamed).joined(separator: ", ") + more
    let isInFiles = house.faults.list.contains { $0.fault.subject == .plans }
    let refusing = house.pulls.filter { !$0.value.refused.isEmpty }.keys.sorted().map { "plans-\($0)" }
    let elsewhere = (isInFiles ? [HubFault.Subject.plans.rawValue] : []) + refusing
    if !elsewhere.isEmpty { text += "; what is not is named by \(elsewhere.joined(separator: ", "))" }
    return text
  }
}
