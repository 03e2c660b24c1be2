// What the journal promised of each group, and whether a later start keeps it: a confirmed group is there whole, a refused one
// never, and of one whose outcome nobody heard the first start that settles its end decides for ever.

import Journal

/// A journal's groups by number, and what their caller heard.
struct GroupPromises: Hashable {
  enum Word: Hashable { case confirmed, refused, open }
  private(set) var words: [Int: Word] = [:]
  private var sizes: [Int: Int] = [:]
  private(set) var complaints: [String] = []
  var next = 1
  /// Retention may have dropped groups up to this one.
  var released = 0

  /// A group's records: a note, readings, events; of size 0, a snapshot alone. Their payloads name the group.
  func drafts(_ group: Int, size: Int, octets: Int = 4) -> [RecordDraft] {
    guard size > 0 else { return [RecordDraft(kind: .snapshot, payload: Array("g\(group).".utf8))] }
    return (0..<size).map { index in
      let text = Array("g\(group).\(index)/\(size)".utf8)
      return RecordDraft(
        kind: RecordKind(rawValue: [5, 1, 4][index % 3]),
        payload: text + [UInt8](repeating: 0x2E, count: max(0, octets - text.count)))
    }
  }

  /// Appends the next group and notes what the journal says. False when the process has ended.
  mutating func append(size: Int, octets: Int = 4, to journal: inout TestJournal, on disk: SimulatedDisk) -> Bool {
    let group = next
    next += 1
    sizes[group] = max(1, size)
    do throws(AppendFailure) {
      let appended = try journal.append(drafts(group, size: size, octets: octets))
      if appended.sequences.count != sizes[group] { complaints.append("group \(group): \(appended.sequences)") }
      words[group] = .confirmed
    } catch {
      words[group] = error.errno == powerIsOff || error.code == "journal.outcome-unknown" ? .open : .refused
    }
    guard !disk.isOff else { return false }
    // What the start kept back counts as soon as it is durable, and what it did not find never.
    if !journal.recovered.isEmpty {
      if words[group] != .refused { complaints.append("group \(group) was decided without what the start kept back") }
      _ = journal.takeRecovered()
      resolve(journal.all())
    }
    check(journal.all(), live: true, isWhole: !journal.isHoldingBack)
    return true
  }

  /// What a start handed over. `isWhole`: nothing was kept back.
  mutating func started(_ records: [JournalRecord], isWhole: Bool) {
    check(records, live: false, isWhole: isWhole)
    resolve(records, isWhole: isWhole)
  }

  /// What is there counts from now on; what is not never will, unless the last group is kept back.
  private mutating func resolve(_ records: [JournalRecord], isWhole: Bool = true) {
    let there = Set(records.compactMap { Self.group($0.payload) })
    for (group, word) in words where word == .open {
      if there.contains(group) { words[group] = .confirmed } else if isWhole { words[group] = .refused }
    }
  }

  /// - Parameter live: in the process that wrote them, an open group does not count.
  mutating func check(_ records: [JournalRecord], live: Bool, isWhole: Bool = true) {
    var found: [Int: [JournalRecord]] = [:]
    var last: UInt64 = 0
    for record in records {
      if record.sequence <= last { complaints.append("\(record.sequence) out of order") }
      last = record.sequence
      if let group = Self.group(record.payload) { found[group, default: []].append(record) }
    }
    for (group, records) in found {
      let size = sizes[group] ?? 0
      let isInOrder = zip(records, records.dropFirst()).allSatisfy { $0.sequence + 1 == $1.sequence }
      if records.count != size || !isInOrder {
        complaints.append("group \(group): \(records.count) of \(size) records")
      }
      switch words[group] {
      case .confirmed: break
      case .open where !live: break
      case .refused: complaints.append("group \(group) was refused and is there")
      default: complaints.append("group \(group) counts before its time")
      }
    }
    // Only the last group may be kept back for a while.
    for (group, word) in words where word == .confirmed && group > released && found[group] == nil {
      if isWhole || words.contains(where: { $0.key > group && $0.value == .confirmed }) {
        complaints.append("group \(group) was confirmed and is gone")
      }
    }
  }

  private static func group(_ payload: [UInt8]) -> Int? {
    guard payload.first == 0x67 else { return nil }
    return Int(String(decoding: payload.dropFirst().prefix { $0 != 0x2E }, as: UTF8.self))
  }

  /// Opens a disk and looks at what it hands over; nil when the process ended meanwhile.
  mutating func open(_ disk: SimulatedDisk, _ limits: JournalLimits = small) -> TestJournal? {
    guard let open = try? opened(disk, limits), !disk.isOff else { return nil }
    var journal = open.journal
    let isWhole = !journal.isHoldingBack
    let all = journal.all()
    started(all, isWhole: isWhole)
    // From the snapshot on, the start hands over what a read gives.
    if !all.suffix(open.records.count).elementsEqual(open.records) {
      complaints.append("a read gives other records than the start")
    }
    return journal
  }
}
