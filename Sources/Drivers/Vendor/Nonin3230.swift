// Nonin 3230 and 3150 BLE by their own service: ten octets a second, big-endian: length, status, battery, perfusion, counter,
// saturation, pulse. Source: the field list of Nonin's document 113142-000-02 as public code cites it, and a public driver.
//
// A spot-check is the first value that the device itself calls good (SmartPoint) with a finger in place. When it is on disk, the hub
// writes `62 4E 4D 49`: the display shows that the measurement was taken, and the device hangs up. Nothing measured is 127 and 511.
// The device works without a bond. The recordings of the 3150 need a configuration of their own and are not read.

internal import Octets
internal import Readings

/// One value of the oximetry characteristic.
struct Nonin3230Frame: Hashable {
  let octets: [UInt8]
  /// Bit 1 weak signal, 2 SmartPoint, 3 searching, 4 finger in place, 5 low battery, 6 encrypted.
  var status: UInt8 { octets[1] }
  var isSmartPoint: Bool { status & 0x04 != 0 }
  var isSearching: Bool { status & 0x08 != 0 }
  var hasFinger: Bool { status & 0x10 != 0 }
  var isEncrypted: Bool { status & 0x40 != 0 }
  var counter: UInt16 { UInt16(octets[5]) << 8 | UInt16(octets[6]) }
  /// %; nil for none.
  var spo2: UInt8? { octets[7] <= 100 && octets[7] > 0 ? octets[7] : nil }
  /// A minute; nil for none.
  var pulse: UInt16? {
    let raw = UInt16(octets[8]) << 8 | UInt16(octets[9])
    return raw == 0 || raw >= 511 ? nil : raw
  }
  /// Hundredths of a percent.
  var perfusion: UInt16 { UInt16(octets[3]) << 8 | UInt16(octets[4]) }

  /// Ten octets, of which the first says so. Throws for anything else.
  init(_ octets: [UInt8]) throws(DecodeError) {
    guard octets.count >= 10 else {
      throw DecodeError(field: "frame", offset: octets.count, reason: .truncated(needed: 10, available: octets.count))
    }
    guard octets[0] == 10 else {
      throw DecodeError(field: "length", offset: 0, reason: .invalidValue(Int64(octets[0])))
    }
    self.octets = octets
  }

  var values: [NamedValue] {
    [
      NamedValue("length", .integer(Int64(octets[0]))),
      NamedValue("battery_V", .decimal(ExactDecimal(Int64(octets[2]), exponent: -1))),
      NamedValue("counter", .integer(Int64(counter))), NamedValue("smart_point", .flag(isSmartPoint)),
      NamedValue("searching", .flag(isSearching)), NamedValue("sensor_on_finger", .flag(hasFinger)),
    ]
  }

  /// The values; nil without a finger or without a number.
  func reading(_ source: String) -> DeviceReading? {
    guard hasFinger, !isEncrypted, let spo2, let pulse else { return nil }
    var observations = [
      Observation(.spo2, .value(ExactDecimal(Int64(spo2))), unit: .percent),
      Observation(.oximeterPulse, .value(ExactDecimal(Int64(pulse))), unit: .perMinute),
    ]
    if perfusion > 0 {
      observations.append(
        Observation(.perfusionIndex, .value(ExactDecimal(Int64(perfusion), exponent: -2)), unit: .percent))
    }
    var flags: [ReadingFlag] = []
    if isSearching { flags.append(.signalSearching) }
    if status & 0x02 != 0 { flags.append(.signalLowPerfusion) }
    if status & 0x20 != 0 { flags.append(.lowBattery) }
    return DeviceReading(
      kind: .pulseOximetry, observations: observations, flags: flags, stored: false,
      raw: RawSource(source: source, octets: octets))
  }
}

struct Nonin3230Driver: Driver {
  static let service = BluetoothUUID(high: 0x46A9_70E0_0D5F_11E2, low: 0x8B5E_0002_A5D5_C51B)
  static let oximetry = CharacteristicID(
    service, BluetoothUUID(high: 0x0AAD_7EA0_0D60_11E2, low: 0x8E3C_0002_A5D5_C51B))
  private static let controlPoint = CharacteristicID(
    service, BluetoothUUID(high: 0x1447_AF80_0D60_11E2, low: 0x88B6_0002_A5D5_C51B))
  /// "The measurement was taken."
  private static let complete: [UInt8] = [0x62, 0x4E, 0x4D, 0x49]

  private enum Phase: Sendable {
    case measuring
    /// The spot-check is on its way to the disk.
    case storing
    case done
  }

  private static let silenceTimer: DriverTimer = 1
  private static let silenceMilliseconds = 60_000

  private let context: DriverContext
  /// A 3230 whose own service is not to be seen is read by the standard one.
  private var standard: SIGDriver<PulseOximeterProfile>?
  private var wasHeard = false
  private var phase = Phase.measuring
  private var canComplete = false
  private var hasToldEncrypted = false
  /// For the continuous mode: one value a second.
  private var rule: SpotCheckRule

  init(_ context: DriverContext) {
    self.context = context
    rule = SpotCheckRule(samplesPerSecond: 1, intervalSeconds: context.continuousInterval)
  }

  /// An oximeter with the maker's own service refuses what it is asked itself.
  var abilities: DeviceAbilities { standard?.abilities ?? SIGDriver<PulseOximeterProfile>.mayHave }

  mutating func handle(_ input: DriverInput) -> [DriverAction] {
    if var standard {
      defer { self.standard = standard }
      return standard.handle(input)
    }
    switch input {
    case .connected(let discovered):
      let device = Set(discovered.map(\.id))
      guard device.contains(Nonin3230Driver.oximetry) else {
        var driver = SIGDriver(PulseOximeterProfile(), context)
        defer { standard = driver }
        return driver.handle(input)
      }
      canComplete = device.contains(Nonin3230Driver.controlPoint)
      return [.subscribe(Nonin3230Driver.oximetry, indications: false), listenOn] + DeviceProperty.reads(device)
        + context.refusals
    case .timer(Nonin3230Driver.silenceTimer):
      defer { wasHeard = false }
      return wasHeard ? [listenOn] : [.finish]
    case .value(Nonin3230Driver.oximetry, let octets, _):
      wasHeard = true
      return measured(octets)
    case .value(let id, let octets, _): return DeviceProperty.actions(id, octets)
    case .committed where phase == .storing:
      phase = .done
      let write = DriverAction.write(Nonin3230Driver.controlPoint, Nonin3230Driver.complete, withResponse: true)
      return canComplete ? [write] : [.finish]
    case .written(Nonin3230Driver.controlPoint), .writeFailed(Nonin3230Driver.controlPoint, _): return [.finish]
    case .subscribeFailed(let id, let code):
      let message = "the device refuses a subscription to \(id) (ATT error \(code))"
      return [.problem(DriverProblem(code: "subscribe-failed", message: message))]
    case .request(let request): return [request.refusal]
    default: return []
    }
  }

  /// A link on which nothing comes is held for nothing.
  private var listenOn: DriverAction {
    .startTimer(Nonin3230Driver.silenceTimer, milliseconds: Nonin3230Driver.silenceMilliseconds)
  }

  private mutating func measured(_ octets: [UInt8]) -> [DriverAction] {
    let source = "\(Nonin3230Driver.oximetry)"
    do {
      let frame = try Nonin3230Frame(octets)
      guard !frame.isEncrypted else {
        defer { hasToldEncrypted = true }
        let message = "this oximeter encrypts its values; it has to be set to plain ones by its maker's application"
        return hasToldEncrypted ? [] : [.problem(DriverProblem(code: "encrypted", message: message))]
      }
      let reading = frame.reading(source)
      if context.everyFrame { return reading.map { [.reading($0)] } ?? [] }
      if context.continuous {
        let steady = reading.flatMap { frame.isSearching ? nil : $0 }
        return rule.add(steady).map { [.reading($0)] } ?? []
      }
      guard phase == .measuring, frame.isSmartPoint, let reading else { return [] }
      phase = .storing
      return [.reading(reading)]
    } catch {
      return [.problem(DriverProblem(error, raw: RawSource(source: source, octets: octets)))]
    }
  }

  /// A value on its own, for `decode gatt`.
  static func decode(_ octets: [UInt8]) throws(DecodeError) -> Decoded {
    let frame = try Nonin3230Frame(octets)
    let reading = frame.reading("\(oximetry)")
    let problem = DriverProblem(code: "not-a-measurement", message: "the oximeter has no valid value")
    return Decoded(
      readings: reading.map { [$0] } ?? [], values: frame.values, problems: reading == nil ? [problem] : [])
  }

  static let profile = DeviceProfile(
    id: "nonin-3230", manufacturer: "Nonin", names: ["3230", "3150 BLE"], transport: .gatt,
    recognition: [.namePrefix("Nonin3230"), .namePrefix("Nonin3150"), .service(service)], kinds: [.pulseOximetry],
    terms: [.spo2, .oximeterPulse, .perfusionIndex], clock: .none, memory: .none, verification: .unverified,
    rule: "the first value that the oximeter calls good while a finger is in place; it hangs up when it is stored"
  ) { Nonin3230Driver($0) }.pairs(.cannotBond, hint: "put a finger into it: it switches itself on")
}
