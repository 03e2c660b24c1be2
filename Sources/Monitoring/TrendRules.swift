// Rules over several readings: how far a value moved, what the mean of a window is, how many of the newest are out of band.

public import Readings

/// How far a value moved from where it was within a window: heart failure's 2 kg in 3 days.
public struct DeltaRule: Sendable, Hashable {
  /// What the value is held against.
  public enum Reference: String, Sendable, Hashable, CaseIterable {
    /// The least of the window.
    case min
    /// The median of the window.
    case median
    /// The oldest of the window.
    case first
    /// The last one of the day before, or of the newest day before that within the window.
    case lastPreviousDay = "last_previous_day"
  }

  /// The value that it watches.
  public var measure: Measure
  /// What it is held against.
  public var reference: Reference
  /// How far back, in milliseconds; whole days are days on the patient's clock.
  public var window: Int64
  /// The fewest values, the new one counted.
  public var minimumPoints: Int
  /// Limits of the difference, new minus reference.
  public var zones: [ZoneLimit]
  /// How far past the limit the difference must be before a zone is left.
  public var hysteresis: ExactDecimal
  /// The limits as they were set, where that was in another unit.
  public var given: GivenLimits?

  /// A delta rule.
  public init(
    measure: Measure, reference: Reference, window: Int64, minimumPoints: Int = 2, zones: [ZoneLimit],
    hysteresis: ExactDecimal = .zero
  ) {
    self.measure = measure
    self.reference = reference
    self.window = window
    self.minimumPoints = minimumPoints
    self.zones = zones
    self.hysteresis = hysteresis
  }
}

/// The mean of a window's values: home blood pressure over a week.
public struct AverageRule: Sendable, Hashable {
  /// A zone that any of the measures' means brings about.
  public struct AnyLimit: Sendable, Hashable {
    /// The zone.
    public var zone: Zone
    /// How each mean is compared.
    public var comparison: ZoneLimit.Comparison
    /// A limit a measure, in their order.
    public var limits: [ExactDecimal]
    /// A zone that any of the means brings about.
    public init(zone: Zone, comparison: ZoneLimit.Comparison, limits: [ExactDecimal]) {
      self.zone = zone
      self.comparison = comparison
      self.limits = limits
    }
  }

  /// The values that it watches.
  public var measures: [Measure]
  /// How far back, in milliseconds.
  public var window: Int64
  /// Leave out the first day of the window: people get used to measuring.
  public var dropsFirstDay: Bool
  /// The fewest values of each measure.
  public var minimumCount: Int
  /// Worst first does not matter: the worst that holds counts.
  public var zones: [AnyLimit]
  /// The limits as they were set, where that was in another unit.
  public var given: (unit: UCUM, zones: [AnyLimit])? {
    get { givenUnit.map { ($0, givenZones) } }
    set { (givenUnit, givenZones) = (newValue?.unit, newValue?.zones ?? []) }
  }
  private var givenUnit: UCUM?
  private var givenZones: [AnyLimit] = []

  /// An average rule.
  public init(measures: [Measure], window: Int64, dropsFirstDay: Bool, minimumCount: Int, zones: [AnyLimit]) {
    self.measures = measures
    self.window = window
    self.dropsFirstDay = dropsFirstDay
    self.minimumCount = minimumCount
    self.zones = zones
  }
}

/// `k` of the newest `of` values in a zone.
public struct ConsecutiveRule: Sendable, Hashable {
  /// The value that it watches.
  public var measure: Measure
  /// How many.
  public var k: Int
  /// Of how many.
  public var of: Int
  /// The zones' limits.
  public var zones: [ZoneLimit]
  /// The limits as they were set, where that was in another unit.
  public var given: GivenLimits?

  /// A rule over the newest values.
  public init(measure: Measure, k: Int, of: Int, zones: [ZoneLimit]) {
    self.measure = measure
    self.k = k
    self.of = of
    self.zones = zones
  }
}

extension DeltaRule {
  /// The zone of a new value; nil when there are too few values.
  func zone(
    of value: ExactDecimal, at time: Int64, id: UInt64, _ history: PatientHistory, before: Zone, day: (Int64) -> Int64
  ) -> Zone? {
    var (count, today) = (1, Int64?.none)
    var against: ExactDecimal?
    var sorted: [ExactDecimal] = []
    for point in points(history, at: time, day: day) where point.id != id {
      count += 1
      switch reference {
      case .min: if against.map({ point.value < $0 }) ?? true { against = point.value }
      case .first: against = against ?? point.value
      case .median: sorted.append(point.value)
      case .lastPreviousDay:
        if today == nil { today = day(time) }
        if let today, day(point.time) < today { against = point.value }
      }
    }
    if reference == .median {
      sorted.sort()
      against = sorted.isEmpty ? nil : sorted[(sorted.count - 1) / 2]
    }
    guard count >= max(2, minimumPoints), let against, let difference = value.subtracting(against) else { return nil }
    return ZoneLimit.worst(zones, difference, before: before, hysteresis: hysteresis)
  }

  /// The window's values. Whole days are the patient's days: who stands on the scale at 07:35 after 07:30 three days ago has
  /// measured within three days.
  private func points(
    _ history: PatientHistory, at time: Int64, day: (Int64) -> Int64
  ) -> Slice<PatientHistory.Series> {
    let length: Int64 = 86_400_000
    guard window >= length, window % length == 0 else {
      return history.points(measure, from: time - window, to: time)
    }
    let first = day(time) - window / length
    return history.points(measure, from: time - window - 26 * 3_600_000, to: time).drop { day($0.time) < first }
  }
}

extension AverageRule {
  /// The zone of the window that ends with a reading; nil when there are too few values.
  func zone(at time: Int64, _ history: PatientHistory, day: (Int64) -> Int64) -> Zone? {
    var sums: [(sum: ExactDecimal, count: Int)] = []
    for measure in measures {
      var points = history.points(measure, from: time - window, to: time)
      if dropsFirstDay, let first = points.first.map({ day($0.time) }) {
        points = points.drop { day($0.time) == first }
      }
      guard points.count >= max(1, minimumCount) else { return nil }
      var sum = ExactDecimal.zero
      for point in points { sum = sum.adding(point.value) ?? sum }
      sums.append((sum, points.count))
    }
    var worst = Zone.green
    for limit in zones where limit.zone > worst {
      for (index, bound) in limit.limits.enumerated() where index < sums.count {
        // The sum against the limit times the count: nothing is divided, so nothing is rounded.
        guard let whole = bound.multiplied(by: Int64(sums[index].count)) else { continue }
        if ZoneLimit.Bound(limit.comparison, whole).holds(for: sums[index].sum, slack: .zero) { worst = limit.zone }
      }
    }
    return worst
  }
}

extension ConsecutiveRule {
  /// The zone of the newest values up to a reading; nil while there are fewer than `k`.
  func zone(at time: Int64, _ history: PatientHistory) -> Zone? {
    let newest = history.newest(measure, of, upTo: time)
    guard newest.count >= k else { return nil }
    var worst = Zone.green
    for limit in zones where limit.zone > worst {
      if newest.count(where: { limit.holds(for: $0.value) }) >= k { worst = limit.zone }
    }
    return worst
  }
}

extension ZoneLimit {
  /// The worst zone of a value beyond all that a device can measure ("LO", "HI"): past every limit on that side.
  static func worst(_ limits: [ZoneLimit], above: Bool) -> Zone {
    let side: [Comparison] = above ? [.greaterThan, .atLeast] : [.lessThan, .atMost]
    let holding = limits.filter { !$0.bounds.isEmpty && $0.bounds.allSatisfy { side.contains($0.comparison) } }
    return holding.map(\.zone).max() ?? .green
  }

  /// The worst zone that holds; a zone is left downwards only past the limit by the hysteresis. No match is green.
  static func worst(_ limits: [ZoneLimit], _ value: ExactDecimal, before: Zone, hysteresis: ExactDecimal) -> Zone {
    var zone = Zone.green
    for limit in limits where limit.zone > zone && limit.holds(for: value) { zone = limit.zone }
    if zone < before, !hysteresis.isZero {
      for limit in limits where limit.zone > zone && limit.zone <= before && limit.holds(for: value, slack: hysteresis)
      {
        zone = limit.zone
      }
    }
    return zone
  }
}
