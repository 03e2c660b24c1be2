// A&D UA-767PC: after a measurement the cuff sends ten hexadecimal digits by itself, 9600 8N2. Sources: two public readers that
// agree, the maker's sheet as quoted in a forum.
//
// Digits in pairs: status (80 valid, 81 to 83 not), systolic minus diastolic, diastolic, pulse, and one that no source names.
// There is neither check value nor line end nor time: ten digits count only between two silences, and only when they can be a
// person's; the rest of a result is waited for up to 5 s. One damaged digit may pass. Answers are `01 37 30 50 43` and 06 or 15. Nothing is sent: commands of the same form start the pump.

internal import Octets
internal import Readings

/// What the cuff sends.
enum AndUA767Line: LineProtocol {
  static let id = "and-ua767"
  static let longestFrame = 64
  private static let digits = 10
  private static let answer: [UInt8] = [0x01, 0x37, 0x30, 0x50, 0x43]

  static func isDigit(_ octet: UInt8) -> Bool {
    (0x30...0x39).contains(octet) || (0x41...0x46).contains(octet) || (0x61...0x66).contains(octet)
  }

  static func step(_ octets: ArraySlice<UInt8>) -> FrameStep {
    let start = octets.startIndex
    let filler = octets.prefix { [0x00, 0x0A, 0x0D, 0x20].contains($0) }.count
    guard filler == 0 else { return .pass(filler) }
    if octets[start] == answer[0] {
      let head = octets.prefix(6)
      guard zip(answer, head).allSatisfy({ $0 == $1 }) else {
        return .skip(1, code: "malformed", message: "octets without a frame of this protocol")
      }
      guard head.count == 6 else { return .wait }
      return [0x06, 0x15].contains(head[start + 5])
        ? .frame(6) : .skip(6, code: "malformed", message: "neither yes nor no")
    }
    let run = octets.prefix(while: isDigit)
    guard !run.isEmpty else {
      let garbage = octets.prefix { !isDigit($0) && $0 != answer[0] }.count
      return .skip(garbage, code: "malformed", message: "octets without a frame of this protocol")
    }
    guard run.count >= digits else {
      return run.endIndex == octets.endIndex
        ? .wait : .skip(run.count, code: "truncated", message: "fewer than ten digits")
    }
    let surplus = run.count % digits
    if surplus == 0, result(run.prefix(digits)) != nil { return .frame(digits) }
    // A half result before a whole one, only when there is one way to read them.
    if surplus > 0, result(run.suffix(digits)) != nil, result(run.prefix(digits)) == nil {
      return .skip(run.count - digits, code: "truncated", message: "the rest of a result that was cut")
    }
    return .skip(run.count, code: "malformed", message: "digits that are no result")
  }

  /// Ten digits that may be a result: its status is known, and a valid one is possible.
  static func result(_ frame: some Sequence<UInt8>) -> (status: UInt8, result: CuffResult, last: UInt8)? {
    guard let octets = try? Hex.decode(String(decoding: Array(frame), as: UTF8.self)), octets.count == 5,
      (0x80...0x83).contains(octets[0])
    else { return nil }
    let result = CuffResult(
      systolic: Int(octets[1]) + Int(octets[2]), diastolic: Int(octets[2]), pulse: Int(octets[3]))
    return octets[0] != 0x80 || result.isWithinPlausibleRange ? (octets[0], result, octets[4]) : nil
  }

  /// Octets that the rest of a result, or of an answer, may follow.
  static func isBeginning(_ frame: [UInt8]) -> Bool {
    frame.count < digits && frame.first == 0x38 && frame.allSatisfy(isDigit)
      || frame.count < 6 && answer.starts(with: frame)
  }

  static func values(_ frame: [UInt8]) -> [NamedValue] {
    if frame.count == 6 { return [NamedValue("ack", .flag(frame.last == 0x06))] }
    guard let (status, result, last) = result(frame) else { return [] }
    return [NamedValue("status", .text(Hex.encode([status])))] + result.values
      + [NamedValue("lastField", .integer(Int64(last)))]
  }

  /// No check value: one result is not enough.
  static func evidence(_ frame: [UInt8]) -> Int { frame.count == 6 ? 48 : 16 }
}

/// Listens to the cuff.
struct AndUA767Driver: Driver {
  private static let silenceTimer: DriverTimer = 1
  private static let silenceMilliseconds = 500
  /// How long the rest of a result is waited for: adapters and busy hubs hold octets back.
  private static let restMilliseconds = 5000

  private let context: DriverContext
  private var line = FramedLine<AndUA767Line>()
  /// What came since the last silence.
  private var burst: [UInt8] = []
  private var isGarbageReported = false
  /// The rest of a result is waited for.
  private var isWaiting = false
  /// So much of the burst came before the line was silent for a moment.
  private var beginning = 0

  init(_ context: DriverContext) { self.context = context }

  mutating func handle(_ input: DriverInput) -> [DriverAction] {
    switch input {
    case .received(let octets) where context.isRecording:
      line.append(octets)
      return frames()
    case .received(let octets):
      // One more than a frame can be is enough to know that it is none.
      burst += octets.prefix(max(0, AndUA767Line.longestFrame + 1 - burst.count))
      isWaiting = false
      return [
        .startTimer(AndUA767Driver.silenceTimer, milliseconds: AndUA767Driver.silenceMilliseconds)
      ]
    case .timer(AndUA767Driver.silenceTimer): return silence(isEnd: false)
    case .closed: return silence(isEnd: true)
    default: return []
    }
  }

  /// A burst counts when it is one result or one answer and nothing else.
  private mutating func silence(isEnd: Bool) -> [DriverAction] {
    var frame = AndUA767Driver.withoutFiller(burst)
    // The beginning of a result: it was held up on its way.
    if !isEnd, !isWaiting, beginning == 0, AndUA767Line.isBeginning(frame) {
      isWaiting = true
      beginning = burst.count
      return [.startTimer(AndUA767Driver.silenceTimer, milliseconds: AndUA767Driver.restMilliseconds)]
    }
    defer {
      isWaiting = false
      beginning = 0
      burst = []
    }
    // It was cut, and what came behind the silence is a whole one.
    let rest = AndUA767Driver.withoutFiller(burst.dropFirst(beginning))
    var actions: [DriverAction] = []
    if beginning > 0, frame.count != 10, AndUA767Line.result(rest) != nil {
      actions = garbage(burst.prefix(beginning))
      frame = rest
    }
    guard !frame.isEmpty else { return [] }
    if frame.count == 10 && frame.allSatisfy(AndUA767Line.isDigit) || frame.count == 6 && frame[0] == 0x01 {
      line = FramedLine<AndUA767Line>()
      line.append(frame)
      return actions + frames()
    }
    return garbage(burst[...])
  }

  private static func withoutFiller(_ octets: some Sequence<UInt8>) -> [UInt8] {
    octets.filter { ![0x00, 0x0A, 0x0D, 0x20].contains($0) }
  }

  /// Told once until a result comes.
  private mutating func garbage(_ octets: ArraySlice<UInt8>) -> [DriverAction] {
    guard !isGarbageReported else { return [] }
    isGarbageReported = true
    let raw = RawSource(source: DriverProblem.garbage, octets: Array(octets.prefix(32)))
    return [
      .problem(DriverProblem(code: "malformed", message: "octets that are no result of this cuff", raw: raw))
    ]
  }

  private mutating func frames() -> [DriverAction] {
    var actions: [DriverAction] = []
    while let item = line.next() {
      switch item {
      case .problem(let problem): actions.append(.problem(problem))
      case .frame(let frame):
        isGarbageReported = false
        guard let (status, result, _) = AndUA767Line.result(frame) else { continue }
        let raw = RawSource(source: AndUA767Line.id, octets: frame)
        let decoded = status == 0x80 ? result.decoded(raw: raw) : ReadingBuilder.failed("measurement", raw)
        actions += decoded.actions
      }
    }
    return actions
  }

  static let family = SerialFamily(
    AndUA767Line.self, .unchecked(falsePerThousand: 16),
    profile: DeviceProfile(
      id: AndUA767Line.id, manufacturer: "A&D", names: ["UA-767PC"],
      transport: .serial([SerialSettings(9600, stopBits: 2), SerialSettings(9600)]),
      recognition: [.frames("ten hexadecimal digits between silences")], kinds: [.bloodPressure],
      terms: [.systolic, .diastolic, .cuffPulse], clock: .none, memory: .none, verification: .unverified,
      rule: "ten digits between two silences are one measurement"
    ) { AndUA767Driver($0) },
    query: HarmlessQuery(
      sentence: "wakes the cuff, opens the conversation with it and closes it again",
      // What comes first only wakes it.
      questions: [
        [0x43, 0x50, 0x43, 0x30, 0x35, 0x3B], [0x43, 0x50, 0x43, 0x30, 0x35, 0x3B],
        [0x43, 0x50, 0x43, 0x30, 0x34, 0x3A],
      ]
      .map { [0x02] + $0 },
      answerMilliseconds: 1000),
    commands: AndUA767Line.hubCommand)
}

/// What a hub says to it.
extension AndUA767Line {
  /// STX, `CPC0`, a digit and the sum of the five; or the answers ACK and NAK, which both sides send.
  static func hubCommand(_ octets: ArraySlice<UInt8>) -> HubCommand? {
    let frame = Array(octets.prefix(7))
    guard frame.count == 7, frame[0] == 0x02, frame[1...4].elementsEqual("CPC0".utf8),
      frame[6] == Checksum.sum8(frame[1...5])
    else { return nil }
    switch frame[5] {
    case 0x35: return HubCommand(count: 7, name: "open communication", values: [.number("checksum", frame[6])])
    case 0x34: return HubCommand(count: 7, name: "close communication", values: [.number("checksum", frame[6])])
    default: return nil
    }
  }
}
