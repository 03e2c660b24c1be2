// Oximeters of the Pulse Oximeter Profile (0x1822): ChoiceMMed and relatives, Nonin 3230's standard service.
//
// A device that gives spot-checks (2A5E) gives readings. One that only streams (2A5F) is measured by the stability rule.

internal import HealthProfiles
internal import Octets
internal import Readings

struct PulseOximeterProfile: SIGProfile {
  static let spotCheck = CharacteristicID(0x1822, 0x2A5E)
  static let continuous = CharacteristicID(0x1822, 0x2A5F)
  static let controlPoint = CharacteristicID(0x1822, 0x2A52)
  static let featuresID = CharacteristicID(0x1822, 0x2A60)

  private var decoding = GATTDecoding.Context()
  private var hasSpotCheck = false
  private var hasRecords = false
  private var records = RecordTransfer(controlPoint)
  /// The stream's values come once a second. Made with the first.
  private var stability: SpotCheckRule?

  var subscriptions: [(id: CharacteristicID, indications: Bool)] {
    [
      (PulseOximeterProfile.spotCheck, true), (PulseOximeterProfile.continuous, false),
      (PulseOximeterProfile.controlPoint, true),
    ]
  }
  var features: [CharacteristicID] { [PulseOximeterProfile.featuresID] }

  var idleMilliseconds: Int { records.isRunning ? 40_000 : 8000 }
  var totalMilliseconds: Int { hasRecords ? 600_000 : 60_000 }

  mutating func feature(_ id: CharacteristicID, _ octets: [UInt8]) {
    decoding.plxFeatures = (try? PLXFeatures(decoding: octets)) == nil ? nil : octets
  }

  mutating func connected(_ device: Set<CharacteristicID>) {
    hasSpotCheck = device.contains(PulseOximeterProfile.spotCheck)
    hasRecords = hasSpotCheck && device.contains(PulseOximeterProfile.controlPoint)
  }

  /// Stored spot-checks come by 2A5E; they have no numbers, so all are asked for.
  mutating func ready(_ device: Set<CharacteristicID>, _ context: DriverContext) -> [DriverAction] {
    hasRecords ? records.begin(context, reportsAll: true) : []
  }

  mutating func measured(_ id: CharacteristicID, _ octets: [UInt8], _ context: DriverContext) -> [DriverAction] {
    if id == PulseOximeterProfile.controlPoint { return answered(octets) }
    if id == PulseOximeterProfile.spotCheck {
      let isGood = (try? PLXSpotCheckMeasurement(decoding: octets)) != nil
      return records.record(nil, isGood: isGood)
        ? GATTDecoding.actions(id, octets, decoding) + records.stillWaits : []
    }
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

  /// The end of the records is not the end of the session: a finger may still be in the sensor.
  private mutating func answered(_ octets: [UInt8]) -> [DriverAction] {
    do {
      return try records.answered(octets).filter { $0 != .finish }
    } catch {
      return [.problem(DriverProblem(error))]
    }
  }

  mutating func writeFailed(_ id: CharacteristicID, _ code: UInt8) -> [DriverAction] {
    id == PulseOximeterProfile.controlPoint ? records.writeFailed(code).filter { $0 != .finish } : []
  }

  var keepsRecords: Bool { hasRecords }
  static let mayKeepRecords = true

  mutating func request(_ request: DriverRequest) -> [DriverAction] {
    guard hasRecords else { return [request.refusal] }
    return records.request(request).filter { $0 != .finish }
  }

  mutating func committed() -> [DriverAction] { hasRecords ? records.committed().filter { $0 != .finish } : [] }
  mutating func timer(_ timer: DriverTimer) -> [DriverAction] { records.timer(timer).filter { $0 != .finish } }

  static let terms: [Term] = [.spo2, .oximeterPulse, .perfusionIndex]

  static let generic = DeviceProfile(
    id: "pulse-oximeter", names: ["any oximeter with the Bluetooth Pulse Oximeter Profile", "ChoiceMMed MD300"],
    transport: .gatt, recognition: [.service(BluetoothUUID(0x1822))], kinds: [.pulseOximetry], terms: terms,
    clock: .settable, memory: .none, verification: .captured, rule: SpotCheckRule.sentence
  ) { SIGDriver(PulseOximeterProfile(), $0) }
}
