// One line may be longer than what may wait; what comes behind it may not add to that.

import Glibc
import Platform
import Testing

@Suite struct LongLineTests {
  @Test func aLongAnswerArrivesWholeAndNothingIsPiledOnIt() throws {
    let server = try LineConnectionTests.Server()
    let (client, other) = try UnixSocket.pair()
    Descriptor.setNonBlocking(client)
    try server.accept(other)
    let answer = [UInt8](repeating: 0x78, count: 13 << 20)
    server.connections[0]?.send(answer)
    #expect(server.closed == 0)
    var received = 0
    server.loop.watch(client, .read) { [loop = server.loop] _ in
      if case .octets(let octets) = Descriptor.read(client, count: 1 << 20) { received += octets.count }
      if received > answer.count { loop.stop() }
    }
    server.loop.run()
    #expect(received == answer.count + 1)
    // Read: there is room again. Unread: the next line ends it.
    server.connections[0]?.send(answer)
    #expect(server.closed == 0)
    server.connections[0]?.send([0x78])
    #expect(server.closed == 1)
    server.loop.forget(client)
    Descriptor.close(client)
  }
}
