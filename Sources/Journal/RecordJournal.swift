// The journal: segments of records on a disk that may fail at any call. Every record is on the medium before an append
// returns; what cannot be proved to be there is written again elsewhere or refused.

/// What recovery found.
package struct JournalRecovery: Hashable, Sendable {
  /// Highest `through` of each backend in the records handed over; a snapshot may know higher ones of others.
  package var cursors: [String: UInt64] = [:]
  /// Whether the first record handed over is a snapshot.
  package var hasSnapshot = false
  /// Records handed over.
  package var records = 0
}

/// A journal over one disk. One thread uses it.
package struct RecordJournal<Disk: JournalDisk> {
  let disk: Disk
  let limits: JournalLimits
  var segments: [Segment] = []
  /// Where the next record goes in the last segment; nil: a new segment is begun first.
  var writeOffset: Int?
  var nextSequence: UInt64 = 1
  /// Sequence numbers before the next record were given up.
  var isGapIntended = false
  /// A zero-filled file waits: acknowledgements still get in when the disk is full.
  var hasSpare = false
  /// New files of a rewriting whose old ones have not lost their names yet. Without the old ones they would count.
  var leftovers: Set<String> = []
  /// How many rewritings began.
  var rewritings = 0
  /// Segments that retention dropped during a rewriting: it overwrites them.
  var retired: [OldFile] = []
  var findings: [JournalFinding] = []
  var findingCounts: [JournalFinding.Code: Int] = [:]
  var told: Set<String> = []
  var positions: [ReadPosition] = []
  var failing: AppendFailure?
  /// Numbers that never count.
  var numbersWithdrawn = NumberSet()
  /// A refused group that is not withdrawn yet.
  var doubt: Doubt?
  /// Names that the start found, and names that it changed, may not be on the medium.
  var hasUnsyncedNames = false
  /// What a start found last and could not make durable.
  var pendingHead: PendingHead?
  /// What a start has to write before anything else, and could not.
  var pendingMark: PendingMark?
  /// Records that the start did not hand over because the disk refused to make them durable. They are durable now and count, in
  /// this order, behind everything that was handed over. Appends are refused until `takeRecovered`.
  package internal(set) var recovered: [JournalRecord] = []
  /// It reads what another journal writes: what is damaged is told, and the other one keeps a copy.
  var isReader = false
  static var spare: String { "spare" }

  init(disk: Disk, limits: JournalLimits) {
    self.disk = disk
    self.limits = limits
  }

  /// Figures now.
  package var status: JournalStatus {
    JournalStatus(
      segments: segments.count, bytes: bytes, maximumBytes: limits.maximumBytes,
      lastSequence: nextSequence - 1, findings: findingCounts, failing: failing)
  }

  /// Sequence numbers that never count, whatever is found under them; in order. Every read passes over them.
  package var withdrawn: [ClosedRange<UInt64>] { numbersWithdrawn.ranges }

  /// The last group that the start found is not handed over yet.
  package var isHoldingBack: Bool { pendingHead != nil || !recovered.isEmpty }

  /// Gives `recovered`, once. From now on appends are taken: their caller knows of these records.
  package mutating func takeRecovered() -> [JournalRecord] {
    defer { recovered = [] }
    return recovered
  }

  /// Findings since the last call, oldest first; at most 256 are kept, all are counted.
  package mutating func takeFindings() -> [JournalFinding] {
    defer { findings = [] }
    return findings
  }

  var bytes: Int { segments.reduce(hasSpare ? limits.segmentBytes : 0) { $0 + $1.size } }

  mutating func note(_ finding: JournalFinding) {
    findingCounts[finding.code, default: 0] += 1
    if findings.count < 256 { findings.append(finding) }
  }

  /// Tells damage once, and keeps a copy of its octets (the first 4 MiB).
  mutating func noteDamage(_ code: JournalFinding.Code, _ segment: String, offset: Int, length: Int) {
    guard told.insert("\(segment)-\(offset)").inserted else { return }
    var finding = JournalFinding(code, segment: segment, offset: UInt64(offset), length: UInt64(length))
    guard !isReader else { return note(finding) }
    do throws(DiskError) {
      let octets = try disk.read(segment, offset: offset, count: min(length, 4 << 20))
      finding.isNew = try disk.setAside("\(segment)-\(offset).bin", octets)
    } catch {
      finding.errno = error.errno
    }
    note(finding)
  }

  mutating func noteGap(_ missing: Range<UInt64>, in segment: String) {
    guard !missing.isEmpty, told.insert("gap-\(missing.lowerBound)").inserted else { return }
    note(
      JournalFinding(
        .gap, segment: segment, offset: missing.lowerBound, length: missing.upperBound - missing.lowerBound))
  }

  /// The next append begins a new segment: for retention by age.
  package mutating func seal() {
    if let offset = writeOffset, offset > 0 { writeOffset = nil }
  }

  /// Drops the oldest segments that nobody needs.
  /// - Parameters:
  ///   - cursors: the durable cursor of every configured backend.
  ///   - pinned: the lowest sequence number that is still needed, such as a parked reading's.
  ///   - now: wall clock, milliseconds since 1970.
  ///   - keep: milliseconds that a segment is kept after its last change; ignored when the journal is at its limit.
  ///   - rewritings: those that are under way or wait. What is to go may stand in what is dropped: it is overwritten by them.
  /// - Returns: how many segments went.
  package mutating func retain(
    cursors: [UInt64], pinned: UInt64?, now: Int64, keep: Int64, during rewritings: [JournalRewriting] = []
  ) throws(DiskError) -> Int {
    guard pendingHead == nil, let newest = segments.lastIndex(where: \.hasSnapshot), newest > 0 else { return 0 }
    var modified: [String: Int64] = [:]
    for entry in try disk.list() { modified[entry.name] = entry.modified }
    let candidates = segments[..<newest].indices.map { index in
      let segment = segments[index]
      return RetentionCandidate(
        lastReading: segment.lastReading ?? segments[index + 1].first - 1, modified: modified[segment.name] ?? now,
        size: segment.size, isForeign: segment.isForeign)
    }
    let needed = bytes + 2 * limits.segmentBytes - limits.maximumBytes
    let count = RetentionPlan.removable(
      candidates, cursors: cursors, pinned: pinned, now: now, keep: keep, excess: max(0, needed))
    var removed = 0
    while removed < count, let oldest = segments.first {
      let leftover = Self.rewriting + oldest.name
      if leftovers.contains(leftover) {
        try disk.remove(leftover)
        try disk.syncDirectory()
        leftovers.remove(leftover)
      }
      if rewritings.contains(where: { $0.concerns(oldest.key) }) {
        let name = Self.erasing + "old-" + oldest.name
        try disk.rename(oldest.name, to: name)
        retired.append(OldFile(name: name, size: oldest.size))
      } else {
        try disk.remove(oldest.name)
      }
      segments.removeFirst()
      removed += 1
    }
    if removed > 0 { try disk.syncDirectory() }
    // A record that withdraws lies in a later segment than what it withdraws: so the range is kept as long as it is needed.
    if let oldest = segments.first { numbersWithdrawn.forget(below: oldest.first) }
    return removed
  }
}
