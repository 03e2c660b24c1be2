// What no device can have measured: a saturation above 100 %, a systolic pressure that is not above the diastolic one, a weight of
// zero. Such a number is no value. Everything else stays a number, however alarming it is: that is for the patient's plan to judge.
//
// The ends are those of what the devices' documents can say, with room: no cuff shows four digits, no thermometer for people 100 °C.

internal import Octets
internal import Readings

enum PossibleValues {
  /// The lowest and the highest number of a term.
  private typealias Ends = (low: ExactDecimal, high: ExactDecimal)

  private static let one = ExactDecimal(1)
  private static let percent: Ends = (ExactDecimal(1, exponent: -2), ExactDecimal(100))
  private static let mass: Ends = (ExactDecimal(1, exponent: -2), ExactDecimal(1000))
  /// Balances weigh grams; what no person weighs is flagged later.
  private static let load: Ends = (ExactDecimal(1, exponent: -3), ExactDecimal(1000))

  private static let byTerm: [Term: Ends] = [
    .systolic: (one, ExactDecimal(400)), .diastolic: (one, ExactDecimal(400)), .meanArterial: (one, ExactDecimal(400)),
    .cuffPulse: (one, ExactDecimal(400)), .oximeterPulse: (one, ExactDecimal(400)),
    .heartRate: (one, ExactDecimal(400)),
    .spo2: (one, ExactDecimal(100)), .perfusionIndex: (ExactDecimal(1, exponent: -4), ExactDecimal(100)),
    .bodyFat: percent, .musclePercentage: percent, .weight: load, .fatFreeMass: mass, .softLeanMass: mass,
    .bodyWater: mass, .muscleMass: mass, .height: (one, ExactDecimal(300)),
    .bodyMassIndex: (ExactDecimal(1, exponent: -1), ExactDecimal(500)),
    .basalMetabolism: (one, ExactDecimal(100_000)), .impedance: (ExactDecimal(1, exponent: -1), ExactDecimal(100_000)),
  ]
  private static let temperature: Ends = (ExactDecimal(1, exponent: -2), ExactDecimal(100))
  private static let glucose: Ends = (ExactDecimal(1, exponent: -3), ExactDecimal(100))

  /// The same by MDC code, which is quicker to look up.
  private static let ends = Dictionary(byTerm.map { ($0.key.mdc, $0.value) }, uniquingKeysWith: { first, _ in first })

  private static let pressures: Set<Term> = [.systolic, .diastolic, .meanArterial]
  /// Zero is what some devices send where they compute none: no fault of theirs.
  private static let computed: Set<Term> = [.meanArterial, .perfusionIndex]
  /// What is entered or computed beside a measurement: alone it is none.
  private static let beside: Set<Term> = [.height, .bodyMassIndex, .basalMetabolism, .perfusionIndex]

  /// True for a number that a device can have measured.
  static func isPossible(_ number: ExactDecimal, _ term: Term) -> Bool {
    let ends = ends[term.mdc] ?? (term.name == "glucose" ? glucose : temperature)
    return !(number < ends.low) && !(ends.high < number)
  }

  /// The reading without what is impossible, and what is told of it; callers ask first whether it is flawless. Nil when no value is left: then there is no measurement.
  static func check(_ reading: DeviceReading) -> (reading: DeviceReading?, problem: DriverProblem?) {
    // The device itself says why it has no value, and its driver has told so.
    let isTold =
      reading.observations.allSatisfy { $0.value.decimal == nil } && reading.flags.contains(.measurementFailed)
    guard !isTold else { return (reading, nil) }
    var impossible = reading.observations.filter { observation in
      observation.value.decimal.map { !isPossible($0, observation.term) } ?? false
    }
    impossible += contradictions(reading.observations).filter { !impossible.contains($0) }
    var checked = reading
    checked.observations = reading.observations.map { observation in
      impossible.contains(observation)
        ? Observation(term: observation.term, value: .absent(.implausible), reported: nil) : observation
    }
    let told = impossible.filter { !computed.contains($0.term) || !($0.value.decimal?.isZero ?? false) }
    guard checked.observations.contains(where: isMeasured) else {
      let message =
        told.isEmpty
        ? "the device reports a measurement without a value"
        : "a measurement that cannot be: \(words(told)); it is not taken"
      let code = told.isEmpty ? "measurement-failed" : "implausible-value"
      return (nil, DriverProblem(code: code, message: message, raw: reading.raw))
    }
    guard !told.isEmpty else { return (checked, nil) }
    let message = "a value that cannot be: \(words(told)); the rest of the reading is taken without it"
    return (checked, DriverProblem(code: "implausible-value", message: message, raw: reading.raw))
  }

  /// Every value is a number that can be, and one of them was measured: most readings are so.
  static func isFlawless(_ observations: [Observation]) -> Bool {
    var isMeasurement = false
    var high: ExactDecimal?
    var low: ExactDecimal?
    var hasPressure = false
    for observation in observations {
      guard let number = observation.value.decimal, isPossible(number, observation.term) else { return false }
      if !isMeasurement, !beside.contains(observation.term) { isMeasurement = true }
      switch observation.term.mdc {
      case Term.systolic.mdc: high = high ?? number
      case Term.diastolic.mdc: low = low ?? number
      case Term.meanArterial.mdc: break
      default: continue
      }
      hasPressure = true
    }
    guard hasPressure else { return isMeasurement }
    guard let high, let low else { return false }
    return isMeasurement && low < high
  }

  /// Pressures that say nothing: the systolic one is not above the diastolic one, or one of the two is missing. What is beyond the
  /// device's range is not missing.
  private static func contradictions(_ observations: [Observation]) -> [Observation] {
    let all = observations.filter { pressures.contains($0.term) && $0.value.decimal != nil }
    guard !all.isEmpty else { return [] }
    let systolic = observations.first { $0.term == .systolic }
    let diastolic = observations.first { $0.term == .diastolic }
    if let high = systolic?.value.decimal, let low = diastolic?.value.decimal {
      return isPossible(high, .systolic) && isPossible(low, .diastolic) && low < high ? [] : all
    }
    return isKnown(systolic) && isKnown(diastolic) ? [] : all
  }

  private static func isKnown(_ observation: Observation?) -> Bool {
    switch observation?.value {
    case .absent(.notANumber), .absent(.error), .absent(.notPerformed), .absent(.implausible), nil: false
    case .value, .absent: true
    }
  }

  private static func isMeasured(_ observation: Observation) -> Bool {
    isKnown(observation) && !beside.contains(observation.term)
  }

  private static func words(_ observations: [Observation]) -> String {
    observations.map { observation in
      let digits = observation.value.decimal?.description ?? ""
      let number = digits.utf8.count > 18 ? "a number of \(digits.utf8.count) digits" : digits
      return "\(observation.term.name) \(number) \(observation.term.unit.rawValue)"
    }.joined(separator: ", ")
  }
}

/// A driver whose readings hold nothing impossible: every driver of the registry is in one.
struct CheckedDriver: Driver {
  private var driver: any Driver

  init(_ driver: any Driver) { self.driver = driver }

  var abilities: DeviceAbilities { driver.abilities }

  mutating func handle(_ input: DriverInput) -> [DriverAction] {
    let actions = driver.handle(input)
    guard actions.contains(where: { if case .reading = $0 { true } else { false } }) else { return actions }
    return actions.flatMap { action -> [DriverAction] in
      guard case .reading(let reading) = action, !PossibleValues.isFlawless(reading.observations) else {
        return [action]
      }
      let (checked, problem) = PossibleValues.check(reading)
      return (checked.map { [.reading($0)] } ?? []) + (problem.map { [.problem($0)] } ?? [])
    }
  }
}

extension Decoded {
  /// The same without what is impossible.
  var checked: Decoded {
    guard readings.contains(where: { !PossibleValues.isFlawless($0.observations) }) else { return self }
    var decoded = self
    let results = readings.map(PossibleValues.check)
    decoded.readings = results.compactMap(\.reading)
    decoded.problems += results.compactMap(\.problem)
    return decoded
  }
}
