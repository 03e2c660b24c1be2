// Blood Pressure Measurement 2A35 and Intermediate Cuff Pressure 2A36 (Blood Pressure Service; GATT Specification Supplement 3.31).

package import Octets
package import Readings

/// The Measurement Status field, by the bits of the specification.
package struct BloodPressureStatus: OptionSet, Sendable, Hashable {
  /// The field as it was sent.
  package let rawValue: UInt16
  /// The field as it was sent.
  package init(rawValue: UInt16) { self.rawValue = rawValue }
  /// The body moved.
  package static let bodyMovement = BloodPressureStatus(rawValue: 1 << 0)
  /// The cuff was too loose.
  package static let cuffTooLoose = BloodPressureStatus(rawValue: 1 << 1)
  /// An irregular pulse was detected.
  package static let irregularPulse = BloodPressureStatus(rawValue: 1 << 2)
  /// The wrist or arm was in a wrong position.
  package static let improperPosition = BloodPressureStatus(rawValue: 1 << 5)

  /// Bits 3–4: 0 in range, 1 above, 2 below, 3 reserved.
  package var pulseRange: UInt8 { UInt8(rawValue >> 3 & 3) }

  /// What a reading says of it; a bit whose feature is not supported carries no information.
  package func flags(supportedBy feature: BloodPressureFeature?) -> [ReadingFlag] {
    func supported(_ bit: BloodPressureFeature) -> Bool { feature?.contains(bit) ?? true }
    var flags: [ReadingFlag] = []
    if contains(.bodyMovement), supported(.bodyMovement) { flags.append(.bodyMovement) }
    if contains(.cuffTooLoose), supported(.cuffFit) { flags.append(.cuffTooLoose) }
    if contains(.irregularPulse), supported(.irregularPulse) { flags.append(.irregularPulse) }
    if supported(.pulseRange) {
      if pulseRange == 1 { flags.append(.pulseOverRange) }
      if pulseRange == 2 { flags.append(.pulseUnderRange) }
    }
    if contains(.improperPosition), supported(.position) { flags.append(.improperPosition) }
    return flags
  }
}

/// A blood pressure, or with `init(decodingIntermediate:)` the pressure in the cuff while it is measuring.
package struct BloodPressureMeasurement: Sendable, Hashable {
  /// `mm[Hg]` or `kPa`.
  package var unit: UCUM
  /// Systolic pressure; in an intermediate value the cuff pressure.
  package var systolic: MedicalFloat
  /// Diastolic pressure.
  package var diastolic: MedicalFloat
  /// Mean arterial pressure.
  package var meanArterial: MedicalFloat
  /// Local time of the measurement.
  package var timeStamp: DateTimeStamp?
  /// Pulse rate in beats a minute.
  package var pulseRate: MedicalFloat?
  /// The device's user slot; 255 is an unknown user.
  package var userID: UInt8?
  /// What the device says of the measurement.
  package var status: BloodPressureStatus?
  /// Octets beyond the fields that the flags claim.
  package var trailingOctets: Int

  /// Decodes 2A35 or 2A36; the layouts are the same. Reserved flag bits are ignored. Throws when a claimed field is cut.
  package init(decoding octets: [UInt8]) throws(DecodeError) {
    var reader = OctetReader(octets)
    let flags = try reader.uint8("flags")
    unit = flags & 0x01 == 0 ? .millimetreOfMercury : .kilopascal
    systolic = try reader.sfloat("systolic")
    diastolic = try reader.sfloat("diastolic")
    meanArterial = try reader.sfloat("mean arterial pressure")
    timeStamp = flags & 0x02 == 0 ? nil : try reader.dateTime("time stamp")
    pulseRate = flags & 0x04 == 0 ? nil : try reader.sfloat("pulse rate")
    userID = flags & 0x08 == 0 ? nil : try reader.uint8("user id")
    status = flags & 0x10 == 0 ? nil : BloodPressureStatus(rawValue: try reader.uint16("measurement status"))
    trailingOctets = reader.remaining
  }

  /// True when no pressure is a number: the measurement failed, whatever the status says.
  package var isFailed: Bool { systolic.decimal == nil && diastolic.decimal == nil && meanArterial.decimal == nil }
}
