// Oximeters of the Pulse Oximeter Profile (0x1822): ChoiceMMed and relatives, Nonin 3230's standard service.
//
// A device that gives spot-checks (2A5E) gives readings. One that only streams (2A5F) is measured by the stability rule.

internal import HealthProfiles
internal import Octets
internal import Readings

struct PulseOximeterProfile: SIGProfile {
  static let spotCheck = CharacteristicID(0x1822, 0x2A5E)
  static let continuous = CharacteristicID(0x1822, 0x2A5F)
  static let featuresID = CharacteristicID(0x1822, 0x2A60)

  private var decoding = GATTDecoding.Context()
  private var hasSpotCheck = false
  /// The stream's values come once a second. Made with the first.
  private var stability: SpotCheckRule?

  var subscriptions: [(id: CharacteristicID, indications: Bool)] {
    [(PulseOximeterProfile.spotCheck, true), (PulseOximeterProfile.continuous, false)]
  }
  var features: [CharacteristicID] { [PulseOximeterProfile.featuresID] }

  mutating func feature(_ id: CharacteristicID, _ octets: [UInt8]) {
    decoding.plxFeatures = (try? PLXFeatures(decoding: octets)) == nil ? nil : octets
  }

  mutating func connected(_ device: Set<CharacteristicID>) {
    hasSpotCheck = device.contains(PulseOximeterProfile.spotCheck)
  }

  mutating func measured(_ id: CharacteristicID, _ octets: [UInt8], _ context: DriverContext) -> [DriverAction] {
    guard id == PulseOximeterProfile.continuous else { return GATTDecoding.actions(id, octets, decoding) }
    guard !hasSpotCheck || context.continuous else { return [] }
    let raw = RawSource(source: "\(id)", octets: octets)
    guard let value = try? PLXContinuousMeasurement(decoding: octets) else {
      return GATTDecoding.actions(id, octets, decoding)
    }
    let features = decoding.plxFeatures.flatMap { try? PLXFeatures(decoding: $0) }
    let reading = ReadingBuilder.continuous(value, features: features, raw: raw).readings.first
    if context.everyFrame { return reading.map { [.reading($0)] } ?? [] }
    var rule =
      stability ?? SpotCheckRule(samplesPerSecond: 1, intervalSeconds: context.continuousInterval)
    defer { stability = rule }
    return rule.add(reading).map { [.reading($0)] } ?? []
  }

  static let terms: [Term] = [.spo2, .oximeterPulse, .perfusionIndex]

  static let generic = DeviceProfile(
    id: "pulse-oximeter", names: ["any oximeter with the Bluetooth Pulse Oximeter Profile", "ChoiceMMed MD300"],
    transport: .gatt, recognition: [.service(BluetoothUUID(0x1822))], kinds: [.pulseOximetry], terms: terms,
    clock: .settable, memory: .none, verification: .captured, rule: SpotCheckRule.sentence
  ) { SIGDriver(PulseOximeterProfile(), $0) }
}
