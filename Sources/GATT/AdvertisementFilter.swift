// Which advertisements may concern a driver (Core Specification Supplement, part A, 1): looked at as octets, before anything
// is parsed or allocated, because nearly all of what a hub hears comes from devices that nobody asked for.

package import Octets

/// What the hub listens for. An advertisement is wanted when one of the signs is in it.
package struct AdvertisementFilter: Hashable, Sendable {
  /// Addresses of known devices, least significant octet first in the low 48 bits.
  package var addresses: Set<UInt64>
  /// UUIDs of service data that some driver reads.
  package var serviceData: Set<UInt16>
  /// UUIDs of advertised services.
  package var services: Set<UInt16>
  /// 128-bit UUIDs of advertised services or of service data.
  package var longServices: Set<BluetoothUUID>
  /// Company ids of manufacturer data.
  package var companies: Set<UInt16>
  /// Beginnings of advertised names, UTF-8.
  package var namePrefixes: [[UInt8]]

  /// What the hub listens for.
  package init(
    addresses: Set<UInt64> = [], serviceData: Set<UInt16> = [], services: Set<UInt16> = [],
    longServices: Set<BluetoothUUID> = [], companies: Set<UInt16> = [], namePrefixes: [String] = []
  ) {
    self.addresses = addresses
    self.serviceData = serviceData
    self.services = services
    self.longServices = longServices
    self.companies = companies
    self.namePrefixes = namePrefixes.map { Array($0.utf8) }
  }

  /// True when only addresses are listened for, so that no octet of the data need be looked at.
  private var looksAtNoData: Bool {
    serviceData.isEmpty && services.isEmpty && longServices.isEmpty && companies.isEmpty && namePrefixes.isEmpty
  }

  /// True when an advertisement may concern a driver. Nothing is allocated; a structure that is cut ends the search.
  package func wants(address: UInt64, data: Span<UInt8>) -> Bool {
    if addresses.contains(address) { return true }
    guard !looksAtNoData else { return false }
    var index = 0
    while index < data.count {
      let length = Int(data[index])
      guard length > 0, index + length < data.count else { return false }
      if wants(type: data[index + 1], data, from: index + 2, to: index + 1 + length) { return true }
      index += length + 1
    }
    return false
  }

  /// One structure, whose octets stand in `from..<to`.
  private func wants(type: UInt8, _ data: Span<UInt8>, from: Int, to: Int) -> Bool {
    switch type {
    case 0x02, 0x03: return short(services, data, from, to, each: true)
    case 0x16: return short(serviceData, data, from, to, each: false)
    case 0xFF: return short(companies, data, from, to, each: false)
    case 0x06, 0x07: return long(data, from, to, each: true)
    case 0x21: return long(data, from, to, each: false)
    case 0x08, 0x09: return name(data, from, to)
    default: return false
    }
  }

  /// A 16-bit number of the structure is wanted: the first one, or each of a list.
  private func short(_ wanted: Set<UInt16>, _ data: Span<UInt8>, _ from: Int, _ to: Int, each: Bool) -> Bool {
    guard !wanted.isEmpty else { return false }
    var index = from
    while index + 2 <= to {
      if wanted.contains(UInt16(data[index]) | UInt16(data[index + 1]) << 8) { return true }
      guard each else { return false }
      index += 2
    }
    return false
  }

  private func long(_ data: Span<UInt8>, _ from: Int, _ to: Int, each: Bool) -> Bool {
    guard !longServices.isEmpty else { return false }
    var index = from
    while index + 16 <= to {
      var high: UInt64 = 0
      var low: UInt64 = 0
      for place in 0..<8 {
        low |= UInt64(data[index + place]) << UInt64(8 * place)
        high |= UInt64(data[index + 8 + place]) << UInt64(8 * place)
      }
      if longServices.contains(BluetoothUUID(high: high, low: low)) { return true }
      guard each else { return false }
      index += 16
    }
    return false
  }

  private func name(_ data: Span<UInt8>, _ from: Int, _ to: Int) -> Bool {
    for prefix in namePrefixes where prefix.count <= to - from {
      var index = 0
      while index < prefix.count, prefix[index] == data[from + index] { index += 1 }
      if index == prefix.count { return true }
    }
    return false
  }
}
