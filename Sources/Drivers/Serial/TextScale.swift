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
      guard !kind.utf8.allSatisfy({ (0x41...0x5A).contains($0) }) || kind == "GS" || kind == "NT" else {
        // TR is what was tared, PT a preset tare: nobody's weight.
        throw bad("kind", 3, "neither gross nor net")
      }
      if kind == "GS" || kind == "NT" {
        isNet = kind == "NT"
        rest = rest.dropFirst(3)
        // CAS with 22 octets: the device's number and its lamps, any octets, stand before the weight; or with 21, without the
        // comma behind them.
        if rest.count > 3, rest[rest.startIndex + 2] == 0x2C {
          rest = rest.dropFirst(3)
        } else if rest.count == 13, [0x20, 0x2B, 0x2D].contains(rest[rest.startIndex + 2]) {
          rest = rest.dropFirst(2)
        }
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

  /// The long form of CAS has the device's number and its lamps as octets before a comma: they may be line ends.
  private static func hidesEnd(_ octets: ArraySlice<UInt8>) -> Bool {
    let head = Array(octets.prefix(9))
    guard head.count >= 6, head[2] & 0x7F == 0x2C, head[5] & 0x7F == 0x2C,
      headers.contains(head[0..<2].map { $0 & 0x7F }),
      ["GS", "NT"].contains(String(decoding: head[3..<5].map { $0 & 0x7F }, as: UTF8.self))
    else { return false }
    return head.count < 9 || head[8] == 0x2C && head[6...7].contains { TextFraming.isEnd($0) }
  }

  static func step(_ octets: ArraySlice<UInt8>) -> FrameStep {
    if hidesEnd(octets) {
      guard octets.count >= 9 else { return .wait }
      guard let end = octets.dropFirst(9).firstIndex(where: TextFraming.isEnd) else { return .wait }
      let line = octets[..<end]
      do throws(DecodeError) {
        _ = try parse(line)
        return .frame(line.count)
      } catch {
        return .skip(line.count, error)
      }
    }
    return TextFraming.step(octets) { line throws(DecodeError) in
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

  static let and = SerialFamily(
    AndScaleLine.self,
    profile: DeviceProfile(
      id: AndScaleLine.id, manufacturer: "A&D", names: ["A&D scales and indicators with ST, output"],
      transport: .serial([
        SerialSettings(2400, dataBits: 7, parity: .even), SerialSettings(9600, dataBits: 7, parity: .even),
        SerialSettings(9600),
      ]), recognition: [.frames("ST, lines"), .usb(vendor: 0x0403, product: 0x6001)], kinds: [.bodyWeight],
      terms: [.weight], clock: .none, memory: .none, verification: .unverified, rule: WeighingRule.sentence
    ) { WeighingDriver<AndScaleLine>($0) },
    query: HarmlessQuery(
      sentence: "asks the scale for the weight that it shows",
      questions: [Array("Q\r\n".utf8)],
      answerMilliseconds: 1000),
    commands: HubCommands.words(["Q"]))

  static let cas = SerialFamily(
    CASLine.self,
    profile: DeviceProfile(
      id: CASLine.id, manufacturer: "CAS", names: ["CAS indicators with ST,GS output"],
      transport: .serial([SerialSettings(9600)]),
      recognition: [.frames("ST,GS lines"), .usb(vendor: 0x067B, product: 0x2303)], kinds: [.bodyWeight],
      terms: [.weight], clock: .none, memory: .none, verification: .unverified, rule: WeighingRule.sentence
    ) { WeighingDriver<CASLine>($0) })
}

/// A&D.
enum AndScaleLine: WeighingLine {
  static let id = "and-scale"
  static let longestFrame = TextScaleLine.longest
  static func step(_ octets: ArraySlice<UInt8>) -> FrameStep { TextScaleLine.step(octets) }
  static func values(_ frame: [UInt8]) -> [NamedValue] { TextScaleLine.values(frame) }
  static func weighing(_ frame: [UInt8]) -> Weighing? { (try? TextScaleLine.parse(frame[...]))?.weighing }

  /// A header and a unit; what has GS or NT is of the other family.
  static func evidence(_ frame: [UInt8]) -> Int {
    guard let (weighing, isNet) = try? TextScaleLine.parse(frame[...]), isNet == nil else { return 0 }
    return Evidence.text(frame, weighing.value == nil ? 8 : 32)
  }
}

/// CAS.
enum CASLine: WeighingLine {
  static let id = "cas"
  static let longestFrame = TextScaleLine.longest
  static func step(_ octets: ArraySlice<UInt8>) -> FrameStep { TextScaleLine.step(octets) }
  static func values(_ frame: [UInt8]) -> [NamedValue] { TextScaleLine.values(frame) }
  static func weighing(_ frame: [UInt8]) -> Weighing? { (try? TextScaleLine.parse(frame[...]))?.weighing }

  static func evidence(_ frame: [UInt8]) -> Int {
    guard let (weighing, isNet) = try? TextScaleLine.parse(frame[...]), isNet != nil else { return 0 }
    // The octets of number and lamps may be any.
    let high = frame.count { $0 >= 0x80 }
    return high <= 2 ? weighing.value == nil ? 16 : 40 : 0
  }
}
