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
  /// What is raised or waits for a repeat, worst and oldest first; and what rules did not judge.
  func alerts(_ patient: String?) -> JSONValue {
    var list: [(zone: Zone, since: Int64, value: JSONValue)] = []
    for (name, states) in durable.rules where patient == nil || patient == name {
      guard let plan = plans[name] else { continue }
      for rule in plan.allRules {
        guard let now = states.rules[rule.id], now.phase != .normal else { continue }
        let since = now.raisedAt ?? now.episode?.since ?? now.ask?.since ?? self.now.wall
        list.append((now.zone, since, .object(alert(of: name, plan, rule, now, since: since))))
      }
    }
    list.sort { ($1.zone, $0.since) < ($0.zone, $1.since) }
    var answer = JSONObject()
    answer["alerts"] = .array(list.map(\.value))
    answer["not_judged"] = notJudged(patient)
    // Their rules judge nothing: there is nothing to be judged.
    let nobody = orphanPlans.map(\.patient).filter { patient == nil || patient == $0 }
    if !nobody.isEmpty { answer["watch_nobody"] = .array(nobody.map { .string($0) }) }
    return .object(answer)
  }

  private func alert(of patient: String, _ plan: Plan, _ rule: Rule, _ state: RuleState, since: Int64) -> JSONObject {
    let zone = house.planZone(plan)
    var object = JSONObject()
    object["patient"] = .string(patient)
    object["rule"] = .string(rule.id)
    object["state"] = .string(state.phase.rawValue)
    object["zone"] = .string(state.zone.rawValue)
    object["since"] = planInstant(since, zone)
    if let told = state.lastToldAt { object["told_at"] = planInstant(told, zone) }
    if let word = state.acknowledgement {
      object["acknowledged"] = [
        "by": .string(word.by), "at": planInstant(word.at, zone), "note": .string(word.note),
      ]
    }
    if let episode = RuleEpisode.id(rule.id, of: patient, state) { object["episode"] = .string(episode) }
    if let current = state.current { tell(current, of: rule, in: &object) }
    if let ask = state.ask {
      object["repeat_until"] = planInstant(ask.deadline, zone)
      if let isAsked = isAsked(state, ask) { object["repeat_asked"] = .bool(isAsked) }
      // What is asked about is another value than the one that stands, where something was raised before.
      if state.phase != .pending, let asked = ask.counted.last, asked != state.current {
        var fields = JSONObject()
        tell(asked.withoutDoubt, of: rule, in: &fields)
        fields["zone"] = .string(asked.raw.zone.rawValue)
        object["repeat_of"] = .object(fields)
      }
    }
    if let retold = state.retold, retold.count > 0 { object["repeat"] = .int(retold.count) }
    if let at = retelling(rule, state, plan) { object["repeat_at"] = planInstant(at, zone) }
    let held = state.held.reduce(0) { $0 + $1.count }
    if held > 0 {
      object["held"] = .int(held)
      let (name, until) = holding(rule, state, plan)
      object["held_by"] = .string(name)
      if let until { object["held_until"] = planInstant(until, zone) }
    }
    if state.missed > 0 { object["count"] = .int(state.missed) }
    object["message"] = .string(standingWords(rule, state, plan))
    return object
  }

  /// The value of a finding, its side and its unit.
  private func tell(_ finding: Finding, of rule: Rule, in object: inout JSONObject) {
    let detail = rule.kind.detail(of: finding, in: nil, nil)
    if let direction = finding.direction { object["direction"] = .string(direction.rawValue) }
    if let value = detail.value { object["value"] = .string("\(value)") }
    if let comparator = detail.comparator { object["comparator"] = .string(comparator) }
    if let unit = detail.unit, detail.value != nil { object["unit"] = .string(unit) }
    if let measure = detail.measure { object["measure"] = .string(measure) }
  }

  /// People were asked for the repeat that is awaited. They are not where they were asked less than an hour before; nil: not known.
  private func isAsked(_ state: RuleState, _ ask: RuleState.Ask) -> Bool? {
    if state.phase == .pending { return state.episode?.isTold ?? false }
    let isFound = ask.counted.contains { counted in
      state.asked.contains { $0.finding.reading == counted.reading && $0.finding.taken == counted.taken }
    }
    // Questions are forgotten after an hour.
    return isFound ? true : now.wall - ask.since < 3_600_000 ? false : nil
  }

  /// When it is told again while nothing changes, in milliseconds since 1970; nil: it is not.
  private func retelling(_ rule: Rule, _ state: RuleState, _ plan: Plan) -> Int64? {
    var alone = state
    (alone.ask, alone.held) = (nil, [])
    return Monitor.nextExpiry(plan, state: PatientState(rules: [rule.id: alone]), now: now.wall)
  }

  /// What holds back what is not told, and until when.
  private func holding(_ rule: Rule, _ state: RuleState, _ plan: Plan) -> (name: String, until: Int64?) {
    var alone = state
    (alone.ask, alone.retold, alone.acknowledgement) = (nil, nil, nil)
    let until = Monitor.nextExpiry(plan, state: PatientState(rules: [rule.id: alone]), now: now.wall)
    if rule.kind is DoubtRule { return ("doubt", until) }
    // Longer than the rule's own quiet: it was told too often within a day.
    let told = state.told.map(\.at).max() ?? now.wall
    let isLonger = until.map { $0.subtractingReportingOverflow(told).partialValue > rule.quiet } ?? false
    return (isLonger ? "flapping" : "quiet", until)
  }

  /// What people are told of a rule where it stands: the words that it would have if it were told at this moment. So they name the
  /// value, its side and what its colour asks for, as what was told did.
  private func standingWords(_ rule: Rule, _ state: RuleState, _ plan: Plan) -> String {
    let isAsked = state.phase == .pending || rule.kind is DoubtRule
    let kind = isAsked ? .repeatRequested : rule.usualTelling
    guard let current = state.current else { return PlanText.sentence(rule, kind, plan.language) }
    var event = MonitoringEvent(
      patient: plan.patient, rule: rule.id, kind: kind, zone: current.rank.zone, planVersion: plan.version)
    event.detail = rule.kind.detail(of: current, in: nil, nil)
    if rule.kind is DoubtRule { event.detail.because = state.doubt?.rawValue }
    return PlanText.sentence(rule, event, plan.language)
  }

  /// The rules that do not judge, and why; without values.
  func notJudged(_ patient: String?) -> JSONValue {
    var list: [JSONValue] = []
    for (name, states) in durable.rules.sorted(by: { $0.key < $1.key }) where patient == nil || patient == name {
      guard let plan = plans[name] else { continue }
      for rule in plan.allRules {
        guard let reason = states.rules[rule.id]?.notJudged else { continue }
        list.append([
          "patient": .string(name), "rule": .string(rule.id), "because": .string(reason.because.rawValue),
          "since": planInstant(reason.since, house.planZone(plan)), "count": .int(reason.count),
        ])
      }
    }
    return .array(list)
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
      rules: durable.rules[patient] ?? PatientState(), zone: plan.map(house.planZone) ?? house.zone, days: days,
      now: now.wall, head: head)
  }

  /// What a draft would have raised over what was measured.
  func tryPlan(_ id: RequestID, text: String, patient: String, days: Int, isCompared: Bool) -> [Effect] {
    do throws(JSONError) {
      let draft = try PlanFile.read(Array(text.utf8))
      var plan = draft
      plan.patient = patient
      var object = JSONObject()
      object["patient"] = .string(patient)
      object["version"] = .int(plan.version)
      if let zone = plan.timeZone, house.zones[zone] == nil {
        return .failure(
          id, "plan.zone-unknown", "timezone: the hub has not loaded \(zone), by which the draft is to be judged",
          "the zones of hearth.json and of plans in force are loaded; leave timezone out to judge by the hub's")
      }
      var job = picture(.tryDraft, patient, plan, days: days, head: object)
      if isCompared {
        guard let known = plans[patient] else {
          return .failure(id, "not-found", "there is no plan in force to compare with", "leave --against out")
        }
        (job.against, job.againstZone) = (known, house.planZone(known))
      }
      return [.read(id, .picture(job))]
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
    if let author = plan.writtenBy { object["written_by"] = .string(author) }
    if let day = plan.validFrom { object["valid_from"] = .string(ISO8601.date(day: day)) }
    object["live_window_seconds"] = .int(plan.liveWindow / 1000)
    if plan.isSingleUser { object["single_user"] = true }
    if let day = plan.reviewBy { object["review_by"] = .string(ISO8601.date(day: day)) }
    let pauses = plan.pauses.map { ($0, String?.none) } + (durable.pauses[plan.patient] ?? []).map { ($0.pause, $0.by) }
    if !pauses.isEmpty {
      object["pauses"] = .array(
        pauses.map { pause, author in
          var fields = JSONObject()
          fields["from"] = .string(ISO8601.date(day: pause.from))
          fields["to"] = .string(ISO8601.date(day: pause.to))
          if let rules = pause.rules { fields["rules"] = .array(rules.map { .string($0) }) }
          if let note = pause.note { fields["note"] = .string(note) }
          if let author { fields["set_by"] = .string(author) }
          return .object(fields)
        })
    }
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
    _ id: RequestID, patient: String, rule: String, note: String, episode: String?, _ caller: CallerName,
    _ turn: inout Turn
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
    let word = RuleAcknowledgement(by: caller.by, at: now.wall, note: note)
    let rules = plan.allRules
    guard rules.contains(where: { $0.id == rule }) else {
      let near = Suggestion.nearest(to: rule, among: rules.map(\.id))
      return refuse(
        "the plan of this patient has no rule \(rule)", near.map { "did you mean \($0)?" } ?? "hearthctl alerts list")
    }
    if let episode, after.rules[rule].flatMap({ RuleEpisode.id(rule, of: patient, $0) }) != episode.lowercased() {
      return .failure(
        id, "gone", "this episode of \(rule) is over, or another one is open", "hearthctl alerts shows what is open")
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

/// The identifier of what goes on with a rule.
enum RuleEpisode {
  /// A name-based UUID; nil: nothing goes on.
  static func id(_ rule: String, of patient: String, _ state: RuleState) -> String? {
    state.episode.map { NameBasedUUID.make(Array($0.name(rule: rule, patient: patient).utf8)).description }
  }
}
