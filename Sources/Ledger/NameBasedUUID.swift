// Identifiers that follow from what they name.

internal import Octets
package import Readings

/// Name-based identifiers (RFC 9562, version 5).
package enum NameBasedUUID {
  /// Of a name that begins with its namespace.
  package static func make(_ name: [UInt8]) -> ReadingID {
    var digest = Array(SHA1.digest(name).prefix(16))
    digest[6] = digest[6] & 0x0F | 0x50
    digest[8] = digest[8] & 0x3F | 0x80
    let high = digest[0..<8].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    let low = digest[8..<16].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    return ReadingID(high: high, low: low)
  }
}
