// What a patient's picture is drawn from, over the control socket: the values of the last days, judged by the plan that is in force,
// what was expected and did not come, what was told and who took notice.

internal import ControlProtocol
internal import JSON
internal import Monitoring
internal import Readings
internal import Settings
internal import Zones
internal import Ledger

extension Desk {
  /// Everything that is kept of a patient's last days. It is noted who asked: health values leave the hub by this.
  func report(
    _ id: RequestID, patient: String, days: Int, _ caller: CallerName, _ turn: inout Turn
  ) -> [Effect] {
    let view = turn.view
    let plan = view.plans[patient]
    let history = view.durable.history[patient] ?? PatientHistory()
    guard plan != nil || history != PatientHistory() || view.knownPatients.contains(patient) else {
      return [.answer(id, .failure(view.unknownPatient(patient)))]
    }
    let zone = plan.map(view.house.planZone) ?? view.house.zone
    var object = JSONObject()
    object["patient"] = .string(patient)
    object["hub_id"] = .string(view.identity.hubID)
    object["until"] = view.planInstant(turn.now.wall, zone)
    object["days"] = .int(days)
    object["timezone"] = .string(plan?.timeZone ?? view.configuration.timeZone)
    object["plan"] = plan.map { .object(view.describe($0)) } ?? .null
    object["alerts"] = view.alerts(patient)["alerts"] ?? []
    return turn.append([caller.audit("report of \(patient), \(days) days")])
      + [.read(id, .picture(view.picture(.report, patient, plan, days: days, head: object)))]
  }
}
