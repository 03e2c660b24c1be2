// A patient's plan: which values are watched and by which rules. The shape holds every rule kind of the home follow-up
// practice; kinds are added as cases of `RuleKind`, each with its own evaluation.

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

  /// A rule.
  public init(id: String, isEnabled: Bool = true, kind: RuleKind) {
    self.id = id
    self.isEnabled = isEnabled
    self.kind = kind
  }
}

/// The kinds of rule.
public enum RuleKind: Sendable, Hashable {
  /// A single value against zones.
  case band(BandRule)
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

  func holds(for value: ExactDecimal, slack: ExactDecimal = .zero) -> Bool {
    !bounds.isEmpty && bounds.allSatisfy { $0.holds(for: value, slack: slack) }
  }
}
