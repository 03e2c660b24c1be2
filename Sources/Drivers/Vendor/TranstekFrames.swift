// Values of Transtek and LifeSense scales. Weight (8A21, 8A24): flags, an 11073 FLOAT, seconds, then by flags; composition (8A22): flags,
// seconds, user, kilocalories, fat, water, muscle and bone as SFLOATs. Source: captured frames of a
// Medisana BS444 and an ADE BA 1600, and the wiki of a public app.
//
// Oddities: with flag bit 1 an unexplained field moves the user, so the user is then not told. Kilocalories, water in percent and
// bone have no term and are not taken.

internal import HealthProfiles
internal import Octets
internal import Readings

struct TranstekWeight: Hashable {
  var weight: MedicalFloat
  var unit: UCUM
  /// Seconds of the device's clock, UTC.
  var seconds: UInt32?
  /// 255 is nobody; nil when the frame's layout hides it.
  var user: UInt8?

  /// How long values are without and with the fields behind the time, and what they can say: there is no check value, so that other
  /// makers' octets are told apart by these.
  private static let bare = 9...9
  private static let full = 14...20
  private static let exponents: ClosedRange<Int8> = -3 ... -1
  private static let heaviest = ExactDecimal(500)

  /// Throws when it is cut, in stones, whose layout nobody has published, or no weight of a person.
  init(_ octets: [UInt8]) throws(DecodeError) {
    var reader = OctetReader(octets)
    let flags = try reader.uint8("flags")
    guard flags & 0x81 == 0x01 else {
      throw DecodeError(field: "flags", offset: 0, reason: .malformed("a weight without its time, or a reserved bit"))
    }
    switch flags >> 5 & 3 {
    case 0: unit = .kilogram
    case 1: unit = .pound
    default:
      throw DecodeError(field: "unit", offset: 0, reason: .malformed("a weight in stones, whose layout is not known"))
    }
    weight = try reader.float("weight")
    let lengths = flags & 0x1E == 0 ? TranstekWeight.bare : TranstekWeight.full
    guard octets.count >= lengths.lowerBound else {
      throw DecodeError(
        field: "time", offset: octets.count,
        reason: .truncated(needed: lengths.lowerBound, available: octets.count))
    }
    guard octets.count <= lengths.upperBound else {
      throw DecodeError(
        field: "weight", offset: lengths.upperBound,
        reason: .malformed("\(octets.count) octets, at most \(lengths.upperBound)"))
    }
    guard let number = weight.decimal, TranstekWeight.exponents.contains(Int8(bitPattern: octets[4])),
      !number.isNegative, !(TranstekWeight.heaviest < number)
    else { throw DecodeError(field: "weight", offset: 1, reason: .malformed("no weight of a person")) }
    seconds = try reader.uint32("time")
    // Four octets by bit 2, the user by bit 3.
    guard flags & 0x0F == 0x0D else { return }
    _ = try reader.take(4, "resistance")
    user = try reader.uint8("user")
  }

}

/// What was measured of a body.
struct TranstekComposition: Hashable {
  var seconds: UInt32
  var user: UInt8
  var fat: MedicalFloat
  var water: MedicalFloat
  var muscle: MedicalFloat
  var bone: MedicalFloat

  /// Throws when it is cut.
  init(_ octets: [UInt8]) throws(DecodeError) {
    var reader = OctetReader(octets)
    _ = try reader.uint8("flags")
    seconds = try reader.uint32("time")
    user = try reader.uint8("user")
    _ = try reader.uint16("energy")
    fat = try reader.sfloat("fat")
    water = try reader.sfloat("water")
    muscle = try reader.sfloat("muscle")
    bone = try reader.sfloat("bone")
  }
}

/// A measurement of a cuff (8A91): flags, systolic, diastolic and mean as SFLOATs, seconds, pulse. What stands behind is
/// explained differently by those who read it, and is not taken.
struct TranstekPressure: Hashable {
  var systolic: MedicalFloat
  var diastolic: MedicalFloat
  var mean: MedicalFloat
  var seconds: UInt32
  var pulse: MedicalFloat

  /// Throws when it is cut or not in mmHg.
  init(_ octets: [UInt8]) throws(DecodeError) {
    var reader = OctetReader(octets)
    let flags = try reader.uint8("flags")
    guard flags & 1 == 0 else {
      throw DecodeError(field: "unit", offset: 0, reason: .malformed("a pressure in kPa, whose layout is not known"))
    }
    systolic = try reader.sfloat("systolic")
    diastolic = try reader.sfloat("diastolic")
    mean = try reader.sfloat("mean")
    seconds = try reader.uint32("time")
    pulse = try reader.sfloat("pulse")
  }

  /// There is no check value: what no arm has is none of these values.
  private static func isOfArm(_ high: ExactDecimal, _ low: ExactDecimal) -> Bool {
    !(high < ExactDecimal(40)) && !(ExactDecimal(300) < high) && !(low < ExactDecimal(20))
  }

  /// The reading; nil when the cuff measured nothing.
  func reading(_ raw: RawSource, _ context: DriverContext) -> DeviceReading? {
    guard let high = systolic.decimal, let low = diastolic.decimal, low < high, TranstekPressure.isOfArm(high, low)
    else { return nil }
    var observations = [
      Observation(.systolic, medical: systolic, unit: .millimetreOfMercury),
      Observation(.diastolic, medical: diastolic, unit: .millimetreOfMercury),
    ]
    if let value = mean.decimal, !value.isZero {
      guard !(value < low), !(high < value) else { return nil }
      observations.append(Observation(.meanArterial, medical: mean, unit: .millimetreOfMercury))
    }
    if let value = pulse.decimal, !value.isZero {
      observations.append(Observation(.cuffPulse, medical: pulse, unit: .perMinute))
    }
    let time = TranstekTime.stamp(seconds, context)?.time
    return DeviceReading(
      kind: .bloodPressure, observations: observations, flags: time == nil ? [.clockNotSet] : [], time: time, raw: raw)
  }

  /// A value on its own; one without pressures is the cuff's own failure.
  static func decode(
    _ octets: [UInt8], _ raw: RawSource, _ context: DriverContext = DriverContext()
  ) throws(DecodeError) -> Decoded {
    if let reading = try TranstekPressure(octets).reading(raw, context) { return Decoded(readings: [reading]) }
    let message = "the cuff reports that its measurement failed"
    return Decoded(problems: [DriverProblem(code: "measurement-failed", message: message, raw: raw)])
  }
}

/// The clocks of the family count from 2010 or from 1970, and a stamp does not say which. Names tell of some models; otherwise a stamp
/// counts from the year that puts it near now.
enum TranstekTime {
  /// The years from which devices count, in seconds since 1970.
  private static let epochs: [Int64] = [1_262_304_000, 0]
  /// A stamp that is farther from now than this was not made with a set clock: ninety days, in seconds.
  private static let near: Int64 = 7_776_000
  /// Beginnings of advertised names, and models, that count from 2010. All others are set from 1970.
  private static let since2010 = ["013197", "013198", "0202B6", "01257B", "11257B", "BS444", "BS440", "BS410", "TRISA"]

  /// The year from which the device's clock is set: what its name tells.
  static func epoch(_ context: DriverContext) -> UInt16 {
    let names = [context.name, context.model].compactMap { $0?.uppercased() }
    let isOlder = names.contains { name in
      since2010.contains { prefix in
        name.hasPrefix(prefix) || name.split(separator: " ").contains { $0.hasPrefix(prefix) }
      }
    }
    return isOlder ? 2010 : 1970
  }

  /// When a stamp was, and from which year it counts; nil when no year puts it near now. A hub that does not know the time takes
  /// the only year that can be: the two are forty years apart.
  static func stamp(_ seconds: UInt32?, _ context: DriverContext) -> (time: DeviceStamp, epoch: UInt16)? {
    guard let seconds, seconds != 0 else { return nil }
    let candidates = epochs.map { (seconds: Int64(seconds) + $0, epoch: UInt16($0 == 0 ? 1970 : 2010)) }
    let found: (seconds: Int64, epoch: UInt16)?
    if let now = self.seconds(context, since: 1970) {
      found = candidates.filter { abs($0.seconds - Int64(now)) <= near }.first
    } else {
      let years: ClosedRange<Int64> = 1_420_070_400...2_524_608_000
      found = candidates.first { years.contains($0.seconds) }
    }
    return found.map { (.utc(milliseconds: $0.seconds * 1000), $0.epoch) }
  }

  /// The clock to write: UTC needs the hub's zone beside its local time.
  static func seconds(_ context: DriverContext, since year: UInt16) -> UInt32? {
    guard let local = context.localTime?.seconds(since: year), let zone = context.zone else { return nil }
    let quarters = Int64(zone.quarterHours) + Int64(zone.daylight)
    return UInt32(exactly: Int64(clamping: local) - quarters * 900)
  }
}

enum TranstekReading {
  /// A weight with its composition, or alone.
  static func reading(
    _ weight: TranstekWeight, _ composition: TranstekComposition?, raw: RawSource,
    _ context: DriverContext = DriverContext()
  ) -> DeviceReading? {
    guard let number = weight.weight.decimal, !number.isZero, !number.isNegative else { return nil }
    var observations = [Observation(.weight, .value(number), unit: weight.unit)]
    if let fat = composition?.fat.decimal, !fat.isZero {
      observations.append(Observation(.bodyFat, .value(fat), unit: .percent))
    }
    if let muscle = composition?.muscle.decimal, !muscle.isZero {
      observations.append(Observation(.musclePercentage, .value(muscle), unit: .percent))
    }
    let time = TranstekTime.stamp(weight.seconds, context)?.time
    return DeviceReading(
      kind: observations.count > 1 ? .bodyComposition : .bodyWeight, observations: observations,
      flags: time == nil && weight.seconds != nil ? [.clockNotSet] : [], time: time,
      user: weight.user ?? composition?.user, raw: raw)
  }

  /// A value on its own, for `decode gatt`.
  static func decode(_ id: CharacteristicID, _ octets: [UInt8]) throws(DecodeError) -> Decoded? {
    switch id.characteristic.short {
    case 0x8A21, 0x8A24:
      let weight = try TranstekWeight(octets)
      let reading = reading(weight, nil, raw: RawSource(source: "\(id)", octets: octets))
      return Decoded(readings: reading.map { [$0] } ?? [])
    case 0x8A91: return try TranstekPressure.decode(octets, RawSource(source: "\(id)", octets: octets))
    case 0x8A22:
      let value = try TranstekComposition(octets)
      let fields = [
        ("body_fat_pct", value.fat), ("water_pct", value.water), ("muscle_pct", value.muscle), ("bone_kg", value.bone),
      ]
      return Decoded(
        values: [NamedValue("user", .integer(Int64(value.user)))] + fields.map { NamedValue($0.0, DecodedValue($0.1)) })
    default: return nil
    }
  }
}
