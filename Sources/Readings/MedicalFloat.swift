// SFLOAT and FLOAT of IEEE 11073-20601 (Bluetooth: medfloat16, medfloat32) with their special values.

/// A number that a device sent, or the reason why it sent none.
package enum MedicalFloat: Sendable, Hashable {
  /// An ordinary number with the device's precision.
  case value(ExactDecimal)
  /// NaN: no value (a cuff that failed sends it in every field).
  case notANumber
  /// NRes: the value cannot be expressed at this resolution.
  case notAtThisResolution
  case positiveInfinity
  case negativeInfinity
  /// The reserved pattern.
  case reserved

  /// From the 16 bits of an SFLOAT: 12-bit mantissa, 4-bit exponent, both two's complement. Special patterns are looked for
  /// in the whole word: 0xFFFF is the number −0.1.
  package init(sfloat word: UInt16) {
    switch word {
    case 0x07FF: self = .notANumber
    case 0x0800: self = .notAtThisResolution
    case 0x07FE: self = .positiveInfinity
    case 0x0802: self = .negativeInfinity
    case 0x0801: self = .reserved
    default:
      let mantissa = Int16(bitPattern: word << 4) >> 4
      let exponent = Int8(truncatingIfNeeded: Int16(bitPattern: word) >> 12)
      self = .value(ExactDecimal(Int64(mantissa), exponent: exponent))
    }
  }

  /// From the 32 bits of a FLOAT: 24-bit mantissa, 8-bit exponent, both two's complement.
  package init(float word: UInt32) {
    switch word {
    case 0x007F_FFFF: self = .notANumber
    case 0x0080_0000: self = .notAtThisResolution
    case 0x007F_FFFE: self = .positiveInfinity
    case 0x0080_0002: self = .negativeInfinity
    case 0x0080_0001: self = .reserved
    default:
      let mantissa = Int32(bitPattern: word << 8) >> 8
      self = .value(ExactDecimal(Int64(mantissa), exponent: Int8(truncatingIfNeeded: Int32(bitPattern: word) >> 24)))
    }
  }

  /// The number, when it is one.
  package var decimal: ExactDecimal? {
    if case .value(let decimal) = self { return decimal }
    return nil
  }

  /// As an observation carries it: the number, or the FHIR data-absent-reason of facts section 1.4.
  package var observed: ObservedValue {
    switch self {
    case .value(let decimal): .value(decimal)
    case .notANumber: .absent(.notANumber)
    case .notAtThisResolution, .reserved: .absent(.error)
    case .positiveInfinity: .absent(.positiveInfinity)
    case .negativeInfinity: .absent(.negativeInfinity)
    }
  }
}

/// Why there is no number: codes of FHIR `data-absent-reason`, and one of Hearth's own.
package enum AbsentReason: String, Sendable, Hashable, CaseIterable {
  /// The device sent NaN.
  case notANumber = "not-a-number"
  /// The device could not express the value, or sent a reserved pattern.
  case error
  /// Above what the device can measure.
  case positiveInfinity = "positive-infinity"
  /// Below what the device can measure.
  case negativeInfinity = "negative-infinity"
  /// The device did not measure it.
  case notPerformed = "not-performed"
  /// A number that nobody can have, or that the device's document cannot encode.
  case implausible
  /// The device says that it is below what it can measure ("LO").
  case belowRange = "below-range"
  /// The device says that it is above what it can measure ("HI").
  case aboveRange = "above-range"
}

/// A number, or why there is none. One absent component does not void the others.
package enum ObservedValue: Sendable, Hashable {
  /// The number with its precision.
  case value(ExactDecimal)
  /// Why there is none.
  case absent(AbsentReason)

  /// The number, when there is one.
  package var decimal: ExactDecimal? {
    if case .value(let decimal) = self { return decimal }
    return nil
  }
}
