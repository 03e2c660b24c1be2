// What technicians see of the backends that give plans.

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

  /// What the doctor says of each backend that gives plans.
  func pullChecks() -> [JSONValue] {
    house.pulls.sorted { $0.key < $1.key }.map { name, pull in
      var object = JSONObject()
      object["id"] = .string("plans-\(name)")
      let count = plansInForce(from: name)
      let inForce = "\(count) of its plans \(count == 1 ? "is" : "are") in force"
      func say(_ state: String, _ message: String, _ hint: String? = nil) {
        object["state"] = .string(state)
        object["message"] = .string(message)
        if let hint { object["hint"] = .string(hint) }
      }
      if !pull.refused.isEmpty {
        let more = pull.refused.count > 1 ? " and \(pull.refused.count - 1) more" : ""
        say(
          "failed", "a plan is refused, the old one stays in force: \(pull.refused[0])\(more)",
          "mend it at the backend; hearthctl backends lists what is refused")
      } else if let error = pull.error {
        let isStanding =
          pull.isMisconfigured || (pull.failingSince.map { now.monotonic - $0 >= View.backendGrace } ?? false)
        say(
          isStanding ? "failed" : "warning", "\(error.text) (\(error.code)); \(inForce)",
          pull.isMisconfigured ? "check its address and credential" : "it is asked again by itself")
      } else if !pull.withdrawn.isEmpty {
        say("warning", pull.withdrawnText, "to watch nothing any more, give a plan with a higher version and no rules")
      } else {
        let tag = pull.seen.map { ", tag \($0)" } ?? ""
        say("ok", pull.lastSuccess == nil ? "plans were not asked for yet" : "\(inForce)\(tag)")
      }
      return .object(object)
    }
  }
}
