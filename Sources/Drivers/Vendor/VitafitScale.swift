// Vitafit VT701 over the service FFF0: notify FFF1, write FFF2. Frames: 5A from the scale or A5 to it, the number of octets behind the
// length, 26, kind, data, the exclusive or of the octets from the length on, AA. Kind 10 is a weight in 10 g (octets 8 and 9, big-endian),
// final where octet 4 is 02; kind 11 the impedance in ohm (octets 9 and 10). Source: two captured frames, and the public program that
// they are from.
//
// Oddities: the scale measures the impedance only when its final weight was acknowledged.

internal import Octets
internal import Readings

struct VitafitScale: ScaleProtocol {
  static let id = "vitafit-vt701"
  static let device = "a Vitafit VT701"
  static let streams = [CharacteristicID(0xFFF0, 0xFFF1)]
  static let commands = [CharacteristicID(0xFFF0, 0xFFF2)]
  static let impedanceMilliseconds = 10_000

  init(_ context: DriverContext) {}

  mutating func begin() -> [[UInt8]] {
    [VitafitScale.frame(0x33, [0x00]), VitafitScale.frame(0x44, []), VitafitScale.frame(0x17, [0x01])]
  }

  /// A command with its length and check.
  static func frame(_ kind: UInt8, _ data: [UInt8]) -> [UInt8] {
    let octets = [UInt8(clamping: data.count + 4), 0x26, kind] + data
    return [0xA5] + octets + [Checksum.xor8(octets), 0xAA]
  }

  /// True for the beginning and the end of a frame.
  static func begins(_ octets: [UInt8]) -> Bool {
    octets.count >= 6 && octets[0] == 0x5A && octets[2] == 0x26 && octets.last == 0xAA
  }

  mutating func said(_ octets: [UInt8], _ stream: CharacteristicID) throws(DecodeError) -> [ScaleWord] {
    guard VitafitScale.begins(octets), Int(octets[1]) == octets.count - 2 else { throw ScaleField.foreign(octets) }
    try ScaleField.check(Array(octets.dropLast()), Checksum.xor8(octets[1..<(octets.count - 2)]))
    switch octets[3] {
    case 0x10 where octets.count == 12:
      let weight = ExactDecimal(ScaleField.be16(octets, 8), exponent: -2)
      guard octets[4] == 0x02 else { return [.live(weight, .kilogram)] }
      return [.final(weight, .kilogram, impedance: nil), .send(VitafitScale.frame(0x10, [0x02]))]
    case 0x11 where octets.count == 13:
      let ohms = ScaleField.be16(octets, 9)
      guard ohms > 0 else { return [.known] }
      return [.impedance(ExactDecimal(ohms)), .send(VitafitScale.frame(0x11, [0x00]))]
    default: return [.known]
    }
  }

  static let profile = NotifyingScale<VitafitScale>.profile(
    "Vitafit", ["VT701"], [.namePrefix("Vitafit")], impedance: true, captured: true,
    rule: "a weight that the scale calls final, with the impedance that follows within 10 s")
}
