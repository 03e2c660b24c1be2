// Scales that print `ST,` lines: A&D (2400 7E1, 15 characters and CR LF) and CAS (9600 8N1, with gross/net and lamp octets), and
// many indicators with their output. Sources: both makers' manuals, public test corpora.
//
// Headers: ST stable, QT stable count, US unstable, OL out of range; some A&D print WT for ST. The weight is the last signed
// decimal before the unit; a line without header or unit is refused, because tolerances and banners look alike.

internal import Octets
internal import Readings

/// The lines of the family; the two makers differ in id and line settings.
enum TextScaleLine {
  static let longest = 64
  private static let headers = ["ST", "US", "OL", "QT", "WT"].map { Array($0.utf8) }

  /// What a line says. Throws for what is no line of this family.
  static func parse(_ line: ArraySlice<UInt8>) throws(DecodeError) -> (weighing: Weighing, isNet: Bool?) {
    func bad(_ field: String, _ offset: Int, _ text: String) -> DecodeError {
      DecodeError(field: field, offset: offset, reason: .malformed(text))
    }
    let text = line.map { $0 & 0x7F }
    guard let status = status(text) else { throw bad("header", 0, "no ST, US, OL or QT line") }
    var rest = text[3...]
    var isNet: Bool?
    if rest.count >= 3, rest[rest.startIndex + 2] == 0x2C {
      let kind = String(decoding: rest.prefix(2), as: UTF8.self)
      if kind == "GS" || kind == "NT" {
        isNet = kind == "NT"
        rest = rest.dropFirst(3)
        // CAS with 22 octets: the device's number and its lamps, any octets, stand before the weight.
        if rest.count > 3, rest[rest.startIndex + 2] == 0x2C { rest = rest.dropFirst(3) }
      }
    }
    if status == .overload { return (Weighing(status: status), isNet) }
    guard let number = Weighing.number(rest) else { throw bad("weight", 3, "no number") }
    guard !number.unit.isEmpty else { throw bad("unit", text.count, "no unit") }
    return (Weighing(status: status, value: number.value, unitText: number.unit), isNet)
  }

  private static func status(_ text: [UInt8]) -> Weighing.Status? {
    guard text.count >= 3, text[2] == 0x2C else { return nil }
    switch String(decoding: text[0..<2], as: UTF8.self) {
    case "ST", "WT": return .stable
    case "QT": return .stableCount
    case "US": return .unstable
    case "OL": return .overload
    default: return nil
    }
  }

  static func step(_ octets: ArraySlice<UInt8>) -> FrameStep {
    TextFraming.step(octets) { line throws(DecodeError) in
      // A half line before a whole one costs only itself.
      let header = line.indices.last { index in
        index > line.startIndex && index + 2 < line.endIndex && line[index + 2] & 0x7F == 0x2C
          && headers.contains([line[index] & 0x7F, line[index + 1] & 0x7F])
      }
      if let header { return header - line.startIndex }
      _ = try parse(line)
      return 0
    }
  }

  static func values(_ frame: [UInt8]) -> [NamedValue] {
    guard let (weighing, isNet) = try? parse(frame[...]) else { return [] }
    return weighing.values + (isNet.map { [NamedValue("net", .flag($0))] } ?? [])
  }

  static let and = DeviceProfile(
    id: AndScaleLine.id, manufacturer: "A&D", names: ["A&D scales and indicators with ST, output"],
    transport: .serial([
      SerialSettings(2400, dataBits: 7, parity: .even), SerialSettings(9600, dataBits: 7, parity: .even),
      SerialSettings(9600),
    ]), recognition: [.frames("ST, lines"), .usb(vendor: 0x0403, product: 0x6001)], kinds: [.bodyWeight],
    terms: [.weight], clock: .none, memory: .none, verification: .unverified, rule: WeighingRule.sentence
  ) { WeighingDriver<AndScaleLine>($0) }

  static let cas = DeviceProfile(
    id: CASLine.id, manufacturer: "CAS", names: ["CAS indicators with ST,GS output"],
    transport: .serial([SerialSettings(9600)]),
    recognition: [.frames("ST,GS lines"), .usb(vendor: 0x067B, product: 0x2303)], kinds: [.bodyWeight],
    terms: [.weight], clock: .none, memory: .none, verification: .unverified, rule: WeighingRule.sentence
  ) { WeighingDriver<CASLine>($0) }
}

/// A&D.
enum AndScaleLine: WeighingLine {
  static let id = "and-scale"
  static let longestFrame = TextScaleLine.longest
  static func step(_ octets: ArraySlice<UInt8>) -> FrameStep { TextScaleLine.step(octets) }
  static func values(_ frame: [UInt8]) -> [NamedValue] { TextScaleLine.values(frame) }
  static func weighing(_ frame: [UInt8]) -> Weighing? { (try? TextScaleLine.parse(frame[...]))?.weighing }
}

/// CAS.
enum CASLine: WeighingLine {
  static let id = "cas"
  static let longestFrame = TextScaleLine.longest
  static func step(_ octets: ArraySlice<UInt8>) -> FrameStep { TextScaleLine.step(octets) }
  static func values(_ frame: [UInt8]) -> [NamedValue] { TextScaleLine.values(frame) }
  static func weighing(_ frame: [UInt8]) -> Weighing? { (try? TextScaleLine.parse(frame[...]))?.weighing }
}
