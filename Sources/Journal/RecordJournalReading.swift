// Reading for delivery and for checks: forward from a sequence number, memory flat whatever waits.

/// Records after a sequence number.
package struct ReadBatch: Hashable, Sendable {
  /// In order.
  package var records: [JournalRecord] = []
  /// Everything up to here was looked at: ask from here next time.
  package var through: UInt64
  /// Nothing more is there now.
  package var isAtEnd = false
  /// Why reading stopped early; ask again later.
  package var error: DiskError?

  /// What was read.
  package init(
    records: [JournalRecord] = [], through: UInt64, isAtEnd: Bool = false, error: DiskError? = nil
  ) {
    self.records = records
    self.through = through
    self.isAtEnd = isAtEnd
    self.error = error
  }
}

/// What a check of all segments found.
package struct JournalCheck: Hashable, Sendable {
  /// Whole records, without repeats.
  package var records = 0
  /// Readings among them.
  package var readings = 0
  /// Damaged places.
  package var damaged = 0
  /// Missing sequence numbers.
  package var missing: UInt64 = 0
  /// Segments that could not be read to the end.
  package var unreadable = 0
}

/// Behind which octet the group begins that holds the next record after a sequence number.
struct ReadPosition {
  var after: UInt64
  var first: UInt64
  var generation: Int
  var offset: Int
}

/// A read under way.
private struct Reading {
  var batch: ReadBatch
  var order = SequenceOrder()
  let maximumCount: Int
  let maximumBytes: Int
  let kinds: Set<RecordKind>?
  /// Number from which on nothing is read.
  let end: UInt64
  var bytes = 0
  var isFull = false
  /// Where the next read begins; nil when that is not one place.
  var position: (segment: Int, offset: Int)?
  var gaps: [(missing: Range<UInt64>, segment: Int)] = []
  /// Damage behind the last record; it is told when it is known whether a number is missing there.
  var damage: [(segment: Int, offset: Int, length: Int)] = []
  var told: [(code: JournalFinding.Code, segment: Int, offset: Int, length: Int)] = []

  /// Takes what of a group may be handed over. False when the batch is full.
  mutating func take(_ run: RecordRun) -> Bool {
    // The rest of a group is read from its beginning: whether it is whole is seen there.
    if let piece = run.piece { position = (piece.segment, piece.octets.lowerBound) }
    for placed in run.records where placed.record.sequence > batch.through {
      let record = placed.record
      let counts = run.isWhole || record.kind.standsAlone
      if counts, record.kind != .withdrawn, kinds?.contains(record.kind) ?? true {
        if !batch.records.isEmpty && bytes + record.payload.count > maximumBytes {
          isFull = true
          return false
        }
        batch.records.append(record)
        bytes += record.payload.count
      }
      batch.through = record.sequence
      isFull = batch.records.count >= maximumCount
      if isFull && record.sequence < run.last { return false }
    }
    position = run.piece.map { ($0.segment, $0.octets.upperBound) }
    return !isFull
  }

  /// False for a repeat.
  mutating func inOrder(_ placed: PlacedRecord, _ withdrawn: NumberSet) -> Bool {
    let record = placed.record
    // What comes before the first record that was asked for is not looked at for gaps.
    if record.sequence <= batch.through {
      if order.last != nil || record.sequence == batch.through { order.last = max(order.last ?? 0, record.sequence) }
      return true
    }
    guard let gap = order.take(record, withdrawn) else { return false }
    for missing in gap.unexplained { gaps.append((missing, placed.place.segment)) }
    tell(gap.missing.isEmpty ? .tornTail : .damaged)
    return true
  }

  mutating func tell(_ code: JournalFinding.Code) {
    for place in damage { told.append((code, place.segment, place.offset, place.length)) }
    damage = []
  }
}

extension RecordJournal {
  /// Records with a higher sequence number than `after` that count, at least one when there is one.
  /// - Parameters:
  ///   - maximumBytes: of payloads.
  ///   - kinds: only these; all when nil. Records that withdraw are never among them.
  package mutating func read(
    after: UInt64, maximumCount: Int, maximumBytes: Int, kinds: Set<RecordKind>? = nil
  ) -> ReadBatch {
    guard maximumCount > 0 else { return ReadBatch(through: after) }
    var reading = Reading(
      batch: ReadBatch(through: after), maximumCount: maximumCount, maximumBytes: maximumBytes, kinds: kinds,
      end: unsettled ?? .max)
    let (index, offset) = seek(after, &reading.order)
    var sieve = GroupSieve()
    var isInOnePlace = true
    walkSegments(
      disk, segments, from: index, offset: offset, window: min(max(maximumBytes, 4 << 10), 128 << 10)
    ) { step in
      switch step {
      case .record(let placed, let isResumable):
        guard placed.record.sequence < reading.end else { return false }
        isInOnePlace = isResumable
        guard !numbersWithdrawn.contains(placed.record.sequence), reading.inOrder(placed, numbersWithdrawn) else {
          return true
        }
        return sieve.take(placed) { reading.take($0) }
      case .damage(let segment, let offset, let length):
        if reading.damage.count < 1024 { reading.damage.append((segment, offset, length)) }
        reading.order.damaged = true
      case .newer: reading.order.damaged = true
      case .failed(_, let error):
        reading.batch.error = error
        return false
      case .found, .unreadable, .end: break
      }
      return true
    }
    if !reading.isFull, reading.batch.error == nil {
      _ = sieve.finish { reading.take($0) }
      reading.batch.isAtEnd = !reading.isFull
      reading.tell(.damaged)
    }
    for (missing, segment) in reading.gaps { noteGap(missing, in: segments[segment].name) }
    for place in reading.told {
      noteDamage(place.code, segments[place.segment].name, offset: place.offset, length: place.length)
    }
    if isInOnePlace, let place = reading.position { remember(reading.batch.through, place.segment, place.offset) }
    return reading.batch
  }

  private mutating func seek(_ after: UInt64, _ order: inout SequenceOrder) -> (index: Int, offset: Int) {
    if let known = positions.last(where: { $0.after == after }),
      let index = segments.lastIndex(where: { $0.first == known.first && $0.generation == known.generation })
    {
      order.last = after > 0 ? after : nil
      return (index, known.offset)
    }
    // A gap may lie between the first number of one segment and the record looked for: so the name decides.
    // Of several that begin with the same number the oldest may hold more than the newest.
    let first = segments.last { $0.first <= after &+ 1 }?.first
    var index = segments.firstIndex { $0.first == first } ?? 0
    // The only copy of a record may stand in the segment before.
    while index > 0, reach(of: index - 1) > after { index -= 1 }
    return (index, 0)
  }

  /// The highest number in a segment.
  private mutating func reach(of index: Int) -> UInt64 {
    if let reach = segments[index].reach { return reach }
    var reach: UInt64 = 0
    do throws(DiskError) {
      try scanSegment(disk, segments[index].name, size: segments[index].end, window: 256 << 10) { step in
        if case .record(let record, _, _) = step { reach = max(reach, record.sequence) }
        return true
      }
    } catch { return reach }
    segments[index].reach = reach
    return reach
  }

  private mutating func remember(_ after: UInt64, _ index: Int, _ offset: Int) {
    let segment = segments[index]
    positions.removeAll { $0.after == after }
    positions.append(
      ReadPosition(after: after, first: segment.first, generation: segment.generation, offset: offset))
    if positions.count > 16 { positions.removeFirst() }
  }

  /// Reads and checks everything; findings are told like those of recovery.
  package mutating func verify() -> JournalCheck {
    var check = JournalCheck()
    var order = SequenceOrder()
    var damage: [(segment: Int, offset: Int, length: Int)] = []
    func tell(_ code: JournalFinding.Code) {
      if code == .damaged { check.damaged += damage.count }
      for place in damage {
        noteDamage(code, segments[place.segment].name, offset: place.offset, length: place.length)
      }
      damage = []
    }
    walkSegments(disk, segments, window: 256 << 10) { step in
      switch step {
      case .record(let placed, _):
        guard placed.record.sequence < unsettled ?? .max else { return false }
        guard !numbersWithdrawn.contains(placed.record.sequence),
          let gap = order.take(placed.record, numbersWithdrawn)
        else { return true }
        // Where no number is missing, nothing that counts was there.
        tell(gap.missing.isEmpty ? .tornTail : .damaged)
        for missing in gap.unexplained {
          check.missing += missing.upperBound - missing.lowerBound
          noteGap(missing, in: segments[placed.place.segment].name)
        }
        if placed.record.kind != .withdrawn { check.records += 1 }
        if placed.record.kind == .reading { check.readings += 1 }
      case .damage(let segment, let offset, let length):
        if damage.count < 1024 { damage.append((segment, offset, length)) }
        order.damaged = true
      case .newer: order.damaged = true
      case .failed(let segment, let error):
        check.unreadable += 1
        order.damaged = true
        note(JournalFinding(.unreadable, segment: segments[segment].name, errno: error.errno))
      case .found, .unreadable, .end: break
      }
      return true
    }
    tell(.damaged)
    return check
  }
}
