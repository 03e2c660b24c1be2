// The hub's GATT client against a recorded device, PDU by PDU, over any MTU: what was recorded arrives, once confirmed never
// again.

import GATT
import Octets
import Playback
import Testing

private let long = BluetoothUUID(high: 0x46A9_70E0_0D5F_11E2, low: 0x8B5E_0002_A5D5_C51B)
private let text = """
  # transport: gatt
  # characteristic: 1810/2A35 indicate
  # characteristic: 1810/2A49 read 2700
  # characteristic: 180A/2A29 read "\(String(repeating: "A long name of a maker. ", count: 12))"
  # characteristic: 180A/2A24 read "UA-651BLE"
  # characteristic: \(long)/\(long) write,notify
  @ 100
  < 1810/2A35 001000
  < 1810/2A35 002000
  < \(long)/\(long) aa
  < 1810/2A35 003000
  """

/// A client and a device with a link between them.
private struct Link {
  var client = GATTClient()
  var device: PlaybackDevice
  /// The device takes so little at once; nil: what it says itself.
  var mtu: UInt8?
  var events: [GATTOutput] = []
  /// Values that arrived, in order.
  var values: [[UInt8]] = []
  var confirms = true

  mutating func run(_ outputs: [GATTOutput]) {
    for output in outputs {
      switch output {
      case .transmit(let pdu): send(pdu)
      case .value(_, let octets, let isIndication):
        values.append(octets)
        if isIndication, confirms {
          client.confirmed()
          send(GATTClient.confirmation)
        }
      default: events.append(output)
      }
    }
  }

  private mutating func send(_ pdu: [UInt8]) {
    // A device with a small MTU: both sides go by the smaller one.
    let heard = pdu.first == 0x02 ? mtu.map { [0x02, $0, 0] } ?? pdu : pdu
    for case .send(var answer) in device.received(heard, at: 1000) {
      if answer.first == 0x03, let mtu { answer = [0x03, mtu, 0] }
      run(client.receive(answer))
    }
  }

  func find(_ service: BluetoothUUID, _ uuid: BluetoothUUID) throws -> GATTCharacteristic {
    try #require(client.database.find(service, uuid))
  }
}

struct EndToEndTests {
  private func link(mtu: UInt8? = nil) throws -> Link {
    var device = PlaybackDevice(try CaptureFile(text), at: 0)
    _ = device.advance(to: 500, localTime: [])
    device.connect(at: 1000)
    var link = Link(device: device, mtu: mtu)
    link.run(link.client.start())
    return link
  }

  @Test(arguments: [nil, 23, 24, 60, 247] as [UInt8?]) func everythingIsFoundAndReadOverAnyMTU(_ mtu: UInt8?) throws {
    var link = try link(mtu: mtu)
    #expect(link.client.database.characteristics.count == 5)
    #expect(try link.find(BluetoothUUID(0x1810), BluetoothUUID(0x2A35)).configurationHandle == 4)
    #expect(try link.find(long, long).configurationHandle != nil)
    let maker = try link.find(BluetoothUUID(0x180A), BluetoothUUID(0x2A29))
    link.events = []
    link.run(link.client.read(maker))
    #expect(
      link.events.contains(.readDone(maker, Array(String(repeating: "A long name of a maker. ", count: 12).utf8))))
  }

  @Test func recordsComeOneByOneAndOnce() throws {
    var link = try link()
    let cuff = try link.find(BluetoothUUID(0x1810), BluetoothUUID(0x2A35))
    link.run(link.client.subscribe(cuff, indications: true))
    #expect(link.values == [[0, 0x10, 0], [0, 0x20, 0], [0, 0x30, 0]])
    #expect(link.events.contains(.subscribed(cuff)))
    link.device.disconnected(at: 2000)
    link.device.connect(at: 3000)
    var again = Link(device: link.device)
    again.run(again.client.start())
    again.run(again.client.subscribe(cuff, indications: true))
    #expect(again.values.isEmpty)
  }

  @Test func withoutConfirmationNothingIsLost() throws {
    var link = try link()
    let cuff = try link.find(BluetoothUUID(0x1810), BluetoothUUID(0x2A35))
    link.confirms = false
    link.run(link.client.subscribe(cuff, indications: true))
    #expect(link.values == [[0, 0x10, 0]])
    link.device.disconnected(at: 2000)
    link.device.connect(at: 3000)
    var again = Link(device: link.device)
    again.run(again.client.start())
    again.run(again.client.subscribe(cuff, indications: true))
    #expect(again.values == [[0, 0x10, 0], [0, 0x20, 0], [0, 0x30, 0]])
  }

  @Test func notificationsComeToTheirSubscriber() throws {
    var link = try link()
    let stream = try link.find(long, long)
    link.run(link.client.subscribe(stream, indications: false))
    #expect(link.values == [[0xAA]])
  }
}
