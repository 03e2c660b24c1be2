// Tanita body composition scales with CSV output (SC-240/330, DC-320/360, MC-780/980, BC-418 …): `{0,16,…,KEY,value,…,CS,hh` over
// 9600 8N1. Sources: public drivers, samples of four models; the rule of the check value was verified on three of them.
//
// CS is the sum of all octets from `{` to the comma before it, two hexadecimal digits. Keys are case-sensitive. Nothing is sent.

internal import Octets
internal import Readings

/// One line of a scale.
struct TanitaLine: Sendable, Hashable {
  /// The values by their keys, without quotes.
  private let values: [String: String]

  init(_ frame: ArraySlice<UInt8>) {
    // A comma between quotes is a part of a name; it would make keys of values.
    var isQuoted = false
    let parts = frame.dropFirst().split(omittingEmptySubsequences: false) { octet in
      if octet == 0x22 { isQuoted.toggle() }
      return octet == 0x2C && !isQuoted
    }.map { part in
      String(decoding: part.filter { $0 != 0x22 && $0 >= 0x20 && $0 < 0x7F }, as: UTF8.self)
    }
    var values: [String: String] = [:]
    for index in stride(from: 0, to: parts.count - 1, by: 2) where values[parts[index]] == nil {
      values[parts[index]] = parts[index + 1].filter { $0 != " " || parts[index] == "MO" }
    }
    self.values = values
  }

  var model: String? { values["MO"].flatMap { $0.isEmpty ? nil : $0 } }
  /// Zeros are none.
  var serial: String? { values["SN"].flatMap { $0.allSatisfy { $0 == "0" } ? nil : $0 } }
  var firstDate: String? { values["DT"] ?? values["DA"] ?? values["Da"] }

  /// A number above zero; zero stands for what was not measured.
  private func number(_ key: String) -> ExactDecimal? {
    values[key].flatMap { ExactDecimal($0) }.flatMap { $0.isZero || $0.isNegative ? nil : $0 }
  }

  /// Year, month and day. The order differs by model and is never guessed: a year of four digits in front tells it, and the
  /// DC-320 is known.
  private var date: (year: UInt16, month: UInt8, day: UInt8)? {
    guard let parts = firstDate?.split(separator: "/"), parts.count == 3, let first = UInt16(parts[0]),
      let month = UInt8(parts[1]), let day = UInt8(parts[2]), (1...12).contains(month), (1...31).contains(day)
    else { return nil }
    if parts[0].count == 4, (2000...2099).contains(first) { return (first, month, day) }
    return parts[0].count == 2 && model == "DC-320" ? (2000 + first, month, day) : nil
  }

  var time: DeviceDateTime? {
    let clock = values["TI"].map { $0.split(separator: ":").compactMap { UInt8($0) } } ?? []
    guard let date, clock.count >= 2, clock[0] < 24, clock[1] < 60 else { return nil }
    let seconds = clock.count > 2 && clock[2] < 60 ? clock[2] : 0
    return DeviceDateTime(
      year: date.year, month: date.month, day: date.day, hours: clock[0], minutes: clock[1], seconds: seconds)
  }

  /// The reading; nil without a weight.
  func reading(raw: RawSource) -> DeviceReading? {
    guard let weight = number("Wk") ?? number("Wp") else { return nil }
    let isMetric = number("Wk") != nil
    var observations = [Observation(.weight, .value(weight), unit: isMetric ? .kilogram : .pound)]
    func add(_ term: Term, _ key: String, _ unit: UCUM) {
      if let number = number(key) { observations.append(Observation(term, .value(number), unit: unit)) }
    }
    add(.height, "Hm", .centimetre)
    add(.bodyMassIndex, "MI", .kilogramPerSquareMetre)
    add(.bodyFat, "FW", .percent)
    // Masses of a scale that weighs in pounds have keys that are not known.
    if isMetric {
      add(.fatFreeMass, "MW", .kilogram)
      add(.bodyWater, "wW", .kilogram)
    }
    if number("rb") != nil {
      add(.basalMetabolism, "rb", .kilojoule)
    } else {
      add(.basalMetabolism, "rB", .kilocalorie)
    }
    if isMetric { add(.muscleMass, "mW", .kilogram) }
    return DeviceReading(
      kind: number("FW") == nil ? .bodyWeight : .bodyComposition, observations: observations,
      time: time.map { .local($0) }, raw: raw)
  }

  var named: [NamedValue] {
    func decimal(_ key: String) -> DecodedValue { number(key).map { .decimal($0) } ?? .absent }
    var named = [
      NamedValue("model", model.map { .text($0) } ?? .absent), NamedValue("weightKg", decimal("Wk")),
      NamedValue("fatPercent", decimal("FW")), NamedValue("bmi", decimal("MI")), NamedValue("heightCm", decimal("Hm")),
      NamedValue("checksumOk", .flag(true)),
    ]
    if let pounds = number("Wp") { named.append(NamedValue("weightLb", .decimal(pounds))) }
    if let time {
      named.append(NamedValue("date", .text(String(time.description.prefix(10)))))
    } else if let text = firstDate {
      named.append(NamedValue("dateText", .text(text)))
    }
    if let text = values["TI"] { named.append(NamedValue("time", .text(text))) }
    return named
  }
}

/// The lines on the wire.
enum TanitaFraming: LineProtocol {
  static let id = "tanita-csv"
  static let longestFrame = 4096
  private static let mark = Array(",CS,".utf8)

  static func step(_ octets: ArraySlice<UInt8>) -> FrameStep {
    let start = octets.startIndex
    // A closing brace and line ends follow a line.
    let filler = octets.prefix { $0 == 0x7D || $0 == 0x0D || $0 == 0x0A || $0 == 0 }.count
    guard filler == 0 else { return .pass(filler) }
    let next = octets.dropFirst().firstIndex(of: 0x7B)
    guard octets[start] == 0x7B else {
      return .skip((next ?? octets.endIndex) - start, code: "malformed", message: "octets outside of a line")
    }
    // Octets that no line holds end it: what was cut by noise is not waited for.
    let bad = octets.firstIndex { $0 < 0x20 || $0 > 0x7E }
    let body = octets[..<(bad ?? octets.endIndex)]
    let comma = body.indices.first { body[$0] == 0x2C && body[$0...].starts(with: mark) }
    // No line has a brace inside: the next line begins before this one has ended.
    if let next, next < comma ?? body.endIndex {
      return .skip(next - start, code: "truncated", message: "a line was cut by the next one")
    }
    guard let comma, body.endIndex - comma >= mark.count + 2 else {
      guard let bad else { return .wait }
      return .skip(min(next ?? bad, bad) - start, code: "truncated", message: "a line was cut")
    }
    let digits = body[(comma + mark.count)..<(comma + mark.count + 2)]
    let sum = Checksum.sum8(body[start...comma])
    let found = (try? Hex.decode(String(decoding: digits, as: UTF8.self)))?.first
    guard let found, found == sum else {
      let error = DecodeError(
        field: "CS", offset: comma + mark.count - start,
        reason: .checksum(computed: UInt32(sum), found: UInt32(found ?? 0)))
      return .skip(min(next ?? digits.endIndex, digits.endIndex) - start, error)
    }
    return .frame(digits.endIndex - start)
  }

  static func values(_ frame: [UInt8]) -> [NamedValue] { TanitaLine(frame[...]).named }

  static func evidence(_ frame: [UInt8]) -> Int { 64 }
}

/// Listens to the scale: one line is one measurement.
struct TanitaDriver: FramedDriver {
  private let context: DriverContext
  var line = FramedLine<TanitaFraming>()
  private var last: [UInt8] = []
  private var serial: String?

  init(_ context: DriverContext) { self.context = context }

  mutating func handle(_ input: DriverInput) -> [DriverAction] {
    guard case .received(let octets) = input else { return [] }
    return frames(of: octets)
  }

  mutating func taken(_ frame: [UInt8]) -> [DriverAction] {
    let content = TanitaLine(frame[...])
    var actions: [DriverAction] = []
    if let found = content.serial, found != serial {
      serial = found
      actions.append(.property(.manufacturer("Tanita")))
      if let model = content.model { actions.append(.property(.model(model))) }
      actions.append(.property(.serial(found)))
    }
    guard context.everyFrame || frame != last else { return actions }
    last = frame
    let raw = RawSource(source: TanitaFraming.id, octets: frame)
    if let reading = content.reading(raw: raw) { return actions + [.reading(reading)] }
    return actions + ReadingBuilder.failed("weighing", raw).actions
  }

  static let family = SerialFamily(
    TanitaFraming.self, .unchecked(falsePerThousand: 6),
    profile: DeviceProfile(
      id: TanitaFraming.id, manufacturer: "Tanita", names: ["SC-240", "SC-330", "DC-320/360", "MC-780/980", "BC-418"],
      transport: .serial([SerialSettings(9600)]),
      recognition: [.frames("CSV lines with a check value"), .usb(vendor: 0x067B, product: 0x2303)],
      kinds: [.bodyWeight, .bodyComposition],
      terms: [
        .weight, .height, .bodyMassIndex, .bodyFat, .fatFreeMass, .bodyWater, .basalMetabolism, .muscleMass,
      ], clock: .stampsOnly, memory: .none, verification: .unverified,
      rule: "one line is one measurement; the same line said again is not another"
    ) { TanitaDriver($0) })
}
