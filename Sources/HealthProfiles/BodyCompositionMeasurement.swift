// Body Composition Measurement 2A9C and Feature 2A9B (Body Composition Service; GATT Specification Supplement 3.37, 3.36).

package import Octets
package import Readings

/// A body composition, in one packet or two.
package struct BodyCompositionMeasurement: Sendable, Hashable {
  /// True when masses are pounds and heights inches.
  package var isImperial: Bool
  /// Nil when the measurement was unsuccessful (0xFFFF). Resolution 0.1 %.
  package var bodyFat: ExactDecimal?
  /// Local time of the measurement.
  package var timeStamp: DateTimeStamp?
  /// The device's user slot; 255 is an unknown user.
  package var userID: UInt8?
  /// Kilojoule.
  package var basalMetabolism: ExactDecimal?
  /// Resolution 0.1 %.
  package var musclePercentage: ExactDecimal?
  /// Resolution 0.005 kg or 0.01 lb, as all masses.
  package var muscleMass: ExactDecimal?
  /// Fat free mass.
  package var fatFreeMass: ExactDecimal?
  /// Soft lean mass.
  package var softLeanMass: ExactDecimal?
  /// Body water mass.
  package var bodyWaterMass: ExactDecimal?
  /// Resolution 0.1 Ω.
  package var impedance: ExactDecimal?
  /// Body weight.
  package var weight: ExactDecimal?
  /// Resolution 0.001 m or 0.1 inch.
  package var height: ExactDecimal?
  /// This value goes on in the next indication, or is the second of two.
  package var isMultiplePacket: Bool
  /// Octets beyond the fields that the flags claim.
  package var trailingOctets: Int

  /// The unit of masses.
  package var massUnit: UCUM { isImperial ? .pound : .kilogram }
  /// The unit of `height`.
  package var heightUnit: UCUM { isImperial ? .inch : .metre }

  /// Decodes 2A9C. Throws when a claimed field is cut.
  package init(decoding octets: [UInt8]) throws(DecodeError) {
    var reader = OctetReader(octets)
    let flags = try reader.uint16("flags")
    func has(_ bit: UInt16) -> Bool { flags & 1 << bit != 0 }
    isImperial = has(0)
    let fat = try reader.uint16("body fat percentage")
    bodyFat = fat == 0xFFFF ? nil : ExactDecimal(Int64(fat), exponent: -1)
    timeStamp = has(1) ? try reader.dateTime("time stamp") : nil
    userID = has(2) ? try reader.uint8("user id") : nil
    basalMetabolism = has(3) ? try reader.scaled16("basal metabolism", exponent: 0) : nil
    musclePercentage = has(4) ? try reader.scaled16("muscle percentage", exponent: -1) : nil
    muscleMass = has(5) ? try reader.mass("muscle mass", isImperial: isImperial) : nil
    fatFreeMass = has(6) ? try reader.mass("fat free mass", isImperial: isImperial) : nil
    softLeanMass = has(7) ? try reader.mass("soft lean mass", isImperial: isImperial) : nil
    bodyWaterMass = has(8) ? try reader.mass("body water mass", isImperial: isImperial) : nil
    impedance = has(9) ? try reader.scaled16("impedance", exponent: -1) : nil
    weight = has(10) ? try reader.mass("weight", isImperial: isImperial) : nil
    height = has(11) ? try reader.scaled16("height", exponent: isImperial ? -1 : -3) : nil
    isMultiplePacket = has(12)
    trailingOctets = reader.remaining
  }

  /// True when everything that was sent is zero: the stub that some scales send when no composition was measured.
  package var isEmptyStub: Bool {
    let fields = [
      bodyFat, basalMetabolism, musclePercentage, muscleMass, fatFreeMass, softLeanMass, bodyWaterMass, impedance,
    ]
    return fields.allSatisfy { $0?.isZero ?? true }
  }

  /// The whole of a value that came in two packets: the fields of the second where the first has none.
  package func merging(_ second: BodyCompositionMeasurement) -> BodyCompositionMeasurement {
    var whole = self
    whole.timeStamp = timeStamp ?? second.timeStamp
    whole.userID = userID ?? second.userID
    whole.basalMetabolism = basalMetabolism ?? second.basalMetabolism
    whole.musclePercentage = musclePercentage ?? second.musclePercentage
    whole.muscleMass = muscleMass ?? second.muscleMass
    whole.fatFreeMass = fatFreeMass ?? second.fatFreeMass
    whole.softLeanMass = softLeanMass ?? second.softLeanMass
    whole.bodyWaterMass = bodyWaterMass ?? second.bodyWaterMass
    whole.impedance = impedance ?? second.impedance
    whole.weight = weight ?? second.weight
    whole.height = height ?? second.height
    whole.trailingOctets += second.trailingOctets
    return whole
  }

  /// True when `second` can be the second packet of this value: same units, user and time where both tell them.
  package func continues(in second: BodyCompositionMeasurement) -> Bool {
    isMultiplePacket && second.isMultiplePacket && isImperial == second.isImperial
      && (userID == nil || second.userID == nil || userID == second.userID)
      && (timeStamp == nil || second.timeStamp == nil || timeStamp == second.timeStamp)
  }
}

/// What a body composition scale can tell.
package struct BodyCompositionFeature: Sendable, Hashable {
  /// The field as it was sent.
  package var rawValue: UInt32
  /// Bits 0–10: time stamp, multiple users, basal metabolism, muscle percentage, muscle mass, fat free mass, soft lean mass,
  /// body water mass, impedance, weight, height.
  package func supports(_ bit: Int) -> Bool { (0...10).contains(bit) && rawValue >> UInt32(bit) & 1 != 0 }
  /// Bits 11–14, codes as in `WeightScaleFeature.weightResolution`.
  package var massResolution: UInt8 { UInt8(rawValue >> 11 & 0x0F) }
  /// Bits 15–17.
  package var heightResolution: UInt8 { UInt8(rawValue >> 15 & 0x07) }

  /// Decodes 2A9B, four octets.
  package init(decoding octets: [UInt8]) throws(DecodeError) {
    var reader = OctetReader(octets)
    rawValue = try reader.uint32("feature")
  }
}
