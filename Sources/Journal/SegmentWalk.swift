// Reads segments one after the other and hands over every record once, in order of its number. The same record may stand in
// several segments: a group whose first copy could not be synced is written again in the next segment, and the first copy
// may be on the medium all the same, whole or in part. The name of a segment tells the lowest number in it; so a record with a
// number from there on is held back until the later segment had its turn.

/// What a walk found next.
enum WalkStep {
  /// A whole record in a file, before it is known whether it is a repeat.
  case found(JournalRecord, RecordPlace)
  /// The next record in order. `isResumable`: a walk that begins behind it in its segment misses nothing.
  case record(PlacedRecord, isResumable: Bool)
  /// A record of a later format.
  case newer(sequence: UInt64, segment: Int)
  /// Octets that are no record.
  case damage(segment: Int, offset: Int, length: Int)
  /// Octets that the medium did not give back; they are told as damage too.
  case unreadable(segment: Int, offset: Int, length: Int)
  /// Only zeros follow in this file, or nothing.
  case end(segment: Int, offset: Int)
  /// The rest of a segment cannot be read.
  case failed(segment: Int, DiskError)
}

/// Walks until `body` says false or nothing more is there.
func walkSegments(
  _ disk: some JournalDisk, _ segments: [Segment], from start: Int = 0, offset: Int = 0, window: Int,
  _ body: (WalkStep) -> Bool
) {
  var copies = CopyMerge()
  for index in segments.indices.dropFirst(start) {
    let segment = segments[index]
    let bound = index + 1 < segments.count ? segments[index + 1].first : .max
    var goesOn = true
    do throws(DiskError) {
      try scanSegment(
        disk, segment.name, size: segment.end, from: index == start ? offset : 0, window: window
      ) { step in
        switch step {
        case .record(let record, let at, let next):
          let place = RecordPlace(segment: index, offset: at, end: next)
          goesOn =
            body(.found(record, place)) && copies.take(PlacedRecord(record: record, place: place), bound: bound, body)
        case .newer(let sequence, _): goesOn = body(.newer(sequence: sequence, segment: index))
        case .damage(let offset, let length): goesOn = body(.damage(segment: index, offset: offset, length: length))
        case .unreadable(let offset, let length):
          goesOn = body(.unreadable(segment: index, offset: offset, length: length))
        case .end(let offset): goesOn = body(.end(segment: index, offset: offset))
        case .need: break
        }
        return goesOn
      }
    } catch { goesOn = body(.failed(segment: index, error)) }
    guard goesOn, copies.release(below: bound, body) else { return }
  }
}

/// Holds back records of which a later segment may have a copy.
struct CopyMerge {
  /// By rising number.
  private var held: ArraySlice<PlacedRecord> = []
  private var octets = 0
  private var last: UInt64 = 0
  /// Copies are of one group; a folder that holds more of them was not written by this journal.
  static let maximumOctets = 2 * JournalLimits.mostGroupBytes

  /// - Parameter bound: the lowest number that a later segment may hold.
  mutating func take(_ placed: PlacedRecord, bound: UInt64, _ body: (WalkStep) -> Bool) -> Bool {
    let number = placed.record.sequence
    guard number < bound else { return hold(placed, body) }
    guard !held.isEmpty else { return give(placed, body) }
    guard release(below: number, body) else { return false }
    // This copy is the later one.
    if held.first?.record.sequence == number { dropFirst() }
    return give(placed, body)
  }

  /// Hands over what was held back with a lower number.
  mutating func release(below number: UInt64, _ body: (WalkStep) -> Bool) -> Bool {
    while let first = held.first, first.record.sequence < number || number == .max {
      dropFirst()
      guard give(first, body) else { return false }
    }
    return true
  }

  private mutating func dropFirst() {
    let first = held.removeFirst()
    octets -= first.place.end - first.place.offset
  }

  private mutating func hold(_ placed: PlacedRecord, _ body: (WalkStep) -> Bool) -> Bool {
    let number = placed.record.sequence
    guard number > last else { return true }
    var index = held.endIndex
    while index > held.startIndex, held[index - 1].record.sequence > number { index -= 1 }
    if index > held.startIndex, held[index - 1].record.sequence == number {
      octets -= held[index - 1].place.end - held[index - 1].place.offset
      held[index - 1] = placed
    } else {
      held.insert(placed, at: index)
    }
    octets += placed.place.end - placed.place.offset
    guard octets > Self.maximumOctets, let first = held.first else { return true }
    dropFirst()
    return give(first, body)
  }

  private mutating func give(_ placed: PlacedRecord, _ body: (WalkStep) -> Bool) -> Bool {
    guard placed.record.sequence > last else { return true }
    last = placed.record.sequence
    return body(.record(placed, isResumable: held.isEmpty))
  }
}
