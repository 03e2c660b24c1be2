// The client against a small server, and against peers that break the protocol.

import GATT
import Octets
import Testing

/// A peer with one service (1810): 2A35 indicate at 3 with its configuration at 4, and 2A29 read at 6.
private struct Peer {
  var mtu: UInt16 = 23
  var longValue = [UInt8]((0..<60).map { UInt8($0) })

  func answer(_ pdu: [UInt8]) -> [UInt8]? {
    func handle(_ at: Int) -> Int { Int(pdu[at]) | Int(pdu[at + 1]) << 8 }
    switch pdu[0] {
    case 0x02: return [0x03, UInt8(mtu & 0xFF), UInt8(mtu >> 8)]
    case 0x10: return handle(1) <= 1 ? [0x11, 6, 1, 0, 6, 0, 0x10, 0x18] : [0x01, 0x10, pdu[1], pdu[2], 0x0A]
    case 0x08:
      switch handle(1) {
      case ...2: return [0x09, 7, 2, 0, 0x20, 3, 0, 0x35, 0x2A, 5, 0, 0x02, 6, 0, 0x29, 0x2A]
      default: return [0x01, 0x08, pdu[1], pdu[2], 0x0A]
      }
    case 0x04: return [0x05, 1, 4, 0, 0x02, 0x29]
    case 0x0A: return handle(1) == 6 ? [0x0B] + longValue.prefix(Int(mtu) - 1) : [0x01, 0x0A, pdu[1], pdu[2], 0x05]
    case 0x0C: return [0x0D] + longValue.dropFirst(handle(3)).prefix(Int(mtu) - 1)
    case 0x12: return [0x13]
    default: return nil
    }
  }
}

/// Runs outputs against the peer until nothing is sent any more.
private func converse(_ client: inout GATTClient, _ first: [GATTOutput], _ peer: Peer = Peer()) -> [GATTOutput] {
  var outputs = first
  var index = 0
  while index < outputs.count {
    if case .transmit(let pdu) = outputs[index], let answer = peer.answer(pdu) { outputs += client.receive(answer) }
    index += 1
  }
  return outputs
}

private func discovered() -> GATTClient {
  var client = GATTClient()
  let first = client.start()
  _ = converse(&client, first)
  return client
}

@Suite struct GATTClientTests {
  @Test func discoversServicesCharacteristicsAndConfigurations() throws {
    var client = GATTClient()
    let first = client.start()
    #expect(first.first == .transmit([0x02, 0x05, 0x02]))
    let outputs = converse(&client, first)
    #expect(outputs.contains { if case .discovered = $0 { true } else { false } })
    let measurement = try #require(client.database.find(BluetoothUUID(0x1810), BluetoothUUID(0x2A35)))
    #expect(measurement.valueHandle == 3 && measurement.configurationHandle == 4 && measurement.properties == 0x20)
    #expect(client.database.find(BluetoothUUID(0x1810), BluetoothUUID(0x2A29))?.valueHandle == 6)
  }

  @Test func oneRequestAtATime() throws {
    var client = discovered()
    let characteristic = try #require(client.database.find(valueHandle: 6))
    let first = client.read(characteristic)
    #expect(first.contains(.transmit([0x0A, 6, 0])))
    #expect(client.read(characteristic).isEmpty)
    // An indication between request and answer is told and disturbs nothing.
    let between = client.receive([0x1D, 3, 0, 0xAA])
    guard case .value(_, [0xAA], isIndication: true)? = between.first else {
      Issue.record("no indication")
      return
    }
    #expect(!between.contains(.transmit(GATTClient.confirmation)))
    #expect(client.receive([0x0B, 1]).contains(.transmit([0x0A, 6, 0])))
  }

  @Test func longValuesAreReadToTheirEnd() throws {
    var client = discovered()
    let characteristic = try #require(client.database.find(valueHandle: 6))
    let outputs = converse(&client, client.read(characteristic))
    #expect(outputs.contains(.readDone(characteristic, Peer().longValue)))
  }

  @Test func subscriptionsWriteTheConfiguration() throws {
    var client = discovered()
    let characteristic = try #require(client.database.find(valueHandle: 3))
    let outputs = converse(&client, client.subscribe(characteristic, indications: true))
    #expect(outputs.contains(.transmit([0x12, 4, 0, 2, 0])))
    #expect(outputs.contains(.subscribed(characteristic)))
    let other = try #require(client.database.find(valueHandle: 6))
    #expect(client.subscribe(other, indications: false) == [.subscribeFailed(other, 0x0A)])
  }

  @Test func errorsOfTheATTAreTold() throws {
    var client = discovered()
    let characteristic = try #require(client.database.find(valueHandle: 3))
    let outputs = converse(&client, client.read(characteristic))
    #expect(outputs.contains(.readFailed(characteristic, 0x05)))
  }

  @Test func aSilentPeerEndsTheLink() {
    var client = GATTClient()
    _ = client.start()
    #expect(client.timedOut().contains { if case .failed = $0 { true } else { false } })
    #expect(client.timedOut().isEmpty)
  }

  @Test func thePeersOwnRequestsAreAnswered() {
    var client = GATTClient()
    #expect(client.receive([0x02, 0x17, 0]) == [.transmit([0x03, 0x05, 0x02])])
    #expect(client.receive([0x0A, 1, 0]) == [.transmit([0x01, 0x0A, 0, 0, 0x06])])
    #expect(client.receive([0x52, 1, 0, 9]).isEmpty)
    #expect(client.receive([0x1D, 9, 0, 1]) == [.unknownIndication])
    #expect(client.receive([0x1B, 9, 0, 1]).isEmpty)
    #expect(client.receive([]).isEmpty)
  }

  @Test(
    arguments: [
      [0x11, 6, 1, 0, 0, 0, 0x10, 0x18], [0x11, 5, 1, 0], [0x11], [0x11, 6, 9, 0, 3, 0, 0x10, 0x18], [0x0B, 1], [0x13],
    ] as [[UInt8]])
  func malformedDiscoveryEndsTheLinkOrGoesOn(answer: [UInt8]) {
    var client = GATTClient()
    _ = client.start()
    _ = client.receive([0x03, 23, 0])
    let outputs = client.receive(answer)
    #expect(outputs.contains { if case .failed = $0 { true } else { false } })
    #expect(client.receive(answer).isEmpty)
  }

  @Test func anEndlessListOfServicesIsBounded() {
    var client = GATTClient()
    _ = client.start()
    var outputs = client.receive([0x03, 23, 0])
    var handle: UInt16 = 1
    for _ in 0..<2000 {
      guard case .transmit = outputs.first else { break }
      outputs = client.receive([
        0x11, 6, UInt8(handle & 0xFF), UInt8(handle >> 8), UInt8(handle & 0xFF), UInt8(handle >> 8), 0x10, 0x18,
      ])
      handle += 1
    }
    #expect(outputs.contains { if case .failed = $0 { true } else { false } })
  }

  @Test func everyPrefixAndChangeOfEveryAnswerIsHarmless() {
    let answers: [[UInt8]] = [
      [0x03, 23, 0], [0x11, 6, 1, 0, 6, 0, 0x10, 0x18], [0x01, 0x10, 7, 0, 0x0A],
      [0x09, 7, 2, 0, 0x20, 3, 0, 0x35, 0x2A, 5, 0, 0x02, 6, 0, 0x29, 0x2A], [0x01, 0x08, 7, 0, 0x0A],
      [0x05, 1, 4, 0, 0x02, 0x29],
    ]
    for (number, answer) in answers.enumerated() {
      for variant in 0..<(answer.count * 5) {
        var client = GATTClient()
        _ = client.start()
        for earlier in answers[..<number] { _ = client.receive(earlier) }
        var changed = answer
        let index = variant / 5
        if variant % 5 == 4 {
          changed = Array(answer[..<index])
        } else {
          changed[index] = [0, 1, 0x7F, 0xFF][variant % 5]
        }
        _ = client.receive(changed)
        for later in answers[number...] { _ = client.receive(later) }
      }
    }
  }
}

@Suite struct AdvertisementTests {
  private let scale: [UInt8] = [2, 1, 6, 3, 3, 0x1B, 0x18, 5, 0x16, 0x1B, 0x18, 2, 3, 4, 9, 0x4D, 0x49, 0x42]

  @Test func structuresAreParsedAndACutOneEndsIt() {
    let parsed = Advertisement(scale)
    #expect(parsed.services == [BluetoothUUID(0x181B)])
    #expect(parsed.serviceData.first?.uuid == BluetoothUUID(0x181B))
    #expect(parsed.serviceData.first?.octets == [2, 3])
    #expect(parsed.name == "MIB")
    for end in 0...scale.count { _ = Advertisement(Array(scale[..<end])) }
    #expect(Advertisement([0xFF, 0x16]).services.isEmpty)
  }

  @Test func onlyWhatIsWantedPassesTheFilter() {
    let filter = AdvertisementFilter(addresses: [42], serviceData: [0x181B])
    func wants(_ address: UInt64, _ data: [UInt8]) -> Bool { filter.wants(address: address, data: data.span) }
    #expect(wants(1, scale))
    #expect(wants(42, []))
    #expect(!wants(1, [2, 1, 6, 3, 3, 0x0F, 0x18]))
    #expect(!wants(1, [200, 0x16, 0x1B]))
    #expect(!wants(1, [0, 0x16]))
  }
}
