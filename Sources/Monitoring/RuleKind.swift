// What a kind of rule is. A kind is one file: the keys of a plan's file that it reads, what it makes of readings and of time, and
// its words; and one line in `Rule.kinds`. The steps of a rule, quiet periods and events are every kind's (`RuleSteps`).

package import JSON
package import Readings

/// A kind of rule with its settings.
package protocol RuleKind: Sendable, Hashable {
  // MARK: In a plan's file

  /// As plans name it.
  static var name: String { get }
  /// The keys that it knows beside those of every rule.
  static var keys: [String] { get }
  /// How much may stand under its keys.
  static var bounds: [RuleBound] { get }
  /// Reads its keys. Throws the first fault.
  init(_ fields: RuleFields) throws(JSONError)
  /// Adds its limits, in the units of the values, for those who draw them.
  func describe(in object: inout JSONObject)

  // MARK: In words

  /// What its messages to the patient begin with.
  func subject(_ language: PlanLanguage) -> String
  /// What it watches and when people are told, for those who set the plan.
  func explanation(_ words: PlanWords) -> String

  // MARK: For those who check a plan

  /// Its limits as they stand in the file, zone by zone, those of parts behind them.
  var statedLimits: [StatedLimits] { get }
  /// What of the rest of its keys cannot be.
  var statedFaults: [StatedFault] { get }
  /// Its zones, where they are over one number; nil: they are not.
  var statedScale: StatedScale? { get }
  /// The zones that it can bring about, green left out.
  var zonesTold: Set<Zone> { get }
  /// What is right in it and may still silence or tire people.
  func advice(_ rule: Rule, in plan: Plan) -> [String]

  // MARK: What it watches

  /// The values that it looks at; none for rules over signs and devices.
  var measures: [Measure] { get }
  /// It looks at several readings: judged when a delivery has settled.
  var isTrend: Bool { get }
  /// Time alone may change where it stands: `due` and `nextDue` are asked.
  var isTimed: Bool { get }
  /// The repeat that confirms; nil raises at the first reading.
  var confirm: Confirmation? { get }
  /// Raise at the first reading and still ask for the repeat.
  var isImmediate: Bool { get }
  /// How far out counts as worse, a step a value; nil: distance does not count.
  func steps(_ direction: Direction?) -> [ExactDecimal?]

  // MARK: A value arrives

  /// What one value comes to at once, where the rule stood at `standing`; nil: it is not judged by single values.
  func finding(of value: SeenValue, standing: Finding?) -> Finding?

  // MARK: A trend, when a delivery has settled

  /// A reading is one of those by which this trend is judged.
  func awaits(_ sighting: Sighting) -> Bool
  /// What it looks at from `since` (milliseconds since 1970) on, in the order of time.
  func moments(since: Int64, _ view: HistoryView) -> [TrendMoment]
  /// A reading at `time` sees one at `earlier`, with so many readings from there to it.
  func looksBack(from time: Int64, to earlier: Int64, over count: Int) -> Bool
  /// What a reading comes to, where the rule stood at `standing`.
  func verdict(at moment: TrendMoment, standing: Finding?, _ view: HistoryView) -> TrendVerdict

  // MARK: In events

  /// What an event says of a finding.
  func detail(of finding: Finding, in reading: Reading?, _ view: HistoryView?) -> EventDetail
  /// What a difference is held against, in the unit of its limits.
  func shown(reference: ExactDecimal) -> ExactDecimal

  // MARK: Time passes

  /// What a moment brings about: the rule's next state, and what is told.
  func due(_ rule: Rule, _ state: inout RuleState, at moment: DueMoment) -> [Telling]
  /// When `due` is to be called next, in milliseconds since 1970 and after the moment; nil: when something else happens.
  func nextDue(_ rule: Rule, _ state: RuleState?, at moment: DueMoment) -> Int64?
  /// What it expected in `[from, moment.now]`.
  func expected(_ rule: Rule, from: Int64, at moment: DueMoment) -> [ExpectedMeasurement]
}

/// A single value as a rule sees it.
package struct SeenValue: Sendable {
  package var measure: Measure
  /// In the measure's unit; nil: beyond all that the device can measure.
  package var number: ExactDecimal?
  /// Beyond all that the device can measure: true above.
  package var above: Bool?
  package var isDoubted: Bool
  /// The reading that holds it; nil where only the history is known.
  package var reading: Reading?
  package var id: ReadingID?
  /// Milliseconds since 1970.
  package var taken: Int64
}

extension SeenValue {
  /// A value that the history keeps.
  init(_ measure: Measure, _ point: PatientHistory.Point, isDoubted: Bool, id: ReadingID?) {
    self.init(
      measure: measure, number: point.isBeyond ? nil : point.value, above: point.above, isDoubted: isDoubted,
      reading: nil, id: id, taken: point.time)
  }
}

/// One reading that a trend looks at.
package struct TrendMoment: Sendable {
  /// When it was taken, in milliseconds since 1970.
  package var time: Int64
  /// Half of the reading's identifier.
  package var id: UInt64
  /// In the measure's unit; zero for trends over signs.
  package var value = ExactDecimal.zero
  /// The device itself was in doubt of it.
  package var isDoubtful = false
  /// Beyond all that the device can measure.
  package var isBeyond = false
}

/// What a trend says of a moment.
package enum TrendVerdict: Sendable {
  case found(Finding, TrendNote = TrendNote())
  /// Nothing moves.
  case notJudged(NotJudgedReason)

  var finding: Finding? { if case .found(let finding, _) = self { finding } else { nil } }
}

/// What else there is to say of a finding.
package struct TrendNote: Sendable {
  /// Parts of a score that are not known.
  package var absent: [String] = []
  /// Too little is known, or something newer is in doubt: it may raise, it ends nothing.
  package var endsNothing = false
  /// How many values were used.
  package var points: Int?
  /// What a difference is held against.
  package var reference: ExactDecimal?

  package init() {}
}

/// A patient's history as one rule sees it: without values that are in doubt, somebody else's or outside of the rule's hours.
package struct HistoryView: Sendable {
  /// One for all rules that look at the same history: a copy of it costs more than what most rules do.
  private final class Shared: Sendable {
    let history: PatientHistory
    let clock: PatientClock
    init(_ history: PatientHistory, _ clock: PatientClock) {
      self.history = history
      self.clock = clock
    }
  }

  private let shared: Shared
  package var history: PatientHistory { shared.history }
  package var clock: PatientClock { shared.clock }
  /// The rule's hours; empty: all.
  package let hours: [DayHours]

  package init(_ history: PatientHistory, _ clock: PatientClock, hours: [DayHours] = []) {
    self.init(Shared(history, clock), hours)
  }

  private init(_ shared: Shared, _ hours: [DayHours]) {
    self.shared = shared
    self.hours = hours
  }

  /// The same history as another rule sees it.
  func within(_ hours: [DayHours]) -> HistoryView {
    hours.isEmpty && self.hours.isEmpty ? self : HistoryView(shared, hours)
  }

  /// A value counts for the rule at all.
  func holds(_ time: Int64) -> Bool {
    guard !hours.isEmpty else { return true }
    let minute = clock.minute(time)
    return hours.contains { $0.holds(minute: minute) }
  }

  /// The values of `[from, to]` that the rule sees, oldest first; those in doubt and beyond all numbers too.
  func points(_ measure: Measure, from: Int64, to: Int64) -> [PatientHistory.Point] {
    var found: [PatientHistory.Point] = []
    forEach(measure, from: from, to: to) { found.append($0) }
    return found
  }

  /// The newest value of `[from, to]` that the rule sees.
  func newest(_ measure: Measure, from: Int64, to: Int64) -> PatientHistory.Point? {
    var found: PatientHistory.Point?
    forEachBackwards(measure, from: from, to: to) { point in
      found = point
      return false
    }
    return found
  }

  /// The oldest value of `[from, to]` that the rule sees and that counts.
  func first(
    _ measure: Measure, from: Int64, to: Int64, where counts: (PatientHistory.Point) -> Bool
  ) -> PatientHistory.Point? {
    guard let points = shared.history.values[measure] else { return nil }
    for index in PatientHistory.places(points, from: from, to: to) {
      let point = points[index]
      if holds(point.time), counts(point) { return point }
    }
    return nil
  }

  /// Calls `body` with the values of `[from, to]` that the rule sees, oldest first.
  @inline(__always)
  func forEach(_ measure: Measure, from: Int64, to: Int64, _ body: (PatientHistory.Point) -> Void) {
    guard let points = shared.history.values[measure] else { return }
    for index in PatientHistory.places(points, from: from, to: to) {
      let point = points[index]
      if holds(point.time) { body(point) }
    }
  }

  /// The same from the newest to the oldest, until `body` says false.
  @inline(__always)
  func forEachBackwards(_ measure: Measure, from: Int64, to: Int64, _ body: (PatientHistory.Point) -> Bool) {
    guard let points = shared.history.values[measure] else { return }
    let places = PatientHistory.places(points, from: from, to: to)
    var index = places.upperBound
    while index > places.lowerBound {
      index -= 1
      let point = points[index]
      if holds(point.time), !body(point) { return }
    }
  }

  /// The first instant of a window that ends at `time`: whole days are dates on the patient's clock, of which the day of `time` is the
  /// last and `dates` the number; other lengths are counted from `time`.
  func start(of window: Int64, endingAt time: Int64, dates: (Int64) -> Int64) -> Int64 {
    let day: Int64 = 86_400_000
    guard window >= day, window % day == 0 else { return time.moved(-window) }
    return clock.instant(day: clock.day(time) - dates(window / day) + 1, minute: 0)
  }
}

/// A moment at which rules are judged by time alone, and what is known then.
package struct DueMoment: Sendable {
  /// Milliseconds since 1970.
  package var now: Int64
  /// What was measured.
  package var history: PatientHistory
  /// What is known of the patient's devices.
  package var devices: [DeviceFacts]
  /// The patient's clock.
  package var clock: PatientClock
  /// False for the first while after a start, in which devices still bring what they measured meanwhile.
  package var isSettled = true
  /// The plan that is judged by; for its pauses.
  package var plan: Plan?
  /// Since when the hub runs without knowing the time, in milliseconds since 1970 by its wrong clock; nil: its clock is set.
  package var unsetSince: Int64?
}

/// A repeat that decides: `count` readings out of band within `within` milliseconds of the first.
package struct Confirmation: Sendable, Hashable {
  /// How many readings in all, at least 2.
  package var count: Int
  /// Milliseconds from the first reading to the last that counts.
  package var within: Int64

  /// A repeat that decides.
  package init(count: Int, within: Int64) {
    self.count = count
    self.within = within
  }
}

extension Rule {
  /// Every kind, in the order in which they are named to people.
  package static let kinds: [any RuleKind.Type] = [
    BandRule.self, DeltaRule.self, AverageRule.self, ConsecutiveRule.self, ScoreRule.self, MissingRule.self,
    BitsRule.self, QualityRule.self, DeviceRule.self,
  ]
}

// MARK: - What most kinds have in common

extension RuleKind {
  /// As plans name it.
  package var name: String { Self.name }

  package static var bounds: [RuleBound] { [] }
  package func describe(in object: inout JSONObject) {}
  package func subject(_ language: PlanLanguage) -> String { PlanText.name(measures.first ?? .systolic, language) }

  package var measures: [Measure] { [] }
  package var isTrend: Bool { false }
  package var isTimed: Bool { false }
  package var confirm: Confirmation? { nil }
  package var isImmediate: Bool { false }

  package func steps(_ direction: Direction?) -> [ExactDecimal?] { [] }
  package func finding(of value: SeenValue, standing: Finding?) -> Finding? { nil }
  package func awaits(_ sighting: Sighting) -> Bool {
    measures.contains { sighting.holds($0) && sighting.worth[$0]?.isBelieved ?? false }
  }

  /// The readings of its measures; one that holds several counts once.
  package func moments(since: Int64, _ view: HistoryView) -> [TrendMoment] {
    func moments(_ measure: Measure) -> [TrendMoment] {
      var found: [TrendMoment] = []
      view.forEach(measure, from: since, to: .max) {
        found.append(
          TrendMoment(time: $0.time, id: $0.id, value: $0.value, isDoubtful: $0.isDoubtful, isBeyond: $0.isBeyond))
      }
      return found
    }
    guard measures.count > 1 else { return measures.first.map(moments) ?? [] }
    var seen: Set<UInt64> = []
    return measures.flatMap(moments).sorted { ($0.time, $0.id) < ($1.time, $1.id) }
      .filter { seen.insert($0.id).inserted }
  }
  package func looksBack(from time: Int64, to earlier: Int64, over count: Int) -> Bool { false }
  package func verdict(at moment: TrendMoment, standing: Finding?, _ view: HistoryView) -> TrendVerdict {
    .notJudged(.tooFew)
  }
  package func detail(of finding: Finding, in reading: Reading?, _ view: HistoryView?) -> EventDetail {
    var detail = EventDetail()
    detail.direction = finding.direction
    return detail
  }

  package func shown(reference: ExactDecimal) -> ExactDecimal { reference }

  package func due(_ rule: Rule, _ state: inout RuleState, at moment: DueMoment) -> [Telling] { [] }
  package func nextDue(_ rule: Rule, _ state: RuleState?, at moment: DueMoment) -> Int64? { nil }
  package func expected(_ rule: Rule, from: Int64, at moment: DueMoment) -> [ExpectedMeasurement] { [] }

  /// The same settings of the same kind.
  func isEqual(to other: any RuleKind) -> Bool { (other as? Self) == self }
}

/// A kind that looks at values of a window or at the newest of them.
package protocol TrendRule: RuleKind {}

extension TrendRule {
  package var isTrend: Bool { true }
}

/// A window of milliseconds, as trends look back on it.
enum TrendWindow {
  /// A reading at `time` may see one at `earlier`. Whole days of a window are the patient's: one more day is enough.
  static func reaches(_ window: Int64, from time: Int64, to earlier: Int64) -> Bool {
    time <= earlier.addingReportingOverflow(window.addingReportingOverflow(26 * 3_600_000).partialValue).partialValue
  }
}
