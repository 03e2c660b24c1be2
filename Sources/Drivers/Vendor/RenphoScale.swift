// Renpho R-MSC04 and ES-26BB-B over the service 1A10: notify 2A10 and 2A12, write 2A11. Frames: 55 AA, kind, a zero, length, payload, and
// the sum of all octets before it. 21 is a weight while somebody moves, 24 a final one, 14 a weight with a state (01 and 11 are final) and
// an impedance. Source: captured frames of an R-MSC04, and a public program for the ES-26BB-B.
//
// Oddities: a stored weighing (15) says how many seconds ago it was, and answering it makes the scale forget it: it is not answered.

internal import Octets
internal import Readings

struct RenphoScale: ScaleProtocol {
  static let id = "renpho-1a10"
  static let device = "a Renpho scale of this family"
  static let streams = [CharacteristicID(0x1A10, 0x2A10), CharacteristicID(0x1A10, 0x2A12)]
  static let commands = [CharacteristicID(0x1A10, 0x2A11)]

  init(_ context: DriverContext) {}

  mutating func begin() -> [[UInt8]] { [[0x55, 0xAA, 0x90, 0x00, 0x04, 0x01, 0x00, 0x00, 0x00, 0x94]] }

  mutating func said(_ octets: [UInt8], _ stream: CharacteristicID) throws(DecodeError) -> [ScaleWord] {
    guard octets.starts(with: [0x55, 0xAA]), octets.count >= 6 else { throw ScaleField.foreign(octets) }
    try ScaleField.expect(Int(octets[4]) + 6, octets)
    try ScaleField.check(octets, Checksum.sum8(octets.dropLast()))
    func weight(_ at: Int) -> ExactDecimal { ExactDecimal(ScaleField.be32(octets, at), exponent: -2) }
    switch (octets[2], octets.count) {
    case (0x21, 11): return [.live(weight(6), .kilogram)]
    case (0x24, 12): return [.final(weight(7), .kilogram, impedance: nil)]
    case (0x14, 13...):
      let ohms = ScaleField.be16(octets, 10)
      guard octets[5] & 0xEF == 0x01 else { return [.live(weight(6), .kilogram)] }
      return [.final(weight(6), .kilogram, impedance: ohms == 0 ? nil : ExactDecimal(ohms))]
    default: return [.known]
    }
  }

  static let profile = NotifyingScale<RenphoScale>.profile(
    "Renpho", ["R-MSC04", "ES-26BB-B"],
    [.namePrefix("R-MSC04"), .namePrefix("ES-26BB"), .service(BluetoothUUID(0x1A10))],
    impedance: true, captured: true, rule: "a weight that the scale calls final, once for each weighing")
}
