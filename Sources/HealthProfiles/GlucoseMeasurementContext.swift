// Glucose Measurement Context 2A34 (Glucose Service; GATT Specification Supplement 3.104).

package import Octets
package import Readings

/// What was around a glucose measurement.
package struct GlucoseMeasurementContext: Sendable, Hashable {
  /// Joins it with its measurement.
  package var sequenceNumber: UInt16
  /// 1 breakfast … 7 brunch.
  package var carbohydrateID: UInt8?
  /// Kilograms.
  package var carbohydrate: MedicalFloat?
  /// 1 before, 2 after, 3 fasting, 4 casual, 5 bedtime.
  package var meal: UInt8?
  /// 1 self, 2 health care professional, 3 laboratory, 15 not available.
  package var tester: UInt8?
  /// 1 minor issues, 2 major issues, 3 menses, 4 stress, 5 none, 15 not available.
  package var health: UInt8?
  /// Seconds; 0xFFFF overrun.
  package var exerciseDuration: UInt16?
  /// Percent.
  package var exerciseIntensity: UInt8?
  /// 1 rapid … 5 pre-mixed insulin.
  package var medicationID: UInt8?
  /// Kilograms, or litres with `isMedicationInLitres`.
  package var medication: MedicalFloat?
  /// The unit of `medication`.
  package var isMedicationInLitres: Bool
  /// HbA1c in %.
  package var hbA1c: MedicalFloat?
  /// Octets beyond the fields that the flags claim.
  package var trailingOctets: Int

  /// Decodes 2A34. Throws when a claimed field is cut.
  package init(decoding octets: [UInt8]) throws(DecodeError) {
    var reader = OctetReader(octets)
    let flags = try reader.uint8("flags")
    sequenceNumber = try reader.uint16("sequence number")
    if flags & 0x80 != 0 { _ = try reader.uint8("extended flags") }
    if flags & 0x01 != 0 {
      carbohydrateID = try reader.uint8("carbohydrate id")
      carbohydrate = try reader.sfloat("carbohydrate")
    }
    if flags & 0x02 != 0 { meal = try reader.uint8("meal") }
    if flags & 0x04 != 0 {
      let nibbles = try reader.uint8("tester and health")
      tester = nibbles & 0x0F
      health = nibbles >> 4
    }
    if flags & 0x08 != 0 {
      exerciseDuration = try reader.uint16("exercise duration")
      exerciseIntensity = try reader.uint8("exercise intensity")
    }
    if flags & 0x10 != 0 {
      medicationID = try reader.uint8("medication id")
      medication = try reader.sfloat("medication")
    }
    isMedicationInLitres = flags & 0x20 != 0
    if flags & 0x40 != 0 { hbA1c = try reader.sfloat("HbA1c") }
    trailingOctets = reader.remaining
  }

  /// What a reading says of the meal.
  package var mealFlag: ReadingFlag? {
    switch meal {
    case 1: .mealBefore
    case 2: .mealAfter
    case 3: .mealFasting
    case 4: .mealCasual
    case 5: .mealBedtime
    default: nil
    }
  }

  /// The meal by which CareSens meters (Premier, Plus, Dual) say that a ketone was measured, and no glucose.
  package static let ketone: UInt8 = 6
}
