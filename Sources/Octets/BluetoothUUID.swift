// The UUIDs that name Bluetooth services and characteristics (Core specification 5.4, volume 3 part B, 2.5.1).

/// A 128-bit UUID, written short where the Bluetooth SIG assigned it.
package struct BluetoothUUID: Hashable, Sendable, CustomStringConvertible {
  /// The UUID's first eight octets, as a big-endian number.
  package let high: UInt64
  /// The UUID's last eight octets, as a big-endian number.
  package let low: UInt64

  private static let baseHigh: UInt64 = 0x0000_0000_0000_1000
  private static let baseLow: UInt64 = 0x8000_0080_5F9B_34FB

  /// A UUID that the Bluetooth SIG assigned: `0000xxxx-0000-1000-8000-00805F9B34FB`.
  package init(_ short: UInt16) {
    high = UInt64(short) << 32 | BluetoothUUID.baseHigh
    low = BluetoothUUID.baseLow
  }

  /// Both halves as big-endian numbers.
  package init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }

  /// From text: four, eight or 32 hexadecimal digits, or the 36 characters of a UUID; any case. Nil for anything else.
  package init?(_ text: some StringProtocol) {
    let hex = String(text.filter { $0 != "-" })
    guard hex.utf8.allSatisfy(BluetoothUUID.isHexDigit) else { return nil }
    switch (text.utf8.count, hex.utf8.count) {
    case (4, 4), (8, 8):
      guard let value = UInt32(hex, radix: 16) else { return nil }
      self.init(high: UInt64(value) << 32 | BluetoothUUID.baseHigh, low: BluetoothUUID.baseLow)
    case (36, 32), (32, 32):
      let dashes = text.utf8.enumerated().filter { $0.element == 0x2D }.map(\.offset)
      guard dashes.isEmpty || dashes == [8, 13, 18, 23] else { return nil }
      guard let high = UInt64(hex.prefix(16), radix: 16), let low = UInt64(hex.suffix(16), radix: 16) else {
        return nil
      }
      self.init(high: high, low: low)
    default: return nil
    }
  }

  private static func isHexDigit(_ character: UInt8) -> Bool {
    switch character {
    case 0x30...0x39, 0x41...0x46, 0x61...0x66: true
    default: false
    }
  }

  /// From 2, 4 or 16 octets as they stand in ATT PDUs and advertisements (least significant first). Nil for another count.
  package init?(littleEndian octets: some Collection<UInt8>) {
    var high: UInt64 = 0
    var low: UInt64 = 0
    for octet in octets.reversed() {
      high = high << 8 | low >> 56
      low = low << 8 | UInt64(octet)
    }
    switch octets.count {
    case 2, 4: self.init(high: low << 32 | BluetoothUUID.baseHigh, low: BluetoothUUID.baseLow)
    case 16: self.init(high: high, low: low)
    default: return nil
    }
  }

  /// The 16-bit form, when the Bluetooth SIG assigned one.
  package var short: UInt16? {
    guard low == BluetoothUUID.baseLow, high & 0xFFFF_FFFF == BluetoothUUID.baseHigh, high >> 48 == 0 else {
      return nil
    }
    return UInt16(high >> 32)
  }

  /// Two octets (assigned) or sixteen, least significant first, as ATT carries them.
  package var littleEndian: [UInt8] {
    if let short { return [UInt8(short & 0xFF), UInt8(short >> 8)] }
    var writer = OctetWriter(capacity: 16)
    writer.uint64(low)
    writer.uint64(high)
    return writer.octets
  }

  /// `2A35`, or the 36 characters in upper case.
  package var description: String {
    func digits(_ value: UInt64, _ count: Int) -> String {
      let text = String(value, radix: 16, uppercase: true)
      return String(repeating: "0", count: max(0, count - text.utf8.count)) + text
    }
    if let short { return digits(UInt64(short), 4) }
    return [
      digits(high >> 32, 8), digits(high >> 16 & 0xFFFF, 4), digits(high & 0xFFFF, 4), digits(low >> 48, 4),
      digits(low & 0xFFFF_FFFF_FFFF, 12),
    ].joined(separator: "-")
  }
}
