// What trends look back on: a patient's values and signs by corrected time. Bounded; derived from readings alone.

internal import Octets
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

    /// Beyond all that the device can measure: a number that is beyond every limit on that side.
    package init(time: Int64, id: UInt64, above: Bool, isDoubtful: Bool = false) {
      let value = above ? Point.beyond : ExactDecimal(-Point.beyond.mantissa, exponent: Point.beyond.exponent)
      self.init(time: time, id: id, value: value, isDoubtful: isDoubtful)
    }

    private static let beyond = ExactDecimal(4_000_000, exponent: 7)
    /// True for what is beyond all that the device can measure.
    package var isBeyond: Bool { value.exponent == 7 && value.mantissa.magnitude == 4_000_000 }

    /// Beyond all that the device can measure: true above; nil for a number.
    package var above: Bool? { isBeyond ? !value.isNegative : nil }
    /// As findings have it.
    var found: FindingValue { above.map { .beyond(above: $0) } ?? .number(Ratio(value)) }
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

  /// A value that was not believed and may be confirmed by a second one of the same device.
  package struct Candidate: Sendable, Hashable {
    package var id: ReadingID
    /// As `DeviceTrail.key` names it.
    package var device: UInt64
    /// Milliseconds since 1970.
    package var time: Int64
    /// A weight that may be somebody else's; else outside of what can be.
    package var isSuspect: Bool
    /// Its place in time is believed: it is a value of the history once it is confirmed.
    package var isPlaced: Bool
    /// What was not believed of it.
    package var values: PerMeasure<ExactDecimal>

    package init(
      id: ReadingID, device: UInt64, time: Int64, isSuspect: Bool, isPlaced: Bool, values: PerMeasure<ExactDecimal>
    ) {
      self.id = id
      self.device = device
      self.time = time
      self.isSuspect = isSuspect
      self.isPlaced = isPlaced
      self.values = values
    }
  }

  /// A weighing: what is needed to know whether a second one says the same.
  package struct Weighing: Sendable, Hashable {
    /// Half of the reading's identifier.
    package var id: UInt64
    /// As `DeviceTrail.key` names it.
    package var device: UInt64
    /// Milliseconds since 1970.
    package var time: Int64
    /// The device was in doubt of it: it confirms nothing.
    package var isDoubted: Bool

    package init(id: UInt64, device: UInt64, time: Int64, isDoubted: Bool) {
      self.id = id
      self.device = device
      self.time = time
      self.isDoubted = isDoubted
    }
  }

  /// What one device has sent of this patient.
  package struct DeviceTrail: Sendable, Hashable {
    /// The device.
    package var device: UInt64
    /// When its newest reading was taken whose place is believed, in milliseconds since 1970.
    package var newest: Int64 = .min
    /// The device's own number of that reading.
    package var number: UInt32?
    /// When the newest value of each measure was taken that rules judge, in milliseconds since 1970.
    package var latest = PerMeasure<Int64>()
    /// The same of values that are not believed, too: by those the built-in rules judge.
    package var seen = PerMeasure<Int64>()
    /// The last stamp that was not believed, and when it was received, in milliseconds since 1970.
    package var misplaced: Misplaced?

    /// A stamp that was not believed.
    package struct Misplaced: Sendable, Hashable {
      /// What the device said, in milliseconds since 1970.
      package var stamp: Int64
      /// The hub's clock then, in milliseconds since 1970.
      package var received: Int64
      package init(stamp: Int64, received: Int64) {
        self.stamp = stamp
        self.received = received
      }
    }

    /// Nothing came of it yet.
    package init(device: UInt64) { self.device = device }

    /// A device's name as a number: FNV-1a of its octets.
    package static func key(_ device: String) -> UInt64 {
      FNV1a.hash(device.utf8)
    }
  }

  /// How long values are kept, in milliseconds: longer than any window of a plan.
  package static let length: Int64 = 400 * 86_400_000
  /// The most values of a measure that are kept.
  package static let mostPoints = 800
  /// The most signs of a kind of reading that are kept.
  package static let mostSigns = 128
  /// The most values of a measure that are kept apart.
  static let mostAsides = 32
  /// The most marks that are kept.
  package static let mostMarks = 128
  /// The most weights that are known as accepted.
  static let mostAccepted = 64
  /// The most values that may be confirmed.
  static let mostCandidates = 16
  /// The most weighings that are known with their devices.
  static let mostWeighings = 64
  /// The most devices that are told apart.
  static let mostTrails = 16

  /// By measure, oldest first.
  package var values = PerMeasure<Series>()
  /// Oldest first.
  package var signs: [Sign] = []
  /// Values that may be somebody else's: kept apart, by measure, oldest first. Nothing is judged by them.
  package var asides = PerMeasure<Series>()
  /// Values outside of what can be, by measure, oldest first: they were measured, and nothing is judged by them.
  package var unbelieved = PerMeasure<Series>()
  /// What rules told and who took notice, oldest first.
  package var marks: [Mark] = []
  /// Readings of which a person said that they are right and the patient's: half of each reading's identifier.
  package var accepted: [UInt64] = []
  /// The same of readings that were confirmed by a second one.
  package var agreed: [UInt64] = []
  /// Oldest first.
  package var candidates: [Candidate] = []
  /// The newest weighings, oldest first.
  package var weighings: [Weighing] = []
  /// By device, the one that was heard last at the end.
  package var trails: [DeviceTrail] = []
  /// Nobody else stands on the scale.
  package private(set) var isSingleUser = false

  /// Nothing yet.
  package init() {}

  /// The plan says that nobody else stands on the scale, or that somebody may.
  package mutating func setSingleUser(_ isSingle: Bool) {
    guard isSingle != isSingleUser else { return }
    isSingleUser = isSingle
    judgeWeights(from: .min)
  }

  /// Adds a reading's values, once. One without a place in time is left out of the values, one that may be somebody else's and one
  /// that is not to be believed are kept apart; their signs count.
  package mutating func add(_ reading: Reading) { add(sighting(reading)) }

  package mutating func add(_ seen: Sighting) {
    let (reading, time, id) = (seen.reading, seen.time, seen.reading.id.low)
    for found in seen.confirmed.values { confirm(found) }
    noteCandidates(seen)
    guard seen.isPlaced else {
      if let stamp = reading.takenAt?.milliseconds {
        note(seen) { $0.misplaced = .init(stamp: stamp, received: reading.receivedAt.milliseconds) }
      }
      return
    }
    if seen.worth.pairs.contains(where: { $0.value == .accepted }) {
      if reading.correction?.kind == .accepted {
        PatientHistory.remember(id, in: &accepted)
      } else {
        PatientHistory.remember(id, in: &agreed)
      }
    }
    // What was said at its arrival is one thing, what is known now another.
    var flags = reading.flags.filter { $0 != .suspectPerson }
    if seen.worth[.weight] == .suspect { flags.append(.suspectPerson) }
    insertSign(Sign(time: time, id: id, kind: reading.kind, flags: flags))
    for measure in Measure.allCases {
      guard let worth = seen.worth[measure], seen.holds(measure) else { continue }
      let point =
        seen.values[measure].map { Point(time: time, id: id, value: $0, isDoubtful: worth == .doubted) }
        ?? Point(time: time, id: id, above: seen.beyond[measure] ?? true, isDoubtful: worth == .doubted)
      switch worth {
      case .test, .void: continue
      case .unbelieved:
        PatientHistory.insert(point, &unbelieved[measure, default: Series()], most: PatientHistory.mostAsides)
      case .suspect: PatientHistory.insert(point, &asides[measure, default: Series()], most: PatientHistory.mostAsides)
      case .doubted, .sound, .accepted:
        PatientHistory.insert(point, &values[measure, default: Series()], most: PatientHistory.mostPoints)
      }
    }
    note(seen) { trail in
      if time >= trail.newest { (trail.newest, trail.number) = (time, reading.recordNumber ?? trail.number) }
      for measure in Measure.allCases where seen.holds(measure) {
        guard let worth = seen.worth[measure], worth != .test, worth != .void else { continue }
        trail.seen[measure] = max(trail.seen[measure] ?? .min, time)
        if worth.isBelieved || worth == .suspect { trail.latest[measure] = max(trail.latest[measure] ?? .min, time) }
      }
    }
    if seen.values[.weight] != nil, let worth = seen.worth[.weight], worth.isBelieved || worth == .suspect {
      note(
        Weighing(
          id: id, device: seen.device, time: time,
          isDoubted: reading.flags.contains { $0.isDoubt && $0 != .suspectPerson }))
      judgeWeights(from: time)
    }
  }

  private mutating func note(_ weighing: Weighing) {
    guard !weighings.contains(where: { $0.id == weighing.id }) else { return }
    let place = weighings.firstIndex { (weighing.time, weighing.id) < ($0.time, $0.id) } ?? weighings.count
    weighings.insert(weighing, at: place)
    if weighings.count > PatientHistory.mostWeighings { weighings.removeFirst() }
  }

  static func remember(_ id: UInt64, in list: inout [UInt64]) {
    guard !list.contains(id) else { return }
    list.append(id)
    if list.count > mostAccepted { list.removeFirst() }
  }

  private mutating func note(_ seen: Sighting, _ change: (inout DeviceTrail) -> Void) {
    let key = seen.device
    var trail = DeviceTrail(device: key)
    if trails.last?.device == key {
      change(&trails[trails.count - 1])
      return
    }
    if let index = trails.lastIndex(where: { $0.device == key }) { trail = trails.remove(at: index) }
    change(&trail)
    trails.append(trail)
    if trails.count > PatientHistory.mostTrails { trails.removeFirst() }
  }

  /// What was not believed waits for a second value that says the same.
  private mutating func noteCandidates(_ seen: Sighting) {
    guard !seen.reading.flags.contains(where: { $0.isDoubt && $0 != .suspectPerson }) else { return }
    func isWaiting(_ measure: Measure) -> Bool? {
      switch seen.worth[measure] {
      case .suspect: true
      case .unbelieved(false): false
      default: nil
      }
    }
    for isSuspect in [false, true] {
      var values = PerMeasure<ExactDecimal>()
      for measure in Measure.allCases where isWaiting(measure) == isSuspect { values[measure] = seen.values[measure] }
      guard !values.isEmpty, !candidates.contains(where: { $0.id == seen.reading.id }) else { continue }
      let candidate = Candidate(
        id: seen.reading.id, device: seen.device, time: seen.time, isSuspect: isSuspect, isPlaced: seen.isPlaced,
        values: values)
      // The newest are kept, whatever came first.
      let place = candidates.firstIndex { (seen.time, seen.reading.id.low) < ($0.time, $0.id.low) } ?? candidates.count
      candidates.insert(candidate, at: place)
      if candidates.count > PatientHistory.mostCandidates { candidates.removeFirst() }
    }
  }

  /// A value that was not believed is confirmed: it is one of the patient's from now on.
  private mutating func confirm(_ found: Candidate) {
    candidates.removeAll { $0 == found }
    guard found.isPlaced else { return }
    PatientHistory.remember(found.id.low, in: &agreed)
    if found.isSuspect, found.values[.weight] != nil {
      if let point = asides[.weight]?.first(where: { $0.id == found.id.low }) { move(point, aside: false) }
    } else {
      for (measure, value) in found.values.pairs {
        if let gate = measure.gate, DoubtGroup(measure) == .pulse, !gate.contains(value) { continue }
        guard let point = unbelieved[measure]?.first(where: { $0.id == found.id.low && $0.time == found.time }) else {
          continue
        }
        PatientHistory.remove(measure, from: &unbelieved) { $0.id == point.id && $0.time == point.time }
        PatientHistory.insert(point, &values[measure, default: Series()], most: PatientHistory.mostPoints)
      }
    }
  }

  /// True when this reading is known: a device sent it again.
  package func contains(_ reading: Reading) -> Bool {
    guard let time = reading.takenAt?.milliseconds else { return false }
    if signs.contains(where: { $0.id == reading.id.low && $0.time == time }) { return true }
    return Measure.values(in: reading).pairs.contains { measure, _ in
      points(measure, from: time, to: time).contains { $0.id == reading.id.low }
        || (asides[measure] ?? Series()).contains { $0.id == reading.id.low && $0.time == time }
        || (unbelieved[measure] ?? Series()).contains { $0.id == reading.id.low && $0.time == time }
    }
  }

  /// Adds what a rule told, once, where people look back on it.
  package mutating func add(_ mark: Mark) {
    guard mark.isKept else { return }
    // The end of what nobody heard of is no news either.
    guard mark.kind != .cleared || marks.contains(where: { mark.ends($0) }) else { return }
    let index = marks.lastIndex { $0.time <= mark.time }.map { $0 + 1 } ?? 0
    guard index == 0 || marks[index - 1] != mark else { return }
    marks.insert(mark, at: index)
    if marks.count > PatientHistory.mostMarks { marks.removeFirst(marks.count - PatientHistory.mostMarks) }
  }

  /// Takes a reading's values out again: its place in time was wrong.
  package mutating func remove(_ id: ReadingID) {
    let weight = values[.weight]?.first { $0.id == id.low }?.time
    for measure in Measure.allCases {
      PatientHistory.remove(measure, from: &values) { $0.id == id.low }
      PatientHistory.remove(measure, from: &asides) { $0.id == id.low }
      PatientHistory.remove(measure, from: &unbelieved) { $0.id == id.low }
    }
    signs.removeAll { $0.id == id.low }
    accepted.removeAll { $0 == id.low }
    agreed.removeAll { $0 == id.low }
    candidates.removeAll { $0.id == id }
    weighings.removeAll { $0.id == id.low }
    for index in trails.indices {
      // Where the newest value is gone, the one before it is.
      for measure in Measure.allCases {
        guard let latest = trails[index].latest[measure] else { continue }
        let last = last(measure, upTo: .max)
        if last.map({ $0 < latest }) ?? true {
          (trails[index].latest[measure], trails[index].seen[measure]) = (last, last)
        }
      }
    }
    if let weight { judgeWeights(from: weight) }
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
    if signs.count >= PatientHistory.mostSigns,
      signs.count(where: { $0.kind == sign.kind }) >= PatientHistory.mostSigns
    {
      guard let oldest = signs.firstIndex(where: { $0.kind == sign.kind }), oldest < index else { return }
      signs.remove(at: oldest)
      index -= 1
    }
    signs.insert(sign, at: index)
  }

  /// The first index whose time is later.
  private static func index(_ points: Series, after time: Int64) -> Int {
    var (low, high) = (0, points.count)
    // What is asked for ends with the newest, nearly always.
    if high == 0 || points.time(high - 1) <= time { return high }
    while low < high {
      let middle = (low + high) / 2
      if points.time(middle) <= time { low = middle + 1 } else { high = middle }
    }
    return low
  }

  /// Values of `[from, to]`, oldest first.
  package func points(_ measure: Measure, from: Int64, to: Int64) -> Slice<Series> {
    guard let points = values[measure] else { return Series()[...] }
    return points[PatientHistory.places(points, from: from, to: to)]
  }

  /// The places of the values of `[from, to]`.
  static func places(_ points: Series, from: Int64, to: Int64) -> Range<Int> {
    guard from <= to else { return 0..<0 }
    let end = index(points, after: to)
    return min(end, index(points, after: from == .min ? from : from - 1))..<end
  }

  /// The newest values up to an instant, oldest first.
  package func newest(_ measure: Measure, _ count: Int, upTo time: Int64) -> Slice<Series> {
    guard let points = values[measure] else { return Series()[...] }
    return points[..<PatientHistory.index(points, after: time)].suffix(max(0, count))
  }

  /// When a measure was last taken, up to an instant.
  package func last(_ measure: Measure, upTo time: Int64) -> Int64? { newest(measure, 1, upTo: time).last?.time }

  /// Some value of a measure was taken in `[from, to]`, also one that is not believed; what may be somebody else's does not count.
  func wasMeasured(_ measure: Measure, from: Int64, to: Int64) -> Bool {
    !points(measure, from: from, to: to).isEmpty
      || (unbelieved[measure]?.contains { $0.time >= from && $0.time <= to } ?? false)
  }

  /// When a measure was last taken, up to an instant, also one that is not believed.
  func lastMeasured(_ measure: Measure, upTo time: Int64) -> Int64? {
    let unbelieved = unbelieved[measure]?.last { $0.time <= time }?.time
    return [last(measure, upTo: time), unbelieved].compactMap(\.self).max()
  }
}
