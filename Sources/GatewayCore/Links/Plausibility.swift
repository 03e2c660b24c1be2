// The artefact gate: values that no living person has. They are kept and flagged, and no rule sees them.

internal import Readings
internal import Ledger

enum Plausibility {
  private static let ranges: [(term: Term, low: ExactDecimal, high: ExactDecimal)] = [
    (.systolic, ExactDecimal(50), ExactDecimal(280)), (.diastolic, ExactDecimal(25), ExactDecimal(180)),
    (.cuffPulse, ExactDecimal(25), ExactDecimal(250)), (.oximeterPulse, ExactDecimal(25), ExactDecimal(250)),
    (.heartRate, ExactDecimal(25), ExactDecimal(250)), (.spo2, ExactDecimal(50), ExactDecimal(100)),
    (.weight, ExactDecimal(2), ExactDecimal(300)),
  ]

  /// True for what no person can have: nothing of it can be accepted. Such numbers are no values since drivers are checked; what was
  /// stored before has them still.
  static func isImpossible(_ observations: [Observation]) -> Bool {
    if observations.contains(where: { $0.term != .meanArterial && $0.value == .absent(.implausible) }) { return true }
    func number(_ term: Term) -> ExactDecimal? { observations.first { $0.term == term }?.value.decimal }
    // A mean of zero is what some cuffs send when they compute none.
    let values = observations.filter { $0.term != .meanArterial }.compactMap(\.value.decimal)
    if values.contains(where: { !($0 > .zero) }) { return true }
    if let spo2 = number(.spo2), ExactDecimal(100) < spo2 { return true }
    guard let systolic = number(.systolic), let diastolic = number(.diastolic) else { return false }
    return !(diastolic < systolic)
  }

  /// True when a value is outside of what can be, or when pressures contradict each other.
  static func isImplausible(_ observations: [Observation]) -> Bool {
    func number(_ term: Term) -> ExactDecimal? { observations.first { $0.term == term }?.value.decimal }
    for (term, low, high) in ranges {
      if let value = number(term), value < low || high < value { return true }
    }
    for observation in observations {
      guard let value = observation.value.decimal else { continue }
      if observation.term.name == "temperature",
        value < ExactDecimal(300, exponent: -1) || ExactDecimal(430, exponent: -1) < value
      {
        return true
      }
      if observation.term.name == "glucose",
        value < ExactDecimal(6, exponent: -1) || ExactDecimal(333, exponent: -1) < value
      {
        return true
      }
    }
    guard let systolic = number(.systolic), let diastolic = number(.diastolic) else { return false }
    guard let pulsePressure = systolic.subtracting(diastolic), !(pulsePressure < ExactDecimal(10)) else { return true }
    // A mean of zero is what some cuffs send when they compute none.
    if let mean = number(.meanArterial), !mean.isZero, mean < diastolic || systolic < mean { return true }
    return false
  }
}
