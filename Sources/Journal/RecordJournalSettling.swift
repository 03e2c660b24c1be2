// The end of a start. What the last process wrote last may be in memory only, and what it was writing may be cut off. Before
// anything is appended, the last whole group is made durable, and the numbers behind it are closed if something was cut off
// there: parts of it must never be taken for parts of a later group.

/// The last whole group of a start that the disk did not make durable yet. Nothing from it on is handed over or read.
struct PendingHead {
  var run: RecordRun
  /// A segment whose sync failed is not synced again by the same process.
  var canRewrite = true
  /// The start is over: the records are handed over by `recovered`.
  var isLate = false
}

/// A record that closes the numbers behind the last group that counts.
struct PendingMark {
  var record: JournalRecord
  /// Where it has room behind what was cut off, in the last segment; nil: in a new one.
  var room: (segment: String, offset: Int)?
  /// The last number that counts.
  var through: UInt64
}

extension RecordJournal {
  /// Number from which on nothing is read yet.
  var unsettled: UInt64? { pendingHead.map(\.run.first) ?? pendingMark.map { $0.through + 1 } }

  /// Finishes what the start left open. Two syncs: with one for both, a mark could be on the medium without what it follows.
  mutating func settle() throws(DiskError) {
    if let head = pendingHead { try secure(head) }
    if hasUnsyncedNames {
      try disk.syncDirectory()
      hasUnsyncedNames = false
    }
    if let head = pendingHead {
      pendingHead = nil
      count(head.run)
      if head.isLate {
        recovered = head.run.records.map(\.record).filter { $0.kind != .withdrawn }
      }
    }
    if let mark = pendingMark {
      try write(mark)
      pendingMark = nil
      for range in Withdrawal.ranges(of: mark.record) { numbersWithdrawn.insert(range) }
      nextSequence = mark.record.sequence + 1
      isGapIntended = false
    }
  }

  /// Where it stands, by writing the same octets once more: a sync that failed before may have made the system forget that they
  /// are not on the medium. Else a copy in a new segment.
  private mutating func secure(_ head: PendingHead) throws(DiskError) {
    if let piece = head.run.piece, head.canRewrite {
      let name = segments[piece.segment].name
      var isWritten = false
      do throws(DiskError) {
        try rewrite(piece.octets, of: name)
        isWritten = true
        return try disk.sync(name)
      } catch {
        note(JournalFinding(.syncFailed, segment: name, offset: UInt64(piece.octets.lowerBound), errno: error.errno))
        pendingHead?.canRewrite = !isWritten
      }
    }
    try copy(head.run)
  }

  /// With up to 64 KiB before it: versions that did not mark groups may have been writing several records.
  private func rewrite(_ octets: Range<Int>, of name: String) throws(DiskError) {
    for start in [min(octets.lowerBound, max(0, octets.upperBound - (64 << 10))), octets.lowerBound] {
      guard let found = try? disk.read(name, offset: start, count: octets.upperBound - start),
        found.count == octets.upperBound - start
      else { continue }
      return try disk.write(name, offset: start, found)
    }
    throw DiskError(operation: "pread", path: name, errno: 5)
  }

  private mutating func copy(_ run: RecordRun) throws(DiskError) {
    // Its segment comes last. What stands behind it was cut off, and is kept aside where it is no record.
    let behind = segments.filter { $0.first > run.first }
    if let foreign = behind.first(where: \.isForeign) {
      throw DiskError(operation: "copy", path: foreign.name, errno: 5)
    }
    for segment in behind { try disk.remove(segment.name) }
    segments.removeAll { $0.first > run.first }
    var octets: [UInt8] = []
    for placed in run.records { octets += RecordFormat.encode(placed.record) }
    let name = try begin(run.first, size: smallSize(octets.count + 2 * RecordFormat.headerCount))
    do throws(DiskError) {
      try write(octets, through: run.last)
    } catch {
      giveUp(error)
      discard([name])
      throw error
    }
    if pendingMark != nil { pendingMark?.room = (name, octets.count) }
  }

  private mutating func write(_ mark: PendingMark) throws(DiskError) {
    let octets = RecordFormat.encode(mark.record)
    if let room = mark.room, room.segment == segments.last?.name {
      pendingMark?.room = nil
      writeOffset = room.offset
      do throws(DiskError) { return try write(octets, through: mark.record.sequence) } catch { giveUp(error) }
    }
    let name = try begin(mark.record.sequence, size: smallSize(octets.count))
    do throws(DiskError) {
      try write(octets, through: mark.record.sequence)
    } catch {
      giveUp(error)
      discard([name])
      throw error
    }
  }

  /// Keeps what retention needs to know of records that count.
  mutating func count(_ run: RecordRun) {
    for placed in run.records where segments.indices.contains(placed.place.segment) {
      let index = placed.place.segment
      if limits.deliverable.contains(placed.record.kind) {
        segments[index].lastReading = max(segments[index].lastReading ?? 0, placed.record.sequence)
      }
      if placed.record.kind == .snapshot { segments[index].hasSnapshot = true }
    }
  }
}
