// What a device or Hearth says about a reading beyond its values. Names: the HL7 PHD guide's ASN1ToHL7 displays where it has one.

/// A remark on a reading; the raw value is its name in every output.
package enum ReadingFlag: String, Sendable, Hashable, CaseIterable {
  // Blood pressure measurement status (MDC 8410608).
  case bodyMovement = "body-movement"
  case cuffTooLoose = "cuff-too-loose"
  case irregularPulse = "irregular-pulse"
  case pulseOverRange = "pulse-over-range-limit"
  case pulseUnderRange = "pulse-under-range-limit"
  case improperPosition = "improper-body-position"
  // Oximeter device and sensor status (MDC 150604).
  case sensorDisconnected = "sensor-disconnected"
  case sensorMalfunction = "sensor-malfunction"
  case sensorDisplaced = "sensor-displaced"
  case sensorUnsupported = "sensor-unsupported"
  case sensorOff = "sensor-off"
  case sensorInterference = "sensor-interference"
  case signalSearching = "signal-searching"
  case signalPulseQuestionable = "signal-pulse-questionable"
  case signalNonPulsatile = "signal-non-pulsatile"
  case signalErratic = "signal-erratic"
  case signalLowPerfusion = "signal-low-perfusion"
  case signalPoor = "signal-poor"
  case signalInadequate = "signal-inadequate"
  case signalProcessingIrregularity = "signal-processing-irregularity"
  case deviceMalfunction = "device-equipment-malfunction"
  case deviceExtendedUpdate = "device-extended-update"
  // Measurement status (the guide's measurement-status table).
  case invalid
  case notAvailable = "not-available"
  case questionable
  case calibrationOngoing = "calibration-ongoing"
  case earlyIndication = "early-indication"
  case measurementOngoing = "measurement-ongoing"
  case validated
  case fullyQualified = "fully-qualified"
  case fromStorage = "from-storage"
  case demonstration
  case testData = "test-data"
  // Glucose context and status.
  case mealBefore = "meal-before"
  case mealAfter = "meal-after"
  case mealFasting = "meal-fasting"
  case mealCasual = "meal-casual"
  case mealBedtime = "meal-bedtime"
  case controlSolution = "control-solution"
  case resultAboveRange = "result-above-range"
  case resultBelowRange = "result-below-range"
  case sampleInsufficient = "sample-insufficient"
  case stripError = "strip-error"
  case temperatureOutOfRange = "temperature-out-of-range"
  // Hearth's own.
  case measurementFailed = "measurement-failed"
  case implausible
  case clockNotSet = "clock-not-set"
  case ambiguousTime = "ambiguous-time"
  case estimatedTime = "estimated-time"
  case lowBattery = "low-battery"
  case unverifiedChecksum = "unverified-checksum"
  case clockUnverified = "clock-unverified"
  /// The weight is so far from the patient's week that somebody else may have stood on the scale.
  case suspectPerson = "suspect-person"

  /// The device itself doubts the value: never red alone.
  package var isDoubt: Bool {
    switch self {
    case .bodyMovement, .cuffTooLoose, .pulseOverRange, .pulseUnderRange, .improperPosition, .sensorDisplaced,
      .sensorInterference, .signalSearching, .signalPulseQuestionable, .signalNonPulsatile, .signalErratic,
      .signalPoor, .signalInadequate, .signalProcessingIrregularity, .questionable, .earlyIndication,
      .measurementOngoing, .sampleInsufficient, .stripError, .temperatureOutOfRange, .deviceMalfunction,
      .suspectPerson:
      true
    default: false
    }
  }
}
