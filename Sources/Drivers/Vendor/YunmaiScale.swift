// Yunmai SE and Mini over the services FFE0 (notify FFE4) and FFE5 (write FFE9). Frames: 0D, version, length, kind, …, and the exclusive or
// of all octets but the first. Kind 02 is a final weight: seconds since 1970, user, weight in 10 g (all big-endian) and, from version 1E
// on, impedance. Source: public programs; no capture of a device was found.
//
// Oddities: the user is a number of the maker's application and is not taken, nor is the scale's clock, which only that application sets.

internal import Octets
internal import Readings

struct YunmaiScale: ScaleProtocol {
  static let id = "yunmai"
  static let device = "a Yunmai scale"
  static let streams = [CharacteristicID(0xFFE0, 0xFFE4)]
  static let commands = [CharacteristicID(0xFFE5, 0xFFE9)]

  init(_ context: DriverContext) {}

  mutating func begin() -> [[UInt8]] { [[0x0D, 0x05, 0x13, 0x00, 0x16]] }

  mutating func said(_ octets: [UInt8], _ stream: CharacteristicID) throws(DecodeError) -> [ScaleWord] {
    guard octets.first == 0x0D, octets.count >= 5, Int(octets[2]) == octets.count else {
      throw ScaleField.foreign(octets)
    }
    try ScaleField.check(octets, Checksum.xor8(octets[1..<(octets.count - 1)]))
    guard octets[3] == 0x02, octets.count >= 16 else { return [.known] }
    let ohms = octets[1] >= 0x1E && octets.count >= 18 ? ScaleField.be16(octets, 15) : 0
    return [
      .final(
        ExactDecimal(ScaleField.be16(octets, 13), exponent: -2), .kilogram,
        impedance: ohms == 0 ? nil : ExactDecimal(ohms))
    ]
  }

  static let profile = NotifyingScale<YunmaiScale>.profile(
    "Yunmai", ["SE, Mini"],
    ["SIGNAL", "ISM", "ISC2P", "ISSE", "Scale-3"].map { .namePrefix("YUNMAI-\($0)") }, impedance: true,
    captured: false, rule: "a weight that the scale calls final, once for each weighing")
}
