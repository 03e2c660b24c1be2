// How a person says since when.

internal import Ledger
package import Zones

/// `--since` and `--until`: an instant, a date, or how long ago.
package enum SinceText {
  /// What is understood, for the hint of a refusal.
  package static let examples =
    "30m, 24h, 7d, today, yesterday, 2026-11-01, \"2026-11-01 08:00\", 2026-11-21T08:00:00+01:00"

  /// What is said of a text that is none of them.
  /// - Parameter name: the option or parameter that holds it.
  package static func complaint(_ text: String, of name: String) -> String {
    guard let day = missingDay(text) else {
      return "\(name): expected a date, a time or how long ago, found \"\(text)\""
    }
    return "\(name): there is no day \(day)"
  }

  /// The date of a text that names a day which no calendar has, such as 31 November; nil for any other text.
  private static func missingDay(_ text: String) -> String? {
    let day = text.utf8.prefix(10)
    let isDate =
      day.count == 10
      && zip(day, "0000-00-00".utf8).allSatisfy { given, form in
        form == 0x2D ? given == 0x2D : (0x30...0x39).contains(given)
      }
    guard isDate, [10, 16, 19, 20, 25].contains(text.utf8.count) else { return nil }
    let date = String(decoding: day, as: UTF8.self)
    return civilTime(date) == nil ? date : nil
  }

  /// What is said of a beginning that lies in the future; nil when it does not.
  package static func future(
    _ instant: Int64, _ text: String, of name: String, now: Int64, zone: TimeZoneRules
  ) -> String? {
    guard instant > now else { return nil }
    let offset = Int32(clamping: zone.local(at: now / 1000).offset)
    let clock = ISO8601.text(milliseconds: now, offsetSeconds: offset, withMilliseconds: false)
    return "\(name): \"\(text)\" is in the future: it is \(clock)"
  }

  /// Milliseconds since 1970; nil for a text that is not understood. A date is the midnight with which it begins. A time without
  /// an offset, and the days of `today` and `yesterday`, are those of `zone`.
  package static func milliseconds(_ text: String, now: Int64, zone: TimeZoneRules) -> Int64? {
    if let instant = ISO8601.instant(text) { return instant.milliseconds }
    switch text {
    case "today": return midnight(daysBefore: 0, now, zone)
    case "yesterday": return midnight(daysBefore: 1, now, zone)
    default: break
    }
    if let time = civilTime(text) { return instant(time, zone) }
    let units: [Character: Int64] = ["s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000]
    guard let last = text.last, let unit = units[last], text.utf8.count <= 7, let count = Int64(text.dropLast()),
      count >= 0
    else {
      return nil
    }
    return now - count * unit
  }

  /// `2026-11-01`, `2026-11-01 08:00`, `2026-11-01 08:00:30`; a T may stand for the blank.
  private static func civilTime(_ text: String) -> CivilTime? {
    var text = text
    switch text.utf8.count {
    case 10: text += "T00:00:00"
    case 16: text += ":00"
    case 19: break
    default: return nil
    }
    // The reader of instants knows the rest. In universal time an instant is the civil time itself.
    let whole = String(text.map { $0 == " " ? "T" : $0 }) + "Z"
    return ISO8601.instant(whole).map { CivilTime(seconds: $0.milliseconds / 1000) }
  }

  /// When a day began by the clocks of a zone.
  private static func midnight(daysBefore days: Int64, _ now: Int64, _ zone: TimeZoneRules) -> Int64? {
    let seconds = now / 1000
    let local = CivilTime(seconds: seconds + Int64(zone.local(at: seconds).offset))
    guard let today = CivilTime(year: local.year, month: local.month, day: local.day) else { return nil }
    return instant(CivilTime(seconds: today.seconds - days * 86_400), zone)
  }

  /// Of a time that clocks show twice, the first: nothing of the day is left out.
  private static func instant(_ time: CivilTime, _ zone: TimeZoneRules) -> Int64 {
    switch zone.instants(of: time) {
    case .one(let seconds), .gap(let seconds), .fold(let seconds, _): seconds * 1000
    }
  }
}
