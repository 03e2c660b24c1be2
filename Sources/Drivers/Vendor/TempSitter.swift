// IRULU and Biolight Temp Sitter over the service FFE0, notify FFE1. Frames of eight octets: AA 06 11 00, temperature in hundredths of a
// degree (little-endian), 00, and the sum of all octets between the first and the last. Source: one captured frame. What the device is
// named is not known: a technician names the driver.
//
// Oddities: it sends all the time; one reading is made of five frames in a row that differ by less than a tenth of a degree, and no
// other before ten minutes are over.

internal import Octets
internal import Readings

struct TempSitterDriver: Driver {
  static let stream = CharacteristicID(0xFFE0, 0xFFE1)
  private static let idleTimer: DriverTimer = 1
  private static let pauseTimer: DriverTimer = 2
  private static let pauseMilliseconds = 600_000
  private static let enough = 5
  private static let tolerance: Int64 = 10
  /// What a body has, in hundredths of a degree.
  private static let range: ClosedRange<Int64> = 2000...4500

  private let context: DriverContext
  private var proof = ProtocolProof("a Temp Sitter", isAsked: false)
  private var recent: [Int64] = []
  private var isPausing = false

  init(_ context: DriverContext) { self.context = context }

  static func begins(_ octets: [UInt8]) -> Bool { octets.starts(with: [0xAA, 0x06, 0x11]) }

  /// Throws for what is no frame.
  static func hundredths(_ octets: [UInt8]) throws(DecodeError) -> Int64 {
    guard begins(octets) else { throw ScaleField.foreign(octets) }
    try ScaleField.expect(8, octets)
    try ScaleField.check(octets, Checksum.sum8(octets[1..<7]))
    let value = ScaleField.le16(octets, 4)
    guard range.contains(value) else {
      throw DecodeError(field: "temperature", offset: 4, reason: .invalidValue(value))
    }
    return value
  }

  static func reading(_ octets: [UInt8]) throws(DecodeError) -> DeviceReading {
    let value = ExactDecimal(try hundredths(octets), exponent: -2)
    return DeviceReading(
      kind: .bodyTemperature, observations: [Observation(.temperature, .value(value), unit: .degreeCelsius)],
      stored: false, raw: RawSource(source: "\(stream)", octets: octets))
  }

  mutating func handle(_ input: DriverInput) -> [DriverAction] {
    switch input {
    case .connected(let discovered):
      let device = Set(discovered.map(\.id))
      guard device.contains(TempSitterDriver.stream) else {
        return [.problem(UnsupportedServices.problem(device)), .finish]
      }
      return [.subscribe(TempSitterDriver.stream, indications: false), idle, proof.start]
        + DeviceProperty.reads(device) + context.refusals
    case .value(TempSitterDriver.stream, let octets, _): return took(octets)
    case .value(let id, let octets, _): return DeviceProperty.actions(id, octets)
    case .timer(TempSitterDriver.pauseTimer):
      isPausing = false
      return []
    case .timer(TempSitterDriver.idleTimer): return [.finish]
    case .timer(ProtocolProof.timer): return proof.timeout()
    case .closed: return proof.closed()
    case .request(let request): return [request.refusal]
    default: return []
    }
  }

  private var idle: DriverAction { .startTimer(TempSitterDriver.idleTimer, milliseconds: 60_000) }

  private mutating func took(_ octets: [UInt8]) -> [DriverAction] {
    do {
      let value = try TempSitterDriver.hundredths(octets)
      proof.heard(octets, proves: true)
      if let first = recent.first, abs(first - value) >= TempSitterDriver.tolerance { recent = [] }
      recent.append(value)
      guard recent.count >= TempSitterDriver.enough, !isPausing else {
        recent = recent.suffix(TempSitterDriver.enough)
        return [idle]
      }
      isPausing = true
      recent = []
      return [
        .reading(try TempSitterDriver.reading(octets)), idle,
        .startTimer(TempSitterDriver.pauseTimer, milliseconds: TempSitterDriver.pauseMilliseconds),
      ]
    } catch {
      proof.heard(octets, proves: false)
      return proof.isProven
        ? [.problem(DriverProblem(error, raw: RawSource(source: "\(TempSitterDriver.stream)", octets: octets)))] : []
    }
  }

  static let profile = DeviceProfile(
    id: "temp-sitter", manufacturer: "Biolight", names: ["Temp Sitter (name it: pair --driver temp-sitter)", "IRULU"],
    transport: .gatt, recognition: [.namePrefix("Temp Sitter")], kinds: [.bodyTemperature], terms: [.temperature],
    clock: .none, memory: .none, verification: .captured,
    rule: "five frames in a row within a tenth of a degree, then none for ten minutes"
  ) { TempSitterDriver($0) }.pairs(.cannotBond, hint: "switch it on while the hub is near")
}
