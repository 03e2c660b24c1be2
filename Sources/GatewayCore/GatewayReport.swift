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
    let from = firstInstant(of: days, now.wall, zone)
    var object = JSONObject()
    object["patient"] = .string(patient)
    object["hub_id"] = .string(identity.hubID)
    object["from"] = planInstant(from, zone)
    object["until"] = planInstant(now.wall, zone)
    object["days"] = .int(days)
    object["timezone"] = .string(plan?.timeZone ?? configuration.timeZone)
    object["plan"] = plan.map { .object(describe($0)) } ?? .null
    object["rows"] = .array(rows(of: history, patient, plan, from: from, zone))
    object["asides"] = .array(
      history.asideReadings(patient: patient, from: from).map { row($0, nil, zone) })
    object["expected"] = .array(
      (plan?.expected(from: from, now: now.wall, history: history, zone: zone) ?? []).map { expected in
        [
          "rule": .string(expected.rule), "measure": .string(expected.measure.rawValue),
          "start": planInstant(expected.start, zone), "end": planInstant(expected.end, zone),
          "state": .string(expected.state.rawValue),
        ]
      })
    object["marks"] = .array(
      history.marks.filter { $0.time >= from }.map { mark in
        guard case .object(var fields) = mark.json else { return mark.json }
        fields["at"] = planInstant(mark.time, zone)
        return .object(fields)
      })
    object["alerts"] = alerts(patient)["alerts"] ?? []
    return [.answer(id, .result(.object(object)))]
      + append([.audit(uid: caller.uid, action: "report of \(patient), \(days) days")], now: now)
  }

  /// The midnight with which the first of so many days began on the patient's clock, today counted.
  private func firstInstant(of days: Int, _ now: Int64, _ zone: TimeZoneRules) -> Int64 {
    let local = now / 1000 + Int64(zone.local(at: now / 1000).offset)
    let midnight = CivilTime(seconds: local - local % 86_400 - Int64(days - 1) * 86_400)
    switch zone.instants(of: midnight) {
    case .one(let seconds), .gap(let seconds), .fold(let seconds, _): return seconds * 1000
    }
  }

  /// Some device measures this patient.
  private func isKnown(_ patient: String) -> Bool {
    devices.values.contains {
      $0.configuration.patient == patient || $0.configuration.users.values.contains(patient)
    } || bindings.slots.values.contains(patient)
  }

  /// Each reading with its zone by the plan of today. A plan judges anew from a while before the first day, so that changes and
  /// means of that day have something to look back on.
  private func rows(
    of history: PatientHistory, _ patient: String, _ plan: Plan?, from: Int64, _ zone: TimeZoneRules
  ) -> [JSONValue] {
    let before = plan == nil ? 0 : 14 * 86_400_000 as Int64
    let readings = history.readings(patient: patient, from: from - before)
    guard let first = readings.first?.takenAt?.milliseconds else { return [] }
    var replay = plan.map { PlanReplay(plan: $0, zone: zone, start: first) }
    var rows: [JSONValue] = []
    for reading in readings {
      let time = reading.takenAt?.milliseconds ?? first
      let evaluation = replay?.take(reading, at: time)
      if time >= from { rows.append(row(reading, evaluation, zone)) }
    }
    return rows
  }

  private func row(_ reading: Reading, _ evaluation: Evaluation?, _ zone: TimeZoneRules) -> JSONValue {
    var values = JSONObject()
    for measure in Measure.allCases {
      if let value = measure.value(in: reading) { values[measure.rawValue] = .string("\(value)") }
    }
    return [
      "id": .string(String(reading.id.low, radix: 16)), "kind": .string(reading.kind.rawValue),
      "at": planInstant(reading.takenAt?.milliseconds ?? 0, zone), "values": .object(values),
      "zone": evaluation?.zone.map { .string($0.rawValue) } ?? .null,
      "rules": .array(
        (evaluation?.rules ?? []).map { ["rule": .string($0.rule), "zone": .string($0.zone.rawValue)] }),
      "flags": .array(reading.flags.map { .string($0.rawValue) }),
    ]
  }
}
