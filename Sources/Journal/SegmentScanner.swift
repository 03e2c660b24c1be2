// Finds the records in the octets of one segment, whatever the octets are. It never holds more than one window and one
// record, reads every octet once, and always moves on: so it ends.

/// What the scanner found next.
enum ScanStep {
  /// A whole record, and the offset behind it.
  case record(JournalRecord, at: Int, next: Int)
  /// A whole record of a later format.
  case newer(sequence: UInt64, version: UInt8)
  /// Octets that are no record.
  case damage(offset: Int, length: Int)
  /// Octets that the medium did not give back; told by `scanSegment`, and told as damage too.
  case unreadable(offset: Int, length: Int)
  /// More octets are needed: `supply` what the file has from this offset, at least this many if it has them.
  case need(offset: Int, count: Int)
  /// No more records. Zeros follow from here, or nothing.
  case end(offset: Int)
}

/// A search through one segment.
struct SegmentScanner {
  /// Where the next step looks.
  private(set) var offset: Int
  private let size: Int
  private var window: [UInt8] = []
  private var base: Int
  /// Where octets began that are no record.
  private var suspectSince: Int?
  /// Behind the last octet that is not zero.
  private var suspectEnd: Int

  /// Starts at an offset of a file of `size` octets.
  init(size: Int, from: Int = 0) {
    self.size = size
    offset = from
    base = from
    suspectEnd = from
  }

  /// Octets of the file from the offset that `need` named. Fewer than needed means that the file is shorter than told.
  mutating func supply(_ octets: [UInt8], at start: Int) {
    window = octets
    base = start
  }

  mutating func next() -> ScanStep {
    while true {
      let remaining = size - offset
      if remaining <= 0 { return finish() }
      let wanted = min(remaining, RecordFormat.headerCount)
      guard let place = locate(wanted) else { return .need(offset: offset, count: wanted) }
      if window[place] == 0xD5, let header = RecordHeader(window, at: place) {
        let count = RecordFormat.headerCount + header.length
        if count <= remaining {
          guard locate(count) != nil else { return .need(offset: offset, count: count) }
          if let step = take(header, at: place, count: count) { return step }
          continue
        }
      }
      skip(from: place)
    }
  }

  private func locate(_ count: Int) -> Int? {
    let place = offset - base
    return place >= 0 && window.count - place >= count ? place : nil
  }

  /// A record with a right header. Damage before it is told first; damage inside is stepped over.
  private mutating func take(_ header: RecordHeader, at place: Int, count: Int) -> ScanStep? {
    guard header.holds(window, at: place) else {
      if suspectSince == nil { suspectSince = offset }
      offset += count
      suspectEnd = offset
      return nil
    }
    if let damage = takeDamage() { return damage }
    let start = offset
    offset += count
    suspectEnd = offset
    guard header.version == RecordFormat.version else {
      return .newer(sequence: header.sequence, version: header.version)
    }
    let payload = Array(window[place + RecordFormat.headerCount..<place + count])
    return .record(
      JournalRecord(
        sequence: header.sequence, kind: RecordKind(rawValue: header.kind), flags: header.flags, payload: payload),
      at: start, next: offset)
  }

  /// Steps over one octet that starts no record, and over all that follow it in the window and cannot start one.
  private mutating func skip(from place: Int) {
    if suspectSince == nil { suspectSince = offset }
    let (index, end) = Self.candidate(window.span, after: place)
    if let end { suspectEnd = base + end }
    offset = base + index
  }

  /// The next place that may start a record, and what is behind the last octet before it that is not zero.
  private static func candidate(_ span: Span<UInt8>, after place: Int) -> (index: Int, end: Int?) {
    var index = place
    var end: Int?
    repeat {
      if span[index] != 0 { end = index + 1 }
      index += 1
    } while index < span.count && span[index] != 0xD5
    return (index, end)
  }

  private mutating func takeDamage() -> ScanStep? {
    guard let since = suspectSince else { return nil }
    suspectSince = nil
    return .damage(offset: since, length: offset - since)
  }

  private mutating func finish() -> ScanStep {
    guard let since = suspectSince else { return .end(offset: offset) }
    suspectSince = nil
    guard suspectEnd > since else {
      // Only zeros: the clean end of a segment that is not full.
      offset = size
      return .end(offset: since)
    }
    offset = size
    return .damage(offset: since, length: suspectEnd - since)
  }
}
