// Reading for delivery and for checks: forward from a sequence number, memory flat whatever waits.

/// Records after a sequence number.
public struct ReadBatch: Hashable, Sendable {
  /// In order.
  public var records: [JournalRecord] = []
  /// Everything up to here was looked at: ask from here next time.
  public var through: UInt64
  /// Nothing more is there now.
  public var isAtEnd = false
  /// Why reading stopped early; ask again later.
  public var error: DiskError?
}

/// What a check of all segments found.
public struct JournalCheck: Hashable, Sendable {
  /// Whole records, without repeats.
  public var records = 0
  /// Readings among them.
  public var readings = 0
  /// Damaged places.
  public var damaged = 0
  /// Missing sequence numbers.
  public var missing: UInt64 = 0
  /// Segments that could not be read to the end.
  public var unreadable = 0
}

/// Behind which octet the record after a sequence number begins.
struct ReadPosition {
  var after: UInt64
  var first: UInt64
  var generation: Int
  var offset: Int
}

extension RecordJournal {
  /// Records with a higher sequence number than `after`, at least one when there is one.
  /// - Parameters:
  ///   - maximumBytes: of payloads.
  ///   - kinds: only these; all when nil.
  public mutating func read(
    after: UInt64, maximumCount: Int, maximumBytes: Int, kinds: Set<RecordKind>? = nil
  ) -> ReadBatch {
    var batch = ReadBatch(through: after)
    guard maximumCount > 0 else { return batch }
    var order = SequenceOrder()
    var (index, offset) = seek(after, &order)
    let window = min(max(maximumBytes, 4 << 10), 128 << 10)
    var bytes = 0
    while index < segments.count {
      let segment = segments[index]
      var stop = false
      var position = offset
      var damage: [(Int, Int)] = []
      var gaps: [Range<UInt64>] = []
      do throws(DiskError) {
        try scanSegment(disk, segment.name, size: segment.end, from: offset, window: window) { step in
          switch step {
          case .record(let record, _, let next):
            guard record.sequence > batch.through else {
              position = next
              if order.last != nil || record.sequence == after { order.last = max(order.last ?? 0, record.sequence) }
              return true
            }
            if kinds?.contains(record.kind) ?? true {
              if !batch.records.isEmpty && bytes + record.payload.count > maximumBytes {
                stop = true
                return false
              }
              batch.records.append(record)
              bytes += record.payload.count
            }
            if let missing = order.take(record), !missing.isEmpty { gaps.append(missing) }
            batch.through = record.sequence
            position = next
            stop = batch.records.count >= maximumCount
            return !stop
          case .damage(let offset, let length):
            if damage.count < 1024 { damage.append((offset, length)) }
            order.damaged = true
          case .newer: order.damaged = true
          case .end, .need: break
          }
          return true
        }
      } catch {
        batch.error = error
        stop = true
      }
      for missing in gaps { noteGap(missing, in: segment.name) }
      for (offset, length) in damage { noteDamage(.damaged, segment.name, offset: offset, length: length) }
      remember(batch.through, segment, position)
      if stop { return batch }
      index += 1
      offset = 0
    }
    batch.isAtEnd = true
    return batch
  }

  private func seek(_ after: UInt64, _ order: inout SequenceOrder) -> (index: Int, offset: Int) {
    if let known = positions.last(where: { $0.after == after }),
      let index = segments.lastIndex(where: { $0.first == known.first && $0.generation == known.generation })
    {
      order.last = after > 0 ? after : nil
      return (index, known.offset)
    }
    // A gap may lie between the first number of one segment and the record looked for: so the name decides.
    // Of several that begin with the same number the oldest may hold more than the newest.
    let first = segments.last { $0.first <= after &+ 1 }?.first
    return (segments.firstIndex { $0.first == first } ?? 0, 0)
  }

  private mutating func remember(_ after: UInt64, _ segment: Segment, _ offset: Int) {
    positions.removeAll { $0.after == after }
    positions.append(
      ReadPosition(after: after, first: segment.first, generation: segment.generation, offset: offset))
    if positions.count > 16 { positions.removeFirst() }
  }

  /// Reads and checks everything; findings are told like those of recovery.
  public mutating func verify() -> JournalCheck {
    var check = JournalCheck()
    var order = SequenceOrder()
    for segment in segments {
      var damage: [(Int, Int)] = []
      var gaps: [Range<UInt64>] = []
      do throws(DiskError) {
        try scanSegment(disk, segment.name, size: segment.end, window: 256 << 10) { step in
          switch step {
          case .record(let record, _, _):
            guard let missing = order.take(record) else { return true }
            if !missing.isEmpty { gaps.append(missing) }
            check.records += 1
            if record.kind == .reading { check.readings += 1 }
          case .damage(let offset, let length):
            check.damaged += 1
            if damage.count < 1024 { damage.append((offset, length)) }
            order.damaged = true
          case .newer: order.damaged = true
          case .end, .need: break
          }
          return true
        }
      } catch {
        check.unreadable += 1
        order.damaged = true
        note(JournalFinding(.unreadable, segment: segment.name, errno: error.errno))
      }
      for missing in gaps {
        check.missing += missing.upperBound - missing.lowerBound
        noteGap(missing, in: segment.name)
      }
      for (offset, length) in damage { noteDamage(.damaged, segment.name, offset: offset, length: length) }
    }
    return check
  }
}
