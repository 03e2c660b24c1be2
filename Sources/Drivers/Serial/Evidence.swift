// How much a frame proves: the bits that octets of another device, another speed or another parity would have to hit by chance.
// What a protocol's own check value covers counts in full, a fixed pattern by its fixed bits, text by its grammar, at most 64.

/// What protocols' `evidence` have in common.
enum Evidence {
  /// Text that has passed its grammar. Lines read with the wrong parity have the high bit set; they prove nothing.
  static func text(_ frame: [UInt8], _ bits: Int) -> Int { frame.allSatisfy { $0 < 0x80 } ? bits : 0 }
}
