// What a patient's picture is drawn from, over the control socket: the values of the last days, judged by the plan that is in force,
// what was expected and did not come, what was told and who took notice.

internal import ControlProtocol
internal import JSON
internal import Monitoring
internal import Readings
internal import Settings
internal import Zones

extension Gateway {
  /// Everything that is kept of a patient's last days. It is noted who asked: health values leave the hub by this.
  mutating func report(
    _ id: RequestID, patient: String, days: Int, _ caller: CallerName, _ now: Now
  ) -> [Effect] {
    let plan = plans[patient]
    let history = shown.history[patient] ?? PatientHistory()
    guard plan != nil || history != PatientHistory() || isKnown(patient) else {
      let near = Suggestion.nearest(to: patient, among: Array(Set(plans.keys).union(shown.history.keys)))
      return [
        .answer(
          id,
          .failure(
            ControlError(
              code: "not-found", message: "nothing is known of patient \(patient)",
              hint: near.map { "did you mean \($0)?" } ?? "hearthctl devices tells whose the devices are")))
      ]
    }
    let zone = plan.map(planZone) ?? zones[configuration.timeZone] ?? .utc
    var object = JSONObject()
    object["patient"] = .string(patient)
    object["hub_id"] = .string(identity.hubID)
    object["until"] = planInstant(now.wall, zone)
    object["days"] = .int(days)
    object["timezone"] = .string(plan?.timeZone ?? configuration.timeZone)
    object["plan"] = plan.map { .object(describe($0)) } ?? .null
    object["alerts"] = alerts(patient)["alerts"] ?? []
    return append([.audit(uid: caller.uid, action: "report of \(patient), \(days) days")], now: now)
      + [.read(id, .picture(picture(.report, patient, plan, days: days, head: object, now)))]
  }

  /// Some device measures this patient.
  private func isKnown(_ patient: String) -> Bool {
    devices.values.contains {
      $0.configuration.patient == patient || $0.configuration.users.values.contains(patient)
    } || bindings.slots.values.contains(patient)
  }
}
