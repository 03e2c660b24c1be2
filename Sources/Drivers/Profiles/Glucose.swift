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
  /// A measurement whose context is announced.
  private var waiting: (value: GlucoseMeasurement, raw: RawSource)?

  var subscriptions: [(id: CharacteristicID, indications: Bool)] {
    [(GlucoseProfile.measurement, false), (GlucoseProfile.contextID, false), (GlucoseProfile.controlPoint, true)]
  }
  var features: [CharacteristicID] { [GlucoseProfile.featureID] }
  // Hundreds of records take their time; the meter tells the end.
  var idleMilliseconds: Int { 30_000 }
  var totalMilliseconds: Int { 600_000 }

  mutating func feature(_ id: CharacteristicID, _ octets: [UInt8]) { feature = try? GlucoseFeature(decoding: octets) }

  mutating func ready(_ device: Set<CharacteristicID>, _ context: DriverContext) -> [DriverAction] {
    let filter: RecordAccessRequest.Filter =
      context.lastRecordNumber.map { .from(UInt16(truncatingIfNeeded: $0 &+ 1)) } ?? .all
    return [.write(GlucoseProfile.controlPoint, RecordAccessRequest.reportRecords(filter).octets, withResponse: true)]
  }

  mutating func measured(_ id: CharacteristicID, _ octets: [UInt8], _ context: DriverContext) -> [DriverAction] {
    let raw = RawSource(source: "\(id)", octets: octets)
    do {
      switch id {
      case GlucoseProfile.measurement:
        let before = flush(nil)
        let value = try GlucoseMeasurement(decoding: octets)
        guard value.hasContext else { return before + actions(value, nil, raw) }
        waiting = (value, raw)
        return before + [.startTimer(GlucoseProfile.contextTimer, milliseconds: 2000)]
      case GlucoseProfile.contextID:
        let value = try GlucoseMeasurementContext(decoding: octets)
        return flush(value.sequenceNumber == waiting?.value.sequenceNumber ? (value, octets) : nil)
      default: return flush(nil) + (try answer(octets))
      }
    } catch {
      return [.problem(DriverProblem(error, raw: raw))]
    }
  }

  mutating func writeFailed(_ id: CharacteristicID, _ code: UInt8) -> [DriverAction] {
    guard id == GlucoseProfile.controlPoint else { return [] }
    return [
      .problem(
        DriverProblem(code: "records-refused", message: "the meter refuses to report its records (ATT error \(code))")),
      .finish,
    ]
  }

  /// Success and "no records" are both the normal end.
  private func answer(_ octets: [UInt8]) throws(DecodeError) -> [DriverAction] {
    guard case .response(_, let code) = try RecordAccessResponse(decoding: octets) else { return [] }
    if code == 1 || code == 6 { return [.finish] }
    return [
      .problem(
        DriverProblem(
          code: "records-refused", message: "the meter refuses its records: \(RecordAccessResponse.meaning(of: code))")),
      .finish,
    ]
  }

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

  mutating func timer(_ timer: DriverTimer) -> [DriverAction] { flush(nil) }
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
