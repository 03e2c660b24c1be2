// A patient's plan: which values are watched and by which rules. Each kind of rule is a file of `Rules`.

internal import Readings

/// A patient's limits, as the people who treat the patient set them.
package struct Plan: Sendable, Hashable {
  /// The opaque reference of the patient.
  package var patient: String
  /// Told in every evaluation.
  package var version: Int
  /// IANA name of the zone in which the patient lives; nil uses the hub's.
  package var timeZone: String?
  /// Readings older than this, in milliseconds, are judged as history: they never raise a notification.
  package var liveWindow: Int64
  /// In the order of the file.
  package var rules: [Rule]
  /// In which language people are told: `nb`, `nn` or `en`.
  package var language: PlanLanguage = .bokmal

  package init(patient: String, version: Int, timeZone: String? = nil, liveWindow: Int64, rules: [Rule]) {
    self.patient = patient
    self.version = version
    self.timeZone = timeZone
    self.liveWindow = liveWindow
    self.rules = rules
  }
}

/// One rule of a plan.
package struct Rule: Sendable, Hashable {
  /// Unique in the plan.
  package var id: String
  /// A rule that is switched off is kept and not judged.
  package var isEnabled: Bool
  /// What it watches and how.
  package var kind: any RuleKind
  /// Once told, the rule is quiet for so many milliseconds, unless it gets worse.
  package var quiet: Int64
  /// The hours of the patient's day in which it is judged; nil: all of them.
  package var hours: DayHours?
  /// What people are told, instead of the rule's own words.
  package var message: String?

  package init(
    id: String, isEnabled: Bool = true, kind: any RuleKind, quiet: Int64 = 0, hours: DayHours? = nil,
    message: String? = nil
  ) {
    self.id = id
    self.isEnabled = isEnabled
    self.kind = kind
    self.quiet = quiet
    self.hours = hours
    self.message = message
  }

  /// The values that it looks at; none for rules over signs and devices.
  package var measures: [Measure] { kind.measures }

  /// The same rule of the same kind.
  package static func == (left: Rule, right: Rule) -> Bool {
    left.id == right.id && left.isEnabled == right.isEnabled && left.quiet == right.quiet && left.hours == right.hours
      && left.message == right.message && left.kind.isEqual(to: right.kind)
  }

  /// By all that it is.
  package func hash(into hasher: inout Hasher) {
    hasher.combine(id)
    hasher.combine(isEnabled)
    hasher.combine(quiet)
    hasher.combine(hours)
    hasher.combine(message)
    hasher.combine(kind)
  }
}

/// The languages in which people are told.
package enum PlanLanguage: String, Sendable, Hashable, CaseIterable {
  case bokmal = "nb"
  case nynorsk = "nn"
  case english = "en"

  /// The text of this language.
  package func say(_ bokmal: String, _ nynorsk: String, _ english: String) -> String {
    switch self {
    case .bokmal: bokmal
    case .nynorsk: nynorsk
    case .english: english
    }
  }
}

/// Hours of a day on the patient's clock, in minutes since midnight; `to` may lie on the next day.
package struct DayHours: Sendable, Hashable {
  /// 0…1439.
  package var from: Int
  /// 0…1440, not included; below `from` it is on the next day.
  package var to: Int

  package init(from: Int, to: Int) {
    self.from = from
    self.to = to
  }

  /// From `07:00-10:00`; nil for anything else.
  package init?(_ text: String) {
    let parts = text.split(separator: "-", omittingEmptySubsequences: false)
    guard parts.count == 2, let from = DayHours.minutes(parts[0]), let to = DayHours.minutes(parts[1]), from < 1440,
      from != to
    else { return nil }
    self.init(from: from, to: to)
  }

  private static func minutes(_ text: Substring) -> Int? {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 2, parts.allSatisfy({ $0.utf8.count == 2 }), let hour = Int(parts[0]),
      let minute = Int(parts[1]),
      (0...24).contains(hour), (0...59).contains(minute), hour < 24 || minute == 0
    else { return nil }
    return hour * 60 + minute
  }

  /// `07:00-10:00`.
  package var text: String {
    func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
    func clock(_ minutes: Int) -> String { two(minutes / 60) + ":" + two(minutes % 60) }
    return "\(clock(from))-\(clock(to))"
  }

  /// True when a minute of the day lies within.
  func holds(minute: Int) -> Bool { from < to ? (from..<to).contains(minute) : minute >= from || minute < to }
}
