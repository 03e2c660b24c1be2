// Blood Pressure Feature 2A49 (GATT Specification Supplement 3.30).

package import Octets

/// What a cuff can tell; a status bit whose feature bit is clear carries no information.
package struct BloodPressureFeature: OptionSet, Sendable, Hashable {
  /// The field as it was sent.
  package let rawValue: UInt16
  /// The field as it was sent.
  package init(rawValue: UInt16) { self.rawValue = rawValue }
  /// Body movement detection.
  package static let bodyMovement = BloodPressureFeature(rawValue: 1 << 0)
  /// Cuff fit detection.
  package static let cuffFit = BloodPressureFeature(rawValue: 1 << 1)
  /// Irregular pulse detection.
  package static let irregularPulse = BloodPressureFeature(rawValue: 1 << 2)
  /// Pulse rate range detection.
  package static let pulseRange = BloodPressureFeature(rawValue: 1 << 3)
  /// Measurement position detection.
  package static let position = BloodPressureFeature(rawValue: 1 << 4)
  package static let multipleBonds = BloodPressureFeature(rawValue: 1 << 5)
  /// E2E-CRC.
  package static let e2eCRC = BloodPressureFeature(rawValue: 1 << 6)
  /// User Data Service.
  package static let userData = BloodPressureFeature(rawValue: 1 << 7)
  package static let userFacingTime = BloodPressureFeature(rawValue: 1 << 8)

  /// Decodes 2A49, two octets.
  package init(decoding octets: [UInt8]) throws(DecodeError) {
    var reader = OctetReader(octets)
    self.init(rawValue: try reader.uint16("feature"))
  }
}
