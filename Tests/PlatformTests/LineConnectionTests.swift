// Connections of lines against clients that behave badly.

import CLinux
import Glibc
import Platform
import Testing

@Suite struct LineConnectionTests {
  /// A connection that only its owner keeps, as a server does.
  final class Server {
    let loop: EventLoop
    var connections: [Int: LineConnection] = [:]
    var lines: [[UInt8]] = []
    var onLine: () -> Void = {}
    var closed = 0

    init() throws { loop = try EventLoop(signals: []) }

    func accept(_ fd: Int32) throws {
      Descriptor.setNonBlocking(fd)
      let connection = try #require(LineConnection(loop, fd))
      connections[connections.count] = connection
      let number = connections.count - 1
      connection.start(
        onLine: { [unowned self] in
          lines.append($0)
          onLine()
        },
        onClose: { [unowned self] in
          connections[number] = nil
          closed += 1
          if connections.isEmpty { loop.stop() }
        })
    }

    /// Lets the loop look `count` times at what is ready.
    func turn(_ count: Int) throws {
      let mailbox = try Mailbox<Int>()
      mailbox.attach(to: loop) { [loop] left in
        if left > 0 { mailbox.post(left - 1) } else { loop.stop() }
      }
      mailbox.post(count)
      loop.run()
      mailbox.detach(from: loop)
    }
  }

  @Test func aClientThatLeavesWithoutReadingItsAnswersEndsOnlyItsConnection() throws {
    let server = try Server()
    let (client, other) = try UnixSocket.pair()
    try server.accept(other)
    // More than the kernel takes: the rest waits for room, which the client's leaving makes.
    server.connections[0]?.send([UInt8](repeating: 0x78, count: 2 << 20))
    #expect(server.closed == 0)
    Descriptor.close(client)
    server.loop.run()
    #expect(server.closed == 1)
  }

  @Test func aClientThatAsksAndNeverReadsStopsItself() throws {
    let server = try Server()
    let (client, other) = try UnixSocket.pair()
    Descriptor.setNonBlocking(client)
    try server.accept(other)
    let answer = [UInt8](repeating: 0x78, count: 1000)
    server.onLine = { server.connections[0]?.send(answer) }
    let questions = [UInt8](repeating: 0x3F, count: 1) + [0x0A]
    let asked = 20_000
    let text = Array([[UInt8]](repeating: questions, count: asked).joined())
    #expect(Descriptor.write(client, text[...]) == text.count)
    try server.turn(100)
    // 20 MB of answers are owed; what waits is what the kernel holds and little more than the pause allows.
    #expect(server.closed == 0)
    #expect(server.lines.count > 0 && server.lines.count < 2000)
    // It goes on when the client reads, and every question has its answer.
    var received = 0
    server.loop.watch(client, .read) { _ in
      if case .octets(let octets) = Descriptor.read(client, count: 65_536) { received += octets.count }
      if received >= asked * 1001 { server.loop.stop() }
    }
    server.loop.run()
    #expect(received == asked * 1001)
    #expect(server.lines.count == asked)
    server.loop.forget(client)
    Descriptor.close(client)
  }

  @Test func aFollowerThatNeverReadsIsDroppedAtABound() throws {
    let server = try Server()
    let (client, other) = try UnixSocket.pair()
    try server.accept(other)
    let notification = [UInt8](repeating: 0x78, count: 99_999)
    var told = 0
    while server.closed == 0, told < 1000 {
      server.connections[0]?.send(notification)
      told += 1
    }
    // 8 MiB wait at most, beside what the kernel holds.
    #expect(server.closed == 1)
    #expect(told > 80 && told < 100)
    Descriptor.close(client)
  }

  @Test func linesComeInAnyPieces() throws {
    let server = try Server()
    let (client, other) = try UnixSocket.pair()
    try server.accept(other)
    let longest = [UInt8](repeating: 0x61, count: 65_536)
    for octet in Array("one\n\ntwo\n".utf8) {
      #expect(Descriptor.writeAll(client, [octet]))
      try server.turn(2)
    }
    #expect(server.lines == [Array("one".utf8), Array("two".utf8)])
    server.lines = []
    for piece in [longest[..<30_000], longest[30_000...], [0x0A, 0x62], [0x0A]] {
      #expect(Descriptor.writeAll(client, Array(piece)))
      try server.turn(10)
    }
    #expect(server.lines == [longest, [0x62]])
    // What has no line end when the client leaves is no line.
    #expect(Descriptor.writeAll(client, Array("half".utf8)))
    Descriptor.close(client)
    server.loop.run()
    #expect(server.lines.count == 2 && server.closed == 1)
  }

  @Test func aConnectionMayBeClosedWhileItHandsOverALine() throws {
    let server = try Server()
    let (client, other) = try UnixSocket.pair()
    try server.accept(other)
    server.onLine = { server.connections[0]?.close() }
    #expect(Descriptor.writeAll(client, Array("one\ntwo\n".utf8)))
    server.loop.run()
    #expect(server.lines == [Array("one".utf8)])
    #expect(Descriptor.read(client) == .end)
    Descriptor.close(client)
  }

  @Test func aConnectionThatNobodyKeepsIsClosed() throws {
    let loop = try EventLoop(signals: [])
    let (client, other) = try UnixSocket.pair()
    var connection = LineConnection(loop, other)
    connection?.start(onLine: { _ in }, onClose: {})
    connection = nil
    #expect(Descriptor.read(client) == .end)
    Descriptor.close(client)
  }
}
