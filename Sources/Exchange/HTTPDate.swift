// The date of HTTP headers (RFC 9110 5.6.7): the preferred form, `Sun, 06 Nov 1994 08:49:37 GMT`.

internal import Zones

enum HTTPDate {
  private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

  /// Milliseconds since 1970; nil for anything else.
  static func milliseconds(_ text: String) -> Int64? {
    let parts = text.split(separator: " ")
    guard parts.count == 6, parts[5] == "GMT", let day = Int(parts[1]),
      let month = months.firstIndex(of: String(parts[2])),
      let year = Int(parts[3])
    else { return nil }
    let clock = parts[4].split(separator: ":").compactMap { Int($0) }
    guard clock.count == 3,
      let time = CivilTime(
        year: year, month: month + 1, day: day, hour: clock[0], minute: clock[1], second: min(clock[2], 59))
    else { return nil }
    return time.seconds * 1000
  }
}
