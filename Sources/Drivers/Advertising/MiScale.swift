// Xiaomi Mi Scale 1 (XMTZC01HM, XMTZC04HM; service data 181D) and Mi Body Composition Scale 2 (XMTZC02HM, XMTZC05HM; 181B).
//
// They repeat a frame in many advertisements and never connect. A stable weight without impedance is followed by one with it
// when the feet are bare: the second replaces the first while the person stands there. The clock begins in 1978.

internal import HealthProfiles
internal import Octets
internal import Readings

/// One weighing out of a stream of advertisements.
struct MiScaleDriver: Driver {
  private static let waitTimer: DriverTimer = 1
  /// How long a stable weight waits for its impedance, in milliseconds.
  private static let waitMilliseconds = 15_000

  /// True for the scale that measures impedance.
  let measuresImpedance: Bool
  /// The last frame that became a reading; its repeats are not new.
  private var delivered: MiScaleFrame?
  /// A stable weight that waits for its impedance.
  private var waiting: DeviceReading?

  init(measuresImpedance: Bool) { self.measuresImpedance = measuresImpedance }

  mutating func handle(_ input: DriverInput) -> [DriverAction] {
    switch input {
    case .advertisement(let data): return advertised(data)
    case .timer, .closed: return flush()
    default: return []
    }
  }

  private mutating func advertised(_ data: AdvertisedData) -> [DriverAction] {
    let source = measuresImpedance ? "adv/181B" : "adv/181D"
    guard data.service == BluetoothUUID(measuresImpedance ? 0x181B : 0x181D) else { return [] }
    do {
      let frame =
        measuresImpedance ? try MiScaleFrame(scale2: data.octets) : try MiScaleFrame(scale1: data.octets)
      if frame.isRemoved || !frame.isStable {
        // The person left or moves: what was stable before stands; an unstable frame opens the next weighing.
        if !frame.isStable, !frame.isRemoved { delivered = nil }
        return flush()
      }
      if let delivered, delivered.weight == frame.weight, delivered.stamp == frame.stamp,
        delivered.impedance != nil || frame.impedance == nil
      {
        return []
      }
      guard let reading = frame.decoded(source: source, octets: data.octets).readings.first else { return [] }
      delivered = frame
      if measuresImpedance, frame.impedance == nil {
        waiting = reading
        return [.startTimer(MiScaleDriver.waitTimer, milliseconds: MiScaleDriver.waitMilliseconds)]
      }
      waiting = nil
      return [.stopTimer(MiScaleDriver.waitTimer), .reading(reading)]
    } catch {
      return [.problem(DriverProblem(error, raw: RawSource(source: source, octets: data.octets)))]
    }
  }

  private mutating func flush() -> [DriverAction] {
    guard let reading = waiting else { return [] }
    waiting = nil
    return [.stopTimer(MiScaleDriver.waitTimer), .reading(reading)]
  }

  /// Other makers have the same service data, with one octet: they are connected to.
  private static func accepting(_ count: Int, _ service: UInt16, _ profile: DeviceProfile) -> DeviceProfile {
    var profile = profile
    profile.accepts = { $0.service == BluetoothUUID(service) && $0.octets.count == count }
    return profile
  }

  static let scale1 = accepting(10, 0x181D, profile1)
  static let scale2 = accepting(13, 0x181B, profile2)

  private static let profile1 = DeviceProfile(
    id: "mi-scale-1", manufacturer: "Xiaomi", names: ["Mi Smart Scale (XMTZC01HM, XMTZC04HM)"],
    transport: .advertisement, recognition: [.serviceData(BluetoothUUID(0x181D))], kinds: [.bodyWeight],
    terms: [.weight], clock: .stampsOnly, memory: .none, verification: .captured,
    rule: "a stable weight before the person steps off; repeats of a frame are one"
  ) { _ in MiScaleDriver(measuresImpedance: false) }.pairs(
    .cannotBond, hint: "step on it: it is on the air while somebody stands on it")

  private static let profile2 = DeviceProfile(
    id: "mi-scale-2", manufacturer: "Xiaomi", names: ["Mi Body Composition Scale 2 (XMTZC02HM, XMTZC05HM)"],
    transport: .advertisement, recognition: [.serviceData(BluetoothUUID(0x181B))],
    kinds: [.bodyWeight, .bodyComposition], terms: [.weight, .impedance], clock: .stampsOnly, memory: .none,
    verification: .captured, rule: "a stable weight before the person steps off, with its impedance when it comes"
  ) { _ in MiScaleDriver(measuresImpedance: true) }.pairs(
    .cannotBond, hint: "step on it with bare feet: it is on the air while somebody stands on it")
}
