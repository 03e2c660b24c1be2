// The ports that are plugged in, and what the gateway does with each.

internal import ControlProtocol
internal import Drivers

/// One port that is plugged in.
struct SerialPortState: Sendable {
  enum Use: Sendable, Hashable {
    /// Left alone: listening is switched off, or a technician released it.
    case idle
    /// The configuration names it for a device.
    case named(device: String)
    /// Bound to a device.
    case bound(device: String)
    /// Nobody's: listened to.
    case listening
    /// A technician lets one driver ask.
    case identifying
  }

  /// How long a port is left alone that talks what no driver knows, in milliseconds.
  static let rest: Int64 = 300_000
  /// A port that goes away so soon again was taken away by a program.
  static let vanishing: Int64 = 2000

  let facts: PortFacts
  let addedAt: Int64
  var use = Use.idle
  var recognition = PortRecognition()
  var identification: PortIdentification?
  /// Who waits for what comes of it.
  var request: RequestID?
  /// It is open under its own key.
  var isOpen = false
  /// What was heard at the present line settings: the device's driver hears it first.
  var heard: [UInt8] = []
  var outcome: RecognitionOutcome?
  /// That it talks without sense was told.
  var toldUnknown = false
  /// Left alone until it is plugged in anew, or asked for: a technician released it, or has to decide.
  var isLeft = false
  /// A record that makes it a device's is on its way to the disk: nothing else is decided of it meanwhile.
  var isClaimed = false
  /// Why it cannot be opened.
  var fault: LinkEnd?
  var failures = 0
  /// When it is opened, or listened to, again; monotonic milliseconds.
  var retryAt: Int64?

  init(_ facts: PortFacts, at now: Int64) {
    self.facts = facts
    addedAt = now
  }

  /// By which links of ports are told apart from those of devices: no device's name has a colon.
  var key: String { SerialPortState.prefix + facts.node }
  static let prefix = "port:"

  var nextDeadline: Int64? {
    if isClaimed { return nil }
    let step = isOpen ? use == .identifying ? identification?.deadline : recognition.deadline : nil
    return [step, retryAt].compactMap { $0 }.min()
  }
}

/// All ports.
struct SerialState: Sendable {
  /// By node.
  var ports: [String: SerialPortState] = [:]
  /// Places whose port went away as soon as it had come, and was not seen again; when.
  var vanished: [(path: String, at: Int64)] = []
  /// How long that is told.
  static let vanishedMemory: Int64 = 600_000

  var nextDeadline: Int64? { ports.values.compactMap(\.nextDeadline).min() }

  /// The node of a link's key.
  static func node(_ key: String) -> String? {
    key.hasPrefix(SerialPortState.prefix) ? String(key.dropFirst(SerialPortState.prefix.utf8.count)) : nil
  }

  /// The port of a bound device.
  func port(of device: String) -> SerialPortState? { ports.values.first { $0.use == .bound(device: device) } }

  /// The port that a person means.
  func find(_ name: String) -> SerialPortState? {
    ports.values.sorted { $0.facts.node < $1.facts.node }.first { $0.facts.isNamed(name) }
  }
}
