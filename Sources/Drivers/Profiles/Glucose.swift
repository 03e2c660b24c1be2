// Glucose meters of the Glucose Profile (0x1808): Accu-Chek Guide, Contour Next, Beurer GL50. Records are asked for by the
// record access control point; a measurement waits for the context that its flags announce.

internal import HealthProfiles
internal import Octets
internal import Readings

struct GlucoseProfile: SIGProfile {
  static let measurement = CharacteristicID(0x1808, 0x2A18)
  static let contextID = CharacteristicID(0x1808, 0x2A34)
  static let controlPoint = CharacteristicID(0x1808, 0x2A52)
  static let featureID = CharacteristicID(0x1808, 0x2A51)
  private static let contextTimer: DriverTimer = 10

  private var feature: GlucoseFeature?
  private var records = RecordTransfer(controlPoint)
  private var hasRecords = false
  /// A measurement whose context is announced.
  private var waiting: (value: GlucoseMeasurement, raw: RawSource)?

  var subscriptions: [(id: CharacteristicID, indications: Bool)] {
    [(GlucoseProfile.measurement, false), (GlucoseProfile.contextID, false), (GlucoseProfile.controlPoint, true)]
  }
  var features: [CharacteristicID] { [GlucoseProfile.featureID] }
  // Hundreds of records take their time; the meter tells the end, or the transfer's own limit runs out.
  var idleMilliseconds: Int { 40_000 }
  var totalMilliseconds: Int { 600_000 }

  mutating func feature(_ id: CharacteristicID, _ octets: [UInt8]) { feature = try? GlucoseFeature(decoding: octets) }

  mutating func ready(_ device: Set<CharacteristicID>, _ context: DriverContext) -> [DriverAction] {
    hasRecords = device.contains(GlucoseProfile.controlPoint)
    return MeterClock.writes(device, context) + (hasRecords ? records.begin(context) : [])
  }

  mutating func measured(_ id: CharacteristicID, _ octets: [UInt8], _ context: DriverContext) -> [DriverAction] {
    let raw = RawSource(source: "\(id)", octets: octets)
    do {
      switch id {
      case GlucoseProfile.measurement:
        let before = flush(nil) + records.stillWaits
        let value = try GlucoseMeasurement(decoding: octets)
        try Departure.check(0x2A18, octets, trailing: value.trailingOctets, Decoded())
        guard records.record(value.sequenceNumber, isGood: true) else { return before }
        guard value.hasContext else { return before + actions(value, nil, raw) }
        waiting = (value, raw)
        return before + [.startTimer(GlucoseProfile.contextTimer, milliseconds: 2000)]
      case GlucoseProfile.contextID:
        let value = try GlucoseMeasurementContext(decoding: octets)
        return flush(value.sequenceNumber == waiting?.value.sequenceNumber ? (value, octets) : nil)
      default: return flush(nil) + (try records.answered(octets))
      }
    } catch {
      if id == GlucoseProfile.measurement { _ = records.record(nil, isGood: false) }
      return [.problem(DriverProblem(error, raw: raw))]
    }
  }

  mutating func writeFailed(_ id: CharacteristicID, _ code: UInt8) -> [DriverAction] {
    id == GlucoseProfile.controlPoint ? records.writeFailed(code) : []
  }

  var keepsRecords: Bool { hasRecords }
  static let mayKeepRecords = true
  mutating func request(_ request: DriverRequest) -> [DriverAction] {
    hasRecords ? records.request(request) : [request.refusal]
  }
  mutating func committed() -> [DriverAction] { records.committed() }

  private mutating func flush(_ context: (value: GlucoseMeasurementContext, octets: [UInt8])?) -> [DriverAction] {
    guard let (value, announced) = waiting else { return [] }
    var raw = announced
    waiting = nil
    if let context {
      raw.source += "+\(GlucoseProfile.contextID)"
      raw.octets += context.octets
    }
    return [.stopTimer(GlucoseProfile.contextTimer)] + actions(value, context?.value, raw)
  }

  private func actions(
    _ value: GlucoseMeasurement, _ context: GlucoseMeasurementContext?, _ raw: RawSource
  ) -> [DriverAction] {
    ReadingBuilder.glucose(value, context: context, feature: feature, raw: raw).actions
  }

  mutating func timer(_ timer: DriverTimer) -> [DriverAction] {
    flush(nil) + (timer == GlucoseProfile.contextTimer ? [] : records.timer(timer))
  }
  mutating func closed() -> [DriverAction] { flush(nil) }

  static let terms: [Term] = [
    .glucoseCapillaryWholeBlood, .glucoseCapillaryPlasma, .glucoseVenousWholeBlood, .glucoseVenousPlasma,
    .glucoseArterialWholeBlood, .glucoseArterialPlasma, .glucoseUndeterminedWholeBlood, .glucoseUndeterminedPlasma,
    .glucoseInterstitial,
  ]

  static let generic = DeviceProfile(
    id: "glucose-meter", names: ["any meter with the Bluetooth Glucose Profile", "Accu-Chek Guide", "Contour Next"],
    transport: .gatt, recognition: [.service(BluetoothUUID(0x1808))], kinds: [.glucose], terms: terms,
    clock: .settable, memory: .records, verification: .captured
  ) { SIGDriver(GlucoseProfile(), $0) }
}
