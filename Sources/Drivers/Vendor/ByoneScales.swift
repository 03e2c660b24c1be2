// Scales of 1byone and Eufy without encryption. The older ones and Eufy C1, P1 and A1 (service FFF0, notify FFF4): CF, impedance in tenths
// of an ohm, weight in 10 g, …, state at 9: 0 final, 1 not yet, 2 too heavy. The newer ones (service FFB0): AB 2A, kind 80 with grams (18
// bits of 24, big-endian), kind 01 with the impedance. Source: public programs; no capture of a device was found.
//
// Never sent: F2 01, which erases the scale's history. What newer ones send of their history is not taken.

internal import Octets
internal import Readings

struct EufyScale: ScaleProtocol {
  static let id = "eufy-c1"
  static let device = "a scale of Eufy or 1byone"
  static let streams = [CharacteristicID(0xFFF0, 0xFFF4)]

  init(_ context: DriverContext) {}

  mutating func said(_ octets: [UInt8], _ stream: CharacteristicID) throws(DecodeError) -> [ScaleWord] {
    guard octets.first == 0xCF, octets.count == 11 else { throw ScaleField.foreign(octets) }
    let weight = ExactDecimal(ScaleField.le16(octets, 3), exponent: -2)
    switch octets[9] {
    case 0:
      let ohms = ScaleField.le16(octets, 1)
      return [.final(weight, .kilogram, impedance: ohms == 0 ? nil : ExactDecimal(ohms, exponent: -1))]
    case 1: return [.live(weight, .kilogram)]
    case 2: return [.failed("the scale reports that its load was too heavy")]
    default: throw DecodeError(field: "state", offset: 9, reason: .invalidValue(Int64(octets[9])))
    }
  }

  static let profile = NotifyingScale<EufyScale>.profile(
    "Eufy", ["C1 (T9146)", "P1 (T9147)", "A1 (T9120)", "1byone Health Scale"],
    ["eufy T9146", "eufy T9147", "eufy T9120", "Health Scale"].map { .namePrefix($0) }, impedance: true,
    captured: false, rule: "a weight that the scale calls final, once for each weighing")
}

struct ByoneScale: ScaleProtocol {
  static let id = "1byone"
  static let device = "a newer scale of 1byone"
  static let streams = [CharacteristicID(0xFFB0, 0xFFB2)]
  static let impedanceMilliseconds = 10_000

  init(_ context: DriverContext) {}

  mutating func said(_ octets: [UInt8], _ stream: CharacteristicID) throws(DecodeError) -> [ScaleWord] {
    guard octets.starts(with: [0xAB, 0x2A]), octets.count >= 6 else { throw ScaleField.foreign(octets) }
    switch octets[2] {
    case 0x80:
      return [.final(ExactDecimal(ScaleField.be24(octets, 3) & 0x3FFFF, exponent: -3), .kilogram, impedance: nil)]
    case 0x01:
      let ohms = ScaleField.be16(octets, 4)
      return ohms == 0 ? [.known] : [.impedance(ExactDecimal(ohms))]
    default: return [.known]
    }
  }

  static let profile = NotifyingScale<ByoneScale>.profile(
    "1byone", ["scales named 1byone scale"], [.namePrefix("1byone scale")], impedance: true, captured: false,
    rule: "a weight, with the impedance that follows within 10 s")
}

/// Active Era BS-06: 20 octets AC 27 …, kind at 18: D5 with grams and whether it is final (bit 7 of octet 2), D6 with the impedance.
struct ActiveEraScale: ScaleProtocol {
  static let id = "active-era"
  static let device = "an Active Era BS-06"
  static let streams = [CharacteristicID(0xFFB0, 0xFFB2)]
  static let impedanceMilliseconds = 10_000

  init(_ context: DriverContext) {}

  mutating func said(_ octets: [UInt8], _ stream: CharacteristicID) throws(DecodeError) -> [ScaleWord] {
    guard octets.starts(with: [0xAC, 0x27]) else { throw ScaleField.foreign(octets) }
    try ScaleField.expect(20, octets)
    switch octets[18] {
    case 0xD5:
      let weight = ExactDecimal(ScaleField.be24(octets, 3) & 0x3FFFF, exponent: -3)
      return [octets[2] & 0x80 != 0 ? .final(weight, .kilogram, impedance: nil) : .live(weight, .kilogram)]
    case 0xD6:
      let ohms = ScaleField.be16(octets, 4)
      return ohms == 0 ? [.known] : [.impedance(ExactDecimal(ohms))]
    default: return [.known]
    }
  }

  static let profile = NotifyingScale<ActiveEraScale>.profile(
    "Active Era", ["BS-06"], [.namePrefix("AE BS-06")], impedance: true, captured: false,
    rule: "a weight that the scale calls final, with the impedance that follows within 10 s")
}
