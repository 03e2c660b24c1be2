// Plans and what they raised, over the control socket: who is told what, who has taken notice, what a plan says in plain words,
// what a draft would have raised.

internal import ControlProtocol
internal import JSON
internal import Monitoring
internal import Readings
internal import Settings
internal import Zones
internal import Ledger

extension View {
  /// What is raised or waits for a repeat, worst and oldest first.
  func alerts(_ patient: String?) -> JSONValue {
    var list: [(zone: Zone, since: Int64, value: JSONValue)] = []
    for (name, states) in durable.rules where patient == nil || patient == name {
      guard let plan = plans[name] else { continue }
      for rule in plan.rules {
        guard let now = states.rules[rule.id], now.phase != .normal else { continue }
        let offset = house.planZone(plan)
        var object = JSONObject()
        object["patient"] = .string(name)
        object["rule"] = .string(rule.id)
        object["state"] = .string(now.phase.rawValue)
        object["zone"] = .string(now.zone.rawValue)
        let since = now.raisedAt ?? now.since
        object["since"] = planInstant(since, offset)
        if let told = now.lastToldAt { object["told_at"] = planInstant(told, offset) }
        if let word = now.acknowledgement {
          object["acknowledged"] = [
            "by": .string(word.by), "at": planInstant(word.at, offset), "note": .string(word.note),
          ]
        }
        object["message"] = .string(
          PlanText.sentence(rule, now.phase == .pending ? .repeatRequested : .raised, plan.language))
        list.append((now.zone, since, .object(object)))
      }
    }
    list.sort { ($1.zone, $0.since) < ($0.zone, $1.since) }
    return ["alerts": .array(list.map(\.value))]
  }

  /// A plan in plain words, and with `days` what was measured lately, judged by it.
  func explainPlan(_ id: RequestID, patient: String, days: Int?) -> [Effect] {
    guard let plan = plans[patient] else {
      if !knownPatients.contains(patient) { return [.answer(id, .failure(unknownPatient(patient)))] }
      return .failure(
        id, "not-found", "there is no plan of this patient",
        "plans stand in the folder plans beside hearth.json; hearthctl plan set brings one in")
    }
    let object = describe(plan)
    guard let days else { return [.answer(id, .result(.object(object)))] }
    return [.read(id, .picture(picture(.explain, patient, plan, days: days, head: object)))]
  }

  /// A question about a patient's kept values, with all that it needs.
  func picture(
    _ question: PictureJob.Question, _ patient: String, _ plan: Plan?, days: Int, head: JSONObject
  ) -> PictureJob {
    PictureJob(
      question: question, patient: patient, plan: plan, history: durable.history[patient] ?? PatientHistory(),
      zone: plan.map(house.planZone) ?? house.zone, days: days, now: now.wall, head: head)
  }

  /// What a draft would have raised over what was measured.
  func tryPlan(_ id: RequestID, text: String, patient: String, days: Int) -> [Effect] {
    do throws(JSONError) {
      let draft = try PlanFile.read(Array(text.utf8))
      var plan = draft
      plan.patient = patient
      var object = JSONObject()
      object["patient"] = .string(patient)
      object["version"] = .int(plan.version)
      return [.read(id, .picture(picture(.tryDraft, patient, plan, days: days, head: object)))]
    } catch {
      return [.answer(id, .failure(ControlError(code: "bad-plan", message: error.description(file: "plan"))))]
    }
  }

  func describe(_ plan: Plan) -> JSONObject {
    var object = JSONObject()
    object["patient"] = .string(plan.patient)
    object["version"] = .int(plan.version)
    object["timezone"] = .string(plan.timeZone ?? configuration.timeZone)
    object["language"] = .string(plan.language.rawValue)
    // A plan out of the folder of the configuration has no other author than who may write there.
    if let origin = durable.origins.plans[plan.patient], origin.version == plan.version {
      object["set_by"] = .string(origin.by)
      object["set_at"] = planInstant(origin.at, house.planZone(plan))
    }
    object["live_window_seconds"] = .int(plan.liveWindow / 1000)
    object["rules"] = .array(
      plan.rules.map { rule in
        var fields = PlanLimits.json(rule)
        fields["says"] = .string(PlanText.explain(rule, plan.language))
        return .object(fields)
      })
    return object
  }

  func planInstant(_ milliseconds: Int64, _ zone: TimeZoneRules) -> JSONValue { PlanInstant.json(milliseconds, zone) }
}

extension Desk {
  /// Somebody has taken notice: on disk, told to backends, and kept over restarts.
  func acknowledge(
    _ id: RequestID, patient: String, rule: String, note: String, _ caller: CallerName, _ turn: inout Turn
  ) -> [Effect] {
    func refuse(_ message: String, _ hint: String) -> [Effect] {
      [.answer(id, .failure(ControlError(code: "not-found", message: message, hint: hint)))]
    }
    let now = turn.now
    if let error = turn.view.refusal(ofUnknown: patient) { return [.answer(id, .failure(error))] }
    guard let plan = turn.house.plans[patient] else {
      return refuse("there is no plan of this patient", "hearthctl alerts list")
    }
    var after = turn.head.rules[patient] ?? PatientState()
    let word = RuleAcknowledgement(by: "uid:\(caller.uid)", at: now.wall, note: note)
    guard plan.rules.contains(where: { $0.id == rule }) else {
      let near = Suggestion.nearest(to: rule, among: plan.rules.map(\.id))
      return refuse(
        "the plan of this patient has no rule \(rule)", near.map { "did you mean \($0)?" } ?? "hearthctl alerts list")
    }
    guard let event = Monitor.acknowledge(rule, word, plan, state: &after) else {
      return refuse("nothing of \(rule) is raised, or it is acknowledged already", "hearthctl alerts list")
    }
    let offset = Int32(clamping: turn.house.planZone(plan).local(at: now.wall / 1000).offset)
    let entries: [JournalEntry] = [
      .rules(patient: patient, after), .event(HubEvent(event, at: now.wall, offsetSeconds: offset, reading: nil)),
      caller.audit("acknowledge \(rule) of \(patient)"),
    ]
    return turn.append(entries) + [
      .answer(id, .result(["acknowledged": true, "rule": .string(rule), "zone": .string(event.zone.rawValue)]))
    ]
  }

  /// A plan comes into force: whole, or not at all, and never an older one.
  func setPlan(_ id: RequestID, text: String, _ caller: CallerName, _ turn: inout Turn) -> [Effect] {
    do throws(JSONError) {
      let octets = Array(text.utf8)
      let pulled = PulledPlan(plan: try PlanFile.read(octets), octets: octets, place: "plan")
      turn.send(.rules(.change(pulled, id, caller)))
      return []
    } catch {
      let code = error.code == PatientReference.nationalIDCode ? error.code : "bad-plan"
      return [.answer(id, .failure(ControlError(code: code, message: error.description(file: "plan"))))]
    }
  }
}
