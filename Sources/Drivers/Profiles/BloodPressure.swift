// Blood pressure cuffs that follow the Bluetooth SIG's profile (0x1810): A&D UA-651BLE and relatives, Beurer BM series,
// Microlife and Omron models of the standard families.
//
// Oddities: a failed measurement comes as NaN in every field with no status bit set. A&D keep the clock in 2A08 inside the
// measurement service and want it and the subscription within 5 s. The Beurer BM85 hides a user octet (see Quirks).

internal import HealthProfiles
internal import Octets
internal import Readings

struct BloodPressureProfile: SIGProfile {
  static let measurement = CharacteristicID(0x1810, 0x2A35)
  static let enhanced = CharacteristicID(0x1810, 0x2B34)
  static let featureID = CharacteristicID(0x1810, 0x2A49)

  private var decoding = GATTDecoding.Context()

  var subscriptions: [(id: CharacteristicID, indications: Bool)] {
    [(BloodPressureProfile.measurement, true), (BloodPressureProfile.enhanced, true)]
  }
  var features: [CharacteristicID] { [BloodPressureProfile.featureID] }

  mutating func feature(_ id: CharacteristicID, _ octets: [UInt8]) {
    decoding.bloodPressureFeature = octets.count >= 2 ? octets : nil
  }

  mutating func measured(_ id: CharacteristicID, _ octets: [UInt8], _ context: DriverContext) -> [DriverAction] {
    decoding.model = context.model
    return GATTDecoding.actions(id, octets, decoding)
  }

  static let terms: [Term] = [.systolic, .diastolic, .meanArterial, .cuffPulse]

  static let generic = DeviceProfile(
    id: "blood-pressure", names: ["any cuff with the Bluetooth Blood Pressure Profile"], transport: .gatt,
    recognition: [.service(BluetoothUUID(0x1810))], kinds: [.bloodPressure], terms: terms, clock: .settable,
    memory: .untilConfirmed, verification: .captured
  ) { SIGDriver(BloodPressureProfile(), $0) }

  static let andUA651 = DeviceProfile(
    id: "and-ua651ble", manufacturer: "A&D", names: ["UA-651BLE", "UA-656BLE", "UA-1200BLE"], transport: .gatt,
    recognition: [.namePrefix("A&D_UA-")], kinds: [.bloodPressure], terms: terms, clock: .settable,
    memory: .untilConfirmed, verification: .unverified
  ) { SIGDriver(BloodPressureProfile(), $0) }

  static let beurerBM85 = DeviceProfile(
    id: "beurer-bm85", manufacturer: "Beurer", names: ["BM85"], transport: .gatt,
    recognition: [.namePrefix("BM85")], kinds: [.bloodPressure], terms: terms, clock: .settable,
    memory: .untilConfirmed, verification: .captured
  ) { context in
    var context = context
    context.model = context.model ?? "BM85"
    return SIGDriver(BloodPressureProfile(), context)
  }
}

extension GATTDecoding {
  /// The actions that a value leads to; a malformed value is a problem that keeps its octets.
  static func actions(_ id: CharacteristicID, _ octets: [UInt8], _ context: Context) -> [DriverAction] {
    do {
      return try decode(service: id.service, characteristic: id.characteristic, octets: octets, context: context)?
        .actions ?? []
    } catch {
      return [.problem(DriverProblem(error, raw: RawSource(source: "\(id)", octets: octets)))]
    }
  }
}
