// SunTech Advantage OEM blood pressure modules: 9600 8N1. Source: tests of a public driver.
//
// The host's packets begin with 3A, the module's with 3E and their whole length; the last octet makes the sum zero. The pressure
// in the cuff is asked once a second; when it rose and fell, the result is asked once. A module starts by its own key or by
// another host: 3A 20, which inflates, is never sent.

internal import Octets
internal import Readings

/// The module's packets.
enum SunTechLine: LineProtocol {
  static let id = "suntech"
  /// Less than 3E, so that a start is never taken for a length.
  static let longestFrame = 32
  private static let start: UInt8 = 0x3E
  private static let resultLength = 24

  /// A question with its check value.
  static func request(_ octets: [UInt8]) -> [UInt8] { octets + [0 &- Checksum.sum8(octets)] }
  /// The pressure in the cuff.
  static let askPressure = request([0x3A, 0x79, 0x05, 0x00])
  /// The last result.
  static let askResult = request([0x3A, 0x79, 0x03, 0x00])

  static func step(_ octets: ArraySlice<UInt8>) -> FrameStep {
    let first = octets.startIndex
    let next = octets.dropFirst().firstIndex(of: start) ?? octets.endIndex
    guard octets[first] == start else {
      return .skip(next - first, code: "malformed", message: "octets outside of a packet")
    }
    guard octets.count >= 2 else { return .wait }
    let length = Int(octets[first + 1])
    guard (4...longestFrame).contains(length) else {
      return .skip(next - first, DecodeError(field: "length", offset: 1, reason: .invalidValue(Int64(length))))
    }
    guard octets.count >= length else { return .wait }
    let packet = octets.prefix(length)
    guard Checksum.sum8(packet) == 0 else {
      let found = packet.last ?? 0
      let computed = 0 &- Checksum.sum8(packet.dropLast())
      return .skip(
        next - first,
        DecodeError(
          field: "sum", offset: length - 1, reason: .checksum(computed: UInt32(computed), found: UInt32(found))))
    }
    return .frame(length)
  }

  /// mmHg in the cuff.
  static func pressure(_ frame: [UInt8]) -> Int? {
    frame.count == 5 ? Int(frame[2]) | Int(frame[3]) << 8 : nil
  }

  /// The last result, and the module's word for what went wrong; 0 is nothing.
  static func result(_ frame: [UInt8]) -> (cuff: CuffResult, error: UInt8)? {
    guard frame.count == resultLength else { return nil }
    func word(_ at: Int) -> Int { Int(frame[at]) | Int(frame[at + 1]) << 8 }
    let mean = word(18)
    let cuff = CuffResult(
      systolic: word(2), diastolic: word(4), mean: mean == 0 ? nil : mean, pulse: frame[16] == 0 ? nil : Int(frame[16]))
    return (cuff, frame[20])
  }

  static func values(_ frame: [UInt8]) -> [NamedValue] {
    if let pressure = pressure(frame) { return [NamedValue("cuffPressure", .integer(Int64(pressure)))] }
    guard let (cuff, error) = result(frame) else { return [] }
    return cuff.values + [
      NamedValue("beats", .integer(Int64(frame[6]))), NamedValue("bpStatus", .integer(Int64(frame[7]))),
      NamedValue("errorCode", .integer(Int64(error))),
    ]
  }

  /// The sum and 3E; a known length counts more.
  static func evidence(_ frame: [UInt8]) -> Int { frame.count == 5 || frame.count == 24 ? 22 : 12 }
}

/// Watches the cuff's pressure.
struct SunTechDriver: FramedDriver {
  private static let pollTimer: DriverTimer = 1
  private static let pollMilliseconds = 1000
  /// A cuff with more is measuring; with less, so often in a row, it has ended. mmHg.
  private static let inflated = 20
  private static let deflated = 10
  private static let deflatedPolls = 3

  private let context: DriverContext
  var line = FramedLine<SunTechLine>()
  private var isMeasuring = false
  private var low = 0
  /// How often the result may still be asked for.
  private var questions = 0
  /// The last result of a recording.
  private var last: [UInt8] = []

  init(_ context: DriverContext) { self.context = context }

  mutating func handle(_ input: DriverInput) -> [DriverAction] {
    switch input {
    case .opened, .timer(SunTechDriver.pollTimer):
      let question = questions > 0 ? SunTechLine.askResult : SunTechLine.askPressure
      questions = max(0, questions - 1)
      return [
        .transmit(question), .startTimer(SunTechDriver.pollTimer, milliseconds: SunTechDriver.pollMilliseconds),
      ]
    case .received(let octets):
      return frames(of: octets)
    default: return []
    }
  }

  mutating func taken(_ frame: [UInt8]) -> [DriverAction] {
    if let pressure = SunTechLine.pressure(frame) {
      watch(pressure)
      return []
    }
    guard let (cuff, error) = SunTechLine.result(frame) else { return [] }
    if context.isRecording || context.everyFrame {
      guard context.everyFrame || frame != last else { return [] }
      last = frame
    } else {
      // What was in the module when the port opened may be anybody's: only a result behind a measurement that was seen counts.
      guard isMeasuring, low >= SunTechDriver.deflatedPolls else { return [] }
      isMeasuring = false
      questions = 0
    }
    let raw = RawSource(source: SunTechLine.id, octets: frame)
    guard error == 0 else {
      let message = "the module reports a failed measurement (error \(error)); it gives no value"
      return [.problem(DriverProblem(code: "measurement-failed", message: message, raw: raw))]
    }
    return cuff.decoded(stored: context.isRecording ? nil : false, raw: raw).actions
  }

  private mutating func watch(_ pressure: Int) {
    if pressure >= SunTechDriver.inflated {
      isMeasuring = true
      low = 0
      questions = 0
    } else if isMeasuring, pressure < SunTechDriver.deflated {
      low = min(low + 1, SunTechDriver.deflatedPolls)
      if low == SunTechDriver.deflatedPolls, questions == 0 { questions = 3 }
    }
  }

  static let family = SerialFamily(
    SunTechLine.self, .unchecked(falsePerThousand: 1),
    profile: DeviceProfile(
      id: SunTechLine.id, manufacturer: "SunTech", names: ["Advantage OEM modules"],
      transport: .serial([SerialSettings(9600)]), recognition: [.frames("packets beginning with 3E and their sum")],
      kinds: [.bloodPressure], terms: [.systolic, .diastolic, .meanArterial, .cuffPulse], clock: .none, memory: .none,
      verification: .unverified,
      rule: "the module's result after the pressure in the cuff rose above 20 mmHg and fell below 10 mmHg for 3 s"
    ) { SunTechDriver($0) },
    query: HarmlessQuery(
      sentence: "asks the module for the pressure in its cuff",
      questions: [SunTechLine.askPressure, SunTechLine.askPressure], answerMilliseconds: 1000),
    commands: SunTechLine.hubCommand)
}

/// What a hub says to it.
extension SunTechLine {
  /// 3A, a command with its arguments, and what makes the sum zero.
  static func hubCommand(_ octets: ArraySlice<UInt8>) -> HubCommand? {
    let frame = Array(octets.prefix(6))
    func command(_ count: Int, _ name: String) -> HubCommand? {
      guard frame.count >= count, Checksum.sum8(frame.prefix(count)) == 0 else { return nil }
      return HubCommand(count: count, name: name)
    }
    guard frame.count >= 3, frame[0] == 0x3A else { return nil }
    switch (frame[1], frame[2]) {
    case (0x20, _): return command(3, "start BP measurement")
    case (0x79, 0x05): return command(5, "get cuff pressure")
    case (0x79, 0x03): return command(5, "get result")
    // What each valve does; 00 01 01 closes all.
    case (0x0C, 0x00) where frame.starts(with: [0x3A, 0x0C, 0x00, 0x01, 0x01]):
      return command(6, "control pneumatics, all closed")
    case (0x0C, _): return command(6, "control pneumatics")
    default: return nil
    }
  }
}
