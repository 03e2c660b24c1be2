// A short number of octets, to tell one thing from another; not to protect it.

/// The hash FNV-1a of 64 bits, as Fowler, Noll and Vo define it.
package enum FNV1a {
  package static func hash(_ octets: some Sequence<UInt8>) -> UInt64 {
    octets.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
  }
}
