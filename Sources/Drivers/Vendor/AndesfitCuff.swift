// Andesfit ADF-B19 (named BPM_01) over the service FFF0, notify FFF4: two octets are the pressure while it inflates, eighteen a result:
// systolic, diastolic, mean and pulse, sixteen bits each and big-endian, from octet 1 on; what follows is not explained. Source: one
// public program; no capture of a device was found. The time of a reading is that of its arrival.

internal import Octets
internal import Readings

struct AndesfitDriver: Driver {
  static let notify = CharacteristicID(0xFFF0, 0xFFF4)
  private static let idleTimer: DriverTimer = 1

  private let context: DriverContext
  private var proof = ProtocolProof("an Andesfit cuff", isAsked: false)

  init(_ context: DriverContext) { self.context = context }

  mutating func handle(_ input: DriverInput) -> [DriverAction] {
    switch input {
    case .connected(let discovered):
      let device = Set(discovered.map(\.id))
      guard device.contains(AndesfitDriver.notify) else {
        return [.problem(UnsupportedServices.problem(device)), .finish]
      }
      return [.subscribe(AndesfitDriver.notify, indications: false), idle(120_000), proof.start]
        + DeviceProperty.reads(device) + context.refusals
    case .value(AndesfitDriver.notify, let octets, _): return took(octets)
    case .value(let id, let octets, _): return DeviceProperty.actions(id, octets)
    case .timer(AndesfitDriver.idleTimer): return [.finish]
    case .timer(ProtocolProof.timer): return proof.timeout()
    case .closed: return proof.closed()
    case .request(let request): return [request.refusal]
    default: return []
    }
  }

  private func idle(_ milliseconds: Int) -> DriverAction {
    .startTimer(AndesfitDriver.idleTimer, milliseconds: milliseconds)
  }

  /// The frames have no check value: what an arm cannot have is none of them, and the pressure of a cuff that inflates comes before.
  private mutating func took(_ octets: [UInt8]) -> [DriverAction] {
    let isPressure = octets.count == 2
    let reading = proof.isProven ? AndesfitDriver.reading(octets) : nil
    proof.heard(octets, proves: isPressure)
    guard !isPressure else { return [idle(120_000)] }
    return reading.map { [.reading($0), idle(8000)] } ?? []
  }

  static func reading(_ octets: [UInt8]) -> DeviceReading? {
    let (high, low) = (ScaleField.be16(octets, 1), ScaleField.be16(octets, 3))
    let (mean, pulse) = (ScaleField.be16(octets, 5), ScaleField.be16(octets, 7))
    guard octets.count == 18, (40...300).contains(high), (20..<high).contains(low), (30...250).contains(pulse),
      mean == 0 || (low...high).contains(mean)
    else { return nil }
    var observations = [
      Observation(.systolic, .value(ExactDecimal(high)), unit: .millimetreOfMercury),
      Observation(.diastolic, .value(ExactDecimal(low)), unit: .millimetreOfMercury),
    ]
    if mean > 0 {
      observations.append(Observation(.meanArterial, .value(ExactDecimal(mean)), unit: .millimetreOfMercury))
    }
    observations.append(Observation(.cuffPulse, .value(ExactDecimal(pulse)), unit: .perMinute))
    return DeviceReading(
      kind: .bloodPressure, observations: observations, stored: false,
      raw: RawSource(source: "FFF0/FFF4", octets: octets))
  }

  static let profile = DeviceProfile(
    id: "andesfit", manufacturer: "Andesfit", names: ["ADF-B19"], transport: .gatt,
    recognition: [.namePrefix("BPM_01")],
    kinds: [.bloodPressure], terms: BloodPressureProfile.terms, clock: .none, memory: .none, verification: .unverified
  ) { AndesfitDriver($0) }.pairs(.cannotBond, hint: "measure while the hub is near")
}
