// What trends look back on: a patient's values and signs by corrected time. Bounded; derived from readings alone.

package import Readings

/// A patient's newest values, by measure.
package struct PatientHistory: Sendable, Hashable {
  /// One value.
  package struct Point: Sendable, Hashable {
    /// Milliseconds since 1970, corrected.
    package var time: Int64
    /// Half of the reading's identifier.
    package var id: UInt64
    /// In the measure's unit.
    package var value: ExactDecimal
    /// The device itself was in doubt of it.
    package var isDoubtful: Bool
    package init(time: Int64, id: UInt64, value: ExactDecimal, isDoubtful: Bool = false) {
      self.time = time
      self.id = id
      self.value = value
      self.isDoubtful = isDoubtful
    }
  }

  /// What a reading said beside its values.
  package struct Sign: Sendable, Hashable {
    /// Milliseconds since 1970, corrected.
    package var time: Int64
    /// Half of the reading's identifier.
    package var id: UInt64
    /// What kind of reading.
    package var kind: ReadingKind { Sign.kinds[Int(bits >> Sign.kindBits) % Sign.kinds.count] }
    /// What it said, in the order of all remarks.
    package var flags: [ReadingFlag] {
      get {
        bits & Sign.remarks == 0
          ? [] : ReadingFlag.allCases.enumerated().filter { bits & 1 << $0.offset != 0 }.map(\.element)
      }
      set { bits = bits & ~Sign.remarks | Sign.bits(newValue) }
    }
    /// A bit a remark, and above them the kind: of some patients there are many signs.
    private var bits: UInt64
    private static let kindBits: UInt64 = 58
    private static let remarks: UInt64 = 1 << kindBits - 1
    private static let kinds = ReadingKind.allCases
    /// What a reading said.
    package init(time: Int64, id: UInt64, kind: ReadingKind, flags: [ReadingFlag]) {
      self.time = time
      self.id = id
      bits = Sign.bits(flags) | UInt64(Sign.kinds.firstIndex(of: kind) ?? 0) << Sign.kindBits
    }

    private static let places = Dictionary(
      ReadingFlag.allCases.enumerated().map { ($0.element, $0.offset) }, uniquingKeysWith: { first, _ in first })

    private static func bits(_ flags: [ReadingFlag]) -> UInt64 {
      flags.reduce(0) { $0 | (places[$1].map { 1 << UInt64($0) } ?? 0) }
    }

    /// One of these was said.
    func says(_ mask: UInt64) -> Bool { bits & mask & Sign.remarks != 0 }
    /// What `says` is asked by.
    static func mask(_ flags: [ReadingFlag]) -> UInt64 { bits(flags) }
  }

  /// How long values are kept, in milliseconds: longer than any window of a plan.
  package static let length: Int64 = 400 * 86_400_000
  /// The most values of a measure that are kept.
  package static let mostPoints = 800
  /// The most signs that are kept.
  static let mostSigns = 128
  /// The most values of a measure that are kept apart.
  static let mostAsides = 32
  /// The most marks that are kept.
  package static let mostMarks = 64
  /// The most accepted weights that are known as such.
  static let mostAccepted = 64

  /// By measure, oldest first.
  package var values = PerMeasure<Series>()
  /// Oldest first.
  package var signs: [Sign] = []
  /// Values that may be somebody else's: kept apart, by measure, oldest first. Nothing is judged by them.
  package var asides = PerMeasure<Series>()
  /// What rules told and who took notice, oldest first.
  package var marks: [Mark] = []
  /// Weights of which a person said that they are the patient's, oldest first: half of each reading's identifier.
  package var accepted: [UInt64] = []

  /// Nothing yet.
  package init() {}

  /// Adds a reading's values, once. One without a place in time or that is not to be believed is left out of the values, one that
  /// may be somebody else's is kept apart; their signs count.
  package mutating func add(_ reading: Reading) {
    guard let time = reading.takenAt?.milliseconds else { return }
    let id = reading.id.low
    let isUnfit = reading.flags.contains { Monitor.isUnfit($0) }
    let measured = isUnfit ? PerMeasure() : Measure.values(in: reading)
    if reading.correction?.kind == .accepted, measured[.weight] != nil, !accepted.contains(id) {
      accepted.append(id)
      if accepted.count > PatientHistory.mostAccepted { accepted.removeFirst() }
    }
    let isAside = measured[.weight].map { isSomebodyElse($0, of: id, at: time) } ?? false
    // What was said at its arrival is one thing, what is known now another.
    var flags = reading.flags.filter { $0 != .suspectPerson }
    let isDoubtful = flags.contains { $0.isDoubt }
    if isAside { flags.append(.suspectPerson) }
    insertSign(Sign(time: time, id: id, kind: reading.kind, flags: flags))
    for (measure, value) in measured.pairs {
      let point = Point(time: time, id: id, value: value, isDoubtful: isDoubtful)
      if isAside {
        PatientHistory.insert(point, &asides[measure, default: Series()], most: PatientHistory.mostAsides)
      } else {
        PatientHistory.insert(point, &values[measure, default: Series()], most: PatientHistory.mostPoints)
      }
    }
    if measured[.weight] != nil { judgeWeights(after: time) }
  }

  /// True when this reading is known: a device sent it again.
  package func contains(_ reading: Reading) -> Bool {
    guard let time = reading.takenAt?.milliseconds else { return false }
    if signs.contains(where: { $0.id == reading.id.low && $0.time == time }) { return true }
    return Measure.values(in: reading).pairs.contains { measure, _ in
      points(measure, from: time, to: time).contains { $0.id == reading.id.low }
        || (asides[measure] ?? Series()).contains { $0.id == reading.id.low && $0.time == time }
    }
  }

  /// Adds what a rule told, once, where people look back on it.
  package mutating func add(_ mark: Mark) {
    guard mark.isKept else { return }
    let index = marks.lastIndex { $0.time <= mark.time }.map { $0 + 1 } ?? 0
    guard index == 0 || marks[index - 1] != mark else { return }
    marks.insert(mark, at: index)
    if marks.count > 2 * PatientHistory.mostMarks { marks.removeFirst(marks.count - PatientHistory.mostMarks) }
  }

  /// Takes a reading's values out again: its place in time was wrong.
  package mutating func remove(_ id: ReadingID) {
    let weight = values[.weight]?.first { $0.id == id.low }?.time
    for measure in Measure.allCases {
      PatientHistory.remove(measure, from: &values) { $0.id == id.low }
      PatientHistory.remove(measure, from: &asides) { $0.id == id.low }
    }
    signs.removeAll { $0.id == id.low }
    accepted.removeAll { $0 == id.low }
    if let weight { judgeWeights(after: weight) }
  }

  /// The same without some readings, by half of their identifiers; none of them is older than `since`.
  func leavingOut(_ ids: [UInt64: ReadingID], since: Int64) -> PatientHistory {
    var left = self
    for (measure, points) in values.pairs where points.last.map({ $0.time >= since }) ?? false {
      PatientHistory.remove(measure, from: &left.values) { $0.time >= since && ids[$0.id] != nil }
    }
    left.signs.removeAll { ids[$0.id] != nil }
    return left
  }

  static func remove(_ measure: Measure, from values: inout PerMeasure<Series>, where isGone: (Point) -> Bool) {
    values[measure]?.removeAll(where: isGone)
    if values[measure]?.isEmpty ?? false { values[measure] = nil }
  }

  static func insert(_ point: Point, _ points: inout Series, most: Int) {
    var index = PatientHistory.index(points, after: point.time)
    // Of equal times the identifier decides: the order in which they came does not.
    while index > 0, points.time(index - 1) == point.time, points[index - 1].id >= point.id {
      if points[index - 1].id == point.id { return }
      index -= 1
    }
    // Trimmed at once: what is kept are the newest, whatever came first.
    let newest = max(points.last?.time ?? point.time, point.time)
    let oldest = newest.subtractingReportingOverflow(PatientHistory.length).partialValue
    let isFull = points.count >= most
    guard point.time >= oldest || newest < oldest, !isFull || index > 0 else { return }
    let old = newest < oldest ? 0 : PatientHistory.index(points, after: oldest - 1)
    let excess = max(old, isFull ? points.count + 1 - most : 0)
    points.removeFirst(excess)
    points.insert(point, at: index - excess)
  }

  private mutating func insertSign(_ sign: Sign) {
    guard !signs.contains(where: { $0.id == sign.id }) else { return }
    var index = signs.lastIndex { ($0.time, $0.id) < (sign.time, sign.id) }.map { $0 + 1 } ?? 0
    if signs.count >= PatientHistory.mostSigns {
      guard index > 0 else { return }
      signs.removeFirst()
      index -= 1
    }
    signs.insert(sign, at: index)
  }

  /// The first index whose time is later.
  private static func index(_ points: Series, after time: Int64) -> Int {
    var (low, high) = (0, points.count)
    while low < high {
      let middle = (low + high) / 2
      if points.time(middle) <= time { low = middle + 1 } else { high = middle }
    }
    return low
  }

  /// Values of `[from, to]`, oldest first.
  package func points(_ measure: Measure, from: Int64, to: Int64) -> Slice<Series> {
    guard let points = values[measure], from <= to else { return Series()[...] }
    return points[
      PatientHistory.index(points, after: from == .min ? from : from - 1)..<PatientHistory.index(points, after: to)]
  }

  /// The newest values up to an instant, oldest first.
  package func newest(_ measure: Measure, _ count: Int, upTo time: Int64) -> Slice<Series> {
    guard let points = values[measure] else { return Series()[...] }
    return points[..<PatientHistory.index(points, after: time)].suffix(max(0, count))
  }

  func newestSigns(_ kind: ReadingKind?, _ count: Int, upTo time: Int64) -> [Sign] {
    Array(signs.filter { $0.time <= time && (kind == nil || $0.kind == kind) }.suffix(max(0, count)))
  }

  /// When a measure was last taken, up to an instant.
  package func last(_ measure: Measure, upTo time: Int64) -> Int64? { newest(measure, 1, upTo: time).last?.time }
}
