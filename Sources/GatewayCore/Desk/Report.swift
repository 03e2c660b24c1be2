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
    object["plan"] = plan.map { .object(view.describeForPicture($0)) } ?? .null
    object["alerts"] = view.alerts(patient)["alerts"] ?? []
    return turn.append([caller.audit("report of \(patient), \(days) days")])
      + [.read(id, .picture(view.picture(.report, patient, plan, days: days, head: object)))]
  }
}

extension View {
  /// A plan in plain words, and when each of its rules is in force: what is not in force in a period is not drawn over it.
  func describeForPicture(_ plan: Plan) -> JSONObject {
    var object = describe(plan)
    guard let rules = object["rules"]?.array else { return object }
    let pauses = plan.pauses + (durable.pauses[plan.patient] ?? []).map(\.pause)
    object["rules"] = .array(
      zip(plan.rules, rules).map { rule, value in
        guard case .object(var fields) = value else { return value }
        if let day = rule.validFrom { fields["valid_from"] = .string(ISO8601.date(day: day)) }
        if let day = rule.validTo { fields["valid_to"] = .string(ISO8601.date(day: day)) }
        // A pause that names no rules is one of what did not come: that has no limits.
        let own = Set(pauses.filter { $0.rules?.contains(rule.id) ?? false }.map { [$0.from, $0.to] })
        if !own.isEmpty {
          fields["paused"] = .array(
            own.sorted { $0.lexicographicallyPrecedes($1) }.map { days in
              ["from": .string(ISO8601.date(day: days[0])), "to": .string(ISO8601.date(day: days[1]))]
            })
        }
        return .object(fields)
      })
    return object
  }
}
