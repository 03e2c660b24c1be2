// The conversation with a V7 oximeter: stop everything, ask who it is, take what it has stored when that is wished, then live
// data, kept alive every 5 s. The converter is in the cable: the port is there while the device is off, so a device that is
// silent is asked again from the start.

internal import Octets
internal import Readings

struct ContecV7Driver: Driver {
  static let id = "contec-v7"
  private static let answerTimer: DriverTimer = 1
  private static let keepAlive: DriverTimer = 2
  /// The document: give up when no answer comes within 1 s; say that the host is there every 5 s.
  private static let answerMilliseconds = 1000
  private static let keepAliveMilliseconds = 5000
  /// Stored data that stops for so long is over.
  private static let downloadMilliseconds = 2000
  /// How long a silent device is left alone.
  private static let sleepMilliseconds = 30_000

  /// A command and the type of packet that ends its answer.
  private struct Question: Sendable {
    var code: UInt8
    var arguments: [UInt8] = []
    var answer: UInt8
  }

  private let context: DriverContext
  private var line = FramedLine<ContecV7Line>()
  private var spotCheck: SpotCheckRule
  private var download: ContecDownload?
  private var model = ""
  private var hasStored = false
  /// What is still to be asked, the question that waits for its answer first.
  private var questions: [Question] = []
  private var memory = ContecMemory()
  /// Something came since the last keep-alive.
  private var isHeard = false

  init(_ context: DriverContext) {
    self.context = context
    spotCheck = SpotCheckRule(samplesPerSecond: 60, intervalSeconds: context.continuousInterval)
  }

  /// Nine octets: 7D, high bits 81, the command, arguments with bit 7 set.
  static func command(_ code: UInt8, _ arguments: [UInt8] = []) -> [UInt8] {
    let padded = (arguments + [UInt8](repeating: 0, count: 6)).prefix(6)
    return [0x7D, 0x81, code | 0x80] + padded.map { $0 | 0x80 }
  }

  var abilities: DeviceAbilities { [.count, .erase] }

  mutating func handle(_ input: DriverInput) -> [DriverAction] {
    switch input {
    case .opened: return begin()
    case .timer(ContecV7Driver.answerTimer): return silence()
    case .committed:
      memory.committed()
      return []
    case .request(let request): return requested(request)
    case .timer(ContecV7Driver.keepAlive): return keptAlive()
    case .received(let octets):
      line.append(octets)
      var actions: [DriverAction] = []
      while let item = line.next() {
        switch item {
        case .problem(let problem): actions.append(.problem(problem))
        case .frame(let frame):
          isHeard = true
          actions += packet(ContecPacket(frame), frame)
        }
      }
      return actions
    case .closed:
      // A session has its questions cut off; what a recording held of stored data is complete.
      return context.isRecording ? download?.finish() ?? [] : []
    default: return []
    }
  }

  /// The order that works on real devices.
  private mutating func begin() -> [DriverAction] {
    download = nil
    memory.begin()
    questions = [
      Question(code: 0xA7, answer: 0x0C), Question(code: 0xA2, answer: 0x0C), Question(code: 0xA0, answer: 0x06),
      Question(code: 0xB0, answer: 0x11), Question(code: 0xAC, answer: 0x0E), Question(code: 0xA8, answer: 0x02),
      Question(code: 0xA9, answer: 0x03), Question(code: 0xAA, answer: 0x04), Question(code: 0xA1, answer: 0x01),
    ]
    return ask() + [.startTimer(ContecV7Driver.keepAlive, milliseconds: ContecV7Driver.keepAliveMilliseconds)]
  }

  private func ask() -> [DriverAction] {
    guard let question = questions.first else { return [.stopTimer(ContecV7Driver.answerTimer)] }
    return [
      .transmit(ContecV7Driver.command(question.code, question.arguments)),
      .startTimer(ContecV7Driver.answerTimer, milliseconds: ContecV7Driver.answerMilliseconds),
    ]
  }

  private mutating func silence() -> [DriverAction] {
    switch questions.first?.code {
    case 0xA6: return endDownload()
    case 0xAE: return [.answer(.refused(.deleteStored, "the device does not answer"))] + answered()
    default: return answered()
    }
  }

  /// Erasing, when a technician asks for it and everything is read and on disk; nothing else is asked of this device.
  private mutating func requested(_ request: DriverRequest) -> [DriverAction] {
    switch request {
    case .countStored:
      guard let count = memory.count else { return [.answer(.refused(request, ContecMemory.unread))] }
      return [.answer(.storedCount(UInt32(count)))]
    case .deleteStored:
      guard questions.isEmpty, memory.isWholeOnDisk else { return [.answer(.refused(request, ContecMemory.unread))] }
      questions = [Question(code: 0xAE, arguments: [0, 0xFF], answer: 0x0B)]
      return ask()
    case .consent, .registerUser, .abort:
      return [.answer(.refused(request, "this device has nothing of the kind"))]
    }
  }

  /// The question that waited has its answer, or will never have one: devices leave out what they do not know.
  private mutating func answered() -> [DriverAction] {
    guard !questions.isEmpty else { return [] }
    questions.removeFirst()
    return ask()
  }

  private mutating func keptAlive() -> [DriverAction] {
    let next = { (milliseconds: Int) in DriverAction.startTimer(ContecV7Driver.keepAlive, milliseconds: milliseconds) }
    // Nothing else may be sent while stored data comes; questions keep the device awake themselves.
    guard download == nil, questions.isEmpty else { return [next(ContecV7Driver.keepAliveMilliseconds)] }
    guard isHeard else {
      // Off or asleep. Its live data ended with it: ask from the start, then leave it alone for a while.
      return begin().dropLast() + [next(ContecV7Driver.sleepMilliseconds)]
    }
    isHeard = false
    return [.transmit(ContecV7Driver.command(0xAF)), next(ContecV7Driver.keepAliveMilliseconds)]
  }

  private mutating func packet(_ packet: ContecPacket, _ frame: [UInt8]) -> [DriverAction] {
    var actions: [DriverAction] = []
    switch packet.type {
    case 0x01: actions = live(packet, frame)
    case 0x02:
      let isFirst = packet.data.first == 0
      if isFirst { model = packet.text(from: 1, asSent: true) }
      // The second half, marked 255, ends it; without the first it tells nothing.
      guard packet.data.first == 0xFF, !model.isEmpty else { break }
      actions = [.property(.model("CMS\(model)\(packet.text(from: 1))"))]
      model = ""
    case 0x03:
      let vendor = packet.text(from: 0)
      if !vendor.isEmpty { actions = [.property(.manufacturer(vendor))] }
    case 0x11: hasStored = packet.data.count > 1 && packet.data[1] & 0x7F != 0
    case 0x0A where packet.data.count == 2: segments(packet.data[1])
    case 0x0B where questions.first?.code == 0xAE && packet.data.count == 2:
      let isDone = packet.data[1] == 0
      if isDone { memory = ContecMemory() }
      let reason = "the device does not erase (reason \(packet.data[1]))"
      actions = [.answer(isDone ? .storedDeleted : .refused(.deleteStored, reason))]
    case 0x07, 0x08, 0x12:
      if download == nil || packet.type == 0x08 { download = ContecDownload(context) }
      download?.announce(packet, frame)
    case 0x09, 0x0F: return stored(packet, frame)
    default: break
    }
    guard let question = questions.first, question.answer == packet.type else { return actions }
    return actions + asked(question)
  }

  /// What follows the answer to a question.
  private mutating func asked(_ question: Question) -> [DriverAction] {
    // With the identity known, stored data is asked for before live data when it is wished.
    if question.code == 0xAA, context.storedRecords, hasStored {
      questions.insert(Question(code: 0xA3, answer: 0x0A), at: 1)
    }
    // What was read since the port was opened is not read again when the device was switched off and on.
    if question.code == 0xA5, memory.knows(download), questions.count > 3 {
      download = nil
      questions.removeSubrange(1...2)
    }
    let actions = answered()
    guard questions.first?.code == 0xA6 else { return actions }
    return actions + [
      .startTimer(ContecV7Driver.answerTimer, milliseconds: ContecV7Driver.downloadMilliseconds)
    ]
  }

  /// Length, start and samples of each segment; each download is ended by A7.
  private mutating func segments(_ count: UInt8) {
    guard questions.first?.code == 0xA3 else { return }
    memory.count = Int(count)
    let each = (0..<count).flatMap { segment in
      [
        Question(code: 0xA4, arguments: [0, segment], answer: 0x08),
        Question(code: 0xA5, arguments: [0, segment], answer: 0x12),
        Question(code: 0xA6, arguments: [0, segment], answer: 0x00), Question(code: 0xA7, answer: 0x0C),
      ]
    }
    questions.insert(contentsOf: each, at: 1)
  }

  private mutating func stored(_ packet: ContecPacket, _ frame: [UInt8]) -> [DriverAction] {
    if context.everyFrame { return packet.storedReadings(frame).compactMap { $0.map { .reading($0) } } }
    // One wrong bit makes stored samples of a live packet: what was not asked for is none.
    guard context.isRecording || questions.first?.code == 0xA6 else { return [] }
    if download == nil { download = ContecDownload(context) }
    let actions = download?.add(packet, frame) ?? []
    if !actions.isEmpty { memory.gave() }
    if download?.isComplete ?? false { return actions + endDownload() }
    guard questions.first?.code == 0xA6 else { return actions }
    return actions + [
      .startTimer(ContecV7Driver.answerTimer, milliseconds: ContecV7Driver.downloadMilliseconds)
    ]
  }

  private mutating func endDownload() -> [DriverAction] {
    let actions = download?.finish() ?? []
    if let download, download.isComplete { memory.completed(download) }
    download = nil
    return questions.first?.code == 0xA6 ? actions + answered() : actions
  }

  private mutating func live(_ packet: ContecPacket, _ frame: [UInt8]) -> [DriverAction] {
    let reading = packet.reading(frame)
    if context.everyFrame { return reading.map { [.reading($0)] } ?? [] }
    // A value that is shown while the device searches is an old one.
    let steady = reading.flatMap { $0.flags.isEmpty ? $0 : nil }
    let searches = reading?.flags.contains(.signalSearching) ?? false
    return spotCheck.add(steady, isSearching: searches).map { [.reading($0)] } ?? []
  }

  static let family = SerialFamily(
    ContecV7Line.self, .agreement,
    profile: DeviceProfile(
      id: id, manufacturer: "Contec", names: ["CMS50D+ (firmware 4.6 and later)", "CMS50E/F/H/I/EW", "Pulox rebrands"],
      transport: .serial([SerialSettings(115_200)]),
      recognition: [.frames("V7 packets"), .usb(vendor: 0x10C4, product: 0xEA60)], kinds: [.pulseOximetry],
      terms: [.spo2, .oximeterPulse, .perfusionIndex], clock: .stampsOnly, memory: .records, verification: .captured,
      rule: SpotCheckRule.sentence
    ) { ContecV7Driver($0) },
    query: HarmlessQuery(
      sentence: "asks the oximeter for its model, maker and number",
      questions: [0xA7, 0xA2, 0xA0, 0xA8, 0xA9, 0xAA].map { ContecV7Driver.command($0) }, answerMilliseconds: 1000),
    commands: ContecV7Line.hubCommand)
}
