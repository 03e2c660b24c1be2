// What waits to be sent over many connections is bounded together, and who does not read pays alone.

import Glibc
import Platform
import Testing

@Suite struct OutputBudgetTests {
  private final class House {
    let loop: EventLoop
    let budget: OutputBudget
    var clients: [Int32] = []
    var connections: [LineConnection] = []
    var closed: Set<Int> = []

    init(_ count: Int, maximum: Int) throws {
      loop = try EventLoop(signals: [])
      budget = OutputBudget(maximum: maximum)
      for number in 0..<count {
        let (client, server) = try UnixSocket.pair()
        Descriptor.setNonBlocking(client)
        Descriptor.setNonBlocking(server)
        let connection = try #require(LineConnection(loop, server, budget: budget))
        connection.start(onLine: { _ in }, onClose: { [unowned self] in closed.insert(number) })
        clients.append(client)
        connections.append(connection)
      }
    }

    deinit { for client in clients { Descriptor.close(client) } }

    /// A client reads until nothing comes any more.
    func read(_ number: Int) -> [UInt8] {
      var all: [UInt8] = []
      while true {
        let before = all.count
        while case .octets(let octets) = Descriptor.read(clients[number], count: 1 << 20) { all += octets }
        loop.onTimer { [loop] in loop.stop() }
        loop.wake(at: Clocks.monotonic())
        loop.run()
        if all.count == before { return all }
      }
    }
  }

  private let answer = [UInt8](repeating: 0x78, count: 3 << 20)

  @Test func allTogetherAreBoundedAndReadingMakesRoom() throws {
    let house = try House(10, maximum: 8 << 20)
    let taken = house.connections.map { $0.offer([answer]) }
    // Two wait; the rest is told no, and nobody is closed.
    #expect(taken.count { $0 } == 2)
    #expect(house.closed.isEmpty && house.budget.used <= house.budget.maximum)
    // An ordinary answer still goes to everyone who has nothing waiting.
    for connection in house.connections[2...] { #expect(connection.offer([[UInt8](repeating: 0x78, count: 60_000)])) }
    // Who reads gets all of it, octet by octet.
    #expect(house.read(0).count == answer.count + 1)
    #expect(house.connections[9].offer([answer]))
    #expect(house.read(1).count == answer.count + 1)
    #expect(house.read(9).count == answer.count + 1 + 60_001)
    #expect(house.budget.used == 0)
  }

  @Test func whatIsClosedGivesItsRoomBack() throws {
    let house = try House(3, maximum: 4 << 20)
    #expect(house.connections[0].offer([answer]))
    #expect(!house.connections[1].offer([answer]))
    house.connections[0].close()
    #expect(house.budget.used == 0)
    #expect(house.connections[1].offer([answer]))
    house.connections.removeAll()
    #expect(house.budget.used == 0)
  }

  /// Somebody else's unread answers close no subscriber that reads.
  @Test func aSubscriberThatReadsStaysWhileTheBudgetIsUsedUp() throws {
    let house = try House(2, maximum: 3 << 20)
    #expect(house.connections[0].offer([answer]))
    let notification = [UInt8](repeating: 0x79, count: 20_000)
    for _ in 0..<200 {
      house.connections[1].send(notification)
      #expect(house.read(1).count == notification.count + 1)
    }
    #expect(house.closed.isEmpty)
    // One that does not read any more is closed alone.
    for _ in 0..<200 { house.connections[1].send(notification) }
    #expect(house.closed == [1])
  }

  @Test func whoIsTrustedLessLeavesRoom() throws {
    let house = try House(3, maximum: 8 << 20)
    for connection in house.connections[..<2] { connection.mostOfBudget = 4 << 20 }
    #expect(house.connections[0].offer([answer]))
    #expect(!house.connections[1].offer([answer]))
    #expect(house.connections[2].offer([answer]))
  }

  @Test func oneConnectionHasABoundOfItsOwn() throws {
    let house = try House(1, maximum: 100 << 20)
    let connection = house.connections[0]
    #expect(connection.longestLineOut == (16 << 20) - 1)
    #expect(!connection.hasRoom(for: connection.longestLineOut + 2))
    #expect(!connection.offer([[UInt8](repeating: 0x78, count: (16 << 20) + 1)]))
    #expect(house.closed.isEmpty)
    connection.mostOfBudget = 1 << 20
    #expect(connection.longestLineOut == (1 << 20) + 65_535)
    #expect(connection.offer([[UInt8](repeating: 0x78, count: connection.longestLineOut)]))
  }

  /// Pieces, short lines and long ones come out in their order.
  @Test func octetsStayInOrder() throws {
    let house = try House(1, maximum: 100 << 20)
    var expected: [UInt8] = []
    for size in [1, 3000, 65_535, 65_536, 65_537, 200_000, 0, 7] {
      let line = (0..<size).map { UInt8(truncatingIfNeeded: $0 % 251) }
      #expect(house.connections[0].offer([line, [0x62]]))
      expected += line + [0x62, 0x0A]
    }
    #expect(house.read(0) == expected)
  }
}
