// Where rules stand, as records and snapshots have it. A member that is not there is nil, empty or zero.

package import JSON
package import Monitoring
internal import Readings

extension PatientState {
  /// Rules by name. The readings that wait for the end of a delivery stand behind the record.
  package var json: JSONValue {
    var object = JSONObject()
    for (id, state) in rules.sorted(by: { $0.key < $1.key }) { object[id] = .object(state.json) }
    return .object(object)
  }

  /// What is known beside the rules.
  package var restJSON: JSONValue? {
    var object = JSONObject()
    if let plan {
      object["plan"] = .string(String(plan, radix: 36))
      object["version"] = .int(planVersion)
    }
    if isSingleUser { object["single_user"] = true }
    if let reviewToldAt { object["review_told"] = .int(reviewToldAt) }
    if !displaced.isEmpty { object["displaced"] = .array(displaced.map(\.json)) }
    return object.members.isEmpty ? nil : .object(object)
  }

  package init(json: JSONValue?, rest: JSONValue? = nil) {
    self.init()
    for member in json?.object?.members ?? [] { rules[member.key] = RuleState(json: member.value) }
    plan = rest?["plan"]?.string.flatMap { UInt64($0, radix: 36) }
    planVersion = rest?["version"]?.int ?? 0
    isSingleUser = rest?["single_user"]?.bool ?? false
    reviewToldAt = rest?["review_told"]?.whole
    displaced = (rest?["displaced"]?.array ?? []).compactMap { Displaced(json: $0) }
  }
}

extension JSONValue {
  /// A whole number.
  fileprivate var whole: Int64? { if case .number(let number) = self { number.int64 } else { nil } }
}

extension RuleState {
  fileprivate var json: JSONObject {
    var object = JSONObject()
    object["phase"] = .string(phase.rawValue)
    if let current { object["current"] = current.json }
    func list(_ key: String, _ told: [Told]) {
      if !told.isEmpty { object[key] = .array(told.map { ["at": .int($0.at), "finding": $0.finding.json] }) }
    }
    list("told_of", told)
    list("asked_of", asked)
    list("late_of", lateTold)
    if let ask {
      object["ask"] = [
        "deadline": .int(ask.deadline), "since": .int(ask.since), "first": .int(ask.first),
        "counted": .array(ask.counted.map(\.json)), "said": .bool(ask.isSaid),
      ]
    }
    if !held.isEmpty {
      object["held"] = .array(
        held.map { ["count": .int($0.count), "worst": $0.worst.json, "unconfirmed": .bool($0.isUnconfirmed)] })
    }
    if let episode {
      object["episode"] = [
        "reading": episode.reading.map { .string($0.description) } ?? .null, "since": .int(episode.since),
        "told": .bool(episode.isTold), "raised": .bool(episode.isRaised),
      ]
    }
    if !tellings.isEmpty { object["tellings"] = .array(tellings.map { .int($0) }) }
    if !retellings.isEmpty { object["retellings"] = .array(retellings.map { .int($0) }) }
    if !doubts.isEmpty { object["doubts"] = .array(doubts.map(\.json)) }
    if let retold { object["retold"] = .array([.int(retold.from), .int(retold.count)]) }
    let times = [
      ("through", judgedThrough), ("reminded", remindedFor), ("raised", raisedAt), ("last_told", lastToldAt),
      ("told_date", toldDate), ("missed_date", missedDate), ("reminded_date", remindedDate),
    ]
    for (key, time) in times { if let time { object[key] = .int(time) } }
    if let word = acknowledgement {
      object["ack"] = ["by": .string(word.by), "at": .int(word.at), "note": .string(word.note)]
    }
    if !lateDue.isEmpty { object["late_findings"] = .array(lateDue.map(\.json)) }
    if let notJudged {
      object["not_judged"] = [
        "because": .string(notJudged.because.rawValue), "since": .int(notJudged.since), "count": .int(notJudged.count),
      ]
    }
    if let signature { object["rule"] = .string(signature) }
    if let doubt { object["doubt"] = .string(doubt.rawValue) }
    if !askedAbout.isEmpty {
      object["asked_about"] = .array(
        askedAbout.map { ["date": .int($0.date), "values": .object(JSONObject($0.values))] })
    }
    if missed > 0 { object["missed"] = .int(missed) }
    if let missedSlot { object["missed_slot"] = .array([.int(missedSlot.start), .int(missedSlot.end)]) }
    return object
  }

  fileprivate init?(json: JSONValue) {
    guard let phase = json["phase"]?.string.flatMap(RuleState.Phase.init(rawValue:)) else { return nil }
    self.init()
    self.phase = phase
    func list(_ key: String) -> [Told] {
      (json[key]?.array ?? []).compactMap { item in
        guard let at = item["at"]?.whole, let finding = item["finding"].flatMap({ Finding(json: $0) }) else {
          return nil
        }
        return Told(at: at, finding: finding)
      }
    }
    func findings(_ value: JSONValue?) -> [Finding] { (value?.array ?? []).compactMap { Finding(json: $0) } }
    current = json["current"].flatMap { Finding(json: $0) }
    (told, asked, lateTold) = (list("told_of"), list("asked_of"), list("late_of"))
    if let value = json["ask"], let deadline = value["deadline"]?.whole, let first = value["first"]?.whole {
      ask = Ask(
        deadline: deadline, since: value["since"]?.whole ?? deadline, first: first, counted: findings(value["counted"]),
        isSaid: value["said"]?.bool ?? false)
    }
    held = (json["held"]?.array ?? []).compactMap { item in
      guard let worst = item["worst"].flatMap({ Finding(json: $0) }) else { return nil }
      return Held(count: item["count"]?.int ?? 1, worst: worst, isUnconfirmed: item["unconfirmed"]?.bool ?? false)
    }
    if let value = json["episode"], let since = value["since"]?.whole {
      var episode = Episode(reading: value["reading"]?.string.flatMap { ReadingID($0) }, since: since)
      (episode.isTold, episode.isRaised) = (value["told"]?.bool ?? false, value["raised"]?.bool ?? false)
      self.episode = episode
    }
    tellings = (json["tellings"]?.array ?? []).compactMap(\.whole)
    retellings = (json["retellings"]?.array ?? []).compactMap(\.whole)
    doubts = findings(json["doubts"])
    if let value = json["retold"]?.array, value.count == 2, let from = value[0].whole {
      retold = (from, value[1].int ?? 0)
    }
    (judgedThrough, remindedFor) = (json["through"]?.whole, json["reminded"]?.whole)
    (raisedAt, lastToldAt) = (json["raised"]?.whole, json["last_told"]?.whole)
    missedDate = json["missed_date"]?.whole
    (toldDate, remindedDate) = (json["told_date"]?.whole, json["reminded_date"]?.whole)
    if let word = json["ack"], let by = word["by"]?.string, let at = word["at"]?.whole {
      acknowledgement = RuleAcknowledgement(by: by, at: at, note: word["note"]?.string ?? "")
    }
    lateDue = findings(json["late_findings"])
    if let value = json["not_judged"], let because = value["because"]?.string.flatMap(NotJudgedReason.init(rawValue:)),
      let since = value["since"]?.whole
    {
      notJudged = NotJudged(because: because, since: since, count: value["count"]?.int ?? 1)
    }
    signature = json["rule"]?.string
    doubt = json["doubt"]?.string.flatMap(NotJudgedReason.init(rawValue:))
    askedAbout = (json["asked_about"]?.array ?? []).compactMap { item in
      guard let date = item["date"]?.whole else { return nil }
      return AskedAbout(date: date, values: PerMeasure(json: item["values"]))
    }
    missed = json["missed"]?.int ?? 0
    if let slot = json["missed_slot"]?.array, slot.count == 2, let start = slot[0].whole, let end = slot[1].whole {
      missedSlot = Slot(start: start, end: end)
    }
    if json["current"] == nil, json["told_of"] == nil { readFirstVersion(json) }
  }

  /// A state as the first plan language had it: a zone where it stands, without value and direction.
  private mutating func readFirstVersion(_ json: JSONValue) {
    guard let zone = json["zone"]?.string.flatMap(Zone.init(rawValue:)), let since = json["since"]?.whole else {
      return
    }
    let began = json["raised"]?.whole ?? since
    let finding = Finding(zone == .green ? .green : Rank(zone, 1), taken: began)
    if phase != .normal {
      current = zone == .green ? Finding(.doubted, taken: began) : finding
      var episode = Episode(reading: nil, since: began)
      (episode.isTold, episode.isRaised) = (true, isRaised && !(json["untold"]?.bool ?? false))
      self.episode = episode
    }
    if let deadline = json["deadline"]?.whole {
      let counted = Array(repeating: finding, count: max(1, min(10, json["count"]?.int ?? 1)))
      ask = Ask(deadline: deadline, since: since, first: since, counted: counted, isSaid: phase != .pending)
    }
    if let at = json["told"]?.whole, let zone = json["told_zone"]?.string.flatMap(Zone.init(rawValue:)) {
      told = [Told(at: at, finding: Finding(Rank(zone, 1), taken: at))]
    }
    if json["untold"]?.bool ?? false {
      if judgedThrough != nil {
        missed = max(1, json["count"]?.int ?? 1)
      } else {
        held = [Held(count: 1, worst: current ?? finding, isUnconfirmed: false)]
      }
    }
    if let late = json["late"]?.whole { lateTold = [Told(at: late, finding: Finding(.doubted, taken: late))] }
    if let late = json["late_due"], let zone = late["zone"]?.string.flatMap(Zone.init(rawValue:)) {
      lateDue = [
        Finding(
          Rank(zone, 1), reading: late["id"]?.string.flatMap { ReadingID($0) }, taken: late["at"]?.whole ?? since)
      ]
    }
  }
}

extension Finding {
  fileprivate var json: JSONValue {
    var object = JSONObject()
    object["rank"] = .array([.string(rank.zone.rawValue), .int(rank.level)])
    if raw != rank { object["raw"] = .array([.string(raw.zone.rawValue), .int(raw.level)]) }
    if let direction { object["direction"] = .string(direction.rawValue) }
    switch value {
    case .none: break
    case .number(let ratio): object["value"] = ratio.json
    case .beyond(let above): object["beyond"] = .bool(above)
    case .means(let means): object["means"] = .array(means.map { $0?.json ?? .null })
    }
    if let said { object["said"] = .string("\(said)") }
    if isDoubted { object["doubted"] = true }
    if let reading { object["reading"] = .string(reading.description) }
    object["taken"] = .int(taken)
    return .object(object)
  }

  fileprivate init?(json: JSONValue) {
    func rank(_ value: JSONValue?) -> Rank? {
      guard let parts = value?.array, parts.count == 2, let zone = parts[0].string.flatMap(Zone.init(rawValue:)),
        let level = parts[1].int
      else { return nil }
      return Rank(zone, level)
    }
    guard let stood = rank(json["rank"]) else { return nil }
    var value = FindingValue.none
    if let ratio = json["value"].flatMap({ Ratio(json: $0) }) { value = .number(ratio) }
    if let above = json["beyond"]?.bool { value = .beyond(above: above) }
    if let means = json["means"]?.array { value = .means(means.map { Ratio(json: $0) }) }
    self.init(
      stood, value: value, reading: json["reading"]?.string.flatMap { ReadingID($0) },
      taken: json["taken"]?.whole ?? 0)
    direction = json["direction"]?.string.flatMap(Direction.init(rawValue:))
    raw = rank(json["raw"]) ?? stood
    said = json["said"]?.string.flatMap { ExactDecimal($0) }
    isDoubted = json["doubted"]?.bool ?? false
  }
}

extension Ratio {
  fileprivate var json: JSONValue {
    bottom == ExactDecimal(1) ? .array([.string("\(top)")]) : .array([.string("\(top)"), .string("\(bottom)")])
  }

  fileprivate init?(json: JSONValue) {
    guard let parts = json.array, let top = parts.first?.string.flatMap({ ExactDecimal($0) }) else { return nil }
    let bottom = parts.count > 1 ? parts[1].string.flatMap { ExactDecimal($0) } : ExactDecimal(1)
    guard let bottom, bottom > .zero else { return nil }
    self.init(top, over: bottom)
  }
}

extension JSONObject {
  /// Numbers by measure.
  fileprivate init(_ values: PerMeasure<ExactDecimal>) {
    self.init()
    for (measure, value) in values.pairs { self[measure.rawValue] = .string("\(value)") }
  }
}

extension PerMeasure<ExactDecimal> {
  fileprivate init(json: JSONValue?) {
    self.init()
    for member in json?.object?.members ?? [] {
      guard let measure = Measure(rawValue: member.key), let value = member.value.string.flatMap({ ExactDecimal($0) })
      else { continue }
      self[measure] = value
    }
  }
}

extension Worth {
  fileprivate var word: String {
    switch self {
    case .test: "test"
    case .void: "void"
    case .unbelieved(let isImpossible): isImpossible ? "impossible" : "unbelieved"
    case .suspect: "suspect"
    case .doubted: "doubted"
    case .sound: "sound"
    case .accepted: "accepted"
    }
  }

  fileprivate init?(word: String) {
    switch word {
    case "test": self = .test
    case "void": self = .void
    case "unbelieved": self = .unbelieved(isImpossible: false)
    case "impossible": self = .unbelieved(isImpossible: true)
    case "suspect": self = .suspect
    case "doubted": self = .doubted
    case "sound": self = .sound
    case "accepted": self = .accepted
    default: return nil
    }
  }
}

extension PatientState.Displaced {
  fileprivate var json: JSONValue {
    var object = JSONObject()
    for (measure, value) in values.pairs {
      var member = JSONObject()
      if let number = value.number { member["number"] = .string("\(number)") }
      if let above = value.above { member["above"] = .bool(above) }
      member["worth"] = .string(value.worth.word)
      object[measure.rawValue] = .object(member)
    }
    return [
      "id": .string(id.description), "received": .int(received), "of_now": .bool(isOfNow), "values": .object(object),
    ]
  }

  fileprivate init?(json: JSONValue) {
    guard let id = json["id"]?.string.flatMap({ ReadingID($0) }), let received = json["received"]?.whole else {
      return nil
    }
    var values = PerMeasure<Value>()
    for member in json["values"]?.object?.members ?? [] {
      guard let measure = Measure(rawValue: member.key),
        let worth = member.value["worth"]?.string.flatMap({ Worth(word: $0) })
      else { continue }
      values[measure] = Value(
        number: member.value["number"]?.string.flatMap { ExactDecimal($0) }, above: member.value["above"]?.bool,
        worth: worth)
    }
    self.init(id: id, received: received, isOfNow: json["of_now"]?.bool ?? false, values: values)
  }
}

extension PatientHistory.Candidate {
  package var json: JSONValue {
    [
      "id": .string(id.description), "device": .string(String(device, radix: 36)), "at": .int(time),
      "suspect": .bool(isSuspect), "placed": .bool(isPlaced), "values": .object(JSONObject(values)),
    ]
  }

  package init?(json: JSONValue) {
    guard let id = json["id"]?.string.flatMap({ ReadingID($0) }),
      let device = json["device"]?.string.flatMap({ UInt64($0, radix: 36) }), let time = json["at"]?.whole
    else { return nil }
    self.init(
      id: id, device: device, time: time, isSuspect: json["suspect"]?.bool ?? false,
      isPlaced: json["placed"]?.bool ?? true, values: PerMeasure(json: json["values"]))
  }
}

extension PatientHistory.DeviceTrail {
  package var json: JSONValue {
    var object = JSONObject()
    object["device"] = .string(String(device, radix: 36))
    object["newest"] = .string(String(newest))
    if let number { object["number"] = .int(number) }
    var latest = JSONObject()
    for (measure, time) in self.latest.pairs { latest[measure.rawValue] = .int(time) }
    object["latest"] = .object(latest)
    var unbelieved = JSONObject()
    for (measure, time) in self.seen.pairs where time != self.latest[measure] {
      unbelieved[measure.rawValue] = .int(time)
    }
    if !unbelieved.members.isEmpty { object["seen"] = .object(unbelieved) }
    if let misplaced { object["misplaced"] = .array([.int(misplaced.stamp), .int(misplaced.received)]) }
    return .object(object)
  }

  package init?(json: JSONValue) {
    guard let device = json["device"]?.string.flatMap({ UInt64($0, radix: 36) }) else { return nil }
    self.init(device: device)
    newest = json["newest"]?.string.flatMap { Int64($0) } ?? .min
    number = json["number"]?.int.flatMap { UInt32(exactly: $0) }
    for member in json["latest"]?.object?.members ?? [] {
      if let measure = Measure(rawValue: member.key) { latest[measure] = member.value.whole }
    }
    seen = latest
    for member in json["seen"]?.object?.members ?? [] {
      if let measure = Measure(rawValue: member.key) { seen[measure] = member.value.whole }
    }
    if let pair = json["misplaced"]?.array, pair.count == 2, let stamp = pair[0].whole, let received = pair[1].whole {
      misplaced = Misplaced(stamp: stamp, received: received)
    }
  }
}
