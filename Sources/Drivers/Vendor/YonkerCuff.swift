// Yonker YK-IBPA1 and its rebrands (YK-BPW5, Yongrow, METIKO): after a measurement the cuff notifies one frame, `81 systolic
// diastolic pulse 00 00 day month year hour minute …`. Source: a captured frame and a public app, whose author saw stamps that were
// wrong. The clock cannot be set, so the time of a reading is that of its arrival.

internal import Octets
internal import Readings

struct YonkerDriver: Driver {
  private static let idleTimer: DriverTimer = 1
  private let context: DriverContext

  init(_ context: DriverContext) { self.context = context }
  static let service = BluetoothUUID(high: 0xCDEA_CD80_5235_4C07, low: 0x8846_93A3_7EE6_B86D)
  static let result = CharacteristicID(
    service, BluetoothUUID(high: 0xCDEA_CD81_5235_4C07, low: 0x8846_93A3_7EE6_B86D))

  mutating func handle(_ input: DriverInput) -> [DriverAction] {
    switch input {
    case .connected(let discovered):
      let device = Set(discovered.map(\.id))
      guard device.contains(YonkerDriver.result) else {
        return [.problem(UnsupportedServices.problem(device)), .finish]
      }
      return [.subscribe(YonkerDriver.result, indications: false), YonkerDriver.idle(120_000)]
        + DeviceProperty.reads(device) + context.refusals
    case .timer(YonkerDriver.idleTimer): return [.finish]
    case .value(YonkerDriver.result, let octets, _):
      // The pressure while the cuff inflates comes here too.
      guard octets.first == 0x81 else { return [] }
      do {
        return try YonkerDriver.decode(octets).actions + [YonkerDriver.idle(8000)]
      } catch {
        return [.problem(DriverProblem(error, raw: RawSource(source: "\(YonkerDriver.result)", octets: octets)))]
      }
    case .value(let id, let octets, _): return DeviceProperty.actions(id, octets)
    case .request(let request): return [request.refusal]
    default: return []
    }
  }

  private static func idle(_ milliseconds: Int) -> DriverAction { .startTimer(idleTimer, milliseconds: milliseconds) }

  /// A result. Throws for any other frame.
  static func decode(_ octets: [UInt8]) throws(DecodeError) -> Decoded {
    var reader = OctetReader(octets)
    let type = try reader.uint8("type")
    guard type == 0x81 else { throw DecodeError(field: "type", offset: 0, reason: .invalidValue(Int64(type))) }
    let systolic = try reader.uint8("systolic")
    let diastolic = try reader.uint8("diastolic")
    let pulse = try reader.uint8("pulse")
    _ = try reader.take(7, "time")
    let raw = RawSource(source: "\(result)", octets: octets)
    guard systolic > diastolic, diastolic > 0 else {
      let message = "the cuff reports a measurement without pressures"
      return Decoded(problems: [DriverProblem(code: "measurement-failed", message: message, raw: raw)])
    }
    var observations = [
      Observation(.systolic, .value(ExactDecimal(Int64(systolic))), unit: .millimetreOfMercury),
      Observation(.diastolic, .value(ExactDecimal(Int64(diastolic))), unit: .millimetreOfMercury),
    ]
    if pulse > 0 {
      observations.append(Observation(.cuffPulse, .value(ExactDecimal(Int64(pulse))), unit: .perMinute))
    }
    return Decoded(readings: [DeviceReading(kind: .bloodPressure, observations: observations, raw: raw)])
  }

  static let profile = DeviceProfile(
    id: "yonker", manufacturer: "Yonker", names: ["YK-IBPA1", "YK-BPW5 (Yongrow, METIKO)"], transport: .gatt,
    recognition: [.service(service)], kinds: [.bloodPressure], terms: [.systolic, .diastolic, .cuffPulse],
    clock: .none, memory: .none, verification: .captured
  ) { YonkerDriver($0) }.pairs(.cannotBond, hint: "measure once; it is on the air after the measurement")
}
