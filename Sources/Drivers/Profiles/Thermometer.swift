// Thermometers of the Health Thermometer Profile (0x1809): A&D UT-201BLE, Beurer FT series.

internal import HealthProfiles
internal import Octets
internal import Readings

struct ThermometerProfile: SIGProfile {
  static let measurement = CharacteristicID(0x1809, 0x2A1C)
  static let typeID = CharacteristicID(0x1809, 0x2A1D)

  private var decoding = GATTDecoding.Context()

  var subscriptions: [(id: CharacteristicID, indications: Bool)] { [(ThermometerProfile.measurement, true)] }
  var features: [CharacteristicID] { [ThermometerProfile.typeID] }

  mutating func feature(_ id: CharacteristicID, _ octets: [UInt8]) { decoding.temperatureType = octets }

  mutating func measured(_ id: CharacteristicID, _ octets: [UInt8], _ context: DriverContext) -> [DriverAction] {
    GATTDecoding.actions(id, octets, decoding)
  }

  static let terms: [Term] = [
    .temperature, .oralTemperature, .rectalTemperature, .earTemperature, .tympanicTemperature, .axillaryTemperature,
    .fingerTemperature, .toeTemperature, .gastrointestinalTemperature,
  ]

  static let generic = DeviceProfile(
    id: "thermometer", names: ["any thermometer with the Bluetooth Health Thermometer Profile"], transport: .gatt,
    recognition: [.service(BluetoothUUID(0x1809))], kinds: [.bodyTemperature], terms: terms, clock: .settable,
    memory: .untilConfirmed, verification: .captured
  ) { SIGDriver(ThermometerProfile(), $0) }
}
