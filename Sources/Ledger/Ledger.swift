// The ledger: every durable fact of the hub, twice. `durable` is what the disk has; it is shown, published, delivered and
// confirmed. `head` is that and what is on its way to the disk; decisions are made upon it. Both change by `LedgerState.apply`
// alone, so that what a restart finds and what the running daemon knows cannot differ.

internal import Drivers
package import Journal
internal import Readings

/// What the hub knows durably, and what it is about to.
package struct Ledger: Sendable {
  /// Records that are on their way to the disk, as one group: all of them or none.
  package struct Group: Sendable {
    package let id: AppendID
    package let entries: [JournalEntry]
    /// About how many octets it takes.
    package let weight: Int
    /// The number that the first of them was expected to get.
    package var first: UInt64
  }

  /// What is on disk.
  package private(set) var durable: LedgerState
  /// What is on disk or on its way there.
  package private(set) var head: LedgerState
  /// On its way to the disk, oldest first.
  package private(set) var flight: [Group] = []
  /// What this turn has proposed so far.
  private var open: [JournalEntry] = []
  /// Appends of a fence that the disk refused once are all refused: they were decided on what is lost.
  package private(set) var fence: UInt64 = 0
  /// The number that the next record is expected to get. A journal that gave up numbers gives others; then `head` is made anew.
  private var next: UInt64
  private var nextID: UInt64 = 1

  /// - Parameter next: the number that the journal gives to the next record, as far as that is known.
  package init(_ state: LedgerState, next: UInt64 = 1) {
    durable = state
    head = state
    self.next = next
  }

  /// Nothing is on its way to the disk, and nothing is proposed.
  package var isIdle: Bool { flight.isEmpty && open.isEmpty }

  /// The most groups on their way to the disk, and the most octets of them. Records that nobody outside causes come beside them.
  package static let mostGroups = 64
  package static let mostWeight = 4 << 20

  /// The disk is so far behind that nothing more is to be taken from outside.
  package var isCongested: Bool {
    flight.count >= Ledger.mostGroups || flight.reduce(0) { $0 + $1.weight } >= Ledger.mostWeight
  }

  /// What is on its way to the disk or proposed, oldest first.
  package var underway: [JournalEntry] { flight.flatMap(\.entries) + open }

  /// Adds records to this turn's group. Decisions see them from now on.
  package mutating func propose(_ entries: [JournalEntry]) {
    advanceHead(entries)
    open += entries
  }

  private mutating func advanceHead(_ entries: [JournalEntry]) {
    for entry in entries {
      head.apply(entry, at: next)
      next = next &+ 1
    }
  }

  /// Ends this turn's group; nil when nothing was proposed.
  package mutating func close() -> Group? {
    guard !open.isEmpty else { return nil }
    let group = Group(
      id: AppendID(nextID), entries: open, weight: open.reduce(0) { $0 + $1.weight }, first: next &- UInt64(open.count))
    nextID += 1
    open = []
    flight.append(group)
    return group
  }

  /// A group is on disk.
  /// - Returns: its records with their numbers; none for a group that is unknown or not the oldest.
  package mutating func written(_ id: AppendID, _ sequences: [UInt64]) -> [(entry: JournalEntry, sequence: UInt64)] {
    guard let group = flight.first, group.id == id, group.entries.count == sequences.count else { return [] }
    flight.removeFirst()
    let records = zip(group.entries, sequences).map { (entry: $0, sequence: $1) }
    for record in records { durable.apply(record.entry, at: record.sequence) }
    if let first = sequences.first, first != group.first {
      next = (sequences.last ?? first) &+ 1
      remakeHead()
    } else if isIdle {
      // The same values: now they share their memory.
      head = durable
    }
    return records
  }

  /// The disk refused a group: it and everything behind it is lost, because it was decided upon what is lost.
  /// - Returns: what is lost, oldest first; none for a group that fell before.
  package mutating func refused(_ id: AppendID) -> [Group] {
    guard flight.contains(where: { $0.id == id }) else { return [] }
    let lost = flight
    flight = []
    fence &+= 1
    remakeHead()
    return lost
  }

  /// Records that a start kept back are durable now.
  package mutating func recover(_ records: [JournalRecord]) {
    for record in records { _ = durable.restore(record) }
    if let last = records.last { next = last.sequence &+ 1 }
    remakeHead()
  }

  private mutating func remakeHead() {
    head = durable
    for index in flight.indices {
      flight[index].first = next
      advanceHead(flight[index].entries)
    }
    advanceHead(open)
  }
}

extension JournalEntry {
  /// About how many octets it takes, without its frame.
  package var weight: Int {
    switch self {
    case .reading(let reading): 1024 + 2 * reading.raw.octets.count
    case .fragment(_, let raw): 256 + 2 * raw.octets.count
    case .problem(_, let problem): 512 + 2 * (problem.raw?.octets.count ?? 0)
    case .rules: 4096
    // One at most is on its way, and its size is the history's, not the flight's.
    case .snapshot, .snapshotPart, .history: 0
    default: 512
    }
  }
}
