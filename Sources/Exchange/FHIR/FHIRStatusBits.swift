// What a device says about a measurement beside its values: bits of its status words (HL7 PHD guide, ASN1ToHL7 code system), the
// meal around a glucose value, and what the guide's measurement status becomes in an Observation.

internal import JSON
internal import Readings

/// A status word and the bits of it that are set.
struct StatusBits: Sendable, Hashable {
  var mdc: UInt32
  var reference: String
  var bits: [(bit: Int, display: String)]

  static func == (left: StatusBits, right: StatusBits) -> Bool {
    left.mdc == right.mdc && left.bits.map(\.bit) == right.bits.map(\.bit)
  }
  func hash(into hasher: inout Hasher) { hasher.combine(mdc) }

  private static let bloodPressure: [ReadingFlag: Int] = [
    .bodyMovement: 0, .cuffTooLoose: 1, .irregularPulse: 2, .pulseOverRange: 3, .pulseUnderRange: 4,
    .improperPosition: 5,
  ]
  private static let oximeter: [ReadingFlag: Int] = [
    .sensorDisconnected: 0, .sensorMalfunction: 1, .sensorDisplaced: 2, .sensorUnsupported: 3, .sensorOff: 4,
    .sensorInterference: 5, .signalSearching: 6, .signalPulseQuestionable: 7, .signalNonPulsatile: 8,
    .signalErratic: 9, .signalLowPerfusion: 10, .signalPoor: 11, .signalInadequate: 12,
    .signalProcessingIrregularity: 13, .deviceMalfunction: 14, .deviceExtendedUpdate: 15,
  ]
  // Hearth's flags for strips, temperatures and faults each stand for two bits of the wire: they are told as a note.
  private static let glucose: [ReadingFlag: (Int, String)] = [
    .lowBattery: (0, "device-battery-low"), .sampleInsufficient: (2, "sensor-sample-size-insufficient"),
    .resultAboveRange: (5, "sensor-result-too-high"), .resultBelowRange: (6, "sensor-result-too-low"),
  ]

  /// The status word of a reading; nil when no bit of it is set.
  static func of(_ reading: Reading) -> StatusBits? {
    switch reading.kind {
    case .bloodPressure:
      make(8_410_608, "MDC_BLOOD_PRESSURE_MEASUREMENT_STATUS", reading) { flag in
        bloodPressure[flag].map { ($0, flag.rawValue) }
      }
    case .pulseOximetry:
      make(150_604, "MDC_PULS_OXIM_DEV_STATUS", reading) { flag in oximeter[flag].map { ($0, flag.rawValue) } }
    case .glucose: make(8_417_752, "MDC_GLU_METER_DEV_STATUS", reading) { glucose[$0] }
    default: nil
    }
  }

  private static func make(
    _ mdc: UInt32, _ reference: String, _ reading: Reading, _ bit: (ReadingFlag) -> (Int, String)?
  ) -> StatusBits? {
    let bits = reading.flags.compactMap(bit).sorted { $0.0 < $1.0 }
    return bits.isEmpty ? nil : StatusBits(mdc: mdc, reference: reference, bits: bits.map { ($0.0, $0.1) })
  }

  /// The flags that this word tells.
  static func tells(_ flag: ReadingFlag, of kind: ReadingKind) -> Bool {
    switch kind {
    case .bloodPressure: bloodPressure[flag] != nil
    case .pulseOximetry: oximeter[flag] != nil
    case .glucose: glucose[flag] != nil
    default: false
    }
  }

  /// One component a bit: events are told when they are set.
  var components: [JSONValue] {
    bits.map { bit in
      [
        "code": FHIRElement.concept([FHIRElement.coding(FHIRSystem.bits, "\(mdc).\(bit.bit)", bit.display)]),
        "valueBoolean": true,
      ]
    }
  }
}

extension ReadingFlag {
  /// The meal around a glucose value (MDC_CTXT_GLU_MEAL).
  var meal: (mdc: UInt32, reference: String)? {
    switch self {
    case .mealBefore: (8_417_868, "MDC_CTXT_GLU_MEAL_PREPRANDIAL")
    case .mealAfter: (8_417_872, "MDC_CTXT_GLU_MEAL_POSTPRANDIAL")
    case .mealFasting: (8_417_876, "MDC_CTXT_GLU_MEAL_FASTING")
    case .mealCasual: (8_417_880, "MDC_CTXT_GLU_MEAL_CASUAL")
    case .mealBedtime: (8_417_869, "MDC_CTXT_GLU_MEAL_BEDTIME")
    default: nil
    }
  }
}

/// What the flags of a reading make of its Observations (the guide's table of measurement status).
struct MeasurementStatus: Sendable, Hashable {
  /// No value is sent: the reason.
  var absent: AbsentReason?
  var status: String
  /// No patient's data: test, demonstration, control solution.
  var isTest: Bool
  /// Codes of `measurement-status`, with their displays.
  var interpretations: [JSONValue]

  init(_ reading: Reading) {
    let flags = Set(reading.flags)
    absent = flags.contains(.invalid) ? .error : flags.contains(.notAvailable) ? .notPerformed : nil
    if flags.contains(.invalid) || reading.correction?.kind == .withdrawn {
      status = "entered-in-error"
    } else {
      status = flags.contains(.earlyIndication) || flags.contains(.measurementOngoing) ? "preliminary" : "final"
    }
    isTest = flags.contains(.testData) || flags.contains(.demonstration) || flags.contains(.controlSolution)
    interpretations = []
    func add(_ code: String, _ display: String) {
      interpretations.append(
        FHIRElement.concept([FHIRElement.coding(FHIRSystem.measurementStatus, code, display)]))
    }
    if flags.contains(.questionable) || flags.contains(.implausible) { add("questionable", "Measurement questionable") }
    if flags.contains(.calibrationOngoing) { add("calibration-ongoing", "Calibration ongoing") }
    if flags.contains(.earlyIndication) { add("early-indication", "Early indication") }
  }
}

extension Reading {
  /// What an Observation has no element for, in words; nil when there is nothing. Never a value.
  var fhirNote: String? {
    let told: Set<ReadingFlag> = [
      .invalid, .notAvailable, .questionable, .calibrationOngoing, .earlyIndication, .measurementOngoing, .testData,
      .demonstration, .controlSolution, .fromStorage, .validated, .fullyQualified,
    ]
    var words = flags.filter { !told.contains($0) && !StatusBits.tells($0, of: kind) && $0.meal == nil }.map(\.rawValue)
    switch timeQuality {
    case .device, .received: break
    case .corrected: words.append("time-corrected")
    case .receivedUnsynced: words.append("time-received-unsynced")
    case .unplaced: words.append("time-unplaced")
    }
    return words.isEmpty ? nil : "hearth: " + words.joined(separator: ", ")
  }
}
