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

  /// Weights with stamps that may wait at once, as a scale that sends its history first has them.
  private static let mostWaiting = 16

  private typealias Weighing = (value: WeightMeasurement, octets: [UInt8])

  private var hasComposition = false
  /// Weights that wait for their composition, oldest first.
  private var waiting: [Weighing] = []
  /// The first of two packets of a composition.
  private var packet: (value: BodyCompositionMeasurement, octets: [UInt8])?

  var subscriptions: [(id: CharacteristicID, indications: Bool)] {
    [(WeightProfile.weight, true), (WeightProfile.composition, true)]
  }

  mutating func connected(_ device: Set<CharacteristicID>) {
    hasComposition = device.contains(WeightProfile.composition)
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
    // Only a stamp can join a composition with another weight than the last one.
    var before: [DriverAction] = []
    while let first = waiting.first, first.value.timeStamp == nil || waiting.count >= WeightProfile.mostWaiting {
      waiting.removeFirst()
      before += WeightProfile.alone(first)
    }
    guard hasComposition, value.weight != nil else { return before + ReadingBuilder.weight(value, raw: raw).actions }
    waiting.append((value, raw.octets))
    return before + [.fragment(raw), WeightProfile.wait]
  }

  private mutating func composed(_ value: BodyCompositionMeasurement, _ raw: RawSource) -> [DriverAction] {
    var value = value
    var octets = raw.octets
    var before: [DriverAction] = []
    if let first = packet {
      packet = nil
      if first.value.continues(in: value) {
        value = first.value.merging(value)
        octets = first.octets + octets
      } else {
        // Its second packet never came.
        before = given(first.value, first.octets)
        if value.isMultiplePacket {
          packet = (value, octets)
          return before + [.fragment(raw), WeightProfile.wait]
        }
      }
    } else if value.isMultiplePacket {
      packet = (value, octets)
      return [.fragment(raw), WeightProfile.wait]
    }
    return before + given(value, octets)
  }

  /// A whole composition, with the weight that belongs to it.
  private mutating func given(_ value: BodyCompositionMeasurement, _ octets: [UInt8]) -> [DriverAction] {
    let joined = match(value).map { waiting.remove(at: $0) }
    let stop: [DriverAction] = waiting.isEmpty ? [.stopTimer(WeightProfile.joinTimer)] : []
    guard value.isEmptyStub else { return stop + composition(value, joined, octets) }
    // A stub says that no composition was measured: the weight stands for itself.
    if let joined { return stop + WeightProfile.alone(joined) }
    return value.weight.map { !$0.isZero } ?? false ? stop + composition(value, nil, octets) : stop
  }

  /// The weight of the same user and moment; without a stamp, the only one that waits.
  private func match(_ composition: BodyCompositionMeasurement) -> Int? {
    guard let stamp = composition.timeStamp else {
      guard waiting.count == 1, WeightProfile.isOfUser(waiting[0].value, composition) else { return nil }
      return 0
    }
    let exact = waiting.firstIndex { $0.value.timeStamp == stamp && WeightProfile.isOfUser($0.value, composition) }
    return exact
      ?? waiting.lastIndex { $0.value.timeStamp == nil && WeightProfile.isOfUser($0.value, composition) }
  }

  /// One user, as far as both tell.
  private static func isOfUser(_ weight: WeightMeasurement, _ composition: BodyCompositionMeasurement) -> Bool {
    guard let one = weight.userID, let other = composition.userID else { return true }
    return one == other
  }

  private func composition(
    _ value: BodyCompositionMeasurement, _ weighing: Weighing?, _ octets: [UInt8]
  ) -> [DriverAction] {
    let source =
      weighing == nil ? "\(WeightProfile.composition)" : "\(WeightProfile.weight)+\(WeightProfile.composition)"
    let raw = RawSource(source: source, octets: (weighing?.octets ?? []) + octets)
    return ReadingBuilder.bodyComposition(value, weighing: weighing?.value, raw: raw).actions
  }

  private static func alone(_ weighing: Weighing) -> [DriverAction] {
    let raw = RawSource(source: "\(WeightProfile.weight)", octets: weighing.octets)
    return ReadingBuilder.weight(weighing.value, raw: raw).actions
  }

  private static var wait: DriverAction { .startTimer(joinTimer, milliseconds: joinMilliseconds) }

  /// Gives what waits, each by itself.
  private mutating func flush() -> [DriverAction] {
    var actions: [DriverAction] = []
    if let packet {
      self.packet = nil
      actions += given(packet.value, packet.octets)
    }
    for weighing in waiting { actions += WeightProfile.alone(weighing) }
    waiting = []
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
}
