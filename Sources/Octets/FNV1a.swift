// A short number of octets, to tell one thing from another; not to protect it.

/// The hash FNV-1a of 64 bits, as Fowler, Noll and Vo define it.
package enum FNV1a {
  /// The hash of no octets.
  private static let basis: UInt64 = 0xCBF2_9CE4_8422_2325
  private static let prime: UInt64 = 0x100_0000_01B3

  package static func hash(_ octets: some Sequence<UInt8>) -> UInt64 {
    octets.reduce(basis) { ($0 ^ UInt64($1)) &* prime }
  }

  /// The same of octets that lie in one piece, without a call for each.
  package static func hash(_ octets: Span<UInt8>) -> UInt64 {
    var hash = basis
    for index in octets.indices { hash = (hash ^ UInt64(octets[index])) &* prime }
    return hash
  }
}
