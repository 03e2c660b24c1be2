// A&D TM-2655 and TM-2657, the cuffs of waiting rooms, and InBody's BPBIO with the same frames: 9600 8N1. Sources: three public
// drivers, one recorded answer.
//
// `SYN SYN SOH address(2) STX text ETX BCC`, BCC the exclusive or of the text. RB asks for the last result: model, YYMMDDhhmm, RB,
// then fields by their letter (E error, S systolic, M mean, D diastolic, P pulse), each ended by RS. The same frame comes by itself
// after a measurement. Many persons measure on one device: what an answer brings that was not asked for before is from the memory, and
// told as stored; what comes by itself, or differs from the answer before, was measured now, whatever the cuff's clock says. The
// exclusive or lets pass what two errors in one column do: the cuff is asked for a new result once more, and what it says then counts. ST,
// which inflates, is never sent.

internal import Octets
internal import Readings

/// The frames.
enum AndTM265xLine: LineProtocol {
  static let id = "and-tm265x"
  static let longestFrame = 1024
  private static let syn: UInt8 = 0x16
  private static let recordSeparator: UInt8 = 0x1E

  /// A command or question: the text and its check value behind the frame's head. Address `00` is that of questions.
  static func request(_ text: String) -> [UInt8] {
    let octets = Array(text.utf8)
    return [syn, syn, 0x01, 0x30, 0x30, 0x02] + octets + [0x03, Checksum.xor8(octets)]
  }

  static func step(_ octets: ArraySlice<UInt8>) -> FrameStep {
    let start = octets.startIndex
    // Answers without text: yes and no.
    if octets[start] == 0x06 || octets[start] == 0x15 { return .pass(1) }
    guard octets[start] == syn else {
      let next = octets.firstIndex(of: syn) ?? octets.endIndex
      return .skip(next - start, code: "malformed", message: "octets outside of a frame")
    }
    let body = octets.drop { $0 == syn }
    guard body.startIndex - start <= 2 else { return .pass(body.startIndex - start - 2) }
    func cut(_ at: Int) -> FrameStep {
      let next = octets[body.startIndex..<at].firstIndex(of: syn) ?? at
      return .skip(max(1, next - start), code: "truncated", message: "a frame was cut")
    }
    // SOH, the address, STX, then text up to ETX, then the check value.
    for (offset, octet) in body.enumerated() {
      let at = body.startIndex + offset
      switch offset {
      case 0 where octet != 0x01, 3 where octet != 0x02: return cut(at)
      case 1, 2:
        guard (0x20...0x7E).contains(octet) else { return cut(at) }
      case 4... where octet == 0x03:
        guard at + 1 < octets.endIndex else { return .wait }
        let sum = Checksum.xor8(octets[(body.startIndex + 4)..<at])
        guard octets[at + 1] == sum else {
          let error = DecodeError(
            field: "BCC", offset: at + 1 - start,
            reason: .checksum(computed: UInt32(sum), found: UInt32(octets[at + 1])))
          return .skip(octets[at + 1] == syn ? at + 1 - start : at + 2 - start, error)
        }
        return .frame(at + 2 - start)
      case 4...:
        guard octet == recordSeparator || (0x20...0x7E).contains(octet) else { return cut(at) }
      default: continue
      }
    }
    return .wait
  }

  /// The text of a checked frame, split at its separators.
  static func fields(_ frame: [UInt8]) -> [String] {
    let text = frame.drop { $0 == syn }.dropFirst(4).dropLast(2)
    return text.split(separator: recordSeparator).map { String(decoding: $0, as: UTF8.self) }
  }

  /// What a frame with a result says.
  struct Result: Sendable, Hashable {
    var model: String
    var time: DeviceDateTime?
    var error: String
    var cuff: CuffResult
  }

  /// Nil for a frame that is none.
  static func result(_ frame: [UInt8]) -> Result? {
    let fields = fields(frame)
    guard fields.count >= 8, fields[2] == "RB" else { return nil }
    var letters: [Character: String] = [:]
    for field in fields.dropFirst(3) {
      let value = field.dropFirst().filter { $0 != " " }
      if let letter = field.first, !value.isEmpty, letters[letter] == nil { letters[letter] = value }
    }
    guard let error = letters["E"] else { return nil }
    func number(_ letter: Character) -> Int? { letters[letter].flatMap { Int($0) } }
    // A failed measurement has zeros or blanks.
    let cuff = CuffResult(
      systolic: number("S") ?? 0, diastolic: number("D") ?? 0, mean: number("M").flatMap { $0 == 0 ? nil : $0 },
      pulse: number("P").flatMap { $0 == 0 ? nil : $0 })
    return Result(model: fields[0].filter { $0 != " " }, time: time(fields[1]), error: error, cuff: cuff)
  }

  /// `YYMMDDhhmm`.
  private static func time(_ text: String) -> DeviceDateTime? {
    let digits = text.utf8.map { $0 &- 0x30 }
    guard digits.count == 10, digits.allSatisfy({ $0 < 10 }) else { return nil }
    let pairs = stride(from: 0, to: 10, by: 2).map { digits[$0] * 10 + digits[$0 + 1] }
    guard (1...12).contains(pairs[1]), (1...31).contains(pairs[2]), pairs[3] < 24, pairs[4] < 60 else { return nil }
    return DeviceDateTime(
      year: 2000 + UInt16(pairs[0]), month: pairs[1], day: pairs[2], hours: pairs[3], minutes: pairs[4], seconds: 0)
  }

  static func values(_ frame: [UInt8]) -> [NamedValue] {
    guard let result = result(frame) else {
      return [NamedValue("fields", .list(fields(frame).map { .text($0) }))]
    }
    return [
      NamedValue("model", .text(result.model)),
      NamedValue("time", result.time.map { .text(String($0.description.dropLast(3))) } ?? .absent),
      NamedValue("errorCode", .text(result.error)),
    ] + result.cuff.values
  }

  static func evidence(_ frame: [UInt8]) -> Int { 40 }
}

/// Asks for the last result again and again, because the frame that comes by itself may be damaged or come while nobody listens.
struct AndTM265xDriver: FramedDriver {
  private static let pollTimer: DriverTimer = 1
  private static let answerTimer: DriverTimer = 2
  private static let pollMilliseconds = 10_000
  /// How long a frame is taken for the answer to a question.
  private static let answerMilliseconds = 2000
  /// How often a new result is asked for again when the answers to it are damaged; the next poll asks anyway.
  private static let mostRepeats = 5

  private let context: DriverContext
  var line = FramedLine<AndTM265xLine>()
  /// The last result that was given, to know a new one.
  private var last: [UInt8]?
  /// A new result, until the cuff says it once more; nil: it is from the memory or measured now.
  private var seen: (frame: [UInt8], isStored: Bool)?
  /// A question waits for its answer.
  private var isAsked = false
  /// Octets came since the last question, and how often it was asked again because they were no answer.
  private var isAnswerDamaged = false
  private var repeats = 0
  private var model: String?

  init(_ context: DriverContext) { self.context = context }

  mutating func handle(_ input: DriverInput) -> [DriverAction] {
    switch input {
    case .opened, .timer(AndTM265xDriver.pollTimer):
      return ask() + [.startTimer(AndTM265xDriver.pollTimer, milliseconds: AndTM265xDriver.pollMilliseconds)]
    case .timer(AndTM265xDriver.answerTimer):
      isAsked = false
      guard let (frame, isStored) = seen, let result = AndTM265xLine.result(frame) else { return [] }
      guard !isAnswerDamaged else {
        repeats += 1
        guard repeats > AndTM265xDriver.mostRepeats else { return ask() }
        seen = nil
        repeats = 0
        return []
      }
      // The cuff says nothing more, and nothing contradicts it.
      seen = nil
      last = frame
      return given(result, isStored: isStored, frame)
    case .received(let octets):
      isAnswerDamaged = true
      return frames(of: octets)
    default: return []
    }
  }

  private mutating func ask() -> [DriverAction] {
    isAsked = true
    isAnswerDamaged = false
    return [
      .transmit(AndTM265xLine.request("RB")),
      .startTimer(AndTM265xDriver.answerTimer, milliseconds: AndTM265xDriver.answerMilliseconds),
    ]
  }

  mutating func taken(_ frame: [UInt8]) -> [DriverAction] {
    guard let result = AndTM265xLine.result(frame) else { return [] }
    let isAnswer = isAsked
    isAsked = false
    isAnswerDamaged = false
    repeats = 0
    guard !context.everyFrame, !context.isRecording else {
      guard context.everyFrame || frame != last else { return [] }
      last = frame
      return given(result, isStored: nil, frame)
    }
    guard frame != last else {
      seen = nil
      return []
    }
    guard let seen, seen.frame == frame else {
      self.seen = (frame, isAnswer && last == nil)
      return ask()
    }
    self.seen = nil
    last = frame
    return given(result, isStored: seen.isStored, frame)
  }

  private mutating func given(_ result: AndTM265xLine.Result, isStored: Bool?, _ frame: [UInt8]) -> [DriverAction] {
    var actions: [DriverAction] = []
    if model != result.model {
      model = result.model
      actions.append(.property(.model(result.model)))
    }
    // A result that has just appeared was measured now: its stamp is what the clock shows.
    if isStored == false, let time = result.time { actions.append(.deviceClock(.local(time))) }
    let raw = RawSource(source: AndTM265xLine.id, octets: frame)
    guard result.error == "00" else {
      let message = "the cuff reports a failed measurement (E\(result.error)); it gives no value"
      return actions + [.problem(DriverProblem(code: "measurement-failed", message: message, raw: raw))]
    }
    return actions + result.cuff.decoded(time: result.time, stored: isStored, raw: raw).actions
  }

  static let family = SerialFamily(
    AndTM265xLine.self, .agreement,
    profile: DeviceProfile(
      id: AndTM265xLine.id, manufacturer: "A&D", names: ["TM-2655", "TM-2657", "InBody BPBIO (same frames)"],
      transport: .serial([SerialSettings(9600)]), recognition: [.frames("frames SYN SYN SOH with their check value")],
      kinds: [.bloodPressure], terms: [.systolic, .diastolic, .meanArterial, .cuffPulse], clock: .stampsOnly,
      memory: .records, verification: .captured,
      rule:
        "a result that differs from the one before it, by its time or values, is one measurement; the cuff is asked for it twice"
    ) { AndTM265xDriver($0) },
    query: HarmlessQuery(
      sentence: "asks the cuff for its last result; nothing of it is stored",
      questions: [AndTM265xLine.request("RB")], answerMilliseconds: 2000),
    commands: AndTM265xLine.hubCommand)
}

/// What a hub says to it.
extension AndTM265xLine {
  private static let commandNames = [
    "ST": "start", "SP": "stop", "RB": "read last result", "RP": "pulse-wave list", "RE": "RE (connection check)",
    "RC": "RC",
  ]

  /// A frame whose text is a command of two letters.
  static func hubCommand(_ octets: ArraySlice<UInt8>) -> HubCommand? {
    guard case .frame(let count) = step(octets) else { return nil }
    let frame = Array(octets.prefix(count))
    let fields = fields(frame)
    guard fields.count == 1, let name = commandNames[fields[0]], let sum = frame.last else { return nil }
    return HubCommand(count: count, name: name, values: [.number("bcc", sum)])
  }
}
