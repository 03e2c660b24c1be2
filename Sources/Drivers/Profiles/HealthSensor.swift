// Devices of the Generic Health Sensor profile (0x1840): any kind of measurement with its MDC code. Live observations come over 2B8B once
// they were asked for (01 to 2BF4), stored ones over 2BDD by the record access control point. Source: see `HealthObservation`; no capture of
// a device that is sold was found.

internal import HealthProfiles
internal import Octets
internal import Readings

struct HealthSensorDriver: SIGProfile {
  static let live = CharacteristicID(0x1840, 0x2B8B)
  static let stored = CharacteristicID(0x1840, 0x2BDD)
  private static let control = CharacteristicID(0x1840, 0x2BF4)
  private static let recordPoint = CharacteristicID(0x1840, 0x2A52)

  private var records = RecordTransfer(recordPoint)
  private var hasRecords = false
  private var now = HealthObservationAssembly()
  private var past = HealthObservationAssembly()

  var subscriptions: [(id: CharacteristicID, indications: Bool)] {
    [
      (HealthSensorDriver.live, false), (HealthSensorDriver.stored, false), (HealthSensorDriver.control, true),
      (HealthSensorDriver.recordPoint, true),
    ]
  }
  var idleMilliseconds: Int { records.isRunning ? 40_000 : 20_000 }
  var totalMilliseconds: Int { 600_000 }

  mutating func ready(_ device: Set<CharacteristicID>, _ context: DriverContext) -> [DriverAction] {
    hasRecords = device.isSuperset(of: [HealthSensorDriver.stored, HealthSensorDriver.recordPoint])
    let start: [DriverAction] =
      device.contains(HealthSensorDriver.control)
      ? [.write(HealthSensorDriver.control, [0x01], withResponse: true)] : []
    return start + (hasRecords ? records.begin(context, reportsAll: true) : [])
  }

  mutating func measured(_ id: CharacteristicID, _ octets: [UInt8], _ context: DriverContext) -> [DriverAction] {
    let raw = RawSource(source: "\(id)", octets: octets)
    do {
      switch id {
      case HealthSensorDriver.live:
        guard let whole = try now.add(octets) else { return [] }
        return try HealthSensorDriver.decode(whole: whole, isStored: false, raw.source).actions
      case HealthSensorDriver.stored:
        guard let whole = try past.add(octets) else { return records.stillWaits }
        let decoded = try HealthSensorDriver.decode(whole: whole, isStored: true, raw.source)
        guard records.record(nil, isGood: true) else { return records.stillWaits }
        return decoded.actions + records.stillWaits
      case HealthSensorDriver.recordPoint:
        return hasRecords ? try records.answered(octets).filter { $0 != .finish } : []
      default: return []
      }
    } catch {
      if id == HealthSensorDriver.stored { _ = records.record(nil, isGood: false) }
      return [.problem(DriverProblem(error, raw: raw))]
    }
  }

  mutating func writeFailed(_ id: CharacteristicID, _ code: UInt8) -> [DriverAction] {
    id == HealthSensorDriver.recordPoint && hasRecords ? records.writeFailed(code).filter { $0 != .finish } : []
  }
  var keepsRecords: Bool { hasRecords }
  static let mayKeepRecords = true
  mutating func request(_ request: DriverRequest) -> [DriverAction] {
    hasRecords ? records.request(request) : [request.refusal]
  }
  mutating func committed() -> [DriverAction] { hasRecords ? records.committed().filter { $0 != .finish } : [] }
  mutating func timer(_ timer: DriverTimer) -> [DriverAction] { records.timer(timer).filter { $0 != .finish } }

  // MARK: What an observation says

  /// A value of 2B8B or 2BDD that is one segment, for `decode gatt`.
  static func decode(_ octets: [UInt8], _ id: CharacteristicID) throws(DecodeError) -> Decoded {
    var assembly = HealthObservationAssembly()
    guard let whole = try assembly.add(octets) else {
      return Decoded(values: [NamedValue("segment", .integer(Int64(octets[0] >> 2)))])
    }
    return try decode(whole: whole, isStored: id == stored, "\(id)")
  }

  private static func decode(
    whole: [UInt8], isStored: Bool, _ source: String
  ) throws(DecodeError) -> Decoded {
    let raw = RawSource(source: source, octets: whole)
    guard isStored else { return decoded(try HealthObservation(decoding: whole), nil, raw) }
    var reader = OctetReader(whole)
    let number = try reader.uint32("record")
    return decoded(try HealthObservation(decoding: Array(whole.dropFirst(4))), number, raw)
  }

  private static func decoded(_ observation: HealthObservation, _ record: UInt32?, _ raw: RawSource) -> Decoded {
    let members: [HealthObservation]
    if case .bundle(let all) = observation.value { members = all } else { members = [observation] }
    guard !observation.isUnusable, !members.contains(where: \.isUnusable) else {
      let message = "the sensor marks this as invalid, unavailable, calibration, test or setting"
      return Decoded(problems: [DriverProblem(code: "not-a-measurement", message: message, raw: raw)])
    }
    var kinds: [ReadingKind] = []
    var found: [ReadingKind: [Observation]] = [:]
    for member in members {
      for (term, observation) in observations(member) {
        guard let kind = kind(term) else { continue }
        if found[kind] == nil { kinds.append(kind) }
        found[kind, default: []].append(observation)
      }
    }
    let flags: [ReadingFlag] =
      (members + [observation]).contains { $0.status & 0x02 != 0 } ? [.questionable] : []
    let early: [ReadingFlag] =
      (members + [observation]).contains { $0.status & 0x20 != 0 } ? [.earlyIndication] : []
    let time = members.compactMap(\.time).first ?? observation.time
    let readings = kinds.map { kind in
      DeviceReading(
        kind: kind,
        observations: (found[kind] ?? []).sorted { Nomenclature.order(of: $0.term) < Nomenclature.order(of: $1.term) },
        flags: flags + early, time: time.flatMap(stamp), user: members.compactMap(\.person).first,
        recordNumber: record, stored: record != nil, raw: raw)
    }
    guard !readings.isEmpty else {
      return Decoded(values: [NamedValue("type", .integer(Int64(observation.type ?? 0)))])
    }
    return Decoded(readings: readings)
  }

  private static func observations(_ observation: HealthObservation) -> [(Term, Observation)] {
    func made(_ type: UInt32?, _ unit: UInt16, _ value: MedicalFloat) -> [(Term, Observation)] {
      guard let term = type.flatMap({ Nomenclature.term(mdc: $0) }),
        let unit = UCUM.allCases.first(where: { UInt16(truncatingIfNeeded: $0.mdc ?? 0) == unit })
      else { return [] }
      return [(term, Observation(term, medical: value, unit: unit))]
    }
    switch observation.value {
    case .number(let unit, let value): return made(observation.type, unit, value)
    case .compound(let components):
      return components.flatMap { component in
        component.number.map { made(component.type, $0.unit, $0.value) } ?? []
      }
    case .bundle, .other: return []
    }
  }

  private static func stamp(_ time: CurrentElapsedTime) -> DeviceStamp? {
    if let milliseconds = time.utcMilliseconds { return .utc(milliseconds: milliseconds) }
    guard !time.isTickCounter else { return nil }
    return .local(DeviceDateTime(seconds: time.timeValue / time.ticksPerSecond, since: 2000))
  }

  private static let kinds: [ReadingKind: [Term]] = [
    .bloodPressure: BloodPressureProfile.terms, .pulseOximetry: [.spo2, .oximeterPulse, .perfusionIndex],
    .bodyWeight: [.weight], .bodyTemperature: ThermometerProfile.terms, .glucose: GlucoseProfile.terms,
    .heartRate: [.heartRate],
  ]

  private static func kind(_ term: Term) -> ReadingKind? { kinds.first { $0.value.contains(term) }?.key }

  static let profile = DeviceProfile(
    id: "health-sensor", names: ["any device with the Bluetooth Generic Health Sensor Profile"], transport: .gatt,
    recognition: [.service(BluetoothUUID(0x1840))],
    kinds: [.bloodPressure, .pulseOximetry, .bodyWeight, .bodyTemperature, .glucose, .heartRate],
    terms: Nomenclature.terms.filter { kind($0) != nil }, clock: .settable, memory: .records,
    verification: .unverified
  ) { SIGDriver(HealthSensorDriver(), $0) }
}
