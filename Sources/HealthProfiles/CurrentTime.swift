// Date Time 2A08, Current Time 2A2B, Local Time Information 2A0F, Reference Time Information 2A14
// (Current Time Service 1.1; GATT Specification Supplement 3.70, 3.62, 3.154, 3.189). The hub reads a clock before it writes it.

package import Octets
package import Readings

/// The value of 2A08; A&D and others carry it inside their measurement service to set the clock.
package struct DateTime: Sendable, Hashable {
  /// The fields; all in range.
  package var fields: DeviceDateTime

  /// A time to write.
  package init(_ fields: DeviceDateTime) { self.fields = fields }

  /// Decodes 2A08, seven octets. Throws when it is cut or a field is out of range.
  package init(decoding octets: [UInt8]) throws(DecodeError) {
    var reader = OctetReader(octets)
    fields = try reader.dateTime("date time").checked(from: 0)
  }

  /// The octets to write.
  package var octets: [UInt8] { fields.octets }
}

extension DateTimeStamp {
  /// The fields, when every one is in its range; throws naming the first that is not. `start` is the field's offset.
  func checked(from start: Int) throws(DecodeError) -> DeviceDateTime {
    let checks: [(String, Int, Int64, Bool)] = [
      ("year", 0, Int64(fields.year), fields.year == 0 || (1582...9999).contains(fields.year)),
      ("month", 2, Int64(fields.month), fields.month <= 12),
      ("day", 3, Int64(fields.day), fields.day <= 31),
      ("hours", 4, Int64(fields.hours), fields.hours <= 23),
      ("minutes", 5, Int64(fields.minutes), fields.minutes <= 59),
      ("seconds", 6, Int64(fields.seconds), fields.seconds <= 59),
    ]
    for (name, place, value, isGood) in checks where !isGood {
      throw DecodeError(field: name, offset: start + place, reason: .invalidValue(value))
    }
    return fields
  }
}

/// The value of 2A2B.
package struct CurrentTime: Sendable, Hashable {
  /// The fields; all in range.
  package var fields: DeviceDateTime
  /// 1 = Monday … 7 = Sunday, 0 not known.
  package var dayOfWeek: UInt8
  /// 1/256 s.
  package var fractions256: UInt8
  /// Bit 0 manual, 1 external reference, 2 time zone changed, 3 DST changed.
  package var adjustReason: UInt8

  /// A time to write.
  package init(_ fields: DeviceDateTime, dayOfWeek: UInt8, fractions256: UInt8 = 0, adjustReason: UInt8 = 0) {
    self.fields = fields
    self.dayOfWeek = dayOfWeek
    self.fractions256 = fractions256
    self.adjustReason = adjustReason
  }

  /// Decodes 2A2B, ten octets; the adjust reason may be missing. Throws when it is cut or a field is out of range.
  package init(decoding octets: [UInt8]) throws(DecodeError) {
    var reader = OctetReader(octets)
    fields = try reader.dateTime("exact time").checked(from: 0)
    dayOfWeek = try reader.uint8("day of week")
    guard dayOfWeek <= 7 else {
      throw DecodeError(field: "day of week", offset: 7, reason: .invalidValue(Int64(dayOfWeek)))
    }
    fractions256 = try reader.uint8("fractions 256")
    adjustReason = reader.isAtEnd ? 0 : try reader.uint8("adjust reason")
  }

  /// The octets to write.
  package var octets: [UInt8] { fields.octets + [dayOfWeek, fractions256, adjustReason] }
}

/// The value of 2A0F.
package struct LocalTimeInformation: Sendable, Hashable {
  /// Quarter hours east of UTC, −48…56; −128 not known.
  package var timeZone: Int8
  /// 0 standard, 2 half an hour, 4 one hour, 8 two hours, 255 not known.
  package var dstOffset: UInt8

  /// A zone to write.
  package init(timeZone: Int8, dstOffset: UInt8) {
    self.timeZone = timeZone
    self.dstOffset = dstOffset
  }

  /// Decodes 2A0F, two octets. Throws when it is cut or a field is out of range.
  package init(decoding octets: [UInt8]) throws(DecodeError) {
    var reader = OctetReader(octets)
    timeZone = try reader.int8("time zone")
    guard timeZone == -128 || (-48...56).contains(timeZone) else {
      throw DecodeError(field: "time zone", offset: 0, reason: .invalidValue(Int64(timeZone)))
    }
    dstOffset = try reader.uint8("DST offset")
    guard [0, 2, 4, 8, 255].contains(dstOffset) else {
      throw DecodeError(field: "DST offset", offset: 1, reason: .invalidValue(Int64(dstOffset)))
    }
  }

  /// The octets to write.
  package var octets: [UInt8] { [UInt8(bitPattern: timeZone), dstOffset] }
}

/// The value of 2A14.
package struct ReferenceTimeInformation: Sendable, Hashable {
  /// 0 unknown, 1 NTP, 2 GPS, 3 radio, 4 manual, 5 atomic, 6 cellular.
  package var source: UInt8
  /// 1/8 s; 254 more than 31.6 s, 255 not known.
  package var accuracy: UInt8
  /// 255: 255 days or more.
  package var daysSinceUpdate: UInt8
  /// 0…23, 255 with 255 days.
  package var hoursSinceUpdate: UInt8

  /// Decodes 2A14, four octets.
  package init(decoding octets: [UInt8]) throws(DecodeError) {
    var reader = OctetReader(octets)
    source = try reader.uint8("source")
    accuracy = try reader.uint8("accuracy")
    daysSinceUpdate = try reader.uint8("days since update")
    hoursSinceUpdate = try reader.uint8("hours since update")
  }
}
