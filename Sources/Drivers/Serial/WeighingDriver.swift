// What all scales on a line share: what a line says, and the driver around the rule of what one measurement is (`WeighingRule`).
// Each family has its own lines and says what one of them means.

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
    /// It was switched on with something on it, and has no zero.
    case notZeroed = "not zeroed"
    case error
    /// TARE was pressed.
    case tare

    /// Why there is no weight; nil where there may be one.
    var reason: AbsentReason? {
      switch self {
      case .overload: .aboveRange
      case .underload: .belowRange
      case .notZeroed: .notPerformed
      case .error: .error
      case .stable, .stableCount, .unstable, .tare: nil
      }
    }

    /// What is told of it.
    var sentence: String {
      switch self {
      case .overload, .underload: "the scale says that the weight is out of its range (\(rawValue))"
      case .notZeroed: "the scale has no zero: take everything off it and press ZERO, or switch it on again"
      default: "the scale says that it cannot weigh (\(rawValue))"
      }
    }
  }
  var status: Status
  var value: ExactDecimal?
  /// As printed; empty when the line has none.
  var unitText: String = ""
  /// True for a net weight, false for a gross one; nil where the protocol does not tell.
  var isNet: Bool?
  /// What the line says beside the weight.
  var others: [Observation] = []

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
  /// Units that a scale counts with: no weight, and nothing to tell.
  static var countingUnits: Set<String> { get }
  /// When its lines are one measurement.
  static func rule(_ context: DriverContext) -> WeighingRule
  /// How many lines in a row are enough from now on, because only a model that sends locked weights sends such a frame; nil: as before.
  static func neededAfter(_ frame: [UInt8], _ context: DriverContext) -> Int?
  /// What a frame says about a weight; nil when it says something else.
  static func weighing(_ frame: [UInt8]) -> Weighing?
  /// What a frame says about the device.
  static func property(_ frame: [UInt8]) -> DeviceProperty?
}

extension WeighingLine {
  static var opening: [[UInt8]] { [] }
  static var question: [UInt8]? { nil }
  static var isWithoutUnit: Bool { false }
  static var countingUnits: Set<String> { [] }
  static func rule(_ context: DriverContext) -> WeighingRule { WeighingRule(held: context.heldLoad) }
  static func neededAfter(_ frame: [UInt8], _ context: DriverContext) -> Int? { nil }
  static func property(_ frame: [UInt8]) -> DeviceProperty? { nil }
  static func values(_ frame: [UInt8]) -> [NamedValue] { weighing(frame)?.values ?? [] }
}

/// Listens to a scale.
struct WeighingDriver<Line: WeighingLine>: FramedDriver {
  private static var silenceTimer: DriverTimer { 1 }
  private static var questionTimer: DriverTimer { 2 }
  private static var settleTimer: DriverTimer { 3 }
  private static var forgetTimer: DriverTimer { 4 }
  /// How often a scale is asked for its weight.
  private static var questionMilliseconds: Int { 1000 }

  private let context: DriverContext
  var line = FramedLine<Line>()
  private var rule: WeighingRule
  /// The special value that was told last; said again, it is no new problem.
  private var special: Weighing.Status?
  /// The same for what is no weight: pieces, percents.
  private var isWithoutWeight = false
  /// Weights that do not agree were told since the last measurement.
  private var isDisagreementTold = false
  /// Who it is was not told since the line was silent: it may have been switched off, or be another one.
  private var isStranger = true
  /// How long the octets that come next may have waited, in milliseconds.
  private var waited = 0
  /// A question of this driver has no answer yet.
  private var isUnanswered = false

  init(_ context: DriverContext) {
    self.context = context
    rule = Line.rule(context)
  }

  mutating func handle(_ input: DriverInput) -> [DriverAction] {
    switch input {
    case .opened: return Line.opening.map { .transmit($0) } + asked() + (rule.held == nil ? [] : [forgetLater])
    case .timer(WeighingDriver.questionTimer): return asked()
    case .timer(WeighingDriver.silenceTimer):
      isStranger = true
      return told(rule.silence())
    case .timer(WeighingDriver.settleTimer): return told(rule.settle())
    case .timer(WeighingDriver.forgetTimer): return told(rule.forget())
    case .waited(let milliseconds):
      waited = milliseconds
      return []
    case .received(let octets): return received(octets)
    case .closed: return context.everyFrame ? [] : told(rule.closed(isRecording: context.isRecording))
    default: return []
    }
  }

  private mutating func received(_ octets: [UInt8]) -> [DriverAction] {
    line.append(octets)
    var items: [FramedLine<Line>.Item] = []
    while let item = line.next() { items.append(item) }
    // Lines that came while nobody listened: so few of them are printed ones, with silence between them. More are a stream.
    // A scale that is asked says nothing while nobody asks it.
    let isApart =
      Line.question == nil && items.count <= WeighingRule.agreement
      && waited / max(1, items.count) >= WeighingRule.silenceMilliseconds
    waited = 0
    var actions: [DriverAction] = []
    for item in items {
      if isApart { actions += told(rule.silence()) }
      switch item {
      case .problem(let problem): actions.append(.problem(problem))
      case .frame(let frame): actions += taken(frame)
      }
    }
    if !items.isEmpty { isUnanswered = false }
    guard listensForSilence else { return actions }
    // Of a scale that is asked, silence begins with the next question; half an answer is one that is late.
    if Line.question == nil || items.isEmpty {
      actions.append(silenceLater)
    } else {
      actions.append(.stopTimer(WeighingDriver.silenceTimer))
    }
    if rule.held != nil { actions.append(forgetLater) }
    return actions
  }

  private var listensForSilence: Bool {
    !context.everyFrame && (rule.isWaiting || rule.held != nil || !Line.opening.isEmpty)
  }

  private var silenceLater: DriverAction {
    .startTimer(WeighingDriver.silenceTimer, milliseconds: WeighingRule.silenceMilliseconds)
  }

  private var forgetLater: DriverAction {
    .startTimer(WeighingDriver.forgetTimer, milliseconds: WeighingRule.forgetMilliseconds)
  }

  private mutating func asked() -> [DriverAction] {
    guard let question = Line.question else { return [] }
    let begins = !isUnanswered && listensForSilence
    isUnanswered = true
    return [
      .transmit(question),
      .startTimer(WeighingDriver.questionTimer, milliseconds: WeighingDriver.questionMilliseconds),
    ] + (begins ? [silenceLater] : [])
  }

  /// What the rule made of lines or of silence.
  private mutating func told(_ outcomes: [WeighingRule.Outcome]) -> [DriverAction] {
    outcomes.flatMap { outcome -> [DriverAction] in
      switch outcome {
      case .give(let reading):
        isDisagreementTold = false
        return [.reading(reading)]
      case .hold(let load):
        let timer: DriverAction = load == nil ? .stopTimer(WeighingDriver.forgetTimer) : forgetLater
        return [.heldLoad(load), timer]
      case .wait: return [.startTimer(WeighingDriver.settleTimer, milliseconds: WeighingRule.tareMilliseconds)]
      case .withdrawn:
        let message = "TARE followed a weight of the scale: it is that of a chair or of clothes, and is not taken"
        return [.stopTimer(WeighingDriver.settleTimer), .problem(DriverProblem(code: "tared", message: message))]
      case .disagreed:
        guard !isDisagreementTold else { return [] }
        isDisagreementTold = true
        let message = "the scale sent weights that do not agree, or fell silent too early; no value is taken"
        return [.problem(DriverProblem(code: "no-agreement", message: message))]
      }
    }
  }

  mutating func taken(_ frame: [UInt8]) -> [DriverAction] {
    if let property = Line.property(frame) {
      if case .serial = property { isStranger = false }
      return [.property(property)]
    }
    if let needed = Line.neededAfter(frame, context) { rule.lower(to: needed) }
    guard let weighing = Line.weighing(frame) else { return [] }
    defer { isStranger = false }
    return (isStranger ? Line.opening.map { .transmit($0) } : []) + weighed(weighing, frame)
  }

  private mutating func weighed(_ weighing: Weighing, _ frame: [UInt8]) -> [DriverAction] {
    let raw = RawSource(source: Line.id, octets: frame)
    if weighing.status == .tare {
      return told(rule.add(WeighingRule.Line(content: .tare)))
    }
    if let reason = weighing.status.reason { return without(weighing.status, reason, raw) }
    guard let value = weighing.value, let unit = weighing.unit ?? unitOfModel(weighing) else {
      guard weighing.status == .unstable, !context.everyFrame else { return withoutWeight(weighing, raw) }
      // It moves, and some do not say their unit then: what stood before it and what follows are no lines in a row.
      return told(rule.add(WeighingRule.Line(content: .moving)))
    }
    isWithoutWeight = false
    let observation = Observation(.weight, .value(value), unit: unit)
    guard let kilograms = observation.value.decimal, let milligrams = WeighingDriver.milligrams(kilograms) else {
      return []
    }
    let isStable = weighing.status == .stable
    let reading = DeviceReading(
      kind: .bodyWeight, observations: [observation] + weighing.others, stored: false, raw: raw)
    if context.everyFrame { return isStable && milligrams > 0 ? [.reading(reading)] : [] }
    let before = special
    let actions = told(
      rule.add(
        WeighingRule.Line(
          content: .load(milligrams, isStable: isStable), isNet: weighing.isNet, reading: isStable ? reading : nil)))
    if before != nil, !actions.isEmpty || milligrams <= 0 { special = nil }
    return actions
  }

  /// At most a thousand kilograms; nil for what is not counted in milligrams.
  private static func milligrams(_ kilograms: ExactDecimal) -> Int64? {
    kilograms.rounded(places: 6).map { min(max($0.mantissa, -1_000_000_000), 1_000_000_000) }
  }

  /// A value that is no number: said in words once, and as a reading without number when it is as sure as a weight would be.
  private mutating func without(_ status: Weighing.Status, _ reason: AbsentReason, _ raw: RawSource) -> [DriverAction] {
    let problem = DriverProblem(code: status.code, message: status.sentence, raw: raw)
    let words: [DriverAction] = special == status ? [] : [.problem(problem)]
    special = status
    guard !context.everyFrame else { return words }
    let flags: [ReadingFlag] = [.aboveRange, .belowRange].contains(reason) ? [] : [.measurementFailed]
    let reading = DeviceReading(
      kind: .bodyWeight, observations: [Observation(.weight, .absent(reason), unit: .kilogram)], flags: flags,
      stored: false, raw: raw)
    return words + told(rule.add(WeighingRule.Line(content: .special(status), reading: reading)))
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
    guard !Line.countingUnits.contains(weighing.unitText.lowercased()) else { return [] }
    isWithoutWeight = true
    let message =
      Line.isWithoutUnit
      ? "the scale does not say its unit: give its model as \"\(context.model ?? "8217") kg\" or \"… lb\""
      : "the scale shows \(weighing.unitText), which is no unit of weight that is known; no value is taken"
    return [.problem(DriverProblem(code: "unsupported-unit", message: message, raw: raw))]
  }
}

extension Weighing.Status {
  /// The problem's code.
  fileprivate var code: String {
    switch self {
    case .notZeroed: "not-zeroed"
    case .error: "measurement-failed"
    default: rawValue
    }
  }
}
