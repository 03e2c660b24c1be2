// One bearer for client and server: the MTU, whoever asks for it, and values that are longer than it.

import GATT
import Octets
import Testing

struct BearerTests {
  @Test func thePeersMTUCountsForBoth() {
    var client = Cuff.discovered()
    #expect(client.mtu == 23)
    var other = GATTClient()
    _ = other.start()
    #expect(other.receive([0x02, 185, 0]) == [.transmit([0x03, 0x05, 0x02])])
    #expect(other.mtu == 185)
    // Its answer to the hub says the same, or the smaller one counts.
    _ = other.receive([0x03, 100, 0])
    #expect(other.mtu == 100)
    // What is asked afterwards never makes it larger than what was agreed on.
    #expect(client.receive([0x02, 0xFF, 0xFF]) == [.transmit([0x03, 0x05, 0x02])])
    #expect(client.mtu == 23)
  }

  @Test(arguments: [(0, 23), (22, 23), (23, 23), (24, 24), (517, 517), (518, 517), (0xFFFF, 517)])
  func theMTUHasItsLimits(_ theirs: Int, _ effective: Int) {
    let octets = [UInt8(theirs & 0xFF), UInt8(theirs >> 8)]
    var client = GATTClient()
    _ = client.start()
    _ = client.receive([0x03] + octets)
    #expect(client.mtu == effective)
    var asked = GATTClient()
    _ = asked.receive([0x02] + octets)
    #expect(asked.mtu == effective)
  }

  @Test func aMalformedMTURequestIsRefused() {
    for pdu: [UInt8] in [[0x02], [0x02, 185], [0x02, 185, 0, 0]] {
      var client = Cuff.discovered(mtu: 100)
      #expect(client.receive(pdu) == [.transmit([0x01, 0x02, 0, 0, 0x04])])
      #expect(client.mtu == 100)
    }
  }

  @Test func anAnswerUnderTheOldMTUIsNotTakenForWhole() {
    var client = GATTClient()
    var outputs = client.start()
    outputs = client.receive([0x01, 0x02, 0, 0, 0x06])
    while let pdu = outputs.sent.last, let answer = Cuff.answer(pdu) { outputs = client.receive(answer) }
    let feature = Cuff.characteristic(client, 0x2A49)
    _ = client.read(feature)
    // The device asks for more while its answer is on the way: 22 octets were all that fitted.
    _ = client.receive([0x02, 185, 0])
    let part = [UInt8](repeating: 7, count: 22)
    #expect(client.receive([0x0B] + part).sent == [[0x0C, 6, 0, 22, 0]])
    #expect(client.receive([0x0D, 8]).events == [.readDone(feature, part + [8])])
  }

  @Test func requestsOfThePeerDoNotDisturbTheHubsOwn() {
    var client = Cuff.discovered()
    var server = GATTServer()
    let feature = Cuff.characteristic(client, 0x2A49)
    _ = client.read(feature)
    #expect(client.receive([0x0A, 12, 0]) == [.peerRequest([0x0A, 12, 0])])
    #expect(server.receive([0x0A, 12, 0], time: ServerTests.time, mtu: client.mtu)?.first == 0x0B)
    #expect(client.receive([0x0B, 1]).events == [.readDone(feature, [1])])
  }

  @Test func beforeTheStartThePeerIsAnsweredAndItsValuesAreKept() throws {
    // The hub still pairs or encrypts; some devices do not wait for that.
    var client = GATTClient()
    #expect(client.receive([0x02, 185, 0]) == [.transmit([0x03, 0x05, 0x02])])
    #expect(client.receive([0x0A, 12, 0]) == [.peerRequest([0x0A, 12, 0])])
    #expect(client.receive([0x1D, 9, 0, 1, 2]).isEmpty)
    var cuff = BondedCuff()
    let events = cuff.converse(&client, client.start(cached: BondedCuff.cache()))
    let measurement = try #require(client.measurement)
    #expect(events == [.discovered(client.database), .value(measurement, [1, 2], isIndication: true)])
  }

  /// What a device that keeps to the protocol takes of a long value; the longest PDU that it saw.
  private func write(_ value: [UInt8], mtu: UInt8) -> (taken: [UInt8], longest: Int, events: [GATTOutput]) {
    var client = Cuff.discovered(mtu: mtu)
    var outputs = client.write(Cuff.characteristic(client, 0x2A49), value, withResponse: true)
    var queue: [UInt8] = []
    var taken: [UInt8] = []
    var longest = 0
    while let pdu = outputs.sent.last {
      longest = max(longest, pdu.count)
      switch pdu[0] {
      case 0x12:
        taken = Array(pdu.dropFirst(3))
        outputs = client.receive([0x13])
      case 0x16:
        #expect(Int(pdu[3]) | Int(pdu[4]) << 8 == queue.count)
        queue += pdu.dropFirst(5)
        outputs = client.receive([0x17] + pdu.dropFirst())
      default:
        if pdu == [0x18, 1] { taken = queue }
        outputs = client.receive([0x19])
      }
    }
    return (taken, longest, outputs.events)
  }

  @Test(arguments: [0, 20, 21, 36, 37, 100, 511, 512], [UInt8(23), 100])
  func aLongValueIsWrittenInParts(_ length: Int, _ mtu: UInt8) {
    let value = (0..<length).map { UInt8($0 & 0xFF) }
    let result = write(value, mtu: mtu)
    #expect(result.taken == value)
    #expect(result.longest <= Int(mtu))
    #expect(result.events == [.written(Cuff.characteristic(Cuff.discovered(), 0x2A49))])
  }

  @Test func aValueThatIsNoValueIsNotWritten() {
    var client = Cuff.discovered()
    let feature = Cuff.characteristic(client, 0x2A49)
    let value = [UInt8](repeating: 0, count: 513)
    #expect(client.write(feature, value, withResponse: true) == [.writeFailed(feature, 0x0D)])
  }

  @Test func aPartThatArrivesDifferentIsTakenBack() {
    var client = Cuff.discovered()
    let feature = Cuff.characteristic(client, 0x2A49)
    let sent = client.write(feature, Array(0..<40), withResponse: true).sent[0]
    #expect(sent == [0x16, 6, 0, 0, 0] + Array(0..<18))
    var echo = [0x17] + sent.dropFirst()
    echo[9] ^= 1
    #expect(client.receive(echo).sent == [[0x18, 0]])
    #expect(client.receive([0x19]) == [.stopTimer, .writeFailed(feature, 0x0E)])
  }

  @Test func aRefusedPartTakesTheOthersBackAndTellsItsReason() {
    var client = Cuff.discovered()
    let feature = Cuff.characteristic(client, 0x2A49)
    let first = client.write(feature, Array(0..<40), withResponse: true).sent[0]
    _ = client.receive([0x17] + first.dropFirst())
    #expect(client.receive([0x01, 0x16, 6, 0, 0x09]).sent == [[0x18, 0]])
    #expect(client.receive([0x01, 0x18, 0, 0, 0x0E]) == [.stopTimer, .writeFailed(feature, 0x09)])
    // Where the first one is refused, nothing is to be taken back: many devices know no long values.
    _ = client.write(feature, Array(0..<40), withResponse: true)
    #expect(client.receive([0x01, 0x16, 6, 0, 0x06]) == [.stopTimer, .writeFailed(feature, 0x06)])
  }

  @Test func aLongWriteThatAnUpdateInterruptsIsTakenBack() {
    var client = GATTClient()
    var cuff = BondedCuff()
    _ = cuff.converse(&client, client.start())
    guard let measurement = client.measurement else { return #expect(Bool(false)) }
    let first = client.write(measurement, [UInt8](repeating: 1, count: 300), withResponse: true).sent[0]
    _ = client.receive([0x1D, 3, 0, 1, 0, 0xFF, 0xFF])
    #expect(client.receive([0x17] + first.dropFirst()).sent == [[0x18, 0]])
    #expect(client.receive([0x19]).sent == [[0x10, 1, 0, 0xFF, 0xFF, 0x00, 0x28]])
  }

  @Test(arguments: [UInt8(0x08), 0x0C]) func whatEncryptionDoesNotCureIsAFailure(_ code: UInt8) {
    var client = Cuff.discovered()
    let measurement = Cuff.characteristic(client, 0x2A35)
    _ = client.subscribe(measurement, indications: true)
    #expect(client.receive([0x01, 0x12, 4, 0, code]) == [.stopTimer, .subscribeFailed(measurement, code)])
    #expect(ATTErrorCode.isSecurity(code))
    #expect(ATTErrorCode.meaning(0x08).contains("by hand") && ATTErrorCode.meaning(0x0C).hasSuffix("(0x0C)"))
  }

  @Test func aDeviceWithoutReadBlobHasNoLongValues() {
    var client = Cuff.discovered()
    let feature = Cuff.characteristic(client, 0x2A49)
    let value = [UInt8](repeating: 1, count: 22)
    _ = client.read(feature)
    _ = client.receive([0x0B] + value)
    #expect(client.receive([0x01, 0x0C, 6, 0, 0x06]).events == [.readDone(feature, value)])
  }
}
