// Advertising data (Core Specification Supplement, part A, 1), parsed for those that the filter lets through.

package import Octets

/// The parsed structures of one advertisement.
package struct Advertisement: Hashable, Sendable {
  package struct ServiceData: Hashable, Sendable {
    /// The service.
    package var uuid: BluetoothUUID
    /// The octets after the UUID.
    package var octets: [UInt8]
  }

  /// Flags: bit 0 limited discoverable (a pairing mode), bit 1 general discoverable, bit 2 LE only; nil when not sent.
  package var flags: UInt8?
  /// The complete or shortened local name.
  package var name: String?
  /// Listed service UUIDs.
  package var services: [BluetoothUUID] = []
  /// Service data, in the order of the advertisement.
  package var serviceData: [ServiceData] = []
  /// Manufacturer data by company id.
  package var manufacturerData: [UInt16: [UInt8]] = [:]

  /// Parses advertising data; a structure that is cut ends it, what went before counts.
  package init(_ data: [UInt8]) {
    var reader = OctetReader(data)
    while let length = try? reader.uint8("length"), length > 0, let type = try? reader.uint8("type"),
      let slice = try? reader.take(Int(length) - 1, "data")
    {
      let octets = Array(slice)
      switch type {
      case 0x01: flags = octets.first
      case 0x02, 0x03: addServices(octets, size: 2)
      case 0x06, 0x07: addServices(octets, size: 16)
      case 0x08, 0x09: name = String(decoding: octets.prefix { $0 != 0 }, as: UTF8.self)
      case 0x16: addData(octets, size: 2)
      case 0x21: addData(octets, size: 16)
      case 0xFF where octets.count >= 2:
        manufacturerData[UInt16(octets[0]) | UInt16(octets[1]) << 8] = Array(octets.dropFirst(2))
      default: break
      }
    }
  }

  private mutating func addServices(_ octets: [UInt8], size: Int) {
    for start in stride(from: 0, to: octets.count - size + 1, by: size) {
      if let uuid = BluetoothUUID(littleEndian: octets[start..<(start + size)]) { services.append(uuid) }
    }
  }

  private mutating func addData(_ octets: [UInt8], size: Int) {
    guard octets.count >= size, let uuid = BluetoothUUID(littleEndian: octets.prefix(size)) else { return }
    serviceData.append(ServiceData(uuid: uuid, octets: Array(octets.dropFirst(size))))
  }
}
