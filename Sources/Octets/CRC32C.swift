// CRC-32C (Castagnoli), RFC 3720 appendix B.4: the check value of every journal record.

/// CRC-32C by slicing-by-8: about 1 GB/s, so that a long journal is checked at the speed of the disk.
package struct CRC32C: Sendable {
  private var state: UInt32 = 0xFFFF_FFFF

  /// Eight tables of 256 entries in one run: entry `256 * k + n` is the CRC of octet n followed by k zero octets.
  private static let tables: [UInt32] = {
    var tables = [UInt32](repeating: 0, count: 8 * 256)
    for index in 0..<256 {
      var crc = UInt32(index)
      for _ in 0..<8 { crc = crc & 1 != 0 ? crc >> 1 ^ 0x82F6_3B78 : crc >> 1 }
      tables[index] = crc
    }
    for index in 256..<(8 * 256) {
      let previous = tables[index - 256]
      tables[index] = previous >> 8 ^ tables[Int(previous & 0xFF)]
    }
    return tables
  }()

  /// Starts a new check value.
  package init() {}

  /// The check value of what was added so far.
  package var value: UInt32 { ~state }

  /// Adds a run of octets.
  package mutating func add(_ octets: Span<UInt8>) {
    let table = CRC32C.tables.span
    var crc = state
    var index = 0
    let count = octets.count
    while count - index >= 8 {
      let low =
        crc
        ^ (UInt32(octets[index]) | UInt32(octets[index + 1]) << 8 | UInt32(octets[index + 2]) << 16
          | UInt32(octets[index + 3]) << 24)
      let a = table[Int(low & 0xFF) + 1792] ^ table[Int(low >> 8 & 0xFF) + 1536]
      let b = table[Int(low >> 16 & 0xFF) + 1280] ^ table[Int(low >> 24) + 1024]
      let c = table[Int(octets[index + 4]) + 768] ^ table[Int(octets[index + 5]) + 512]
      let d = table[Int(octets[index + 6]) + 256] ^ table[Int(octets[index + 7])]
      crc = a ^ b ^ c ^ d
      index += 8
    }
    while index < count {
      crc = crc >> 8 ^ table[Int((crc ^ UInt32(octets[index])) & 0xFF)]
      index += 1
    }
    state = crc
  }

  /// Adds a run of octets.
  package mutating func add(_ octets: [UInt8]) { add(octets.span) }

  /// The check value of one run of octets.
  package static func checksum(_ octets: [UInt8]) -> UInt32 {
    var crc = CRC32C()
    crc.add(octets)
    return crc.value
  }
}
