// Scales that print `ST,` lines: A&D (2400 7E1, 15 characters and CR LF) and CAS (9600 8N1, with gross/net and lamp octets), and
// many indicators with their output. Sources: both makers' manuals, public test corpora.
//
// Headers: ST stable, QT stable count, US unstable, OL out of range; some A&D print WT for ST. The weight is the last signed
// decimal before the unit; a line without header or unit is refused, because tolerances and banners look alike.

internal import Octets
internal import Readings

/// One line.
struct TextScaleLine: Hashable, Sendable {
  enum Status: String, Hashable {
    case stable
    case stableCount
    case unstable
    case overload
  }
  var status: Status
  var value: ExactDecimal?
  /// As printed.
  var unitText: String
  var isNet: Bool?

  /// Throws for what is no line of this family.
  init(_ line: ArraySlice<UInt8>) throws(DecodeError) {
    let start = line.startIndex
    func bad(_ field: String, _ at: Int, _ text: String) -> DecodeError {
      DecodeError(field: field, offset: at - start, reason: .malformed(text))
    }
    let text = line.map { $0 & 0x7F }
    guard text.count >= 3, text[2] == 0x2C else { throw bad("header", start, "no ST, US, OL or QT line") }
    switch String(decoding: text[0..<2], as: UTF8.self) {
    case "ST", "WT": status = .stable
    case "QT": status = .stableCount
    case "US": status = .unstable
    case "OL": status = .overload
    default: throw bad("header", start, "no ST, US, OL or QT line")
    }
    var rest = text[3...]
    if rest.count >= 3, rest[rest.startIndex + 2] == 0x2C {
      let kind = String(decoding: rest.prefix(2), as: UTF8.self)
      if kind == "GS" || kind == "NT" {
        isNet = kind == "NT"
        rest = rest.dropFirst(3)
      }
    }
    let unit = rest.reversed().prefix { $0 != 0x2E && !($0 >= 0x30 && $0 <= 0x39) }.reversed()
    unitText = String(decoding: unit.filter { $0 > 0x20 }, as: UTF8.self)
    let number = rest.dropLast(unit.count)
    guard status != .overload else { return }
    let digits = number.reversed().prefix { $0 >= 0x30 && $0 <= 0x39 || $0 == 0x2E }.reversed()
    let before = number.dropLast(digits.count).reversed().first { $0 != 0x20 }
    guard let decimal = ExactDecimal(String(decoding: digits, as: UTF8.self)) else {
      throw bad("weight", start + 3, "no number")
    }
    guard !unitText.isEmpty else { throw bad("unit", start + text.count, "no unit") }
    value = before == 0x2D ? ExactDecimal(-decimal.mantissa, exponent: decimal.exponent) : decimal
  }

  /// The unit of a weight; nil for counts, percents and what else scales print.
  var unit: UCUM? {
    switch unitText.lowercased() {
    case "kg": .kilogram
    case "g": .gram
    case "lb": .pound
    default: nil
    }
  }
}

/// Listens to a scale's lines.
struct TextScaleDriver: Driver {
  /// The longest line that a scale of this family prints.
  private static let longestLine = 64

  private let id: String
  private let context: DriverContext
  private var buffer = LineBuffer()
  /// A measurement may be taken: the weight left zero, or was unstable, since the last one.
  private var isArmed = true

  init(_ id: String, _ context: DriverContext) {
    self.id = id
    self.context = context
  }

  mutating func handle(_ input: DriverInput) -> [DriverAction] {
    guard case .received(let octets) = input else { return [] }
    buffer.append(octets)
    var actions: [DriverAction] = []
    while let end = buffer.octets.firstIndex(where: { $0 & 0x7F == 0x0A || $0 & 0x7F == 0x0D }) {
      // Noise before a header is passed over, so that a half line costs only itself.
      let line = buffer.octets[..<end]
      if line.isEmpty {
        _ = buffer.take(1)
        continue
      }
      let header = TextScaleDriver.headerStart(line)
      do {
        let parsed = try TextScaleLine(line[(header ?? line.startIndex)...])
        let frame = buffer.take(end + 1)
        actions += weighed(parsed, Array(frame[(header ?? 0)...]))
      } catch {
        if let problem = buffer.skip(end + 1, code: error.code, error.message) { actions.append(.problem(problem)) }
      }
    }
    if buffer.octets.count > TextScaleDriver.longestLine {
      let surplus = buffer.octets.count - TextScaleDriver.longestLine
      if let problem = buffer.skip(surplus, code: "malformed", "no line end in \(TextScaleDriver.longestLine) octets") {
        actions.append(.problem(problem))
      }
    }
    return actions
  }

  private static func headerStart(_ line: ArraySlice<UInt8>) -> Int? {
    let headers = ["ST", "US", "OL", "QT", "WT"].map { Array($0.utf8) }
    return line.indices.last { index in
      index + 2 < line.endIndex && line[index + 2] & 0x7F == 0x2C
        && headers.contains([line[index] & 0x7F, line[index + 1] & 0x7F])
    }
  }

  private mutating func weighed(_ line: TextScaleLine, _ frame: [UInt8]) -> [DriverAction] {
    if line.status == .overload {
      isArmed = true
      return [.problem(DriverProblem(code: "overload", message: "the scale says that the weight is out of its range"))]
    }
    guard let value = line.value, let unit = line.unit else { return [] }
    if line.status == .unstable || value.isZero || value.isNegative {
      isArmed = true
      return []
    }
    guard line.status == .stable else { return [] }
    guard isArmed || context.everyFrame else { return [] }
    isArmed = false
    return [
      .reading(
        DeviceReading(
          kind: .bodyWeight, observations: [Observation(.weight, .value(value), unit: unit)], stored: false,
          raw: RawSource(source: id, octets: frame)))
    ]
  }

  private static let rule =
    "the first stable line after an unstable one or after the weight left zero; repeats are none"

  static let and = DeviceProfile(
    id: "and-scale", manufacturer: "A&D", names: ["A&D scales and indicators with ST, output"],
    transport: .serial([
      SerialSettings(2400, dataBits: 7, parity: .even), SerialSettings(9600, dataBits: 7, parity: .even),
      SerialSettings(9600),
    ]), recognition: [.frames("ST, lines"), .usb(vendor: 0x0403, product: 0x6001)], kinds: [.bodyWeight],
    terms: [.weight], clock: .none, memory: .none, verification: .captured, rule: rule
  ) { TextScaleDriver("and-scale", $0) }

  static let cas = DeviceProfile(
    id: "cas", manufacturer: "CAS", names: ["CAS indicators with ST,GS output"],
    transport: .serial([SerialSettings(9600)]), recognition: [.frames("ST,GS lines")], kinds: [.bodyWeight],
    terms: [.weight], clock: .none, memory: .none, verification: .captured, rule: rule
  ) { TextScaleDriver("cas", $0) }
}
