// Etekcity ESF-551 over the service FFF0: notify FFF1. A weight has 22 octets: A5 02, counter, 10 00, check, 01 61 A1 00, grams (24 bits),
// impedance, …, state at 20 (1 is final). The check is FF less the sum of all other octets. Source: one captured frame and a public
// library. (The ESF-24 is a scale of QN.)

internal import Octets
internal import Readings

struct EtekcityScale: ScaleProtocol {
  static let id = "etekcity-esf551"
  static let device = "an Etekcity ESF-551"
  static let streams = [CharacteristicID(0xFFF0, 0xFFF1)]

  init(_ context: DriverContext) {}

  static func begins(_ octets: [UInt8]) -> Bool { octets.starts(with: [0xA5, 0x02]) }

  mutating func said(_ octets: [UInt8], _ stream: CharacteristicID) throws(DecodeError) -> [ScaleWord] {
    guard EtekcityScale.begins(octets), octets.count >= 6 else { throw ScaleField.foreign(octets) }
    try ScaleField.check(octets, 0xFF &- (Checksum.sum8(octets) &- octets[5]), at: 5)
    guard octets.count == 22, Array(octets[6..<10]) == [0x01, 0x61, 0xA1, 0x00] else { return [.known] }
    let weight = ExactDecimal(ScaleField.le24(octets, 10), exponent: -3)
    guard octets[20] == 1 else { return [.live(weight, .kilogram)] }
    let ohms = ScaleField.le16(octets, 13)
    return [.final(weight, .kilogram, impedance: ohms == 0 ? nil : ExactDecimal(ohms))]
  }

  static let profile = NotifyingScale<EtekcityScale>.profile(
    "Etekcity", ["ESF-551"], [.namePrefix("Etekcity Smart Fitness Scale")], impedance: true, captured: true,
    rule: "a weight that the scale calls final, once for each weighing")
}
