// Viatom AirBP and SmartBP over the service 14839AC4 (frames: LepuFrame). When a measurement ends, the cuff sends 07 unasked: year, month,
// day, hour, minute, second, code, systolic, diastolic, mean, pulse, sixteen bits each from the code on. Codes 3, 14 and 15 are results.
// Source: the maker's public program, and captured frames of the pressure while it inflates.
//
// Oddities: nothing is ever written. 04 inflates the cuff, 01 and 02 calibrate it, E2 and E3 reset it. It keeps nothing.

internal import Octets
internal import Readings

struct AirBPDriver: Driver {
  private static let idleTimer: DriverTimer = 1
  private static let results: Set<UInt16> = [3, 14, 15]

  private let context: DriverContext
  private var assembly = LepuAssembly(.airBP)
  private var proof = ProtocolProof("an AirBP or SmartBP cuff", isAsked: false)

  init(_ context: DriverContext) { self.context = context }

  mutating func handle(_ input: DriverInput) -> [DriverAction] {
    switch input {
    case .connected(let discovered):
      let device = Set(discovered.map(\.id))
      guard device.contains(ViatomO2Line.stream) else {
        return [.problem(UnsupportedServices.problem(device)), .finish]
      }
      return [.subscribe(ViatomO2Line.stream, indications: false), idle(180_000), proof.start]
        + DeviceProperty.reads(device) + context.refusals
    case .value(ViatomO2Line.stream, let octets, _): return took(octets)
    case .value(let id, let octets, _): return DeviceProperty.actions(id, octets)
    case .timer(AirBPDriver.idleTimer): return [.finish]
    case .timer(ProtocolProof.timer): return proof.timeout()
    case .closed: return proof.closed()
    case .request(let request): return [request.refusal]
    default: return []
    }
  }

  private func idle(_ milliseconds: Int) -> DriverAction {
    .startTimer(AirBPDriver.idleTimer, milliseconds: milliseconds)
  }

  private mutating func took(_ octets: [UInt8]) -> [DriverAction] {
    do {
      guard let frame = try assembly.add(octets) else { return [] }
      proof.heard(frame, proves: true)
      let decoded = try AirBPDriver.decoded(frame)
      return decoded.actions + [idle(decoded.readings.isEmpty ? 180_000 : 15_000)]
    } catch {
      proof.heard(octets, proves: false)
      let raw = RawSource(source: "\(ViatomO2Line.stream)", octets: octets)
      return proof.isProven ? [.problem(DriverProblem(error, raw: raw))] : []
    }
  }

  /// A frame without its check.
  private static func decoded(_ frame: [UInt8]) throws(DecodeError) -> Decoded {
    var reader = OctetReader(frame, from: 8)
    let raw = RawSource(source: "\(ViatomO2Line.stream)", octets: frame)
    switch frame[3] {
    case 0x04:
      let pressure = ExactDecimal(Int64(Int16(bitPattern: try reader.uint16("pressure"))), exponent: -2)
      return Decoded(values: [NamedValue("pressure", .decimal(pressure))])
    case 0x07:
      let year = try reader.uint16("year")
      let fields = Array(try reader.take(5, "time"))
      let code = try reader.uint16("code")
      guard results.contains(code) else {
        let message = "the cuff reports that its measurement failed (code \(code))"
        return Decoded(problems: [DriverProblem(code: "measurement-failed", message: message, raw: raw)])
      }
      let values = [
        try reader.uint16("systolic"), try reader.uint16("diastolic"), try reader.uint16("mean"),
        try reader.uint16("pulse"),
      ]
      let time = DeviceDateTime(
        year: year, month: fields[0], day: fields[1], hours: fields[2], minutes: fields[3], seconds: fields[4])
      let isTime =
        (2000...2100).contains(year) && (1...12).contains(time.month) && (1...31).contains(time.day)
        && time.hours < 24 && time.minutes < 60 && time.seconds < 60
      let terms: [(Term, UCUM)] = [
        (.systolic, .millimetreOfMercury), (.diastolic, .millimetreOfMercury), (.meanArterial, .millimetreOfMercury),
        (.cuffPulse, .perMinute),
      ]
      let observations = zip(terms, values).filter { $0.1 > 0 }.map { term, value in
        Observation(term.0, .value(ExactDecimal(Int64(value))), unit: term.1)
      }
      let reading = DeviceReading(
        kind: .bloodPressure, observations: observations, flags: isTime ? [] : [.clockNotSet],
        time: isTime ? .local(time) : nil, stored: false, raw: raw)
      return Decoded(readings: [reading])
    default: return Decoded(values: [NamedValue("command", .integer(Int64(frame[3])))])
    }
  }

  /// True for octets that a frame of this cuff begins with.
  static func begins(_ octets: [UInt8]) -> Bool { octets.starts(with: [0xA5, 0x00]) }

  /// A whole frame on its own, for `decode gatt`.
  static func decode(_ octets: [UInt8]) throws(DecodeError) -> Decoded {
    var assembly = LepuAssembly(.airBP)
    guard let frame = try assembly.add(octets) else {
      throw DecodeError(
        field: "frame", offset: octets.count, reason: .truncated(needed: octets.count + 1, available: octets.count))
    }
    return try decoded(frame)
  }

  static let profile = DeviceProfile(
    id: "viatom-airbp", manufacturer: "Viatom", names: ["AirBP", "SmartBP"], transport: .gatt,
    recognition: [.namePrefix("AirBP"), .namePrefix("SmartBP")], kinds: [.bloodPressure],
    terms: BloodPressureProfile.terms, clock: .stampsOnly, memory: .none, verification: .captured
  ) { AirBPDriver($0) }.pairs(.cannotBond, hint: "switch it on and measure while the hub is near")
}
