// Hoffen BBS-8107 and ProfiCare PC-PW 3008 over the service FFB0, characteristic FFB2. Frames: FA, kind, number of octets of data, data, and
// the exclusive or of all octets but the first. Kind 01 is a weight while somebody moves, 02 the final one: tenths of a kilogram
// (little-endian) at octet 3 and, where octet 5 is 0, fat in tenths of a percent at octet 6. Source: a public program; no capture of
// a device was found.
//
// Oddities: the check of a final frame may come in a notification of its own. The fat is computed for a person whom an application has to
// tell the scale about, and is not taken.

internal import Octets
internal import Readings

struct HoffenScale: ScaleProtocol {
  static let id = "hoffen"
  static let device = "a Hoffen or ProfiCare scale"
  static let streams = [CharacteristicID(0xFFB0, 0xFFB2)]
  static let commands = [CharacteristicID(0xFFB0, 0xFFB2)]
  /// A frame whose check has not come yet.
  private var unchecked: [UInt8] = []
  private(set) var joined: [UInt8]?

  init(_ context: DriverContext) {}

  static func begins(_ octets: [UInt8]) -> Bool { octets.count >= 4 && octets[0] == 0xFA }

  mutating func said(_ octets: [UInt8], _ stream: CharacteristicID) throws(DecodeError) -> [ScaleWord] {
    let frame = octets.count == 1 ? unchecked + octets : octets
    joined = unchecked.isEmpty || octets.count != 1 ? nil : frame
    unchecked = []
    guard HoffenScale.begins(frame) else { throw ScaleField.foreign(octets) }
    let whole = Int(frame[2]) + 4
    if frame.count == whole - 1, frame[1] == 0x02 {
      unchecked = frame
      return [.known]
    }
    try ScaleField.expect(whole, frame)
    try ScaleField.check(frame, Checksum.xor8(frame[1..<(whole - 1)]))
    switch frame[1] {
    case 0x01: return [.known]
    case 0x02 where whole >= 7:
      let done: [UInt8] = [0xFA, 0x82, 0x01, 0x00, 0x83]
      return [.final(ExactDecimal(ScaleField.le16(frame, 3), exponent: -1), .kilogram, impedance: nil), .send(done)]
    default: return [.known]
    }
  }

  static let profile = NotifyingScale<HoffenScale>.profile(
    "Hoffen", ["BBS-8107", "ProfiCare PC-PW 3008"],
    ["Hoffen BS-8107", "Hoffen BBS-8107", "PC-PW 3008", "ProfiCare PC-PW"].map { .namePrefix($0) }, impedance: false,
    captured: false, rule: "a weight that the scale calls final, once for each weighing")
}
