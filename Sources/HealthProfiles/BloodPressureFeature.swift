// Blood Pressure Feature 2A49 (GATT Specification Supplement 3.30).

public import Octets

/// What a cuff can tell; a status bit whose feature bit is clear carries no information.
public struct BloodPressureFeature: OptionSet, Sendable, Hashable {
  /// The field as it was sent.
  public let rawValue: UInt16
  /// The field as it was sent.
  public init(rawValue: UInt16) { self.rawValue = rawValue }
  /// Body movement detection.
  public static let bodyMovement = BloodPressureFeature(rawValue: 1 << 0)
  /// Cuff fit detection.
  public static let cuffFit = BloodPressureFeature(rawValue: 1 << 1)
  /// Irregular pulse detection.
  public static let irregularPulse = BloodPressureFeature(rawValue: 1 << 2)
  /// Pulse rate range detection.
  public static let pulseRange = BloodPressureFeature(rawValue: 1 << 3)
  /// Measurement position detection.
  public static let position = BloodPressureFeature(rawValue: 1 << 4)
  /// Multiple bonds.
  public static let multipleBonds = BloodPressureFeature(rawValue: 1 << 5)
  /// E2E-CRC.
  public static let e2eCRC = BloodPressureFeature(rawValue: 1 << 6)
  /// User Data Service.
  public static let userData = BloodPressureFeature(rawValue: 1 << 7)
  /// User facing time.
  public static let userFacingTime = BloodPressureFeature(rawValue: 1 << 8)

  /// Decodes 2A49, two octets.
  public init(decoding octets: [UInt8]) throws(DecodeError) {
    var reader = OctetReader(octets)
    self.init(rawValue: try reader.uint16("feature"))
  }
}
