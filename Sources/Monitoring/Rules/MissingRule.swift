// A measurement that did not come: by slots of the patient's day, or by the longest interval between two.

package import JSON
package import Readings

/// A measurement that is expected.
package struct MissingRule: RuleKind {
  /// When it is expected.
  package enum Schedule: Sendable, Hashable {
    /// In each of these hours, on these days of the week (1 Monday … 7 Sunday; empty: every day), on the patient's clock.
    case slots([DayHours], days: [Int])
    /// At the latest so many milliseconds after the last one.
    case interval(Int64)
  }

  /// The value that is expected.
  package var measure: Measure
  /// When.
  package var schedule: Schedule
  /// How long after the end of a slot, or of the interval, it still counts, in milliseconds.
  package var grace: Int64
  /// When the patient is reminded: so many milliseconds after a slot's beginning; nil: never.
  package var remindAfter: Int64?
  /// The zone that it brings about.
  package var zone: Zone

  /// A rule over what is expected.
  package init(measure: Measure, schedule: Schedule, grace: Int64 = 0, remindAfter: Int64? = nil, zone: Zone) {
    self.measure = measure
    self.schedule = schedule
    self.grace = grace
    self.remindAfter = remindAfter
    self.zone = zone
  }
}

extension MissingRule {
  package static var name: String { "missing" }
  package static var keys: [String] {
    ["measure", "slots", "days", "max_interval", "grace", "remind_after", "zone"]
  }
  package static var bounds: [RuleBound] {
    [.count(key: "slots", atMost: 12, of: "slots a day"), .count(key: "days", atMost: 7, of: "days")]
  }

  package init(_ fields: RuleFields) throws(JSONError) {
    let schedule: Schedule
    switch (fields["slots"], fields["max_interval"]) {
    case (let slots?, nil):
      var list: [DayHours] = []
      for item in try slots.array() { list.append(try RuleFields.hours(item)) }
      guard !list.isEmpty else {
        throw slots.error("invalid-value", "expected at least one slot such as \"07:00-10:00\"")
      }
      var days: [Int] = []
      let names = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
      for item in try fields["days"]?.array() ?? [] {
        if let index = names.firstIndex(of: try item.string(of: names)) { days.append(index + 1) }
      }
      schedule = .slots(list, days: days)
    case (nil, let interval?): schedule = .interval(try RuleFields.duration(interval))
    default: throw fields.error("missing-key", "expected one of \"slots\" and \"max_interval\"")
    }
    self.init(
      measure: try fields.measure(), schedule: schedule, grace: try fields.duration("grace") ?? 0,
      remindAfter: try fields.duration("remind_after"), zone: try fields.zone())
  }

  package var measures: [Measure] { [measure] }
  package var isTimed: Bool { true }

  // MARK: Time passes

  /// Each slot is judged once, however often this is called, also after the hub was off: slots that were missed meanwhile are told as
  /// one event with their count.
  package func due(_ rule: Rule, of plan: Plan, _ state: RuleState?, at moment: DueMoment) -> TimedStep? {
    // A rule that is new is judged from now on.
    guard let state, let through = state.judgedThrough else {
      var first = state ?? RuleState()
      first.judgedThrough = moment.now
      return TimedStep(state: first)
    }
    switch schedule {
    case .interval(let interval): return dueByInterval(interval, through, rule, plan, state, moment)
    case .slots: return dueBySlots(through, rule, plan, state, moment)
    }
  }

  private func dueByInterval(
    _ interval: Int64, _ through: Int64, _ rule: Rule, _ plan: Plan, _ before: RuleState, _ moment: DueMoment
  ) -> TimedStep {
    var after = before
    let now = moment.now
    var events: [MonitoringEvent] = []
    let last = max(moment.history.last(measure, upTo: now) ?? through, through)
    if now > last + interval + grace {
      if after.phase == .normal, moment.isSettled {
        after.phase = .raised
        after.zone = zone
        events += told(rule, &after, 1, now, plan)
      } else if after.isUntold {
        events += told(rule, &after, 0, now, plan)
      }
    } else if after.phase != .normal {
      events += cleared(rule, &after, plan)
    }
    if last > through { after.judgedThrough = last }
    return TimedStep(state: after, events: events)
  }

  private func dueBySlots(
    _ through: Int64, _ rule: Rule, _ plan: Plan, _ before: RuleState, _ moment: DueMoment
  ) -> TimedStep? {
    let now = moment.now
    let slots = slots(after: through, until: now, moment.clock)
    guard !slots.isEmpty || before.isUntold else { return nil }
    var after = before
    var events: [MonitoringEvent] = []
    var missed = 0
    var newestCame = false
    for slot in slots {
      let came = !moment.history.points(measure, from: slot.start, to: slot.end + grace).isEmpty
      if !came, let remindAfter, now >= slot.start + remindAfter, now < slot.end + grace,
        after.remindedFor != slot.start
      {
        after.remindedFor = slot.start
        events.append(rule.event(.reminder, zone, plan))
      }
      // A measurement within the slot decides it; else its end and the grace do.
      guard came || now >= slot.end + grace, came || moment.isSettled else { break }
      after.judgedThrough = slot.start
      newestCame = came
      if !came { missed += 1 }
    }
    if missed > 0, !newestCame {
      after.phase = .raised
      after.zone = zone
      events += told(rule, &after, missed, now, plan)
    } else if missed > 0 {
      events += told(rule, &after, missed, now, plan)
      events += cleared(rule, &after, plan)
    } else if newestCame, after.phase != .normal {
      events += cleared(rule, &after, plan)
    } else if after.isUntold {
      events += told(rule, &after, 0, now, plan)
    }
    return TimedStep(state: after, events: events)
  }

  /// What did not come is told, unless people heard of it within the rule's quiet period; then it is told when that is over, with
  /// what else did not come until then.
  private func told(
    _ rule: Rule, _ after: inout RuleState, _ missed: Int, _ now: Int64, _ plan: Plan
  ) -> [MonitoringEvent] {
    let all = missed + (after.isUntold ? after.count : 0)
    if rule.quiet > 0, let last = after.toldAt, now - last < rule.quiet {
      (after.isUntold, after.count) = (true, all)
      return []
    }
    (after.isUntold, after.count) = (false, 0)
    (after.toldAt, after.toldZone) = rule.quiet > 0 ? (now, zone) : (nil, nil)
    return [rule.event(.missing, zone, plan, count: max(1, all))]
  }

  private func cleared(_ rule: Rule, _ after: inout RuleState, _ plan: Plan) -> [MonitoringEvent] {
    after.phase = .normal
    after.zone = .green
    // Nobody heard that it did not come: nobody hears that it came.
    guard !after.isUntold else {
      (after.isUntold, after.count) = (false, 0)
      return []
    }
    return [rule.event(.cleared, .green, plan)]
  }

  package func nextDue(_ rule: Rule, _ state: RuleState?, at moment: DueMoment) -> Int64? {
    guard let known = state, let through = known.judgedThrough else { return nil }
    let now = moment.now
    var next: Int64?
    func offer(_ time: Int64) { if time > now, time < next ?? .max { next = time } }
    if known.isUntold, let told = known.toldAt { offer(told + rule.quiet) }
    switch schedule {
    case .interval(let interval):
      guard known.phase == .normal else { break }
      offer(max(moment.history.last(measure, upTo: now) ?? through, through) + interval + grace + 1)
    case .slots:
      for slot in slots(after: through, until: now + 8 * 86_400_000, moment.clock, first: 3) {
        if let remindAfter, known.remindedFor != slot.start { offer(slot.start + remindAfter) }
        offer(slot.end + grace)
      }
    }
    return next
  }

  // MARK: What was expected

  package func expected(_ rule: Rule, from: Int64, at moment: DueMoment) -> [ExpectedMeasurement] {
    let (now, history) = (moment.now, moment.history)
    // Nothing is expected before the first value that is known: the equipment was not there.
    guard let first = history.points(measure, from: .min, to: now).first?.time else { return [] }
    let from = max(from, first)
    guard from < now else { return [] }
    switch schedule {
    case .slots:
      // The slot within which the first value came is expected as well.
      return slots(after: from - 86_400_000, until: now, moment.clock).filter { $0.end > from }.map { slot in
        let end = slot.end + grace
        let came = !history.points(measure, from: slot.start, to: end).isEmpty
        return ExpectedMeasurement(
          rule: rule.id, measure: measure, start: slot.start, end: end,
          state: came ? .came : now >= end ? .missed : .waiting)
      }
    case .interval(let interval):
      return gaps(longerThan: interval + grace, from: from, now: now, history).map { start, end in
        ExpectedMeasurement(rule: rule.id, measure: measure, start: start, end: end, state: .missed)
      }
    }
  }

  /// From when a value was overdue until one came, or now; at most 400.
  private func gaps(longerThan length: Int64, from: Int64, now: Int64, _ history: PatientHistory) -> [(Int64, Int64)] {
    var gaps: [(Int64, Int64)] = []
    var last = history.last(measure, upTo: from) ?? from
    for time in history.points(measure, from: from, to: now).map(\.time) + [now] {
      if time - last > length, gaps.count < 400 { gaps.append((last + length, time)) }
      last = time
    }
    return gaps
  }

  // MARK: Words

  package func explanation(_ words: PlanWords) -> String {
    let what = words.name(measure)
    var text: String
    switch schedule {
    case .slots(let hours, let days):
      let names = [
        words.say("mandag", "måndag", "Monday"), words.say("tirsdag", "tysdag", "Tuesday"),
        words.say("onsdag", "onsdag", "Wednesday"), words.say("torsdag", "torsdag", "Thursday"),
        words.say("fredag", "fredag", "Friday"), words.say("lørdag", "laurdag", "Saturday"),
        words.say("søndag", "sundag", "Sunday"),
      ]
      let which =
        days.isEmpty
        ? words.say("hver dag", "kvar dag", "every day")
        : days.sorted().compactMap { (1...7).contains($0) ? names[$0 - 1] : nil }.joined(separator: ", ")
      let when = which + " " + hours.map(\.text).joined(separator: ", ")
      text = words.say(
        "\(what): måles \(when).", "\(what): blir målt \(when).", "\(what): measured \(when).")
    case .interval(let interval):
      let length = words.duration(interval)
      text = words.say(
        "\(what): måles minst hver \(length).", "\(what): blir målt minst kvar \(length).",
        "\(what): measured at least every \(length).")
    }
    if let remindAfter {
      let after = words.duration(remindAfter)
      text += words.say(" Påminning etter \(after).", " Påminning etter \(after).", " A reminder after \(after).")
    }
    let late = grace > 0 ? words.duration(grace) : nil
    let colour = words.zone(zone)
    text += words.say(
      " Uteblir den\(late.map { " mer enn \($0)" } ?? ""): \(colour).",
      " Kjem ho ikkje\(late.map { " innan \($0) etterpå" } ?? ""): \(colour).",
      " If it does not come\(late.map { " within \($0) more" } ?? ""): \(colour).")
    return text
  }
}
