// Appending: one group of records, one write, one sync. A failed write or sync moves to a new segment and is never taken for
// success; when that fails too, the group is refused and withdrawn.

/// A group as it is written.
struct EncodedGroup {
  var octets: [UInt8]
  var numbers: Range<UInt64>
}

extension RecordJournal {
  /// Writes records as one group and syncs them: after a restart all of them are there, or none.
  /// - Throws: none of them counts, their sequence numbers are not used again, and the next call tries anew. After
  ///   `AppendFailure.outcomeUnknown` they may be in force after a restart; all other failures are final.
  package mutating func append(_ drafts: [RecordDraft]) throws(AppendFailure) -> Appended {
    guard !drafts.isEmpty else { return Appended(sequences: nextSequence..<nextSequence, rolled: false) }
    if let size = excess(drafts) { throw .tooLarge(size) }
    do throws(AppendFailure) {
      try makeReady()
      let group = try encode(drafts)
      let rolled = try place(group, isBounded: drafts.contains { limits.bounded.contains($0.kind) })
      let first = group.numbers.lowerBound
      nextSequence = group.numbers.upperBound
      isGapIntended = false
      failing = nil
      tell(drafts, first: first)
      if !hasSpare { _ = makeSpare() }
      return Appended(sequences: first..<first + UInt64(drafts.count), rolled: rolled)
    } catch {
      failing = error
      throw error
    }
  }

  /// What is left from a start or a failure is brought to its end first; while that fails, nothing is written.
  private mutating func makeReady() throws(AppendFailure) {
    do throws(DiskError) {
      try finishPending()
    } catch { throw failure(error) }
  }

  /// - Throws: the disk refused, or records of the last start are not taken yet (EAGAIN).
  mutating func finishPending() throws(DiskError) {
    try settle()
    try withdraw()
    // Who appends has decided without them.
    guard recovered.isEmpty else { throw DiskError(operation: "recover", path: segments.last?.name ?? "", errno: 11) }
  }

  /// The size that is beyond the bounds; nil when none is.
  private func excess(_ drafts: [RecordDraft]) -> Int? {
    guard drafts.count < RecordFormat.maximumGroup else { return drafts.count }
    var octets = 0
    for draft in drafts {
      guard draft.payload.count <= RecordFormat.maximumPayload else { return draft.payload.count }
      octets += RecordFormat.headerCount + draft.payload.count
    }
    return octets > limits.groupBytes ? octets : nil
  }

  private func encode(_ drafts: [RecordDraft]) throws(AppendFailure) -> EncodedGroup {
    var drafts = drafts
    // A reader that starts at this snapshot learns from the same group what it has to pass over in older segments.
    if drafts.contains(where: { $0.kind == .snapshot }), !withdrawn.isEmpty {
      drafts.append(RecordDraft(kind: .withdrawn, payload: Withdrawal.encode(withdrawn)))
    }
    let first = nextSequence
    guard first < RecordFormat.maximumSequence - RecordFormat.startDistance else { throw .full(nil) }
    let last = first + UInt64(drafts.count - 1)
    var group = EncodedGroup(octets: [], numbers: first..<last + 1)
    for (sequence, draft) in zip(first...last, drafts) {
      var flags: UInt16 = sequence == first && isGapIntended ? RecordFormat.gapIsIntended : 0
      if sequence > first { flags |= RecordFormat.continued }
      if sequence < last { flags |= RecordFormat.continues }
      group.octets += RecordFormat.encode(
        JournalRecord(sequence: sequence, kind: draft.kind, flags: flags, payload: draft.payload))
    }
    return group
  }

  private func fits(_ count: Int) -> Bool {
    guard let offset = writeOffset, let active = segments.last else { return false }
    return active.size - offset >= count
  }

  private mutating func place(_ group: EncodedGroup, isBounded: Bool) throws(AppendFailure) -> Bool {
    let count = group.octets.count
    if isBounded {
      // Readings leave room for the acknowledgements that free the room again.
      let used = bytes + (hasSpare ? 0 : limits.segmentBytes)
      guard used + (fits(count) ? 0 : newSize(count)) <= limits.maximumBytes else { throw .full(nil) }
      if !hasSpare, let error = makeSpare(), error.isFull { throw .full(error) }
    }
    let rolls = !fits(count)
    var begun: [String] = []
    if rolls {
      // Nothing is written yet: refused at once.
      do throws(DiskError) { begun.append(try begin(group.numbers.lowerBound, size: newSize(count))) } catch {
        throw failure(error)
      }
    }
    do throws(DiskError) {
      try write(group.octets, through: group.numbers.upperBound - 1)
      return rolls
    } catch { giveUp(error) }
    do throws(DiskError) {
      begun.append(try begin(group.numbers.lowerBound, size: newSize(count)))
      try write(group.octets, through: group.numbers.upperBound - 1)
      discard(begun.dropLast())
      return true
    } catch {
      if writeOffset != nil { giveUp(error) }
      throw refuse(group.numbers, begun: begun, error)
    }
  }

  func failure(_ error: DiskError) -> AppendFailure { error.isFull ? .full(error) : .syncFailed(error) }

  /// At the active segment's end.
  mutating func write(_ octets: [UInt8], through last: UInt64) throws(DiskError) {
    try put(octets)
    try confirm(octets.count, through: last)
  }

  func put(_ octets: [UInt8]) throws(DiskError) {
    guard let offset = writeOffset, let active = segments.last else {
      throw DiskError(operation: "append", path: "", errno: 9)
    }
    try disk.write(active.name, offset: offset, octets)
  }

  /// What was put there last is on the medium when this returns.
  mutating func confirm(_ count: Int, through last: UInt64) throws(DiskError) {
    guard let offset = writeOffset, let active = segments.indices.last else { return }
    try disk.sync(segments[active].name)
    writeOffset = offset + count
    segments[active].end = offset + count
    segments[active].reach = last
  }

  /// The active segment is never written or synced again; its confirmed part stays.
  mutating func giveUp(_ error: DiskError) {
    writeOffset = nil
    note(
      JournalFinding(
        .syncFailed, segment: segments.last?.name ?? "", offset: UInt64(segments.last?.end ?? 0), errno: error.errno))
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
