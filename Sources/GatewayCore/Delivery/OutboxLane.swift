// The two ways out to a backend. The backlog lane takes everything in order; while it is behind, the express lane takes alerts and
// fresh readings past it. What the express lane has in hand ends the backlog lane's reading, so no item is in both and the
// backlog's cursor never passes an item that has no answer.

internal import Exchange
internal import Journal
internal import Ledger

/// What is stored of an answer.
struct Answer: Sendable {
  /// What is set aside, with reasons, and what changes about kinds of items.
  var records: [JournalEntry] = []
  /// How far the backend is now; nil: as far as before.
  var acknowledgement: Acknowledgement?

  var isEmpty: Bool { records.isEmpty && acknowledgement == nil }
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
  /// What became of each item, by identifier, while the answer is not on disk.
  var results: [String: ItemResult] = [:]
  /// What is to be stored of them, as it was made when they came; nil: it is made anew.
  var answer: Answer?
  /// The question by which the batch, or that there is none, was read for one kind's line; nil: the batch is of every kind.
  var lineRequest: FetchRequest?
  /// What was erased while a batch was on its way: why it was refused is not kept.
  var erased: Set<UInt64> = []
  /// The settings changed while a batch was on its way: it is made anew rather than sent again.
  var isOutdated = false

  /// What it has in hand, by sequence number.
  var inHand: [UInt64] {
    if case .fetching(let request) = step { return request.only }
    return batch.map(\.sequence)
  }

  /// The kind whose line the batch is of; nil: it is of every kind.
  var line: String? { lineRequest?.line }

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
    results = [:]
    answer = nil
    lineRequest = nil
    isOutdated = false
    erased = []
  }
}
