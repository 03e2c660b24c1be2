// Durations as ISO 8601 writes them.

/// Durations of ISO 8601 with days, hours, minutes and seconds.
package enum ISO8601Duration {
  /// Milliseconds of `P3DT12H`, `PT90S`; nil for anything else, zero or more than ten years.
  package static func milliseconds(_ text: String) -> Int64? {
    var rest = Array(text.utf8)[...]
    guard rest.first == 0x50 else { return nil }
    rest = rest.dropFirst()
    var total: Int64 = 0
    var isTime = false
    var units: [(UInt8, Int64)] = [(0x44, 86_400_000)]
    while let first = rest.first {
      if first == 0x54, !isTime {
        isTime = true
        units = [(0x48, 3_600_000), (0x4D, 60_000), (0x53, 1000)]
        rest = rest.dropFirst()
        continue
      }
      let digits = rest.prefix { $0 >= 0x30 && $0 <= 0x39 }
      guard (1...7).contains(digits.count), let number = Int64(String(decoding: digits, as: UTF8.self)),
        let unit = rest.dropFirst(digits.count).first, let index = units.firstIndex(where: { $0.0 == unit })
      else { return nil }
      total += number * units[index].1
      units.removeFirst(index + 1)
      rest = rest.dropFirst(digits.count + 1)
    }
    guard total > 0, total <= 3650 * 86_400_000 else { return nil }
    return total
  }
}
