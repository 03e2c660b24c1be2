// Scales that print `ST,` lines: A&D (2400 7E1, 15 characters and CR LF) and CAS (9600 8N1, with gross/net and lamp octets), and
// many indicators with their output (T-Scale, Excell, KERN GAB-N). Sources: both makers' manuals, public test corpora, captured lines.
//
// Headers: ST stable, QT stable count, US unstable, OL out of range, HD held. A body composition scale prints RT, FT, HT, BT, MT, WT and
// ID behind ST: WT is its body water, so that only ST is a weight. Behind the header may stand gross or net (GS, NT, G, N) or a
// comparator's judgement (LO, OK, HI, --). The weight is the last signed decimal before the unit; a line without header or unit
// is refused, because tolerances and banners look alike. There is no check value.
//
// One measurement: the last stable weight that three lines in a row say, when the load leaves, after 3 s of silence or 10 s; a lone
// stable line only when silence follows.

internal import Octets
internal import Readings

/// The lines of the family; the two makers differ in id and line settings.
enum TextScaleLine {
  static let longest = 64
  private static let headers = ["ST", "US", "OL", "QT", "HD"].map { Array($0.utf8) }
  /// What body composition scales print behind the weight, and what is told to commands: expected, and no weight.
  private static let others: Set<String> = ["RT", "FT", "HT", "BT", "MT", "WT", "ID"]

  /// A line of this family.
  enum Content: Sendable, Hashable {
    case weighing(Weighing)
    /// Something else, with its header.
    case other(String)
  }

  /// What a line says. Throws for what is no line of this family.
  static func parse(_ line: ArraySlice<UInt8>) throws(DecodeError) -> Content {
    func bad(_ field: String, _ offset: Int, _ text: String) -> DecodeError {
      DecodeError(field: field, offset: offset, reason: .malformed(text))
    }
    let text = line.map { $0 & 0x7F }
    // Busy, and a command that it does not know.
    if text == [0x49] || text == [0x3F] { return .other(text == [0x49] ? "busy" : "unknown command") }
    guard text.count > 3, text[2] == 0x2C else { throw bad("header", 0, "no ST, US, OL or QT line") }
    let header = String(decoding: text[0..<2], as: UTF8.self)
    if others.contains(header) {
      guard text.dropFirst(3).allSatisfy({ $0 >= 0x20 && $0 < 0x7F }),
        text.contains(where: { (0x30...0x39).contains($0) })
      else { throw bad("value", 3, "no number") }
      return .other(header)
    }
    guard let status = status(header) else { throw bad("header", 0, "no ST, US, OL or QT line") }
    let (isNet, rest) = try kind(text[3...], bad("kind", 3, "neither gross nor net"))
    // Nothing behind it is a weight: nines, or digits of an earlier one.
    if status == .overload { return .weighing(Weighing(status: status, isNet: isNet)) }
    guard let number = Weighing.number(rest) else { throw bad("weight", 3, "no number") }
    guard !number.unit.isEmpty else { throw bad("unit", text.count, "no unit") }
    return .weighing(Weighing(status: status, value: number.value, unitText: number.unit, isNet: isNet))
  }

  /// Gross or net, the octets of CAS, and a comparator's judgement in front of the weight. TR is what was tared, PT a preset tare:
  /// nobody's weight.
  private static func kind(
    _ text: ArraySlice<UInt8>, _ error: DecodeError
  ) throws(DecodeError) -> (isNet: Bool?, rest: ArraySlice<UInt8>) {
    let letters = text.prefix { (0x41...0x5A).contains($0) || $0 == 0x2D }
    let behind = text.dropFirst(letters.count)
    guard !letters.isEmpty, letters.count <= 2, !(letters.count == 1 && letters.first == 0x2D) else {
      return (nil, text)
    }
    let word = String(decoding: letters, as: UTF8.self)
    let isNet: Bool?
    switch word {
    case "GS", "G": isNet = false
    case "NT", "N": isNet = true
    case "LO", "OK", "HI", "--": isNet = nil
    default: throw error
    }
    let comma = behind.drop { $0 == 0x20 }
    // Some print blanks for the comma behind GS.
    guard comma.first == 0x2C else {
      guard letters.count == 2, isNet != nil else { throw error }
      return (isNet, behind)
    }
    let rest = comma.dropFirst()
    guard letters.count == 2, isNet != nil else { return (isNet, rest) }
    // CAS with 22 octets: the device's number and its lamps, any octets, stand before the weight; or with 21, without the
    // comma behind them.
    if rest.count > 3, rest[rest.startIndex + 2] == 0x2C { return (isNet, rest.dropFirst(3)) }
    if rest.count == 13, [0x20, 0x2B, 0x2D].contains(rest[rest.startIndex + 2]) { return (isNet, rest.dropFirst(2)) }
    return (isNet, rest)
  }

  private static func status(_ header: String) -> Weighing.Status? {
    switch header {
    case "ST": .stable
    case "QT": .stableCount
    // What is held on the display may be an old weight.
    case "US", "HD": .unstable
    case "OL": .overload
    default: nil
    }
  }

  /// What a frame says about a weight.
  static func weighing(_ frame: [UInt8]) -> Weighing? {
    guard case .weighing(let weighing)? = try? parse(frame[...]) else { return nil }
    return weighing
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
    switch try? parse(frame[...]) {
    case .weighing(let weighing): weighing.values + (weighing.isNet.map { [NamedValue("net", .flag($0))] } ?? [])
    case .other(let header): [NamedValue("header", .text(header))]
    case nil: []
    }
  }

  static let and = SerialFamily(
    AndScaleLine.self, .agreement,
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
    CASLine.self, .agreement,
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
  static func weighing(_ frame: [UInt8]) -> Weighing? { TextScaleLine.weighing(frame) }

  /// A header and a unit; what has GS or NT is of the other family.
  static func evidence(_ frame: [UInt8]) -> Int {
    guard let weighing = TextScaleLine.weighing(frame), weighing.isNet == nil else { return 0 }
    return Evidence.text(frame, weighing.value == nil ? 8 : 32)
  }
}

/// CAS.
enum CASLine: WeighingLine {
  static let id = "cas"
  static let longestFrame = TextScaleLine.longest
  static func step(_ octets: ArraySlice<UInt8>) -> FrameStep { TextScaleLine.step(octets) }
  static func values(_ frame: [UInt8]) -> [NamedValue] { TextScaleLine.values(frame) }
  static func weighing(_ frame: [UInt8]) -> Weighing? { TextScaleLine.weighing(frame) }

  static func evidence(_ frame: [UInt8]) -> Int {
    guard let weighing = TextScaleLine.weighing(frame), weighing.isNet != nil else { return 0 }
    // The octets of number and lamps may be any.
    let high = frame.count { $0 >= 0x80 }
    return high <= 2 ? weighing.value == nil ? 16 : 40 : 0
  }
}
