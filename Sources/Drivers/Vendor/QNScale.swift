// Scales of QN under the names Renpho, FITINDEX, SEB, GE and Etekcity ESF-24, over the service FFE0 (notify FFE1, write FFE3) or FFF0
// (notify FFF1, write FFF2). Frames: kind, length, protocol, payload, and the sum of all octets before it. The scale says 12 (what it
// is) and waits for 13 (unit); 14 asks for the time (20); 10 is a weight. Source: captured frames of an Elis 1, an ES-26M and an ESF-24,
// and the programs of two projects.
//
// Oddities: whether a weight is in tenths or hundredths of a kilogram stands in 12, and some say tenths and send hundredths: a person of
// more than 300 kg is one of a tenth. There are two layouts of 10: weight at 3, 1 at 5 and one impedance; or 2 at 4, weight at 5 and two.
// A stored weighing (23) is erased by being delivered and has a clock that nobody agrees about: it is never asked for (22). Scales with
// the service AE00 open only with their maker's key.

internal import Octets
internal import Readings

struct QNScale: ScaleProtocol {
  static let id = "qn-scale"
  static let device = "a scale of QN or Renpho"
  static let streams = [CharacteristicID(0xFFE0, 0xFFE1), CharacteristicID(0xFFF0, 0xFFF1)]
  static let commands = [CharacteristicID(0xFFE0, 0xFFE3), CharacteristicID(0xFFF0, 0xFFF2)]
  private static let heaviest: Int64 = 3000

  private let context: DriverContext
  /// Parts of a kilogram that a weight counts; nil before the scale said so.
  private var parts: Int64?

  init(_ context: DriverContext) { self.context = context }

  mutating func said(_ octets: [UInt8], _ stream: CharacteristicID) throws(DecodeError) -> [ScaleWord] {
    guard octets.count >= 4, Int(octets[1]) == octets.count else { throw ScaleField.foreign(octets) }
    try ScaleField.check(octets, Checksum.sum8(octets.dropLast()))
    let number = octets[2]
    switch octets[0] {
    case 0x12:
      let isLong = octets[1] == 18 || octets[1] == 20
      parts = !isLong && octets.count > 11 && octets[10] == 1 ? 100 : 10
      return [.known, .send(QNScale.frame([0x13, 0x09, number, 0x01, 0x10, 0, 0, 0]))]
    case 0x14:
      guard let seconds = TranstekTime.seconds(context, since: 2000) else { return [.known] }
      let time = (0..<4).map { UInt8(truncatingIfNeeded: seconds >> UInt32(8 * $0)) }
      return [.known, .send(QNScale.frame([0x20, 0x08, number] + time))]
    case 0x10:
      guard let parts else { return [.known] }
      return try weight(octets, parts)
    case 0x21, 0x23, 0xA1, 0xA3: return [.known]
    default: throw ScaleField.foreign(octets)
    }
  }

  private func weight(_ octets: [UInt8], _ parts: Int64) throws(DecodeError) -> [ScaleWord] {
    guard octets.count >= 11 else {
      throw DecodeError(field: "weight", offset: octets.count, reason: .truncated(needed: 11, available: octets.count))
    }
    let isNewer = octets.count >= 14
    let raw = ScaleField.be16(octets, isNewer ? 5 : 3)
    let ohms = ScaleField.be16(octets, isNewer ? 7 : 6)
    let isTenth = parts == 10 && raw <= QNScale.heaviest
    let weight = ExactDecimal(raw, exponent: isTenth ? -1 : -2)
    guard isNewer ? octets[4] == 2 : octets[5] == 1 else { return [.live(weight, .kilogram)] }
    let acknowledgement = QNScale.frame([0x1F, 0x05, octets[2], 0x10])
    return [
      .final(weight, .kilogram, impedance: ohms == 0 ? nil : ExactDecimal(ohms)), .send(acknowledgement),
    ]
  }

  private static func frame(_ octets: [UInt8]) -> [UInt8] { octets + [Checksum.sum8(octets)] }

  /// A frame on its own: what the scale said before it is not known, so that the size of the number has to tell.
  static func decode(_ octets: [UInt8], _ stream: CharacteristicID) throws(DecodeError) -> Decoded {
    var scale = QNScale(DriverContext())
    scale.parts = octets.count >= 14 ? 10 : 100
    let words = try scale.said(octets, stream)
    var decoded = Decoded()
    for word in words {
      if case .live(let weight, _) = word {
        decoded.values += [NamedValue("weight", .decimal(weight)), NamedValue("final", .flag(false))]
      } else if let reading = reading(word, RawSource(source: "\(stream)", octets: octets)) {
        decoded.readings.append(reading)
      }
    }
    return decoded
  }

  static let profile = NotifyingScale<QNScale>.profile(
    "QN", ["Renpho Elis 1, ES-26M", "FITINDEX, SEB, GE Fit Plus", "Etekcity ESF-24"],
    ["QN-Scale", "Renpho-Scale", "SEB-Scale"].map { .namePrefix($0) }, impedance: true, captured: true,
    rule: "a weight that the scale calls final, once for each weighing")
}
