// The conversation with an oximeter that notifies its own frames over BLE: subscribe, start the stream where it has to be started,
// keep it going where it has to be, and leave it to the rule for streams what is one measurement.

internal import Octets
internal import Readings

/// A family of oximeters over BLE: its frames are those of an `OximeterLine`; where they come from stands here.
protocol NotifyingOximeterLine: OximeterLine {
  /// Where the frames come from.
  static var stream: CharacteristicID { get }
  /// Where commands go.
  static var commands: CharacteristicID? { get }
  /// What starts the stream.
  static var start: [[UInt8]] { get }
  /// What keeps it going, or asks for the next value.
  static var repeated: (octets: [UInt8], milliseconds: Int)? { get }
  /// It is said only when nothing has come for so long.
  static var repeatsInSilence: Bool { get }
  /// What is spoken to, such as `a Contec CMS50D-BT`.
  static var device: String { get }
  /// A notification holds frames; others are waveforms and the like.
  static func holdsFrames(_ notification: [UInt8]) -> Bool
}

extension NotifyingOximeterLine {
  /// Nobody is recognised by what is notified.
  static func evidence(_ frame: [UInt8]) -> Int { 0 }
  static var commands: CharacteristicID? { nil }
  static var start: [[UInt8]] { [] }
  static var repeated: (octets: [UInt8], milliseconds: Int)? { nil }
  static var repeatsInSilence: Bool { false }
  static func holdsFrames(_ notification: [UInt8]) -> Bool { true }
}

/// Listens to an oximeter over BLE.
struct NotifyingOximeter<Line: NotifyingOximeterLine>: Driver {
  private static var repeatTimer: DriverTimer { 30 }
  private static var silenceTimer: DriverTimer { 31 }
  private static var silenceMilliseconds: Int { 60_000 }

  private let context: DriverContext
  private var frames: SpotCheckDriver<Line>
  private var characteristics: [CharacteristicID: UInt8] = [:]
  /// Something came since the timer was set; without it the link is held for nothing.
  private var wasHeard = false
  private var proof: ProtocolProof

  init(_ context: DriverContext) {
    self.context = context
    frames = SpotCheckDriver(context)
    proof = ProtocolProof(Line.device, isAsked: !Line.start.isEmpty)
  }

  mutating func handle(_ input: DriverInput) -> [DriverAction] {
    switch input {
    case .connected(let discovered):
      characteristics = Dictionary(discovered.map { ($0.id, $0.properties) }, uniquingKeysWith: { first, _ in first })
      guard let properties = characteristics[Line.stream] else {
        return [.problem(UnsupportedServices.problem(characteristics.keys)), .finish]
      }
      return [.subscribe(Line.stream, indications: properties & 0x30 == 0x20), listenOn, proof.start]
        + DeviceProperty.reads(Set(characteristics.keys)) + context.refusals
    case .subscribed(Line.stream): return Line.start.flatMap { write($0) } + repeatLater
    case .timer(NotifyingOximeter.repeatTimer): return (Line.repeated.map { write($0.octets) } ?? []) + repeatLater
    case .timer(NotifyingOximeter.silenceTimer):
      defer { wasHeard = false }
      return wasHeard ? [listenOn] : [.finish]
    case .timer(ProtocolProof.timer): return proof.timeout()
    case .closed: return proof.closed()
    case .value(Line.stream, let octets, _):
      noteHeard()
      let actions = Line.holdsFrames(octets) ? frames.handle(.received(octets)) : []
      proof.heard(octets, proves: frames.wasUnderstood || !Line.holdsFrames(octets))
      return actions + (Line.repeatsInSilence ? repeatLater : [])
    case .value(let id, let octets, _): return DeviceProperty.actions(id, octets)
    case .subscribeFailed(let id, let code):
      let message = "the device refuses a subscription to \(id) (ATT error \(code))"
      return [.problem(DriverProblem(code: "subscribe-failed", message: message))]
    case .request(let request): return [request.refusal]
    default: return []
    }
  }

  /// Something came.
  mutating func noteHeard() { wasHeard = true }
  /// Octets of another protocol, which somebody else reads, came over the same link.
  mutating func noteProven(_ octets: [UInt8]) {
    wasHeard = true
    proof.heard(octets, proves: true)
  }

  private var listenOn: DriverAction {
    .startTimer(NotifyingOximeter.silenceTimer, milliseconds: NotifyingOximeter.silenceMilliseconds)
  }

  private func write(_ octets: [UInt8]) -> [DriverAction] {
    guard let id = Line.commands, let properties = characteristics[id] else { return [] }
    return [.write(id, octets, withResponse: properties & 0x08 != 0)]
  }

  private var repeatLater: [DriverAction] {
    Line.repeated.map { [.startTimer(NotifyingOximeter.repeatTimer, milliseconds: $0.milliseconds)] } ?? []
  }
}
