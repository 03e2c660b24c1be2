// Building a message octet by octet.

/// Appends integers of both octet orders and runs of octets.
package struct OctetWriter: Sendable {
  /// What has been written.
  package private(set) var octets: [UInt8] = []

  /// An empty message; `capacity` is a hint.
  package init(capacity: Int = 0) { octets.reserveCapacity(capacity) }

  /// One octet.
  package mutating func uint8(_ value: UInt8) { octets.append(value) }
  /// One octet, two's complement.
  package mutating func int8(_ value: Int8) { octets.append(UInt8(bitPattern: value)) }
  /// Two octets, least significant first.
  package mutating func uint16(_ value: UInt16) { little(UInt64(value), 2) }
  /// Three octets, least significant first; the top octet of `value` is not written.
  package mutating func uint24(_ value: UInt32) { little(UInt64(value), 3) }
  /// Four octets, least significant first.
  package mutating func uint32(_ value: UInt32) { little(UInt64(value), 4) }
  /// Six octets, least significant first; the top two octets of `value` are not written.
  package mutating func uint48(_ value: UInt64) { little(value, 6) }
  /// Eight octets, least significant first.
  package mutating func uint64(_ value: UInt64) { little(value, 8) }
  /// Two octets, most significant first.
  package mutating func uint16BigEndian(_ value: UInt16) { big(UInt64(value), 2) }
  /// Four octets, most significant first.
  package mutating func uint32BigEndian(_ value: UInt32) { big(UInt64(value), 4) }
  /// A run of octets as it is.
  package mutating func append(_ more: some Sequence<UInt8>) { octets.append(contentsOf: more) }
  /// A run of octets as it is.
  package mutating func append(_ more: [UInt8]) { octets.append(contentsOf: more) }
  /// The octets of a text in UTF-8.
  package mutating func append(_ text: String) { octets.append(contentsOf: text.utf8) }

  private mutating func little(_ value: UInt64, _ count: Int) {
    for shift in 0..<count { octets.append(UInt8(truncatingIfNeeded: value >> (8 * UInt64(shift)))) }
  }

  private mutating func big(_ value: UInt64, _ count: Int) {
    for shift in (0..<count).reversed() { octets.append(UInt8(truncatingIfNeeded: value >> (8 * UInt64(shift)))) }
  }
}
