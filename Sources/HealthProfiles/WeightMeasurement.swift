// Weight Measurement 2A9D and Weight Scale Feature 2A9E (Weight Scale Service; GATT Specification Supplement 3.251, 3.252).

package import Octets
package import Readings

/// A body weight.
package struct WeightMeasurement: Sendable, Hashable {
  /// `kg` or `[lb_av]`.
  package var unit: UCUM
  /// Nil when the measurement was unsuccessful (0xFFFF). Resolution 0.005 kg or 0.01 lb.
  package var weight: ExactDecimal?
  /// Local time of the measurement.
  package var timeStamp: DateTimeStamp?
  /// The device's user slot; 255 is an unknown user.
  package var userID: UInt8?
  /// Body mass index, resolution 0.1 kg/m².
  package var bodyMassIndex: ExactDecimal?
  /// Resolution 0.001 m, or 0.1 inch with imperial units.
  package var height: ExactDecimal?
  /// Octets beyond the fields that the flags claim.
  package var trailingOctets: Int

  /// The unit of `height`.
  package var heightUnit: UCUM { unit == .pound ? .inch : .metre }

  /// Decodes 2A9D. Throws when a claimed field is cut.
  package init(decoding octets: [UInt8]) throws(DecodeError) {
    var reader = OctetReader(octets)
    let flags = try reader.uint8("flags")
    let isImperial = flags & 0x01 != 0
    unit = isImperial ? .pound : .kilogram
    weight = try reader.mass("weight", isImperial: isImperial)
    timeStamp = flags & 0x02 == 0 ? nil : try reader.dateTime("time stamp")
    userID = flags & 0x04 == 0 ? nil : try reader.uint8("user id")
    bodyMassIndex = flags & 0x08 == 0 ? nil : try reader.scaled16("bmi", exponent: -1)
    height = flags & 0x08 == 0 ? nil : try reader.scaled16("height", exponent: isImperial ? -1 : -3)
    trailingOctets = reader.remaining
  }
}

extension OctetReader {
  /// A mass in steps of 0.005 kg or 0.01 lb; nil for 0xFFFF.
  mutating func mass(_ field: String, isImperial: Bool) throws(DecodeError) -> ExactDecimal? {
    let raw = try uint16(field)
    guard raw != 0xFFFF else { return nil }
    return isImperial ? ExactDecimal(Int64(raw), exponent: -2) : ExactDecimal(Int64(raw) * 5, exponent: -3)
  }
}

/// What a scale can tell.
package struct WeightScaleFeature: Sendable, Hashable {
  /// The field as it was sent.
  package var rawValue: UInt32
  /// Bit 0.
  package var hasTimeStamp: Bool { rawValue & 1 != 0 }
  /// Bit 1.
  package var hasMultipleUsers: Bool { rawValue & 2 != 0 }
  /// Bit 2.
  package var hasBodyMassIndex: Bool { rawValue & 4 != 0 }
  /// Bits 3–6: 0 not specified … 7 = 0.005 kg / 0.01 lb. It says what to show; the wire stays at 0.005 kg.
  package var weightResolution: UInt8 { UInt8(rawValue >> 3 & 0x0F) }
  /// Bits 7–9: 0 not specified … 3 = 0.001 m / 0.1 inch.
  package var heightResolution: UInt8 { UInt8(rawValue >> 7 & 0x07) }

  /// Decodes 2A9E, four octets.
  package init(decoding octets: [UInt8]) throws(DecodeError) {
    var reader = OctetReader(octets)
    rawValue = try reader.uint32("feature")
  }
}
