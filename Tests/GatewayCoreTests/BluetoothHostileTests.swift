// The kernel's packets cut at every octet and changed in every octet; floods; events that fit nothing. The gateway never traps,
// tells no secret, and still works afterwards.

import BluetoothManagement
import ControlProtocol
@testable import GatewayCore
import JSON
import Octets
import Testing
@testable import Ledger

@Suite struct BluetoothHostileTests {
  /// One good packet of every event.
  private static let packets: [[UInt8]] = {
    let cuff = Kernel.wire(Kernel.cuffAddress)
    let key = cuff + [2, 0, 16] + [UInt8](repeating: 0, count: 10) + [UInt8](repeating: 0x5A, count: 16)
    let data = Peripheral.cuff().advertisement
    let bodies: [(UInt16, [UInt8])] = [
      (0x0001, [0x03, 0x00, 0, 1, 0, 0, 0]), (0x0001, [0x04, 0x00, 0] + [UInt8](repeating: 0xFF, count: 280)),
      (0x0001, [0x05, 0x00, 0, 1, 0, 0, 0]), (0x0001, [0x19, 0x00, 0] + cuff), (0x0001, [0x1B, 0x00, 0] + cuff),
      (0x0001, [0x23, 0x00, 0, 6]), (0x0002, [0x19, 0x00, 0x0A]), (0x0002, [0x05, 0x00, 0]), (0x0003, [0x01]),
      (0x0004, []), (0x0006, [1, 2, 0, 0]), (0x000A, [1] + key),
      (0x000B, cuff + [8, 0, 0, 0, UInt8(data.count), 0] + data), (0x000C, cuff + [4]), (0x000D, cuff + [8]),
      (0x000F, cuff + [0, 1, 2, 3, 4]), (0x0010, cuff), (0x0011, cuff + [5]),
      (0x0012, cuff + [0xCE, 0, 0, 0, 0, UInt8(data.count), 0] + data), (0x0013, [6, 1]), (0x0016, cuff),
      (0x0017, cuff + [1, 2, 3, 4, 0]), (0x0018, [1] + cuff.dropLast() + cuff + [UInt8](repeating: 7, count: 16)),
      (0x001A, cuff + [2]), (0x001B, cuff), (0x001B, [UInt8](repeating: 0, count: 7)),
      (0x001C, [1] + cuff + [6, 0, 6, 0, 0, 0, 100, 0]), (0x002A, cuff + [UInt8](repeating: 0, count: 8)),
      (0x0005, []),
    ]
    return bodies.map { Peripheral.octets($0.0) + [0, 0] + Peripheral.octets(UInt16($0.1.count)) + $0.1 }
  }()

  /// The hub is as good as new after a reset.
  private func expectWorks(_ kernel: Kernel, _ what: String) {
    kernel.links = [:]
    kernel.send(.linkClosed(device: "cuff", LinkEnd(code: "peer", message: "")))
    kernel.pass(100)
    kernel.air[0].disconnected()
    kernel.air[0].pairing = .justWorks
    kernel.controllers[0]?.isPlugged = true
    kernel.powerOff(0)
    kernel.tell(0, 0x0005, [])
    kernel.tell(0, 0x0004, [])
    kernel.pass(40_000)
    if kernel.bondOfCuff == "needs-pairing" { kernel.pair(0) }
    kernel.onAirUntil[0] = 0
    kernel.pass(120_000)
    let value = kernel.measure(for: 20_000)
    kernel.pass(20_000)
    #expect(kernel.stored[value] == 1, "after \(what)")
  }

  @Test func everyPrefixOfEveryEvent() {
    for packet in BluetoothHostileTests.packets {
      let kernel = pairedKernel()
      kernel.keepsEffects = false
      for count in 0..<packet.count { kernel.send(.managementReceived(Array(packet[..<count]))) }
      kernel.pass(100)
      expectWorks(kernel, "prefixes of event \(packet[0])")
    }
  }

  @Test(arguments: [false, true]) func everyChangedOctetOfEveryEvent(isPairing: Bool) {
    for packet in BluetoothHostileTests.packets {
      let kernel = pairedKernel()
      kernel.keepsEffects = false
      kernel.isLying = true
      if isPairing {
        kernel.air[0].pairing = .passkeyOnHub(1)
        kernel.pair(0)
      }
      for index in packet.indices {
        for value: UInt8 in [0, 1, 2, 4, 0x7F, 0x80, 0xFE, 0xFF] {
          var changed = packet
          changed[index] = value
          kernel.send(.managementReceived(changed))
        }
      }
      kernel.pass(130_000)
      expectWorks(kernel, "changes of event \(packet[0])")
    }
  }

  @Test func packetsOfChance() {
    var random = SplitMix(4711)
    let kernel = pairedKernel()
    kernel.keepsEffects = false
    kernel.isLying = true
    for round in 0..<4000 {
      var packet = (0..<Int.random(in: 0...60, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
      // Half of them begin as an event of the controller does, and tell their length.
      if round % 2 == 0, packet.count > 6 {
        packet.replaceSubrange(
          0..<6, with: [UInt8.random(in: 1...0x2A, using: &random), 0, 0, 0, UInt8(packet.count - 6), 0])
      }
      kernel.hub.send(.managementReceived(packet))
      if round % 100 == 0 { kernel.pass(50) }
    }
    kernel.pass(130_000)
    expectWorks(kernel, "packets of chance, seed 4711")
  }

  @Test func aFloodOfStrangersIsBounded() {
    let kernel = Kernel([Peripheral.cuff()])
    kernel.pass(100)
    kernel.ask(.scan(seconds: 30))
    kernel.keepsEffects = false
    let data = Peripheral.scale().advertisement
    for number in 0..<4000 {
      let stranger = PeerAddress(bits: 0x5A00_0000_0000 + UInt64(number), kind: .randomLE)
      let body = Kernel.wire(stranger) + [0xCE, 0, 0, 0, 0] + Peripheral.octets(UInt16(data.count)) + data
      kernel.hub.send(.managementReceived([0x12, 0, 0, 0] + Peripheral.octets(UInt16(body.count)) + body))
    }
    kernel.hub.done = kernel.hub.done.filter { if case .notify = $0 { false } else { true } }
    // The device that the technician wants is found all the same.
    let request = kernel.pair(0)
    #expect(kernel.result(request)?["device"]?.string == "blood-pressure")
  }

  @Test func aCommandThatIsUnderWayHasNotEnded() {
    let kernel = Kernel([Peripheral.cuff()])
    kernel.air[0].pairing = .passkeyOnHub(1)
    kernel.pass(100)
    let request = kernel.pair(0)
    // Command Status with success: the end of Pair Device comes later.
    kernel.tell(0, 0x0002, [0x19, 0x00, 0x00])
    kernel.pass(100)
    #expect(kernel.answer(request) == nil)
    kernel.ask(.pairAnswer("000001"))
    kernel.pass(1000)
    #expect(kernel.result(request)?["device"]?.string == "blood-pressure")
  }

  @Test func eventsOfControllersThatAreNotThereChangeNothing() {
    let kernel = pairedKernel()
    for packet in BluetoothHostileTests.packets {
      // Whether another program steers a controller is no question of which.
      guard ![0x1A, 0x1B].contains(packet[0]) else { continue }
      var elsewhere = packet
      elsewhere[2] = 9
      kernel.send(.managementReceived(elsewhere))
    }
    kernel.pass(100)
    let value = kernel.measure()
    kernel.pass(5000)
    #expect(kernel.stored[value] == 1)
  }

  @Test func aPeerThatSendsAnythingOverItsLinkIsHeardAgain() {
    var random = SplitMix(815)
    let kernel = pairedKernel { $0.hangsUp = false }
    kernel.keepsEffects = false
    for _ in 0..<200 {
      kernel.appear(0, for: 1000)
      kernel.pass(1000)
      for _ in 0..<50 {
        let pdu = (0..<Int.random(in: 0...24, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
        kernel.send(.linkReceived(device: "cuff", pdu))
      }
      kernel.pass(35_000)
    }
    kernel.pass(120_000)
    let value = kernel.measure()
    kernel.pass(10_000)
    #expect(kernel.stored[value] == 1)
  }
}
