// Addresses and serial numbers of a capture give way to others of the same length: equal ones stay equal, in every capture, and
// nobody can tell the old ones from the new: of all that there are, 65 536 are left.

import Octets

struct Disguise {
  /// What is replaced by what.
  private var pairs: [(old: [UInt8], new: [UInt8], what: String)] = []
  /// What was replaced where, and how often.
  private(set) var altered: [String: Int] = [:]
  /// A shorter text would be found by chance.
  private static let shortest = 4

  /// A device address, such as `F0:00:00:00:00:01`, in both orders of its octets, as text, and within a system id (EUI-64).
  mutating func hide(address: String) {
    guard let octets = try? Hex.decode(address.filter { $0 != ":" }), octets.count == 6 else { return }
    let new = Disguise.address(octets)
    add(octets, new, "address")
    add(octets.reversed(), new.reversed(), "address")
    add(eui(octets), eui(new), "address")
    add(eui(octets).reversed(), eui(new).reversed(), "address")
    for isUpper in [true, false] {
      func text(_ octets: [UInt8]) -> [UInt8] {
        let digits = Hex.encode(octets)
        return Array((isUpper ? digits.uppercased() : digits).utf8)
      }
      add(text(octets), text(new), "address")
    }
  }

  /// A System ID 2A23: mostly an address with FFFE in its middle, which may be another than the one on the air.
  mutating func hide(systemID octets: [UInt8]) {
    guard octets.count == 8, octets.contains(where: { $0 != 0 }) else { return }
    if octets[3] == 0xFE, octets[4] == 0xFF {
      hide(address: Hex.encode(octets[5...].reversed() + octets[..<3].reversed()))
    } else {
      add(octets, [0, 0] + Disguise.address(octets), "system id")
    }
  }

  /// A serial number as text.
  mutating func hide(serial: String) {
    let octets = Array(serial.trimmingSpaces.utf8)
    guard octets.count >= Disguise.shortest else { return }
    add(octets, Disguise.text(octets), "serial number")
  }

  /// The same address by another name.
  static func address(_ octets: [UInt8]) -> [UInt8] {
    let hash = hash(octets)
    return [0x02, 0, 0, 0, UInt8(truncatingIfNeeded: hash >> 8), UInt8(truncatingIfNeeded: hash)]
  }

  /// Digits stay digits, letters letters, everything else itself.
  static func text(_ octets: [UInt8]) -> [UInt8] {
    var state = hash(octets)
    return octets.map { octet in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      let draw = UInt8(truncatingIfNeeded: state >> 56)
      switch octet {
      case 0x30...0x39: return 0x30 + draw % 10
      case 0x41...0x5A: return 0x41 + draw % 26
      case 0x61...0x7A: return 0x61 + draw % 26
      default: return octet
      }
    }
  }

  /// A user's code, 1 to 9999.
  static func code(_ code: UInt16) -> UInt16 {
    UInt16(clamping: hash([UInt8(code & 0xFF), UInt8(code >> 8), 0x63]) % 9999) + 1
  }

  /// FNV-1a, of which sixteen bits are kept.
  private static func hash(_ octets: [UInt8]) -> UInt64 {
    let full = FNV1a.hash(octets)
    return (full ^ full >> 16 ^ full >> 32 ^ full >> 48) & 0xFFFF
  }

  private func eui(_ octets: [UInt8]) -> [UInt8] { octets[..<3] + [0xFF, 0xFE] + octets[3...] }

  private mutating func add(_ old: some Sequence<UInt8>, _ new: some Sequence<UInt8>, _ what: String) {
    let (old, new) = (Array(old), Array(new))
    guard old != new, !pairs.contains(where: { $0.old == old }) else { return }
    pairs.append((old, new, what))
  }

  /// The octets without what is hidden.
  mutating func apply(_ octets: [UInt8], place: String) -> [UInt8] {
    var octets = octets
    for pair in pairs {
      var index = 0
      while index + pair.old.count <= octets.count {
        if octets[index..<index + pair.old.count].elementsEqual(pair.old) {
          octets.replaceSubrange(index..<index + pair.old.count, with: pair.new)
          altered["\(place) (\(pair.what))", default: 0] += 1
          index += pair.old.count
        } else {
          index += 1
        }
      }
    }
    return octets
  }

  /// Pieces of one stream, across whose borders something may lie.
  mutating func apply(_ pieces: [[UInt8]], place: String) -> [[UInt8]] {
    var rest = apply(pieces.flatMap { $0 }, place: place)[...]
    return pieces.map { piece in
      defer { rest = rest.dropFirst(piece.count) }
      return Array(rest.prefix(piece.count))
    }
  }
}
