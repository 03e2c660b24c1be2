// Devices that misuse what a bond gives them: a cache, Service Changed, values before discovery. And the whole bearer at random.

import GATT
import Octets
import Testing

struct HostileBondTests {
  /// The answers of an honest link with a cache that is old, in their order.
  private func honest() -> [[UInt8]] {
    var client = GATTClient()
    var cuff = BondedCuff()
    cuff.update()
    var outputs = client.start(cached: BondedCuff.cache())
    var answers: [[UInt8]] = []
    while let pdu = outputs.sent.last, let answer = cuff.answer(pdu) {
      answers.append(answer)
      outputs = client.receive(answer)
    }
    return answers
  }

  @Test func everyPrefixAndChangeOfEveryAnswerToACachedClientIsHarmless() {
    let answers = honest()
    let cache = BondedCuff.cache()
    #expect(answers.count == 9)
    for (number, answer) in answers.enumerated() {
      for place in answer.indices {
        for change: UInt8? in [0, 1, 0x7F, 0xFF, answer[place] ^ 1, nil] {
          var damaged = answer
          if let change { damaged[place] = change } else { damaged = Array(answer[..<place]) }
          var client = GATTClient()
          _ = client.start(cached: cache)
          var found = 0
          for pdu in answers[..<number] + [damaged] + answers[number...] {
            found += client.receive(pdu).filter { if case .discovered = $0 { true } else { false } }.count
          }
          #expect(found <= 1)
        }
      }
    }
  }

  @Test func everyChangeOfServiceChangedIsConfirmedOrKept() {
    var honest = GATTClient()
    var cuff = BondedCuff()
    _ = cuff.converse(&honest, honest.start())
    let indication: [UInt8] = [0x1D, 3, 0, 1, 0, 0xFF, 0xFF]
    for count in 1...indication.count {
      var client = honest
      let outputs = client.receive(Array(indication.prefix(count)))
      #expect(outputs.contains(.unknownIndication))
      // What it tells does not matter; that it came does.
      #expect(outputs.contains(.databaseChanged) == (count >= 3))
    }
    for place in 3..<indication.count {
      var changed = indication
      changed[place] = 0
      var client = honest
      #expect(client.receive(changed).contains(.databaseChanged))
    }
    // A notification of it is none.
    var client = honest
    #expect(!client.receive([0x1B, 3, 0, 1, 0, 0xFF, 0xFF]).contains(.databaseChanged))
  }

  @Test func unknownHandlesCostACacheOneDiscovery() {
    var client = GATTClient()
    var cuff = BondedCuff()
    _ = cuff.converse(&client, client.start(cached: BondedCuff.cache()))
    var changes = 0
    for _ in 0..<1000 {
      let outputs = client.receive([0x1B, 77, 0, 1])
      changes += outputs.filter { $0 == .databaseChanged }.count
      _ = cuff.converse(&client, outputs)
    }
    #expect(changes == 1)
  }

  @Test func aDeviceThatIsAlwaysOutOfSyncLosesItsLink() {
    var client = GATTClient()
    var cuff = BondedCuff()
    var events = cuff.converse(&client, client.start(cached: BondedCuff.cache()))
    var rounds = 0
    while events.failure == nil, rounds < 100, let measurement = client.measurement {
      _ = client.subscribe(measurement, indications: true)
      let outputs = client.receive([0x01, 0x12, 10, 0, 0x12])
      events = outputs.events + (outputs.failure == nil ? cuff.converse(&client, outputs) : [])
      rounds += 1
    }
    #expect(rounds == 4)
  }

  @Test func anEndlessListOfCharacteristicsEnds() {
    var client = GATTClient()
    _ = client.start()
    _ = client.receive([0x03, 23, 0])
    _ = client.receive([0x11, 6, 1, 0, 0xFF, 0xFF, 0x10, 0x18])
    var outputs: [GATTOutput] = []
    var handle: UInt16 = 2
    var answers = 0
    while outputs.failure == nil, answers < 100_000 {
      let value = handle + 1
      outputs = client.receive(
        [0x09, 7, UInt8(handle & 0xFF), UInt8(handle >> 8), 0x10, UInt8(value & 0xFF), UInt8(value >> 8), 0x35, 0x2A])
      handle += 2
      answers += 1
    }
    #expect(answers == 513)
  }

  /// 5,000 links with a bonded device that does anything, and a hub that does anything; the seed is fixed.
  @Test func randomBondsNeverTrapAndKeepOneRequestOpen() {
    var random = Dice()
    let cache = BondedCuff.cache()
    var changes = 0
    for _ in 0..<5000 {
      var client = GATTClient()
      var server = GATTServer()
      var cuff = BondedCuff()
      if random(3) == 0 { cuff.update() }
      var open = 0
      var request: [UInt8] = []
      /// The requests among outputs: there is never a second one before the first has its answer.
      func sent(_ outputs: [GATTOutput], answered: Bool) {
        if answered { open = 0 }
        for pdu in outputs.sent where pdu[0] & 0x41 == 0 {
          open += 1
          request = pdu
        }
        #expect(open <= 1)
        changes += outputs.filter { $0 == .databaseChanged }.count
        for case .peerRequest(let pdu) in outputs {
          _ = server.receive(pdu, time: ServerTests.time, mtu: client.mtu)
        }
      }
      sent(client.start(cached: random(2) == 0 ? cache : nil), answered: true)
      for _ in 0..<60 {
        let characteristic = client.measurement ?? cache.characteristics[random(3)]
        switch random(12) {
        case 0: sent(client.read(characteristic), answered: false)
        case 1:
          let value = [UInt8](repeating: 3, count: random(530))
          sent(client.write(characteristic, value, withResponse: random(2) == 0), answered: false)
        case 2: sent(client.subscribe(characteristic, indications: true), answered: false)
        case 3: sent(random(2) == 0 ? client.securityRaised() : client.securityRefused(), answered: false)
        case 4: sent(client.receive([0x1D, UInt8(random(16)), 0, 1, 0, 0xFF, 0xFF]), answered: false)
        case 5: sent(client.receive([UInt8(random(32) * 2), 3, 0, 1, 0]), answered: false)
        case 6:
          let codes: [UInt8] = [0x01, 0x05, 0x0A, 0x0F, 0x12]
          if open == 1 { sent(client.receive(Cuff.error(request + [0, 0], codes[random(5)])), answered: true) }
        case 7:
          let noise = (0..<random(24)).map { _ in UInt8(random(256)) }
          let outputs = client.receive(noise)
          sent(outputs, answered: !outputs.sent.isEmpty || outputs.contains(.stopTimer))
        default:
          guard open == 1 else { continue }
          let answer = request[0] == 0x16 ? [0x17] + request.dropFirst() : cuff.answer(request) ?? [request[0] + 1]
          sent(client.receive(answer), answered: true)
        }
        if random(4) == 0 { client.confirmed() }
      }
    }
    #expect(changes > 1000)
  }
}
