// Memory for lines that are not sent yet: one counter over all connections, so that many clients that do not read cost no more
// together than the counter allows.

/// The octets that connections have waiting beyond a share that each of them has of its own.
package final class OutputBudget {
  /// Octets that every connection may have waiting, whatever the others do: an ordinary answer is never refused for them.
  package static let ownShare = 65_536

  /// The most octets beyond the shares.
  package let maximum: Int
  /// Octets beyond the shares that wait now.
  package private(set) var used = 0

  /// A budget of so many octets beyond the connections' own shares.
  package init(maximum: Int) { self.maximum = maximum }

  /// How many more octets of the budget a connection needs when what it has waiting grows from `old` to `new`.
  func need(from old: Int, to new: Int) -> Int { beyondShare(new) - beyondShare(old) }

  /// What a connection has waiting went from `old` to `new` octets.
  func change(from old: Int, to new: Int) { used += need(from: old, to: new) }

  private func beyondShare(_ octets: Int) -> Int { max(0, octets - OutputBudget.ownShare) }
}

/// Octets that wait to be sent, in pieces: what is sent is given back piece by piece, and nothing is moved.
struct OutputQueue {
  /// Short lines are put together up to this size, long ones are cut at it.
  private static let pieceSize = 65_536

  private var pieces: [[UInt8]] = []
  /// The first piece that is not sent whole, and how much of it is.
  private var head = 0
  private var sent = 0
  /// Octets that wait.
  private(set) var count = 0

  /// What is to be sent next; empty when nothing waits.
  var next: ArraySlice<UInt8> { head < pieces.count ? pieces[head][sent...] : [] }

  mutating func append(_ octets: [UInt8]) {
    count += octets.count
    if let last = pieces.indices.last, last >= head, pieces[last].count + octets.count <= OutputQueue.pieceSize {
      return pieces[last] += octets
    }
    guard octets.count > OutputQueue.pieceSize else { return pieces.append(octets) }
    for start in stride(from: 0, to: octets.count, by: OutputQueue.pieceSize) {
      pieces.append(Array(octets[start..<min(start + OutputQueue.pieceSize, octets.count)]))
    }
  }

  /// So many octets of `next` were sent.
  mutating func advance(by number: Int) {
    sent += number
    count -= number
    guard head < pieces.count, sent >= pieces[head].count else { return }
    pieces[head] = []
    head += 1
    sent = 0
    if head == pieces.count {
      pieces = []
      head = 0
    } else if head >= 64, head > pieces.count / 2 {
      pieces.removeFirst(head)
      head = 0
    }
  }

  mutating func removeAll() { self = OutputQueue() }
}
