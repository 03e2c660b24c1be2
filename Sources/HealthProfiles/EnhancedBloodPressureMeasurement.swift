// Enhanced Blood Pressure Measurement 2B34, Enhanced Intermediate Cuff Pressure 2B35 and Blood Pressure Record 2B36
// (Blood Pressure Service 1.1).

package import Octets
package import Readings

/// A blood pressure on the device's base time line.
package struct EnhancedBloodPressureMeasurement: Sendable, Hashable {
  /// `mm[Hg]` or `kPa`.
  package var unit: UCUM
  /// Systolic pressure; in 2B35 the cuff pressure.
  package var systolic: MedicalFloat
  /// Nil in 2B35.
  package var diastolic: MedicalFloat?
  /// Nil in 2B35.
  package var meanArterial: MedicalFloat?
  /// 1900 or 2000.
  package var epoch: Int
  /// Seconds since the epoch on the base time line.
  package var timeStamp: UInt32?
  /// Pulse rate in beats a minute.
  package var pulseRate: MedicalFloat?
  /// The device's user slot; 255 is an unknown user.
  package var userID: UInt8?
  /// What the device says of the measurement.
  package var status: BloodPressureStatus?
  /// Seconds since the epoch as the display showed them.
  package var userFacingTime: UInt32?
  /// Octets beyond the fields that the flags claim.
  package var trailingOctets: Int

  /// Decodes 2B34, or 2B35 with `isIntermediate`. Throws when a claimed field is cut.
  package init(decoding octets: [UInt8], isIntermediate: Bool = false) throws(DecodeError) {
    var reader = OctetReader(octets)
    let flags = try reader.uint8("flags")
    unit = flags & 0x01 == 0 ? .millimetreOfMercury : .kilopascal
    epoch = flags & 0x40 == 0 ? 1900 : 2000
    systolic = try reader.sfloat(isIntermediate ? "cuff pressure" : "systolic")
    diastolic = isIntermediate ? nil : try reader.sfloat("diastolic")
    meanArterial = isIntermediate ? nil : try reader.sfloat("mean arterial pressure")
    timeStamp = flags & 0x02 == 0 ? nil : try reader.uint32("time stamp")
    pulseRate = flags & 0x04 == 0 ? nil : try reader.sfloat("pulse rate")
    userID = flags & 0x08 == 0 ? nil : try reader.uint8("user id")
    status = flags & 0x10 == 0 ? nil : BloodPressureStatus(rawValue: try reader.uint16("measurement status"))
    userFacingTime = flags & 0x20 == 0 ? nil : try reader.uint32("user facing time")
    trailingOctets = reader.remaining
  }

  /// A count of seconds since the epoch as seconds since 1970.
  package func unixSeconds(_ count: UInt32) -> Int64 { Int64(count) - (epoch == 1900 ? 2_208_988_800 : -946_684_800) }

  /// True when no pressure is a number.
  package var isFailed: Bool {
    systolic.decimal == nil && diastolic?.decimal == nil && meanArterial?.decimal == nil
  }
}

/// One segment of a stored record.
package struct BloodPressureRecord: Sendable, Hashable {
  /// True in the first segment.
  package var isFirst: Bool
  /// True in the last segment.
  package var isLast: Bool
  /// 0…63, rolling.
  package var counter: UInt8
  /// The record's number; wraps.
  package var sequenceNumber: UInt16
  /// The characteristic that the record holds.
  package var characteristic: BluetoothUUID
  /// This segment's part of the record, with the E2E-CRC at its end where the service has one.
  package var data: [UInt8]

  /// Decodes 2B36. Throws when the header is cut.
  package init(decoding octets: [UInt8]) throws(DecodeError) {
    var reader = OctetReader(octets)
    let header = try reader.uint8("segmentation header")
    isFirst = header & 1 != 0
    isLast = header & 2 != 0
    counter = header >> 2
    sequenceNumber = try reader.uint16("sequence number")
    characteristic = BluetoothUUID(try reader.uint16("uuid"))
    data = Array(reader.rest())
  }
}

/// Puts the segments of stored records together.
package struct BloodPressureRecordAssembly: Sendable, Hashable {
  private var first: BloodPressureRecord?
  private var next: UInt8 = 0
  private var data: [UInt8] = []

  /// The segment added last began a record although another one lacked its last segment: that one is lost.
  package private(set) var hasLostRecord = false
  /// A record has begun and lacks its last segment.
  package var isUnfinished: Bool { first != nil }

  /// Nothing yet.
  package init() {}

  /// Forgets a record that has begun; true when there was one, which then is lost.
  package mutating func abandon() -> Bool {
    defer { first = nil }
    return isUnfinished
  }

  /// Adds a segment; gives the whole record with its last one. Throws when a segment is missing or the record is too long;
  /// the assembly then waits for the next first segment. A first segment is always taken: `hasLostRecord` tells what it
  /// cost.
  package mutating func add(
    _ segment: BloodPressureRecord
  ) throws(DecodeError) -> (characteristic: BluetoothUUID, sequenceNumber: UInt16, octets: [UInt8])? {
    hasLostRecord = segment.isFirst && isUnfinished
    if segment.isFirst {
      first = segment
      data = segment.data
    } else {
      guard let begun = first, segment.counter == next, segment.sequenceNumber == begun.sequenceNumber,
        data.count + segment.data.count <= 4096
      else {
        first = nil
        throw DecodeError(field: "segmentation header", offset: 0, reason: .malformed("a segment is missing"))
      }
      data += segment.data
    }
    next = (segment.counter &+ 1) & 0x3F
    guard segment.isLast, let begun = first else { return nil }
    first = nil
    return (begun.characteristic, begun.sequenceNumber, data)
  }
}
