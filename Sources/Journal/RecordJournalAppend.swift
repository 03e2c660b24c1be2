// Appending: one group of records, one write, one sync; a failure moves to a new segment and is never taken for success.

extension RecordJournal {
  /// Writes records and syncs them. One group lies in one segment; after a crash in the middle a first part of it may be there.
  /// When this throws, none of them counts as written, their sequence numbers are not used again, and the next call tries anew.
  public mutating func append(_ drafts: [RecordDraft]) throws(AppendFailure) -> Appended {
    guard !drafts.isEmpty else { return Appended(sequences: nextSequence..<nextSequence, rolled: false) }
    let first = nextSequence
    let group = try encode(drafts, first: first)
    let last = first + UInt64(drafts.count)
    let isReading = drafts.contains { limits.bounded.contains($0.kind) }
    do throws(AppendFailure) {
      let rolled = try place(group, first: first, last: last, isReading: isReading)
      nextSequence = last
      isGapIntended = false
      failing = nil
      tell(drafts, first: first)
      if !hasSpare { _ = makeSpare() }
      return Appended(sequences: first..<last, rolled: rolled)
    } catch {
      failing = error
      throw error
    }
  }

  private func encode(_ drafts: [RecordDraft], first: UInt64) throws(AppendFailure) -> [UInt8] {
    guard UInt64(drafts.count) < RecordFormat.maximumSequence - first else { throw .full(nil) }
    var group: [UInt8] = []
    var sequence = first
    for draft in drafts {
      guard draft.payload.count <= RecordFormat.maximumPayload else { throw .tooLarge(draft.payload.count) }
      let isAfterGap = sequence == first && isGapIntended
      group += RecordFormat.encode(
        JournalRecord(
          sequence: sequence, kind: draft.kind, flags: isAfterGap ? RecordFormat.gapIsIntended : 0,
          payload: draft.payload))
      sequence += 1
    }
    guard group.count <= limits.groupBytes else { throw .tooLarge(group.count) }
    return group
  }

  private func fits(_ count: Int) -> Bool {
    guard let offset = writeOffset, let active = segments.last else { return false }
    return active.size - offset >= count
  }

  /// A large group, a snapshot, has as much room behind it as it takes: else the next roll, and the next snapshot, come too soon.
  private func newSize(_ count: Int) -> Int {
    guard count > limits.segmentBytes / 2 else { return limits.segmentBytes }
    return (2 * count + limits.segmentBytes - 1) / limits.segmentBytes * limits.segmentBytes
  }

  private mutating func place(
    _ group: [UInt8], first: UInt64, last: UInt64, isReading: Bool
  ) throws(AppendFailure) -> Bool {
    if isReading {
      // Readings leave room for the acknowledgements that free the room again.
      let used = bytes + (hasSpare ? 0 : limits.segmentBytes)
      guard used + (fits(group.count) ? 0 : newSize(group.count)) <= limits.maximumBytes else { throw .full(nil) }
      if !hasSpare, let error = makeSpare(), error.isFull { throw .full(error) }
    }
    let rolls = !fits(group.count)
    if rolls {
      do throws(DiskError) {
        try begin(first, count: group.count)
      } catch { throw failure(error) }
    }
    do throws(DiskError) {
      try write(group)
      return rolls
    } catch { giveUp(error) }
    do throws(DiskError) {
      try begin(first, count: group.count)
      try write(group)
      return true
    } catch {
      if writeOffset != nil { giveUp(error) }
      // The octets may be on the medium all the same: other records must not carry these numbers.
      nextSequence = last
      isGapIntended = true
      throw failure(error)
    }
  }

  private func failure(_ error: DiskError) -> AppendFailure { error.isFull ? .full(error) : .syncFailed(error) }

  private mutating func write(_ group: [UInt8]) throws(DiskError) {
    guard let offset = writeOffset, let active = segments.indices.last else {
      throw DiskError(operation: "append", path: "", errno: 9)
    }
    try disk.write(segments[active].name, offset: offset, group)
    try disk.sync(segments[active].name)
    writeOffset = offset + group.count
    segments[active].end = offset + group.count
  }

  /// The active segment is never written or synced again; its confirmed part stays.
  private mutating func giveUp(_ error: DiskError) {
    writeOffset = nil
    note(
      JournalFinding(
        .syncFailed, segment: segments.last?.name ?? "", offset: UInt64(segments.last?.end ?? 0), errno: error.errno))
  }

  /// Begins a segment; on failure the one before stays as it is.
  private mutating func begin(_ first: UInt64, count: Int) throws(DiskError) {
    var generation = 0
    for segment in segments.reversed() where segment.first >= first {
      if segment.first == first { generation = max(generation, segment.generation + 1) }
    }
    var segment = Segment(first: first, generation: generation, size: newSize(count), end: 0)
    segment.lastReading = 0
    if hasSpare && segment.size == limits.segmentBytes {
      try disk.rename(Self.spare, to: segment.name)
      hasSpare = false
    } else {
      try disk.create(segment.name, size: segment.size)
    }
    segments.append(segment)
    writeOffset = nil
    try disk.syncDirectory()
    writeOffset = 0
  }

  /// A zero-filled file in advance. Returns why there is none.
  private mutating func makeSpare() -> DiskError? {
    do throws(DiskError) {
      try disk.create(Self.spare, size: limits.segmentBytes)
      hasSpare = true
      return nil
    } catch { return error }
  }

  /// Keeps what retention needs to know.
  private mutating func tell(_ drafts: [RecordDraft], first: UInt64) {
    guard let active = segments.indices.last else { return }
    for (index, draft) in drafts.enumerated() {
      if limits.deliverable.contains(draft.kind) { segments[active].lastReading = first + UInt64(index) }
      if draft.kind == .snapshot { segments[active].hasSnapshot = true }
    }
  }
}
