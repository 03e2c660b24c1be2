// Older KERN scales that do not speak KCP: `w` and `s` ask for a weight. Sources: KERN's manuals (FKB: a stable value has its
// unit, an unstable one has none), public drivers.
//
// Two forms: ` [M][+-]  nnn.nnn kg`, and 14 or 15 characters that end in S (stable), U (unstable) or E (error), the unit in
// upper case (EW: G is mass; CT, PC and % are none). `s` (a stable weight) is asked once a second, without line end. Never sent: t,
// which tares. There is no check value: three lines in a row have to say the same weight; a lone printed line counts when silence
// follows. `+007.12/3 G S` has a digit that is not verified: it is refused.

internal import Octets
internal import Readings

/// The lines.
enum KernLine: WeighingLine {
  static let id = "kern"
  static let longestFrame = 32
  static let question: [UInt8]? = Array("s".utf8)
  static let countingUnits: Set<String> = ["pcs", "ct", "%"]

  private static func parse(_ line: ArraySlice<UInt8>) throws(DecodeError) -> (weighing: Weighing, sign: String) {
    func bad(_ field: String, _ offset: Int, _ text: String) -> DecodeError {
      DecodeError(field: field, offset: offset, reason: .malformed(text))
    }
    let words = line.split(separator: 0x20)
    var text = String(decoding: words.flatMap { $0 }, as: UTF8.self)[...]
    // Columns are fixed: the whole line has at least 11 characters, so that the rest of a cut line is none. Two numbers are two
    // lines of which one was cut.
    guard words.count(where: { $0.contains { $0 >= 0x30 && $0 <= 0x39 } }) < 2 else {
      throw bad("line", 0, "more than one number")
    }
    guard line.count >= 11, line.count <= 20, line.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) else {
      throw bad("line", 0, "no line of this protocol")
    }
    if text.lowercased() == "error" { return (Weighing(status: .error), "") }
    if text.first == "M" { text = text.dropFirst() }
    let sign = text.first.flatMap { $0 == "+" || $0 == "-" ? String($0) : nil } ?? ""
    text = text.dropFirst(sign.count)
    let digits = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
    guard let number = ExactDecimal(digits) else { throw bad("weight", 0, "no number") }
    var unit = String(text.dropFirst(digits.count))
    var status = unit.isEmpty ? Weighing.Status.unstable : .stable
    // The status column of EW stands apart from the unit, which may touch the digits.
    if let last = words.last, last.count == 1, let letter = last.first, words.count >= 2, !unit.isEmpty,
      let found = EWStatus(rawValue: letter)
    {
      unit.removeLast()
      switch found {
      case .stable: status = .stable
      case .unstable: status = .unstable
      // Nothing else in the line is valid.
      case .error: return (Weighing(status: .error), sign)
      }
    }
    return try finish(status, sign, number, unit, bad("unit", digits.count, "no unit of weight"))
  }

  /// The last column of EW: S, U, E.
  private enum EWStatus: UInt8 {
    case stable = 0x53
    case unstable = 0x55
    case error = 0x45
  }

  private static func finish(
    _ status: Weighing.Status, _ sign: String, _ number: ExactDecimal, _ unit: String, _ error: DecodeError
  ) throws(DecodeError) -> (Weighing, String) {
    let pieces = ["pc", "pcs"].contains(unit.lowercased())
    guard unit.isEmpty || pieces || ["kg", "g", "lb", "st", "ct", "%"].contains(unit.lowercased()) else { throw error }
    let value = sign == "-" ? ExactDecimal(-number.mantissa, exponent: number.exponent) : number
    return (Weighing(status: status, value: value, unitText: pieces ? "pcs" : unit), sign)
  }

  static func step(_ octets: ArraySlice<UInt8>) -> FrameStep {
    TextFraming.step(octets) { line throws(DecodeError) in
      _ = try parse(line)
      return 0
    }
  }

  static func weighing(_ frame: [UInt8]) -> Weighing? { (try? parse(frame[...]))?.weighing }

  static func values(_ frame: [UInt8]) -> [NamedValue] {
    guard let (weighing, sign) = try? parse(frame[...]) else { return [] }
    return weighing.values + (sign.isEmpty ? [] : [NamedValue("sign", .text(sign))])
  }

  /// A number and perhaps a unit: many lines look alike.
  static func evidence(_ frame: [UInt8]) -> Int { Evidence.text(frame, weighing(frame)?.unit == nil ? 2 : 8) }

  static let family = SerialFamily(
    KernLine.self, .agreement,
    profile: DeviceProfile(
      id: id, manufacturer: "KERN", names: ["older KERN scales (commands s and w)", "EW"],
      transport: .serial([SerialSettings(9600), SerialSettings(1200, stopBits: 2)]),
      recognition: [.frames("lines of a weight, stable with a unit"), .usb(vendor: 0x0403, product: 0x6001)],
      kinds: [.bodyWeight], terms: [.weight], clock: .none, memory: .none, verification: .unverified,
      rule: WeighingRule.sentence
    ) { WeighingDriver<KernLine>($0) },
    query: HarmlessQuery(
      sentence: "asks the scale for the weight that it shows",
      questions: [Array("w".utf8), Array("w".utf8), Array("w".utf8)], answerMilliseconds: 1000),
    commands: HubCommands.fixed([([0x77], "weight now"), ([0x73], "stable weight"), ([0x74], "tare")]))
}
