// A connection of lines on the loop: bounded in both directions, so that no client can cost more than itself.

internal import Glibc

/// One client of a line protocol. Whoever keeps it keeps it open; the loop does not.
package final class LineConnection {
  /// The longest line in, in octets.
  private static let longestLine = 65_536
  /// While more than this waits to go out, nothing more is read: a client that only asks and never reads stops itself.
  private static let pauseAbove = 65_536
  /// A notification that finds more than this waiting ends the connection: nobody reads.
  private static let mostUnread = 8 << 20
  /// The most that waits with an answer, as ten thousand readings are.
  package static let mostWaiting = 16 << 20
  /// The most that all connections together have waiting: so much, and each connection's own share.
  package static let mostShared = 28 << 20

  private let loop: EventLoop
  private let fd: Int32
  private var incoming: [UInt8] = []
  /// So many octets of `incoming` hold no line end.
  private var scanned = 0
  private var isSplitting = false
  private var outgoing = OutputQueue()
  private let budget: OutputBudget
  /// This one takes more of the budget only while all of them together have taken less than this.
  package var mostOfBudget: Int
  /// Octets that were sent from the beginning on: who does not read makes no progress.
  package private(set) var sent: UInt64 = 0
  private var isClosed = false
  private var onLine: ([UInt8]) -> Void = { _ in }
  private var onClose: () -> Void = {}
  /// Who is on the other side.
  package let peer: Peer

  /// Takes over a connected descriptor; nil when the kernel does not say who is there: then it is still the caller's.
  package init?(
    _ loop: EventLoop, _ fd: Int32, budget: OutputBudget = OutputBudget(maximum: LineConnection.mostShared)
  ) {
    guard let peer = UnixSocket.peer(fd) else { return nil }
    self.loop = loop
    self.fd = fd
    self.peer = peer
    self.budget = budget
    mostOfBudget = budget.maximum
  }

  deinit {
    if !isClosed {
      budget.change(from: outgoing.count, to: 0)
      loop.forget(fd)
      Descriptor.close(fd)
    }
  }

  /// Begins to read. `onClose` is called once, also when `close` was called; it may let go of the connection.
  package func start(onLine: @escaping ([UInt8]) -> Void, onClose: @escaping () -> Void) {
    self.onLine = onLine
    self.onClose = onClose
    // The closure keeps the connection while it runs: `onClose` may drop the last other reference between two calls.
    loop.watch(fd, .read) { [weak self] ready in
      guard let self else { return }
      if ready.contains(.write) || isPaused { flush() }
      if ready.contains(.read), !isClosed, !isPaused { receive() }
    }
  }

  /// More waits to go out than the other side should leave.
  package var isPaused: Bool { outgoing.count > LineConnection.pauseAbove }

  private func receive() {
    switch Descriptor.read(fd, count: 16_384) {
    case .wouldBlock: return
    case .end: close()
    case .octets(let octets):
      incoming += octets
      splitLines()
    }
  }

  /// Hands over the lines that are there, until there are none or the client has enough to read.
  private func splitLines() {
    guard !isSplitting else { return }
    isSplitting = true
    defer { isSplitting = false }
    var start = 0
    while !isClosed, !isPaused, let end = incoming[scanned...].firstIndex(of: 0x0A) {
      let line = incoming[start..<end]
      start = end + 1
      scanned = start
      guard line.count <= LineConnection.longestLine else { return refuseLongLine() }
      if !line.isEmpty { onLine(Array(line)) }
    }
    guard !isClosed else { return }
    incoming.removeFirst(start)
    scanned -= start
    if !isPaused { scanned = incoming.count }
    if scanned > LineConnection.longestLine { refuseLongLine() }
  }

  private func refuseLongLine() {
    send(
      Array(
        #"{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"a line is longer than 65536 octets","data":{"code":"too-large"}}}"#
          .utf8))
    close()
  }

  /// The most octets that one line may have here when nothing else waits.
  package var longestLineOut: Int { min(LineConnection.mostWaiting, mostOfBudget + OutputBudget.ownShare) - 1 }

  /// Whether so many octets more may wait.
  package func hasRoom(for count: Int) -> Bool {
    let (old, new) = (outgoing.count, outgoing.count + count)
    guard !isClosed, new <= LineConnection.mostWaiting else { return false }
    let more = budget.need(from: old, to: new)
    return more <= 0 || budget.used + more <= mostOfBudget
  }

  /// Sends a line in pieces, when there is room for it: true, or else nothing is sent.
  package func offer(_ pieces: [[UInt8]]) -> Bool {
    let count = pieces.reduce(1) { $0 + $1.count }
    guard hasRoom(for: count) else { return false }
    let old = outgoing.count
    for piece in pieces { outgoing.append(piece) }
    outgoing.append([0x0A])
    budget.change(from: old, to: outgoing.count)
    flush()
    return true
  }

  /// Sends a line; the connection of a client that does not read, or that there is no room for, is closed.
  package func send(_ line: [UInt8]) {
    guard !isClosed else { return }
    guard outgoing.count <= LineConnection.mostUnread, offer([line]) else { return close() }
  }

  private func flush() {
    while !isClosed, outgoing.count > 0 {
      guard let count = Descriptor.write(fd, outgoing.next) else { return close() }
      if count == 0 { break }
      let old = outgoing.count
      outgoing.advance(by: count)
      budget.change(from: old, to: outgoing.count)
      sent += UInt64(count)
    }
    guard !isClosed else { return }
    if !isPaused { splitLines() }
    guard !isClosed else { return }
    var interest: EventLoop.Interest = isPaused ? [] : .read
    if outgoing.count > 0 { interest.insert(.write) }
    loop.change(fd, interest)
  }

  /// Ends it.
  package func close() {
    guard !isClosed else { return }
    isClosed = true
    budget.change(from: outgoing.count, to: 0)
    outgoing.removeAll()
    loop.forget(fd)
    Descriptor.close(fd)
    let told = onClose
    // The closures may hold whoever holds this.
    onLine = { _ in }
    onClose = {}
    told()
  }
}
