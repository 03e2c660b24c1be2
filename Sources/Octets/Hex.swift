// Octets as hexadecimal text, the form in which captures, logs and `raw.hex` show them.

/// Hexadecimal text: lower case out, any case and white space in.
package enum Hex {
  private static let digits: [UInt8] = Array("0123456789abcdef".utf8)

  /// Two lower-case digits an octet, no separators.
  package static func encode(_ octets: some Sequence<UInt8>) -> String {
    var text: [UInt8] = []
    text.reserveCapacity(2 * octets.underestimatedCount)
    for octet in octets {
      text.append(digits[Int(octet >> 4)])
      text.append(digits[Int(octet & 15)])
    }
    return String(decoding: text, as: UTF8.self)
  }

  /// The octets of `text`. White space and the separators `:` `-` between octets are passed over.
  /// Throws `malformed` with the offset of the first character that is no hexadecimal digit, or of a half octet at the end.
  package static func decode(_ text: some StringProtocol) throws(DecodeError) -> [UInt8] {
    var octets: [UInt8] = []
    var high: UInt8?
    for (offset, character) in text.utf8.enumerated() {
      let nibble: UInt8
      switch character {
      case 0x30...0x39: nibble = character - 0x30
      case 0x41...0x46: nibble = character - 0x41 + 10
      case 0x61...0x66: nibble = character - 0x61 + 10
      case 0x09, 0x0A, 0x0D, 0x20, 0x2D, 0x3A:
        if high == nil { continue }
        throw DecodeError(field: "hex", offset: offset, reason: .malformed("an octet is cut in half"))
      default:
        throw DecodeError(field: "hex", offset: offset, reason: .malformed("not a hexadecimal digit"))
      }
      if let first = high {
        octets.append(first << 4 | nibble)
        high = nil
      } else {
        high = nibble
      }
    }
    if high != nil {
      throw DecodeError(
        field: "hex", offset: text.utf8.count, reason: .malformed("an odd number of hexadecimal digits"))
    }
    return octets
  }
}
