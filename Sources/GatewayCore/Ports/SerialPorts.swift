// The ports that are plugged in, and what the gateway does with each.

internal import ControlProtocol
internal import Drivers
internal import Ledger

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

extension SerialPortState {
  /// What others may know of it.
  var fact: PortFact {
    var fact = PortFact(use: use, fault: fault)
    if case .ambiguous(let scores)? = outcome { fact.candidates = scores.map(\.driver) }
    return fact
  }

  /// The node of a link's key; nil for a device's.
  static func node(_ key: String) -> String? {
    key.hasPrefix(prefix) ? String(key.dropFirst(prefix.utf8.count)) : nil
  }
}
