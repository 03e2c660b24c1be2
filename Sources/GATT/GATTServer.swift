// The hub's own attribute server on the bearer that the client uses (Bluetooth Core 5.4, volume 3 part F, 3.4; part G, 4): some
// devices read the hub's clock, and every peer may look at what is there. It holds nothing but one link's subscriptions.
//
// The client keeps the MTU, for both (part F, 3.4.2): Exchange MTU Request does not come here.

internal import Octets

/// The server's side of one link.
package struct GATTServer: Sendable {
  let attributes: [HubAttribute]
  /// What the peer wrote into the configurations, by handle.
  var configurations: [UInt16: UInt8] = [:]

  /// A server on a link that is just up. The name is for everybody: it says nothing of the household. Above 248 octets it
  /// is cut.
  package init(name: String = "Hearth") { attributes = HubTable.attributes(name: name) }

  /// The answer to a request of the peer (`GATTOutput.peerRequest`), at most `mtu` octets; nil for what has none. `time` is
  /// what the hub's clock says now, nil while it is not synchronised: then reading it is an error, never a wrong time.
  package mutating func receive(_ pdu: [UInt8], time: CurrentTimeOctets?, mtu: Int) -> [UInt8]? {
    guard let opcode = pdu.first else { return nil }
    // Commands are ignored: nothing of the hub can be written without an answer.
    guard opcode & ATTOpcode.commandFlag == 0, opcode & 1 == 0, opcode != ATTOpcode.confirmation else { return nil }
    let mtu = max(GATTClient.defaultMTU, min(Int(GATTClient.largestMTU), mtu))
    do throws(ATTRefusal) {
      return Array(try answer(opcode, pdu, time, mtu).prefix(mtu))
    } catch {
      return ATTPDU.error(opcode, error.handle, error.code)
    }
  }

  /// The notification that the hub's clock was set or changed its zone, for a peer that asked for it; nil for others.
  package func timeChanged(_ time: CurrentTimeOctets) -> [UInt8]? {
    guard configurations[HubTable.currentTimeConfiguration] == 1 else { return nil }
    var writer = OctetWriter(capacity: 13)
    writer.uint8(ATTOpcode.notification)
    writer.uint16(HubTable.currentTime)
    writer.append(time.currentTime)
    return writer.octets
  }
}
