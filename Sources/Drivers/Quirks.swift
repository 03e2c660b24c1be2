// Devices that put something else into a standard characteristic than its specification says. Data, looked up by the model
// that Device Information or the advertised name tells.

internal import HealthProfiles
internal import Octets
internal import Readings

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
}

package enum QuirkTable {
  private static let rows: [(model: String, quirks: Quirks)] = [
    ("BM85", .hiddenUserBigEndianPulse),
    ("ES-WBE28", [.weightInFiftyGrams, .vendorBodyComposition]),
  ]

  /// The quirks of a model; the text may carry the maker and be of any case: `Beurer BM85`, `bm85`, `BM 85`.
  package static func quirks(model: String?) -> Quirks {
    guard let model else { return [] }
    let words = model.uppercased().split(separator: " ") + [Substring(ModelName.short(model))]
    return rows.first { row in words.contains { $0.hasPrefix(row.model) } }?.quirks ?? []
  }
}

/// A name as devices of one maker write it in several ways: `Beurer BM85`, `BM 85` and `bm85` are one.
enum ModelName {
  private static let maker = Array("BEURER".utf8)

  /// Capitals without blanks and without the maker.
  static func short(_ name: String) -> String { String(decoding: short(Array(name.utf8)), as: UTF8.self) }

  /// The same of UTF-8.
  static func short(_ name: [UInt8]) -> [UInt8] {
    let text = name.compactMap { octet -> UInt8? in
      switch octet {
      case 0x20: nil
      case 0x61...0x7A: octet - 0x20
      default: octet
      }
    }
    return text.starts(with: maker) ? Array(text.dropFirst(maker.count)) : text
  }
}

/// Rewrites of octets into what the specification's decoder takes.
enum QuirkRewrite {
  /// BM85: `56 sys dia map time7 pulse(BE) user status(BE)`: flags, pressures, time, then a big-endian pulse, the hidden user
  /// octet and a big-endian status. Given as flags 0x1E with all of them little-endian. And a layout that its first octets tell:
  /// `FE 20 27 xx sys dia map time7 pulse xx` of an unnamed cuff.
  static func bloodPressure(_ octets: [UInt8], _ quirks: Quirks) throws(DecodeError) -> [UInt8] {
    if octets.first == 0xFE { return try withoutPrefix(octets) }
    guard isHiddenUser(octets), quirks.contains(.hiddenUserBigEndianPulse) else {
      guard isHiddenUser(octets), octets[0] & 0xE0 != 0, octets[14] == 0, octets[15] > 0 else { return octets }
      let message = "an octet more than the flags claim, as a Beurer BM85 has it; give the model of the cuff"
      throw DecodeError(field: "flags", offset: 0, reason: .malformed(message))
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

  /// Time, pulse and status, no user, and an octet that no flag claims.
  private static func isHiddenUser(_ octets: [UInt8]) -> Bool {
    octets.count == 19 && octets[0] & 0x1E == 0x16
  }

  /// The known layout behind a maker's prefix; throws for any other, such as that of a Yuwell YE680A (`FE 0A …`), which nobody
  /// has published.
  private static func withoutPrefix(_ octets: [UInt8]) throws(DecodeError) -> [UInt8] {
    func pressure(_ offset: Int) -> ExactDecimal? {
      MedicalFloat(sfloat: UInt16(octets[offset]) | UInt16(octets[offset + 1]) << 8).decimal
    }
    if octets.count == 20, octets[1] == 0x20, let systolic = pressure(4), let diastolic = pressure(6),
      let mean = pressure(8),
      [systolic, diastolic, mean].allSatisfy({ PossibleValues.isPossible($0, .systolic) }), diastolic < systolic,
      !(mean < diastolic), !(systolic < mean)
    {
      return [0x06] + octets[4..<19]
    }
    let message = "octets of the maker stand before the value, and their layout is not known"
    throw DecodeError(field: "flags", offset: 0, reason: .malformed(message))
  }
}

/// Flags that the specification reserves, and octets that no flag claims. Some devices have one of them and are right in
/// everything else; with both, or with a value that cannot be, the octets are something else.
enum Departure {
  /// The bits of a measurement's flags that have no meaning; nil for what has no flags.
  private static func reserved(_ characteristic: UInt16) -> UInt16? {
    switch characteristic {
    case 0x2A35, 0x2A5E, 0x2A5F, 0x2A18, 0x2A37: 0xE0
    case 0x2B34: 0x80
    case 0x2A9D: 0xF0
    case 0x2A9C: 0xE000
    case 0x2A1C: 0xF8
    default: nil
    }
  }

  /// Throws when a measurement is none by its own octets. `trailing` counts the octets that no flag claims.
  static func check(
    _ characteristic: UInt16, _ octets: [UInt8], trailing: Int, _ decoded: Decoded
  ) throws(DecodeError) {
    guard let mask = reserved(characteristic), let low = octets.first else { return }
    let high = characteristic == 0x2A9C && octets.count > 1 ? UInt16(octets[1]) << 8 : 0
    let reserved = (UInt16(low) | high) & mask
    guard reserved != 0 || trailing > 0 else { return }
    if reserved != 0, trailing > 0 {
      let message = "the flags have reserved bits, and claim \(octets.count - trailing) of \(octets.count) octets"
      throw DecodeError(field: "flags", offset: 0, reason: .malformed(message))
    }
    guard decoded.readings.contains(where: { PossibleValues.check($0).problem != nil }) else { return }
    let what = reserved != 0 ? "the flags have reserved bits" : "\(trailing) octets are there that no flag claims"
    throw DecodeError(field: "flags", offset: 0, reason: .malformed("\(what), and the values cannot be"))
  }
}
