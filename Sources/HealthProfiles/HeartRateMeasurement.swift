// Heart Rate Measurement 2A37 and Body Sensor Location 2A38 (Heart Rate Service; GATT Specification Supplement 3.113, 3.35).

package import Octets

package struct HeartRateMeasurement: Sendable, Hashable {
  /// Whether the sensor touches the skin.
  package enum Contact: String, Sendable, Hashable {
    case notSupported = "not_supported"
    case notDetected = "not_detected"
    case detected
  }

  /// Beats a minute.
  package var heartRate: UInt16
  /// Whether the sensor touches the skin.
  package var contact: Contact
  /// Kilojoule since the last reset.
  package var energyExpended: UInt16?
  /// 1/1024 s, oldest first.
  package var rrIntervals: [UInt16]
  /// An odd octet at the end.
  package var trailingOctets: Int

  /// Decodes 2A37. Throws when a claimed field is cut.
  package init(decoding octets: [UInt8]) throws(DecodeError) {
    var reader = OctetReader(octets)
    let flags = try reader.uint8("flags")
    heartRate = flags & 1 == 0 ? UInt16(try reader.uint8("heart rate")) : try reader.uint16("heart rate")
    contact = flags & 4 == 0 ? .notSupported : flags & 2 == 0 ? .notDetected : .detected
    energyExpended = flags & 8 == 0 ? nil : try reader.uint16("energy expended")
    rrIntervals = []
    if flags & 16 != 0 {
      if reader.remaining < 2 { rrIntervals = [try reader.uint16("rr interval")] }
      while reader.remaining >= 2 { rrIntervals.append(try reader.uint16("rr interval")) }
    }
    trailingOctets = reader.remaining
  }
}

/// Where a heart rate sensor sits.
package enum BodySensorLocation: UInt8, Sendable, Hashable, CaseIterable {
  case other
  case chest
  case wrist
  case finger
  case hand
  case earLobe
  case foot

  /// Decodes 2A38. Throws for a reserved value.
  package init(decoding octets: [UInt8]) throws(DecodeError) {
    var reader = OctetReader(octets)
    let raw = try reader.uint8("body sensor location")
    guard let location = BodySensorLocation(rawValue: raw) else {
      throw DecodeError(field: "body sensor location", offset: 0, reason: .invalidValue(Int64(raw)))
    }
    self = location
  }

  /// The specification's word.
  package var name: String { self == .earLobe ? "ear lobe" : "\(self)" }
}
