// Sequence numbers that never count. A group that was refused, or cut off by a power cut, may be on the medium all the same:
// a record of kind 15 names its numbers, and every reader passes over them for ever.
//
//     8  first
//     8  last, at least first and below the record's own sequence number
//     …  more pairs: beside a snapshot, one record holds all ranges that are known

internal import Octets

/// The payload of a record of kind 15.
package enum Withdrawal {
  /// Most ranges of one record.
  package static let most = 32_768

  /// The payload; of more ranges than fit, the last.
  package static func encode(_ ranges: [ClosedRange<UInt64>]) -> [UInt8] {
    var writer = OctetWriter(capacity: 16 * min(ranges.count, most))
    for range in ranges.suffix(most) {
      writer.uint64(range.lowerBound)
      writer.uint64(range.upperBound)
    }
    return writer.octets
  }

  /// The ranges of a record; none when it is of another kind. A range that is not below the record's own number is left out.
  package static func ranges(of record: JournalRecord) -> [ClosedRange<UInt64>] {
    guard record.kind == .withdrawn else { return [] }
    var ranges: [ClosedRange<UInt64>] = []
    var reader = OctetReader(record.payload)
    while ranges.count < most, let first = try? reader.uint64("first"), let last = try? reader.uint64("last") {
      if first >= 1, first <= last, last < record.sequence { ranges.append(first...last) }
    }
    return ranges
  }
}

/// A set of sequence numbers, as ranges. It keeps the last `Withdrawal.most` ranges: each is a disk that failed, or a power cut
/// in the middle of a write, since the oldest segment.
struct NumberSet {
  /// In order; none touches the next.
  private(set) var ranges: [ClosedRange<UInt64>] = []

  /// The first range that ends at a number or behind it.
  private func index(endingFrom number: UInt64) -> Int {
    var low = 0
    var high = ranges.count
    while low < high {
      let middle = (low + high) / 2
      if ranges[middle].upperBound < number { low = middle + 1 } else { high = middle }
    }
    return low
  }

  func contains(_ number: UInt64) -> Bool {
    guard !ranges.isEmpty else { return false }
    let index = index(endingFrom: number)
    return index < ranges.count && ranges[index].lowerBound <= number
  }

  mutating func insert(_ range: ClosedRange<UInt64>) {
    let start = index(endingFrom: max(1, range.lowerBound) - 1)
    var end = start
    var merged = range
    while end < ranges.count, ranges[end].lowerBound <= range.upperBound.addingReportingOverflow(1).partialValue {
      merged =
        min(merged.lowerBound, ranges[end].lowerBound)...max(merged.upperBound, ranges[end].upperBound)
      end += 1
    }
    ranges.replaceSubrange(start..<end, with: [merged])
    if ranges.count > Withdrawal.most { ranges.removeFirst() }
  }

  /// What of a range is not in the set.
  func outside(_ range: Range<UInt64>) -> [Range<UInt64>] {
    guard !range.isEmpty else { return [] }
    var outside: [Range<UInt64>] = []
    var next = range.lowerBound
    for taken in ranges[index(endingFrom: next)...] {
      guard taken.lowerBound < range.upperBound else { break }
      if taken.lowerBound > next { outside.append(next..<taken.lowerBound) }
      next = taken.upperBound + 1
      if next >= range.upperBound { return outside }
    }
    outside.append(next..<range.upperBound)
    return outside
  }

  /// Forgets ranges that end below a number.
  mutating func forget(below number: UInt64) {
    ranges.removeFirst(index(endingFrom: number))
  }
}
