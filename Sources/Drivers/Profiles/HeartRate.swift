// Heart rate sensors of the Heart Rate Profile (0x180D): a stream, measured by the stability rule.

internal import HealthProfiles
internal import Octets
internal import Readings

struct HeartRateProfile: SIGProfile {
  static let measurement = CharacteristicID(0x180D, 0x2A37)
  private var stability = SpotCheckRule(samplesPerSecond: 1)

  var subscriptions: [(id: CharacteristicID, indications: Bool)] { [(HeartRateProfile.measurement, false)] }

  mutating func measured(_ id: CharacteristicID, _ octets: [UInt8], _ context: DriverContext) -> [DriverAction] {
    let actions = GATTDecoding.actions(id, octets, GATTDecoding.Context())
    if context.everyFrame { return actions }
    var reading: DeviceReading?
    for case .reading(let found) in actions { reading = found }
    return stability.add(reading).map { [.reading($0)] } ?? []
  }

  static let generic = DeviceProfile(
    id: "heart-rate", names: ["any sensor with the Bluetooth Heart Rate Profile"], transport: .gatt,
    recognition: [.service(BluetoothUUID(0x180D))], kinds: [.heartRate], terms: [.heartRate], clock: .none,
    memory: .none, verification: .unverified, rule: SpotCheckRule.sentence
  ) { SIGDriver(HeartRateProfile(), $0, isStream: true) }.pairs(
    .mayBond, hint: "put it on: it is on the air while it is worn")
}
