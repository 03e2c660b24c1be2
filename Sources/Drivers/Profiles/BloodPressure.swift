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

  /// Stored records of service version 1.1, in segments.
  static let record = CharacteristicID(0x1810, 0x2B36)
  static let controlPoint = CharacteristicID(0x1810, 0x2A52)
  /// The control of a QardioArm: it says how a measurement goes on. Never written: F1 01 inflates the cuff.
  static let qardioControl = CharacteristicID(
    BluetoothUUID(0x1810), BluetoothUUID(high: 0x583C_B5B3_875D_40ED, low: 0x9098_C39E_B0C1_983D))

  private var decoding = GATTDecoding.Context()
  private var records = RecordTransfer(controlPoint)
  private var hasRecords = false
  private var assembly = BloodPressureRecordAssembly()
  /// The cuff notifies its pressure while it measures (QardioArm): only a value with a status is a result.
  private var isStreaming = false

  var subscriptions: [(id: CharacteristicID, indications: Bool)] {
    [
      (BloodPressureProfile.measurement, true), (BloodPressureProfile.enhanced, true),
      (BloodPressureProfile.record, false), (BloodPressureProfile.controlPoint, true),
      (BloodPressureProfile.qardioControl, false),
    ]
  }
  var totalMilliseconds: Int { hasRecords ? 600_000 : 60_000 }
  var idleMilliseconds: Int { records.isRunning ? 40_000 : 8000 }

  mutating func connected(_ device: Set<CharacteristicID>) {
    // A control point without records beside it is some cuffs' own affair.
    hasRecords = device.contains(BloodPressureProfile.record) && device.contains(BloodPressureProfile.controlPoint)
    isStreaming = device.contains(BloodPressureProfile.qardioControl)
  }

  mutating func ready(_ device: Set<CharacteristicID>, _ context: DriverContext) -> [DriverAction] {
    hasRecords ? records.begin(context) : []
  }

  var features: [CharacteristicID] { [BloodPressureProfile.featureID] }

  mutating func feature(_ id: CharacteristicID, _ octets: [UInt8]) {
    decoding.bloodPressureFeature = octets.count >= 2 ? octets : nil
  }

  mutating func measured(_ id: CharacteristicID, _ octets: [UInt8], _ context: DriverContext) -> [DriverAction] {
    decoding.model = context.model
    switch id {
    case BloodPressureProfile.record: return stored(octets)
    case BloodPressureProfile.qardioControl: return qardioSays(octets)
    case BloodPressureProfile.measurement where isStreaming: return streamed(octets)
    case BloodPressureProfile.controlPoint:
      guard hasRecords else { return [] }
      do {
        // The device has given all its records: the rest of the last one does not come any more.
        let isEnd = try RecordAccessResponse(decoding: octets) == .response(to: 1, code: 1)
        let lost = isEnd && assembly.abandon() ? lostRecord(nil) : []
        return lost + BloodPressureProfile.staying(try records.answered(octets))
      } catch {
        return [.problem(DriverProblem(error))]
      }
    default: return GATTDecoding.actions(id, octets, decoding)
    }
  }

  /// `F2` and how far the measurement is: 6 is an error of the cuff.
  private func qardioSays(_ octets: [UInt8]) -> [DriverAction] {
    guard octets.prefix(2) == [0xF2, 0x06] else { return [] }
    let raw = RawSource(source: "\(BloodPressureProfile.qardioControl)", octets: octets)
    let message = "the cuff reports that its measurement failed"
    return [.problem(DriverProblem(code: "measurement-failed", message: message, raw: raw))]
  }

  /// A value of a cuff that streams: a result has a status and pressures that an arm has; all others are the cuff's own pressure, or
  /// its failure.
  private func streamed(_ octets: [UInt8]) -> [DriverAction] {
    let raw = RawSource(source: "\(BloodPressureProfile.measurement)", octets: octets)
    do {
      let value = try BloodPressureMeasurement(decoding: octets)
      guard value.status != nil else {
        return value.systolic.decimal == nil ? ReadingBuilder.failed("blood pressure measurement", raw).actions : []
      }
      guard let high = value.systolic.decimal, let low = value.diastolic.decimal, low < high,
        !(high < ExactDecimal(40)),
        !(ExactDecimal(300) < high)
      else { return ReadingBuilder.failed("blood pressure measurement", raw).actions }
      return GATTDecoding.actions(BloodPressureProfile.measurement, octets, decoding)
    } catch {
      return [.problem(DriverProblem(error, raw: raw))]
    }
  }

  /// A record was begun and its last segment never came: nothing may be erased.
  private mutating func lostRecord(_ raw: RawSource?) -> [DriverAction] {
    _ = records.record(nil, isGood: false)
    let error = DecodeError(field: "segmentation header", offset: 0, reason: .malformed("a segment is missing"))
    return [.problem(DriverProblem(error, raw: raw))]
  }

  /// A segment of a record; with its last one a reading, with the record's number.
  private mutating func stored(_ octets: [UInt8]) -> [DriverAction] {
    let raw = RawSource(source: "\(BloodPressureProfile.record)", octets: octets)
    var lost: [DriverAction] = []
    do {
      let segment = try BloodPressureRecord(decoding: octets)
      let whole = try assembly.add(segment)
      if assembly.hasLostRecord { lost = lostRecord(raw) }
      guard let whole else { return lost + records.stillWaits }
      var value = whole.octets
      if try decoding.decodedBloodPressureFeature()?.contains(.e2eCRC) ?? false {
        value = try E2ECRC.strippingTrailing(value)
      }
      guard records.record(whole.sequenceNumber, isGood: true) else { return lost + records.stillWaits }
      var decoded =
        try GATTDecoding.decode(
          service: BluetoothUUID(0x1810), characteristic: whole.characteristic, octets: value, context: decoding)
        ?? Decoded()
      for index in decoded.readings.indices {
        decoded.readings[index].recordNumber = UInt32(whole.sequenceNumber)
        decoded.readings[index].stored = true
      }
      return lost + decoded.actions + records.stillWaits
    } catch {
      _ = records.record(nil, isGood: false)
      return lost + [.problem(DriverProblem(error, raw: raw))] + records.stillWaits
    }
  }

  mutating func writeFailed(_ id: CharacteristicID, _ code: UInt8) -> [DriverAction] {
    id == BloodPressureProfile.controlPoint && hasRecords
      ? BloodPressureProfile.staying(records.writeFailed(code)) : []
  }

  var keepsRecords: Bool { hasRecords }
  static let mayKeepRecords = true

  mutating func request(_ request: DriverRequest) -> [DriverAction] {
    guard hasRecords else { return [request.refusal] }
    return BloodPressureProfile.staying(records.request(request))
  }

  mutating func committed() -> [DriverAction] {
    hasRecords ? BloodPressureProfile.staying(records.committed()) : []
  }
  mutating func timer(_ timer: DriverTimer) -> [DriverAction] { BloodPressureProfile.staying(records.timer(timer)) }

  /// The end of the records is not the end of the session: a measurement of now may still come.
  private static func staying(_ actions: [DriverAction]) -> [DriverAction] { actions.filter { $0 != .finish } }

  static let terms: [Term] = [.systolic, .diastolic, .meanArterial, .cuffPulse]

  static let qardio = DeviceProfile(
    id: "qardioarm", manufacturer: "Qardio", names: ["QardioArm"], transport: .gatt,
    recognition: [.namePrefix("QardioARM"), .namePrefix("QardioArm")], kinds: [.bloodPressure], terms: terms,
    clock: .none,
    memory: .none, verification: .unverified,
    rule: "a value with a status; the hub never starts a measurement, it listens while another host does"
  ) { SIGDriver(BloodPressureProfile(), $0) }.pairs(hint: "bring it near and pair; it bonds by itself")

  static let generic = DeviceProfile(
    id: "blood-pressure", names: ["any cuff with the Bluetooth Blood Pressure Profile"], transport: .gatt,
    recognition: [.service(BluetoothUUID(0x1810))], kinds: [.bloodPressure], terms: terms, clock: .settable,
    memory: .untilConfirmed, verification: .captured
  ) { SIGDriver(BloodPressureProfile(), $0) }
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
