// A cuff that keeps its bond: Service Changed, a hash of its attributes, a measurement. Its attributes may move, as an update
// of its software moves them.

import GATT
import Octets

/// 1 service 1801 (1…6): 3 value 2A05, 4 configuration, 6 value 2B2A; 7 service 1810 (7…10): 9 value 2A35, 10 configuration.
/// After an update the second service stands four handles later.
struct BondedCuff {
  var hash = [UInt8](repeating: 0xA1, count: 16)
  /// What the hub asked, in order.
  var asked: [[UInt8]] = []
  private var shift: UInt8 = 0

  /// New software: other handles, another hash.
  mutating func update() {
    shift = 4
    hash = [UInt8](repeating: 0xB2, count: 16)
  }

  var measurement: UInt8 { 9 + shift }
  var configuration: UInt8 { 10 + shift }

  /// The answer to a request; nil for what has none.
  mutating func answer(_ pdu: [UInt8]) -> [UInt8]? {
    asked.append(pdu)
    switch pdu.first {
    case 0x02: return [0x03, 185, 0]
    case 0x10:
      return pdu[1] > 7 + shift
        ? Cuff.error(pdu) : [0x11, 6, 1, 0, 6, 0, 0x01, 0x18, 7 + shift, 0, configuration, 0, 0x10, 0x18]
    case 0x08 where pdu.suffix(2) == [0x2A, 0x2B]: return [0x09, 18, 6, 0] + hash
    case 0x08:
      if pdu[1] == 1 { return [0x09, 7, 2, 0, 0x20, 3, 0, 0x05, 0x2A, 5, 0, 0x02, 6, 0, 0x2A, 0x2B] }
      return pdu[1] > measurement ? Cuff.error(pdu) : [0x09, 7, 8 + shift, 0, 0x20, measurement, 0, 0x35, 0x2A]
    case 0x04: return [0x05, 1, pdu[1], pdu[2], 0x02, 0x29]
    case 0x12: return [4, configuration].contains(pdu[1]) ? [0x13] : Cuff.error(pdu, 0x01)
    default: return nil
    }
  }

  /// Carries on until the hub asks nothing more; gives all events.
  mutating func converse(_ client: inout GATTClient, _ outputs: [GATTOutput]) -> [GATTOutput] {
    var outputs = outputs
    var events = outputs.events
    while let pdu = outputs.sent.last, let answer = answer(pdu) {
      outputs = client.receive(answer)
      events += outputs.events
    }
    return events
  }

  /// What the hub keeps after its first link.
  static func cache() -> GATTDatabase {
    var client = GATTClient()
    var cuff = BondedCuff()
    _ = cuff.converse(&client, client.start())
    return client.database
  }
}

extension GATTClient {
  /// The measurement of the cuff, as the client knows it now.
  var measurement: GATTCharacteristic? { database.find(BluetoothUUID(0x1810), BluetoothUUID(0x2A35)) }
}
