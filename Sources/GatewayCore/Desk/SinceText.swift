// How a person says since when.

internal import Zones
internal import Ledger

/// `--since`: an instant, or how long ago.
package enum SinceText {
  /// Milliseconds since 1970 of `2026-11-21T08:00:00+01:00`, `30m`, `24h`, `7d`; nil for anything else.
  package static func milliseconds(_ text: String, now: Int64) -> Int64? {
    if let instant = ISO8601.instant(text) { return instant.milliseconds }
    let units: [Character: Int64] = ["s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000]
    guard let last = text.last, let unit = units[last], text.utf8.count <= 7, let count = Int64(text.dropLast()),
      count >= 0
    else {
      return nil
    }
    return now - count * unit
  }
}
