// Identifiers that follow from what they name.

internal import Octets
package import Readings

/// Name-based identifiers (RFC 9562, version 5).
package enum NameBasedUUID {
  /// Of a name that begins with its namespace.
  package static func make(_ name: [UInt8]) -> ReadingID {
    let words = SHA1.words(name)
    let high = (UInt64(words.a) << 32 | UInt64(words.b)) & ~0xF000 | 0x5000
    let low = (UInt64(words.c) << 32 | UInt64(words.d)) & ~(0xC0 << 56) | 0x80 << 56
    return ReadingID(high: high, low: low)
  }
}
