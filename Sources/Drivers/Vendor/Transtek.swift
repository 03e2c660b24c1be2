// Scales and cuffs made by Transtek and LifeSense, under many names: Medisana BS430, BS440, BS444, ADE BA 1600, Trisa, WeightGurus;
// cuffs of Welch Allyn, Philips and others. Scales have the service 78B2 or 7802, cuffs 7809, 7889 or 7899: write 8A81, the device's
// own requests 8A82, weight 8A21 or 8A24, composition 8A22, pressure 8A91. Source: captures of a BS444 and an ADE BA 1600, public apps;
// two of them agree on the cuffs' values. (Cuffs of Medisana follow the standard profile.)
//
// The conversation: on 8A82 a device new to the hub gives a password (A0), answered with the hub's number (21); at each contact it
// gives four random octets (A1), answered with them xor the password (20), the time (02, seconds UTC) and the end of the
// greeting (22). An ADE takes its octets unchanged. A BS444 asks nothing and sends once the time was written. Weight and
// composition are two values with one stamp. A cuff refuses who does not know its password, and hears the end of the greeting only
// behind its last value, because it hangs up then.

internal import Octets
internal import Readings

struct TranstekDriver: Driver {
  private static let scales: [UInt16] = [0x78B2, 0x7802]
  private static let cuffs: [UInt16] = [0x7809, 0x7889, 0x7899]
  static let services = scales + cuffs
  /// Which hub this is, to a device that keeps several apart.
  private static let hubNumber: [UInt8] = [0x48, 0x54, 0x48, 0x01]
  private static let greetingTimer: DriverTimer = 1
  private static let joinTimer: DriverTimer = 2
  private static let idleTimer: DriverTimer = 3

  private let context: DriverContext
  private var service: UInt16 = 0x78B2
  private var properties: UInt8 = 0
  private var password: [UInt8]
  /// The year from which the clock was set to count; nil before that.
  private var writtenEpoch: UInt16?
  /// A weight that waits for its composition.
  private var waiting: (value: TranstekWeight, raw: RawSource)?
  private var hasComposition = false
  /// A cuff gives values only to whom it greeted: what comes before is another protocol's.
  private var hasGreeted = false

  init(_ context: DriverContext) {
    self.context = context
    password = context.key ?? []
  }

  private var isCuff: Bool { TranstekDriver.cuffs.contains(service) }

  private func id(_ characteristic: UInt16) -> CharacteristicID { CharacteristicID(service, characteristic) }

  mutating func handle(_ input: DriverInput) -> [DriverAction] {
    switch input {
    case .connected(let discovered): return begin(discovered)
    case .value(let id, let octets, _) where TranstekDriver.services.contains(id.service.short ?? 0):
      return took(id, octets)
    case .value(let id, let octets, _): return DeviceProperty.actions(id, octets)
    case .timer(TranstekDriver.greetingTimer): return writeTime()
    case .timer(TranstekDriver.joinTimer), .closed: return flush()
    case .timer(TranstekDriver.idleTimer): return flush() + (isCuff ? [write([0x22])] : []) + [.finish]
    case .subscribeFailed(let id, let code):
      let message = "the device refuses a subscription to \(id) (ATT error \(code))"
      return [.problem(DriverProblem(code: "subscribe-failed", message: message))]
    case .request(let request): return [request.refusal]
    default: return []
    }
  }

  private mutating func begin(_ discovered: [DiscoveredCharacteristic]) -> [DriverAction] {
    let device = Dictionary(discovered.map { ($0.id, $0.properties) }, uniquingKeysWith: { first, _ in first })
    let isThere = { (service: UInt16) in
      [0x8A21, 0x8A24, 0x8A91].contains { device[CharacteristicID(service, $0)] != nil }
    }
    guard let found = TranstekDriver.services.first(where: isThere) else {
      return [.problem(UnsupportedServices.problem(device.keys)), .finish]
    }
    service = found
    properties = device[id(0x8A81)] ?? 0
    hasComposition = device[id(0x8A22)] != nil
    let values = [0x8A21, 0x8A24, 0x8A22, 0x8A91, 0x8A92, 0x8A82].map { id($0) }.filter { device[$0] != nil }
    return values.map { .subscribe($0, indications: (device[$0] ?? 0) & 0x20 != 0) }
      // A device that greets does so at once.
      + [
        .startTimer(TranstekDriver.greetingTimer, milliseconds: 1000),
        .startTimer(TranstekDriver.idleTimer, milliseconds: 60_000),
      ] + DeviceProperty.reads(Set(device.keys)) + context.refusals
  }

  private func write(_ octets: [UInt8]) -> DriverAction {
    .write(id(0x8A81), octets, withResponse: properties & 0x08 != 0)
  }

  /// Sets the clock once, and once more when a stamp shows that it counts from another year.
  private mutating func writeTime(_ known: UInt16? = nil) -> [DriverAction] {
    let epoch = known ?? (isCuff ? 2010 : TranstekTime.epoch(context))
    guard writtenEpoch == nil || known != nil && known != writtenEpoch, properties & 0x0C != 0,
      let seconds = TranstekTime.seconds(context, since: epoch)
    else { return [] }
    writtenEpoch = epoch
    var writer = OctetWriter(capacity: 5)
    writer.uint8(0x02)
    writer.uint32(seconds)
    return [write(writer.octets)]
  }

  private mutating func took(_ id: CharacteristicID, _ octets: [UInt8]) -> [DriverAction] {
    let raw = RawSource(source: "\(id)", octets: octets)
    do {
      switch id.characteristic.short {
      case 0x8A82: return greeted(octets)
      // Some cuffs greet where they also tell their values.
      case 0x8A91, 0x8A92:
        if octets.count == 5, octets[0] & 0xFE == 0xA0 { return greeted(octets) }
        guard hasGreeted else { return [] }
        return try TranstekPressure.decode(octets, raw, context).actions + [idle]
      case 0x8A21, 0x8A24:
        let value = try TranstekWeight(octets)
        let before = writtenEpoch == nil ? flush() : correctEpoch(value.seconds) + flush()
        guard hasComposition else { return before + given(value, nil, raw) }
        waiting = (value, raw)
        return before + [.fragment(raw), .startTimer(TranstekDriver.joinTimer, milliseconds: 4000), idle]
      case 0x8A22:
        let composition = try TranstekComposition(octets)
        guard let (weight, first) = waiting, weight.seconds == composition.seconds,
          weight.user == nil || weight.user == composition.user
        else { return [] }
        waiting = nil
        let both = RawSource(source: "\(first.source)+\(raw.source)", octets: first.octets + octets)
        return [.stopTimer(TranstekDriver.joinTimer)] + given(weight, composition, both)
      default: return []
      }
    } catch {
      return [.problem(DriverProblem(error, raw: raw))]
    }
  }

  private mutating func greeted(_ octets: [UInt8]) -> [DriverAction] {
    switch octets.first {
    case 0xA0 where octets.count == 5:
      hasGreeted = true
      password = Array(octets[1...4])
      return [.stopTimer(TranstekDriver.greetingTimer), .answer(.keyGiven(password))]
        + [write([0x21] + TranstekDriver.hubNumber)]
    case 0xA1 where octets.count == 5:
      hasGreeted = true
      guard !isCuff || password.count == 4 else {
        let message =
          "this cuff gives its password only once; hold its button until the Bluetooth sign blinks, to pair it"
        return [.problem(DriverProblem(code: "key-missing", message: message)), .finish]
      }
      let answer = octets[1...4].enumerated().map { index, octet in
        index < password.count ? octet ^ password[index] : octet
      }
      return [.stopTimer(TranstekDriver.greetingTimer), write([0x20] + answer)] + writeTime()
        + (isCuff ? [] : [write([0x22])])
    default: return []
    }
  }

  /// A stamp that counts from another year than the clock was set to.
  private mutating func correctEpoch(_ seconds: UInt32?) -> [DriverAction] {
    guard let found = TranstekTime.stamp(seconds, context), found.epoch != writtenEpoch else { return [] }
    return writeTime(found.epoch)
  }

  private var idle: DriverAction { .startTimer(TranstekDriver.idleTimer, milliseconds: 8000) }

  private func given(
    _ weight: TranstekWeight, _ composition: TranstekComposition?, _ raw: RawSource
  ) -> [DriverAction] {
    guard let reading = TranstekReading.reading(weight, composition, raw: raw, context) else { return [idle] }
    return [.reading(reading), idle]
  }

  private mutating func flush() -> [DriverAction] {
    guard let (weight, raw) = waiting else { return [] }
    waiting = nil
    return [.stopTimer(TranstekDriver.joinTimer)] + given(weight, nil, raw)
  }

  static let profile = DeviceProfile(
    id: "transtek-scale", manufacturer: "Transtek",
    names: ["Medisana BS430, BS440, BS444", "ADE BA 1600", "Trisa and other LifeSense scales"], transport: .gatt,
    recognition: [.service(BluetoothUUID(0x78B2)), .service(BluetoothUUID(0x7802))],
    kinds: [.bodyWeight, .bodyComposition], terms: [.weight, .bodyFat, .musclePercentage], clock: .settable,
    memory: .untilConfirmed, verification: .captured
  ) { TranstekDriver($0) }.pairs(
    .cannotBond, hint: "hold the button on its underside until the display blinks, then step on it")

  static let cuff = DeviceProfile(
    id: "transtek-cuff", manufacturer: "Transtek",
    names: ["LifeSense and Transtek cuffs (TMB series)", "Welch Allyn Home", "Philips DL8760"], transport: .gatt,
    recognition: cuffs.map { .service(BluetoothUUID($0)) }, kinds: [.bloodPressure], terms: BloodPressureProfile.terms,
    clock: .settable, memory: .untilConfirmed, verification: .unverified
  ) { TranstekDriver($0) }.pairs(.cannotBond, hint: "hold its button until the Bluetooth sign blinks")
}
