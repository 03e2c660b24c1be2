// Packets as a Debian 12 kernel (mgmt 1.22) sent and took them, and what must not trap.

import BluetoothManagement
import Octets
import Testing

private func packet(_ hex: String) throws -> ManagementPacket { try ManagementPacket(Hex.decode(hex)) }

@Suite struct PacketTests {
  let cuff = PeerAddress("F0:00:00:00:00:01", kind: .randomLE)

  @Test func addressesAreWrittenHighestFirstAndSentLowestFirst() throws {
    let address = try #require(cuff)
    #expect(address.description == "F0:00:00:00:00:01")
    #expect(address.octets == [1, 0, 0, 0, 0, 0xF0])
    #expect(!address.isResolvable)
    #expect(try #require(PeerAddress("4a:00:00:00:00:01", kind: .randomLE)).isResolvable)
    for bad in [
      "", "F0:00:00:00:00", "F0:00:00:00:00:0", "F0-00-00-00-00-01", "F0:00:00:00:00:0G", "F0:00:00:00:00:01:",
    ] {
      #expect(PeerAddress(bad, kind: .publicLE) == nil, "\(bad)")
    }
  }

  @Test func commandsHaveTheKernelsOctets() throws {
    let address = try #require(cuff)
    #expect(Hex.encode(ManagementCommand.readVersion.packet(index: 0)) == "0100ffff0000")
    #expect(Hex.encode(ManagementCommand.setPowered(true).packet(index: 0)) == "05000000010001")
    #expect(
      Hex.encode(ManagementCommand.addDevice(address, .connect).packet(index: 1)) == "3300010008000100000000f00202")
    #expect(
      Hex.encode(ManagementCommand.pair(address, .keyboardDisplay).packet(index: 0)) == "1900000008000100000000f00204")
    #expect(
      Hex.encode(ManagementCommand.passkey(address, 123_456).packet(index: 0)) == "1e0000000b000100000000f00240e20100")
    #expect(Hex.encode(ManagementCommand.passkey(address, nil).packet(index: 0)) == "1f00000007000100000000f002")
    #expect(Hex.encode(ManagementCommand.startDiscovery.packet(index: 0)) == "23000000010006")
    #expect(Hex.encode(ManagementCommand.removeDevice(nil).packet(index: 0)) == "34000000070000000000000000")
    #expect(Hex.encode(ManagementCommand.loadLongTermKeys([]).packet(index: 0)) == "1300000002000000")
  }

  @Test func eventsAreRead() throws {
    let address = try #require(cuff)
    #expect(try packet("0400010000 00".filter { $0 != " " }).event == .indexAdded)
    #expect(try packet("060000000400d10a0000").event == .settings(.init(rawValue: 0x0AD1)))
    let found = try packet("1200000011000100000000f002ce0000000003000201 06".filter { $0 != " " })
    #expect(found.event == .found(address, rssi: -50, advertising: [2, 1, 6]))
    #expect(try packet("0c00000008000100000000f00204").event == .disconnected(address, .authenticationFailure))
    #expect(try packet("0200000003001900 05".filter { $0 != " " }).event == .complete(0x19, .authenticationFailed, []))
    #expect(
      try packet("0f0000000c000100000000f00201 00000000".filter { $0 != " " }).event
        == .confirmationRequest(address, value: 0, isConsent: true))
    #expect(try packet("170000000c000100000000f00240e2010003").event == .passkeyNotify(address, 123_456, entered: 3))
    #expect(try packet("1b000000070000000000000000").event == .deviceRemoved(nil))
    #expect(try packet("99000000020001 02".filter { $0 != " " }).event == .other(0x99))
  }

  @Test func keysComeAndGoOctetByOctet() throws {
    let wire =
      "0100000000f0" + "02" + "03" + "01" + "10" + "3412" + "0807060504030201" + "000102030405060708090a0b0c0d0e0f"
    guard case .newLongTermKey(let key, stores: true) = try packet("0a0000002500" + "01" + wire).event else {
      Issue.record("no key")
      return
    }
    #expect(key.isAuthenticated && key.isCentral && key.size == 16 && key.diversifier == 0x1234)
    #expect(Hex.encode(key.octets) == wire)
    #expect(try LongTermKey(key.octets) == key)
    #expect(throws: DecodeError.self) { try LongTermKey(key.octets + [0]) }
    let loaded = ManagementCommand.loadLongTermKeys([key]).packet(index: 0)
    #expect(Hex.encode(loaded) == "1300000026000100" + wire)
    let irk = "0100000000f002" + "0f0e0d0c0b0a09080706050403020100"
    guard
      case .newIdentityKey(let identity, let seen, true) = try packet("180000001e00" + "01" + "aabbccddee4f" + irk)
        .event
    else {
      Issue.record("no identity key")
      return
    }
    #expect(seen.isResolvable && Hex.encode(identity.octets) == irk)
  }

  @Test func aBlockedRadioIsNamedWhereAnOldKernelDoesNot() throws {
    // Command Status and Command Complete of Set Powered, failed.
    for hex in ["020000000300050003", "010000000700050003d10a0000"] {
      let octets = try Hex.decode(hex)
      let explained = ManagementPacket.explained(octets) { true }
      #expect(explained.count == octets.count && explained[8] == 0x12)
      #expect(zip(explained, octets).enumerated().allSatisfy { $0 == 8 || $1.0 == $1.1 })
      #expect(ManagementPacket.explained(octets) { false } == octets)
    }
    // Another status, another command, another event, too short: nobody looks at the switch.
    for hex in ["020000000300050000", "0200000003000d0003", "120000000300050003", "0200000003000500", ""] {
      let octets = try Hex.decode(hex)
      let explained = ManagementPacket.explained(octets) {
        Issue.record("\(hex): the switch is looked at")
        return true
      }
      #expect(explained == octets)
    }
  }

  @Test func everyPrefixAndEveryChangedOctetIsAnEventOrAnError() throws {
    let packets = [
      "0100000009000400000000000000000000", "1200000011000100000000f002ce000000000300020106",
      "0b00000010000100000000f0020800000003000201 06".filter { $0 != " " }, "0c00000008000100000000f00204",
      "0f0000000c000100000000f0020100000000", "170000000c000100000000f00240e2010003",
      "0a00000025000101000000 00f002030110341208070605040302010001 02030405060708090a0b0c0d0e0f".filter { $0 != " " },
      "1b000000070000000000000000",
    ]
    var refused = 0
    for hex in packets {
      let octets = try Hex.decode(hex)
      for count in 0..<octets.count where (try? ManagementPacket(Array(octets[..<count]))) == nil { refused += 1 }
      for index in octets.indices {
        for change: UInt8 in [0x00, 0x01, 0x7F, 0x80, 0xFF] {
          var changed = octets
          changed[index] ^= change
          if (try? ManagementPacket(changed)) == nil { refused += 1 }
        }
      }
    }
    #expect(refused > 100)
  }
}
