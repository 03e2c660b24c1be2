// Start: the newest snapshot is found from the end, then every record from there on is handed over, group by group. Any octets
// will do. What is read is described in `RecordJournalReplay`, what is written in `RecordJournalSettling`.

/// Why a journal cannot be opened.
package enum RecoveryFailure: Error, Hashable, Sendable {
  /// The directory cannot be listed: nothing can be said about sequence numbers then.
  case disk(DiskError)
  /// A record of a critical kind, of a later version. Nothing was written.
  case newerKind(RecordKind, segment: String, sequence: UInt64)
}

/// Where a start begins to hand over.
struct ReplayStart {
  /// The first segment that is read.
  var index = 0
  /// The newest snapshot; nil: there is none, and all records are handed over.
  var snapshot: UInt64?
}

extension RecordJournal {
  /// Opens a journal. When it returns, everything handed over is durable. When the disk refuses to make the last group durable,
  /// that group is left out until it can be (`recovered`), and appends are refused unwritten.
  /// - Parameters:
  ///   - visit: every record that counts, from the newest snapshot on, in order; all of them when there is no snapshot.
  package static func open(
    _ disk: Disk, limits: JournalLimits, visit: (JournalRecord) -> Void
  ) throws(RecoveryFailure) -> (journal: RecordJournal, recovery: JournalRecovery) {
    var journal = RecordJournal(disk: disk, limits: limits)
    let entries: [DiskEntry]
    do throws(DiskError) { entries = try disk.list() } catch { throw .disk(error) }
    journal.segments = Segment.all(entries)
    let start = try journal.newestSnapshot()
    journal.takeStock(entries)
    let recovery = journal.recover(from: start, visit)
    return (journal, recovery)
  }

  private mutating func takeStock(_ entries: [DiskEntry]) {
    for entry in entries {
      if entry.name == Self.spare && entry.isRegular {
        keepSpare(size: entry.size)
      } else if Segment(entry) == nil && (!Segment.isOwn(entry.name) || entry.name == Self.spare) {
        note(JournalFinding(.foreignFile, segment: entry.name, length: UInt64(max(0, entry.size))))
      }
    }
    do throws(DiskError) { try finishRewriting(Set(entries.map(\.name))) } catch {
      note(JournalFinding(.diskFailed, segment: error.path, errno: error.errno))
    }
  }

  /// A spare of the right size and of zeros is kept, any other made anew: no record was ever in it.
  private mutating func keepSpare(size: Int) {
    do throws(DiskError) {
      if size == limits.segmentBytes {
        let octets = try disk.read(Self.spare, offset: 0, count: size)
        hasSpare = octets.count == size && octets.allSatisfy { $0 == 0 }
      }
      if !hasSpare { try disk.remove(Self.spare) }
    } catch {
      note(JournalFinding(.diskFailed, segment: Self.spare, errno: error.errno))
    }
  }

  private mutating func recover(from start: ReplayStart, _ visit: (JournalRecord) -> Void) -> JournalRecovery {
    var replay = replay(from: start, visit)
    let end = judge(replay)
    pendingHead = end.head.map { PendingHead(run: $0) }
    pendingMark = end.mark
    nextSequence = end.mark.map { $0.through + 1 } ?? end.next
    isGapIntended = end.isGapIntended
    do throws(DiskError) {
      hasUnsyncedNames = !segments.isEmpty
      try settle()
      if end.mark == nil, writeOffset == nil { goOn(at: end.tail) }
      dropUnused(from: start.index, replay)
    } catch {
      note(JournalFinding(.diskFailed, segment: error.path, errno: error.errno))
      failing = failure(error)
    }
    guard let head = pendingHead?.run else {
      if let head = end.head { replay.hand(head, visit) }
      return replay.recovery
    }
    pendingHead?.isLate = true
    guard let snapshot = start.snapshot, snapshot >= head.first else { return replay.recovery }
    // The newest snapshot is not durable: what is shown meanwhile begins at the one before.
    guard let older = try? newestSnapshot(before: head.first) else { return JournalRecovery() }
    replay = self.replay(from: older, before: head.first, visit)
    if let last = replay.head { replay.hand(last, visit) }
    return replay.recovery
  }

  /// Segments that hold nothing but copies that failed, and what was withdrawn: a disk on which syncs fail leaves one at each start.
  private mutating func dropUnused(from start: Int, _ replay: Replay) {
    let unused = segments.indices.filter { index in
      index >= start && index < replay.ends.count && index < segments.count - 1 && replay.ends[index].isKnown
        && !replay.used.contains(index)
    }
    discard(unused.map { segments[$0].name })
  }

  /// The clean end of the last segment.
  private mutating func goOn(at tail: Int?) {
    guard let tail, let active = segments.indices.last else { return }
    segments[active].end = tail
    writeOffset = tail
  }

  /// True when a segment holds a number from `first` on, or may hold one where it cannot be read.
  private func reaches(_ index: Int, to first: UInt64) -> Bool {
    var reaches = false
    do throws(DiskError) {
      try scanSegment(disk, segments[index].name, size: segments[index].size, window: 256 << 10) { step in
        switch step {
        case .record(let record, _, _): reaches = reaches || record.sequence >= first
        case .newer, .unreadable: reaches = true
        case .damage, .end, .need: break
        }
        return !reaches
      }
    } catch { return true }
    return reaches
  }

  /// The newest snapshot whose group is whole and not withdrawn; what is withdrawn is learned on the way, from the end.
  private mutating func newestSnapshot(before: UInt64 = .max) throws(RecoveryFailure) -> ReplayStart {
    for index in segments.indices.reversed() {
      var search = SnapshotSearch()
      do throws(DiskError) {
        try scanSegment(disk, segments[index].name, size: segments[index].size, window: 256 << 10) { step in
          if case .record(let record, _, _) = step { search.take(record) }
          return search.critical == nil
        }
      } catch {}
      if let record = search.critical {
        throw .newerKind(record.kind, segment: segments[index].name, sequence: record.sequence)
      }
      for range in search.withdrawn { numbersWithdrawn.insert(range) }
      if let found = search.snapshots.last(where: { $0 < before && !numbersWithdrawn.contains($0) }) {
        // It may be a copy, and parts of a group behind the first one may stand in the segment before.
        var start = index
        while start > 0, reaches(start - 1, to: segments[start].first) { start -= 1 }
        return ReplayStart(index: start, snapshot: found)
      }
    }
    return ReplayStart()
  }
}

/// What a start looks for in one segment before it reads the records in order.
private struct SnapshotSearch {
  /// In whole groups, by rising number.
  private(set) var snapshots: [UInt64] = []
  private(set) var withdrawn: [ClosedRange<UInt64>] = []
  private(set) var critical: JournalRecord?
  private var last: JournalRecord?
  private var isWhole = false
  private var candidate: UInt64?

  mutating func take(_ record: JournalRecord) {
    if record.kind.isCritical { critical = record }
    withdrawn += Withdrawal.ranges(of: record)
    let isLinked = last.map { $0.continues && record.isContinued && record.sequence == $0.sequence + 1 } ?? false
    if !isLinked {
      isWhole = !record.isContinued
      candidate = nil
    }
    if record.kind == .snapshot { candidate = record.sequence }
    last = JournalRecord(sequence: record.sequence, kind: record.kind, flags: record.flags, payload: [])
    guard !record.continues, isWhole, let candidate else { return }
    if candidate > snapshots.last ?? 0 { snapshots.append(candidate) }
    self.candidate = nil
  }
}
