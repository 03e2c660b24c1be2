// What a person asks about a patient that takes long to answer: the kept values judged again by a plan. It holds everything that it
// needs, so that it runs beside the thread that decides, and it ends when its time is over or nobody waits for it any more.

package import ControlProtocol
internal import JSON
internal import Monitoring
internal import Readings
internal import Zones
package import Ledger

/// A question about one patient's kept values.
package struct PictureJob: Sendable {
  /// What is asked.
  enum Question: Sendable {
    /// The last days judged by the plan in force.
    case explain
    /// What a draft would have raised over the last days.
    case tryDraft
    /// What a picture of the last days is drawn from.
    case report
  }

  var question: Question
  var patient: String
  /// The plan that judges; nil for a patient without one.
  var plan: Plan?
  var history: PatientHistory
  /// Where its rules stand.
  var rules = PatientState()
  var zone: TimeZoneRules
  var days: Int
  /// Milliseconds since 1970.
  var now: Int64
  /// What the answer begins with.
  var head: JSONObject
  /// The plan that a draft is compared with; nil: with none.
  var against: Plan?
  /// Its zone.
  var againstZone = TimeZoneRules.utc

  /// Does the work.
  /// - Parameter isOver: asked often; true when the work is to end. Then the answer counts for nothing.
  package func run(_ isOver: () -> Bool) -> ControlAnswer {
    var object = head
    switch question {
    case .explain:
      let replay = replayed(isOver)
      object["days"] = .int(days)
      object["judged"] = .array(replay.judged)
      object["told"] = .array(replay.told)
    case .tryDraft:
      let replay = replayed(isOver)
      object["days"] = .int(days)
      object["readings"] = .int(replay.judged.count)
      object["told"] = .array(replay.told)
      object["summary"] = replay.summary
      if let against {
        var other = self
        (other.plan, other.zone) = (against, againstZone)
        let replay = other.replayed(isOver)
        object["against"] = [
          "version": .int(against.version), "told": .array(replay.told), "summary": replay.summary,
        ]
      }
    case .report: report(&object, isOver)
    }
    return .result(.object(object))
  }

  // MARK: A plan over the last days

  private func replayed(_ isOver: () -> Bool) -> (judged: [JSONValue], told: [JSONValue], summary: JSONValue) {
    guard var plan else { return ([], [], .null) }
    let from = now - Int64(days) * 86_400_000
    plan.patient = patient
    // All that is kept: trends and whose a weight is look back beyond the days that are asked for.
    let readings = history.readings(patient: patient, from: .min)
    guard let first = readings.first?.takenAt?.milliseconds,
      readings.contains(where: { from <= $0.takenAt?.milliseconds ?? first })
    else { return ([], [], .null) }
    var replay = PlanReplay(plan: plan, zone: zone, start: first)
    var summary = TrySummary(from: max(from, first), to: now)
    var judged: [JSONValue] = []
    for reading in readings {
      let time = reading.takenAt?.milliseconds ?? first
      let evaluation = replay.take(reading, at: time, isOver)
      if isOver() { return ([], [], .null) }
      guard from <= time else { continue }
      summary.note(evaluation)
      var row: JSONObject = JSONObject()
      row["at"] = PlanInstant.json(time, zone)
      row["values"] = PictureJob.values(of: reading)
      row["zone"] = evaluation?.zone.map { .string($0.rawValue) } ?? .null
      row["rules"] = .array((evaluation?.rules ?? []).map { .string($0.rule) })
      if let refused = evaluation?.notJudged, !refused.isEmpty {
        row["not_judged"] = PictureJob.json(refused)
      }
      judged.append(.object(row))
    }
    replay.pass(to: now, isOver)
    let told: [JSONValue] = replay.told.filter { from <= $0.at }.map { told in
      summary.note(told)
      var object = HubEvent(told.event, at: told.at, offsetSeconds: 0, reading: nil).json.object ?? JSONObject()
      for key in ["id", "type", "patient", "plan_version", "reading"] { object[key] = nil }
      object["at"] = PlanInstant.json(told.at, zone)
      if let since = told.event.since { object["since"] = PlanInstant.json(since, zone) }
      return .object(object)
    }
    return (judged, told, summary.json)
  }

  private static func values(of reading: Reading) -> JSONValue {
    var values = JSONObject()
    for measure in Measure.allCases {
      if let value = measure.value(in: reading) {
        values[measure.rawValue] = .string("\(value)")
      } else if let isAbove = measure.isBeyond(in: reading) {
        values[measure.rawValue] = .string(isAbove ? "HI" : "LO")
      }
    }
    return .object(values)
  }

  // MARK: A picture

  private func report(_ object: inout JSONObject, _ isOver: () -> Bool) {
    let from = firstInstant
    object["from"] = PlanInstant.json(from, zone)
    object["episodes"] = .array(
      EpisodeStory.all(of: patient, history, plan, rules, now: now).map { $0.json(zone) })
    let gone = goneDifferences
    if !gone.isEmpty {
      object["gone_rules"] = .array(gone.sorted().map { ["id": .string($0), "kind": .string(DeltaRule.name)] })
    }
    object["rows"] = .array(rows(from: from, isOver))
    let worth = KeptWorth(history)
    object["asides"] = .array(history.asideReadings(patient: patient, from: from).map { row($0, nil, worth) })
    object["means"] = .array(
      (plan?.means(from: from, now: now, history: history, zone: zone, isOver) ?? []).map { line in
        [
          "rule": .string(line.rule), "measure": .string(line.measure.rawValue),
          "points": .array(
            line.points.map { ["at": PlanInstant.json($0.time, zone), "value": .string("\($0.value)")] }),
        ]
      })
    object["expected"] = .array(
      (plan?.expected(from: from, now: now, history: history, zone: zone) ?? []).map { expected in
        [
          "rule": .string(expected.rule), "measure": .string(expected.measure.rawValue),
          "start": PlanInstant.json(expected.start, zone), "end": PlanInstant.json(expected.end, zone),
          "state": .string(expected.state.rawValue),
        ]
      })
    object["marks"] = .array(
      history.marks.filter { $0.time >= from }.map { mark in
        guard case .object(var fields) = mark.json else { return mark.json }
        fields["at"] = PlanInstant.json(mark.time, zone)
        if let since = mark.since { fields["since"] = PlanInstant.json(since, zone) }
        return .object(fields)
      })
  }

  /// Rules that are in the plan no more and told of differences. What was told keeps no kind: a difference is known by its unit, or
  /// by being nearer to zero than any value of its measure that is kept. What could be a value is not called a difference.
  var goneDifferences: Set<String> {
    let known = Set((plan?.allRules ?? []).map(\.id))
    func isDifference(_ mark: PatientHistory.Mark) -> Bool {
      guard let value = mark.value, let measure = mark.measure, let unit = mark.unit else { return false }
      if unit == .percent, measure.unit != .percent { return true }
      let stores = [history.values, history.asides, history.unbelieved].compactMap { $0[measure] }
      guard unit == measure.unit, let least = stores.flatMap({ $0.filter { !$0.isBeyond }.map(\.value) }).min() else {
        return false
      }
      return value.magnitude < least
    }
    let gone = Dictionary(grouping: history.marks.filter { !known.contains($0.rule) && $0.value != nil }, by: \.rule)
    return Set(gone.filter { $0.value.allSatisfy(isDifference) }.keys)
  }

  /// The midnight with which the first of so many days began on the patient's clock, today counted.
  private var firstInstant: Int64 {
    let local = now / 1000 + Int64(zone.local(at: now / 1000).offset)
    let midnight = CivilTime(seconds: local - local % 86_400 - Int64(days - 1) * 86_400)
    switch zone.instants(of: midnight) {
    case .one(let seconds), .gap(let seconds), .fold(let seconds, _): return seconds * 1000
    }
  }

  /// Each reading with its zone by the plan of today. A plan judges anew from a while before the first day, so that changes and
  /// means of that day have something to look back on.
  private func rows(from: Int64, _ isOver: () -> Bool) -> [JSONValue] {
    let before = plan == nil ? 0 : 14 * 86_400_000 as Int64
    let asides = Set(history.asideReadings(patient: patient, from: from - before).map(\.id))
    let readings = history.readings(patient: patient, from: from - before).filter { !asides.contains($0.id) }
    guard let first = readings.first?.takenAt?.milliseconds else { return [] }
    var replay = plan.map { PlanReplay(plan: $0, zone: zone, start: first) }
    let worth = KeptWorth(history)
    var rows: [JSONValue] = []
    for reading in readings {
      let time = reading.takenAt?.milliseconds ?? first
      let evaluation = replay?.take(reading, at: time, isOver)
      if time >= from { rows.append(row(reading, evaluation, worth)) }
      if isOver() { return [] }
    }
    return rows
  }

  private func row(_ reading: Reading, _ evaluation: Evaluation?, _ worth: KeptWorth) -> JSONValue {
    var row = JSONObject()
    row["id"] = .string(String(reading.id.low, radix: 16))
    row["kind"] = .string(reading.kind.rawValue)
    row["at"] = PlanInstant.json(reading.takenAt?.milliseconds ?? 0, zone)
    row["values"] = PictureJob.values(of: reading)
    row["zone"] = evaluation?.zone.map { .string($0.rawValue) } ?? .null
    row["rules"] = .array(
      (evaluation?.rules ?? []).map { ["rule": .string($0.rule), "zone": .string($0.zone.rawValue)] })
    row["flags"] = .array(reading.flags.map { .string($0.rawValue) })
    let doubts = worth.of(reading)
    if !doubts.members.isEmpty { row["worth"] = .object(doubts) }
    if let refused = evaluation?.notJudged, !refused.isEmpty { row["not_judged"] = PictureJob.json(refused) }
    return .object(row)
  }

  private static func json(_ refused: [Evaluation.NotJudged]) -> JSONValue {
    .array(refused.map { ["rule": .string($0.rule), "because": .string($0.because)] })
  }
}

/// What kept values are worth that are not sound, as `not_judged` names it.
private struct KeptWorth {
  private var doubted: [Measure: Set<UInt64>] = [:]
  private var asides: [Measure: Set<UInt64>] = [:]
  private var unbelieved: [Measure: Set<UInt64>] = [:]

  init(_ history: PatientHistory) {
    for measure in Measure.allCases {
      doubted[measure] = Set((history.values[measure] ?? .init()).lazy.filter(\.isDoubtful).map(\.id))
      asides[measure] = Set((history.asides[measure] ?? .init()).lazy.map(\.id))
      unbelieved[measure] = Set((history.unbelieved[measure] ?? .init()).lazy.map(\.id))
    }
  }

  /// By measure; nothing for sound values.
  func of(_ reading: Reading) -> JSONObject {
    var object = JSONObject()
    for measure in Measure.allCases {
      let reason: NotJudgedReason? =
        if asides[measure]?.contains(reading.id.low) ?? false {
          .somebodyElse
        } else if unbelieved[measure]?.contains(reading.id.low) ?? false {
          .notBelievable
        } else if doubted[measure]?.contains(reading.id.low) ?? false {
          .doubted
        } else {
          nil
        }
      if let reason { object[measure.rawValue] = .string(reason.rawValue) }
    }
    return object
  }
}

/// An instant as plans and pictures show it: in the patient's zone, to the second.
enum PlanInstant {
  static func json(_ milliseconds: Int64, _ zone: TimeZoneRules) -> JSONValue {
    let seconds = milliseconds / 1000 - (milliseconds % 1000 < 0 ? 1 : 0)
    let offset = Int32(clamping: zone.local(at: seconds).offset)
    return .string(ISO8601.text(milliseconds: milliseconds, offsetSeconds: offset, withMilliseconds: false))
  }
}

/// What a person asks that is answered beside the thread that decides.
package indirect enum ReadJob: Sendable {
  /// Stored readings, from the journal.
  case readings(ReadingQuery)
  /// The newest stored forms of the readings whose identifiers begin so, for a correction: they come back as `Event.located`.
  case locate(String)
  /// A stored reading of a patient whom memory does not know, for an erasure: it comes back as `Event.located`.
  case bearer(String)
  /// Kept values of a patient, judged.
  case picture(PictureJob)
  /// What was answered from memory already.
  case answer(ControlAnswer)
  /// The job, if stored readings bear all these names; else the refusal of the first that none bears.
  case known([DoubtfulName], ReadJob)
}
