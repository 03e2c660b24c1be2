// Puts records together to groups again. A group is whole from a record that is not continued to one that does not continue.

/// Where a record lies.
struct RecordPlace: Hashable {
  /// Index of the segment.
  var segment: Int
  /// Its first octet in the file.
  var offset: Int
  /// Behind its last octet.
  var end: Int
}

/// A record with its place.
struct PlacedRecord {
  var record: JournalRecord
  var place: RecordPlace
}

/// Records of one group, in order of their numbers.
struct RecordRun {
  var records: [PlacedRecord]
  /// All records of the group are there.
  var isWhole: Bool

  var first: UInt64 { records.first?.record.sequence ?? 0 }
  var last: UInt64 { records.last?.record.sequence ?? 0 }

  /// Where all of it lies in one piece; nil when it does not.
  var piece: (segment: Int, octets: Range<Int>)? {
    guard let first = records.first?.place, let last = records.last?.place else { return nil }
    for (record, next) in zip(records, records.dropFirst())
    where record.place.segment != next.place.segment || record.place.end != next.place.offset { return nil }
    return (first.segment, first.offset..<last.end)
  }
}

/// Takes records in order of their numbers and gives runs: each a group, or what is left of one.
struct GroupSieve {
  private var run: [PlacedRecord] = []
  private var isWhole = true
  private var octets = 0
  /// More octets than a group has cannot be one: what is there is given as an incomplete run.
  static let maximumOctets = 2 * JournalLimits.mostGroupBytes

  /// Hands over the run that this record ends by not belonging to it, and the run that it completes.
  mutating func take(_ placed: PlacedRecord, _ body: (RecordRun) -> Bool) -> Bool {
    let record = placed.record
    if run.isEmpty, !record.continues {
      return body(RecordRun(records: [placed], isWhole: !record.isContinued))
    }
    if let last = run.last?.record {
      let isLinked = last.continues && record.isContinued && octets < Self.maximumOctets
      if !isLinked {
        guard finish(body) else { return false }
        return take(placed, body)
      }
      if record.sequence != last.sequence + 1 { isWhole = false }
    } else {
      isWhole = !record.isContinued
    }
    run.append(placed)
    octets += placed.place.end - placed.place.offset
    guard !record.continues else { return true }
    let complete = RecordRun(records: run, isWhole: isWhole)
    clear()
    return body(complete)
  }

  /// Hands over what is left of a group whose end is missing.
  mutating func finish(_ body: (RecordRun) -> Bool) -> Bool {
    guard !run.isEmpty else { return true }
    let rest = RecordRun(records: run, isWhole: false)
    clear()
    return body(rest)
  }

  private mutating func clear() {
    run = []
    isWhole = true
    octets = 0
  }
}
