// Fields that many characteristics share: medical floats, Date Time, scaled integers (GATT Specification Supplement 5).

package import Octets
package import Readings

extension OctetReader {
  /// An SFLOAT, two octets.
  package mutating func sfloat(_ field: String) throws(DecodeError) -> MedicalFloat {
    MedicalFloat(sfloat: try uint16(field))
  }

  /// A FLOAT, four octets.
  package mutating func float(_ field: String) throws(DecodeError) -> MedicalFloat {
    MedicalFloat(float: try uint32(field))
  }

  /// A Date Time, seven octets, as it stands; `DateTimeStamp` tells whether it can be used.
  package mutating func dateTime(_ field: String) throws(DecodeError) -> DateTimeStamp {
    DateTimeStamp(
      DeviceDateTime(
        year: try uint16(field), month: try uint8(field), day: try uint8(field), hours: try uint8(field),
        minutes: try uint8(field), seconds: try uint8(field)))
  }

  /// An unsigned 16-bit number times `multiple` × 10^`exponent`.
  package mutating func scaled16(
    _ field: String, multiple: Int64 = 1, exponent: Int8
  ) throws(DecodeError) -> ExactDecimal {
    ExactDecimal(Int64(try uint16(field)) * multiple, exponent: exponent)
  }
}

/// A Date Time field of a measurement. Fields that are out of range make the stamp void, never the measurement.
package struct DateTimeStamp: Sendable, Hashable {
  /// The fields as the device sent them.
  package let fields: DeviceDateTime

  /// The fields as the device sent them.
  package init(_ fields: DeviceDateTime) { self.fields = fields }

  /// True when every field is in the range of the GATT Specification Supplement; zeros (not known) are.
  package var isInRange: Bool {
    (fields.year == 0 || (1582...9999).contains(fields.year)) && fields.month <= 12 && fields.day <= 31
      && fields.hours <= 23 && fields.minutes <= 59 && fields.seconds <= 59
  }

  /// True when year, month and day are all "not known": the device told no date.
  package var isUnknown: Bool { fields.year == 0 && fields.month == 0 && fields.day == 0 }

  /// The time for a reading: nil when the stamp is void or tells no date.
  package var usable: DeviceDateTime? { isInRange && !isUnknown ? fields : nil }
}

extension DeviceDateTime {
  /// The seven octets of a Date Time field.
  package var octets: [UInt8] {
    [UInt8(truncatingIfNeeded: year), UInt8(truncatingIfNeeded: year >> 8), month, day, hours, minutes, seconds]
  }
}
