// Peers that ask the hub's server what no peer should: every answer is one PDU that fits, nothing traps, nothing is given away.

import GATT
import Octets
import Testing

struct HostileRequestsTests {
  /// One good request of each kind.
  private static let requests: [[UInt8]] = [
    [0x04, 1, 0, 0xFF, 0xFF], [0x06, 1, 0, 0xFF, 0xFF, 0x00, 0x28, 0x05, 0x18], [0x08, 1, 0, 0xFF, 0xFF, 0x03, 0x28],
    [0x08, 1, 0, 0xFF, 0xFF] + BluetoothUUID(high: 1, low: 2).littleEndian, [0x0A, 12, 0], [0x0C, 3, 0, 2, 0],
    [0x0E, 3, 0, 12, 0, 15, 0], [0x10, 1, 0, 0xFF, 0xFF, 0x00, 0x28], [0x12, 13, 0, 1, 0],
    [0x16, 13, 0, 0, 0, 1, 0], [0x18, 1], [0x20, 3, 0, 12, 0, 15, 0], [0x52, 13, 0, 1, 0],
    [0xD2, 13, 0, 1, 0] + [UInt8](repeating: 0, count: 12),
  ]

  /// An answer is the request's response or an error that names it.
  private func check(_ request: [UInt8], _ answer: [UInt8]?, mtu: Int) {
    guard let answer else {
      // Silence is for commands, responses and confirmations.
      #expect(request.isEmpty || request[0] & 0x41 != 0 || request[0] == 0x1E)
      return
    }
    #expect(answer.count <= max(23, mtu))
    if answer[0] == 0x01 {
      #expect(answer.count == 5 && answer[1] == request[0] && answer[4] != 0)
    } else {
      #expect(answer[0] == request[0] + 1)
    }
  }

  @Test func everyPrefixAndEveryChangeOfOneOctetIsAnswered() {
    for request in HostileRequestsTests.requests {
      var server = GATTServer()
      for count in 0...request.count {
        let part = Array(request.prefix(count))
        check(part, server.receive(part, time: ServerTests.time, mtu: 23), mtu: 23)
      }
      for place in request.indices {
        for octet in UInt8.min...UInt8.max {
          var changed = request
          changed[place] = octet
          for mtu in [23, 517] { check(changed, server.receive(changed, time: nil, mtu: mtu), mtu: mtu) }
        }
      }
    }
  }

  @Test func noMTUIsTooStrange() {
    var server = GATTServer()
    for mtu in [Int.min, -1, 0, 22, 518, Int.max] {
      for request in HostileRequestsTests.requests {
        check(request, server.receive(request, time: ServerTests.time, mtu: mtu), mtu: min(mtu, 517))
      }
    }
  }

  @Test func theLongestRequestsHaveOneAnswer() {
    var server = GATTServer()
    for opcode in UInt8.min...UInt8.max {
      for octet: UInt8 in [0, 12, 0xFF] {
        for count in [516, 517, 65_536] {
          let request = [opcode] + [UInt8](repeating: octet, count: count - 1)
          check(request, server.receive(request, time: ServerTests.time, mtu: 517), mtu: 517)
        }
      }
    }
    // All the handles that fit into one request.
    let request: [UInt8] = [0x0E] + (0..<516).map { $0 % 2 == 0 ? 12 : 0 }
    #expect(server.receive(request, time: ServerTests.time, mtu: 517)?.count == 517)
    #expect(server.receive(request, time: ServerTests.time, mtu: 23)?.count == 23)
  }

  /// 50,000 requests at random, with a fixed seed.
  @Test func randomRequestsAreAnsweredAndLeaveNothingBehind() {
    var random = Dice()
    var server = GATTServer()
    for _ in 0..<50_000 {
      var request = HostileRequestsTests.requests[random(HostileRequestsTests.requests.count)]
      for _ in 0...random(3) { request[random(request.count)] = UInt8(random(random(2) == 0 ? 20 : 256)) }
      if random(3) == 0 { request = Array(request.prefix(random(request.count + 1))) }
      let mtu = random(600)
      check(request, server.receive(request, time: ServerTests.time, mtu: mtu), mtu: mtu)
    }
    // Whatever was written: name, appearance and time are what they were.
    #expect(server.receive([0x0A, 3, 0], time: nil, mtu: 23) == [0x0B] + Array("Hearth".utf8))
    #expect(server.receive([0x0A, 15, 0], time: ServerTests.time, mtu: 23) == [0x0B, 4, 0])
  }
}

/// Numbers that look random and come again.
struct Dice {
  private var seed: UInt64 = 0x9E37_79B9_7F4A_7C15

  /// 0 or more, below `limit`.
  mutating func callAsFunction(_ limit: Int) -> Int {
    seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Int(seed >> 33) % limit
  }
}
