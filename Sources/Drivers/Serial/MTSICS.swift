// Scales that speak MT-SICS (Mettler-Toledo) or KERN's KCP, which is the same set: lines of text over 9600 8N1. Sources: public
// drivers and their tests.
//
// Answers: `S S     100.00 g` stable, `S D` moving, `S I` not now, `S +` and `S -` out of range; `I2` and `I4` tell type and
// serial number; ES, ET, EL refuse a command. `Z`, `ZI`, `T`, `TI` and `TA` answer what somebody else asked or pressed: of them only
// that TARE was pressed counts. There is no check value: three answers in a row have to say the same weight; a lone printed line counts
// when silence follows. SI (the weight now) is asked once a second, so that a scale that is switched on
// later is read too. Never sent: Z and T, which change what the scale shows, and @, which resets it.

internal import Octets
internal import Readings

/// The lines.
enum MTSICSLine: WeighingLine {
  static let id = "mt-sics"
  static let longestFrame = 96
  static let opening = [Array("I2\r\n".utf8), Array("I4\r\n".utf8)]
  static let question: [UInt8]? = Array("SI\r\n".utf8)

  /// What a line says.
  private enum Answer {
    case weighing(Weighing)
    /// The command was not or cannot be executed: the word for it.
    case refusal(String)
    /// An answer with text, such as I4.
    case text(command: String, String)
    /// An answer to a command that Hearth does not send.
    case other(String)
  }

  private static func parse(_ line: ArraySlice<UInt8>) throws(DecodeError) -> Answer {
    func bad(_ field: String, _ offset: Int, _ text: String) -> DecodeError {
      DecodeError(field: field, offset: offset, reason: .malformed(text))
    }
    let words = line.split(separator: 0x20).map { String(decoding: $0, as: UTF8.self) }
    guard let first = words.first, line.first != 0x20 else { throw bad("answer", 0, "an empty line") }
    switch (first, words.count) {
    case ("ES", 1): return .refusal("syntax")
    case ("ET", 1): return .refusal("transmission")
    case ("EL", 1): return .refusal("logical")
    case ("S", 2) where words[1] == "I": return .refusal("not executable")
    case ("S", 2) where words[1] == "L": return .refusal("logical")
    case ("S", 2) where words[1] == "+": return .weighing(Weighing(status: .overload))
    case ("S", 2) where words[1] == "-": return .weighing(Weighing(status: .underload))
    case ("S", 4) where words[1] == "S" || words[1] == "D":
      guard let value = ExactDecimal(words[2]) else { throw bad("weight", 4, "no number") }
      guard words[3].utf8.allSatisfy({ ($0 | 0x20) >= 0x61 && ($0 | 0x20) <= 0x7A || $0 == 0x25 }) else {
        throw bad("unit", line.count - words[3].utf8.count, "no unit")
      }
      return .weighing(Weighing(status: words[1] == "S" ? .stable : .unstable, value: value, unitText: words[3]))
    // Zero and tare: A done, D done while it moved, S done while it stood still, I not now, + and - out of range, L refused.
    case ("Z", 2) where ["A", "I", "+", "-", "L"].contains(words[1]),
      ("ZI", 2) where ["D", "S", "I", "+", "-"].contains(words[1]),
      ("T", 2) where ["I", "+", "-", "L"].contains(words[1]), ("TI", 2) where ["I", "+", "-", "L"].contains(words[1]),
      ("TA", 2) where ["I", "L"].contains(words[1]), ("TAC", 2) where ["A", "I", "L"].contains(words[1]),
      ("@", 2):
      return .other(first)
    case ("T", 4), ("TI", 4), ("TA", 4):
      guard ["S", "D", "A"].contains(words[1]), ExactDecimal(words[2]) != nil else {
        throw bad("weight", 4, "no number")
      }
      return .weighing(Weighing(status: .tare))
    case ("I0", 2...), ("I1", 2...), ("I5", 2...):
      guard ["A", "B"].contains(words[1]) else { return .refusal("not executable") }
      return .other(first)
    case ("I2", 2...), ("I3", 2...), ("I4", 2...):
      guard words[1] == "A" else { return .refusal("not executable") }
      let text = TextFraming.text(line).split(separator: "\"")
      return .text(command: first, text.count > 1 ? String(text[1]) : words.dropFirst(2).joined(separator: " "))
    default: throw bad("answer", 0, "no answer of this protocol")
    }
  }

  static func step(_ octets: ArraySlice<UInt8>) -> FrameStep {
    TextFraming.step(octets) { line throws(DecodeError) in
      do throws(DecodeError) {
        _ = try parse(line)
        return 0
      } catch {
        // A half line before a whole one costs only itself.
        let whole = line.indices.dropFirst().last { index in
          line[index] == 0x53 && line[index...].starts(with: Array("S ".utf8)) && (try? parse(line[index...])) != nil
        }
        guard let whole else { throw error }
        return whole - line.startIndex
      }
    }
  }

  static func weighing(_ frame: [UInt8]) -> Weighing? {
    guard case .weighing(let weighing)? = try? parse(frame[...]) else { return nil }
    return weighing
  }

  static func property(_ frame: [UInt8]) -> DeviceProperty? {
    guard case .text(let command, let text)? = try? parse(frame[...]), !text.isEmpty else { return nil }
    switch command {
    case "I2": return .model(text)
    case "I3": return .software(text)
    default: return .serial(text)
    }
  }

  static func values(_ frame: [UInt8]) -> [NamedValue] {
    switch try? parse(frame[...]) {
    case .weighing(let weighing): weighing.values
    case .refusal(let word): [NamedValue("error", .text(word))]
    case .text(let command, let text): [NamedValue("command", .text(command)), NamedValue("text", .text(text))]
    case .other(let command): [NamedValue("command", .text(command))]
    case nil: []
    }
  }

  static func evidence(_ frame: [UInt8]) -> Int { Evidence.text(frame, frame.count < 6 ? 6 : 32) }

  static let family = SerialFamily(
    MTSICSLine.self, .agreement,
    profile: DeviceProfile(
      id: id, manufacturer: "Mettler-Toledo", names: ["scales with MT-SICS", "KERN scales with KCP"],
      transport: .serial([SerialSettings(9600)]),
      recognition: [.frames("MT-SICS answers"), .usb(vendor: 0x0403, product: 0x6001)], kinds: [.bodyWeight],
      terms: [.weight], clock: .none, memory: .none, verification: .unverified, rule: WeighingRule.sentence
    ) { WeighingDriver<MTSICSLine>($0) },
    query: HarmlessQuery(
      sentence: "asks the scale for its type, its number and the weight that it shows",
      questions: ["I2\r\n", "I4\r\n", "SI\r\n"].map { Array($0.utf8) }, answerMilliseconds: 1000),
    commands: HubCommands.words([
      "S", "SI", "SIR", "SR", "I0", "I1", "I2", "I3", "I4", "I5", "Z", "ZI", "T", "TI", "TA", "@",
    ]))
}
