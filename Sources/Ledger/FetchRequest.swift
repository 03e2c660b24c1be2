// What a lane asks of the journal.

/// A way out to a backend.
package enum OutboxLane: String, Sendable, Hashable, CaseIterable {
  /// Everything, in the order of the journal.
  case backlog
  /// Alerts and fresh readings, while the backlog lane is behind.
  case express

  package var other: OutboxLane { self == .backlog ? .express : .backlog }
}

/// What a lane asks of the journal.
package struct FetchRequest: Sendable, Hashable {
  /// The backend's name.
  package var backend: String
  package var lane: OutboxLane
  /// Told apart by: an answer to an older question counts for nothing.
  package var ticket: UInt64
  /// Items behind this sequence number.
  package var after: UInt64
  /// Nothing at or behind this one; nil: to the end.
  package var before: UInt64?
  /// Sequence numbers that the backend has already, ascending.
  package var skipping: [UInt64]
  /// These alone, ascending: of the express lane, and of a line what goes out again.
  package var only: [UInt64]
  /// The kind whose line is meant, and nothing else; nil: every kind.
  package var line: String?
  /// Kinds that wait in lines of their own: they are passed over.
  package var without: Set<String> = []
  /// The most items.
  package var maximumCount: Int
  /// The most octets of records.
  package var maximumBytes: Int

  /// True for what is asked for by its kind.
  package func takes(_ item: Deliverable) -> Bool {
    if let line { return item.kind == line }
    return without.isEmpty || !(item.kind.map(without.contains) ?? false)
  }

  /// A question for the journal.
  package init(
    backend: String, lane: OutboxLane = .backlog, ticket: UInt64 = 0, after: UInt64, before: UInt64? = nil,
    skipping: [UInt64] = [], only: [UInt64] = [], maximumCount: Int, maximumBytes: Int
  ) {
    self.backend = backend
    self.lane = lane
    self.ticket = ticket
    self.after = after
    self.before = before
    self.skipping = skipping
    self.only = only
    self.maximumCount = maximumCount
    self.maximumBytes = maximumBytes
  }
}
