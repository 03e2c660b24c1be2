// Microlife cuffs with their own service FFF0 (BP3GY1-2N, sold as BP A6 BT; BP B3 and B6 with Bluetooth are close relatives): notify
// FFF1, write FFF2. Frame: 4D FF (from the hub) or 4D 3A, length 16 bits big-endian (payload and check), payload, sum of all before
// it. Source: a public Python tool and an app that derives from it; no capture of a device was found.
//
// The conversation: set the clock (0D), who is selected (05), all measurements (00), hang up (04). Records stand from octet 38 of the
// payload, ten octets each: systolic, diastolic, pulse, year - 2000, month, day, hour, minute. Zeros are an empty slot. There are no
// seconds and no numbers: all records come each time, and the hub knows those that it has. Never sent: 06, which overwrites the
// name of the user.

internal import HealthProfiles
internal import Octets
internal import Readings

enum MicrolifeFrame {
  static let longest = 4096

  /// A command with length and check.
  static func command(_ payload: [UInt8]) -> [UInt8] {
    let length = payload.count + 1
    let octets = [0x4D, 0xFF, UInt8(clamping: length >> 8), UInt8(truncatingIfNeeded: length)] + payload
    return octets + [Checksum.sum8(octets)]
  }

  /// How long the frame that begins here is; nil until that is known. Throws when none begins here.
  static func length(_ octets: [UInt8]) throws(DecodeError) -> Int? {
    if let first = octets.first, first != 0x4D {
      throw DecodeError(field: "header", offset: 0, reason: .invalidValue(Int64(first)))
    }
    guard octets.count >= 4 else { return nil }
    guard octets[1] == 0x3A else {
      throw DecodeError(field: "header", offset: 1, reason: .invalidValue(Int64(octets[1])))
    }
    let length = Int(octets[2]) << 8 | Int(octets[3])
    guard (1...longest).contains(length) else {
      throw DecodeError(field: "length", offset: 2, reason: .invalidValue(Int64(length)))
    }
    return length + 4
  }

  /// The payload of a whole frame. Throws when its length or check is wrong.
  static func payload(_ octets: [UInt8]) throws(DecodeError) -> [UInt8] {
    guard let length = try length(octets), octets.count >= length else {
      throw DecodeError(field: "payload", offset: 4, reason: .truncated(needed: 5, available: octets.count))
    }
    guard octets.count == length else {
      throw DecodeError(field: "length", offset: 2, reason: .malformed("\(octets.count) octets, expected \(length)"))
    }
    let computed = Checksum.sum8(octets.dropLast())
    guard octets[length - 1] == computed else {
      throw DecodeError(
        field: "check", offset: length - 1,
        reason: .checksum(computed: UInt32(computed), found: UInt32(octets[length - 1])))
    }
    return Array(octets[4..<(length - 1)])
  }

  /// The records of a payload; what has no date is a problem.
  static func records(_ payload: [UInt8], user: UInt8?) -> Decoded {
    var decoded = Decoded()
    var rest = payload.dropFirst(38)
    while rest.count >= 8 {
      let record = Array(rest.prefix(10))
      rest = rest.dropFirst(10)
      guard record.prefix(3).contains(where: { $0 != 0 }) else { continue }
      let raw = RawSource(source: "FFF0/FFF1", octets: record)
      let time = DeviceDateTime(
        year: 2000 + UInt16(record[3]), month: record[4], day: record[5], hours: record[6], minutes: record[7],
        seconds: 0)
      guard (1...12).contains(time.month), (1...31).contains(time.day), time.hours < 24, time.minutes < 60,
        record[0] > record[1], record[1] > 0
      else {
        let message = "a record of the cuff cannot be: its date or its pressures are none"
        decoded.problems.append(DriverProblem(code: "implausible-frame", message: message, raw: raw))
        continue
      }
      var observations = [
        Observation(.systolic, .value(ExactDecimal(Int64(record[0]))), unit: .millimetreOfMercury),
        Observation(.diastolic, .value(ExactDecimal(Int64(record[1]))), unit: .millimetreOfMercury),
      ]
      if record[2] > 0 {
        observations.append(Observation(.cuffPulse, .value(ExactDecimal(Int64(record[2]))), unit: .perMinute))
      }
      decoded.readings.append(
        DeviceReading(
          kind: .bloodPressure, observations: observations, time: .local(time), user: user, stored: true, raw: raw))
    }
    return decoded
  }

  /// A whole frame on its own, for `decode gatt`.
  static func decode(_ octets: [UInt8]) throws(DecodeError) -> Decoded {
    let payload = try payload(octets)
    if payload.count <= 2 { return Decoded(values: [NamedValue("acknowledged", .flag(payload.first == 0x81))]) }
    return records(payload, user: nil)
  }
}

struct MicrolifeDriver: Driver {
  private static let notify = CharacteristicID(0xFFF0, 0xFFF1)
  private static let write = CharacteristicID(0xFFF0, 0xFFF2)
  private static let answerTimer: DriverTimer = 1
  private static let answerMilliseconds = 30_000

  private enum Question: Sendable {
    case setTime
    case user
    case measurements
  }

  private let context: DriverContext
  /// Models of the family that follow the standard profile are read by it.
  private var standard: SIGDriver<BloodPressureProfile>?
  private var received: [UInt8] = []
  private var question: Question?
  private var user: UInt8?
  private var isStoring = false
  private var proof = ProtocolProof("a Microlife cuff with its maker's own protocol", isAsked: false)
  private var properties: UInt8 = 0

  init(_ context: DriverContext) { self.context = context }

  /// A cuff with the maker's own protocol refuses what it is asked itself.
  var abilities: DeviceAbilities { standard?.abilities ?? SIGDriver<BloodPressureProfile>.mayHave }

  mutating func handle(_ input: DriverInput) -> [DriverAction] {
    if var standard {
      defer { self.standard = standard }
      return standard.handle(input)
    }
    switch input {
    case .connected(let discovered):
      let device = Set(discovered.map(\.id))
      guard device.contains(MicrolifeDriver.notify), device.contains(MicrolifeDriver.write) else {
        var driver = SIGDriver(BloodPressureProfile(), context)
        defer { standard = driver }
        return driver.handle(input)
      }
      properties = discovered.first { $0.id == MicrolifeDriver.write }?.properties ?? 0
      return [.subscribe(MicrolifeDriver.notify, indications: false), proof.start] + DeviceProperty.reads(device)
        + context.refusals
    case .subscribed(MicrolifeDriver.notify): return context.localTime == nil ? ask(.user) : ask(.setTime)
    case .value(MicrolifeDriver.notify, let octets, _): return took(octets)
    case .value(let id, let octets, _): return DeviceProperty.actions(id, octets)
    case .timer(ProtocolProof.timer): return proof.timeout()
    case .timer(MicrolifeDriver.answerTimer):
      let message = "the cuff does not answer; let it show its Bluetooth sign and try again"
      return question == nil ? [] : [.problem(DriverProblem(code: "no-answer", message: message)), .finish]
    case .committed where isStoring: return end()
    case .request(let request): return [request.refusal]
    default: return []
    }
  }

  private mutating func ask(_ next: Question) -> [DriverAction] {
    question = next
    received = []
    let payload: [UInt8]
    switch next {
    case .setTime:
      guard let now = context.localTime, (2000...2255).contains(now.year) else { return ask(.user) }
      payload = [0x0D, UInt8(clamping: now.year - 2000), now.month, now.day, now.hours, now.minutes, now.seconds]
    case .user: payload = [0x05]
    case .measurements: payload = [0, 0, 0, 0, 0, 0, 0, 0xFD]
    }
    return send(MicrolifeFrame.command(payload))
      + [.startTimer(MicrolifeDriver.answerTimer, milliseconds: MicrolifeDriver.answerMilliseconds)]
  }

  private func send(_ octets: [UInt8]) -> [DriverAction] {
    [.write(MicrolifeDriver.write, octets, withResponse: properties & 0x08 != 0)]
  }

  /// An answer comes in many notifications.
  private mutating func took(_ octets: [UInt8]) -> [DriverAction] {
    received += octets
    proof.heard(octets, proves: received.starts(with: [0x4D, 0x3A]))
    do {
      guard let length = try MicrolifeFrame.length(received), received.count >= length else { return [] }
      let payload = try MicrolifeFrame.payload(Array(received.prefix(length)))
      received = []
      return answered(payload)
    } catch {
      let raw = RawSource(source: "\(MicrolifeDriver.notify)", octets: Array(received.prefix(64)))
      received = []
      return [.problem(DriverProblem(error, raw: raw))]
    }
  }

  private mutating func answered(_ payload: [UInt8]) -> [DriverAction] {
    switch question {
    case nil: return []
    case .setTime: return ask(.user)
    case .user:
      // Which of the two users is selected at the switch.
      user = payload.count > 1 && (1...2).contains(payload[1]) ? payload[1] : nil
      return ask(.measurements)
    case .measurements:
      question = nil
      let actions = MicrolifeFrame.records(payload, user: user).actions
      guard !actions.isEmpty else { return end() }
      isStoring = true
      return actions + [.stopTimer(MicrolifeDriver.answerTimer)]
    }
  }

  /// Everything is on disk: the cuff may switch off.
  private mutating func end() -> [DriverAction] {
    isStoring = false
    return send(MicrolifeFrame.command([0x04])) + [.stopTimer(MicrolifeDriver.answerTimer), .finish]
  }

  static let profile = DeviceProfile(
    id: "microlife", manufacturer: "Microlife", names: ["BP A6 BT (BP3GY1-2N)", "BP B3 and B6 with Bluetooth"],
    transport: .gatt,
    recognition: [
      .namePrefix("BP3G"), .namePrefix("BP3K"), .namePrefix("A6 BT"), .namePrefix("B3 BT"), .namePrefix("B6 Connect"),
    ],
    kinds: [.bloodPressure], terms: BloodPressureProfile.terms, clock: .settable, memory: .records,
    verification: .unverified
  ) { MicrolifeDriver($0) }.pairs(hint: "hold its M button until the Bluetooth sign blinks")
}
