// Two older outputs of Mettler-Toledo. 8217: polled, 9600 7E1; source: a public driver. Standard continuous output: the frame is
// general knowledge and verified on no device.
//
// 8217: `W` is answered by STX weight[N] CR, or STX ? status CR while there is none (bit 0 motion, 1 over capacity, 2 under zero);
// `Ehello` by STX E CR hello. It never says its unit: the technician does, by the model, and until then it gives no weight. The status
// has bit 3 outside of the range in which zero is taken, 4 centre of zero, 5 net. Continuous: STX SWA SWB SWC weight(6) tare(6) CR and
// perhaps a check value, which makes the sum of all octets zero in its seven low bits. SWB bit 6: switched on and not zeroed. A clone
// has bits 4, 5, 6 of SWA as 1, 0, 1. Seven bits of sum let pass what two errors do: as where there is none, three frames in a row
// have to say the same weight.

internal import Octets
internal import Readings

/// 8217.
enum Toledo8217Line: WeighingLine {
  static let id = "toledo-8217"
  static let longestFrame = 16
  static let question: [UInt8]? = [0x57]
  static let isWithoutUnit = true
  private static let echo = Array("hello".utf8)

  static func step(_ octets: ArraySlice<UInt8>) -> FrameStep {
    let start = octets.startIndex
    let filler = octets.prefix { [0x00, 0x0A, 0x0D].contains($0) }.count
    guard filler == 0 else { return .pass(filler) }
    let next = octets.dropFirst().firstIndex(of: 0x02) ?? octets.endIndex
    guard octets[start] == 0x02 else {
      return .skip(next - start, code: "malformed", message: "octets outside of an answer")
    }
    guard let end = octets[..<next].firstIndex(of: 0x0D) else {
      guard next < octets.endIndex else { return .wait }
      return .skip(next - start, code: "truncated", message: "an answer was cut by the next one")
    }
    let body = octets[(start + 1)..<end]
    if body.elementsEqual([0x45]) {
      let rest = octets[(end + 1)...].prefix(echo.count)
      guard echo.starts(with: rest) else { return .frame(3) }
      return rest.count < echo.count ? .wait : .frame(3 + echo.count)
    }
    guard body.first == 0x3F ? body.count == 2 : number(body) != nil else {
      return .skip(end + 1 - start, code: "malformed", message: "neither a weight nor a status")
    }
    return .frame(end + 1 - start)
  }

  /// Digits with one point; N means net.
  private static func number(_ body: some Collection<UInt8>) -> (value: ExactDecimal, isNet: Bool)? {
    let isNet = body.count > 1 && Array(body).last == 0x4E
    let digits = isNet ? Array(body.dropLast()) : Array(body)
    guard digits.count >= 4, digits.count(where: { $0 == 0x2E }) == 1,
      digits.allSatisfy({ $0 == 0x2E || ($0 >= 0x30 && $0 <= 0x39) })
    else { return nil }
    return ExactDecimal(String(decoding: digits, as: UTF8.self)).map { ($0, isNet) }
  }

  private static func body(_ frame: [UInt8]) -> [UInt8] { Array(frame.dropFirst().prefix { $0 != 0x0D }) }

  static func weighing(_ frame: [UInt8]) -> Weighing? {
    let body = body(frame)
    if body.first == 0x3F, body.count == 2 {
      let status = body[1]
      if status & 0x02 != 0 { return Weighing(status: .overload) }
      if status & 0x04 != 0 { return Weighing(status: .underload) }
      if status & 0x10 != 0 {
        return Weighing(status: status & 0x01 == 0 ? .stable : .unstable, value: .zero, unitText: "kg")
      }
      return Weighing(status: status & 0x08 != 0 && status & 0x01 == 0 ? .notZeroed : .unstable)
    }
    return number(body).map { Weighing(status: .stable, value: $0.value, isNet: $0.isNet) }
  }

  static func values(_ frame: [UInt8]) -> [NamedValue] {
    let body = body(frame)
    if body == [0x45] { return [NamedValue("echo", .text(String(decoding: frame.dropFirst(3), as: UTF8.self)))] }
    if body.first == 0x3F, let status = body.last {
      let bits = (0..<8).filter { status >> UInt8($0) & 1 != 0 }.map { DecodedValue.integer(Int64($0)) }
      return [
        NamedValue("statusByte", .text(String(decoding: [status], as: UTF8.self))), NamedValue("bits", .list(bits)),
      ]
    }
    guard let number = number(body) else { return [] }
    return [NamedValue("value", .decimal(number.value)), NamedValue("net", .flag(number.isNet))]
  }

  /// STX, a number and CR; the answer to a probe is no chance.
  static func evidence(_ frame: [UInt8]) -> Int { Evidence.text(frame, frame.count == 8 && frame[1] == 0x45 ? 40 : 12) }

  static let family = SerialFamily(
    Toledo8217Line.self, .agreement,
    profile: DeviceProfile(
      id: id, manufacturer: "Mettler-Toledo",
      names: ["8217 and scales with its protocol (model \"8217 kg\" or \"8217 lb\")"],
      transport: .serial([SerialSettings(9600, dataBits: 7, parity: .even)]),
      recognition: [.frames("answers STX weight CR")], kinds: [.bodyWeight], terms: [.weight], clock: .none,
      memory: .none, verification: .unverified, rule: WeighingRule.sentence
    ) { WeighingDriver<Toledo8217Line>($0) }
    .asks(
      ModelQuestion(
        question: "does it weigh in kilograms or pounds? It never says so", answers: ["8217 kg", "8217 lb"],
        untilThen: "no weight is taken",
        isAnswered: { model in
          let unit = Weighing(status: .stable, unitText: model.split(separator: " ").last.map { String($0) } ?? "").unit
          return unit != nil
        })),
    query: HarmlessQuery(
      sentence: "asks the scale for the weight that it shows",
      questions: [Array("W".utf8), Array("W".utf8), Array("W".utf8)], answerMilliseconds: 1000),
    commands: HubCommands.fixed([(Array("Ehello".utf8), "echo"), ([0x46], "end of echo"), ([0x57], "weight")]))
}

/// Standard continuous output.
enum ToledoContinuousLine: WeighingLine {
  static let id = "toledo-continuous"
  static let longestFrame = 18
  private static let length = 17

  static func step(_ octets: ArraySlice<UInt8>) -> FrameStep {
    let start = octets.startIndex
    let next = octets.dropFirst().firstIndex(of: 0x02) ?? octets.endIndex
    guard octets[start] == 0x02 else {
      return .skip(next - start, code: "malformed", message: "octets outside of a frame")
    }
    let frame = octets.prefix(length)
    for (offset, octet) in frame.enumerated() {
      let fits: Bool
      switch offset {
      case 0: fits = octet == 0x02
      case 1: fits = octet & 0x20 != 0 && octet < 0x80 || octet & 0xF0 == 0x50
      case 2...3: fits = octet & 0x20 != 0 && octet < 0x80
      case 4...15: fits = octet == 0x20 || (octet >= 0x30 && octet <= 0x39)
      default: fits = octet == 0x0D
      }
      guard fits else { return .skip(next - start, code: "malformed", message: "octet \(offset) is none of a frame") }
    }
    // Whether a check value follows is told by the octet behind.
    guard octets.count > length else { return .wait }
    let last = octets[start + length]
    if last == 0x02 { return .frame(length) }
    let sum = (0 &- Checksum.sum8(frame)) & 0x7F
    guard last & 0x7F == sum else {
      return .skip(
        length + 1,
        DecodeError(
          field: "checksum", offset: length, reason: .checksum(computed: UInt32(sum), found: UInt32(last & 0x7F))))
    }
    return .frame(length + 1)
  }

  /// Six digits, blanks in front; SWA tells where the point is: 2 is behind the last digit.
  private static func number(_ frame: [UInt8], _ at: Int) -> ExactDecimal? {
    let digits = frame[at..<(at + 6)].drop { $0 == 0x20 }
    guard !digits.isEmpty, !digits.contains(0x20) else { return nil }
    let mantissa = digits.reduce(Int64(0)) { $0 * 10 + Int64($1 & 0x0F) }
    let places = Int(frame[1] & 0x07) - 2
    guard places >= 0 else { return ExactDecimal(mantissa * (places == -1 ? 10 : 100)) }
    return ExactDecimal(mantissa, exponent: Int8(-places))
  }

  static func weighing(_ frame: [UInt8]) -> Weighing? {
    guard frame.count >= length else { return nil }
    let (swb, swc) = (frame[2], frame[3])
    if swb & 0x04 != 0 { return Weighing(status: swb & 0x02 != 0 ? .underload : .overload) }
    if swb & 0x40 != 0 { return Weighing(status: .notZeroed) }
    guard let number = number(frame, 4) else { return nil }
    let value = swb & 0x02 != 0 ? ExactDecimal(-number.mantissa, exponent: number.exponent) : number
    // SWC names other units, and an output with a digit more: neither is taken.
    let unit = swc & 0x17 == 0 ? swb & 0x10 != 0 ? "kg" : "lb" : "?"
    return Weighing(status: swb & 0x08 != 0 ? .unstable : .stable, value: value, unitText: unit, isNet: swb & 0x01 != 0)
  }

  static func values(_ frame: [UInt8]) -> [NamedValue] {
    guard frame.count >= length, let weighing = weighing(frame) else { return [] }
    return weighing.values + [
      NamedValue("net", .flag(frame[2] & 0x01 != 0)),
      NamedValue("tare", number(frame, 10).map { .decimal($0) } ?? .absent),
    ]
  }

  /// Fixed bits of three octets, twelve digits, the check value.
  static func evidence(_ frame: [UInt8]) -> Int { Evidence.text(Array(frame.prefix(17)), 40) }

  static let family = SerialFamily(
    ToledoContinuousLine.self, .agreement,
    profile: DeviceProfile(
      id: id, manufacturer: "Mettler-Toledo", names: ["indicators with the standard continuous output"],
      transport: .serial([SerialSettings(9600, dataBits: 7, parity: .even), SerialSettings(9600)]),
      recognition: [.frames("frames STX SWA SWB SWC weight tare CR")], kinds: [.bodyWeight], terms: [.weight],
      clock: .none, memory: .none, verification: .unverified, rule: WeighingRule.sentence
    ) { WeighingDriver<ToledoContinuousLine>($0) })
}
