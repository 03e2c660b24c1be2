// The check values of the protocols that Hearth speaks and of its own journal.

/// Check values over runs of octets.
package enum Checksum {
  /// The sum of all octets modulo 256 (TaiDoc, Microlife, Tanita, Nonin).
  package static func sum8(_ octets: some Sequence<UInt8>) -> UInt8 {
    octets.reduce(0) { $0 &+ $1 }
  }

  /// The exclusive or of all octets (Omron, A&D TM-2655, Eufy).
  package static func xor8(_ octets: some Sequence<UInt8>) -> UInt8 {
    octets.reduce(0) { $0 ^ $1 }
  }

  /// CRC-8 with polynomial 0x07, initial value 0, not reflected (Viatom).
  package static func crc8(_ octets: some Sequence<UInt8>) -> UInt8 {
    var crc: UInt8 = 0
    for octet in octets {
      crc ^= octet
      for _ in 0..<8 { crc = crc & 0x80 != 0 ? crc << 1 ^ 0x07 : crc << 1 }
    }
    return crc
  }

  /// CRC-8/MAXIM: polynomial 0x31 reflected, initial value 0 (Viatom PC-60).
  package static func crc8Maxim(_ octets: some Sequence<UInt8>) -> UInt8 {
    var crc: UInt8 = 0
    for octet in octets {
      crc ^= octet
      for _ in 0..<8 { crc = crc & 1 != 0 ? crc >> 1 ^ 0x8C : crc >> 1 }
    }
    return crc
  }

  /// CRC-16/MCRF4XX: polynomial 0x1021 reflected, initial value 0xFFFF: the E2E-CRC of the Bluetooth SIG health services.
  package static func crc16MCRF4XX(_ octets: some Sequence<UInt8>) -> UInt16 {
    var crc: UInt16 = 0xFFFF
    for octet in octets {
      crc ^= UInt16(octet)
      for _ in 0..<8 { crc = crc & 1 != 0 ? crc >> 1 ^ 0x8408 : crc >> 1 }
    }
    return crc
  }
}
