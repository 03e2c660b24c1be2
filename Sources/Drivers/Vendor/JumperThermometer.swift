// Jumper JPD-FR400, a thermometer for the forehead, over the service FFF0, notify FFF1: FD FD, one octet, the temperature in tenths of a
// degree (big-endian), 0D 0A. Source: one public program, which guesses; no capture of a device was found. There is no check value:
// what a body cannot have is no temperature, nor is a frame of the cuffs that begin alike.

internal import Octets
internal import Readings

struct JumperThermometerDriver: Driver {
  private static let notify = CharacteristicID(0xFFF0, 0xFFF1)
  private static let idleTimer: DriverTimer = 1
  private static let repeatTimer: DriverTimer = 2
  private static let repeatMilliseconds = 5000
  /// In tenths of a degree.
  private static let range: ClosedRange<Int64> = 300...440
  /// Kinds of frames of the cuffs of the family.
  private static let ofCuffs: Set<UInt8> = [0x06, 0xFB, 0xFC, 0xFD, 0xFE, 0xFF]

  private let context: DriverContext
  private var proof = ProtocolProof("a Jumper JPD-FR400", isAsked: false)
  private var given: [UInt8] = []

  init(_ context: DriverContext) { self.context = context }

  /// Nil for anything else.
  static func reading(_ octets: [UInt8]) -> DeviceReading? {
    guard let frame = FDFDFrame(octets), octets.count == 7, !ofCuffs.contains(frame.type) else { return nil }
    let tenths = ScaleField.be16(octets, 3)
    guard range.contains(tenths) else { return nil }
    let value = ExactDecimal(tenths, exponent: -1)
    return DeviceReading(
      kind: .bodyTemperature, observations: [Observation(.temperature, .value(value), unit: .degreeCelsius)],
      stored: false, raw: RawSource(source: "\(notify)", octets: octets))
  }

  mutating func handle(_ input: DriverInput) -> [DriverAction] {
    switch input {
    case .connected(let discovered):
      let device = Set(discovered.map(\.id))
      guard device.contains(JumperThermometerDriver.notify) else {
        return [.problem(UnsupportedServices.problem(device)), .finish]
      }
      return [.subscribe(JumperThermometerDriver.notify, indications: false), idle, proof.start]
        + DeviceProperty.reads(device) + context.refusals
    case .value(JumperThermometerDriver.notify, let octets, _): return took(octets)
    case .value(let id, let octets, _): return DeviceProperty.actions(id, octets)
    case .timer(JumperThermometerDriver.repeatTimer):
      given = []
      return []
    case .timer(JumperThermometerDriver.idleTimer): return [.finish]
    case .timer(ProtocolProof.timer): return proof.timeout()
    case .closed: return proof.closed()
    case .request(let request): return [request.refusal]
    default: return []
    }
  }

  private var idle: DriverAction { .startTimer(JumperThermometerDriver.idleTimer, milliseconds: 60_000) }

  private mutating func took(_ octets: [UInt8]) -> [DriverAction] {
    let reading = JumperThermometerDriver.reading(octets)
    proof.heard(octets, proves: reading != nil)
    guard let reading, octets != given else { return [] }
    given = octets
    return [
      .reading(reading), idle,
      .startTimer(
        JumperThermometerDriver.repeatTimer, milliseconds: JumperThermometerDriver.repeatMilliseconds),
    ]
  }

  static let profile = DeviceProfile(
    id: "jumper-fr400", manufacturer: "Jumper", names: ["JPD-FR400"], transport: .gatt,
    recognition: [.namePrefix("JPD-FR400")], kinds: [.bodyTemperature], terms: [.temperature], clock: .none,
    memory: .none, verification: .unverified
  ) { JumperThermometerDriver($0) }.pairs(.cannotBond, hint: "switch it on and measure once")
}
