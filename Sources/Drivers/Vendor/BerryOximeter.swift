// Berry BM1000 and its many rebrands over BLE: the five-octet frames of BCI 1.2, a hundred a second, several in a notification. Newer
// ones speak protocol 1.5 over the same service (BerryProtocol15).
// Source: the maker's document "BCI Protocol V1.2" and public drivers. Frames and their meaning are those of the serial cable.

internal import Octets
internal import Readings

enum BerryOximeterLine: NotifyingOximeterLine {
  static let id = "berry-ble"
  static let device = "a Berry oximeter"
  static let framesPerSecond = 100
  static let longestFrame = 5
  static let service = BluetoothUUID(high: 0x4953_5343_FE7D_4AE5, low: 0x8FA9_9FAF_D205_E455)
  static let stream = CharacteristicID(
    service, BluetoothUUID(high: 0x4953_5343_1E4D_4BD9, low: 0xBA61_23C6_4724_9616))

  static func step(_ octets: ArraySlice<UInt8>) -> FrameStep { FiveOctetFrame.step(octets) }
  static func values(_ frame: [UInt8]) -> [NamedValue] { FiveOctetFrame(frame)?.values(.bci) ?? [] }
  static func reading(_ frame: [UInt8]) -> DeviceReading? { FiveOctetFrame(frame)?.reading(.bci) }
  /// A value that is shown while the device searches is an old one.
  static func steady(_ frame: [UInt8]) -> DeviceReading? { reading(frame).flatMap { $0.flags.isEmpty ? $0 : nil } }

  static let profile = DeviceProfile(
    id: id, manufacturer: "Berry", names: ["BM1000 over Bluetooth", "rebrands named BerryMed"], transport: .gatt,
    recognition: [.namePrefix("BerryMed"), .service(service)], kinds: [.pulseOximetry],
    terms: [.spo2, .oximeterPulse, .perfusionIndex],
    clock: .none, memory: .none, verification: .unverified, rule: SpotCheckRule.sentence
  ) { BerryDriver($0) }.pairs(.cannotBond, hint: "put a finger into it: it switches itself on")
}
