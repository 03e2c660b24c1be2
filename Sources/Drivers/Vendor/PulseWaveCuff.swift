// Pulse Wave cuffs RBP-9804 and BP-88A over the service FFF0: notify FFF1, write FFF2. Octet 5 of a value is what it says: 05 the pressure
// while the cuff inflates (octet 10), 06 a result (systolic at 14, diastolic at 16, pulse at 18), 07 an error (its number at 3). Source:
// one public program, which checks nothing else; no capture of a device was found.
//
// Oddities: values have no check value that is known, so a result counts only where the cuff told its pressure before, and where an arm can
// have it. The hub says that it is there (CC 80 02 03 01 01 00 01). Never sent: the command with 02, which inflates the cuff.

internal import Octets
internal import Readings

struct PulseWaveDriver: Driver {
  private static let notify = CharacteristicID(0xFFF0, 0xFFF1)
  private static let write = CharacteristicID(0xFFF0, 0xFFF2)
  private static let idleTimer: DriverTimer = 1
  private static let hello: [UInt8] = [0xCC, 0x80, 0x02, 0x03, 0x01, 0x01, 0x00, 0x01]

  private let context: DriverContext
  private var properties: UInt8?
  private var proof = ProtocolProof("a Pulse Wave cuff", isAsked: true)
  private var given: [UInt8] = []

  init(_ context: DriverContext) { self.context = context }

  mutating func handle(_ input: DriverInput) -> [DriverAction] {
    switch input {
    case .connected(let discovered):
      let device = Set(discovered.map(\.id))
      guard device.contains(PulseWaveDriver.notify) else {
        return [.problem(UnsupportedServices.problem(device)), .finish]
      }
      properties = discovered.first { $0.id == PulseWaveDriver.write }?.properties
      return [.subscribe(PulseWaveDriver.notify, indications: false), idle(120_000), proof.start]
        + DeviceProperty.reads(device) + context.refusals
    case .subscribed(PulseWaveDriver.notify):
      return properties.map { [.write(PulseWaveDriver.write, PulseWaveDriver.hello, withResponse: $0 & 0x08 != 0)] }
        ?? []
    case .value(PulseWaveDriver.notify, let octets, _): return took(octets)
    case .value(let id, let octets, _): return DeviceProperty.actions(id, octets)
    case .timer(PulseWaveDriver.idleTimer): return [.finish]
    case .timer(ProtocolProof.timer): return proof.timeout()
    case .closed: return proof.closed()
    case .request(let request): return [request.refusal]
    default: return []
    }
  }

  private func idle(_ milliseconds: Int) -> DriverAction {
    .startTimer(PulseWaveDriver.idleTimer, milliseconds: milliseconds)
  }

  /// From the cuff: its head is that of the hub's commands, or AA.
  private static func isFrame(_ octets: [UInt8]) -> Bool {
    octets.count >= 8 && [0xAA, 0xCC].contains(octets[0]) && octets[1] == 0x80 && (0x01...0x07).contains(octets[5])
  }

  private mutating func took(_ octets: [UInt8]) -> [DriverAction] {
    let isMine = PulseWaveDriver.isFrame(octets)
    let wasProven = proof.isProven
    proof.heard(octets, proves: isMine)
    guard isMine else { return [] }
    switch octets[5] {
    case 0x06 where wasProven:
      guard octets != given, let reading = PulseWaveDriver.reading(octets) else { return [] }
      given = octets
      return [.reading(reading), idle(8000)]
    case 0x07 where wasProven:
      let message = "the cuff reports error \(octets[3])"
      let raw = RawSource(source: "\(PulseWaveDriver.notify)", octets: octets)
      return [.problem(DriverProblem(code: "measurement-failed", message: message, raw: raw)), idle(30_000)]
    default: return [idle(120_000)]
    }
  }

  /// A result that an arm can have.
  static func reading(_ octets: [UInt8]) -> DeviceReading? {
    guard octets.count >= 19, isFrame(octets), octets[5] == 0x06 else { return nil }
    let (high, low, pulse) = (octets[14], octets[16], octets[18])
    guard (40...255).contains(high), (20..<high).contains(low), (25...255).contains(pulse) else { return nil }
    return DeviceReading(
      kind: .bloodPressure,
      observations: [
        Observation(.systolic, .value(ExactDecimal(Int64(high))), unit: .millimetreOfMercury),
        Observation(.diastolic, .value(ExactDecimal(Int64(low))), unit: .millimetreOfMercury),
        Observation(.cuffPulse, .value(ExactDecimal(Int64(pulse))), unit: .perMinute),
      ], stored: false, raw: RawSource(source: "\(notify)", octets: octets))
  }

  static let profile = DeviceProfile(
    id: "pulse-wave-rbp", manufacturer: "Pulse Wave", names: ["RBP-9804", "BP-88A"], transport: .gatt,
    recognition: [.namePrefix("RBP"), .namePrefix("BP-88A")], kinds: [.bloodPressure],
    terms: [.systolic, .diastolic, .cuffPulse], clock: .none, memory: .none, verification: .unverified
  ) { PulseWaveDriver($0) }.pairs(.cannotBond, hint: "measure while the hub is near")
}
