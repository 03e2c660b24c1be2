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

  // MARK: A reading arrives

  /// The reading holds something that it looks at.
  func concerns(_ sighting: Sighting) -> Bool
  /// The reading is one of those by which this trend is judged.
  func awaits(_ sighting: Sighting) -> Bool
  /// A newer reading than one of this time (milliseconds since 1970) was known already.
  func isOlder(_ time: Int64, than earlier: PatientHistory) -> Bool
  /// The zone that a reading brings it to, where it stood at `before`; nil when the reading does not concern it. `history` holds
  /// the reading.
  func zone(of sighting: Sighting, before: Zone, _ history: PatientHistory, _ clock: PatientClock) -> Zone?

  // MARK: A trend, when a delivery has settled

  /// What it looks at from `since` (milliseconds since 1970) on, in the order of time.
  func moments(since: Int64, _ history: PatientHistory) -> [TrendMoment]
  /// A reading at `time` sees one at `earlier`, with so many readings from there to it.
  func looksBack(from time: Int64, to earlier: Int64, over count: Int) -> Bool
  /// The zone at a reading, where it stood at `before`; nil while too little is known.
  func zone(at moment: TrendMoment, before: Zone, _ history: PatientHistory, _ clock: PatientClock) -> Zone?

  // MARK: Time passes

  /// What a moment brings about; nil: nothing.
  func due(_ rule: Rule, of plan: Plan, _ state: RuleState?, at moment: DueMoment) -> TimedStep?
  /// When `due` is to be called next, in milliseconds since 1970 and after the moment; nil: when something else happens.
  func nextDue(_ rule: Rule, _ state: RuleState?, at moment: DueMoment) -> Int64?
  /// What it expected in `[from, moment.now]`.
  func expected(_ rule: Rule, from: Int64, at moment: DueMoment) -> [ExpectedMeasurement]
}

/// A reading as rules see it.
package struct Sighting: Sendable {
  /// With what is known of it now.
  package let reading: Reading
  /// What a plan can watch of it.
  package let values: PerMeasure<ExactDecimal>
  /// When it was taken, in milliseconds since 1970; nil: it has no place in time.
  package let taken: Int64?
  /// It says that no rule may see its values.
  package let isUnfit: Bool
  /// The device itself is in doubt of it.
  package let isDoubtful: Bool

  init(_ reading: Reading) {
    self.reading = reading
    values = Measure.values(in: reading)
    taken = reading.takenAt?.milliseconds
    isUnfit = reading.flags.contains { Monitor.isUnfit($0) }
    isDoubtful = reading.flags.contains { $0.isDoubt }
  }

  /// At most yellow for what is in doubt.
  func capped(_ zone: Zone?) -> Zone? { isDoubtful ? zone.map { min($0, .yellow) } : zone }
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

  /// At most yellow for what is in doubt.
  func capped(_ zone: Zone?) -> Zone? { isDoubtful ? zone.map { min($0, .yellow) } : zone }
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
}

/// Where a rule stands after a moment, and what is to be told.
package struct TimedStep: Sendable {
  /// Nil: normal, nothing is to be kept.
  package var state: RuleState?
  /// What is to be told, in order.
  package var events: [MonitoringEvent] = []
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
    BandRule.self, DeltaRule.self, AverageRule.self, ConsecutiveRule.self, MissingRule.self, BitsRule.self,
    QualityRule.self, DeviceRule.self,
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

  package func concerns(_ sighting: Sighting) -> Bool {
    measures.contains { sighting.values[$0] != nil || $0.isBeyond(in: sighting.reading) != nil }
  }
  package func awaits(_ sighting: Sighting) -> Bool {
    !sighting.isUnfit && measures.contains { sighting.values[$0] != nil }
  }
  package func isOlder(_ time: Int64, than earlier: PatientHistory) -> Bool {
    measures.contains { (earlier.last($0, upTo: .max) ?? .min) > time }
  }
  package func zone(of sighting: Sighting, before: Zone, _ history: PatientHistory, _ clock: PatientClock) -> Zone? {
    nil
  }

  /// The readings of its measures; one that holds several counts once.
  package func moments(since: Int64, _ history: PatientHistory) -> [TrendMoment] {
    func moments(_ measure: Measure) -> [TrendMoment] {
      history.points(measure, from: since, to: .max).map {
        TrendMoment(time: $0.time, id: $0.id, value: $0.value, isDoubtful: $0.isDoubtful)
      }
    }
    guard measures.count > 1 else { return measures.first.map(moments) ?? [] }
    var seen: Set<UInt64> = []
    return measures.flatMap(moments).filter { seen.insert($0.id).inserted }
      .sorted { ($0.time, $0.id) < ($1.time, $1.id) }
  }
  package func looksBack(from time: Int64, to earlier: Int64, over count: Int) -> Bool { false }
  package func zone(at moment: TrendMoment, before: Zone, _ history: PatientHistory, _ clock: PatientClock) -> Zone? {
    nil
  }

  package func due(_ rule: Rule, of plan: Plan, _ state: RuleState?, at moment: DueMoment) -> TimedStep? { nil }
  package func nextDue(_ rule: Rule, _ state: RuleState?, at moment: DueMoment) -> Int64? { nil }
  package func expected(_ rule: Rule, from: Int64, at moment: DueMoment) -> [ExpectedMeasurement] { [] }

  /// The same settings of the same kind.
  func isEqual(to other: any RuleKind) -> Bool { (other as? Self) == self }
}

/// A kind that looks at values of a window or at the newest of them: a reading that arrives is one more of its moments.
package protocol TrendRule: RuleKind {}

extension TrendRule {
  package var isTrend: Bool { true }

  package func zone(of sighting: Sighting, before: Zone, _ history: PatientHistory, _ clock: PatientClock) -> Zone? {
    guard !sighting.isUnfit, let taken = sighting.taken,
      let value = measures.lazy.compactMap({ sighting.values[$0] }).first
    else { return nil }
    let moment = TrendMoment(
      time: taken, id: sighting.reading.id.low, value: value, isDoubtful: sighting.isDoubtful)
    return zone(at: moment, before: before, history, clock)
  }
}

/// A window of milliseconds, as trends look back on it.
enum TrendWindow {
  /// A reading at `time` may see one at `earlier`. Whole days of a window are the patient's: one more day is enough.
  static func reaches(_ window: Int64, from time: Int64, to earlier: Int64) -> Bool {
    time <= earlier.addingReportingOverflow(window.addingReportingOverflow(26 * 3_600_000).partialValue).partialValue
  }
}
