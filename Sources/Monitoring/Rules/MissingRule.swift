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

  package var zonesTold: Set<Zone> { Set([zone]).subtracting([.green]) }

  package func advice(_ rule: Rule, in plan: Plan) -> [String] {
    var found: [String] = []
    switch schedule {
    case .interval:
      if remindAfter != nil {
        found.append("nobody is reminded: remind_after counts from the beginning of a slot, and max_interval has none")
      }
    case .slots(let hours, _):
      let lengths = hours.map { Int64(($0.to > $0.from ? $0.to : $0.to + 1440) - $0.from) * 60_000 }
      if let remindAfter, lengths.contains(where: { $0 + grace <= remindAfter }) {
        found.append("the reminder comes after the measurement is called missing: shorten remind_after")
      }
      for (slot, length) in zip(hours, lengths) where length > 12 * 3_600_000 {
        found.append("the slot \(slot.text) lasts \(length / 3_600_000) hours: is it the right way round?")
      }
    }
    if grace > 86_400_000 {
      found.append("a measurement is called missing more than a day after it was due: shorten grace")
    }
    return found
  }

  package var measures: [Measure] { [measure] }
  package var isTimed: Bool { true }

  // MARK: Time passes

  /// Each slot is judged once, however often this is called, also after the hub was off: slots that were missed meanwhile are told as
  /// one event with their count. What falls due outside of the rule's hours is told when they begin.
  package func due(_ rule: Rule, _ state: inout RuleState, at moment: DueMoment) -> [Telling] {
    // A rule that is new is judged from now on, also where its hours begin later.
    if moment.unsetSince == nil, state.judgedThrough == nil { state.judgedThrough = moment.now }
    guard rule.holdsHours(moment.now, moment.clock) else { return [] }
    if let since = moment.unsetSince { return dueWithoutTime(rule, &state, moment, since) }
    guard let through = state.judgedThrough else { return [] }
    // The clock was ahead once: nothing is judged beyond this moment.
    if through > moment.now { state.judgedThrough = moment.now }
    switch schedule {
    case .interval(let interval): return dueByInterval(interval, min(through, moment.now), rule, &state, moment)
    case .slots: return dueBySlots(min(through, moment.now), rule, &state, moment)
    }
  }

  private func dueByInterval(
    _ interval: Int64, _ through: Int64, _ rule: Rule, _ state: inout RuleState, _ moment: DueMoment
  ) -> [Telling] {
    let now = moment.now
    let last = max(moment.history.lastMeasured(measure, upTo: now) ?? through, through)
    if last > through { state.judgedThrough = last }
    guard now > last.moved(interval).moved(grace) else {
      return state.phase == .normal ? [] : clear(rule, &state, now)
    }
    if state.phase == .normal {
      guard moment.isSettled else { return [] }
      miss(rule, &state, now)
    } else if state.phase == .raised, let told = state.told.last?.at,
      now >= told.moved(MissingRule.again(interval, rule))
    {
      state.missed = 1
    }
    return flush(rule, &state, now, date: moment.clock.day(now))
  }

  /// While an interval lasts it is told again so often, in milliseconds.
  private static func again(_ interval: Int64, _ rule: Rule) -> Int64 { max(rule.quiet, interval, 86_400_000) }

  private func dueBySlots(
    _ through: Int64, _ rule: Rule, _ state: inout RuleState, _ moment: DueMoment
  ) -> [Telling] {
    let (now, history, clock) = (moment.now, moment.history, moment.clock)
    var told: [Telling] = []
    if state.phase != .normal, let slot = state.missedSlot,
      history.wasMeasured(measure, from: slot.start, to: slot.end.moved(grace))
    {
      told += clear(rule, &state, now, because: "came-late")
    }
    // A slot that is undecided keeps those behind it waiting; they are reminded of all the same.
    var waits = false
    for slot in slots(after: through, until: now, clock) {
      if !waits, moment.plan?.outOfForce(rule, at: slot.start, clock) != nil {
        state.judgedThrough = slot.start
        continue
      }
      let end = slot.end.moved(grace)
      let came = history.wasMeasured(measure, from: slot.start, to: end)
      if !came { told += remind(rule, &state, slot, moment) }
      // A measurement within the slot decides it; else its end and the grace do.
      guard !waits, came || now >= end, came || moment.isSettled else {
        waits = true
        continue
      }
      state.judgedThrough = slot.start
      if came {
        told += flush(rule, &state, now, date: state.missedSlot.map { clock.day($0.start) })
        if state.phase != .normal { told += clear(rule, &state, now) }
      } else {
        miss(rule, &state, now, since: slot.start)
        (state.missedSlot, state.missedDate) = (slot, clock.day(slot.start))
      }
    }
    return told + flush(rule, &state, now, date: state.missedSlot.map { clock.day($0.start) })
  }

  /// A hub without the time: the longest distance between two slots is the longest interval.
  private func dueWithoutTime(
    _ rule: Rule, _ state: inout RuleState, _ moment: DueMoment, _ since: Int64
  ) -> [Telling] {
    let now = moment.now
    let interval =
      switch schedule {
      case .interval(let interval): interval
      case .slots(let hours, let days): MissingRule.longestDistance(hours, days)
      }
    let last = max(moment.history.points(measure, from: since, to: now).last?.time ?? since, since)
    guard now > last.moved(interval).moved(grace) else {
      return state.phase == .normal ? [] : clear(rule, &state, now)
    }
    if state.phase == .normal {
      miss(rule, &state, now)
    } else if state.phase == .raised, let told = state.told.last?.at,
      now >= told.moved(MissingRule.again(interval, rule))
    {
      state.missed = max(1, state.missed)
    }
    return flush(rule, &state, now, date: moment.clock.day(now)).map { telling in
      var telling = telling
      telling.because = NotJudgedReason.clockUnset.rawValue
      return telling
    }
  }

  /// The longest time between two slots' beginnings, in milliseconds.
  static func longestDistance(_ hours: [DayHours], _ days: [Int]) -> Int64 {
    let week = 7 * 1440
    let named = days.isEmpty ? Array(1...7) : days
    let starts = named.flatMap { day in hours.map { (day - 1) * 1440 + $0.from } }.sorted()
    guard let first = starts.first else { return Int64(week) * 60_000 }
    let longest = zip(starts, starts.dropFirst() + [first + week]).map { $1 - $0 }.max() ?? week
    return Int64(longest) * 60_000
  }

  private func remind(
    _ rule: Rule, _ state: inout RuleState, _ slot: Slot, _ moment: DueMoment
  ) -> [Telling] {
    guard let remindAfter, moment.now >= slot.start.moved(remindAfter), moment.now < slot.end.moved(grace),
      state.remindedFor != slot.start
    else { return [] }
    let date = moment.clock.day(slot.start)
    // Who is known not to measure is reminded once a date.
    guard state.phase == .normal || state.remindedDate != date else { return [] }
    (state.remindedFor, state.remindedDate) = (slot.start, date)
    return [Telling(.reminder, zone)]
  }

  /// A measurement did not come.
  private func miss(_ rule: Rule, _ state: inout RuleState, _ now: Int64, since: Int64? = nil) {
    state.missed += 1
    guard state.phase == .normal else { return }
    state.phase = .raised
    state.episode = .init(reading: nil, since: since ?? now)
    state.current = Finding(Rank(zone, 1), taken: now)
  }

  /// Tells what did not come: once a date, or when the rule's quiet is over; not while somebody has taken notice.
  /// - Parameter date: of the newest slot that was missed, or of an interval's end, in days since 1970.
  private func flush(_ rule: Rule, _ state: inout RuleState, _ now: Int64, date: Int64?) -> [Telling] {
    guard state.missed > 0, state.phase == .raised, let current = state.current else { return [] }
    if rule.quiet > 0 {
      if let told = state.told.last?.at, now.moved(-told) < rule.quiet { return [] }
    } else if let date, state.toldDate == date {
      return []
    }
    let held = state.held.reduce(0) { $0 + $1.count }
    var telling = Machine(rule: rule, now: now).say(.missing, current, &state)
    telling.count = state.missed + held
    (state.missed, state.toldDate) = (0, date)
    return [telling]
  }

  private func clear(
    _ rule: Rule, _ state: inout RuleState, _ now: Int64, because: String? = nil
  ) -> [Telling] {
    // What was not told because it was quiet is told when that is over.
    if rule.quiet > 0, state.missed > 0, let current = state.current {
      let held = state.held.reduce(state.missed) { $0 + $1.count }
      state.held = [.init(count: held, worst: current, isUnconfirmed: false)]
    }
    // Without a quiet of its own it is told with the next one: a count is of all since the last telling.
    if rule.quiet > 0 {
      state.missed = 0
    } else if because != nil {
      // The newest of them came after all.
      state.missed = max(0, state.missed - 1)
    }
    state.missedSlot = nil
    return Machine(rule: rule, now: now).clear(nil, &state, because: because)
  }

  package func nextDue(_ rule: Rule, _ state: RuleState?, at moment: DueMoment) -> Int64? {
    let (now, clock) = (moment.now, moment.clock)
    guard rule.holdsHours(now, clock) else { return rule.nextHours(after: now, clock) }
    guard let state else { return nil }
    var next: Int64?
    func offer(_ time: Int64) { if time > now, time < next ?? .max { next = time } }
    if state.missed > 0, rule.quiet > 0, let told = state.told.last?.at { offer(told.moved(rule.quiet)) }
    /// When an interval that ends after `last` is looked at.
    func offerInterval(_ interval: Int64, _ last: Int64) {
      offer(last.moved(interval).moved(grace).moved(1))
      if state.phase == .raised, let told = state.told.last?.at { offer(told.moved(MissingRule.again(interval, rule))) }
      // One a date: what was not told on this one is told on the next.
      if state.phase == .raised, state.missed > 0 { offer(clock.instant(day: clock.day(now) + 1, minute: 0)) }
    }
    if let since = moment.unsetSince {
      let last = max(moment.history.points(measure, from: since, to: now).last?.time ?? since, since)
      switch schedule {
      case .interval(let interval): offerInterval(interval, last)
      case .slots(let hours, let days): offerInterval(MissingRule.longestDistance(hours, days), last)
      }
      return next
    }
    guard let through = state.judgedThrough else { return nil }
    switch schedule {
    case .interval(let interval):
      offerInterval(interval, max(moment.history.lastMeasured(measure, upTo: now) ?? through, through))
    case .slots:
      for slot in slots(after: through, until: now + 8 * 86_400_000, clock, first: 3) {
        if let remindAfter, state.remindedFor != slot.start { offer(slot.start.moved(remindAfter)) }
        offer(slot.end.moved(grace))
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
        let came = history.wasMeasured(measure, from: slot.start, to: end)
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
      let length = words.every(interval)
      text = words.say(
        "\(what): måles minst \(length).", "\(what): blir målt minst \(length).",
        "\(what): measured at least \(length).")
    }
    if let remindAfter, case .slots = schedule {
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
