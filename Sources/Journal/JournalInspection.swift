// Looking at a journal without changing anything: beside a running daemon, or on a disk that was brought in. Only `list` and
// `read` of the disk are called.

/// What one segment's file holds.
package struct SegmentFacts: Hashable, Sendable {
  /// A place that is no record.
  package struct Damage: Hashable, Sendable {
    /// From which octet of the file.
    package var offset: Int
    /// How many octets.
    package var length: Int
    /// The end of what was being written when the power went, or is being written now: nothing confirmed was in it.
    package var isTorn: Bool
  }
  /// The file's name.
  package var name: String
  /// Octets of the file.
  package var size: Int
  /// Octets of whole records.
  package var used = 0
  /// Whole records.
  package var records = 0
  /// Lowest and highest sequence number of whole records.
  package var first: UInt64?
  /// Lowest and highest sequence number of whole records.
  package var last: UInt64?
  /// Places that are no record.
  package var damage: [Damage] = []
  /// Sequence numbers that should have come before or in this segment and are nowhere.
  package var missing: [Range<UInt64>] = []
  /// It holds records of a later format.
  package var isNewer = false
  /// Why it could not be read to its end; 0 when it could.
  package var errno: Int32 = 0
}

/// What a look at a journal found.
package struct JournalInspection: Hashable, Sendable {
  /// In order.
  package var segments: [SegmentFacts] = []
  /// Names that are no segment and not the journal's own.
  package var foreign: [String] = []
  /// Records that count by kind, without repeats.
  package var counts: [RecordKind: Int] = [:]
  /// Octets of their payloads by kind.
  package var bytes: [RecordKind: Int] = [:]

  /// Something confirmed may be missing: damage that is no torn end, missing numbers, or a file that cannot be read.
  package var isDamaged: Bool {
    segments.contains { $0.errno != 0 || !$0.missing.isEmpty || $0.damage.contains { !$0.isTorn } }
  }

  /// Reads every segment twice and hands over every record that counts, in order, none twice. Records that withdraw, what they
  /// withdraw and a group that is cut off at the end do not count.
  /// - Throws: when the directory cannot be listed.
  package static func look(
    at disk: some JournalDisk, visit: (JournalRecord) -> Void = { _ in }
  ) throws(DiskError) -> JournalInspection {
    let entries = try disk.list()
    let found = Segment.all(entries)
    var look = Look(withdrawn: withdrawn(disk, found), segments: found)
    look.inspection.foreign = entries.filter { Segment($0) == nil && !Segment.isOwn($0.name) }.map(\.name).sorted()
    var sieve = GroupSieve()
    walkSegments(disk, found, window: 256 << 10) { step in
      guard case .record(let placed, _) = step else {
        look.note(step)
        return true
      }
      guard look.inOrder(placed) else { return true }
      return sieve.take(placed) { run in
        look.take(run, visit)
        return true
      }
    }
    _ = sieve.finish { run in
      look.take(run, visit)
      return true
    }
    return look.finished()
  }

  /// Every number that any record withdraws.
  private static func withdrawn(_ disk: some JournalDisk, _ segments: [Segment]) -> NumberSet {
    var numbers = NumberSet()
    for segment in segments {
      do throws(DiskError) {
        try scanSegment(disk, segment.name, size: segment.size, window: 256 << 10) { step in
          if case .record(let record, _, _) = step {
            for range in Withdrawal.ranges(of: record) { numbers.insert(range) }
          }
          return true
        }
      } catch { continue }
    }
    return numbers
  }
}

/// A look under way.
private struct Look {
  var inspection = JournalInspection()
  private let withdrawn: NumberSet
  private var order = SequenceOrder()
  /// What is left of a group behind which nothing stands yet.
  private var torn: RecordRun?
  /// Damaged places behind the last record that counts, by segment and place in its list.
  private var damage: [(segment: Int, index: Int)] = []
  /// Segments that are gone since the directory was listed.
  private var gone: Set<Int> = []

  init(withdrawn: NumberSet, segments: [Segment]) {
    self.withdrawn = withdrawn
    inspection.segments = segments.map { SegmentFacts(name: $0.name, size: $0.size) }
  }

  mutating func note(_ step: WalkStep) {
    switch step {
    case .found(let record, let place):
      var facts = inspection.segments[place.segment]
      facts.records += 1
      facts.used += place.end - place.offset
      facts.first = min(facts.first ?? record.sequence, record.sequence)
      facts.last = max(facts.last ?? record.sequence, record.sequence)
      inspection.segments[place.segment] = facts
    case .newer(_, let segment): inspection.segments[segment].isNewer = true
    case .damage(let segment, let offset, let length):
      let count = inspection.segments[segment].damage.count
      guard count < 1024 else { return }
      // Until something is missing behind it.
      inspection.segments[segment].damage.append(SegmentFacts.Damage(offset: offset, length: length, isTorn: true))
      damage.append((segment, count))
    case .failed(let segment, let error):
      // The daemon may have dropped it since the directory was listed: then it is no longer part of the journal.
      if error.errno == 2 { gone.insert(segment) } else { inspection.segments[segment].errno = error.errno }
    case .record, .unreadable, .end: break
    }
  }

  /// False for what does not count. What is missing is told even where damage explains it.
  mutating func inOrder(_ placed: PlacedRecord) -> Bool {
    guard !withdrawn.contains(placed.record.sequence) else { return false }
    let isFirst = order.last == nil
    order.damaged = false
    guard let gap = order.take(placed.record, withdrawn) else { return false }
    if !isFirst { inspection.segments[placed.place.segment].missing += gap.unexplained }
    if !gap.missing.isEmpty {
      for place in damage { inspection.segments[place.segment].damage[place.index].isTorn = false }
    }
    damage = []
    return true
  }

  mutating func take(_ run: RecordRun, _ visit: (JournalRecord) -> Void) {
    if let torn {
      for placed in torn.records where placed.record.kind.standsAlone { hand(placed.record, visit) }
    }
    torn = run.isWhole ? nil : run
    if run.isWhole { for placed in run.records { hand(placed.record, visit) } }
  }

  private mutating func hand(_ record: JournalRecord, _ visit: (JournalRecord) -> Void) {
    guard record.kind != .withdrawn else { return }
    inspection.counts[record.kind, default: 0] += 1
    inspection.bytes[record.kind, default: 0] += record.payload.count
    visit(record)
  }

  func finished() -> JournalInspection {
    var inspection = inspection
    inspection.segments = inspection.segments.enumerated().filter { !gone.contains($0.offset) }.map(\.element)
    return inspection
  }
}
