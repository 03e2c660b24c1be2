// Writing segments anew without some of their contents: what the law calls erasure. A dropped record leaves its number and
// nothing else. The new segment is on the medium before the old one loses its name; then the old one's octets are overwritten
// with zeros and synced before the file goes. A power cut leaves the old, both, or the new; doing it again completes it.
//
// It is done in steps, and between two of them the journal is whole: whoever appends waits for one step. A step reads, writes and
// syncs a bounded part of one segment, or changes names.

/// What becomes of a record when its segment is written anew.
package enum RecordRewrite: Hashable, Sendable {
  /// It stays as it is.
  case keep
  /// It keeps its number and kind and gets these octets.
  case replace([UInt8])
  /// It keeps its number alone; its kind becomes `RecordKind.erased`.
  case drop
}

/// What a rewriting did.
package struct RewriteReport: Hashable, Sendable {
  /// Records that were dropped, by sequence number, with the kind that they had.
  package var dropped: [UInt64: RecordKind] = [:]
  /// Segments that were written anew.
  package var rewritten = 0
  /// Segments that cannot be read or are of a later format: they were left as they are.
  package var left: [String] = []
}

extension RecordKind {
  /// A record whose contents were erased; no payload.
  package static let erased = RecordKind(rawValue: 14)
}

/// A rewriting under way: `RecordJournal.step` takes it on. Every record is looked at first. Then the segments that are there are
/// closed, and those in which something changes are written anew, the oldest first. What is appended meanwhile stands in later
/// segments and stays as it is. One at a time: when another one has begun since, a rewriting starts again.
package struct JournalRewriting: Sendable {
  /// Where a rewriting is.
  package enum Phase: Hashable, Sendable {
    /// What an earlier one left is finished, then every record is looked at. No record has changed yet.
    case looking
    /// Segments are written anew.
    case writing
    /// All is done.
    case done
  }
  /// Where it is.
  package internal(set) var phase = Phase.looking
  /// What it did so far.
  package internal(set) var report = RewriteReport()
  /// Most octets that one step reads, writes or syncs; one record may be larger.
  let part: Int
  /// Which of the journal's rewritings it is; nil: it has not begun.
  var turn: Int?
  var isBegun = false
  /// The last segment at the beginning: from there on the look follows what is appended.
  var target = SegmentKey(first: 0, generation: 0)
  /// Where the look goes on.
  var look: (segment: SegmentKey, offset: Int) = (SegmentKey(first: 0, generation: 0), 0)
  /// The next sequence number when the look had come to `target`, and how often it was another one at the next step.
  var grownTo: UInt64?
  var stepsBehind = 0
  /// Segments that were not reached yet.
  var remaining: ArraySlice<SegmentKey> = []
  var draft: SegmentDraft?
  /// A file whose octets are overwritten before it goes.
  var old: OldFile?

  /// A rewriting that has not begun.
  package init(part: Int = 128 << 10) { self.part = max(1, part) }

  /// A segment may hold what is to go.
  func concerns(_ segment: SegmentKey) -> Bool {
    switch phase {
    case .looking: true
    case .writing: draft?.key == segment || remaining.contains(segment)
    case .done: false
    }
  }

  /// The next step gives a segment a new file: places in it are others from then on.
  package var replacesNext: Bool {
    guard old == nil, let draft else { return false }
    return draft.isWritten
  }
}

/// Which segment, whatever its file is called at the moment.
struct SegmentKey: Hashable, Sendable, Comparable {
  var first: UInt64
  var generation: Int

  static func < (one: Self, other: Self) -> Bool {
    (one.first, one.generation) < (other.first, other.generation)
  }
}

extension Segment {
  var key: SegmentKey { SegmentKey(first: first, generation: generation) }
}

/// A segment that is being written anew.
struct SegmentDraft: Sendable {
  let key: SegmentKey
  let name: String
  /// Octets of the old file.
  let size: Int
  /// How far the old file is read.
  var offset = 0
  var isRead = false
  var octets: [UInt8] = []
  var dropped: [UInt64: RecordKind] = [:]
  var changes = false
  var isNewer = false
  var isAfterDamage = false
  var lastReading: UInt64 = 0
  var reach: UInt64 = 0
  var hasSnapshot = false
  /// Octets of the new file that are on the medium; nil: there is no new file yet.
  var written: Int?
  var newSize = 0

  init(_ segment: Segment) {
    key = segment.key
    name = segment.name
    size = segment.size
  }

  var newName: String { Segment.rewriting + name }
  var isWritten: Bool { written.map { $0 >= newSize } ?? false }
}

/// A file that has lost its name.
struct OldFile: Sendable {
  let name: String
  let size: Int
  /// Zeros up to here are on the medium.
  var offset = 0
}

extension RecordJournal {
  /// What a segment's file is called while its octets are overwritten.
  static var erasing: String { Segment.erasing }
  /// What a segment's new file is called until the old one has lost its name.
  static var rewriting: String { Segment.rewriting }

  /// Does the next part of a rewriting. Between two steps the journal may be appended to, read and retained.
  /// - Parameters:
  ///   - look: sees every whole record before the first one changes.
  ///   - decide: says of every whole record what becomes of it. A segment is written anew where something changes or is damaged:
  ///     damaged octets may be what is to go.
  /// - Throws: the disk refused; what was done so far is done, the rest is as it was. Begin another rewriting then.
  package mutating func step(
    _ rewriting: inout JournalRewriting, look: (JournalRecord) -> Void, decide: (JournalRecord) -> RecordRewrite
  ) throws(DiskError) {
    if rewriting.phase != .done, rewriting.turn != rewritings {
      let report = rewriting.report
      rewriting = JournalRewriting(part: rewriting.part)
      rewriting.report = report
      rewritings += 1
      rewriting.turn = rewritings
    }
    if let old = rewriting.old {
      rewriting.old = try overwritePart(old, rewriting.part)
      return
    }
    switch rewriting.phase {
    case .looking:
      if rewriting.isBegun { try lookOn(&rewriting, look) } else { try begin(&rewriting) }
    case .writing: try writeOn(&rewriting, decide)
    case .done: break
    }
  }

  // MARK: The look

  private mutating func begin(_ rewriting: inout JournalRewriting) throws(DiskError) {
    try finishPending()
    let entries = try disk.list()
    try takeUpNames(Set(entries.map(\.name)))
    leftovers = []
    retired = []
    if let old = try disk.list().first(where: { $0.name.hasPrefix(Self.erasing) && $0.isRegular }) {
      rewriting.old = OldFile(name: old.name, size: old.size)
    } else {
      rewriting.isBegun = true
      rewriting.target = segments.last?.key ?? rewriting.target
    }
  }

  private mutating func lookOn(
    _ rewriting: inout JournalRewriting, _ look: (JournalRecord) -> Void
  ) throws(DiskError) {
    // Who appends must not be faster for ever: near the end of a journal that grows each step looks at twice as much.
    var budget = rewriting.part << min(rewriting.stepsBehind, 12)
    while budget > 0 {
      let place = rewriting.look
      guard let index = segments.firstIndex(where: { $0.key >= place.segment }) else {
        return try beginWriting(&rewriting)
      }
      let segment = segments[index]
      let isLast = index == segments.count - 1
      let start = segment.key == place.segment ? place.offset : 0
      rewriting.look = (segment.key, start)
      var isAtEnd = segment.isForeign
      if !isAtEnd {
        let size = isLast && writeOffset != nil ? segment.end : segment.size
        isAtEnd = try scanPart(segment.name, size: size, offset: &rewriting.look.offset, budget) { step in
          if case .record(let record, _, _) = step, counts(record) { look(record) }
        }
      }
      budget -= max(1, rewriting.look.offset - start)
      guard isAtEnd else { break }
      if isLast { return try beginWriting(&rewriting) }
      rewriting.look = (segments[index + 1].key, 0)
    }
    if rewriting.look.segment >= rewriting.target {
      if let grown = rewriting.grownTo, grown < nextSequence { rewriting.stepsBehind += 1 }
      rewriting.grownTo = nextSequence
    }
  }

  /// Neither what was refused nor what withdraws it: nobody is asked about those.
  private func counts(_ record: JournalRecord) -> Bool {
    record.kind != .withdrawn && !numbersWithdrawn.contains(record.sequence)
      && !(doubt?.numbers.contains(record.sequence) ?? false)
  }

  /// Everything was looked at: the segments that are there are closed.
  private mutating func beginWriting(_ rewriting: inout JournalRewriting) throws(DiskError) {
    let last = segments.last?.key
    try finishPending()
    // What was in doubt is withdrawn by a segment of its own.
    guard segments.last?.key == last else { return }
    writeOffset = nil
    rewriting.remaining = segments.filter { !$0.isForeign }.map(\.key)[...]
    rewriting.report.left = segments.filter(\.isForeign).map(\.name)
    rewriting.phase = .writing
  }

  // MARK: Segments written anew

  private mutating func writeOn(
    _ rewriting: inout JournalRewriting, _ decide: (JournalRecord) -> RecordRewrite
  ) throws(DiskError) {
    if rewriting.draft == nil, let old = retired.popLast() {
      rewriting.old = old
      return
    }
    guard var draft = rewriting.draft ?? nextDraft(&rewriting) else {
      rewriting.phase = .done
      return
    }
    rewriting.draft = nil
    // Retention may have taken it away, or its new file alone.
    guard let index = segments.firstIndex(where: { $0.key == draft.key }) else {
      return try removeNewFile(of: draft)
    }
    if draft.written != nil, !leftovers.contains(draft.newName) {
      rewriting.remaining.insert(draft.key, at: rewriting.remaining.startIndex)
      return
    }
    if !draft.isRead {
      try readOn(&draft, rewriting.part, decide)
      if draft.isRead {
        if draft.isNewer { rewriting.report.left.append(draft.name) }
        if draft.isNewer || !draft.changes { return }
      }
    } else if draft.isWritten {
      try replace(index, by: draft)
      rewriting.report.rewritten += 1
      rewriting.report.dropped.merge(draft.dropped) { first, _ in first }
      rewriting.old = OldFile(name: Self.erasing + draft.name, size: draft.size)
      return
    } else {
      do throws(DiskError) { try writePart(&draft, rewriting.part) } catch {
        // A name that is left behind would be in the way of the next try.
        try? removeNewFile(of: draft)
        throw error
      }
    }
    rewriting.draft = draft
  }

  private func nextDraft(_ rewriting: inout JournalRewriting) -> SegmentDraft? {
    while let key = rewriting.remaining.popFirst() {
      if let segment = segments.first(where: { $0.key == key }) { return SegmentDraft(segment) }
    }
    return nil
  }

  private mutating func removeNewFile(of draft: SegmentDraft) throws(DiskError) {
    guard leftovers.contains(draft.newName) else { return }
    try disk.remove(draft.newName)
    leftovers.remove(draft.newName)
  }

  private func readOn(
    _ draft: inout SegmentDraft, _ part: Int, _ decide: (JournalRecord) -> RecordRewrite
  ) throws(DiskError) {
    var offset = draft.offset
    draft.isRead = try scanPart(draft.name, size: draft.size, offset: &offset, part) { step in
      switch step {
      case .record(let record, _, _): take(record, &draft, decide)
      case .damage:
        draft.changes = true
        draft.isAfterDamage = true
      case .newer: draft.isNewer = true
      case .end, .need, .unreadable: break
      }
    }
    draft.offset = offset
    let units = (draft.octets.count + limits.segmentBytes - 1) / limits.segmentBytes
    draft.newSize = max(draft.size, units * limits.segmentBytes)
  }

  private func take(_ found: JournalRecord, _ draft: inout SegmentDraft, _ decide: (JournalRecord) -> RecordRewrite) {
    var record = found
    switch decision(record, decide) {
    case .keep: break
    case .replace(let payload):
      draft.changes = draft.changes || payload != record.payload
      record.payload = payload
    case .drop:
      draft.changes = true
      if !numbersWithdrawn.contains(record.sequence) { draft.dropped[record.sequence] = record.kind }
      record.kind = .erased
      record.payload = []
    }
    if draft.isAfterDamage { record.flags |= RecordFormat.gapIsIntended }
    draft.isAfterDamage = false
    if limits.deliverable.contains(record.kind) { draft.lastReading = record.sequence }
    if record.kind == .snapshot { draft.hasSnapshot = true }
    draft.reach = max(draft.reach, record.sequence)
    draft.octets += RecordFormat.encode(record)
  }

  /// What was refused never happened: nobody is asked, and its octets go. What withdraws it stays.
  private func decision(_ record: JournalRecord, _ decide: (JournalRecord) -> RecordRewrite) -> RecordRewrite {
    if record.kind == .withdrawn { return .keep }
    guard numbersWithdrawn.contains(record.sequence) else { return decide(record) }
    return record.kind == .erased ? .keep : .drop
  }

  /// Reads a file on, up to some octets; true at its end.
  private func scanPart(
    _ name: String, size: Int, offset: inout Int, _ part: Int, _ body: (ScanStep) -> Void
  ) throws(DiskError) -> Bool {
    let start = offset
    var place = offset
    var isAtEnd = true
    try scanSegment(disk, name, size: size, from: start, window: max(part, 4 << 10)) { step in
      body(step)
      switch step {
      case .record(_, _, let next): place = next
      case .damage(let offset, let length): place = offset + length
      case .end(let offset): place = offset
      case .newer, .unreadable, .need: return true
      }
      if case .end = step { return true }
      isAtEnd = place - start < part
      return isAtEnd
    }
    offset = place
    return isAtEnd
  }

  /// The new file has no name that counts until the old one has lost its own.
  private mutating func writePart(_ draft: inout SegmentDraft, _ part: Int) throws(DiskError) {
    guard let written = draft.written else {
      try disk.create(draft.newName, size: 0)
      // Without the old one it would count: retention takes it away first.
      leftovers.insert(draft.newName)
      draft.written = 0
      return
    }
    let end = min(draft.newSize, written + part)
    var octets = Array(draft.octets.dropFirst(written).prefix(end - written))
    octets += [UInt8](repeating: 0, count: end - written - octets.count)
    try disk.write(draft.newName, offset: written, octets)
    try disk.sync(draft.newName)
    if end == draft.newSize { try disk.syncDirectory() }
    draft.written = end
  }

  /// The new file is whole on the medium under its own name before the old one loses its name; recovery finishes the rest.
  private mutating func replace(_ index: Int, by draft: SegmentDraft) throws(DiskError) {
    var new = segments[index]
    new.name = draft.newName
    new.size = draft.newSize
    new.end = draft.octets.count
    new.lastReading = draft.lastReading
    new.reach = draft.reach
    new.hasSnapshot = draft.hasSnapshot
    try disk.rename(draft.name, to: Self.erasing + draft.name)
    leftovers.remove(draft.newName)
    segments[index] = new
    positions = []
    try disk.syncDirectory()
    try disk.rename(draft.newName, to: draft.name)
    segments[index].name = draft.name
    try disk.syncDirectory()
  }

  // MARK: What is left over

  /// What a power cut or a failing disk left of a rewriting is taken up: a new file whose old one is gone gets its name; one
  /// whose old one is still there was not complete; an old one is overwritten.
  mutating func finishRewriting(_ names: Set<String>) throws(DiskError) {
    try takeUpNames(names)
    for entry in try disk.list() where entry.name.hasPrefix(Self.erasing) && entry.isRegular {
      var old: OldFile? = OldFile(name: entry.name, size: entry.size)
      while let file = old { old = try overwritePart(file, 256 << 10) }
    }
  }

  private mutating func takeUpNames(_ names: Set<String>) throws(DiskError) {
    for index in segments.indices where segments[index].name.hasPrefix(Self.rewriting) {
      let name = String(segments[index].name.dropFirst(Self.rewriting.utf8.count))
      try disk.rename(segments[index].name, to: name)
      segments[index].name = name
      try disk.syncDirectory()
    }
    for name in names.sorted() {
      let inner = String(name.dropFirst(Self.rewriting.utf8.count))
      if name.hasPrefix(Self.rewriting), segments.contains(where: { $0.name == inner }), names.contains(inner) {
        try disk.remove(name)
        leftovers.remove(name)
        try disk.syncDirectory()
      }
    }
  }

  /// Zeros over a part of a file's octets; over all of them, it goes.
  /// - Returns: what is left; nil when the file is gone.
  private func overwritePart(_ old: OldFile, _ part: Int) throws(DiskError) -> OldFile? {
    guard old.offset < old.size else {
      try disk.remove(old.name)
      try disk.syncDirectory()
      return nil
    }
    var old = old
    let count = min(part, old.size - old.offset)
    try disk.write(old.name, offset: old.offset, [UInt8](repeating: 0, count: count))
    // Each part alone: else the next append's sync would wait for all of them.
    try disk.sync(old.name)
    old.offset += count
    return old
  }
}
