// Names in the journal's directory: `<first sequence, 20 digits>.journal`, and `<first>-<n>.journal` when a segment with the
// same first sequence was given up before it held a confirmed record.

/// A segment as the journal knows it.
struct Segment {
  var name: String
  var first: UInt64
  var generation: Int
  /// Octets of the file.
  var size: Int
  /// Records are read up to here: the confirmed end while it was written by this process, else the size.
  var end: Int
  /// Newest reading; nil when not known.
  var lastReading: UInt64?
  /// Highest number of a whole record up to `end`; nil when not known.
  var reach: UInt64?
  var hasSnapshot = false
  /// A later format, or not readable: neither written nor removed.
  var isForeign = false

  init(first: UInt64, generation: Int, size: Int, end: Int) {
    name = Self.name(first: first, generation: generation)
    self.first = first
    self.generation = generation
    self.size = size
    self.end = end
  }

  /// Before a segment's name: its octets are being overwritten; it is its new file.
  static let erasing = "erasing-"
  static let rewriting = "rewriting-"

  /// The segments of a directory in order. A new file whose old one has lost its name already counts under its own.
  static func all(_ entries: [DiskEntry]) -> [Segment] {
    let names = Set(entries.map(\.name))
    var segments: [Segment] = []
    for var entry in entries {
      let name = entry.name
      if name.hasPrefix(rewriting) {
        entry.name = String(name.dropFirst(rewriting.utf8.count))
        if names.contains(entry.name) { continue }
      }
      guard var segment = Segment(entry) else { continue }
      segment.name = name
      segments.append(segment)
    }
    return segments.sorted { ($0.first, $0.generation) < ($1.first, $1.generation) }
  }

  /// Names beside the segments that are the journal's own.
  static func isOwn(_ name: String) -> Bool {
    ["spare", "lock", "damaged"].contains(name) || name.hasPrefix(erasing) || name.hasPrefix(rewriting)
  }

  static func name(first: UInt64, generation: Int) -> String {
    let digits = String(first)
    let padded = String(repeating: "0", count: max(0, 20 - digits.utf8.count)) + digits
    return generation == 0 ? "\(padded).journal" : "\(padded)-\(generation).journal"
  }

  /// nil when the name is not exactly one that this journal gives.
  init?(_ entry: DiskEntry) {
    guard entry.isRegular, entry.name.hasSuffix(".journal") else { return nil }
    let parts = entry.name.dropLast(8).split(separator: "-", omittingEmptySubsequences: false)
    guard parts.count <= 2, let head = parts.first, let first = UInt64(head), first >= 1,
      first <= RecordFormat.maximumSequence
    else { return nil }
    let generation = parts.count == 2 ? Int(parts[1]) ?? -1 : 0
    guard generation >= 0, generation < 1 << 31, Self.name(first: first, generation: generation) == entry.name else {
      return nil
    }
    self.init(first: first, generation: generation, size: entry.size, end: entry.size)
  }
}

/// Which sequence may follow which. Copies of a record from a segment that was given up are passed over.
struct SequenceOrder {
  /// The last one taken; nil before the first.
  var last: UInt64?
  /// Damage since the last one explains missing numbers.
  var damaged = false

  /// What is missing before a record.
  struct Gap {
    /// Numbers between it and the one before that were not withdrawn; normally none.
    var missing: [Range<UInt64>] = []
    /// Damage, or the record itself, tells why.
    var isExplained = false
    /// Missing numbers that nothing explains.
    var unexplained: [Range<UInt64>] { isExplained ? [] : missing }
  }

  /// nil: a repeat.
  mutating func take(_ record: JournalRecord, _ withdrawn: NumberSet) -> Gap? {
    defer {
      if record.sequence > last ?? 0 {
        last = record.sequence
        damaged = false
      }
    }
    // What stood before the first one is not known: it is told where something is damaged there, and nowhere else.
    guard let last else { return Gap(missing: withdrawn.outside(1..<record.sequence), isExplained: true) }
    guard record.sequence > last else { return nil }
    guard record.sequence > last + 1 else { return Gap() }
    return Gap(
      missing: withdrawn.outside(last + 1..<record.sequence),
      isExplained: damaged || record.flags & RecordFormat.gapIsIntended != 0)
  }
}
