// OneTouch Verio Flex and Select Plus Flex over their own service: write AF9DF7A2…, notify AF9DF7A3…. A packet is 02, its length, 00, 03 or
// 04, data, 03 and a CRC-16 (little-endian); 01 stands before it, and 81 acknowledges one. An answer's data begin with 06; 07 03 says that
// the meter is not bonded. 20 02 asks for the clock, 27 00 for the number of records, 0A 02 06 for the newest one's number, B3 and a number
// for a record: seconds (32 bits), mg/dL (16 bits), then zeros. Source: two public programs; no capture of a meter was found.
//
// Oddities: seconds count from 2000-01-01 and begin with 1. A record with anything behind its value is a control solution or
// doubtful, and is not taken. Commands that write are here only for the clock.

internal import Octets
internal import Readings

struct OneTouchDriver: Driver {
  static let service = BluetoothUUID(high: 0xAF9D_F7A1_E595_11E3, low: 0x96B4_0002_A5D5_C51B)
  static let write = CharacteristicID(
    service, BluetoothUUID(high: 0xAF9D_F7A2_E595_11E3, low: 0x96B4_0002_A5D5_C51B))
  static let notify = CharacteristicID(
    service, BluetoothUUID(high: 0xAF9D_F7A3_E595_11E3, low: 0x96B4_0002_A5D5_C51B))
  private static let answerTimer: DriverTimer = 1
  private static let answerMilliseconds = 5000
  private static let mostTries = 3
  /// The newest records that are asked for at the first contact.
  private static let mostRecords: UInt32 = 1000

  private enum Step: Sendable, Hashable {
    case clock
    case setting
    case count
    case newest(count: UInt32)
    case record(UInt32, last: UInt32)
    case over
  }

  private let context: DriverContext
  private var properties: UInt8 = 0x08
  private var step = Step.clock
  private var tries = 0

  init(_ context: DriverContext) { self.context = context }

  mutating func handle(_ input: DriverInput) -> [DriverAction] {
    switch input {
    case .connected(let discovered):
      let device = Dictionary(discovered.map { ($0.id, $0.properties) }, uniquingKeysWith: { first, _ in first })
      guard device[OneTouchDriver.notify] != nil, let write = device[OneTouchDriver.write] else {
        return [.problem(UnsupportedServices.problem(device.keys)), .finish]
      }
      properties = write
      return [.subscribe(OneTouchDriver.notify, indications: false)] + DeviceProperty.reads(Set(device.keys))
        + context.refusals
    case .subscribed(OneTouchDriver.notify): return ask()
    case .subscribeFailed(let id, let code):
      return fail("subscribe-failed", "the meter refuses \(id) (ATT error \(code)); it has to be paired")
    case .value(OneTouchDriver.notify, let octets, _): return took(octets)
    case .value(let id, let octets, _): return DeviceProperty.actions(id, octets)
    case .timer(OneTouchDriver.answerTimer): return silence()
    case .request(let request): return [request.refusal]
    default: return []
    }
  }

  // MARK: Packets

  /// CRC-16 with the polynomial 1021, not reflected, beginning with FFFF.
  static func check(_ octets: some Sequence<UInt8>) -> UInt16 {
    octets.reduce(UInt16(0xFFFF)) { sum, octet in
      (0..<8).reduce(sum ^ UInt16(octet) << 8) { sum, _ in sum & 0x8000 != 0 ? sum << 1 ^ 0x1021 : sum << 1 }
    }
  }

  /// A command without the octet of its transport.
  static func packet(_ data: [UInt8]) -> [UInt8] {
    let octets = [0x02, UInt8(clamping: data.count + 7), 0x00, 0x03] + data + [0x03]
    let sum = check(octets)
    return octets + [UInt8(sum & 0xFF), UInt8(sum >> 8)]
  }

  /// The data of an answer, without the 06 before them. Throws for what is none, and for a refusal.
  private static func answer(_ octets: [UInt8]) throws(DecodeError) -> [UInt8] {
    guard octets.count >= 9, octets[0] == 0x01, octets[1] == 0x02, octets[3] == 0x00, [0x03, 0x04].contains(octets[4])
    else { throw ScaleField.foreign(octets) }
    try ScaleField.expect(Int(octets[2]) + 1, octets)
    let found = UInt16(octets[octets.count - 2]) | UInt16(octets[octets.count - 1]) << 8
    let computed = check(octets[1..<(octets.count - 2)])
    guard found == computed else {
      throw DecodeError(
        field: "check", offset: octets.count - 2, reason: .checksum(computed: UInt32(computed), found: UInt32(found)))
    }
    guard octets[5] == 0x06 else {
      let isUnbonded = octets[5] == 0x07 && octets[6] == 0x03
      throw DecodeError(
        field: "answer", offset: 5,
        reason: .malformed(isUnbonded ? "the meter is not bonded; pair it again" : "the meter refuses (\(octets[5]))"))
    }
    return Array(octets[6..<(octets.count - 3)])
  }

  // MARK: The conversation

  private var command: [UInt8] {
    switch step {
    case .clock: [0x20, 0x02]
    case .setting: [0x20, 0x01] + OneTouchDriver.little(seconds ?? 0)
    case .count: [0x27, 0x00]
    case .newest: [0x0A, 0x02, 0x06]
    case .record(let number, _): [0xB3, UInt8(number & 0xFF), UInt8(number >> 8 & 0xFF)]
    case .over: []
    }
  }

  private var seconds: UInt32? {
    context.localTime?.seconds(since: 2000).flatMap { $0 < UInt64(UInt32.max) ? UInt32($0) + 1 : nil }
  }

  private static func little(_ value: UInt32) -> [UInt8] { (0..<4).map { UInt8(value >> UInt32(8 * $0) & 0xFF) } }

  private func put(_ octets: [UInt8]) -> DriverAction {
    .write(OneTouchDriver.write, octets, withResponse: properties & 0x08 != 0)
  }

  private mutating func ask() -> [DriverAction] {
    tries = 1
    return [put([0x01] + OneTouchDriver.packet(command)), waits]
  }

  private var waits: DriverAction {
    .startTimer(OneTouchDriver.answerTimer, milliseconds: OneTouchDriver.answerMilliseconds)
  }

  private mutating func silence() -> [DriverAction] {
    guard step != .over else { return [] }
    guard tries < OneTouchDriver.mostTries else {
      return fail("no-answer", "not supported: this is not a OneTouch meter of this family, or it is not bonded")
    }
    tries += 1
    return [put([0x01] + OneTouchDriver.packet(command)), waits]
  }

  private mutating func fail(_ code: String, _ message: String) -> [DriverAction] {
    step = .over
    return [
      .stopTimer(OneTouchDriver.answerTimer), .problem(DriverProblem(code: code, message: message)), .finish,
    ]
  }

  private mutating func go(_ next: Step) -> [DriverAction] {
    step = next
    guard next != .over else { return [.stopTimer(OneTouchDriver.answerTimer), .finish] }
    return ask()
  }

  private mutating func took(_ octets: [UInt8]) -> [DriverAction] {
    // The meter's acknowledgement of a packet.
    guard octets.first != 0x81, step != .over else { return [] }
    let raw = RawSource(source: "\(OneTouchDriver.notify)", octets: octets)
    do {
      let data = try OneTouchDriver.answer(octets)
      return [put([0x81])] + (try answered(data, raw))
    } catch {
      return [.problem(DriverProblem(error, raw: raw))]
    }
  }

  private mutating func answered(_ data: [UInt8], _ raw: RawSource) throws(DecodeError) -> [DriverAction] {
    var reader = OctetReader(data)
    switch step {
    case .clock:
      let clock = try reader.uint32("clock")
      let shown: [DriverAction] =
        clock == 0 ? [] : [.deviceClock(.local(OneTouchDriver.time(clock)))]
      return shown + go(seconds == nil ? .count : .setting)
    case .setting: return go(.count)
    case .count:
      let count = UInt32(try reader.uint16("count"))
      return count == 0 ? go(.over) : go(.newest(count: count))
    case .newest(let count):
      let newest = try reader.uint32("number")
      guard newest > 0, newest <= 0xFFFF else {
        throw DecodeError(field: "number", offset: 0, reason: .invalidValue(Int64(newest)))
      }
      let kept = min(count, OneTouchDriver.mostRecords, newest)
      // A meter whose memory was cleared counts anew.
      let known = context.lastRecordNumber.flatMap { $0 <= newest ? $0 : nil } ?? 0
      let first = max(newest - kept + 1, known + 1)
      return first > newest ? go(.over) : go(.record(first, last: newest))
    case .record(let number, let last):
      let next = number >= last ? Step.over : Step.record(number + 1, last: last)
      guard !data.isEmpty else { return go(next) }
      let decoded = try OneTouchDriver.record(data, number, raw)
      return decoded.actions + go(next)
    case .over: return []
    }
  }

  private static func time(_ seconds: UInt32) -> DeviceDateTime {
    DeviceDateTime(seconds: UInt64(seconds) - (seconds > 0 ? 1 : 0), since: 2000)
  }

  private static func record(_ data: [UInt8], _ number: UInt32?, _ raw: RawSource) throws(DecodeError) -> Decoded {
    try ScaleField.expect(11, data)
    var reader = OctetReader(data)
    let seconds = try reader.uint32("time")
    let value = try reader.uint16("glucose")
    guard try reader.take(5, "flags").allSatisfy({ $0 == 0 }) else {
      let message = "a control solution, or a result that the meter itself doubts; it is not taken"
      return Decoded(problems: [DriverProblem(code: "control-solution", message: message, raw: raw)])
    }
    let reading = DeviceReading(
      kind: .glucose,
      observations: [
        Observation(
          .glucoseCapillaryPlasma, .value(ExactDecimal(Int64(value))), unit: .milligramPerDecilitre)
      ], flags: seconds == 0 ? [.clockNotSet] : [], time: seconds == 0 ? nil : .local(time(seconds)),
      recordNumber: number, stored: true, raw: raw)
    return Decoded(readings: [reading])
  }

  /// An answer on its own, for `decode gatt`: eleven octets are a record.
  static func decode(_ octets: [UInt8]) throws(DecodeError) -> Decoded {
    guard octets != [0x81] else { return Decoded(values: [NamedValue("type", .text("acknowledgement"))]) }
    let data = try answer(octets)
    guard data.count == 11 else { return Decoded(values: [NamedValue("data", .text(Hex.encode(data)))]) }
    return try record(data, nil, RawSource(source: "\(notify)", octets: octets))
  }

  static let profile = DeviceProfile(
    id: "onetouch", manufacturer: "LifeScan", names: ["OneTouch Verio Flex, Select Plus Flex"], transport: .gatt,
    recognition: [.service(service), .namePrefix("OneTouch")], kinds: [.glucose], terms: [.glucoseCapillaryPlasma],
    clock: .settable, memory: .records, verification: .unverified
  ) { OneTouchDriver($0) }
  .pairs(hint: "choose Bluetooth in its menu, or hold OK and the upper arrow; enter the code that it shows")
}
