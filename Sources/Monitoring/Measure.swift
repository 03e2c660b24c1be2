// The names by which plans speak of values, and where a reading holds them.

package import Readings

/// A value that a plan can watch.
package enum Measure: String, Sendable, Hashable, CaseIterable {
  case systolic = "bp.systolic"
  case diastolic = "bp.diastolic"
  case meanArterial = "bp.mean"
  case pulse
  case spo2
  case perfusion
  case weight
  case bodyFat = "body-fat"
  case bodyMassIndex = "bmi"
  case temperature
  case glucose
  case heartRate = "heart-rate"

  /// The unit in which limits are given unless the rule names another.
  package var unit: UCUM {
    switch self {
    case .systolic, .diastolic, .meanArterial: .millimetreOfMercury
    case .pulse, .heartRate: .perMinute
    case .spo2, .perfusion, .bodyFat: .percent
    case .weight: .kilogram
    case .bodyMassIndex: .kilogramPerSquareMetre
    case .temperature: .degreeCelsius
    case .glucose: .millimolePerLitre
    }
  }

  /// The units in which limits may be given: those that are converted without loss of what was meant.
  package var units: [UCUM] { UCUM.allCases.filter { $0.canonical == unit } }

  /// True when an observation of `term` is a value of this measure.
  package func covers(_ term: Term) -> Bool {
    switch self {
    case .systolic: term == .systolic
    case .diastolic: term == .diastolic
    case .meanArterial: term == .meanArterial
    case .pulse: term == .cuffPulse || term == .oximeterPulse
    case .spo2: term == .spo2
    case .perfusion: term == .perfusionIndex
    case .weight: term == .weight
    case .bodyFat: term == .bodyFat
    case .bodyMassIndex: term == .bodyMassIndex
    case .temperature: term.name == "temperature"
    case .glucose: term.name == "glucose"
    case .heartRate: term == .heartRate
    }
  }

  /// The value of this measure in a reading, when it holds a number.
  package func value(in reading: Reading) -> ExactDecimal? {
    for observation in reading.observations where covers(observation.term) {
      if let decimal = observation.value.decimal { return decimal }
    }
    return nil
  }

  /// What the device itself said of this measure, when it said it in `unit`.
  package func reported(in reading: Reading, unit: UCUM) -> ExactDecimal? {
    for observation in reading.observations where covers(observation.term) && observation.value.decimal != nil {
      return observation.reported.flatMap { $0.unit == unit ? $0.value : nil }
    }
    return nil
  }

  /// The measure of a term; nil: no plan watches it.
  static func of(_ term: Term) -> Measure? { byCode[term.mdc] }

  /// The measures that a reading has numbers of.
  static func values(in reading: Reading) -> PerMeasure<ExactDecimal> {
    var values = PerMeasure<ExactDecimal>()
    for observation in reading.observations {
      guard let decimal = observation.value.decimal, let measure = byCode[observation.term.mdc] else { continue }
      if values[measure] == nil { values[measure] = decimal }
    }
    return values
  }

  /// The measure of each term, by its MDC code.
  private static let byCode: [UInt32: Measure] = {
    var found: [UInt32: Measure] = [:]
    for term in Nomenclature.terms { found[term.mdc] = allCases.first { $0.covers(term) } }
    return found
  }()
}
