// Senssun scales over the service FFF0 (notify FFF1) or FFB0 (notify FFB2). Frames begin with FF A5; then two octets of a value, big-endian
// and in tenths, and at octet 6 what the value is: A0 a weight while somebody moves, AA the final one, B0 and C0 the composition, BE
// its failure. Source: a public program; no capture of a device was found.
//
// Oddities: frames have no check value. The composition is computed for a person whom an application has to tell the scale about, and is
// not asked for.

internal import Octets
internal import Readings

struct SenssunScale: ScaleProtocol {
  static let id = "senssun"
  static let device = "a Senssun scale"
  static let streams = [CharacteristicID(0xFFF0, 0xFFF1), CharacteristicID(0xFFB0, 0xFFB2)]
  /// What the scale can weigh, in tenths of a kilogram.
  private static let range: ClosedRange<Int64> = 20...2500

  init(_ context: DriverContext) {}

  static func begins(_ octets: [UInt8]) -> Bool { octets.starts(with: [0xFF, 0xA5]) }

  mutating func said(_ octets: [UInt8], _ stream: CharacteristicID) throws(DecodeError) -> [ScaleWord] {
    guard SenssunScale.begins(octets) else { throw ScaleField.foreign(octets) }
    guard octets.count >= 7 else {
      throw DecodeError(field: "frame", offset: octets.count, reason: .truncated(needed: 7, available: octets.count))
    }
    let raw = ScaleField.be16(octets, 2)
    let weight = ExactDecimal(raw, exponent: -1)
    switch octets[6] {
    case 0xA0: return [.live(weight, .kilogram)]
    case 0xAA:
      guard SenssunScale.range.contains(raw) else {
        throw DecodeError(field: "weight", offset: 2, reason: .invalidValue(raw))
      }
      return [.final(weight, .kilogram, impedance: nil)]
    case 0xB0, 0xC0, 0xD0: return [.known]
    case 0xBE: return [.failed("the scale could not measure the composition")]
    default: throw DecodeError(field: "kind", offset: 6, reason: .invalidValue(Int64(octets[6])))
    }
  }

  static let profile = NotifyingScale<SenssunScale>.profile(
    "Senssun", ["scales named SENSSUN FAT"], [.namePrefix("SENSSUN FAT")], impedance: false, captured: false,
    rule: "a weight that the scale calls final, once for each weighing")
}
