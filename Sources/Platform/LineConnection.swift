// A connection of lines on the loop: bounded in both directions, so that no client can cost more than itself.

internal import Glibc

/// One client of a line protocol. Whoever keeps it keeps it open; the loop does not.
public final class LineConnection {
  /// The longest line in, in octets.
  private static let longestLine = 65_536
  /// While more than this waits to go out, nothing more is read: a client that only asks and never reads stops itself.
  private static let pauseAbove = 65_536
  /// A line that finds more than this waiting ends the connection: nobody reads. One line itself may be longer, as ten thousand
  /// readings are.
  private static let mostWaiting = 8 << 20

  private let loop: EventLoop
  private let fd: Int32
  private var incoming: [UInt8] = []
  /// So many octets of `incoming` hold no line end.
  private var scanned = 0
  private var isSplitting = false
  private var outgoing: [UInt8] = []
  private var sent = 0
  private var isClosed = false
  private var onLine: ([UInt8]) -> Void = { _ in }
  private var onClose: () -> Void = {}
  /// Who is on the other side.
  public let peer: Peer

  /// Takes over a connected descriptor; nil when the kernel does not say who is there: then it is still the caller's.
  public init?(_ loop: EventLoop, _ fd: Int32) {
    guard let peer = UnixSocket.peer(fd) else { return nil }
    self.loop = loop
    self.fd = fd
    self.peer = peer
  }

  deinit {
    if !isClosed {
      loop.forget(fd)
      Descriptor.close(fd)
    }
  }

  /// Begins to read. `onClose` is called once, also when `close` was called; it may let go of the connection.
  public func start(onLine: @escaping ([UInt8]) -> Void, onClose: @escaping () -> Void) {
    self.onLine = onLine
    self.onClose = onClose
    // The closure keeps the connection while it runs: `onClose` may drop the last other reference between two calls.
    loop.watch(fd, .read) { [weak self] ready in
      guard let self else { return }
      if ready.contains(.write) || isPaused { flush() }
      if ready.contains(.read), !isClosed, !isPaused { receive() }
    }
  }

  private var isPaused: Bool { outgoing.count - sent > LineConnection.pauseAbove }

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

  /// Sends a line; the connection of a client that does not read is closed.
  public func send(_ line: [UInt8]) {
    guard !isClosed else { return }
    guard outgoing.count - sent <= LineConnection.mostWaiting else { return close() }
    outgoing += line
    outgoing.append(0x0A)
    flush()
  }

  private func flush() {
    while !isClosed, sent < outgoing.count {
      guard let count = Descriptor.write(fd, outgoing[sent...]) else { return close() }
      if count == 0 { break }
      sent += count
    }
    guard !isClosed else { return }
    if sent == outgoing.count {
      outgoing.removeAll(keepingCapacity: false)
      sent = 0
    } else if sent > outgoing.count / 2 {
      // A follower that is always a little behind must not keep what it has read.
      outgoing.removeFirst(sent)
      sent = 0
    }
    if !isPaused { splitLines() }
    guard !isClosed else { return }
    var interest: EventLoop.Interest = isPaused ? [] : .read
    if sent < outgoing.count { interest.insert(.write) }
    loop.change(fd, interest)
  }

  /// Ends it.
  public func close() {
    guard !isClosed else { return }
    isClosed = true
    loop.forget(fd)
    Descriptor.close(fd)
    let told = onClose
    // The closures may hold whoever holds this.
    onLine = { _ in }
    onClose = {}
    told()
  }
}
