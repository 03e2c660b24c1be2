// Devices that put something else into a standard characteristic than its specification says. Data, looked up by the model
// that Device Information or the advertised name tells.

internal import Octets

/// How a device departs from a characteristic's specification.
package struct Quirks: OptionSet, Sendable, Hashable {
  /// The bits.
  package let rawValue: Int
  /// The bits.
  package init(rawValue: Int) { self.rawValue = rawValue }
  /// 2A35: a user octet follows although its flag is clear, pulse and status are big-endian, MAP is zero.
  package static let hiddenUserBigEndianPulse = Quirks(rawValue: 1 << 0)
  /// 2A9D: weight in steps of 0.05 kg; the rest of the value is the vendor's.
  package static let weightInFiftyGrams = Quirks(rawValue: 1 << 1)
  /// 2A9C: a vendor layout; only the impedance stands where the specification puts it.
  package static let vendorBodyComposition = Quirks(rawValue: 1 << 2)
  /// 2A35: vendor octets stand before the value, which begins at a known flags octet.
  package static let vendorPrefix = Quirks(rawValue: 1 << 3)
}

package enum QuirkTable {
  private static let rows: [(model: String, quirks: Quirks)] = [
    ("BM85", .hiddenUserBigEndianPulse),
    ("ES-WBE28", [.weightInFiftyGrams, .vendorBodyComposition]),
    ("YE680A", .vendorPrefix),
  ]

  /// The quirks of a model; the text may carry the maker and be of any case: `Beurer BM85`, `bm85`.
  package static func quirks(model: String?) -> Quirks {
    guard let model = model?.uppercased() else { return [] }
    let words = model.split(separator: " ")
    return rows.first { row in words.contains { $0.hasPrefix(row.model) } }?.quirks ?? []
  }
}

/// Rewrites of octets into what the specification's decoder takes.
enum QuirkRewrite {
  /// BM85: `56 sys dia map time7 pulse(BE) user status(BE)`: flags, pressures, time, then a big-endian pulse, the hidden user
  /// octet and a big-endian status. Given as flags 0x1E with all of them little-endian.
  static func bloodPressure(_ octets: [UInt8], _ quirks: Quirks) -> [UInt8] {
    var octets = octets
    if quirks.contains(.vendorPrefix), octets.first == 0xFE {
      // The value begins at the first octet whose flags claim exactly what is left.
      for start in 1..<max(1, octets.count) where length(flags: octets[start]) == octets.count - start {
        octets = Array(octets[start...])
        break
      }
    }
    guard quirks.contains(.hiddenUserBigEndianPulse), octets.count >= 19, octets[0] & 0x0E == 0x06 else {
      return octets
    }
    var rewritten = Array(octets[0..<14])
    rewritten[0] = octets[0] & 0x1F | 0x08
    // MAP zero means that none was computed.
    if rewritten[5] == 0, rewritten[6] == 0 {
      rewritten[5] = 0xFF
      rewritten[6] = 0x07
    }
    rewritten += [octets[15], octets[14], octets[16], octets[18], octets[17]]
    return rewritten
  }

  private static func length(flags: UInt8) -> Int {
    7 + (flags & 2 == 0 ? 0 : 7) + (flags & 4 == 0 ? 0 : 2) + (flags & 8 == 0 ? 0 : 1) + (flags & 16 == 0 ? 0 : 2)
  }
}
