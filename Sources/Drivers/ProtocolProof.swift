// A name is a guess: makers give one name to devices of several protocols. A driver that was chosen by a name waits for the first frames
// that only its own protocol has, and says so when they do not come.

internal import Octets
internal import Readings

/// What is known of a device's protocol in one session.
struct ProtocolProof: Sendable {
  static let timer: DriverTimer = 40
  /// How long the first frames are waited for, in milliseconds.
  private static let milliseconds = 25_000

  /// What the driver speaks to, such as `a Contec CMS50D-BT`.
  private let device: String
  /// The device answers questions: silence says as much as other octets.
  private let isAsked: Bool
  private(set) var isProven = false
  private var isTold = false
  private var first: [UInt8] = []

  init(_ device: String, isAsked: Bool) {
    self.device = device
    self.isAsked = isAsked
  }

  var start: DriverAction { .startTimer(ProtocolProof.timer, milliseconds: ProtocolProof.milliseconds) }

  /// Octets came; `proves`: no other protocol has them.
  mutating func heard(_ octets: [UInt8], proves: Bool) {
    if first.isEmpty { first = Array(octets.prefix(32)) }
    isProven = isProven || proves
  }

  /// The link ended before the time was over: what was heard to a question tells as much, silence does not.
  mutating func closed() -> [DriverAction] {
    guard isAsked, !first.isEmpty else { return [] }
    return timeout().filter { $0 != .finish }
  }

  /// The time is over.
  mutating func timeout() -> [DriverAction] {
    guard !isProven, !isTold, isAsked || !first.isEmpty else { return [] }
    isTold = true
    let what =
      first.isEmpty
      ? "it answers nothing, so it speaks another protocol"
      : ForeignProtocol.name(first).map { "it speaks \($0)" } ?? "it speaks another protocol"
    let message = "not supported: this is not \(device): \(what)"
    let raw = first.isEmpty ? nil : RawSource(source: "first octets", octets: first)
    return [.problem(DriverProblem(code: "unsupported-device", message: message, raw: raw)), .finish]
  }
}

/// What the first octets of a notification tell of its protocol.
enum ForeignProtocol {
  private static let beginnings: [(octets: [UInt8], name: String)] = [
    ([0xA5, 0x00], "the protocol of AirBP cuffs"), ([0xAA, 0x55], "the protocol of PC-60FW oximeters"),
    ([0xFF, 0xAA], "the protocol 1.5 of BerryMed oximeters"), ([0xFE, 0x0A, 0x55], "the protocol of FS20F oximeters"),
    ([0xFE, 0x08, 0x56], "the protocol of FS20F oximeters"), ([0xEB, 0x00], "the protocol of Contec CMS50D-BT"),
    ([0xEB, 0x01], "the protocol of Contec CMS50D-BT"), ([0xFD, 0xFD], "the protocol of FD FD cuffs"),
    ([0x4D, 0x3A], "the protocol of Microlife cuffs"), ([0xE7, 0x58], "the protocol E7 of Beurer scales"),
    ([0xE7, 0x59], "the protocol E7 of Beurer scales"), ([0xF7, 0x58], "the protocol F7 of Beurer scales"),
    ([0xF7, 0x59], "the protocol F7 of Beurer scales"), ([0xAC, 0x02], "the protocol of Icomon scales"),
    ([0xAC, 0x27], "the protocol of Active Era scales"), ([0xAB, 0x2A], "the protocol of 1byone scales"),
    ([0xFF, 0xA5], "the protocol of Senssun scales"),
  ]

  /// Nil for octets that nobody is known by.
  static func name(_ octets: [UInt8]) -> String? {
    if let known = beginnings.first(where: { octets.starts(with: $0.octets) }) { return known.name }
    guard octets.count >= 3, octets[2] == ~octets[1] else { return nil }
    switch octets[0] {
    case 0xA5: return "the newer protocol of Viatom and Lepu (BP2, O2Ring S)"
    case 0x55: return "the protocol of Viatom's recorders (O2Ring, Checkme O2)"
    default: return nil
    }
  }
}
