// Jamr cuffs BPM-188 and BPM-B02 over the service 18F0: write 2AF1, notify 2AF0. Frames: 02 40, DC to the cuff or DD from it, length,
// command, data, and the exclusive or of all octets but the first. B0 sets the clock, B1 and the numbers that the hub has asks for
// records, B3 is the end of a user's list, 3C an error. A record has 14 octets: systolic, diastolic (16 bits, big-endian), irregular, pulse,
// user, number (16 bits), year, month, day, hour, minute. Source: a public program of the maker's library; no capture was found.
//
// Oddities: all records are asked for each time; the hub knows those that it has. What the cuff sends at the end of a measurement (1C) may
// have the same layout; it is not taken, because it comes again as a record. Never sent: A1, which inflates the cuff.

internal import Octets
internal import Readings

struct JamrDriver: Driver {
  private static let notify = CharacteristicID(0x18F0, 0x2AF0)
  private static let write = CharacteristicID(0x18F0, 0x2AF1)
  private static let idleTimer: DriverTimer = 1

  private let context: DriverContext
  private var properties: UInt8 = 0
  private var ended: Set<UInt8> = []
  private var proof = ProtocolProof("a Jamr cuff BPM-188 or BPM-B02", isAsked: true)

  init(_ context: DriverContext) { self.context = context }

  mutating func handle(_ input: DriverInput) -> [DriverAction] {
    switch input {
    case .connected(let discovered):
      let device = Dictionary(discovered.map { ($0.id, $0.properties) }, uniquingKeysWith: { first, _ in first })
      guard device[JamrDriver.notify] != nil, let write = device[JamrDriver.write] else {
        return [.problem(UnsupportedServices.problem(device.keys)), .finish]
      }
      properties = write
      return [.subscribe(JamrDriver.notify, indications: false), idle(60_000), proof.start]
        + DeviceProperty.reads(Set(device.keys)) + context.refusals
    case .subscribed(JamrDriver.notify): return [send(0xAB, [])] + clock() + [send(0xB1, [0, 0, 0, 0])]
    case .value(JamrDriver.notify, let octets, _): return took(octets)
    case .value(let id, let octets, _): return DeviceProperty.actions(id, octets)
    case .timer(JamrDriver.idleTimer): return [.finish]
    case .timer(ProtocolProof.timer): return proof.timeout()
    case .closed: return proof.closed()
    case .request(let request): return [request.refusal]
    default: return []
    }
  }

  private func idle(_ milliseconds: Int) -> DriverAction {
    .startTimer(JamrDriver.idleTimer, milliseconds: milliseconds)
  }

  private func send(_ command: UInt8, _ data: [UInt8]) -> DriverAction {
    .write(JamrDriver.write, JamrDriver.frame(command, data), withResponse: properties & 0x08 != 0)
  }

  /// A command with its length and check.
  static func frame(_ command: UInt8, _ data: [UInt8]) -> [UInt8] {
    let octets = [0x40, 0xDC, UInt8(clamping: data.count + 1), command] + data
    return [0x02] + octets + [Checksum.xor8(octets)]
  }

  private func clock() -> [DriverAction] {
    guard let now = context.localTime, (2000...2099).contains(now.year) else { return [] }
    return [
      send(0xB0, [UInt8(clamping: now.year - 2000), now.month, now.day, now.hours, now.minutes, now.seconds])
    ]
  }

  private mutating func took(_ octets: [UInt8]) -> [DriverAction] {
    let raw = RawSource(source: "18F0/2AF0", octets: octets)
    do {
      let frame = try JamrDriver.checked(octets)
      proof.heard(octets, proves: true)
      switch frame[4] {
      case 0xB1: return try JamrDriver.record(frame, raw).actions + [idle(15_000)]
      case 0xB3:
        if frame.count > 12 { ended.insert(frame[11]) }
        return ended.count >= 2 ? [.finish] : [idle(5000)]
      case 0x3C:
        let message = "the cuff reports that its measurement failed"
        return [.problem(DriverProblem(code: "measurement-failed", message: message, raw: raw)), idle(15_000)]
      default: return [idle(30_000)]
      }
    } catch {
      proof.heard(octets, proves: false)
      return proof.isProven ? [.problem(DriverProblem(error, raw: raw))] : []
    }
  }

  /// A frame from the cuff. Throws for any other.
  private static func checked(_ octets: [UInt8]) throws(DecodeError) -> [UInt8] {
    guard octets.starts(with: [0x02, 0x40, 0xDD]), octets.count >= 6 else { throw ScaleField.foreign(octets) }
    try ScaleField.expect(Int(octets[3]) + 5, octets)
    try ScaleField.check(octets, Checksum.xor8(octets[1..<(octets.count - 1)]))
    return octets
  }

  private static func record(_ frame: [UInt8], _ raw: RawSource) throws(DecodeError) -> Decoded {
    guard frame.count >= 20 else {
      throw DecodeError(field: "record", offset: frame.count, reason: .truncated(needed: 20, available: frame.count))
    }
    let (systolic, diastolic) = (ScaleField.be16(frame, 5), ScaleField.be16(frame, 7))
    let time = DeviceDateTime(
      year: 2000 + UInt16(frame[14]), month: frame[15], day: frame[16], hours: frame[17], minutes: frame[18], seconds: 0
    )
    let isTime = (1...12).contains(time.month) && (1...31).contains(time.day) && time.hours < 24 && time.minutes < 60
    var observations = [
      Observation(.systolic, .value(ExactDecimal(systolic)), unit: .millimetreOfMercury),
      Observation(.diastolic, .value(ExactDecimal(diastolic)), unit: .millimetreOfMercury),
    ]
    if frame[10] > 0 {
      observations.append(Observation(.cuffPulse, .value(ExactDecimal(Int64(frame[10]))), unit: .perMinute))
    }
    var flags: [ReadingFlag] = frame[9] == 0 ? [] : [.irregularPulse]
    if !isTime { flags.append(.clockNotSet) }
    let reading = DeviceReading(
      kind: .bloodPressure, observations: observations, flags: flags, time: isTime ? .local(time) : nil,
      user: frame[11],
      recordNumber: UInt32(ScaleField.be16(frame, 12)), stored: true, raw: raw)
    return Decoded(readings: [reading])
  }

  static let profile = DeviceProfile(
    id: "jamr", manufacturer: "Jamr", names: ["BPM-188", "BPM-B02"], transport: .gatt,
    recognition: [.namePrefix("BPM-188"), .namePrefix("BPM-B02")], kinds: [.bloodPressure],
    terms: [.systolic, .diastolic, .cuffPulse], clock: .settable, memory: .records, verification: .unverified
  ) { JamrDriver($0) }.pairs(.cannotBond, hint: "switch it on, or measure once")
}
