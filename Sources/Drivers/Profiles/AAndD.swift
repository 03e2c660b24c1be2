// A&D: cuffs UA-651BLE, UA-656BLE, UA-1200BLE; scale UC-352BLE; thermometer UT-201BLE. Values by the SIG's services; source: the
// HL7 DK Core examples (firmware BLP009_02_005, WSP002_208), public gateways and a simulator of the maker's own service.
//
// Oddities: the clock (2A08) stands inside the measurement's service. Subscription and clock must be there within five seconds of
// the connection, or the device hangs up: so they come before anything else, and before Device Information most of all. A
// discovery right after the connection can end in E10 on the display. A device advertises for a minute after a measurement,
// keeps what was not confirmed and sends it oldest first; it switches off by itself, which is no fault. The scale's unit can be
// changed with its pairing button, so every weight says its own. The maker's own service (233BF000) can erase and unpair
// (commands 12 and 10): it is never written.

internal import Octets
internal import Readings

enum AAndD {
  private static let maker = "A&D"
  private static let hint = "hold its button until the display shows Pr; it switches off by itself when it is paired"

  static let ua651 = DeviceProfile(
    id: "and-ua651ble", manufacturer: maker, names: ["UA-651BLE", "UA-656BLE", "UA-1200BLE"], transport: .gatt,
    recognition: [.namePrefix("A&D_UA-")], kinds: [.bloodPressure], terms: BloodPressureProfile.terms,
    clock: .settable, memory: .untilConfirmed, verification: .captured
  ) { SIGDriver(BloodPressureProfile(), $0) }.pairs(settles: 500, hint: hint)

  static let uc352 = DeviceProfile(
    id: "and-uc352ble", manufacturer: maker, names: ["UC-352BLE"], transport: .gatt,
    recognition: [.namePrefix("A&D_UC-352"), .service(olderScale)], kinds: [.bodyWeight],
    terms: WeightProfile.weightTerms, clock: .settable, memory: .untilConfirmed, verification: .unverified
  ) { SIGDriver(WeightProfile(), $0) }.pairs(settles: 500, hint: hint)

  static let ut201 = DeviceProfile(
    id: "and-ut201ble", manufacturer: maker, names: ["UT-201BLE"], transport: .gatt,
    recognition: [.namePrefix("A&D_UT201"), .namePrefix("A&D_UT-201")], kinds: [.bodyTemperature],
    terms: ThermometerProfile.terms, clock: .settable, memory: .untilConfirmed, verification: .unverified
  ) { SIGDriver(ThermometerProfile(), $0) }.pairs(settles: 500, hint: hint)

  /// The service of the first UC-352BLE; what its measurement's octets mean is nowhere documented.
  static let olderScale = BluetoothUUID(high: 0x2343_4100_1FE4_1EFF, low: 0x80CB_00FF_7829_7D8B)
}

extension DeviceProfile {
  /// The profile with what pairing has to know of it.
  func pairs(
    _ bonding: BondingBehaviour = .bonds, settles: Int = 0, asksConsent: Bool = false, hint: String = ""
  ) -> DeviceProfile {
    var profile = self
    profile.bonding = bonding
    profile.settles = settles
    profile.asksConsent = asksConsent
    profile.pairingHint = hint
    return profile
  }
}
