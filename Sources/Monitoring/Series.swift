// Values of one measure in the order of time, 16 octets each: a clinic's hub keeps a year of a thousand patients.

internal import Readings

extension PatientHistory {
  /// Values of one measure, by time and identifier ascending.
  ///
  /// A value is two words: its identifier; and from the low end 36 bits of milliseconds since `base` (795 days: more than is kept),
  /// the device's doubt, 4 bits of exponent and 23 of mantissa, both as two's complement. What does not fit makes the series a wide
  /// one, which keeps values as they are.
  package struct Series: Sendable {
    private struct Packed: Sendable, Hashable {
      var bits: UInt64
      var id: UInt64
    }

    private static let timeBits: UInt64 = 36
    private var base: Int64 = 0
    private var packed: [Packed] = []
    /// The values where they do not fit into the short form.
    private var wide: [Point]?

    /// No values.
    package init() {}

    /// Values in the order of time.
    package init(_ points: some Sequence<Point>) {
      for point in points { insert(point, at: count) }
    }

    /// Puts a value in; its place keeps the order of time.
    mutating func insert(_ point: Point, at index: Int) {
      if wide != nil {
        wide?.insert(point, at: index)
        return
      }
      guard let short = pack(point) else {
        wide = Array(self)
        packed = []
        wide?.insert(point, at: index)
        return
      }
      // A little room, not twice as much.
      if packed.count == packed.capacity { packed.reserveCapacity(packed.count + 8 + packed.count / 32) }
      packed.insert(short, at: index)
    }

    /// Takes the oldest out.
    mutating func removeFirst(_ count: Int) {
      guard count > 0 else { return }
      if wide == nil { packed.removeFirst(count) } else { wide?.removeFirst(count) }
    }

    /// Takes out what is gone.
    mutating func removeAll(where isGone: (Point) -> Bool) {
      if wide != nil {
        wide?.removeAll(where: isGone)
      } else {
        let base = base
        packed.removeAll { isGone(Series.point($0, base)) }
      }
    }

    /// The short form, `base` moved where that helps; nil when there is none.
    private mutating func pack(_ point: Point) -> Packed? {
      let (mantissa, exponent) = (point.value.mantissa, point.value.exponent)
      guard (-8...7).contains(exponent), (-4_194_304...4_194_303).contains(mantissa) else { return nil }
      if offset(point.time) == nil, !rebase(point.time) { return nil }
      guard let offset = offset(point.time) else { return nil }
      var bits = offset | (point.isDoubtful ? 1 << Series.timeBits : 0)
      bits |= (UInt64(bitPattern: Int64(exponent)) & 0xF) << (Series.timeBits + 1)
      bits |= (UInt64(bitPattern: mantissa) & 0x7F_FFFF) << (Series.timeBits + 5)
      return Packed(bits: bits, id: point.id)
    }

    private func offset(_ time: Int64) -> UInt64? {
      let (difference, overflow) = time.subtractingReportingOverflow(base)
      guard !overflow, difference >= 0, difference < 1 << Int64(Series.timeBits) else { return nil }
      return UInt64(difference)
    }

    /// Moves `base` so that a time fits with those that are there; false when they lie too far apart.
    private mutating func rebase(_ time: Int64) -> Bool {
      let first = Swift.min(self.first?.time ?? time, time)
      let last = Swift.max(self.last?.time ?? time, time)
      let (span, overflow) = last.subtractingReportingOverflow(first)
      let room: Int64 = 1 << Int64(Series.timeBits)
      guard !overflow, span < room else { return false }
      // As much room before as after.
      let (moved, isBeyond) = first.subtractingReportingOverflow((room - 1 - span) / 2)
      guard !isBeyond else { return false }
      let points = Array(self)
      base = moved
      packed.removeAll(keepingCapacity: true)
      for point in points { if let short = pack(point) { packed.append(short) } }
      return true
    }

    private static func point(_ short: Packed, _ base: Int64) -> Point {
      let bits = Int64(bitPattern: short.bits)
      let time = base &+ Int64(short.bits & (1 << timeBits - 1))
      let exponent = Int8(truncatingIfNeeded: (bits << (63 - 40)) >> 60)
      return Point(
        time: time, id: short.id, value: ExactDecimal(bits >> Int64(timeBits + 5), exponent: exponent),
        isDoubtful: short.bits & 1 << timeBits != 0)
    }
  }
}

extension PatientHistory.Series: RandomAccessCollection {
  /// The place of the oldest value.
  package var startIndex: Int { 0 }
  /// How many there are.
  package var endIndex: Int { wide?.count ?? packed.count }

  /// A value; `index` is within the series.
  package subscript(index: Int) -> PatientHistory.Point {
    if let wide { return wide[index] }
    return PatientHistory.Series.point(packed[index], base)
  }

  /// When a value was taken, in milliseconds since 1970.
  func time(_ index: Int) -> Int64 {
    if let wide { return wide[index].time }
    return base &+ Int64(packed[index].bits & (1 << PatientHistory.Series.timeBits - 1))
  }
}

extension PatientHistory.Series: Hashable {
  /// The same values, however they are kept.
  package static func == (left: Self, right: Self) -> Bool { left.elementsEqual(right) }
  /// By the values.
  package func hash(into hasher: inout Hasher) { for point in self { hasher.combine(point) } }
}
