// Scales of the Weight Scale (0x181D) and Body Composition (0x181B) profiles: A&D UC-352BLE, Beurer BF series.
//
// A body composition scale sends weight (2A9D) and composition (2A9C) as two indications, the second one sometimes without
// stamp and sometimes in two packets. The weight is kept on disk as a fragment until its composition comes, so that it can be
// confirmed at once; alone, or with an all-zero composition, it stands for itself.

internal import HealthProfiles
internal import Octets
internal import Readings

struct WeightProfile: SIGProfile {
  static let weight = CharacteristicID(0x181D, 0x2A9D)
  static let composition = CharacteristicID(0x181B, 0x2A9C)
  private static let joinTimer: DriverTimer = 10
  /// How long a weight waits for its composition, in milliseconds.
  private static let joinMilliseconds = 6000

  private var hasComposition = false
  /// A weight that waits for its composition.
  private var weighing: (value: WeightMeasurement, octets: [UInt8])?
  /// The first of two packets of a composition.
  private var packet: (value: BodyCompositionMeasurement, octets: [UInt8])?

  var subscriptions: [(id: CharacteristicID, indications: Bool)] {
    [(WeightProfile.weight, true), (WeightProfile.composition, true)]
  }

  mutating func ready(_ device: Set<CharacteristicID>, _ context: DriverContext) -> [DriverAction] {
    hasComposition = device.contains(WeightProfile.composition)
    guard let consent = context.consent else { return [] }
    let point = CharacteristicID(0x181C, 0x2A9F)
    guard device.contains(point) else { return [] }
    let request = UserControlRequest.consent(user: consent.user, consentCode: consent.code)
    return [.subscribe(point, indications: true), .write(point, request.octets, withResponse: true)]
  }

  mutating func measured(_ id: CharacteristicID, _ octets: [UInt8], _ context: DriverContext) -> [DriverAction] {
    let raw = RawSource(source: "\(id)", octets: octets)
    let quirks = QuirkTable.quirks(model: context.model)
    do {
      return id == WeightProfile.weight
        ? weighed(try GATTDecoding.weight(octets, quirks), raw)
        : composed(try GATTDecoding.bodyComposition(octets, quirks), raw)
    } catch {
      return [.problem(DriverProblem(error, raw: raw))]
    }
  }

  private mutating func weighed(_ value: WeightMeasurement, _ raw: RawSource) -> [DriverAction] {
    let before = flush()
    guard hasComposition, value.weight != nil else { return before + ReadingBuilder.weight(value, raw: raw).actions }
    weighing = (value, raw.octets)
    return before + [
      .fragment(raw), .startTimer(WeightProfile.joinTimer, milliseconds: WeightProfile.joinMilliseconds),
    ]
  }

  private mutating func composed(_ value: BodyCompositionMeasurement, _ raw: RawSource) -> [DriverAction] {
    var value = value
    var octets = raw.octets
    if let first = packet, first.value.continues(in: value) {
      value = first.value.merging(value)
      octets = first.octets + octets
      packet = nil
    } else if value.isMultiplePacket, packet == nil {
      packet = (value, octets)
      return [.fragment(raw), .startTimer(WeightProfile.joinTimer, milliseconds: WeightProfile.joinMilliseconds)]
    }
    guard let weighing, WeightProfile.belong(weighing.value, value) else {
      let before = flush()
      return before + (value.isEmptyStub ? [] : composition(value, nil, octets))
    }
    self.weighing = nil
    if value.isEmptyStub {
      let raw = RawSource(source: "\(WeightProfile.weight)", octets: weighing.octets)
      return [.stopTimer(WeightProfile.joinTimer)] + ReadingBuilder.weight(weighing.value, raw: raw).actions
    }
    return [.stopTimer(WeightProfile.joinTimer)] + composition(value, weighing, octets)
  }

  private func composition(
    _ value: BodyCompositionMeasurement, _ weighing: (value: WeightMeasurement, octets: [UInt8])?, _ octets: [UInt8]
  ) -> [DriverAction] {
    let source =
      weighing == nil ? "\(WeightProfile.composition)" : "\(WeightProfile.weight)+\(WeightProfile.composition)"
    let raw = RawSource(source: source, octets: (weighing?.octets ?? []) + octets)
    return ReadingBuilder.bodyComposition(value, weighing: weighing?.value, raw: raw).actions
  }

  /// One user, one moment, as far as both tell.
  private static func belong(_ weight: WeightMeasurement, _ composition: BodyCompositionMeasurement) -> Bool {
    if let one = weight.userID, let other = composition.userID, one != other { return false }
    if let one = weight.timeStamp, let other = composition.timeStamp, one != other { return false }
    return true
  }

  /// Gives what waits, each by itself.
  private mutating func flush() -> [DriverAction] {
    var actions: [DriverAction] = []
    if let packet {
      self.packet = nil
      let joined = weighing.flatMap { WeightProfile.belong($0.value, packet.value) ? $0 : nil }
      if joined != nil { weighing = nil }
      actions += composition(packet.value, joined, packet.octets)
    }
    if let weighing {
      self.weighing = nil
      let raw = RawSource(source: "\(WeightProfile.weight)", octets: weighing.octets)
      actions += ReadingBuilder.weight(weighing.value, raw: raw).actions
    }
    return actions
  }

  mutating func timer(_ timer: DriverTimer) -> [DriverAction] { timer == WeightProfile.joinTimer ? flush() : [] }
  mutating func closed() -> [DriverAction] { flush() }

  static let weightTerms: [Term] = [.weight, .height, .bodyMassIndex]
  static let compositionTerms: [Term] =
    weightTerms + [
      .bodyFat, .fatFreeMass, .softLeanMass, .bodyWater, .basalMetabolism, .musclePercentage, .muscleMass, .impedance,
    ]

  static let generic = DeviceProfile(
    id: "weight-scale", names: ["any scale with the Bluetooth Weight Scale Profile"], transport: .gatt,
    recognition: [.service(BluetoothUUID(0x181D))], kinds: [.bodyWeight, .bodyComposition], terms: compositionTerms,
    clock: .settable, memory: .untilConfirmed, verification: .captured
  ) { SIGDriver(WeightProfile(), $0) }

  static let andUC352 = DeviceProfile(
    id: "and-uc352ble", manufacturer: "A&D", names: ["UC-352BLE"], transport: .gatt,
    recognition: [.namePrefix("A&D_UC-352")], kinds: [.bodyWeight], terms: weightTerms, clock: .settable,
    memory: .untilConfirmed, verification: .unverified
  ) { SIGDriver(WeightProfile(), $0) }

  static let beurerBF720 = DeviceProfile(
    id: "beurer-bf720", manufacturer: "Beurer", names: ["BF720", "BF788", "BF105", "BF950"], transport: .gatt,
    recognition: [.namePrefix("BF720"), .namePrefix("BF788"), .namePrefix("BF105"), .namePrefix("BF950")],
    kinds: [.bodyWeight, .bodyComposition], terms: compositionTerms, clock: .settable, memory: .untilConfirmed,
    verification: .captured
  ) { SIGDriver(WeightProfile(), $0) }
}
