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
  }

  /// A rule of the plan.
  package struct RuleText: Sendable, Hashable {
    package var id: String
    /// What it watches, in plain words.
    package var says: String
    /// It is judged.
    package var isEnabled: Bool
    /// What it watches.
    package var measures: [Measure]
  }

  package struct MeanLimit: Sendable, Hashable {
    /// The zone beyond it.
    package var zone: Zone
    /// The limit.
    package var limit: ExactDecimal
    /// Over how many days.
    package var days: Int
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
  package var limits: [Measure: [ZoneLimit]] = [:]
  /// Limits of means, by measure.
  package var means: [Measure: [MeanLimit]] = [:]
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
    var value: ExactDecimal
    var zone: Zone?
    var standing: Standing
    var flags: [ReadingFlag]
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
    let measured = Set(rows.filter { $0.at != nil }.flatMap(\.values.keys))
    return order.filter { watched.contains($0) || (measured.contains($0) && !minor.contains($0)) }
  }

  /// The values of a measure, oldest first.
  func points(_ measure: Measure) -> [Point] {
    rows.compactMap { row in
      guard let at = row.at, at >= from, let value = row.values[measure] else { return nil }
      return Point(
        at: at, value: value, zone: planVersion == nil ? nil : row.zones[measure] ?? (row.zone == nil ? nil : .green),
        standing: row.standing, flags: row.flags)
    }
  }

  /// How many days of the patient's calendar, the first and the last counted.
  package var dayCount: Int { days }

  var days: Int { clock.days(from: from, to: until) }
}
