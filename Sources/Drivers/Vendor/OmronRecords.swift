// Records and clocks in the memory of Omron cuffs. A record begins with systolic - 25, diastolic, pulse, year - 2000 (6 bits), then two
// little-endian words: hour 5 bits, day 5, month 4, irregular, movement; second 6 bits, minute 6. Some models hand each 16-bit word over
// with its octets exchanged. Source: captured records of a HEM-7142T2 and a HEM-7600T; public code of omblepy and hass-omron.
//
// Oddities: seconds go up to 63. An empty slot is all FF, all zero, or says more than E1 for the systolic pressure. Bits for cuff and
// position are there whose meaning is disputed; they are not taken.

internal import Octets
internal import Readings

enum OmronRecord {
  /// The octets of each word exchanged.
  static func swapped(_ octets: [UInt8]) -> [UInt8] {
    stride(from: 0, to: octets.count, by: 2).flatMap { Array(octets[$0..<min($0 + 2, octets.count)].reversed()) }
  }

  /// A record's reading; nil for an empty slot. Throws for a record that cannot be. `raw` is what the cuff sent.
  static func reading(
    _ raw: [UInt8], isSwapped: Bool, takesFlags: Bool, user: UInt8?, source: String
  ) throws(DecodeError) -> DeviceReading? {
    let octets = isSwapped ? swapped(raw) : raw
    guard octets.count >= 14 else {
      throw DecodeError(field: "record", offset: octets.count, reason: .truncated(needed: 14, available: octets.count))
    }
    guard octets[0] <= 0xE1, octets.contains(where: { $0 != 0 }) else { return nil }
    let pulse = octets[2]
    let first = UInt16(octets[4]) | UInt16(octets[5]) << 8
    let second = UInt16(octets[6]) | UInt16(octets[7]) << 8
    // Never written but for its end.
    guard octets[1] != 0 || pulse != 0 || first != 0 else { return nil }
    let systolic = Int64(octets[0]) + 25
    guard systolic > Int64(octets[1]), octets[1] > 0 else {
      throw DecodeError(field: "diastolic", offset: isSwapped ? 0 : 1, reason: .invalidValue(Int64(octets[1])))
    }
    let time = DeviceDateTime(
      year: 2000 + UInt16(octets[3] & 0x3F), month: UInt8(first >> 10 & 0x0F), day: UInt8(first >> 5 & 0x1F),
      hours: UInt8(first & 0x1F), minutes: UInt8(second >> 6 & 0x3F), seconds: UInt8(min(second & 0x3F, 59)))
    let isDate = (1...12).contains(time.month) && time.day > 0 && time.hours < 24 && time.minutes < 60
    var observations = [
      Observation(.systolic, .value(ExactDecimal(systolic)), unit: .millimetreOfMercury),
      Observation(.diastolic, .value(ExactDecimal(Int64(octets[1]))), unit: .millimetreOfMercury),
    ]
    if pulse > 0 { observations.append(Observation(.cuffPulse, .value(ExactDecimal(Int64(pulse))), unit: .perMinute)) }
    var flags: [ReadingFlag] = []
    if takesFlags, first & 0x8000 != 0 { flags.append(.bodyMovement) }
    if takesFlags, first & 0x4000 != 0 { flags.append(.irregularPulse) }
    return DeviceReading(
      kind: .bloodPressure, observations: observations, flags: isDate ? flags : flags + [.clockNotSet],
      time: isDate ? .local(time) : nil, user: user, stored: true, raw: RawSource(source: source, octets: raw))
  }

  /// A weighing in the memory of a scale, big-endian fields of bits; nil for an empty slot. Throws for a record that cannot be.
  static func weighing(_ octets: [UInt8], user: UInt8?, source: String) throws(DecodeError) -> DeviceReading? {
    guard octets.count >= 32 else {
      throw DecodeError(field: "record", offset: octets.count, reason: .truncated(needed: 32, available: octets.count))
    }
    guard octets.contains(where: { $0 != 0 }), octets.contains(where: { $0 != 0xFF }) else { return nil }
    let raw = ScaleField.be16(octets, 26) >> 4
    guard raw > 0 else { return nil }
    var observations = [Observation(.weight, .value(ExactDecimal(raw * 5, exponent: -2)), unit: .kilogram)]
    func add(_ term: Term, _ value: Int64, _ exponent: Int8, _ unit: UCUM) {
      guard value > 0 else { return }
      observations.append(Observation(term, .value(ExactDecimal(value, exponent: exponent)), unit: unit))
    }
    add(.bodyMassIndex, ScaleField.be16(octets, 8) >> 6, -1, .kilogramPerSquareMetre)
    add(.bodyFat, ScaleField.be16(octets, 2) >> 6, -1, .percent)
    add(.basalMetabolism, ScaleField.be16(octets, 4) >> 4, 0, .kilocalorie)
    add(.musclePercentage, ScaleField.be16(octets, 6) >> 6, -1, .percent)
    let time = DeviceDateTime(
      year: 2000 + UInt16(octets[7] & 0x3F), month: octets[11] & 0x0F, day: octets[12] >> 3,
      hours: UInt8(ScaleField.be16(octets, 12) >> 6 & 0x1F), minutes: octets[9] & 0x3F, seconds: octets[13] & 0x3F)
    guard (1...12).contains(time.month), time.day > 0, time.hours < 24, time.minutes < 60, time.seconds < 60 else {
      throw DecodeError(field: "time", offset: 7, reason: .malformed("a date or a time that does not exist"))
    }
    return DeviceReading(
      kind: observations.count > 1 ? .bodyComposition : .bodyWeight, observations: observations, time: .local(time),
      user: user, stored: true, raw: RawSource(source: source, octets: octets))
  }

  /// The clock in its slice of the settings; nil when there is none.
  static func clock(_ slice: [UInt8], _ clock: OmronModel.Clock) -> DeviceDateTime? {
    let octets = clock.isSwapped ? swapped(slice) : slice
    let start = clock.start
    guard start + 6 <= octets.count else { return nil }
    if clock.hasSum {
      guard octets.count > start + 6, Checksum.sum8(octets[..<(start + 6)]) == octets[start + 6] else { return nil }
    }
    let fields = Array(octets[start..<(start + 6)])
    let time = DeviceDateTime(
      year: 2000 + UInt16(fields[0]), month: fields[1], day: fields[2], hours: fields[3], minutes: fields[4],
      seconds: fields[5])
    let isTime =
      (1...12).contains(time.month) && (1...31).contains(time.day) && time.hours < 24 && time.minutes < 60
      && time.seconds < 60 && fields[0] < 100
    return isTime ? time : nil
  }
}
