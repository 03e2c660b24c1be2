// Advertising data (Core Specification Supplement, part A, 1), filtered before it is parsed: nearly all of what a hub hears
// comes from devices that nobody asked for.

public import Octets

/// What the hub listens for.
public struct AdvertisementFilter: Hashable, Sendable {
  /// Addresses of known devices, least significant octet first in the low 48 bits.
  public var addresses: Set<UInt64>
  /// 16-bit UUIDs of service data that some driver reads.
  public var serviceData: Set<UInt16>

  /// What the hub listens for.
  public init(addresses: Set<UInt64> = [], serviceData: Set<UInt16> = []) {
    self.addresses = addresses
    self.serviceData = serviceData
  }

  /// True when an advertisement may concern a driver. Nothing is allocated.
  public func wants(address: UInt64, data: Span<UInt8>) -> Bool {
    if addresses.contains(address) { return true }
    guard !serviceData.isEmpty else { return false }
    var index = 0
    while index < data.count {
      let length = Int(data[index])
      guard length > 0, index + length < data.count else { return false }
      if data[index + 1] == 0x16, length >= 3 {
        let uuid = UInt16(data[index + 2]) | UInt16(data[index + 3]) << 8
        if serviceData.contains(uuid) { return true }
      }
      index += length + 1
    }
    return false
  }
}

/// The parsed structures of one advertisement.
public struct Advertisement: Hashable, Sendable {
  /// The complete or shortened local name.
  public var name: String?
  /// Listed service UUIDs.
  public var services: [BluetoothUUID] = []
  /// Service data by UUID.
  public var serviceData: [(uuid: BluetoothUUID, octets: [UInt8])] { zip(dataUUIDs, dataOctets).map { ($0, $1) } }
  /// Manufacturer data by company id.
  public var manufacturerData: [UInt16: [UInt8]] = [:]
  private var dataUUIDs: [BluetoothUUID] = []
  private var dataOctets: [[UInt8]] = []

  /// Parses advertising data; a structure that is cut ends it, what went before counts.
  public init(_ data: [UInt8]) {
    var reader = OctetReader(data)
    while let length = try? reader.uint8("length"), length > 0, let type = try? reader.uint8("type"),
      let slice = try? reader.take(Int(length) - 1, "data")
    {
      let octets = Array(slice)
      switch type {
      case 0x02, 0x03: add(octets, 2)
      case 0x06, 0x07: add(octets, 16)
      case 0x08, 0x09: name = String(decoding: octets, as: UTF8.self)
      case 0x16: addData(octets, 2)
      case 0x21: addData(octets, 16)
      case 0xFF where octets.count >= 2:
        manufacturerData[UInt16(octets[0]) | UInt16(octets[1]) << 8] = Array(octets.dropFirst(2))
      default: break
      }
    }
  }

  private mutating func add(_ octets: [UInt8], _ size: Int) {
    for start in stride(from: 0, to: octets.count - size + 1, by: size) {
      if let uuid = BluetoothUUID(littleEndian: octets[start..<(start + size)]) { services.append(uuid) }
    }
  }

  private mutating func addData(_ octets: [UInt8], _ size: Int) {
    guard octets.count >= size, let uuid = BluetoothUUID(littleEndian: octets.prefix(size)) else { return }
    dataUUIDs.append(uuid)
    dataOctets.append(Array(octets.dropFirst(size)))
  }
}
