// Addresses as the kernel's management interface and L2CAP sockets have them (bluetooth/bluetooth.h): six octets, the least
// significant first, and a type.

internal import Octets

/// A device's or controller's address.
package struct PeerAddress: Hashable, Sendable, CustomStringConvertible {
  /// What the octets are.
  package enum Kind: UInt8, Sendable, Hashable {
    case classic = 0
    case publicLE = 1
    /// Static, or resolvable with the device's key.
    case randomLE = 2
  }

  /// The 48 bits; the most significant octet, which is written first, stands highest.
  package let bits: UInt64
  /// What the octets are.
  package let kind: Kind

  /// An address; bits above 48 are dropped.
  package init(bits: UInt64, kind: Kind) {
    self.bits = bits & 0xFFFF_FFFF_FFFF
    self.kind = kind
  }

  /// From `F0:00:00:00:00:01`, any case. Nil for anything else.
  package init?(_ text: some StringProtocol, kind: Kind) {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 6, parts.allSatisfy({ $0.utf8.count == 2 }),
      let octets = try? Hex.decode(parts.joined())
    else { return nil }
    self.init(bits: octets.reduce(0) { $0 << 8 | UInt64($1) }, kind: kind)
  }

  /// Six octets and a type, as the kernel sends them.
  init(_ reader: inout OctetReader) throws(DecodeError) {
    let bits = try reader.uint48("address")
    let at = reader.offset
    let type = try reader.uint8("address type")
    guard let kind = Kind(rawValue: type) else {
      throw DecodeError(field: "address type", offset: at, reason: .invalidValue(Int64(type)))
    }
    self.init(bits: bits, kind: kind)
  }

  /// The six octets in the order of the wire.
  package var octets: [UInt8] { (0..<6).map { UInt8(truncatingIfNeeded: bits >> UInt64(8 * $0)) } }

  /// Six octets and the type.
  var wire: [UInt8] { octets + [kind.rawValue] }

  /// `F0:00:00:00:00:01`.
  package var description: String {
    var text: [UInt8] = []
    text.reserveCapacity(17)
    for shift in stride(from: 44, through: 0, by: -4) {
      let digit = UInt8(truncatingIfNeeded: bits >> UInt64(shift)) & 0x0F
      text.append(digit < 10 ? 0x30 + digit : 0x37 + digit)
      if shift % 8 == 0, shift > 0 { text.append(0x3A) }
    }
    return String(decoding: text, as: UTF8.self)
  }

  /// Random with the two highest bits 01: it changes, and only the device's key tells whose it is (Core, volume 6 B, 1.3.2.2).
  package var isResolvable: Bool { kind == .randomLE && bits >> 46 == 1 }
}
