// A cuff at ATT level, as short as it can be: one service, one indicated measurement, one readable feature.

import GATT
import Octets

/// 1 service 1810 (1…6); 2 declaration, 3 value 2A35, 4 configuration; 5 declaration, 6 value 2A49.
enum Cuff {
  static let measurement: UInt16 = 3
  static let feature: UInt16 = 6

  /// What the cuff answers; nil for what has no answer.
  static func answer(_ pdu: [UInt8], mtu: UInt8 = 23) -> [UInt8]? {
    switch pdu.first {
    case 0x02: [0x03, mtu, 0]
    case 0x10: pdu[1] == 1 ? [0x11, 6, 1, 0, 6, 0, 0x10, 0x18] : error(pdu)
    case 0x08:
      pdu[1] == 1
        ? [0x09, 7, 2, 0, 0x20, 3, 0, 0x35, 0x2A, 5, 0, 0x02, 6, 0, 0x49, 0x2A] : error(pdu)
    case 0x04: [0x05, 1, 4, 0, 0x02, 0x29]
    case 0x0A: [0x0B, 0x27, 0x00]
    case 0x12: [0x13]
    default: nil
    }
  }

  static func error(_ pdu: [UInt8], _ code: UInt8 = 0x0A) -> [UInt8] { [0x01, pdu[0], pdu[1], pdu[2], code] }

  /// A client that has discovered the cuff.
  static func discovered(mtu: UInt8 = 23) -> GATTClient {
    var client = GATTClient()
    var outputs = client.start()
    while let pdu = outputs.sent.last, let answer = answer(pdu, mtu: mtu) { outputs = client.receive(answer) }
    return client
  }

  static func characteristic(_ client: GATTClient, _ uuid: UInt16) -> GATTCharacteristic {
    client.database.find(BluetoothUUID(0x1810), BluetoothUUID(uuid))
      ?? GATTCharacteristic(
        service: BluetoothUUID(0), uuid: BluetoothUUID(0), properties: 0, valueHandle: 0, endHandle: 0)
  }
}

extension [GATTOutput] {
  /// The PDUs among outputs.
  var sent: [[UInt8]] { compactMap { if case .transmit(let pdu) = $0 { pdu } else { nil } } }

  /// Why the link is to be closed.
  var failure: String? {
    for case .failed(let reason) in self { return reason }
    return nil
  }

  /// What is left when PDUs and timers are taken away.
  var events: [GATTOutput] {
    filter {
      switch $0 {
      case .transmit, .startTimer, .stopTimer: false
      default: true
      }
    }
  }
}
