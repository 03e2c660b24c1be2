// The two ways out to a backend. The backlog lane takes everything in order; while it is behind, the express lane takes alerts and
// fresh readings past it. What the express lane has in hand ends the backlog lane's reading, so no item is in both and the
// backlog's cursor never passes an item that has no answer.

internal import Journal

/// A way out to a backend.
package enum OutboxLane: String, Sendable, Hashable, CaseIterable {
  /// Everything, in the order of the journal.
  case backlog
  /// Alerts and fresh readings, while the backlog lane is behind.
  case express

  var other: OutboxLane { self == .backlog ? .express : .backlog }
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
  /// The express lane's: these alone, ascending.
  package var only: [UInt64]
  /// The most items.
  package var maximumCount: Int
  /// The most octets of records.
  package var maximumBytes: Int

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

/// An item that may overtake a backlog.
package struct Urgent: Sendable, Hashable {
  /// Its place in the journal.
  package var sequence: UInt64
  /// When a reading was received, in milliseconds since 1970: it is fresh for a while. Nil: an alert, urgent for ever.
  package var at: Int64?

  /// The most that are remembered; older ones go with the backlog.
  static let most = 256
  /// How long after reception a reading overtakes a backlog, in milliseconds.
  static let freshness: Int64 = 3_600_000
  /// A reading that was taken longer than this before it was received is a record of the past, in milliseconds.
  static let live: Int64 = 3_600_000

  func isUrgent(at wall: Int64) -> Bool { at.map { abs(wall - $0) <= Urgent.freshness } ?? true }
}

/// Where one lane is.
struct LaneState: Sendable {
  enum Step: Sendable, Hashable {
    /// Nothing in hand.
    case idle
    /// The journal is being read.
    case fetching(FetchRequest)
    /// A batch is on its way.
    case sending
    /// A batch whose outcome is unknown waits to be sent again, octet by octet.
    case held
    /// The answer is on its way to the disk.
    case storing
    /// The disk refused the answer; it is written again later.
    case unstored
  }

  var step = Step.idle
  var batch: [Deliverable] = []
  /// The answer that is to be stored, with the reasons of refusals.
  var word: (acknowledgement: Acknowledgement, refusals: [Refusal])?
  /// What was erased while a batch was on its way: why it was refused is not kept.
  var erased: Set<UInt64> = []
  /// The settings changed while a batch was on its way: it is made anew rather than sent again.
  var isOutdated = false

  /// What it has in hand, by sequence number.
  var inHand: [UInt64] {
    if case .fetching(let request) = step { return request.only }
    return batch.map(\.sequence)
  }

  var isUnderway: Bool {
    switch step {
    case .fetching, .sending: true
    default: false
    }
  }

  /// Nothing is in hand any more.
  mutating func clear() {
    step = .idle
    batch = []
    word = nil
    isOutdated = false
    erased = []
  }
}
