// SHA-1 (FIPS 180-4), for name-based identifiers (UUID version 5, RFC 9562) only: no secret ever depends on it.

/// The SHA-1 digest of a run of octets.
package enum SHA1 {
  /// 20 octets.
  package static func digest(_ message: [UInt8]) -> [UInt8] {
    let words = words(message)
    var writer = OctetWriter(capacity: 20)
    for word in [words.a, words.b, words.c, words.d, words.e] { writer.uint32BigEndian(word) }
    return writer.octets
  }

  /// The same as five numbers; the first octet of the digest stands highest in the first.
  package static func words(_ message: [UInt8]) -> (a: UInt32, b: UInt32, c: UInt32, d: UInt32, e: UInt32) {
    var state = State()
    let whole = message.count - message.count % 64
    for block in stride(from: 0, to: whole, by: 64) { state.take(message.span, at: block) }
    var end: [UInt8] = []
    end.reserveCapacity(128)
    end += message[whole...]
    end.append(0x80)
    while end.count % 64 != 56 { end.append(0) }
    let bits = UInt64(message.count) &* 8
    for shift in (0..<8).reversed() { end.append(UInt8(truncatingIfNeeded: bits >> (8 * UInt64(shift)))) }
    for block in stride(from: 0, to: end.count, by: 64) { state.take(end.span, at: block) }
    return (state.a, state.b, state.c, state.d, state.e)
  }

  /// The five words of the digest so far.
  private struct State {
    var a: UInt32 = 0x6745_2301
    var b: UInt32 = 0xEFCD_AB89
    var c: UInt32 = 0x98BA_DCFE
    var d: UInt32 = 0x1032_5476
    var e: UInt32 = 0xC3D2_E1F0

    /// The next 64 octets.
    mutating func take(_ octets: Span<UInt8>, at block: Int) {
      var words = InlineArray<80, UInt32>(repeating: 0)
      for index in 0..<16 {
        let at = block + 4 * index
        words[index] =
          UInt32(octets[at]) << 24 | UInt32(octets[at + 1]) << 16 | UInt32(octets[at + 2]) << 8
          | UInt32(octets[at + 3])
      }
      for index in 16..<80 {
        words[index] = SHA1.rotate(words[index - 3] ^ words[index - 8] ^ words[index - 14] ^ words[index - 16], 1)
      }
      let before = self
      for index in 0..<20 { step(b & c | ~b & d, 0x5A82_7999, words[index]) }
      for index in 20..<40 { step(b ^ c ^ d, 0x6ED9_EBA1, words[index]) }
      for index in 40..<60 { step(b & c | b & d | c & d, 0x8F1B_BCDC, words[index]) }
      for index in 60..<80 { step(b ^ c ^ d, 0xCA62_C1D6, words[index]) }
      a = a &+ before.a
      b = b &+ before.b
      c = c &+ before.c
      d = d &+ before.d
      e = e &+ before.e
    }

    private mutating func step(_ f: UInt32, _ k: UInt32, _ word: UInt32) {
      let next = SHA1.rotate(a, 5) &+ f &+ e &+ k &+ word
      (e, d, c, b, a) = (d, c, SHA1.rotate(b, 30), a, next)
    }
  }

  private static func rotate(_ word: UInt32, _ by: UInt32) -> UInt32 { word &<< by | word &>> (32 &- by) }
}
