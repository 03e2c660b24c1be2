// Device Information Service 0x180A: strings 2A24–2A29, System ID 2A23, PnP ID 2A50, regulatory list 2A2A; Battery Level 2A19.

package import Octets

/// The string characteristics of the Device Information Service.
package enum DeviceInformationString {
  /// The text of 2A24–2A29: broken UTF-8 is repaired, NUL and blanks at both ends go (A&D sends trailing blanks).
  package static func decode(_ octets: [UInt8]) -> String {
    func isPadding(_ octet: UInt8) -> Bool {
      octet == 0 || octet == 0x20 || octet == 0x09 || octet == 0x0A || octet == 0x0D
    }
    var rest = octets.prefix(512)
    while let first = rest.first, isPadding(first) { rest = rest.dropFirst() }
    while let last = rest.last, isPadding(last) { rest = rest.dropLast() }
    return String(decoding: rest, as: UTF8.self)
  }
}

/// The value of 2A23: an EUI-64, least significant octet first on the wire.
package struct SystemID: Sendable, Hashable {
  /// The EUI-64 as a number.
  package var value: UInt64

  /// Decodes 2A23, eight octets.
  package init(decoding octets: [UInt8]) throws(DecodeError) {
    var reader = OctetReader(octets)
    value = try reader.uint64("system id")
  }

  /// Upper-case hex pairs joined by dashes, most significant first: `AA-BB-CC-FF-FE-DD-EE-FF`.
  package var eui64: String {
    (0..<8).reversed().map { pair in
      let octet = UInt8(truncatingIfNeeded: value >> (8 * UInt64(pair)))
      let text = String(octet, radix: 16, uppercase: true)
      return octet < 16 ? "0" + text : text
    }.joined(separator: "-")
  }

  /// True when this is the EUI-64 of a Bluetooth address (most significant octet first), in the right or the reversed order
  /// that some vendors send.
  package func matches(address: [UInt8]) -> Bool {
    guard address.count == 6 else { return false }
    let expanded = Array(address[0..<3]) + [0xFF, 0xFE] + Array(address[3..<6])
    let number = expanded.reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    return value == number || value.byteSwapped == number
  }
}

/// The value of 2A50.
package struct PnPID: Sendable, Hashable {
  /// 1: the vendor is a Bluetooth SIG company, 2: a USB vendor.
  package var vendorIDSource: UInt8
  /// The vendor.
  package var vendorID: UInt16
  /// The product.
  package var productID: UInt16
  /// 0xJJMN: version JJ.M.N.
  package var productVersion: UInt16

  /// Decodes 2A50, seven octets. Throws when it is cut or the source is reserved.
  package init(decoding octets: [UInt8]) throws(DecodeError) {
    var reader = OctetReader(octets)
    vendorIDSource = try reader.uint8("vendor id source")
    guard vendorIDSource == 1 || vendorIDSource == 2 else {
      throw DecodeError(field: "vendor id source", offset: 0, reason: .invalidValue(Int64(vendorIDSource)))
    }
    vendorID = try reader.uint16("vendor id")
    productID = try reader.uint16("product id")
    productVersion = try reader.uint16("product version")
  }
}

/// The value of 2A2A: IEEE 11073-20601 Regulatory Certification Data List, big-endian.
package struct RegulatoryCertificationDataList: Sendable, Hashable {
  package struct Entry: Sendable, Hashable {
    /// 2 is Continua.
    package var body: UInt8
    /// For Continua: 1 version and certified devices, 2 regulation.
    package var type: UInt8
    /// The entry's data.
    package var data: [UInt8]
  }
  /// In the order of the value.
  package var entries: [Entry]

  /// Decodes 2A2A. Throws when a length does not fit.
  package init(decoding octets: [UInt8]) throws(DecodeError) {
    var reader = OctetReader(octets)
    let count = try reader.uint16BigEndian("count")
    let length = Int(try reader.uint16BigEndian("length"))
    guard length <= reader.remaining else {
      throw DecodeError(
        field: "length", offset: 2, reason: .truncated(needed: length, available: reader.remaining))
    }
    entries = []
    for _ in 0..<count {
      let body = try reader.uint8("auth body")
      let type = try reader.uint8("auth body structure type")
      let size = Int(try reader.uint16BigEndian("auth body data length"))
      entries.append(Entry(body: body, type: type, data: Array(try reader.take(size, "auth body data"))))
    }
  }

  /// The Continua version, when an entry tells it.
  package var continuaVersion: (major: UInt8, minor: UInt8)? {
    guard let entry = entries.first(where: { $0.body == 2 && $0.type == 1 }), entry.data.count >= 2 else { return nil }
    return (entry.data[0], entry.data[1])
  }
}

/// The value of 2A19.
package struct BatteryLevel: Sendable, Hashable {
  /// 0…100 %.
  package var percent: UInt8

  /// Decodes 2A19. Throws for a reserved value.
  package init(decoding octets: [UInt8]) throws(DecodeError) {
    var reader = OctetReader(octets)
    percent = try reader.uint8("battery level")
    guard percent <= 100 else {
      throw DecodeError(field: "battery level", offset: 0, reason: .invalidValue(Int64(percent)))
    }
  }
}
