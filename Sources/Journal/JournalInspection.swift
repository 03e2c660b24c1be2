// Looking at a journal without changing anything: beside a running daemon, or on a disk that was brought in. Only `list` and
// `read` of the disk are called.

/// What one segment's file holds.
public struct SegmentFacts: Hashable, Sendable {
  /// A place that is no record.
  public struct Damage: Hashable, Sendable {
    /// From which octet of the file.
    public var offset: Int
    /// How many octets.
    public var length: Int
    /// The end of what was being written when the power went, or is being written now: nothing confirmed was in it.
    public var isTorn: Bool
  }
  /// The file's name.
  public var name: String
  /// Octets of the file.
  public var size: Int
  /// Octets of whole records.
  public var used = 0
  /// Whole records.
  public var records = 0
  /// Lowest and highest sequence number of whole records.
  public var first: UInt64?
  /// Lowest and highest sequence number of whole records.
  public var last: UInt64?
  /// Places that are no record.
  public var damage: [Damage] = []
  /// Sequence numbers that should have come before or in this segment and are nowhere.
  public var missing: [Range<UInt64>] = []
  /// It holds records of a later format.
  public var isNewer = false
  /// Why it could not be read to its end; 0 when it could.
  public var errno: Int32 = 0
}

/// What a look at a journal found.
public struct JournalInspection: Hashable, Sendable {
  /// In order.
  public var segments: [SegmentFacts] = []
  /// Names that are no segment and not the journal's own.
  public var foreign: [String] = []
  /// Whole records by kind, without repeats.
  public var counts: [RecordKind: Int] = [:]
  /// Octets of their payloads by kind.
  public var bytes: [RecordKind: Int] = [:]

  /// Something confirmed may be missing: damage that is no torn end, missing numbers, or a file that cannot be read.
  public var isDamaged: Bool {
    segments.contains { $0.errno != 0 || !$0.missing.isEmpty || $0.damage.contains { !$0.isTorn } }
  }

  /// Reads every segment and hands over every whole record in order, none twice.
  /// - Throws: when the directory cannot be listed.
  public static func look(
    at disk: some JournalDisk, visit: (JournalRecord) -> Void = { _ in }
  ) throws(DiskError) -> JournalInspection {
    var inspection = JournalInspection()
    let entries = try disk.list()
    let found = Segment.all(entries)
    inspection.foreign = entries.filter { Segment($0) == nil && !Segment.isOwn($0.name) }.map(\.name).sorted()
    var order = SequenceOrder()
    for (index, segment) in found.enumerated() {
      inspection.look(disk, segment, isLast: index == found.count - 1, &order, visit)
    }
    inspection.forgiveTornEnds()
    return inspection
  }

  private mutating func look(
    _ disk: some JournalDisk, _ segment: Segment, isLast: Bool, _ order: inout SequenceOrder,
    _ visit: (JournalRecord) -> Void
  ) {
    var facts = SegmentFacts(name: segment.name, size: segment.size)
    do throws(DiskError) {
      try scanSegment(disk, segment.name, size: segment.size, window: 256 << 10) { step in
        switch step {
        case .record(let record, let start, let next):
          facts.records += 1
          facts.used += next - start
          facts.first = min(facts.first ?? record.sequence, record.sequence)
          facts.last = max(facts.last ?? record.sequence, record.sequence)
          // What is missing is told even where damage explains it.
          let before = order.last
          order.damaged = false
          guard let missing = order.take(record) else { return true }
          if !missing.isEmpty, before != nil { facts.missing.append(missing) }
          counts[record.kind, default: 0] += 1
          bytes[record.kind, default: 0] += record.payload.count
          visit(record)
        case .newer: facts.isNewer = true
        case .damage(let offset, let length):
          if facts.damage.count < 1024 {
            facts.damage.append(SegmentFacts.Damage(offset: offset, length: length, isTorn: false))
          }
        case .end, .need: break
        }
        return true
      }
    } catch {
      // The daemon may have dropped it since the directory was listed: then it is no longer part of the journal.
      if error.errno == 2 { return }
      facts.errno = error.errno
    }
    if let last = facts.damage.last, facts.records == 0 || !hasRecord(behind: last, facts) {
      facts.damage[facts.damage.count - 1].isTorn = true
    }
    segments.append(facts)
  }

  /// Damage at the end of a segment has nothing behind it but zeros.
  private func hasRecord(behind damage: SegmentFacts.Damage, _ facts: SegmentFacts) -> Bool {
    // Records lie without a gap from the start: what is used and damaged before the last damage is where it begins.
    let earlier = facts.damage.dropLast().reduce(facts.used) { $0 + $1.length }
    return earlier != damage.offset
  }

  /// A torn end held nothing confirmed only if no number is missing behind it.
  private mutating func forgiveTornEnds() {
    for index in segments.indices.dropLast() where segments[index].damage.last?.isTorn == true {
      let next = segments[(index + 1)...].first { $0.records > 0 || !$0.missing.isEmpty }
      guard let next, !next.missing.isEmpty else { continue }
      segments[index].damage[segments[index].damage.count - 1].isTorn = false
    }
  }
}
