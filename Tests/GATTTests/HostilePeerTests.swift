// Peers that break the protocol: an end with a reason, or silence, never a trap, never without bound.

import GATT
import Octets
import Testing

struct HostilePeerTests {
  /// A client that has just asked for services.
  private func listening() -> GATTClient {
    var client = GATTClient()
    _ = client.start()
    _ = client.receive([0x03, 23, 0])
    return client
  }

  @Test func thePeersOwnRequestsGoToTheServer() {
    var client = Cuff.discovered()
    for opcode: UInt8 in [0x04, 0x06, 0x08, 0x0A, 0x0C, 0x0E, 0x10, 0x12, 0x16, 0x18, 0x20, 0x3E] {
      #expect(client.receive([opcode, 1, 0]) == [.peerRequest([opcode, 1, 0])])
    }
    // Commands, a confirmation of nothing, and what no specification has, have no answer.
    for opcode: UInt8 in [0x52, 0xD2, 0x7E, 0x1E, 0x23, 0x15, 0x1F, 0x3F] {
      #expect(client.receive([opcode, 1, 0]).isEmpty)
    }
    #expect(client.receive([]).isEmpty)
  }

  @Test func valuesOfUnknownHandlesAreNotBelieved() {
    var client = Cuff.discovered()
    #expect(client.receive([0x1B, 9, 0, 1]).isEmpty)
    #expect(client.receive([0x1B]).isEmpty)
    #expect(client.receive([0x1D, 9, 0, 1]) == [.unknownIndication])
    #expect(client.receive([0x1D, 9]) == [.unknownIndication])
  }

  @Test func anAnswerThatNobodyAskedForIsIgnored() {
    var client = Cuff.discovered()
    for opcode: UInt8 in [0x01, 0x03, 0x05, 0x09, 0x0B, 0x0D, 0x11, 0x13] {
      #expect(client.receive([opcode, 1, 0, 0, 5]).isEmpty)
    }
  }

  @Test func anAnswerToAnotherRequestEndsTheLink() {
    var client = Cuff.discovered()
    _ = client.read(Cuff.characteristic(client, 0x2A49))
    #expect(client.receive([0x13]).failure != nil)
  }

  @Test func anErrorForAnotherRequestEndsNothing() {
    var client = Cuff.discovered()
    let feature = Cuff.characteristic(client, 0x2A49)
    _ = client.read(feature)
    #expect(client.receive([0x01, 0x52, 6, 0, 0x03]).isEmpty)
    #expect(client.receive([0x0B, 7]).events == [.readDone(feature, [7])])
  }

  @Test func aCutErrorEndsTheLink() {
    var client = Cuff.discovered()
    _ = client.read(Cuff.characteristic(client, 0x2A49))
    #expect(client.receive([0x01, 0x0A, 6]).failure != nil)
  }

  @Test(
    arguments: [
      [0x11], [0x11, 6], [0x11, 5, 1, 0, 6, 0, 0x10], [0x11, 6, 1, 0, 6, 0, 0x10], [0x11, 0],
      // An end before its beginning; a beginning before what was asked for; two that overlap.
      [0x11, 6, 4, 0, 3, 0, 0x10, 0x18], [0x11, 6, 0, 0, 3, 0, 0x10, 0x18],
      [0x11, 6, 1, 0, 6, 0, 0x10, 0x18, 6, 0, 9, 0, 0x1D, 0x18],
    ] as [[UInt8]]) func malformedServicesEndTheLink(_ pdu: [UInt8])
  {
    var client = listening()
    #expect(client.receive(pdu).failure == "a malformed list of services")
  }

  @Test(
    arguments: [
      [0x09], [0x09, 7], [0x09, 6, 2, 0, 0x20, 3, 0, 0x35], [0x09, 7, 2, 0, 0x20, 3, 0, 0x35],
      // A value before its declaration, outside of the service, and a list that goes backwards.
      [0x09, 7, 3, 0, 0x20, 3, 0, 0x35, 0x2A], [0x09, 7, 2, 0, 0x20, 7, 0, 0x35, 0x2A],
      [0x09, 7, 2, 0, 0x20, 3, 0, 0x35, 0x2A, 3, 0, 0x20, 4, 0, 0x36, 0x2A],
    ] as [[UInt8]]) func malformedCharacteristicsEndTheLink(_ pdu: [UInt8])
  {
    var client = listening()
    _ = client.receive([0x11, 6, 1, 0, 6, 0, 0x10, 0x18])
    _ = client.receive([0x01, 0x10, 7, 0, 0x0A])
    #expect(client.receive(pdu).failure == "a malformed list of characteristics")
  }

  @Test(
    arguments: [
      [0x05], [0x05, 1], [0x05, 3, 4, 0, 0x02, 0x29], [0x05, 1, 3, 0, 0x02, 0x29], [0x05, 1, 9, 0, 0x02, 0x29],
    ] as [[UInt8]]) func malformedDescriptorsEndTheLink(_ pdu: [UInt8])
  {
    var client = listening()
    _ = client.receive([0x11, 6, 1, 0, 6, 0, 0x10, 0x18])
    _ = client.receive([0x01, 0x10, 7, 0, 0x0A])
    _ = client.receive([0x09, 7, 2, 0, 0x20, 3, 0, 0x35, 0x2A])
    _ = client.receive([0x01, 0x08, 4, 0, 0x0A])
    #expect(client.receive(pdu).failure == "a malformed list of descriptors")
  }

  @Test func anEndlessListOfServicesEnds() {
    var client = listening()
    var outputs: [GATTOutput] = []
    var answers = 0
    var handle: UInt16 = 1
    while outputs.failure == nil, answers < 10_000 {
      outputs = client.receive(
        [0x11, 6, UInt8(handle & 0xFF), UInt8(handle >> 8)] + [
          UInt8(handle & 0xFF), UInt8(handle >> 8), 0x10, 0x18,
        ])
      handle += 1
      answers += 1
    }
    #expect(answers == 513)
  }

  @Test func indicationsThatWaitForNoConfirmationEndTheLink() {
    var client = Cuff.discovered()
    let indication: [UInt8] = [0x1D, 3, 0, 0x00, 120, 0, 80, 0, 95, 0]
    // A device that waits may send as many as it has.
    for _ in 0..<100 {
      #expect(client.receive(indication).failure == nil)
      client.confirmed()
    }
    var sent = 0
    while client.receive(indication).failure == nil, sent < 100 { sent += 1 }
    #expect(sent == 8)
  }

  @Test func aFloodBeforeDiscoveryIsBounded() {
    var client = GATTClient()
    var outputs = client.start()
    for _ in 0..<10_000 { _ = client.receive([0x1B, 3, 0, 1]) }
    while let pdu = outputs.sent.last, let answer = Cuff.answer(pdu) { outputs = client.receive(answer) }
    #expect(outputs.count < 50)
  }

  @Test func anEndlessValueIsRefusedByItsLength() {
    var client = Cuff.discovered()
    let feature = Cuff.characteristic(client, 0x2A49)
    var outputs = client.read(feature)
    var answers = 0
    while let pdu = outputs.sent.last, answers < 1000 {
      outputs = client.receive([pdu[0] + 1] + [UInt8](repeating: 0, count: 22))
      answers += 1
    }
    #expect(answers == 24)
  }

  @Test func everyPrefixAndChangeOfEveryAnswerIsHarmless() {
    var answers: [[UInt8]] = []
    var client = GATTClient()
    var outputs = client.start()
    while let pdu = outputs.sent.last, let answer = Cuff.answer(pdu) {
      answers.append(answer)
      outputs = client.receive(answer)
    }
    for (number, answer) in answers.enumerated() {
      for place in answer.indices {
        for change: UInt8? in [0, 1, 0x7F, 0xFF, nil] {
          var damaged = answer
          if let change { damaged[place] = change } else { damaged = Array(answer[..<place]) }
          var client = GATTClient()
          _ = client.start()
          for pdu in answers[..<number] + [damaged] + answers[number...] { _ = client.receive(pdu) }
        }
      }
    }
    #expect(answers.count == 5)
  }

  /// 20,000 conversations with a peer that answers at random; the seed is fixed, so that a failure comes again.
  @Test func randomPeersNeverTrapAndNeverHoldTheHubForEver() {
    var seed: UInt64 = 0x9E37_79B9_7F4A_7C15
    func random(_ below: Int) -> Int {
      seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(seed >> 33) % below
    }
    var failures = 0
    for _ in 0..<20_000 {
      var client = random(2) == 0 ? Cuff.discovered() : GATTClient()
      var outputs = client.start()
      for _ in 0..<40 where outputs.failure == nil {
        var pdu = outputs.sent.last.flatMap { Cuff.answer($0) } ?? [0x1B]
        switch random(4) {
        case 0: pdu[random(pdu.count)] ^= UInt8(1 << random(8))
        case 1: pdu = Array(pdu.prefix(random(pdu.count + 1)))
        case 2: pdu = (0..<random(24)).map { _ in UInt8(random(256)) }
        default: break
        }
        outputs = client.receive(pdu)
        if random(8) == 0 { outputs += client.read(Cuff.characteristic(client, 0x2A49)) }
        if random(8) == 0 { outputs += client.securityRaised() }
      }
      if outputs.failure != nil { failures += 1 }
    }
    #expect(failures > 1000)
  }
}
