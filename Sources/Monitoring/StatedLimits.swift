// What a rule's file says of values, for those who check a plan: they need to know no kind.

package import Readings

/// The limits of one zone, or of the points of one part, as they stand in the file.
package struct StatedLimits: Sendable {
  package var bounds: [ZoneLimit.Bound]
  /// What values can be; nil: anything.
  package var range: ClosedRange<ExactDecimal>?
  /// The unit of the limits, as people write it.
  package var unit: String

  package init(_ bounds: [ZoneLimit.Bound], _ range: ClosedRange<ExactDecimal>?, _ unit: String) {
    (self.bounds, self.range, self.unit) = (bounds, range, unit)
  }

  static func of(_ zones: [ZoneLimit], _ measure: Measure?) -> [StatedLimits] {
    zones.map { StatedLimits($0.bounds, measure?.gate, measure?.unit.symbol ?? "") }
  }
}

/// What one key of a rule cannot hold.
package struct StatedFault: Sendable {
  package var key: String
  package var message: String
  /// It exceeds a bound; else it is a value that cannot be.
  package var isBound: Bool
}

/// Zones over one number, and how far one may go before it counts.
package struct StatedScale: Sendable {
  package var zones: [ZoneLimit]
  package var hysteresis = ExactDecimal.zero
  /// In the unit of the number, as hysteresis; nil: the measure's own step.
  package var worseBy: ExactDecimal?
  /// What the number is for a person who is well; nil: nothing is usual.
  package var usual: ExactDecimal?
  /// What lies beyond all that a device can measure is judged, too.
  package var takesBeyond = false
}

extension RuleKind {
  package var statedLimits: [StatedLimits] { [] }
  package var statedFaults: [StatedFault] { [] }
  package var statedScale: StatedScale? { nil }
  package var zonesTold: Set<Zone> { Set((statedScale?.zones ?? []).map(\.zone)).subtracting([.green]) }
  package func advice(_ rule: Rule, in plan: Plan) -> [String] { [] }
}

extension ZoneLimit.Bound {
  /// The limit without its sign.
  var size: ExactDecimal { (limit.isNegative ? ExactDecimal.zero.subtracting(limit) : limit) ?? limit }
}

extension Plan {
  /// How many values of some measures come at most in so many dates, by what the plan itself asks for; `unasked` a date where it asks
  /// for none. The first date that has any may not count.
  func mostValues(of measures: [Measure], in dates: Int64, dropsFirstDay: Bool = false, unasked: Int) -> Int {
    let dates = Int(clamping: dates)
    var slots = Array(repeating: 0, count: 7)
    var isAsked = false
    for rule in rules where rule.isEnabled {
      guard let missing = rule.kind as? MissingRule, measures.contains(missing.measure),
        case .slots(let hours, let days) = missing.schedule
      else { continue }
      isAsked = true
      for day in days.isEmpty ? Array(1...7) : days where (1...7).contains(day) { slots[day - 1] += hours.count }
    }
    guard isAsked else { return unasked * max(0, dates - (dropsFirstDay ? 1 : 0)) }
    // Whoever measures twice in a slot gives two values; the best weekday to begin with counts.
    var most = 0
    for start in 0..<7 {
      var days = (0..<min(dates, 3660)).map { slots[(start + $0) % 7] }.filter { $0 > 0 }
      if dropsFirstDay, !days.isEmpty { days.removeFirst() }
      most = max(most, 2 * days.reduce(0, +))
    }
    return most
  }
}

extension Measure {
  /// More than this is seldom a change within a window; nil: that differs too much.
  var largestChange: ExactDecimal? {
    switch self {
    case .systolic: ExactDecimal(90)
    case .diastolic, .meanArterial: ExactDecimal(60)
    case .pulse, .heartRate: ExactDecimal(90)
    case .spo2: ExactDecimal(30)
    case .temperature: ExactDecimal(8)
    case .glucose: ExactDecimal(20)
    case .weight: ExactDecimal(25)
    case .perfusion, .bodyFat, .bodyMassIndex: nil
    }
  }

  /// What is usual of a person who is well; nil: that differs too much.
  var usual: ExactDecimal? {
    switch self {
    case .systolic: ExactDecimal(120)
    case .diastolic: ExactDecimal(75)
    case .meanArterial: ExactDecimal(90)
    case .pulse, .heartRate: ExactDecimal(70)
    case .spo2: ExactDecimal(96)
    case .temperature: ExactDecimal(368, exponent: -1)
    case .glucose: ExactDecimal(55, exponent: -1)
    case .perfusion, .weight, .bodyFat, .bodyMassIndex: nil
    }
  }
}
