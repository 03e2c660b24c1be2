// What was raised, from its first value to its end, as people look back on it: put together from the marks that are kept of a patient
// and from where the rules stand now.

internal import JSON
internal import Ledger
internal import Monitoring
internal import Readings
internal import Zones

/// One episode of a rule.
struct EpisodeStory: Hashable {
  /// How far out it was.
  struct Worst: Hashable {
    /// In `unit`; nil: beyond all that the device can measure.
    var value: ExactDecimal?
    /// Beyond all that the device can measure: true above.
    var above: Bool?
    /// Nil: a sum of points.
    var unit: UCUM?
    var measure: Measure?
    /// When it was taken, in milliseconds since 1970; nil: when it was told is all that is known.
    var at: Int64?
  }

  /// Somebody took notice.
  struct Notice: Hashable {
    var by: String
    /// Milliseconds since 1970.
    var at: Int64
    var note: String
  }

  var rule: String
  /// Nil: what an older version told.
  var id: ReadingID?
  /// When its first value was taken, in milliseconds since 1970.
  var from: Int64
  /// When it ended, in milliseconds since 1970; nil: it goes on, or its end is not known.
  var to: Int64?
  /// Where it stands; normal when it is over.
  var phase = RuleState.Phase.normal
  /// How it was told first.
  var kind: MonitoringEvent.Kind
  var direction: Direction?
  /// The worst that was told.
  var zone: Zone
  /// The worst colour of a value, where that is worse than what was told.
  var valueZone: Zone?
  var worst: Worst?
  /// How often it was told.
  var told = 0
  /// How many measurements did not come; 0 for other rules.
  var missed = 0
  /// In the order of time.
  var notices: [Notice] = []
  /// Why it ended, where not by a value.
  var because: String?
  /// The last that is known of it, in milliseconds since 1970.
  private var last: Int64

  private init(rule: String, id: ReadingID?, from: Int64, kind: MonitoringEvent.Kind, zone: Zone, last: Int64) {
    (self.rule, self.id, self.from, self.kind, self.zone, self.last) = (rule, id, from, kind, zone, last)
  }

  /// So many milliseconds back.
  static let length: Int64 = 90 * 86_400_000

  /// The episodes that were not over `length` before now: the open ones first, the worst of them at the top, then the newest.
  static func all(
    of patient: String, _ history: PatientHistory, _ plan: Plan?, _ state: PatientState, now: Int64
  ) -> [EpisodeStory] {
    var stories: [EpisodeStory] = []
    for mark in history.marks { take(mark, &stories) }
    for rule in plan?.allRules ?? [] {
      if let known = state.rules[rule.id], known.isRaised { open(rule, known, patient, &stories) }
    }
    for index in stories.indices {
      if let rule = plan?.allRules.first(where: { $0.id == stories[index].rule }) {
        stories[index].look(at: rule, history, now: now)
      }
    }
    return stories.filter { $0.isOpen || $0.to ?? $0.last >= now - length }.sorted { left, right in
      if left.isOpen != right.isOpen { return left.isOpen }
      if left.isOpen, left.zone != right.zone { return right.zone < left.zone }
      return (right.from, right.rule) < (left.from, left.rule)
    }
  }

  var isOpen: Bool { phase != .normal }

  // MARK: From marks

  private static func take(_ mark: PatientHistory.Mark, _ stories: inout [EpisodeStory]) {
    // Marks of older versions name no episode: a notice belongs to what its rule told last.
    let index = stories.lastIndex { story in
      story.rule == mark.rule && (mark.episode != nil ? story.id == mark.episode : story.id == nil && !mark.isTelling)
    }
    if mark.isTelling, mark.kind == .late || index == nil {
      var story = EpisodeStory(
        rule: mark.rule, id: mark.episode, from: mark.since ?? mark.time, kind: mark.kind, zone: mark.zone,
        last: mark.time)
      if mark.kind == .late { story.to = story.from }
      story.note(mark)
      stories.append(story)
    } else if let index {
      stories[index].note(mark)
    }
  }

  private mutating func note(_ mark: PatientHistory.Mark) {
    last = max(last, mark.time)
    switch mark.kind {
    case .acknowledged: notices.append(Notice(by: mark.by ?? "", at: mark.time, note: mark.note ?? ""))
    case .cleared:
      to = max(from, mark.time)
      because = mark.because
    case .raised, .unconfirmed, .late, .missing:
      told += 1
      zone = max(zone, mark.zone)
      if let colour = mark.valueZone { valueZone = max(valueZone ?? .green, colour) }
      direction = direction ?? mark.direction
      if mark.kind == .missing { missed += Int(mark.count) }
      if mark.value != nil || mark.above != nil {
        consider(Worst(value: mark.value, above: mark.above, unit: mark.unit, measure: mark.measure))
      }
    case .repeatRequested, .reminder: break
    }
  }

  /// Keeps the one that is further out; what cannot be compared stays as it was first told.
  private mutating func consider(_ found: Worst) {
    guard let known = worst else {
      worst = found
      return
    }
    guard found.measure == known.measure, known.above == nil else { return }
    guard let value = found.value, let before = known.value else {
      if found.above != nil { worst = found }
      return
    }
    guard found.unit == known.unit else { return }
    let isFurther = direction == .low ? value < before : direction == .high ? before < value : false
    if isFurther || (found.at != nil && known.at == nil && value.isEqual(to: before)) { worst = found }
  }

  // MARK: From where rules stand, and from what was measured

  private static func open(
    _ rule: Rule, _ state: RuleState, _ patient: String, _ stories: inout [EpisodeStory]
  ) {
    let id = RuleEpisode.id(rule.id, of: patient, state).flatMap { ReadingID($0) }
    var index = stories.lastIndex { $0.rule == rule.id && $0.id == id && $0.kind != .late }
    // What an older version raised goes on under a name of this one.
    index = index ?? stories.lastIndex { $0.rule == rule.id && $0.id == nil && $0.kind != .late }
    let since = state.episode?.since ?? state.raisedAt
    if index == nil {
      guard let since else { return }
      stories.append(
        EpisodeStory(rule: rule.id, id: id, from: since, kind: rule.usualTelling, zone: state.zone, last: since))
    }
    guard let place = index ?? stories.indices.last else { return }
    stories[place].id = id
    stories[place].phase = state.phase
    stories[place].to = nil
    if let current = state.current {
      let detail = rule.kind.detail(of: current, in: nil, nil)
      stories[place].direction = stories[place].direction ?? current.direction
      stories[place].zone = max(stories[place].zone, current.rank.zone)
      if detail.value != nil || detail.comparator != nil {
        stories[place].consider(
          Worst(
            value: detail.value, above: detail.comparator.map { $0 == ">" },
            unit: detail.unit.flatMap(UCUM.init(rawValue:)), measure: detail.measure.flatMap(Measure.init(rawValue:))))
      }
    }
    if stories[place].notices.isEmpty, let word = state.acknowledgement {
      stories[place].notices = [Notice(by: word.by, at: word.at, note: word.note)]
    }
  }

  /// Of a rule over single values the furthest that was measured meanwhile counts, also where it was not worth a word of its own.
  private mutating func look(at rule: Rule, _ history: PatientHistory, now: Int64) {
    guard rule.kind is BandRule, rule.hours.isEmpty, kind != .late, let measure = rule.measures.first, let direction
    else { return }
    guard to != nil || isOpen, worst?.measure ?? measure == measure, worst?.unit ?? measure.unit == measure.unit else {
      return
    }
    for point in history.points(measure, from: from, to: to ?? now) where !point.isDoubtful {
      let above: Bool? = point.isBeyond ? !point.value.isNegative : nil
      guard above.map({ $0 == (direction == .high) }) ?? true else { continue }
      consider(
        Worst(
          value: above == nil ? point.value : nil, above: above, unit: measure.unit, measure: measure, at: point.time))
    }
  }

  // MARK: In an answer

  func json(_ zone: TimeZoneRules) -> JSONValue {
    var object = JSONObject()
    object["rule"] = .string(rule)
    if let id { object["episode"] = .string(id.description) }
    object["state"] = isOpen ? .string(phase.rawValue) : "over"
    object["event"] = .string(kind.rawValue)
    if let direction { object["direction"] = .string(direction.rawValue) }
    object["from"] = PlanInstant.json(from, zone)
    if let to { object["to"] = PlanInstant.json(to, zone) }
    object["zone"] = .string(self.zone.rawValue)
    if let valueZone, self.zone < valueZone { object["value_zone"] = .string(valueZone.rawValue) }
    if let worst {
      var fields = JSONObject()
      if let value = worst.value { fields["value"] = .string("\(value)") }
      if let above = worst.above { fields["comparator"] = above ? ">" : "<" }
      if let unit = worst.unit, worst.value != nil { fields["unit"] = .string(unit.rawValue) }
      if let measure = worst.measure { fields["measure"] = .string(measure.rawValue) }
      if let at = worst.at { fields["at"] = PlanInstant.json(at, zone) }
      object["worst"] = .object(fields)
    }
    object["told"] = .int(told)
    if missed > 0 { object["missed"] = .int(missed) }
    if !notices.isEmpty {
      object["acknowledged"] = .array(
        notices.map { notice in
          var fields = JSONObject()
          fields["by"] = .string(notice.by)
          fields["at"] = PlanInstant.json(notice.at, zone)
          if !notice.note.isEmpty { fields["note"] = .string(notice.note) }
          return .object(fields)
        })
    }
    if let because { object["because"] = .string(because) }
    return .object(object)
  }
}
