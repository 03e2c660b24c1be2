// A connection of lines on the loop: bounded in both directions, so that no client can cost more than itself.

internal import Glibc

/// One client of a line protocol.
public final class LineConnection {
  /// The longest line in, and the most that may wait to go out, in octets.
  private static let longestLine = 65_536
  private static let mostWaiting = 8 << 20

  private let loop: EventLoop
  private let fd: Int32
  private var incoming: [UInt8] = []
  private var outgoing: [UInt8] = []
  private var sent = 0
  private var isClosed = false
  private var onLine: ([UInt8]) -> Void = { _ in }
  private var onClose: () -> Void = {}
  /// Who is on the other side.
  public let peer: Peer

  /// Takes over a connected descriptor; nil when the kernel does not say who is there.
  public init?(_ loop: EventLoop, _ fd: Int32) {
    guard let peer = UnixSocket.peer(fd) else { return nil }
    self.loop = loop
    self.fd = fd
    self.peer = peer
  }

  /// Begins to read.
  public func start(onLine: @escaping ([UInt8]) -> Void, onClose: @escaping () -> Void) {
    self.onLine = onLine
    self.onClose = onClose
    loop.watch(fd, .read) { [unowned self] ready in
      if ready.contains(.write) { flush() }
      if ready.contains(.read), !isClosed { readLines() }
    }
  }

  private func readLines() {
    switch Descriptor.read(fd, count: 16_384) {
    case .wouldBlock: return
    case .end: close()
    case .octets(let octets):
      incoming += octets
      while !isClosed, let end = incoming.firstIndex(of: 0x0A) {
        let line = Array(incoming[..<end])
        incoming.removeFirst(end + 1)
        guard line.count <= LineConnection.longestLine else { return refuseLongLine() }
        if !line.isEmpty { onLine(line) }
      }
      if incoming.count > LineConnection.longestLine { refuseLongLine() }
    }
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
    outgoing += line
    outgoing.append(0x0A)
    flush()
    if outgoing.count - sent > LineConnection.mostWaiting { close() }
  }

  private func flush() {
    while sent < outgoing.count {
      guard let count = Descriptor.write(fd, outgoing[sent...]) else { return close() }
      if count == 0 { break }
      sent += count
    }
    if sent == outgoing.count {
      outgoing.removeAll(keepingCapacity: false)
      sent = 0
      loop.change(fd, .read)
    } else {
      loop.change(fd, [.read, .write])
    }
  }

  /// Ends it.
  public func close() {
    guard !isClosed else { return }
    isClosed = true
    loop.forget(fd)
    Descriptor.close(fd)
    onClose()
  }
}
