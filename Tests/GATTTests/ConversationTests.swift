// The client's conversation with a device that keeps to the protocol: discovery, reads, writes, values, security.

import GATT
import Octets
import Testing

struct ConversationTests {
  @Test func discoveryAsksOneThingAtATimeAndEndsWithADatabase() throws {
    var client = GATTClient()
    var outputs = client.start()
    var sent: [[UInt8]] = []
    while let pdu = outputs.sent.last, let answer = Cuff.answer(pdu) {
      #expect(outputs.sent.count == 1)
      #expect(outputs.last == .startTimer)
      sent.append(pdu)
      outputs = client.receive(answer)
    }
    #expect(
      sent == [
        [0x02, 0x05, 0x02],
        [0x10, 1, 0, 0xFF, 0xFF, 0x00, 0x28],
        [0x10, 7, 0, 0xFF, 0xFF, 0x00, 0x28],
        [0x08, 1, 0, 6, 0, 0x03, 0x28],
        [0x04, 4, 0, 4, 0],
      ])
    // The timer stops before the event: what the driver asks then starts it again.
    #expect(outputs == [.stopTimer, .discovered(client.database)])
    let measurement = try #require(client.database.find(BluetoothUUID(0x1810), BluetoothUUID(0x2A35)))
    #expect(measurement.valueHandle == 3 && measurement.configurationHandle == 4 && measurement.properties == 0x20)
    let feature = try #require(client.database.find(valueHandle: 6))
    #expect(feature.uuid == BluetoothUUID(0x2A49) && feature.configurationHandle == nil)
  }

  @Test func aConfigurationBehindAnotherDescriptorIsFound() {
    var client = GATTClient()
    _ = client.start()
    _ = client.receive([0x03, 23, 0])
    _ = client.receive([0x11, 6, 1, 0, 0xFF, 0xFF, 0x10, 0x18])
    _ = client.receive([0x09, 7, 2, 0, 0x20, 3, 0, 0x35, 0x2A])
    // The list of characteristics is asked to its end, and the service reaches to the last handle of all.
    let descriptors = client.receive([0x01, 0x08, 4, 0, 0x0A])
    #expect(descriptors.sent == [[0x04, 4, 0, 0xFF, 0xFF]])
    // A user description alone in one answer: the search goes on behind it.
    let next = client.receive([0x05, 1, 4, 0, 0x01, 0x29])
    #expect(next.sent == [[0x04, 5, 0, 0xFF, 0xFF]])
    let done = client.receive([0x05, 1, 5, 0, 0x02, 0x29])
    #expect(done == [.stopTimer, .discovered(client.database)])
    #expect(client.database.characteristics.first?.configurationHandle == 5)
  }

  @Test func longUUIDsAreFoundToo() {
    var client = GATTClient()
    _ = client.start()
    _ = client.receive([0x03, 23, 0])
    let uuid = BluetoothUUID(high: 0x46A9_70E0_0D5F_11E2, low: 0x8B5E_0002_A5D5_C51B)
    _ = client.receive([0x11, 20, 1, 0, 3, 0] + uuid.littleEndian)
    _ = client.receive([0x01, 0x10, 4, 0, 0x0A])
    _ = client.receive([0x09, 21, 2, 0, 0x08, 3, 0] + uuid.littleEndian)
    #expect(client.database.find(uuid, uuid)?.valueHandle == 3)
  }

  @Test func anIndicationBetweenRequestAndAnswerIsGivenAndNotConfirmedHere() {
    var client = Cuff.discovered()
    let measurement = Cuff.characteristic(client, 0x2A35)
    #expect(client.subscribe(measurement, indications: true).sent == [[0x12, 4, 0, 2, 0]])
    let indicated = client.receive([0x1D, 3, 0, 0x00, 120, 0, 80, 0, 95, 0])
    #expect(indicated == [.value(measurement, [0x00, 120, 0, 80, 0, 95, 0], isIndication: true)])
    #expect(client.receive([0x13]) == [.stopTimer, .subscribed(measurement)])
    #expect(GATTClient.confirmation == [0x1E])
  }

  @Test func whatABondedDeviceSendsBeforeDiscoveryIsKeptAndGivenAfterIt() {
    var client = GATTClient()
    var outputs = client.start()
    let early: [UInt8] = [0x1D, 3, 0, 0x00, 120, 0, 80, 0, 95, 0]
    #expect(client.receive(early).isEmpty)
    while let pdu = outputs.sent.last, let answer = Cuff.answer(pdu) { outputs = client.receive(answer) }
    #expect(
      outputs == [
        .stopTimer, .discovered(client.database),
        .value(Cuff.characteristic(client, 0x2A35), Array(early.dropFirst(3)), isIndication: true),
      ])
  }

  @Test func requestsWaitForTheirTurn() {
    var client = Cuff.discovered()
    let measurement = Cuff.characteristic(client, 0x2A35)
    let feature = Cuff.characteristic(client, 0x2A49)
    #expect(client.subscribe(measurement, indications: true).sent.count == 1)
    #expect(client.read(feature).isEmpty)
    #expect(client.write(feature, [1], withResponse: false).isEmpty)
    #expect(client.write(feature, [2], withResponse: true).isEmpty)
    // The next request leaves with the answer to the one before; its timer starts anew.
    #expect(client.receive([0x13]) == [.transmit([0x0A, 6, 0]), .startTimer, .subscribed(measurement)])
    // A command has no answer: the request behind it leaves at once.
    #expect(
      client.receive([0x0B, 0x27, 0x00]) == [
        .transmit([0x52, 6, 0, 1]), .transmit([0x12, 6, 0, 2]), .startTimer, .written(feature),
        .readDone(feature, [0x27, 0x00]),
      ])
    #expect(client.receive([0x13]) == [.stopTimer, .written(feature)])
  }

  @Test func notificationsAreAskedForWithOne() {
    var client = Cuff.discovered()
    #expect(client.subscribe(Cuff.characteristic(client, 0x2A35), indications: false).sent == [[0x12, 4, 0, 1, 0]])
  }

  @Test func aCharacteristicWithoutConfigurationCannotBeSubscribedTo() {
    var client = Cuff.discovered()
    let feature = Cuff.characteristic(client, 0x2A49)
    #expect(client.subscribe(feature, indications: true) == [.subscribeFailed(feature, 0x0A)])
  }

  @Test(arguments: [22, 23, 44, 45, 66]) func aLongValueIsReadInPieces(_ length: Int) {
    var client = Cuff.discovered()
    let feature = Cuff.characteristic(client, 0x2A49)
    let value = (0..<length).map { UInt8($0 & 0xFF) }
    var outputs = client.read(feature)
    while let pdu = outputs.sent.last {
      let offset = pdu[0] == 0x0A ? 0 : Int(pdu[3]) | Int(pdu[4]) << 8
      // At MTU 23 an answer holds 22 octets. A device may refuse to read behind the end.
      outputs = client.receive(
        offset >= length ? Cuff.error(pdu, 0x07) : [pdu[0] + 1] + value[offset...].prefix(22))
    }
    #expect(outputs.events == [.readDone(feature, value)])
  }

  @Test func aReadThatIsRefusedInTheMiddleIsNoValue() {
    var client = Cuff.discovered()
    let feature = Cuff.characteristic(client, 0x2A49)
    _ = client.read(feature)
    _ = client.receive([0x0B] + [UInt8](repeating: 1, count: 22))
    #expect(client.receive([0x01, 0x0C, 6, 0, 0x0E]).events == [.readFailed(feature, 0x0E)])
  }

  @Test func aCommandThatFitsNoPDUIsRefused() {
    var client = Cuff.discovered()
    let feature = Cuff.characteristic(client, 0x2A49)
    let tooLong = [UInt8](repeating: 0, count: 21)
    #expect(client.write(feature, tooLong, withResponse: false) == [.writeFailed(feature, 0x0D)])
    #expect(client.write(feature, Array(tooLong.dropLast()), withResponse: false).sent.count == 1)
    var wide = Cuff.discovered(mtu: 247)
    #expect(wide.write(feature, tooLong, withResponse: false).sent.count == 1)
  }

  @Test(arguments: [UInt8(0x05), 0x0F]) func aRequestWaitsForAnEncryptedLink(_ code: UInt8) {
    var client = Cuff.discovered()
    let measurement = Cuff.characteristic(client, 0x2A35)
    let feature = Cuff.characteristic(client, 0x2A49)
    _ = client.subscribe(measurement, indications: true)
    _ = client.read(feature)
    #expect(client.receive([0x01, 0x12, 4, 0, code]) == [.stopTimer, .securityRequired(code)])
    // Nothing is sent while the kernel pairs.
    #expect(client.read(feature).isEmpty)
    #expect(client.timedOut().isEmpty)
    #expect(client.securityRaised() == [.transmit([0x12, 4, 0, 2, 0]), .startTimer])
    #expect(client.receive([0x13]) == [.transmit([0x0A, 6, 0]), .startTimer, .subscribed(measurement)])
  }

  @Test func aLinkThatCannotBeEncryptedFailsTheRequestAndGoesOn() {
    var client = Cuff.discovered()
    let measurement = Cuff.characteristic(client, 0x2A35)
    let feature = Cuff.characteristic(client, 0x2A49)
    _ = client.subscribe(measurement, indications: true)
    _ = client.read(feature)
    _ = client.receive([0x01, 0x12, 4, 0, 0x05])
    #expect(
      client.securityRefused() == [.transmit([0x0A, 6, 0]), .startTimer, .subscribeFailed(measurement, 0x05)])
  }

  @Test func encryptionIsAskedForOnceAndNotInALoop() {
    var client = Cuff.discovered()
    let measurement = Cuff.characteristic(client, 0x2A35)
    _ = client.subscribe(measurement, indications: true)
    _ = client.receive([0x01, 0x12, 4, 0, 0x05])
    _ = client.securityRaised()
    #expect(client.receive([0x01, 0x12, 4, 0, 0x05]) == [.stopTimer, .subscribeFailed(measurement, 0x05)])
    #expect(client.securityRaised().isEmpty)
  }

  @Test func silenceEndsTheLink() {
    var client = Cuff.discovered()
    #expect(client.timedOut().isEmpty)
    _ = client.read(Cuff.characteristic(client, 0x2A49))
    #expect(client.timedOut().failure != nil)
    // Nothing more is asked or believed.
    #expect(client.read(Cuff.characteristic(client, 0x2A49)).isEmpty)
    #expect(client.receive([0x0B, 1]).isEmpty)
  }
}
