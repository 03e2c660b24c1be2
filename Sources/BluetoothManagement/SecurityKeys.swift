// Keys of a bond as the kernel hands them out and takes them back (mgmt-api: New Long Term Key, Load Long Term Keys, New
// Identity Resolving Key, Load Identity Resolving Keys, New and Load Connection Parameters). Never to be logged.

package import Octets

package struct LongTermKey: Hashable, Sendable {
  /// The device's identity address.
  package var address: PeerAddress
  /// 0 legacy unauthenticated, 1 legacy authenticated, 2 P-256 unauthenticated, 3 P-256 authenticated, 4 P-256 debug.
  package var type: UInt8
  /// Whose key it is in legacy pairing.
  package var isCentral: Bool
  /// 7 to 16 octets.
  package var size: UInt8
  /// Encrypted diversifier, legacy pairing only.
  package var diversifier: UInt16
  /// Random number, legacy pairing only.
  package var random: UInt64
  /// 16 octets.
  package var value: [UInt8]

  /// From the 36 octets of the kernel's form.
  init(_ reader: inout OctetReader) throws(DecodeError) {
    address = try PeerAddress(&reader)
    type = try reader.uint8("key type")
    isCentral = try reader.uint8("central") != 0
    size = try reader.uint8("key size")
    diversifier = try reader.uint16("diversifier")
    random = try reader.uint64("random number")
    value = Array(try reader.take(16, "key"))
  }

  /// From the 36 octets of the kernel's form, as kept. Throws for any other length.
  package init(_ octets: [UInt8]) throws(DecodeError) {
    var reader = OctetReader(octets)
    try self.init(&reader)
    guard reader.isAtEnd else {
      throw DecodeError(field: "key", offset: 36, reason: .malformed("octets after its end"))
    }
  }

  /// The 36 octets of the kernel's form.
  package var octets: [UInt8] {
    var writer = OctetWriter(capacity: 36)
    writer.uint16(diversifier)
    writer.uint64(random)
    return address.wire + [type, isCentral ? 1 : 0, size] + writer.octets + value
  }

  /// True when pairing was protected against a man in the middle.
  package var isAuthenticated: Bool { type == 1 || type == 3 }

  /// True when a new key takes the place of this one.
  package func isReplaced(by other: LongTermKey) -> Bool {
    address == other.address && type == other.type && isCentral == other.isCentral
  }
}

/// An identity resolving key: by it a device that changes its address is known again.
package struct IdentityResolvingKey: Hashable, Sendable {
  /// The identity address.
  package var address: PeerAddress
  /// 16 octets.
  package var value: [UInt8]

  init(_ reader: inout OctetReader) throws(DecodeError) {
    address = try PeerAddress(&reader)
    value = Array(try reader.take(16, "key"))
  }

  /// From the 23 octets of the kernel's form, as kept. Throws for any other length.
  package init(_ octets: [UInt8]) throws(DecodeError) {
    var reader = OctetReader(octets)
    try self.init(&reader)
    guard reader.isAtEnd else {
      throw DecodeError(field: "key", offset: 23, reason: .malformed("octets after its end"))
    }
  }

  /// The 23 octets of the kernel's form.
  package var octets: [UInt8] { address.wire + value }
}

/// What a device asked its links to be like.
package struct ConnectionParameters: Hashable, Sendable {
  /// The device.
  package var address: PeerAddress
  /// Shortest and longest interval in 1.25 ms, latency in events, supervision timeout in 10 ms.
  package var values: [UInt16]

  init(_ reader: inout OctetReader) throws(DecodeError) {
    address = try PeerAddress(&reader)
    values = []
    for name in ["minimum interval", "maximum interval", "latency", "timeout"] {
      values.append(try reader.uint16(name))
    }
  }

  /// From the 15 octets of the kernel's form, as kept. Throws for any other length.
  package init(_ octets: [UInt8]) throws(DecodeError) {
    var reader = OctetReader(octets)
    try self.init(&reader)
    guard reader.isAtEnd else {
      throw DecodeError(field: "timeout", offset: 15, reason: .malformed("octets after its end"))
    }
  }

  /// The 15 octets of the kernel's form.
  package var octets: [UInt8] {
    var writer = OctetWriter(capacity: 8)
    for value in values { writer.uint16(value) }
    return address.wire + writer.octets
  }
}
