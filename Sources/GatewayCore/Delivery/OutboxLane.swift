// The two ways out to a backend. The backlog lane takes everything in order; while it is behind, the express lane takes alerts and
// fresh readings past it. What the express lane has in hand ends the backlog lane's reading, so no item is in both and the
// backlog's cursor never passes an item that has no answer.

internal import Journal
internal import Ledger

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
