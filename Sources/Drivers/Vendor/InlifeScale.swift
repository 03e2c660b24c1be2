// Inlife scales over the service FFF0: notify FFF1. Fourteen octets: 02, kind, payload, exclusive or of the octets 1 to 11, AA. Kind DD is a
// final weight in tenths of a kilogram (big-endian) with the impedance in ohm where octet 11 is 80 or 81. Source: a public program; no
// capture of a device was found.

internal import Octets
internal import Readings

struct InlifeScale: ScaleProtocol {
  static let id = "inlife"
  static let device = "an Inlife scale"
  static let streams = [CharacteristicID(0xFFF0, 0xFFF1)]

  init(_ context: DriverContext) {}

  mutating func said(_ octets: [UInt8], _ stream: CharacteristicID) throws(DecodeError) -> [ScaleWord] {
    guard octets.count == 14, octets[0] == 0x02, octets[13] == 0xAA else { throw ScaleField.foreign(octets) }
    try ScaleField.check(Array(octets[..<13]), Checksum.xor8(octets[1..<12]))
    let weight = ExactDecimal(ScaleField.be16(octets, 2), exponent: -1)
    switch octets[1] {
    case 0xDD:
      let ohms = octets[11] & 0xFE == 0x80 ? ScaleField.be32(octets, 4) : 0
      return [.final(weight, .kilogram, impedance: ohms == 0 ? nil : ExactDecimal(ohms))]
    case 0xD8: return [.live(weight, .kilogram)]
    default: return [.known]
    }
  }

  static let profile = NotifyingScale<InlifeScale>.profile(
    "Inlife", ["scales named 000FatScale01, 000FatScale02, 042FatScale01"],
    ["000FatScale01", "000FatScale02", "042FatScale01"].map { .namePrefix($0) }, impedance: true, captured: false,
    rule: "a weight that the scale calls final, once for each weighing")
}
