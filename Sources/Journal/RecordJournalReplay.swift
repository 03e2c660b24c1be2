// One pass over the records of a start: groups are put together and handed over, damage and missing numbers are told, and what
// stands at the end is kept back until it is settled.

/// What a pass over the segments found.
struct Replay {
  /// Records with a lower number are not handed over: the snapshot holds them.
  let from: UInt64
  var recovery = JournalRecovery()
  var order = SequenceOrder()
  /// The last whole group, not handed over yet.
  var head: RecordRun?
  /// What is left of a group behind it.
  var torn: RecordRun?
  /// Last number that counts, without `head`.
  var through: UInt64 = 0
  /// Highest number of any whole record.
  var highest: UInt64 = 0
  /// No number up to here may be closed: it may be in octets that cannot be read now, or in records of a later format.
  var unknown: UInt64 = 0
  /// Segments that hold a record that counts, or that withdraws, or damage of something that counted.
  var used: Set<Int> = []
  /// Damage behind the last record that counts.
  var damage: [(segment: Int, offset: Int, length: Int)] = []
  var ends: [SegmentEnd]

  init(_ start: ReplayStart, segments: Int) {
    from = start.snapshot ?? 0
    recovery.hasSnapshot = start.snapshot != nil
    ends = Array(repeating: SegmentEnd(), count: segments)
  }

  /// Hands over records that count.
  mutating func hand(_ run: RecordRun, _ visit: (JournalRecord) -> Void) {
    through = max(through, run.last)
    for placed in run.records where placed.record.sequence >= from && placed.record.kind != .withdrawn {
      let record = placed.record
      recovery.records += 1
      if record.kind == .acknowledgement, let answer = try? Acknowledgement(decoding: record.payload) {
        recovery.cursors[answer.backend] = max(answer.through, recovery.cursors[answer.backend] ?? 0)
      }
      visit(record)
    }
  }
}

/// What stands last in a segment's file.
struct SegmentEnd {
  enum Content { case nothing, record, damage }
  var content = Content.nothing
  /// Behind its last octet.
  var offset = 0
  /// Only zeros follow from here, or nothing.
  var tail: Int?
  /// All of it could be read, and is of this format.
  var isKnown = true
}

/// What a start has to do at the end of the journal.
struct JournalEnd {
  var head: RecordRun?
  var mark: PendingMark?
  /// Without a mark: the next number, and where writing goes on in the last segment.
  var next: UInt64
  var isGapIntended = false
  var tail: Int?
}

extension RecordJournal {
  /// - Parameter before: records from this number on are left out.
  mutating func replay(
    from start: ReplayStart, before: UInt64 = .max, _ visit: (JournalRecord) -> Void
  ) -> Replay {
    var replay = Replay(start, segments: segments.count)
    var sieve = GroupSieve()
    for index in segments.indices.dropFirst(start.index) {
      segments[index].lastReading = 0
      segments[index].reach = 0
    }
    walkSegments(disk, segments, from: start.index, window: 256 << 10) { step in
      switch step {
      case .found(let record, let place): note(record, place, &replay)
      case .record(let placed, _):
        let number = placed.record.sequence
        guard number < before, !numbersWithdrawn.contains(number), inOrder(placed, &replay) else { return true }
        return sieve.take(placed) { run in
          take(run, &replay, visit)
          return true
        }
      default: note(step, &replay)
      }
      return true
    }
    _ = sieve.finish { run in
      take(run, &replay, visit)
      return true
    }
    // Nothing that counts is behind it.
    for place in replay.damage {
      noteDamage(.tornTail, segments[place.segment].name, offset: place.offset, length: place.length)
    }
    if replay.damage.isEmpty, let torn = replay.torn { noteDamage(.tornTail, torn) }
    return replay
  }

  private mutating func note(_ record: JournalRecord, _ place: RecordPlace, _ replay: inout Replay) {
    replay.highest = max(replay.highest, record.sequence)
    replay.ends[place.segment].content = .record
    replay.ends[place.segment].offset = place.end
    segments[place.segment].reach = max(segments[place.segment].reach ?? 0, record.sequence)
  }

  private mutating func note(_ step: WalkStep, _ replay: inout Replay) {
    switch step {
    case .record, .found: break
    case .newer(let sequence, let index):
      if !segments[index].isForeign {
        note(JournalFinding(.newerFormat, segment: segments[index].name, offset: sequence))
      }
      segments[index].isForeign = true
      replay.ends[index].isKnown = false
      replay.unknown = max(replay.unknown, sequence)
      replay.order.damaged = true
    case .damage(let index, let offset, let length):
      // Garbage in small pieces must not fill the memory.
      if replay.damage.count < 1024 { replay.damage.append((index, offset, length)) }
      replay.order.damaged = true
      replay.ends[index].content = .damage
      replay.ends[index].offset = offset + length
    case .unreadable(let index, _, _): lose(index, &replay)
    case .end(let index, let offset): replay.ends[index].tail = offset
    case .failed(let index, let error):
      note(JournalFinding(.unreadable, segment: segments[index].name, errno: error.errno))
      segments[index].isForeign = true
      replay.order.damaged = true
      lose(index, &replay)
    }
  }

  /// Which numbers stand in what cannot be read now is not known: as many as there is room for.
  private func lose(_ index: Int, _ replay: inout Replay) {
    replay.ends[index].isKnown = false
    let segment = segments[index]
    replay.unknown = max(replay.unknown, segment.first + UInt64(max(0, segment.size) / RecordFormat.headerCount))
  }

  /// False for a repeat. Missing numbers before a record are told, and damage.
  private mutating func inOrder(_ placed: PlacedRecord, _ replay: inout Replay) -> Bool {
    guard let gap = replay.order.take(placed.record, numbersWithdrawn) else { return false }
    replay.used.insert(placed.place.segment)
    if !gap.missing.isEmpty { replay.used.formUnion(replay.damage.map(\.segment)) }
    for missing in gap.unexplained { noteGap(missing, in: segments[placed.place.segment].name) }
    for place in replay.damage {
      // Where no number is missing, nothing that counts was there.
      noteDamage(
        gap.missing.isEmpty ? .tornTail : .damaged, segments[place.segment].name, offset: place.offset,
        length: place.length)
    }
    replay.damage = []
    return true
  }

  /// One group is on its way to the disk at a time: where records stand behind a group, all of it was confirmed.
  private mutating func take(_ run: RecordRun, _ replay: inout Replay, _ visit: (JournalRecord) -> Void) {
    if run.isWhole || replay.torn != nil {
      if let head = replay.head { handOver(head, &replay, visit) }
      if let torn = replay.torn { salvage(torn, &replay, visit) }
      replay.head = nil
      replay.torn = nil
    }
    if run.isWhole { replay.head = run } else { replay.torn = run }
  }

  private mutating func handOver(_ run: RecordRun, _ replay: inout Replay, _ visit: (JournalRecord) -> Void) {
    count(run)
    replay.hand(run, visit)
  }

  /// What means the same alone counts; the rest could say what did not happen.
  private mutating func salvage(_ run: RecordRun, _ replay: inout Replay, _ visit: (JournalRecord) -> Void) {
    noteDamage(.incompleteGroup, run)
    var rest = run
    rest.records.removeAll { !$0.record.kind.standsAlone }
    handOver(rest, &replay, visit)
    replay.through = max(replay.through, run.last)
  }

  private mutating func noteDamage(_ code: JournalFinding.Code, _ run: RecordRun) {
    guard let first = run.records.first?.place, let last = run.records.last?.place else { return }
    let end = last.segment == first.segment ? last.end : first.end
    noteDamage(code, segments[first.segment].name, offset: first.offset, length: end - first.offset)
  }

  // MARK: The end

  /// What is to be done before the first append.
  func judge(_ replay: Replay) -> JournalEnd {
    let through = max(replay.through, replay.head?.last ?? 0)
    let named = segments.last?.first ?? 1
    if isClean(replay, through: through) {
      let next = max(through + 1, named)
      return JournalEnd(
        head: replay.head, next: next, isGapIntended: next != through + 1, tail: replay.ends.last?.tail)
    }
    let base = max(replay.highest, replay.unknown, through, named - 1)
    let first = max(through, replay.unknown) + 1
    let number = base + RecordFormat.startDistance
    guard number < RecordFormat.maximumSequence else {
      return JournalEnd(head: replay.head, next: base + 1, isGapIntended: true)
    }
    let record = JournalRecord(
      sequence: number, kind: .withdrawn, flags: RecordFormat.gapIsIntended,
      payload: Withdrawal.encode([first...number - 1]))
    return JournalEnd(
      head: replay.head, mark: PendingMark(record: record, room: room(for: record, replay), through: through),
      next: number)
  }

  /// Behind everything in the last segment, whatever it is, and as many zeros as a header has octets: what follows must not
  /// complete a header that was cut off.
  private func room(for record: JournalRecord, _ replay: Replay) -> (segment: String, offset: Int)? {
    guard let last = segments.last, let end = replay.ends.last, end.isKnown, !last.isForeign else { return nil }
    let offset = end.offset + RecordFormat.headerCount
    return offset + RecordFormat.encode(record).count <= last.size ? (last.name, offset) : nil
  }

  /// True when the head stands last, and nothing but zeros behind it. What is not to be seen now will never be: so its numbers
  /// need not be closed.
  private func isClean(_ replay: Replay, through: UInt64) -> Bool {
    guard replay.torn == nil, replay.unknown <= through else { return false }
    for (index, end) in zip(segments.indices, replay.ends).reversed() {
      guard end.isKnown, !segments[index].isForeign, end.tail == end.offset else { return false }
      switch end.content {
      case .nothing: continue
      case .damage: return false
      case .record:
        guard let piece = replay.head?.piece else { return false }
        return piece.segment == index && piece.octets.upperBound == end.offset
      }
    }
    return replay.head == nil
  }
}
