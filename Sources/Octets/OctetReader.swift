// A cursor over octets that came from outside. Every read is bounded: it gives a value or throws, it never traps.

/// Reads integers of both octet orders and runs of octets, one after the other.
package struct OctetReader: Sendable {
  @usableFromInline let octets: [UInt8]
  @usableFromInline let end: Int
  /// How many octets have been read; the offset of the next field.
  package private(set) var offset: Int

  /// Starts at the first of `octets`.
  @inlinable package init(_ octets: [UInt8]) {
    self.init(octets, from: 0)
  }

  /// Starts at `from` (0 or more; past the end means nothing is left).
  package init(_ octets: [UInt8], from: Int) {
    self.octets = octets
    self.end = octets.count
    self.offset = max(0, min(from, octets.count))
  }

  /// How many octets are left.
  package var remaining: Int { end - offset }
  /// True when every octet has been read.
  package var isAtEnd: Bool { offset == end }

  @inline(__always)
  private mutating func little(_ count: Int, _ field: String) throws(DecodeError) -> UInt64 {
    guard end - offset >= count else { throw short(count, field) }
    var value: UInt64 = 0
    var index = offset + count
    while index > offset {
      index -= 1
      value = value << 8 | UInt64(octets[index])
    }
    offset += count
    return value
  }

  @inline(__always)
  private mutating func big(_ count: Int, _ field: String) throws(DecodeError) -> UInt64 {
    guard end - offset >= count else { throw short(count, field) }
    var value: UInt64 = 0
    for index in offset..<(offset + count) { value = value << 8 | UInt64(octets[index]) }
    offset += count
    return value
  }

  private func short(_ needed: Int, _ field: String) -> DecodeError {
    DecodeError(field: field, offset: offset, reason: .truncated(needed: needed, available: remaining))
  }

  /// One octet. Throws `truncated` at the end, as every read below.
  package mutating func uint8(_ field: String) throws(DecodeError) -> UInt8 { UInt8(try little(1, field)) }
  /// One octet, two's complement.
  package mutating func int8(_ field: String) throws(DecodeError) -> Int8 { Int8(bitPattern: try uint8(field)) }
  /// Two octets, least significant first.
  package mutating func uint16(_ field: String) throws(DecodeError) -> UInt16 { UInt16(try little(2, field)) }
  /// Two octets, least significant first, two's complement.
  package mutating func int16(_ field: String) throws(DecodeError) -> Int16 { Int16(bitPattern: try uint16(field)) }
  /// Three octets, least significant first.
  package mutating func uint24(_ field: String) throws(DecodeError) -> UInt32 { UInt32(try little(3, field)) }
  /// Four octets, least significant first.
  package mutating func uint32(_ field: String) throws(DecodeError) -> UInt32 { UInt32(try little(4, field)) }
  /// Six octets, least significant first.
  package mutating func uint48(_ field: String) throws(DecodeError) -> UInt64 { try little(6, field) }
  /// Eight octets, least significant first.
  package mutating func uint64(_ field: String) throws(DecodeError) -> UInt64 { try little(8, field) }
  /// Two octets, most significant first.
  package mutating func uint16BigEndian(_ field: String) throws(DecodeError) -> UInt16 { UInt16(try big(2, field)) }
  /// Four octets, most significant first.
  package mutating func uint32BigEndian(_ field: String) throws(DecodeError) -> UInt32 { UInt32(try big(4, field)) }

  /// The next `count` octets.
  package mutating func take(_ count: Int, _ field: String) throws(DecodeError) -> ArraySlice<UInt8> {
    guard count >= 0, end - offset >= count else { throw short(max(0, count), field) }
    defer { offset += count }
    return octets[offset..<(offset + count)]
  }

  /// Everything that is left; empty at the end.
  package mutating func rest() -> ArraySlice<UInt8> {
    defer { offset = end }
    return octets[offset..<end]
  }

  /// Looks at the octet `ahead` places on without reading it; nil past the end.
  package func peek(_ ahead: Int = 0) -> UInt8? {
    guard ahead >= 0, ahead < remaining else { return nil }
    return octets[offset + ahead]
  }
}
