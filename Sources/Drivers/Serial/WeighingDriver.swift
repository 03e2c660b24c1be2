// What all scales on a line share: when a stream of weights is one weighing, and the driver around it. Each family has its own
// lines and says what one of them means.

internal import Octets
internal import Readings

/// What one line of a scale says.
struct Weighing: Sendable, Hashable {
  enum Status: String, Sendable, Hashable {
    case stable
    case stableCount
    case unstable
    case overload
    case underload
  }
  var status: Status
  var value: ExactDecimal?
  /// As printed; empty when the line has none.
  var unitText: String = ""

  /// The unit of a weight; nil for counts, percents and what else scales print.
  var unit: UCUM? {
    switch unitText.lowercased() {
    case "kg": .kilogram
    case "g": .gram
    case "lb", "lbs": .pound
    case "st": .stone
    default: nil
    }
  }

  /// Status, value and unit under their names.
  var values: [NamedValue] {
    [
      NamedValue("status", .text(status.rawValue)), NamedValue("value", value.map { .decimal($0) } ?? .absent),
      NamedValue("unit", unitText.isEmpty ? .absent : .text(unitText)),
    ]
  }

  /// The last signed decimal of a line and the unit after it; blanks may stand between sign and digits. Nil where it may be a part
  /// of another number: behind a decimal comma, behind stones (`11 st 5.2 lb`), behind an octet that a parity error took.
  static func number(_ text: ArraySlice<UInt8>) -> (value: ExactDecimal, unit: String)? {
    let unit = text.reversed().prefix { $0 != 0x2E && !($0 >= 0x30 && $0 <= 0x39) }.reversed()
    let number = text.dropLast(unit.count)
    let digits = number.reversed().prefix { $0 >= 0x30 && $0 <= 0x39 || $0 == 0x2E }.reversed()
    let before = number.dropLast(digits.count)
    let sign = before.reversed().first { $0 != 0x20 }.flatMap { $0 == 0x2B || $0 == 0x2D ? $0 : nil }
    var rest = before.reversed().drop { $0 == 0x20 }
    if sign != nil { rest = rest.dropFirst().drop { $0 == 0x20 } }
    if let last = rest.first {
      // A field ends with a comma; one between two digits is a decimal one.
      let isBetween = before.last == 0x2C && rest.dropFirst().first.map { $0 >= 0x30 && $0 <= 0x39 } ?? false
      guard last == 0x2C, !isBetween else { return nil }
    }
    guard let decimal = ExactDecimal(String(decoding: digits, as: UTF8.self)) else { return nil }
    return (
      sign == 0x2D ? ExactDecimal(-decimal.mantissa, exponent: decimal.exponent) : decimal,
      String(decoding: unit.filter { $0 > 0x20 && $0 < 0x7F && $0 != 0x2C }, as: UTF8.self)
    )
  }
}

/// When a scale's stream is one weighing.
struct WeighingRule: Sendable {
  /// The rule in words, for the profile.
  static let sentence =
    "the first stable weight; another only after less than half of it or zero was shown, after 3 s of silence, or when it differs by more than 2 %"
  /// Silence after which a weight is a new one.
  static let silenceMilliseconds = 3000

  /// Grams of the weighing that was given; nil when the next stable weight is a new one.
  private var grams: Int64?
  /// True while a repeated weight would be passed over.
  var isHolding: Bool { grams != nil }

  /// True when a weight (in kg) is a new weighing. Zero and less is none.
  mutating func add(_ kilograms: ExactDecimal, isStable: Bool) -> Bool {
    let now = min(kilograms.rounded(places: 3)?.mantissa ?? 0, 1_000_000_000)
    guard now > 0 else {
      grams = nil
      return false
    }
    if let held = grams, now < held / 2 { grams = nil }
    guard isStable else { return false }
    if let held = grams, abs(now - held) <= held / 50 { return false }
    grams = now
    return true
  }

  /// The line was silent: whoever stood there has left.
  mutating func silence() { grams = nil }
}

/// A family of scales: its lines, and what one of them means.
protocol WeighingLine: LineProtocol {
  /// The protocol's id.
  static var id: String { get }
  /// What is sent when the port was opened; most scales print without a question.
  static var opening: [[UInt8]] { get }
  /// What is asked again and again, because the scale says nothing by itself and may be switched on later; nil for none.
  static var question: [UInt8]? { get }
  /// It prints numbers without a unit.
  static var isWithoutUnit: Bool { get }
  /// What a frame says about a weight; nil when it says something else.
  static func weighing(_ frame: [UInt8]) -> Weighing?
  /// What a frame says about the device.
  static func property(_ frame: [UInt8]) -> DeviceProperty?
}

extension WeighingLine {
  static var opening: [[UInt8]] { [] }
  static var question: [UInt8]? { nil }
  static var isWithoutUnit: Bool { false }
  static func property(_ frame: [UInt8]) -> DeviceProperty? { nil }
  static func values(_ frame: [UInt8]) -> [NamedValue] { weighing(frame)?.values ?? [] }
}

/// Listens to a scale.
struct WeighingDriver<Line: WeighingLine>: FramedDriver {
  private static var silenceTimer: DriverTimer { 1 }
  private static var questionTimer: DriverTimer { 2 }
  /// How often a scale is asked for its weight.
  private static var questionMilliseconds: Int { 1000 }

  private let context: DriverContext
  var line = FramedLine<Line>()
  private var rule = WeighingRule()
  /// The scale said last that the weight is out of its range; said again, it is no new problem.
  private var isOutOfRange = false
  /// The same for what is no weight: pieces, percents.
  private var isWithoutWeight = false
  /// Who it is was not told since the line was silent: it may have been switched off, or be another one.
  private var isStranger = true

  init(_ context: DriverContext) { self.context = context }

  mutating func handle(_ input: DriverInput) -> [DriverAction] {
    switch input {
    case .opened: return Line.opening.map { .transmit($0) } + asked()
    case .timer(WeighingDriver.questionTimer): return asked()
    case .timer(WeighingDriver.silenceTimer):
      rule.silence()
      isStranger = true
      return []
    case .received(let octets):
      var actions = frames(of: octets)
      if rule.isHolding || !Line.opening.isEmpty, !actions.isEmpty || line.waiting == 0 {
        actions.append(
          .startTimer(WeighingDriver.silenceTimer, milliseconds: WeighingRule.silenceMilliseconds))
      }
      return actions
    default: return []
    }
  }

  private func asked() -> [DriverAction] {
    guard let question = Line.question else { return [] }
    return [
      .transmit(question),
      .startTimer(WeighingDriver.questionTimer, milliseconds: WeighingDriver.questionMilliseconds),
    ]
  }

  mutating func taken(_ frame: [UInt8]) -> [DriverAction] {
    if let property = Line.property(frame) {
      if case .serial = property { isStranger = false }
      return [.property(property)]
    }
    guard let weighing = Line.weighing(frame) else { return [] }
    defer { isStranger = false }
    return (isStranger ? Line.opening.map { .transmit($0) } : []) + weighed(weighing, frame)
  }

  private mutating func weighed(_ weighing: Weighing, _ frame: [UInt8]) -> [DriverAction] {
    let raw = RawSource(source: Line.id, octets: frame)
    if weighing.status == .overload || weighing.status == .underload {
      defer { isOutOfRange = true }
      guard !isOutOfRange else { return [] }
      let message = "the scale says that the weight is out of its range (\(weighing.status.rawValue))"
      return [.problem(DriverProblem(code: weighing.status.rawValue, message: message, raw: raw))]
    }
    isOutOfRange = false
    guard let value = weighing.value, let unit = weighing.unit ?? unitOfModel(weighing) else {
      return withoutWeight(weighing, raw)
    }
    isWithoutWeight = false
    let observation = Observation(.weight, .value(value), unit: unit)
    guard let kilograms = observation.value.decimal else { return [] }
    let isStable = weighing.status == .stable
    let isNew = rule.add(kilograms, isStable: isStable)
    guard isNew || context.everyFrame && isStable && !value.isZero && !value.isNegative else { return [] }
    return [.reading(DeviceReading(kind: .bodyWeight, observations: [observation], stored: false, raw: raw))]
  }

  /// A scale that prints numbers alone: the technician said what they are.
  private func unitOfModel(_ weighing: Weighing) -> UCUM? {
    guard weighing.unitText.isEmpty, Line.isWithoutUnit else { return nil }
    let word = context.model?.split(separator: " ").last.map { String($0) } ?? ""
    return Weighing(status: .stable, unitText: word).unit
  }

  private mutating func withoutWeight(_ weighing: Weighing, _ raw: RawSource) -> [DriverAction] {
    guard weighing.status != .unstable, weighing.value?.isZero == false, !isWithoutWeight else { return [] }
    guard Line.isWithoutUnit || !weighing.unitText.isEmpty else { return [] }
    isWithoutWeight = true
    let message =
      Line.isWithoutUnit
      ? "the scale does not say its unit: give its model as \"\(context.model ?? "8217") kg\" or \"… lb\""
      : "the scale shows \(weighing.unitText), which is no unit of weight that is known; no value is taken"
    return [.problem(DriverProblem(code: "unsupported-unit", message: message, raw: raw))]
  }
}
