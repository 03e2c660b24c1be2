// Tanita TBF-410: one line of twelve numbers without keys, 2400 7E1. Source: a recorded line with its reader.
//
// body type, sex, height, weight, impedance, fat %, fat, fat-free mass, water, age, body mass index, and a number that the source
// does not name. There is neither unit nor check value; but fat and fat-free mass make the weight, and the index tells whether
// height and weight are inches and pounds: a line in which they do not agree is refused.

internal import Octets
internal import Readings

/// The lines.
enum TanitaPlainLine: LineProtocol {
  static let id = "tanita-plain-csv"
  static let longestFrame = 96
  private static let columns = 12

  /// One line.
  struct Body: Sendable, Hashable {
    let numbers: [ExactDecimal]
    let isMetric: Bool
  }

  static func parse(_ line: ArraySlice<UInt8>) throws(DecodeError) -> Body {
    func bad(_ field: String, _ text: String) -> DecodeError {
      DecodeError(field: field, offset: 0, reason: .malformed(text))
    }
    let numbers = line.split(separator: 0x2C, omittingEmptySubsequences: false).map {
      ExactDecimal(String(decoding: $0.filter { $0 != 0x20 }, as: UTF8.self))
    }
    let known = numbers.compactMap { $0 }
    // The body type is one digit, so that the last digit of a cut line is none of it.
    guard line.dropFirst().first == 0x2C, known.count == columns, numbers.count == columns,
      known.allSatisfy({ !$0.isNegative })
    else {
      throw bad("line", "not twelve numbers")
    }
    // In tenths.
    func tenths(_ index: Int) -> Int64? {
      known[index].rounded(places: 1).flatMap { $0.mantissa < 100_000 ? $0.mantissa : nil }
    }
    guard let height = tenths(2), let weight = tenths(3), let fat = tenths(6), let lean = tenths(7),
      let index = tenths(10)
    else { throw bad("line", "numbers out of range") }
    guard weight > 0, height > 0, abs(fat + lean - weight) <= 2 else {
      throw bad("weight", "the parts do not make the whole")
    }
    // kg/m2 = 10,000 kg/cm2 = 703.07 lb/in2; all of them in tenths.
    let metric = weight * 1_000_000 / height / height
    let imperial = weight * 70_307 / height / height
    let nearly = { (found: Int64) in abs(found - index) <= 10 }
    guard nearly(metric) != nearly(imperial) else { throw bad("bmi", "height, weight and index do not agree") }
    return Body(numbers: known, isMetric: nearly(metric))
  }

  static func step(_ octets: ArraySlice<UInt8>) -> FrameStep {
    TextFraming.step(octets) { line throws(DecodeError) in
      do throws(DecodeError) {
        _ = try parse(line)
        return 0
      } catch {
        // A half line before a whole one: the whole one has the last twelve numbers.
        let commas = line.indices.filter { line[$0] == 0x2C }
        guard commas.count >= columns - 1 else { throw error }
        let second = commas[commas.count - (columns - 1)]
        guard second - 1 > line.startIndex, (try? parse(line[(second - 1)...])) != nil else { throw error }
        return second - 1 - line.startIndex
      }
    }
  }

  static func reading(_ frame: [UInt8]) -> DeviceReading? {
    guard let body = try? parse(frame[...]) else { return nil }
    let mass: UCUM = body.isMetric ? .kilogram : .pound
    var observations: [Observation] = []
    func add(_ term: Term, _ column: Int, _ unit: UCUM) {
      guard !body.numbers[column].isZero else { return }
      observations.append(Observation(term, .value(body.numbers[column]), unit: unit))
    }
    add(.weight, 3, mass)
    add(.height, 2, body.isMetric ? .centimetre : .inch)
    add(.bodyMassIndex, 10, .kilogramPerSquareMetre)
    add(.bodyFat, 5, .percent)
    add(.fatFreeMass, 7, mass)
    add(.bodyWater, 8, mass)
    add(.impedance, 4, .ohm)
    return DeviceReading(
      kind: body.numbers[5].isZero ? .bodyWeight : .bodyComposition, observations: observations,
      raw: RawSource(source: id, octets: frame))
  }

  static func values(_ frame: [UInt8]) -> [NamedValue] {
    guard let body = try? parse(frame[...]) else { return [] }
    let names =
      body.isMetric
      ? [
        "bodyType", "gender", "heightCm", "weightKg", "impedance", "fatPercent", "fatMassKg", "fatFreeMassKg",
        "bodyWaterKg", "age", "bmi", "bmrKj",
      ]
      : [
        "bodyType", "gender", "heightIn", "weightLb", "impedance", "fatPercent", "fatMassLb", "fatFreeMassLb",
        "bodyWaterLb", "age", "bmi", "bmrKj",
      ]
    return zip(names, body.numbers).map { NamedValue($0, .decimal($1)) }
  }

  /// Twelve numbers whose sums agree.
  static func evidence(_ frame: [UInt8]) -> Int { Evidence.text(frame, 48) }
}

/// Listens to the scale: one line is one measurement.
struct TanitaPlainDriver: Driver {
  private let context: DriverContext
  private var line = FramedLine<TanitaPlainLine>()
  private var last: [UInt8] = []

  init(_ context: DriverContext) { self.context = context }

  mutating func handle(_ input: DriverInput) -> [DriverAction] {
    guard case .received(let octets) = input else { return [] }
    line.append(octets)
    var actions: [DriverAction] = []
    while let item = line.next() {
      switch item {
      case .problem(let problem): actions.append(.problem(problem))
      case .frame(let frame):
        guard context.everyFrame || frame != last else { continue }
        last = frame
        if let reading = TanitaPlainLine.reading(frame) { actions.append(.reading(reading)) }
      }
    }
    return actions
  }

  static let family = SerialFamily(
    TanitaPlainLine.self, .unchecked(falsePerThousand: 32),
    profile: DeviceProfile(
      id: TanitaPlainLine.id, manufacturer: "Tanita", names: ["TBF-410"],
      transport: .serial([SerialSettings(2400, dataBits: 7, parity: .even)]),
      recognition: [.frames("lines of twelve numbers that agree")], kinds: [.bodyWeight, .bodyComposition],
      terms: [.weight, .height, .bodyMassIndex, .bodyFat, .fatFreeMass, .bodyWater, .impedance], clock: .none,
      memory: .none, verification: .captured,
      rule: "one line is one measurement; the same line said again is not another"
    ) { TanitaPlainDriver($0) })
}
