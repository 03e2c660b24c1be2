// Glucose Measurement 2A18 and Glucose Feature 2A51 (Glucose Service; GATT Specification Supplement 3.103, 3.102).

package import Octets
package import Readings

/// The Sensor Status Annunciation field. `GlucoseFeature` has the same bits 0–4 and others above; see its `status`.
package struct GlucoseSensorStatus: OptionSet, Sendable, Hashable {
  /// The field as it was sent.
  package let rawValue: UInt16
  /// The field as it was sent.
  package init(rawValue: UInt16) { self.rawValue = rawValue }
  /// The battery was low.
  package static let batteryLow = GlucoseSensorStatus(rawValue: 1 << 0)
  /// The sensor malfunctioned.
  package static let malfunction = GlucoseSensorStatus(rawValue: 1 << 1)
  /// Blood or control solution was too little.
  package static let sampleInsufficient = GlucoseSensorStatus(rawValue: 1 << 2)
  /// The result is above what the device can measure (HI).
  package static let aboveRange = GlucoseSensorStatus(rawValue: 1 << 5)
  /// The result is below what the device can measure (LO).
  package static let belowRange = GlucoseSensorStatus(rawValue: 1 << 6)

  /// What a reading says of it; a bit that the device does not support carries no information.
  package func flags(supportedBy feature: GlucoseFeature?) -> [ReadingFlag] {
    let meaningful = feature.map { rawValue & $0.status.rawValue } ?? rawValue
    var flags: [ReadingFlag] = []
    if meaningful & 0x0001 != 0 { flags.append(.lowBattery) }
    if meaningful & 0x0602 != 0 { flags.append(.deviceMalfunction) }
    if meaningful & 0x0004 != 0 { flags.append(.sampleInsufficient) }
    if meaningful & 0x0018 != 0 { flags.append(.stripError) }
    if meaningful & 0x0020 != 0 { flags.append(.resultAboveRange) }
    if meaningful & 0x0040 != 0 { flags.append(.resultBelowRange) }
    if meaningful & 0x0180 != 0 { flags.append(.temperatureOutOfRange) }
    if meaningful & 0x0800 != 0 { flags.append(.clockNotSet) }
    return flags
  }
}

/// A glucose concentration.
package struct GlucoseMeasurement: Sendable, Hashable {
  /// Joins it with its context.
  package var sequenceNumber: UInt16
  /// Local time at which the device's time line began; the offset is added.
  package var baseTime: DateTimeStamp
  /// Minutes that the user moved the clock by.
  package var timeOffset: Int16?
  /// `mg/dL` or `mmol/L`.
  package var unit: UCUM
  /// In `unit`: the wire's kg/L or mol/L shifted by its power of ten, exactly.
  package var concentration: MedicalFloat?
  /// 1 capillary whole blood … 10 control solution.
  package var type: UInt8?
  /// 1 finger … 4 control solution, 15 not available.
  package var sampleLocation: UInt8?
  /// What the device says of the measurement.
  package var status: GlucoseSensorStatus?
  /// A context with the same sequence number follows.
  package var hasContext: Bool
  /// Octets beyond the fields that the flags claim.
  package var trailingOctets: Int

  /// Decodes 2A18. Throws when a claimed field is cut.
  package init(decoding octets: [UInt8]) throws(DecodeError) {
    var reader = OctetReader(octets)
    let flags = try reader.uint8("flags")
    sequenceNumber = try reader.uint16("sequence number")
    baseTime = try reader.dateTime("base time")
    timeOffset = flags & 0x01 == 0 ? nil : try reader.int16("time offset")
    unit = flags & 0x04 == 0 ? .milligramPerDecilitre : .millimolePerLitre
    if flags & 0x02 != 0 {
      let wire = try reader.sfloat("glucose concentration")
      // kg/L to mg/dL is 10^5, mol/L to mmol/L is 10^3.
      concentration = wire.shifted(by: unit == .milligramPerDecilitre ? 5 : 3)
      let nibbles = try reader.uint8("type and sample location")
      type = nibbles & 0x0F
      sampleLocation = nibbles >> 4
    }
    status = flags & 0x08 == 0 ? nil : GlucoseSensorStatus(rawValue: try reader.uint16("sensor status annunciation"))
    hasContext = flags & 0x10 != 0
    trailingOctets = reader.remaining
  }

  /// Control solution: never a patient's value.
  package var isControlSolution: Bool { type == 10 || sampleLocation == 4 }

  /// The term of the sample's type.
  package var term: Term {
    switch type {
    case 1: .glucoseCapillaryWholeBlood
    case 2: .glucoseCapillaryPlasma
    case 3: .glucoseVenousWholeBlood
    case 4: .glucoseVenousPlasma
    case 5: .glucoseArterialWholeBlood
    case 6: .glucoseArterialPlasma
    case 7: .glucoseUndeterminedWholeBlood
    case 9: .glucoseInterstitial
    default: .glucoseUndeterminedPlasma
    }
  }
}

extension MedicalFloat {
  /// The number times a power of ten; nothing is rounded.
  func shifted(by power: Int8) -> MedicalFloat {
    guard case .value(let number) = self else { return self }
    let (exponent, overflow) = number.exponent.addingReportingOverflow(power)
    return overflow ? .notAtThisResolution : .value(ExactDecimal(number.mantissa, exponent: exponent))
  }
}

/// What a meter can tell. Bits 0 low battery, 1 sensor malfunction, 2 sample size, 3 strip insertion, 4 strip type,
/// 5 result high or low, 6 temperature high or low, 7 read interrupted, 8 general device fault, 9 time fault,
/// 10 multiple bonds.
package struct GlucoseFeature: Sendable, Hashable {
  /// The field as it was sent.
  package var rawValue: UInt16

  /// The status bits that carry information. A feature bit of "high or low" covers two of them, so that the later ones do
  /// not stand at the same places.
  package var status: GlucoseSensorStatus {
    let pairs: [(feature: UInt16, status: UInt16)] = [
      (0x0020, 0x0060), (0x0040, 0x0180), (0x0080, 0x0200), (0x0100, 0x0400), (0x0200, 0x0800),
    ]
    return GlucoseSensorStatus(
      rawValue: pairs.reduce(rawValue & 0x001F) { rawValue & $1.feature == 0 ? $0 : $0 | $1.status })
  }

  /// Decodes 2A51, two octets.
  package init(decoding octets: [UInt8]) throws(DecodeError) {
    var reader = OctetReader(octets)
    rawValue = try reader.uint16("feature")
  }
}
