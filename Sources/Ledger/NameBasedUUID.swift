// Identifiers that follow from what they name.

internal import Octets
package import Readings

/// Name-based identifiers (RFC 9562, version 5).
package enum NameBasedUUID {
  /// Of a name that begins with its namespace.
  package static func make(_ name: [UInt8]) -> ReadingID {
    let digest = SHA1.digest(name)
    var high: UInt64 = 0
    var low: UInt64 = 0
    for index in 0..<8 {
      high = high << 8 | UInt64(digest[index])
      low = low << 8 | UInt64(digest[index + 8])
    }
    high = high & ~0xF000 | 0x5000
    low = low & ~(0xC0 << 56) | 0x80 << 56
    return ReadingID(high: high, low: low)
  }
}
