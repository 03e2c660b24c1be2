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

extension Measure {
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
