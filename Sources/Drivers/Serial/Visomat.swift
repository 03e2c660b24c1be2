// visomat Double Comfort and Prevention DS-2200PV: a dump of the memory as digits. Source: a recorded block in the notes of a
// public tool. The cuff is no serial port as it is: `cdc_acm` refuses it (1247:00f8, a descriptor of no length), and the tool speaks to
// its bulk pipes. Linux makes a tty for it only when somebody binds it to `usbserial` by hand, which nobody has tried with this driver.
//
// STX `R00` ETX asks for the dump. Another code starts a measurement: nothing else is ever sent.
//
// Between STX and ETX, for each user `M`, the user, two digits of the number of records, then records of twenty digits:
// YYMMDDhhmm, a flag without known meaning, systolic, diastolic, pulse. A number of 00 is followed by one character that says
// nothing. 1 January 2010 and 1 June 2044 are clocks that were never set. There is no check value.

internal import Octets
internal import Readings

/// One user's block.
enum VisomatLine: LineProtocol {
  static let id = "visomat"
  private static let recordLength = 20
  private static let mark: UInt8 = 0x4D
  static let longestFrame = 4 + 99 * recordLength

  static func step(_ octets: ArraySlice<UInt8>) -> FrameStep {
    let start = octets.startIndex
    let filler = octets.prefix { [0x00, 0x02, 0x03, 0x0A, 0x0D].contains($0) }.count
    guard filler == 0 else { return .pass(filler) }
    let next = octets.dropFirst().firstIndex(of: mark) ?? octets.endIndex
    guard octets[start] == mark else {
      return .skip(next - start, code: "malformed", message: "octets outside of a block")
    }
    let digits = octets.dropFirst().prefix { (0x30...0x39).contains($0) }
    let count = digits.dropFirst().prefix(2).reduce(0) { $0 * 10 + Int($1 &- 0x30) }
    let needed = 3 + count * recordLength
    guard digits.count >= 3, digits.count >= needed else {
      if digits.endIndex == octets.endIndex { return .wait }
      return .skip(digits.endIndex - start, code: "truncated", message: "a block was cut")
    }
    guard count == 0 else { return .frame(1 + needed) }
    guard octets.count > 4 else { return .wait }
    return .frame(octets[start + 4] == 0x03 || octets[start + 4] == mark ? 4 : 5)
  }

  struct Record: Sendable, Hashable {
    let text: String
    let octets: [UInt8]
    private func number(_ range: Range<Int>) -> Int { octets[range].reduce(0) { $0 * 10 + Int($1 &- 0x30) } }

    init(_ octets: ArraySlice<UInt8>) {
      self.octets = Array(octets)
      text = String(decoding: octets, as: UTF8.self)
    }

    var flag: Int { number(10..<11) }
    var cuff: CuffResult {
      let pulse = number(17..<20)
      return CuffResult(systolic: number(11..<14), diastolic: number(14..<17), pulse: pulse == 0 ? nil : pulse)
    }
    /// Nil when the digits are no date.
    var time: DeviceDateTime? {
      let (month, day, hours, minutes) = (number(2..<4), number(4..<6), number(6..<8), number(8..<10))
      guard (1...12).contains(month), (1...31).contains(day), hours < 24, minutes < 60 else { return nil }
      // Where the clock begins, and what it shows without a battery: nobody set it.
      guard !["100101", "440601"].contains(text.prefix(6)) else { return nil }
      return DeviceDateTime(
        year: UInt16(2000 + number(0..<2)), month: UInt8(month), day: UInt8(day), hours: UInt8(hours),
        minutes: UInt8(minutes), seconds: 0)
    }
    var values: [NamedValue] {
      [NamedValue("yymmddHHMM", .text(String(text.prefix(10)))), NamedValue("flag", .integer(Int64(flag)))]
        + cuff.values
    }
  }

  /// User and records of a block.
  static func block(_ frame: [UInt8]) -> (user: UInt8, records: [Record])? {
    guard frame.count >= 4, frame[0] == mark else { return nil }
    let records = stride(from: 4, to: frame.count - recordLength + 1, by: recordLength).map {
      Record(frame[$0..<($0 + recordLength)])
    }
    return (frame[1] &- 0x30, records)
  }

  static func values(_ frame: [UInt8]) -> [NamedValue] {
    guard let (user, records) = block(frame) else { return [] }
    return [
      NamedValue("user", .integer(Int64(user))), NamedValue("records", .list(records.map { .object($0.values) })),
    ]
  }

  static func evidence(_ frame: [UInt8]) -> Int {
    guard let records = block(frame)?.records, !records.isEmpty else { return 2 }
    return records.allSatisfy { $0.time != nil } ? 32 : 8
  }
}

/// Asks for the dump, and takes one that comes.
struct VisomatDriver: FramedDriver {
  private static let request: [UInt8] = [0x02] + Array("R00".utf8) + [0x03]
  private static let askTimer: DriverTimer = 1
  /// How often the cuff is asked: it is on only when it is used.
  private static let askMilliseconds = 60_000

  private let context: DriverContext
  var line = FramedLine<VisomatLine>()
  /// What was given in this session; the hub knows the rest by the records' own octets.
  private var given: Set<[UInt8]> = []

  init(_ context: DriverContext) { self.context = context }

  mutating func handle(_ input: DriverInput) -> [DriverAction] {
    switch input {
    case .opened, .timer(VisomatDriver.askTimer):
      return [
        .transmit(VisomatDriver.request),
        .startTimer(VisomatDriver.askTimer, milliseconds: VisomatDriver.askMilliseconds),
      ]
    case .received(let octets): return frames(of: octets)
    default: return []
    }
  }

  mutating func taken(_ frame: [UInt8]) -> [DriverAction] {
    guard let (user, records) = VisomatLine.block(frame) else { return [] }
    return records.flatMap { record -> [DriverAction] in
      // The user belongs to the record: two persons may have the same values in the same minute.
      let raw = RawSource(source: VisomatLine.id, octets: Array(frame.prefix(2)) + record.octets)
      if given.count > 1000 { given = [] }
      guard context.everyFrame || given.insert(raw.octets).inserted else { return [] }
      return reading(record, user, raw)
    }
  }

  private func reading(_ record: VisomatLine.Record, _ user: UInt8, _ raw: RawSource) -> [DriverAction] {
    record.cuff.decoded(time: record.time, user: user, stored: true, raw: raw).actions
  }

  static let family = SerialFamily(
    VisomatLine.self, .unchecked(falsePerThousand: 74),
    profile: DeviceProfile(
      id: VisomatLine.id, manufacturer: "visomat", names: ["Double Comfort, Prevention DS-2200PV"],
      transport: .serial([SerialSettings(19_200)]), recognition: [.frames("blocks of twenty digits a record")],
      kinds: [.bloodPressure], terms: [.systolic, .diastolic, .cuffPulse], clock: .stampsOnly, memory: .records,
      verification: .unverified,
      rule: "one record of a dump is one measurement, given once"
    ) { VisomatDriver($0) }
    .cannotBePluggedIn(
      "Linux makes no serial port for it (1247:00f8): only usbserial bound by hand would, which nobody has tried"),
    query: HarmlessQuery(
      sentence: "asks the cuff for the records of its memory; nothing of it is stored", questions: [request],
      answerMilliseconds: 3000),
    commands: HubCommands.fixed([(request, "read records"), ([0x02, 0x52, 0x30, 0x32, 0x03], "read clock")]))
}
