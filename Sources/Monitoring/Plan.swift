// A patient's plan: which values are watched and by which rules. Each kind of rule is a case of `RuleKind` with a struct and an
// evaluation of its own.

public import Readings

/// A patient's limits, as the people who treat the patient set them.
public struct Plan: Sendable, Hashable {
  /// The opaque reference of the patient.
  public var patient: String
  /// Told in every evaluation.
  public var version: Int
  /// IANA name of the zone in which the patient lives; nil uses the hub's.
  public var timeZone: String?
  /// Readings older than this, in milliseconds, are judged as history: they never raise a notification.
  public var liveWindow: Int64
  /// In the order of the file.
  public var rules: [Rule]
  /// In which language people are told: `nb`, `nn` or `en`.
  public var language: PlanLanguage = .bokmal

  /// A plan.
  public init(patient: String, version: Int, timeZone: String? = nil, liveWindow: Int64, rules: [Rule]) {
    self.patient = patient
    self.version = version
    self.timeZone = timeZone
    self.liveWindow = liveWindow
    self.rules = rules
  }
}

/// One rule of a plan.
public struct Rule: Sendable, Hashable {
  /// Unique in the plan.
  public var id: String
  /// A rule that is switched off is kept and not judged.
  public var isEnabled: Bool
  /// What it watches and how.
  public var kind: RuleKind
  /// Once told, the rule is quiet for so many milliseconds, unless it gets worse.
  public var quiet: Int64
  /// The hours of the patient's day in which it is judged; nil: all of them.
  public var hours: DayHours?
  /// What people are told, instead of the rule's own words.
  public var message: String?

  /// A rule.
  public init(
    id: String, isEnabled: Bool = true, kind: RuleKind, quiet: Int64 = 0, hours: DayHours? = nil, message: String? = nil
  ) {
    self.id = id
    self.isEnabled = isEnabled
    self.kind = kind
    self.quiet = quiet
    self.hours = hours
    self.message = message
  }
}

extension Rule {
  /// The values that it looks at; none for rules over signs and devices.
  public var measures: [Measure] {
    switch kind {
    case .band(let rule): [rule.measure]
    case .delta(let rule): [rule.measure]
    case .average(let rule): rule.measures
    case .consecutive(let rule): [rule.measure]
    case .missing(let rule): [rule.measure]
    case .bits, .quality, .device: []
    }
  }
}

/// The kinds of rule.
public enum RuleKind: Sendable, Hashable {
  /// A single value against zones.
  case band(BandRule)
  /// How far a value moved within a window.
  case delta(DeltaRule)
  /// The mean of a window's values.
  case average(AverageRule)
  /// Several of the newest values out of band.
  case consecutive(ConsecutiveRule)
  /// A measurement that did not come.
  case missing(MissingRule)
  /// What the device says beside its values, such as an irregular pulse.
  case bits(BitsRule)
  /// Readings that cannot be trusted, one after the other.
  case quality(BitsRule)
  /// A device that needs somebody: battery, clock, silence.
  case device(DeviceRule)

  /// As plans name it.
  public var name: String {
    switch self {
    case .band: "band"
    case .delta: "delta"
    case .average: "average"
    case .consecutive: "consecutive"
    case .missing: "missing"
    case .bits: "bits"
    case .quality: "quality"
    case .device: "device"
    }
  }
}

/// The languages in which people are told.
public enum PlanLanguage: String, Sendable, Hashable, CaseIterable {
  case bokmal = "nb"
  case nynorsk = "nn"
  case english = "en"

  /// The text of this language.
  public func say(_ bokmal: String, _ nynorsk: String, _ english: String) -> String {
    switch self {
    case .bokmal: bokmal
    case .nynorsk: nynorsk
    case .english: english
    }
  }
}

/// Hours of a day on the patient's clock, in minutes since midnight; `to` may lie on the next day.
public struct DayHours: Sendable, Hashable {
  /// 0…1439.
  public var from: Int
  /// 0…1440, not included; below `from` it is on the next day.
  public var to: Int

  /// Hours of a day.
  public init(from: Int, to: Int) {
    self.from = from
    self.to = to
  }

  /// From `07:00-10:00`; nil for anything else.
  public init?(_ text: String) {
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
  public var text: String {
    func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
    func clock(_ minutes: Int) -> String { two(minutes / 60) + ":" + two(minutes % 60) }
    return "\(clock(from))-\(clock(to))"
  }

  /// True when a minute of the day lies within.
  func holds(minute: Int) -> Bool { from < to ? (from..<to).contains(minute) : minute >= from || minute < to }
}

/// A single value against zones, with hysteresis and confirmation by repeat.
public struct BandRule: Sendable, Hashable {
  /// The value that it watches.
  public var measure: Measure
  /// The zones' limits, in the unit of the measure.
  public var zones: [ZoneLimit]
  /// How far past the limit a value must be before a zone is left; zero leaves at the limit.
  public var hysteresis: ExactDecimal
  /// The repeat that confirms; nil raises at the first reading.
  public var confirm: Confirmation?
  /// Raise at the first reading and still ask for the repeat.
  public var isImmediate: Bool
  /// The limits as they were set, where that was in another unit.
  public var given: GivenLimits?

  /// A band rule.
  public init(
    measure: Measure, zones: [ZoneLimit], hysteresis: ExactDecimal = .zero, confirm: Confirmation? = nil,
    isImmediate: Bool = false
  ) {
    self.measure = measure
    self.zones = zones
    self.hysteresis = hysteresis
    self.confirm = confirm
    self.isImmediate = isImmediate
  }
}

/// Limits in a unit other than the measure's. A device that measures in this unit is held against these: what it said is not rounded.
public struct GivenLimits: Sendable, Hashable {
  /// The unit.
  public var unit: UCUM
  /// The zones' limits in it.
  public var zones: [ZoneLimit]
  /// How far past the limit a value must be before a zone is left, in this unit.
  public var hysteresis: ExactDecimal

  /// Limits in another unit.
  public init(unit: UCUM, zones: [ZoneLimit], hysteresis: ExactDecimal = .zero) {
    self.unit = unit
    self.zones = zones
    self.hysteresis = hysteresis
  }
}

/// A repeat that decides: `count` readings out of band within `within` milliseconds of the first.
public struct Confirmation: Sendable, Hashable {
  /// How many readings in all, at least 2.
  public var count: Int
  /// Milliseconds from the first reading to the last that counts.
  public var within: Int64

  /// A repeat that decides.
  public init(count: Int, within: Int64) {
    self.count = count
    self.within = within
  }
}

/// One limit of a zone. Both bounds given means both must hold.
public struct ZoneLimit: Sendable, Hashable {
  /// How a value is compared with a bound.
  public enum Comparison: String, Sendable, Hashable, CaseIterable {
    case lessThan = "lt"
    case atMost = "lte"
    case greaterThan = "gt"
    case atLeast = "gte"
  }

  /// A comparison with its bound.
  public struct Bound: Sendable, Hashable {
    /// How the value is compared.
    public var comparison: Comparison
    /// The limit, in the unit of the measure.
    public var limit: ExactDecimal
    /// A comparison with its bound.
    public init(_ comparison: Comparison, _ limit: ExactDecimal) {
      self.comparison = comparison
      self.limit = limit
    }

    /// True when `value` satisfies the comparison with the limit moved outwards by `slack`.
    func holds(for value: ExactDecimal, slack: ExactDecimal) -> Bool {
      switch comparison {
      case .lessThan: value < (limit.adding(slack) ?? limit)
      case .atMost: !((limit.adding(slack) ?? limit) < value)
      case .greaterThan: (limit.subtracting(slack) ?? limit) < value
      case .atLeast: !(value < (limit.subtracting(slack) ?? limit))
      }
    }
  }

  /// The zone that the value is in when every bound holds.
  public var zone: Zone
  /// At least one.
  public var bounds: [Bound]

  /// A zone with its bounds.
  public init(_ zone: Zone, _ bounds: [Bound]) {
    self.zone = zone
    self.bounds = bounds
  }

  /// True when a value lies in this zone.
  public func holds(_ value: ExactDecimal) -> Bool { holds(for: value) }

  func holds(for value: ExactDecimal, slack: ExactDecimal = .zero) -> Bool {
    !bounds.isEmpty && bounds.allSatisfy { $0.holds(for: value, slack: slack) }
  }
}
