// Start: the newest snapshot is found from the end, then every record from there on is handed over. Any octets will do.

extension RecordJournal {
  /// Opens a journal.
  /// - Parameters:
  ///   - visit: every whole record from the newest snapshot on, in order; all of them when there is no snapshot.
  /// - Throws: only when the directory cannot be listed: nothing can be said about sequence numbers then.
  public static func open(
    _ disk: Disk, limits: JournalLimits, visit: (JournalRecord) -> Void
  ) throws(DiskError) -> (journal: RecordJournal, recovery: JournalRecovery) {
    var journal = RecordJournal(disk: disk, limits: limits)
    try journal.takeStock()
    let recovery = journal.recover(visit)
    return (journal, recovery)
  }

  private mutating func takeStock() throws(DiskError) {
    let entries = try disk.list()
    segments = Segment.all(entries)
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

  private mutating func recover(_ visit: (JournalRecord) -> Void) -> JournalRecovery {
    var recovery = JournalRecovery()
    let (start, snapshot) = newestSnapshot()
    recovery.hasSnapshot = snapshot != nil
    var order = SequenceOrder()
    var highest: UInt64 = 0
    var tail: Int?
    for index in segments.indices.dropFirst(start) {
      let isLast = index == segments.count - 1
      tail = walk(index, isLast: isLast, &order, highest: &highest) { record in
        guard record.sequence >= snapshot ?? 0 else { return }
        recovery.records += 1
        if record.kind == .acknowledgement, let answer = try? Acknowledgement(decoding: record.payload) {
          recovery.cursors[answer.backend] = max(answer.through, recovery.cursors[answer.backend] ?? 0)
        }
        visit(record)
      }
    }
    let last = max(order.last ?? 0, highest)
    nextSequence = max(last + 1, segments.last?.first ?? 1)
    isGapIntended = nextSequence != (order.last ?? 0) + 1
    if order.last != nil, !order.damaged, nextSequence > last + 1 {
      noteGap(last + 1..<nextSequence, in: segments.last?.name ?? "")
    }
    if let tail { resume(at: tail) }
    return recovery
  }

  /// The segment to start from and the newest snapshot's sequence number.
  private mutating func newestSnapshot() -> (start: Int, sequence: UInt64?) {
    for index in segments.indices.reversed() {
      var found: UInt64?
      do throws(DiskError) {
        try scanSegment(disk, segments[index].name, size: segments[index].size, window: 256 << 10) { step in
          if case .record(let record, _, _) = step, record.kind == .snapshot {
            found = max(found ?? 0, record.sequence)
          }
          return true
        }
      } catch { continue }
      if let found { return (index, found) }
    }
    return (0, nil)
  }

  /// Walks one segment; returns where writing may go on when its end is clean.
  private mutating func walk(
    _ index: Int, isLast: Bool, _ order: inout SequenceOrder, highest: inout UInt64,
    _ take: (JournalRecord) -> Void
  ) -> Int? {
    var segment = segments[index]
    var damage: [(offset: Int, length: Int, isTail: Bool)] = []
    var gaps: [Range<UInt64>] = []
    var tail: Int?
    var newer: UInt64?
    segment.lastReading = 0
    do throws(DiskError) {
      try scanSegment(disk, segment.name, size: segment.size, window: 256 << 10) { step in
        switch step {
        case .record(let record, _, _):
          if let last = damage.indices.last { damage[last].isTail = false }
          guard let missing = order.take(record) else { return true }
          if !missing.isEmpty { gaps.append(missing) }
          if limits.deliverable.contains(record.kind) { segment.lastReading = record.sequence }
          if record.kind == .snapshot { segment.hasSnapshot = true }
          take(record)
        case .newer(let sequence, _):
          newer = newer ?? sequence
          highest = max(highest, sequence)
          order.damaged = true
        case .damage(let offset, let length):
          // Garbage in small pieces must not fill the memory.
          if damage.count < 1024 { damage.append((offset, length, true)) }
          order.damaged = true
        case .end(let offset): tail = offset
        case .need: break
        }
        return true
      }
    } catch {
      note(JournalFinding(.unreadable, segment: segment.name, errno: error.errno))
      segment.isForeign = true
      order.damaged = true
      tail = nil
    }
    if let newer {
      note(JournalFinding(.newerFormat, segment: segment.name, offset: newer))
      segment.isForeign = true
    }
    segments[index] = segment
    for missing in gaps { noteGap(missing, in: segment.name) }
    for part in damage {
      noteDamage(
        part.isTail && isLast ? .tornTail : .damaged, segment.name, offset: part.offset, length: part.length)
    }
    let isTorn = damage.last?.isTail ?? false
    if isTorn && isLast { segments[index].end = damage.last?.offset ?? 0 }
    return isTorn || segment.isForeign || segment.size == 0 ? nil : tail
  }

  /// Goes on in the last segment. A process that was killed may have left octets that only memory holds, and a sync that
  /// failed before may have made the system forget that: so the last octets are written once more before the sync.
  private mutating func resume(at offset: Int) {
    guard let active = segments.indices.last else { return }
    let name = segments[active].name
    do throws(DiskError) {
      let start = max(0, offset - (64 << 10))
      if offset > start {
        try disk.write(name, offset: start, try disk.read(name, offset: start, count: offset - start))
      }
      try disk.sync(name)
      try disk.syncDirectory()
      segments[active].end = offset
      writeOffset = offset
    } catch {
      note(JournalFinding(.syncFailed, segment: name, offset: UInt64(offset), errno: error.errno))
    }
  }
}
