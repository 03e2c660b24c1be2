// The conversation with a Beurer BM65 on a cable: is somebody there, who, how many records, then each. The cable is a port also
// while the cuff is off: it is called once a minute. Records that were given are known again by their octets, here and in the
// hub; so that a memory that shifts its numbers when it is full costs questions and doubles nothing.

internal import Octets
internal import Readings

struct BeurerSerialDriver: Driver {
  private static let answerTimer: DriverTimer = 1
  private static let pollTimer: DriverTimer = 2
  private static let answerMilliseconds = 1000
  private static let pollMilliseconds = 60_000

  /// A question, with the length of its answer.
  private enum Question: Sendable, Hashable {
    case ping
    case description
    case count
    case record(UInt8)

    var octets: [UInt8] {
      switch self {
      case .ping: [0xAA]
      case .description: [0xA4]
      case .count: [0xA2]
      case .record(let number): [0xA3, number]
      }
    }
    var length: Int {
      switch self {
      case .ping, .count: 1
      case .description: BeurerSerialLine.descriptionLength
      case .record: BeurerSerialLine.recordLength
      }
    }
  }

  private let context: DriverContext
  private var line = FramedLine<BeurerSerialLine>()
  private var asked: Question?
  private var times = 0
  private var octets: [UInt8] = []
  /// The records as they were read last; a memory that still has the same first and last one is not read again.
  private var known: [[UInt8]] = []
  private var reading: [[UInt8]] = []
  private var records: UInt8 = 0
  private var isDescribed = false
  /// It is told once a call that something else talks on the line.
  private var isForeignTold = false

  init(_ context: DriverContext) { self.context = context }

  mutating func handle(_ input: DriverInput) -> [DriverAction] {
    switch input {
    case .opened: return ask(.ping) + [pollLater]
    case .timer(BeurerSerialDriver.pollTimer): return (asked == nil ? ask(.ping) : []) + [pollLater]
    case .timer(BeurerSerialDriver.answerTimer): return silence()
    case .received(let more) where context.isRecording: return recorded(more)
    case .received(let more): return received(more)
    default: return []
    }
  }

  private var pollLater: DriverAction {
    .startTimer(BeurerSerialDriver.pollTimer, milliseconds: BeurerSerialDriver.pollMilliseconds)
  }

  private mutating func ask(_ question: Question) -> [DriverAction] {
    asked = question
    if question == .ping { isForeignTold = false }
    times = 1
    octets = []
    return send(question)
  }

  private func send(_ question: Question) -> [DriverAction] {
    [
      .transmit(question.octets),
      .startTimer(BeurerSerialDriver.answerTimer, milliseconds: BeurerSerialDriver.answerMilliseconds),
    ]
  }

  /// Half an answer or none: asked three times, then the cuff is off. What it has is read anew when it is back.
  private mutating func silence() -> [DriverAction] {
    guard let question = asked else { return [] }
    octets = []
    guard times < 3, question != .ping else {
      asked = nil
      known = []
      let isCut = question != .ping
      let problem = DriverProblem(code: "no-answer", message: "the cuff stopped answering while its memory was read")
      return isCut ? [.problem(problem)] : []
    }
    times += 1
    return send(question)
  }

  /// Octets that nobody asked for are no answer; what comes behind an answer is dropped.
  private mutating func received(_ more: [UInt8]) -> [DriverAction] {
    guard let question = asked else { return foreign(more) }
    octets += more.prefix(max(0, question.length - octets.count))
    guard octets.count == question.length else { return [] }
    let answer = octets
    asked = nil
    return [.stopTimer(BeurerSerialDriver.answerTimer)] + answered(question, answer)
  }

  /// Something else may talk on the line until the cuff has said who it is; behind that it is the noise of a plug.
  private mutating func foreign(_ octets: [UInt8]) -> [DriverAction] {
    guard !isForeignTold, !isDescribed else { return [] }
    isForeignTold = true
    let raw = RawSource(source: BeurerSerialLine.id, octets: Array(octets.prefix(BeurerSerialLine.longestFrame)))
    let message = "octets that are no answer of this protocol"
    return [.problem(DriverProblem(code: "malformed", message: message, raw: raw))]
  }

  private mutating func answered(_ question: Question, _ answer: [UInt8]) -> [DriverAction] {
    switch question {
    case .ping:
      guard answer == [0x55] else { return foreign(answer) }
      return ask(isDescribed ? .count : .description)
    case .description:
      isDescribed = true
      let text = BeurerSerialLine.text(answer)
      return (text.isEmpty ? [] : [.property(.model(text))]) + ask(.count)
    case .count:
      records = answer[0]
      reading = []
      return records == 0 ? [] : ask(.record(1))
    case .record(let number): return record(number, answer)
    }
  }

  private mutating func record(_ number: UInt8, _ answer: [UInt8]) -> [DriverAction] {
    reading.append(answer)
    let isFirst = reading.count == 1
    // Two looks tell whether anything is new: the number of records, and the first and the last of them.
    if isFirst, known.count == Int(records), known.first == answer, number < records { return ask(.record(records)) }
    if number == records, known.count == Int(records), known.first == reading.first, known.last == answer {
      return []
    }
    let isSecondLook = number == records && reading.count < Int(records)
    if isSecondLook {
      reading = Array(reading.prefix(1))
      return give(reading[0]) + ask(.record(2))
    }
    guard number < records else {
      defer { known = reading }
      return give(answer)
    }
    return give(answer) + ask(.record(number + 1))
  }

  private func give(_ octets: [UInt8]) -> [DriverAction] {
    guard !known.contains(octets) else { return [] }
    let raw = RawSource(source: BeurerSerialLine.id, octets: octets)
    guard let (cuff, time) = BeurerSerialLine.record(octets) else {
      let message = "a record whose values or date cannot be; it is not taken"
      return [.problem(DriverProblem(code: "implausible-frame", message: message, raw: raw))]
    }
    return cuff.decoded(time: time, stored: true, raw: raw).actions
  }

  private mutating func recorded(_ more: [UInt8]) -> [DriverAction] {
    line.append(more)
    var actions: [DriverAction] = []
    while let item = line.next() {
      switch item {
      case .problem(let problem): actions.append(.problem(problem))
      case .frame(let frame) where frame.count == BeurerSerialLine.recordLength:
        if context.everyFrame || !known.contains(frame) { actions += give(frame) }
        if !context.everyFrame { known.append(frame) }
      case .frame: continue
      }
    }
    return actions
  }

  static let family = SerialFamily(
    BeurerSerialLine.self, .unchecked(falsePerThousand: 21),
    profile: DeviceProfile(
      id: BeurerSerialLine.id, manufacturer: "Beurer", names: ["BM65 (serial edition)"],
      transport: .serial([SerialSettings(4800)]), recognition: [.frames("answers to AA, A4, A2 and A3")],
      kinds: [.bloodPressure], terms: [.systolic, .diastolic, .cuffPulse], clock: .stampsOnly, memory: .records,
      verification: .unverified, rule: "one stored record is one measurement, given once"
    ) { BeurerSerialDriver($0) },
    query: HarmlessQuery(
      sentence: "asks the cuff whether it is there and for its description",
      questions: [[0xAA], [0xA4]], answerMilliseconds: 1000),
    commands: BeurerSerialLine.hubCommand)
}
