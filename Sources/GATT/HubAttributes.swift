// The hub's own attributes: Generic Access and Generic Attribute (Bluetooth Core 5.4, volume 3 part C, 12; part G, 7) and
// Current Time (Current Time Service 1.1). A device that was paired may keep the handles for years: none is ever renumbered,
// new services come behind the last.

internal import Octets

/// What the hub's clock says at the moment of a request, already in the form of the Current Time Service.
package struct CurrentTimeOctets: Hashable, Sendable {
  /// The value of 2A2B, ten octets: Exact Time 256 of the local time, adjust reason.
  package let currentTime: [UInt8]
  /// The value of 2A0F, two octets: time zone, DST offset.
  package let localTimeInformation: [UInt8]

  /// Nil unless there are ten octets and two.
  package init?(currentTime: [UInt8], localTimeInformation: [UInt8]) {
    guard currentTime.count == 10, localTimeInformation.count == 2 else { return nil }
    self.currentTime = currentTime
    self.localTimeInformation = localTimeInformation
  }
}

struct HubAttribute {
  /// What stands in an attribute.
  enum Content {
    /// The same for everybody, readable.
    case constant([UInt8])
    /// Only ever indicated.
    case indicatedOnly
    /// The configuration of a characteristic, per link: the bits that may be set.
    case configuration(allowed: UInt8)
    /// 2A2B.
    case currentTime
    /// 2A0F.
    case localTimeInformation
  }

  var type: BluetoothUUID
  var content: Content
}

/// The attributes by their handles: the first has handle 1.
enum HubTable {
  static let serviceDeclaration = BluetoothUUID(0x2800)
  static let serviceChangedConfiguration: UInt16 = 9
  static let currentTime: UInt16 = 12
  static let currentTimeConfiguration: UInt16 = 13

  /// The longest device name (part C, 12.1).
  private static let longestName = 248
  /// Generic computer.
  private static let appearance: [UInt8] = [0x80, 0x00]

  /// The table of a hub with a name.
  static func attributes(name: String) -> [HubAttribute] {
    [
      service(0x1800),
      characteristic(0x2A00, properties: 0x02, value: 3),
      HubAttribute(type: BluetoothUUID(0x2A00), content: .constant(octets(name))),
      characteristic(0x2A01, properties: 0x02, value: 5),
      HubAttribute(type: BluetoothUUID(0x2A01), content: .constant(appearance)),
      service(0x1801),
      characteristic(0x2A05, properties: 0x20, value: 8),
      HubAttribute(type: BluetoothUUID(0x2A05), content: .indicatedOnly),
      HubAttribute(type: BluetoothUUID(0x2902), content: .configuration(allowed: 2)),
      service(0x1805),
      characteristic(0x2A2B, properties: 0x12, value: currentTime),
      HubAttribute(type: BluetoothUUID(0x2A2B), content: .currentTime),
      HubAttribute(type: BluetoothUUID(0x2902), content: .configuration(allowed: 1)),
      characteristic(0x2A0F, properties: 0x02, value: 15),
      HubAttribute(type: BluetoothUUID(0x2A0F), content: .localTimeInformation),
    ]
  }

  private static func service(_ uuid: UInt16) -> HubAttribute {
    HubAttribute(type: serviceDeclaration, content: .constant(BluetoothUUID(uuid).littleEndian))
  }

  private static func characteristic(_ uuid: UInt16, properties: UInt8, value: UInt16) -> HubAttribute {
    HubAttribute(
      type: BluetoothUUID(0x2803),
      content: .constant(
        [properties, UInt8(value & 0xFF), UInt8(value >> 8)] + BluetoothUUID(uuid).littleEndian))
  }

  /// UTF-8, cut between characters.
  private static func octets(_ name: String) -> [UInt8] {
    var octets: [UInt8] = []
    for scalar in name.unicodeScalars {
      let more = Array(String(scalar).utf8)
      guard octets.count + more.count <= longestName else { break }
      octets += more
    }
    return octets
  }
}
