// PLX Spot-Check Measurement 2A5E, Continuous Measurement 2A5F and Features 2A60 (Pulse Oximeter Service 1.0.1).

package import Octets
package import Readings

/// The Measurement Status field.
package struct PLXMeasurementStatus: Sendable, Hashable {
  /// The field as it was sent.
  package var rawValue: UInt16
  private static let flagsByBit: [(bit: UInt16, flag: ReadingFlag)] = [
    (5, .measurementOngoing), (6, .earlyIndication), (7, .validated), (8, .fullyQualified), (9, .fromStorage),
    (10, .demonstration), (11, .testData), (12, .calibrationOngoing), (13, .notAvailable), (14, .questionable),
    (15, .invalid),
  ]

  /// What a reading says of it; a bit that the device does not support carries no information.
  package func flags(supported: UInt16? = nil) -> [ReadingFlag] {
    let meaningful = rawValue & (supported ?? 0xFFFF)
    return PLXMeasurementStatus.flagsByBit.filter { meaningful & 1 << $0.bit != 0 }.map(\.flag)
  }

  /// Demonstration, test, unavailable or invalid: never a patient's value.
  package var forbidsValues: Bool { rawValue & 0xAC00 != 0 }
}

/// The Device and Sensor Status field.
package struct PLXSensorStatus: Sendable, Hashable {
  /// The field as it was sent, 24 bits.
  package var rawValue: UInt32
  private static let flagsByBit: [ReadingFlag] = [
    .deviceExtendedUpdate, .deviceMalfunction, .signalProcessingIrregularity, .signalInadequate, .signalPoor,
    .signalLowPerfusion, .signalErratic, .signalNonPulsatile, .signalPulseQuestionable, .signalSearching,
    .sensorInterference, .sensorOff, .sensorUnsupported, .sensorDisplaced, .sensorMalfunction, .sensorDisconnected,
  ]

  /// What a reading says of it; a bit that the device does not support carries no information.
  package func flags(supported: UInt32? = nil) -> [ReadingFlag] {
    let meaningful = rawValue & (supported ?? 0xFFFF)
    return PLXSensorStatus.flagsByBit.enumerated().filter { meaningful >> UInt32($0.offset) & 1 != 0 }.map(\.element)
  }

  /// No finger in the sensor, no sensor at the device, or a broken one.
  package var isWithoutSignal: Bool { rawValue & 0xC800 != 0 }
}

/// One spot-check.
package struct PLXSpotCheckMeasurement: Sendable, Hashable {
  /// Oxygen saturation in %.
  package var spo2: MedicalFloat
  /// Pulse rate in beats a minute.
  package var pulseRate: MedicalFloat
  /// Local time of the measurement; void when the clock is not set.
  package var timeStamp: DateTimeStamp?
  /// What the device says of the measurement.
  package var measurementStatus: PLXMeasurementStatus?
  /// What the device says of itself and its sensor.
  package var sensorStatus: PLXSensorStatus?
  /// Pulse amplitude index in %.
  package var pulseAmplitudeIndex: MedicalFloat?
  /// The device's clock was never set.
  package var isClockNotSet: Bool
  /// Octets beyond the fields that the flags claim.
  package var trailingOctets: Int

  /// Decodes 2A5E. Throws when a claimed field is cut.
  package init(decoding octets: [UInt8]) throws(DecodeError) {
    var reader = OctetReader(octets)
    let flags = try reader.uint8("flags")
    spo2 = try reader.sfloat("SpO2")
    pulseRate = try reader.sfloat("pulse rate")
    timeStamp = flags & 0x01 == 0 ? nil : try reader.dateTime("time stamp")
    measurementStatus =
      flags & 0x02 == 0 ? nil : PLXMeasurementStatus(rawValue: try reader.uint16("measurement status"))
    sensorStatus = flags & 0x04 == 0 ? nil : PLXSensorStatus(rawValue: try reader.uint24("device and sensor status"))
    pulseAmplitudeIndex = flags & 0x08 == 0 ? nil : try reader.sfloat("pulse amplitude index")
    isClockNotSet = flags & 0x10 != 0
    trailingOctets = reader.remaining
  }
}

/// One value of a stream.
package struct PLXContinuousMeasurement: Sendable, Hashable {
  /// Oxygen saturation in %.
  package var spo2: MedicalFloat
  /// Pulse rate in beats a minute.
  package var pulseRate: MedicalFloat
  /// The fast response pair.
  package var fast: Pair?
  /// The slow response pair.
  package var slow: Pair?
  /// What the device says of the measurement.
  package var measurementStatus: PLXMeasurementStatus?
  /// What the device says of itself and its sensor.
  package var sensorStatus: PLXSensorStatus?
  /// Pulse amplitude index in %.
  package var pulseAmplitudeIndex: MedicalFloat?
  /// Octets beyond the fields that the flags claim.
  package var trailingOctets: Int

  /// Oxygen saturation and pulse rate of one averaging time.
  package struct Pair: Sendable, Hashable {
    /// Oxygen saturation in %.
    package var spo2: MedicalFloat
    /// Pulse rate in beats a minute.
    package var pulseRate: MedicalFloat
  }

  /// Decodes 2A5F. Throws when a claimed field is cut.
  package init(decoding octets: [UInt8]) throws(DecodeError) {
    var reader = OctetReader(octets)
    let flags = try reader.uint8("flags")
    spo2 = try reader.sfloat("SpO2")
    pulseRate = try reader.sfloat("pulse rate")
    fast =
      flags & 0x01 == 0
      ? nil : Pair(spo2: try reader.sfloat("SpO2 fast"), pulseRate: try reader.sfloat("pulse rate fast"))
    slow =
      flags & 0x02 == 0
      ? nil : Pair(spo2: try reader.sfloat("SpO2 slow"), pulseRate: try reader.sfloat("pulse rate slow"))
    measurementStatus =
      flags & 0x04 == 0 ? nil : PLXMeasurementStatus(rawValue: try reader.uint16("measurement status"))
    sensorStatus = flags & 0x08 == 0 ? nil : PLXSensorStatus(rawValue: try reader.uint24("device and sensor status"))
    pulseAmplitudeIndex = flags & 0x10 == 0 ? nil : try reader.sfloat("pulse amplitude index")
    trailingOctets = reader.remaining
  }
}

/// What an oximeter can tell.
package struct PLXFeatures: Sendable, Hashable {
  /// Bits 0–7: measurement status, device and sensor status, storage, time stamp, fast, slow, pulse amplitude index,
  /// multiple bonds.
  package var supported: UInt16
  /// The measurement status bits that mean something; nil when not told.
  package var measurementStatus: UInt16?
  /// The device and sensor status bits that mean something; nil when not told.
  package var sensorStatus: UInt32?

  /// Decodes 2A60. Throws when a claimed field is cut.
  package init(decoding octets: [UInt8]) throws(DecodeError) {
    var reader = OctetReader(octets)
    supported = try reader.uint16("supported features")
    measurementStatus = supported & 1 == 0 ? nil : try reader.uint16("measurement status support")
    sensorStatus = supported & 2 == 0 ? nil : try reader.uint24("device and sensor status support")
  }

  /// True when the oximeter keeps spot-checks and gives them by the record access control point.
  package var hasStorage: Bool { supported & 4 != 0 }
}
