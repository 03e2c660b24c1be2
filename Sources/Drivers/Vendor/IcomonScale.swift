// Scales of Icomon, MGB, Lefu, Fitdays and Dr Trust, and the FitTrack Dara, over the service FFB0: notify FFB2. Eight octets: AC 02,
// weight (big-endian), two octets, kind (CE while somebody moves, CA final, CB the impedance with FD 01 before it), and the sum of the
// octets 2 to 6. Source: captured frames of a Hutbit and a FitTrack Dara, and a public program.
//
// Oddities: a Dara counts tenths of a pound in the same frame; only its name tells. Other makers' scales have the same service.

internal import Octets
internal import Readings

struct IcomonScale: ScaleProtocol {
  static let id = "icomon"
  static let device = "a scale of Icomon or Lefu"
  static let streams = [CharacteristicID(0xFFB0, 0xFFB2), CharacteristicID(0xFFB0, 0xFFB3)]
  static let impedanceMilliseconds = 10_000

  private let isDara: Bool

  init(_ context: DriverContext) {
    isDara = [context.name, context.model].contains { IcomonScale.isDara($0) }
  }

  static func isDara(_ name: String?) -> Bool {
    (name?.uppercased().split(separator: " ") ?? []).contains { $0 == "DARA" || $0 == "FITTRACK" }
  }

  static func begins(_ octets: [UInt8]) -> Bool { octets.starts(with: [0xAC, 0x02]) && octets.count == 8 }

  mutating func said(_ octets: [UInt8], _ stream: CharacteristicID) throws(DecodeError) -> [ScaleWord] {
    guard octets.first == 0xAC, octets.count >= 2, octets[1] == 0x02 || octets[1] == 0x03 else {
      throw ScaleField.foreign(octets)
    }
    // Longer frames of the same family: their layout is not agreed upon.
    guard octets.count == 8 else { return octets.count == 20 ? [.known] : [] }
    try ScaleField.check(octets, Checksum.sum8(octets[2..<7]))
    let raw = ScaleField.be16(octets, 2)
    let weight = ExactDecimal(raw, exponent: isDara ? -1 : -2)
    let unit: UCUM = isDara ? .pound : .kilogram
    switch octets[6] {
    case 0xCE: return [.live(weight, unit)]
    case 0xCA: return [.final(weight, unit, impedance: nil)]
    case 0xCB where octets[2] == 0xFD && octets[3] == 0x01:
      let ohms = ScaleField.be16(octets, 4)
      return ohms == 0 ? [.known] : [.impedance(ExactDecimal(ohms))]
    default: return [.known]
    }
  }

  static let profile = NotifyingScale<IcomonScale>.profile(
    "Icomon", ["scales named swan, icomon or yg (MGB, Lefu, Fitdays, Dr Trust 505, Hutbit)", "FitTrack Dara"],
    ["swan", "SWAN", "icomon", "yg", "FitTrack", "Dara"].map { .namePrefix($0) }, impedance: true, captured: true,
    rule: "a weight that the scale calls final, with the impedance that follows within 10 s")
}
