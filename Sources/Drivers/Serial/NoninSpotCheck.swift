// Nonin data format 13 (Onyx II 9560): spot-checks with the device's own time, kept by it until they are acknowledged; 9600 8N1.
// Source: Nonin's 9560 OEM specification.
//
// `00 02 00 0D length(2) | data | sum 03`; the sum is that of the data octets. The device keeps 20 readings, sends the oldest
// first and forgets one when it is acknowledged (06): that is sent only after the reading is on disk. The format is not selected
// by Hearth: 13 is the default, and the selection stays in the device.
//
// The clock is lost with the battery. It is read first, so that the readings in the memory are placed by its offset, and set only
// when the memory is empty; then it is read again.

internal import Octets
internal import Readings

struct NoninSpotCheck: Sendable, Hashable {
  private let data: [UInt8]

  /// A checked frame from its 00 to its 03.
  init?(_ frame: [UInt8]) {
    guard frame.count >= 22, frame[3] == 0x0D else { return nil }
    data = Array(frame.dropFirst(6).dropLast(2))
  }

  var hasNoMeasurement: Bool { data[8] & 0x01 != 0 || pulse == nil || spo2 == nil }
  var isSmartPoint: Bool { data[8] & 0x02 != 0 }
  var isFromMemory: Bool { data[9] & 0x10 != 0 }
  var isBatteryLow: Bool { data[9] & 0x01 != 0 }
  /// 511 is "none".
  var pulse: Int? {
    let value = Int(data[10] & 0x01) << 8 | Int(data[11])
    return value == 511 || value == 0 ? nil : value
  }
  /// 127 is "none".
  var spo2: Int? { (1...100).contains(data[13]) ? Int(data[13]) : nil }

  /// The stamp in binary-coded decimals; nil when it holds other digits.
  var time: DeviceDateTime? {
    let fields = data.prefix(7).map { octet -> UInt8? in
      octet >> 4 < 10 && octet & 0x0F < 10 ? (octet >> 4) * 10 + (octet & 0x0F) : nil
    }
    let numbers = fields.compactMap { $0 }
    guard numbers.count == 7, (1...12).contains(numbers[2]), (1...31).contains(numbers[3]), numbers[4] < 24,
      numbers[5] < 60, numbers[6] < 60
    else { return nil }
    return DeviceDateTime(
      year: UInt16(numbers[0]) * 100 + UInt16(numbers[1]), month: numbers[2], day: numbers[3], hours: numbers[4],
      minutes: numbers[5], seconds: numbers[6])
  }

  func reading(raw: RawSource) -> DeviceReading? {
    guard !hasNoMeasurement, let spo2, let pulse else { return nil }
    // Without SmartPoint the device itself did not find the value good enough.
    var flags: [ReadingFlag] = isSmartPoint ? [] : [.questionable]
    if isBatteryLow { flags.append(.lowBattery) }
    return DeviceReading(
      kind: .pulseOximetry,
      observations: [
        Observation(.spo2, .value(ExactDecimal(Int64(spo2))), unit: .percent),
        Observation(.oximeterPulse, .value(ExactDecimal(Int64(pulse))), unit: .perMinute),
      ], flags: flags, time: time.map { .local($0) }, stored: isFromMemory, raw: raw)
  }

  var values: [NamedValue] {
    [
      NamedValue("time", time.map { .text($0.description) } ?? .absent),
      NamedValue("pulse", pulse.map { .integer(Int64($0)) } ?? .absent),
      NamedValue("spo2", spo2.map { .integer(Int64($0)) } ?? .absent), NamedValue("smartPoint", .flag(isSmartPoint)),
      NamedValue("fromMemory", .flag(isFromMemory)), NamedValue("lowBattery", .flag(isBatteryLow)),
      NamedValue("noMeasurement", .flag(hasNoMeasurement)),
    ]
  }
}

/// The frames on the line: spot-checks, and the answer about the clock (02 F2 06 … 03).
enum NoninSpotCheckLine: LineProtocol {
  static let id = "nonin-13"
  static let longestFrame = 72
  private static let head: [UInt8] = [0x00, 0x02, 0x00, 0x0D]
  private static let clockHead: [UInt8] = [0x02, 0xF2, 0x06]

  private static func begins(_ octets: ArraySlice<UInt8>) -> Bool {
    [head, clockHead].contains { zip($0, octets).allSatisfy { $0 == $1 } }
  }

  static func step(_ octets: ArraySlice<UInt8>) -> FrameStep {
    let start = octets.startIndex
    let next = octets.indices.dropFirst().first { begins(octets[$0...]) }
    func skip(_ error: DecodeError) -> FrameStep { .skip((next ?? octets.endIndex) - start, error) }
    guard begins(octets) else {
      // Yes and no, to a selection of the format.
      if octets[start] == 0x06 || octets[start] == 0x15 { return .frame(1) }
      return skip(DecodeError(field: "start", offset: 0, reason: .malformed("octets without a frame of this protocol")))
    }
    guard octets.count >= 6 else { return .wait }
    let whole = Array(octets.prefix(longestFrame))
    if whole[0] == 0x02 {
      guard whole.count >= 10 else { return .wait }
      guard whole[9] == 0x03 else {
        return skip(DecodeError(field: "stop", offset: 9, reason: .invalidValue(Int64(whole[9]))))
      }
      return .frame(10)
    }
    let length = Int(whole[4]) << 8 | Int(whole[5])
    guard (14...64).contains(length) else {
      return skip(DecodeError(field: "length", offset: 4, reason: .invalidValue(Int64(length))))
    }
    let end = 6 + length
    guard whole.count >= end + 2 else { return .wait }
    let sum = Checksum.sum8(whole[6..<end])
    guard whole[end] == sum else {
      return skip(
        DecodeError(field: "sum", offset: end, reason: .checksum(computed: UInt32(sum), found: UInt32(whole[end]))))
    }
    guard whole[end + 1] == 0x03 else {
      return skip(DecodeError(field: "stop", offset: end + 1, reason: .invalidValue(Int64(whole[end + 1]))))
    }
    return .frame(end + 2)
  }

  static func values(_ frame: [UInt8]) -> [NamedValue] {
    if let check = NoninSpotCheck(frame) { return check.values }
    if frame.count == 1 { return [NamedValue("ack", .flag(frame[0] == 0x06))] }
    guard frame.count == 10 else { return [] }
    return clock(frame).map { [NamedValue("time", .text($0.description))] } ?? []
  }

  /// What the clock shows, of an answer about it.
  static func clock(_ frame: [UInt8]) -> DeviceDateTime? {
    guard frame.count == 10, frame[0] == 0x02 else { return nil }
    return DeviceDateTime(
      year: 2000 + UInt16(frame[3]), month: frame[4], day: frame[5], hours: frame[6], minutes: frame[7],
      seconds: frame[8])
  }

  static func evidence(_ frame: [UInt8]) -> Int { frame.count == 1 ? 1 : frame.count == 10 ? 32 : 48 }
}

/// Takes what the oximeter sends and acknowledges it when it is on disk.
struct NoninSpotCheckDriver: FramedDriver {
  private static let clockTimer: DriverTimer = 1
  /// So long after the last look at it a clock that is wrong is set, when no reading came meanwhile.
  private static let clockMilliseconds = 10_000
  /// A clock that is wrong by less is left alone, in seconds.
  private static let tolerance = 30
  private static let readClock: [UInt8] = [0x02, 0x72, 0x00, 0x03]

  private let context: DriverContext
  var line = FramedLine<NoninSpotCheckLine>()
  /// Readings that are given and not yet acknowledged.
  private var pending = 0
  /// Seconds since the session began, counted by the clock's timer; nil when the clock is not to be set any more.
  private var elapsed: Int?
  private var isClockWrong = false
  /// A reading came since the timer was started.
  private var isHeard = false

  init(_ context: DriverContext) { self.context = context }

  mutating func handle(_ input: DriverInput) -> [DriverAction] {
    switch input {
    case .opened:
      elapsed = 0
      return [.transmit(NoninSpotCheckDriver.readClock), lookLater]
    case .timer(NoninSpotCheckDriver.clockTimer): return clockDue()
    case .committed:
      defer { pending = 0 }
      return (0..<pending).map { _ in .transmit([0x06]) }
    case .received(let octets):
      return frames(of: octets)
    default: return []
    }
  }

  private var lookLater: DriverAction {
    .startTimer(NoninSpotCheckDriver.clockTimer, milliseconds: NoninSpotCheckDriver.clockMilliseconds)
  }

  /// Sets the clock once, when it was found wrong and the readings that it stamped are all here.
  private mutating func clockDue() -> [DriverAction] {
    guard let before = elapsed else { return [] }
    let now = before + NoninSpotCheckDriver.clockMilliseconds / 1000
    // Its own drift is small; a hub that waited for a day asks anew in the next session.
    guard now < 86_400 else {
      elapsed = nil
      return []
    }
    elapsed = now
    defer { isHeard = false }
    guard isClockWrong else { return [] }
    guard pending == 0, !isHeard, let time = context.localTime?.advanced(bySeconds: now), time.year >= 2000 else {
      return [lookLater]
    }
    elapsed = nil
    let fields = [UInt8(clamping: time.year % 100), time.month, time.day, time.hours, time.minutes, time.seconds]
    return [
      .transmit([0x02, 0x72, 0x06] + fields + [0x03]), .transmit(NoninSpotCheckDriver.readClock),
    ]
  }

  private mutating func clock(_ stamp: DeviceDateTime) -> [DriverAction] {
    if elapsed != nil, let seconds = context.localTime.flatMap({ stamp.seconds(since: $0) }) {
      isClockWrong = seconds.magnitude > NoninSpotCheckDriver.tolerance
    } else {
      isClockWrong = elapsed != nil && context.localTime != nil
    }
    return [.deviceClock(.local(stamp))]
  }

  mutating func taken(_ frame: [UInt8]) -> [DriverAction] {
    if let stamp = NoninSpotCheckLine.clock(frame) { return clock(stamp) }
    guard let check = NoninSpotCheck(frame) else { return [] }
    isHeard = true
    let raw = RawSource(source: NoninSpotCheckLine.id, octets: frame)
    if let reading = check.reading(raw: raw) {
      pending += 1
      return [.reading(reading)]
    }
    // There is nothing to keep: it is acknowledged with those before it.
    let failed = ReadingBuilder.failed("oximetry", raw).actions
    guard pending == 0 else {
      pending += 1
      return failed
    }
    return failed + [.transmit([0x06])]
  }

  static let family = SerialFamily(
    NoninSpotCheckLine.self, .unchecked(falsePerThousand: 1),
    profile: DeviceProfile(
      id: NoninSpotCheckLine.id, manufacturer: "Nonin", names: ["Onyx II 9560 (data format 13)"],
      transport: .serial([SerialSettings(9600)]), recognition: [.frames("format 13 with its sum")],
      kinds: [.pulseOximetry], terms: [.spo2, .oximeterPulse], clock: .settable, memory: .untilConfirmed,
      verification: .unverified, rule: "one frame is one measurement, acknowledged when it is on disk"
    ) { NoninSpotCheckDriver($0) },
    query: HarmlessQuery(
      sentence: "asks the oximeter for the time of its clock",
      questions: [[0x02, 0x72, 0x00, 0x03]], answerMilliseconds: 1000),
    commands: NoninCommands.hubCommand)
}
