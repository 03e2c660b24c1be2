// Writing segments anew without some of their contents: what the law calls erasure. A dropped record leaves its number and
// nothing else. The new segment is on the medium before the old one loses its name; then the old one's octets are overwritten
// with zeros and synced before the file goes. A power cut leaves the old, both, or the new; doing it again completes it.

/// What becomes of a record when its segment is written anew.
public enum RecordRewrite: Hashable, Sendable {
  /// It stays as it is.
  case keep
  /// It keeps its number and kind and gets these octets.
  case replace([UInt8])
  /// It keeps its number alone; its kind becomes `RecordKind.erased`.
  case drop
}

/// What a rewriting did.
public struct RewriteReport: Hashable, Sendable {
  /// Records that were dropped, by sequence number, with the kind that they had.
  public var dropped: [UInt64: RecordKind] = [:]
  /// Segments that were written anew.
  public var rewritten = 0
  /// Segments that cannot be read or are of a later format: they were left as they are.
  public var left: [String] = []
}

extension RecordKind {
  /// A record whose contents were erased; no payload.
  public static let erased = RecordKind(rawValue: 14)
}

extension RecordJournal {
  /// What a segment's file is called while its octets are overwritten.
  static var erasing: String { Segment.erasing }
  /// What a segment's new file is called until the old one has lost its name.
  static var rewriting: String { Segment.rewriting }

  /// Asks for every whole record what becomes of it, and writes those segments anew in which something changes or is damaged:
  /// damaged octets may be what is to go. The next append begins a new segment.
  /// - Throws: the disk refused; what was done so far is done, the rest is as it was. Call it again.
  public mutating func rewrite(_ decide: (JournalRecord) -> RecordRewrite) throws(DiskError) -> RewriteReport {
    var report = RewriteReport()
    try finishPending()
    writeOffset = nil
    positions = []
    defer { positions = [] }
    try finishRewriting(Set(try disk.list().map(\.name)))
    leftovers = []
    for index in segments.indices {
      guard !segments[index].isForeign else {
        report.left.append(segments[index].name)
        continue
      }
      try rewrite(index, decide, &report)
    }
    return report
  }

  private mutating func rewrite(
    _ index: Int, _ decide: (JournalRecord) -> RecordRewrite, _ report: inout RewriteReport
  ) throws(DiskError) {
    let old = segments[index]
    var octets: [UInt8] = []
    var dropped: [UInt64: RecordKind] = [:]
    var changes = false
    var isNewer = false
    var lastReading: UInt64 = 0
    var reach: UInt64 = 0
    var hasSnapshot = false
    var isAfterDamage = false
    try scanSegment(disk, old.name, size: old.size, window: 256 << 10) { step in
      switch step {
      case .record(var record, _, _):
        switch decision(record, decide) {
        case .keep: break
        case .replace(let payload):
          changes = changes || payload != record.payload
          record.payload = payload
        case .drop:
          changes = true
          if !numbersWithdrawn.contains(record.sequence) { dropped[record.sequence] = record.kind }
          record.kind = .erased
          record.payload = []
        }
        if isAfterDamage { record.flags |= RecordFormat.gapIsIntended }
        isAfterDamage = false
        if limits.deliverable.contains(record.kind) { lastReading = record.sequence }
        if record.kind == .snapshot { hasSnapshot = true }
        reach = max(reach, record.sequence)
        octets += RecordFormat.encode(record)
      case .damage:
        changes = true
        isAfterDamage = true
      case .newer: isNewer = true
      case .end, .need, .unreadable: break
      }
      return true
    }
    guard !isNewer else { return report.left.append(old.name) }
    guard changes else { return }
    let units = (octets.count + limits.segmentBytes - 1) / limits.segmentBytes
    var new = old
    new.name = Self.rewriting + old.name
    new.size = max(old.size, units * limits.segmentBytes)
    new.end = octets.count
    new.lastReading = lastReading
    new.reach = reach
    new.hasSnapshot = hasSnapshot
    try replace(index, by: new, octets)
    report.rewritten += 1
    report.dropped.merge(dropped) { first, _ in first }
    try overwrite(Self.erasing + old.name, size: old.size)
  }

  /// What was refused never happened: nobody is asked, and its octets go. What withdraws it stays.
  private func decision(_ record: JournalRecord, _ decide: (JournalRecord) -> RecordRewrite) -> RecordRewrite {
    if record.kind == .withdrawn { return .keep }
    guard numbersWithdrawn.contains(record.sequence) else { return decide(record) }
    return record.kind == .erased ? .keep : .drop
  }

  /// The new file is whole on the medium under its own name before the old one loses its name; recovery finishes the rest.
  private mutating func replace(_ index: Int, by new: Segment, _ octets: [UInt8]) throws(DiskError) {
    let name = segments[index].name
    do throws(DiskError) {
      try disk.create(new.name, size: new.size)
      if !octets.isEmpty {
        try disk.write(new.name, offset: 0, octets)
        try disk.sync(new.name)
      }
      try disk.syncDirectory()
    } catch {
      // A name that is left behind would be in the way of the next try.
      do throws(DiskError) { try disk.remove(new.name) } catch { leftovers.insert(new.name) }
      throw error
    }
    leftovers.insert(new.name)
    try disk.rename(name, to: Self.erasing + name)
    leftovers.remove(new.name)
    segments[index] = new
    try disk.syncDirectory()
    try disk.rename(new.name, to: name)
    segments[index].name = name
    try disk.syncDirectory()
  }

  /// What a power cut or a failing disk left of a rewriting is taken up: a new file whose old one is gone gets its name; one
  /// whose old one is still there was not complete; an old one is overwritten.
  mutating func finishRewriting(_ names: Set<String>) throws(DiskError) {
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
        try disk.syncDirectory()
      }
    }
    for entry in try disk.list() where entry.name.hasPrefix(Self.erasing) && entry.isRegular {
      try overwrite(entry.name, size: entry.size)
    }
  }

  /// Zeros over a file's octets, then it goes.
  mutating func overwrite(_ name: String, size: Int) throws(DiskError) {
    var offset = 0
    while offset < size {
      let count = min(256 << 10, size - offset)
      try disk.write(name, offset: offset, [UInt8](repeating: 0, count: count))
      offset += count
    }
    try disk.sync(name)
    try disk.remove(name)
    try disk.syncDirectory()
  }
}
