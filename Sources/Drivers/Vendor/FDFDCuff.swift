// Cuffs whose frames begin with FD FD and end with 0D 0A: U9 and U80 (named Bluetooth BP), Jumper JPD-HA120 and their rebrands. Service FFF0,
// notify FFF1, write FFF2. FB is the pressure while the cuff inflates, FC a result (systolic, diastolic, pulse), FE a result with its
// time, FD an error, 06 a beginning, FF the end of the memory. Source: a captured frame of a JPD-HA120, and the programs of two makers.
//
// Oddities: the octet behind FE is the systolic pressure or something else, by model: the reading that can be is taken. A result comes five
// times. The cuff measures by itself when no host writes for 20 s, so nothing is written until a result is on disk; then FA 60 says so and
// asks for what the cuff has kept. Never sent: FA 05 and FA 07, which set the clock and inflate the cuff or may do so.

internal import Octets
internal import Readings

/// One frame of the family.
struct FDFDFrame: Hashable {
  private static let head: [UInt8] = [0xFD, 0xFD]
  private static let tail: [UInt8] = [0x0D, 0x0A]

  let octets: [UInt8]
  var type: UInt8 { octets[2] }

  /// Nil for anything else.
  init?(_ octets: [UInt8]) {
    guard (5...24).contains(octets.count), octets.starts(with: FDFDFrame.head), octets.suffix(2) == FDFDFrame.tail[...]
    else { return nil }
    self.octets = octets
  }

  private var raw: RawSource { RawSource(source: "FFF0/FFF1", octets: octets) }

  private func reading(at start: Int, time: DeviceStamp?) -> DeviceReading? {
    guard octets.count >= start + 5 else { return nil }
    let (high, low, pulse) = (octets[start], octets[start + 1], octets[start + 2])
    guard high > low, low > 0 else { return nil }
    var observations = [
      Observation(.systolic, .value(ExactDecimal(Int64(high))), unit: .millimetreOfMercury),
      Observation(.diastolic, .value(ExactDecimal(Int64(low))), unit: .millimetreOfMercury),
    ]
    if pulse > 0 { observations.append(Observation(.cuffPulse, .value(ExactDecimal(Int64(pulse))), unit: .perMinute)) }
    return DeviceReading(kind: .bloodPressure, observations: observations, time: time, raw: raw)
  }

  /// Year (big-endian), month, day, hour and minute.
  private func time(at start: Int) -> DeviceStamp? {
    guard octets.count >= start + 8 else { return nil }
    let time = DeviceDateTime(
      year: UInt16(octets[start]) << 8 | UInt16(octets[start + 1]), month: octets[start + 2], day: octets[start + 3],
      hours: octets[start + 4], minutes: octets[start + 5], seconds: 0)
    guard (2000...2100).contains(time.year), (1...12).contains(time.month), (1...31).contains(time.day),
      time.hours < 24, time.minutes < 60
    else { return nil }
    return .local(time)
  }

  var decoded: Decoded {
    switch type {
    case 0xFC where octets.count == 8:
      guard let reading = reading(at: 3, time: nil) else { return failed("a result without pressures") }
      return Decoded(readings: [reading])
    case 0xFE:
      for start in [3, 4] {
        if let time = time(at: start + 4), let reading = reading(at: start, time: time) {
          return Decoded(readings: [reading])
        }
      }
      return failed("a result whose pressures or time cannot be")
    case 0xFD: return failed(FDFDFrame.meaning(octets[3]))
    case 0xFB where octets.count == 7:
      return Decoded(values: [NamedValue("pressure", .integer(Int64(octets[3]) << 8 | Int64(octets[4])))])
    default: return Decoded(values: [NamedValue("type", .integer(Int64(type)))])
    }
  }

  private func failed(_ message: String) -> Decoded {
    Decoded(problems: [DriverProblem(code: "measurement-failed", message: "the cuff reports \(message)", raw: raw)])
  }

  private static func meaning(_ code: UInt8) -> String {
    switch code {
    case 0x01: "that it found no pulse"
    case 0x02: "too much noise"
    case 0x0B: "an empty battery"
    default: "error \(code)"
    }
  }
}

struct FDFDCuffDriver: Driver {
  static let notify = CharacteristicID(0xFFF0, 0xFFF1)
  private static let write = CharacteristicID(0xFFF0, 0xFFF2)
  private static let idleTimer: DriverTimer = 1
  private static let repeatTimer: DriverTimer = 2
  private static let repeatMilliseconds = 10_000
  private static let stored: [UInt8] = [0xFD, 0xFD, 0xFA, 0x60, 0x0D, 0x0A]

  private let context: DriverContext
  private var properties: UInt8?
  private var proof = ProtocolProof("a cuff of the FD FD family", isAsked: false)
  /// What was given lately; it comes again.
  private var given: [UInt8] = []
  private var isStoring = false

  init(_ context: DriverContext) { self.context = context }

  mutating func handle(_ input: DriverInput) -> [DriverAction] {
    switch input {
    case .connected(let discovered):
      let device = Set(discovered.map(\.id))
      guard device.contains(FDFDCuffDriver.notify) else {
        return [.problem(UnsupportedServices.problem(device)), .finish]
      }
      properties = discovered.first { $0.id == FDFDCuffDriver.write }?.properties
      return [.subscribe(FDFDCuffDriver.notify, indications: false), idle(180_000), proof.start]
        + DeviceProperty.reads(device) + context.refusals
    case .value(FDFDCuffDriver.notify, let octets, _): return took(octets)
    case .value(let id, let octets, _): return DeviceProperty.actions(id, octets)
    case .committed where isStoring:
      isStoring = false
      return properties.map { [.write(FDFDCuffDriver.write, FDFDCuffDriver.stored, withResponse: $0 & 0x08 != 0)] }
        ?? []
    case .timer(FDFDCuffDriver.repeatTimer):
      given = []
      return []
    case .timer(FDFDCuffDriver.idleTimer): return [.finish]
    case .timer(ProtocolProof.timer): return proof.timeout()
    case .closed: return proof.closed()
    case .request(let request): return [request.refusal]
    default: return []
    }
  }

  private func idle(_ milliseconds: Int) -> DriverAction {
    .startTimer(FDFDCuffDriver.idleTimer, milliseconds: milliseconds)
  }

  private mutating func took(_ octets: [UInt8]) -> [DriverAction] {
    let frame = FDFDFrame(octets)
    proof.heard(octets, proves: frame != nil)
    guard let frame else { return [] }
    guard [0xFC, 0xFD, 0xFE].contains(frame.type) else { return [idle(180_000)] }
    guard octets != given else { return [] }
    given = octets
    let decoded = frame.decoded
    isStoring = isStoring || !decoded.readings.isEmpty
    return decoded.actions
      + [
        .startTimer(FDFDCuffDriver.repeatTimer, milliseconds: FDFDCuffDriver.repeatMilliseconds), idle(30_000),
      ]
  }

  static let profile = DeviceProfile(
    id: "fdfd-cuff", manufacturer: "Jumper", names: ["JPD-HA120", "U9, U80 (named Bluetooth BP)"], transport: .gatt,
    recognition: [.namePrefix("Bluetooth BP"), .namePrefix("JPD-HA120")], kinds: [.bloodPressure],
    terms: [.systolic, .diastolic, .cuffPulse], clock: .stampsOnly, memory: .untilConfirmed, verification: .captured
  ) { FDFDCuffDriver($0) }.pairs(.cannotBond, hint: "switch it on and measure once")
}
