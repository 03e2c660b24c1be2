// What is drawn of a patient: values with their zones, what was expected and did not come, what was told and who took notice.

package import Monitoring
package import Readings

/// A patient's last days, ready to be drawn.
package struct PatientPicture: Sendable, Hashable {
  /// How far a reading is to be believed.
  package enum Standing: Sendable, Hashable {
    case sure
    /// The device itself was in doubt.
    case doubtful
    /// Somebody else's perhaps, or no value that a body has: drawn apart, joined to nothing.
    case apart
  }

  /// One reading.
  package struct Row: Sendable, Hashable {
    /// Half of its identifier, in hexadecimal digits.
    package var id: String
    /// Its kind; nil for one that this version does not know.
    package var kind: ReadingKind?
    /// Milliseconds since 1970; nil when nothing places it.
    package var at: Int64?
    /// What was measured.
    package var values: [Measure: ExactDecimal]
    /// Beyond all that the device can measure: true above.
    package var beyond: [Measure: Bool] = [:]
    /// What values are worth that are not sound.
    package var worth: [Measure: NotJudgedReason] = [:]
    /// Rules that did not judge it, and why, as the daemon names it.
    package var notJudged: [NotJudged] = []
    /// The values that a rule over single values calls abnormal.
    package var outside: Set<Measure> = []
    /// Its worst zone by the plan; nil: not judged.
    package var zone: Zone?
    /// The zone of each value by the rules over it.
    package var zones: [Measure: Zone]
    /// What the device or Hearth says of it.
    package var flags: [ReadingFlag]
    /// The device, where the journal still has the reading.
    package var device: String?
    /// How far it is to be believed.
    package var standing: Standing
    /// The values that some rule of the plan held against its limits.
    package var judged: Set<Measure> = []
    /// Of those the ones that a rule over single values judged.
    package var judgedAlone: Set<Measure> = []
    /// What its time rests on, where the journal still has the reading.
    package var timeQuality: TimeQuality?

    /// A rule that did not judge.
    package struct NotJudged: Sendable, Hashable {
      package var rule: String
      /// As the daemon names it.
      package var because: String
    }

    /// It has a number of a measure, or says that it is beyond all numbers.
    func holds(_ measure: Measure) -> Bool { values[measure] != nil || beyond[measure] != nil }

    /// The zone of one of its values; nil: no rule judged it.
    func zone(of measure: Measure) -> Zone? { zones[measure] ?? (judged.contains(measure) ? .green : nil) }

    /// How far one of its values is to be believed.
    func standing(of measure: Measure) -> Standing {
      switch worth[measure] {
      case .somebodyElse, .notBelievable: .apart
      case .doubted: standing == .apart ? .apart : .doubtful
      default: standing
      }
    }
  }

  /// A rule of the plan.
  package struct RuleText: Sendable, Hashable {
    package var id: String
    /// As plans name it; empty where that is not known.
    package var kind: String
    /// What it watches, in plain words.
    package var says: String
    /// It is judged.
    package var isEnabled: Bool
    /// What it watches.
    package var measures: [Measure]
    /// When it is not in force.
    package var outages = Outages()
    /// The first and the last date on which it is in force, such as `2026-12-05`; nil: no bound.
    package var validFrom: String?
    package var validTo: String?
  }

  /// When a rule is not in force.
  package struct Outages: Sendable, Hashable {
    /// In milliseconds since 1970.
    package var ranges: [Range<Int64>] = []

    /// The most that are looked at.
    static let most = 64

    func holds(_ time: Int64) -> Bool { ranges.contains { $0.contains(time) } }

    /// The rule is in force at some moment of a period.
    func leaves(some period: Range<Int64>) -> Bool {
      ([period.lowerBound] + ranges.map(\.upperBound)).contains { period.contains($0) && !holds($0) }
    }
  }

  /// The limits of single values that one rule has.
  package struct RuleLimits: Sendable, Hashable {
    /// Those of one colour that hold together are levels.
    package var zones: [ZoneLimit]
    package var outages = Outages()
  }

  package struct MeanLimit: Sendable, Hashable {
    /// The zone beyond it.
    package var zone: Zone
    /// The limit.
    package var limit: ExactDecimal
    /// Over how many days.
    package var days: Int
    package var rule: String
  }

  /// The mean that a rule judges, as it went.
  package struct MeanLine: Sendable, Hashable {
    package var rule: String
    /// Over how many days; 0: not known.
    package var days: Int
    /// Of which hours of the day; nil: of all.
    package var hours: String?
    /// Oldest first.
    package var points: [Point]

    /// The mean at one reading.
    package struct Point: Sendable, Hashable {
      /// Milliseconds since 1970.
      package var at: Int64
      /// In the measure's unit.
      package var value: ExactDecimal
    }
  }

  /// Something that was raised, from its first value to its end.
  package struct Episode: Sendable, Hashable {
    package var rule: String
    /// It goes on.
    package var isOpen: Bool
    /// How it was told first.
    package var kind: MonitoringEvent.Kind
    package var direction: Direction?
    /// When its first value was taken, in milliseconds since 1970.
    package var from: Int64
    /// When it ended, in milliseconds since 1970; nil: it goes on, or that is not known.
    package var to: Int64?
    /// The worst of it.
    package var zone: Zone
    /// The value that was furthest out; nil: there is none, or it was beyond all that the device measures.
    package var value: ExactDecimal?
    /// Beyond all that the device can measure: true above.
    package var above: Bool?
    /// Nil: points of a score, or there is no value.
    package var unit: UCUM?
    package var measure: Measure?
    /// When that value was taken, in milliseconds since 1970, where that is known.
    package var worstAt: Int64?
    /// How often it was told; 0: not known.
    package var told: Int
    /// How many measurements did not come.
    package var missed: Int
    /// Who took notice, in the order of time.
    package var notices: [Notice]
    /// Words of the rule that is raised now.
    package var message: String?
    /// It waits for a repeat that decides.
    package var isPending = false
    /// A repeat is awaited until then, in milliseconds since 1970.
    package var awaitsUntil: Int64?
    /// Nobody was asked for that repeat: the last question was less than an hour before.
    package var isUnasked = false
    /// The value that is asked about, where that is another than what stands.
    package var asked: Asked?
    /// How many findings are held back for now.
    package var held = 0
    /// By what they are held, as the daemon names it.
    package var heldBy: String?
    /// Why it ended, where not by a value, as the daemon names it.
    package var because: String?

    /// A value that people were asked about.
    package struct Asked: Sendable, Hashable {
      /// Nil: beyond all that the device measures.
      package var value: ExactDecimal?
      /// Beyond all that the device can measure: true above.
      package var above: Bool?
      /// Nil: points of a score, or there is no value.
      package var unit: UCUM?
      package var measure: Measure?
    }

    /// Somebody took notice.
    package struct Notice: Sendable, Hashable {
      package var by: String
      /// Milliseconds since 1970; nil: not known.
      package var at: Int64?
      package var note: String
    }
  }

  /// What was expected and did not come.
  package struct Gap: Sendable, Hashable {
    /// The value that was expected.
    package var measure: Measure
    /// From when, in milliseconds since 1970.
    package var start: Int64
    /// Until when.
    package var end: Int64
  }

  /// What is raised now.
  package struct Alert: Sendable, Hashable {
    package var rule: String
    package var zone: Zone
    /// Since when, in milliseconds since 1970.
    package var since: Int64
    /// Its words for people.
    package var message: String
    /// Somebody has taken notice.
    package var isAcknowledged: Bool
    /// A repeat is awaited for which nobody was asked.
    package var isUnasked = false
  }

  /// The patient's reference.
  package var patient: String
  /// The hub that tells.
  package var hub: String
  package var language: PlanLanguage
  /// The patient's clock.
  package var clock: LocalClock
  /// The first midnight, in milliseconds since 1970.
  package var from: Int64
  /// Now, in milliseconds since 1970.
  package var until: Int64
  /// The plan's version; nil: there is none.
  package var planVersion: Int?
  /// The plan's rules.
  package var rules: [RuleText] = []
  /// Limits of single values that hold at every hour, by measure.
  /// Of each measure one entry a rule.
  package var limits: [Measure: [RuleLimits]] = [:]
  /// The kinds of rules that are in the plan no more, by their ids, where they are known.
  package var goneKinds: [String: String] = [:]
  /// Limits of means, by measure.
  package var means: [Measure: [MeanLimit]] = [:]
  /// The means themselves, by measure.
  package var meanLines: [Measure: [MeanLine]] = [:]
  /// What was raised: the open ones first, then the newest.
  package var episodes: [Episode] = []
  /// How many days the episodes reach back at most.
  package static let episodeDays = 90
  /// All readings, oldest first, those without a place in time last.
  package var rows: [Row] = []
  /// What did not come.
  package var gaps: [Gap] = []
  /// What rules told and who took notice, oldest first.
  package var marks: [PatientHistory.Mark] = []
  /// What is raised now.
  package var alerts: [Alert] = []

  /// A picture without readings.
  package init(
    patient: String, hub: String, language: PlanLanguage, clock: LocalClock, from: Int64, until: Int64
  ) {
    self.patient = patient
    self.hub = hub
    self.language = language
    self.clock = clock
    self.from = from
    self.until = until
  }
}

extension PatientPicture {
  /// One value of a curve.
  struct Point: Hashable {
    var at: Int64
    /// Zero of what is beyond all numbers.
    var value: ExactDecimal
    /// Beyond all that the device can measure: true above.
    var above: Bool?
    var zone: Zone?
    var standing: Standing
    var flags: [ReadingFlag]
    /// Why it is in doubt or left out, where that is no remark of its own.
    var reason: NotJudgedReason?
    /// A rule over single values calls it abnormal.
    var isOutside = false

    /// It is one of the patient's values.
    var counts: Bool { standing != .apart }
  }

  /// What is drawn, in the order of the page: measures that have values or are watched.
  var measures: [Measure] {
    let order: [Measure] = [
      .systolic, .diastolic, .pulse, .heartRate, .spo2, .weight, .temperature, .glucose, .bodyFat, .bodyMassIndex,
      .perfusion, .meanArterial,
    ]
    // What comes along with other values is drawn only where a rule is over it.
    let minor: Set<Measure> = [.bodyFat, .bodyMassIndex, .perfusion, .meanArterial]
    let watched = Set(rules.filter(\.isEnabled).flatMap(\.measures))
    let placed = rows.filter { $0.at != nil }
    let measured = Set(placed.flatMap(\.values.keys) + placed.flatMap(\.beyond.keys))
    return order.filter { watched.contains($0) || (measured.contains($0) && !minor.contains($0)) }
  }

  /// The numbers of a measure, oldest first.
  func points(_ measure: Measure) -> [Point] { all(measure).filter { $0.above == nil } }

  /// The same with those that are beyond all numbers.
  func all(_ measure: Measure) -> [Point] {
    rows.compactMap { row in
      guard let at = row.at, at >= from, row.holds(measure) else { return nil }
      return Point(
        at: at, value: row.values[measure] ?? .zero, above: row.values[measure] == nil ? row.beyond[measure] : nil,
        zone: planVersion == nil ? nil : row.zone(of: measure),
        standing: row.standing(of: measure), flags: row.flags, reason: row.worth[measure],
        isOutside: row.outside.contains(measure))
    }
  }

  /// Some value that is drawn was judged by no rule.
  var hasUnjudged: Bool { measures.contains { all($0).contains { $0.counts && $0.zone == nil } } }

  /// A rule's kind as plans name it, also of one that is gone; empty where it is not known.
  func kind(of rule: String) -> String { rules.first { $0.id == rule }?.kind ?? goneKinds[rule] ?? "" }

  /// What is drawn: from the first midnight to the one after the last day, in milliseconds since 1970.
  var period: Range<Int64> {
    let start = clock.midnight(from)
    return start..<max(clock.midnight(until, addingDays: 1), start + 3_600_000)
  }

  /// How many days of the patient's calendar, the first and the last counted.
  package var dayCount: Int { days }

  var days: Int { clock.days(from: from, to: until) }
}
