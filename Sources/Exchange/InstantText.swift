// Instants and stamps as the text of JSON.

internal import Octets
internal import Readings
internal import Zones

enum InstantText {
  static func text(_ time: Timestamp, withMilliseconds: Bool?) -> String {
    ISO8601.text(
      milliseconds: time.milliseconds, offsetSeconds: time.offsetSeconds, withMilliseconds: withMilliseconds)
  }

  static func timestamp(_ text: String) -> Timestamp? {
    ISO8601.instant(text).map { Timestamp(milliseconds: $0.milliseconds, offsetSeconds: $0.offsetSeconds) }
  }

  /// A stamp without zone is the device's local time; one with `Z` or an offset is UTC.
  static func stamp(_ text: String) -> DeviceStamp? {
    if let instant = timestamp(text) { return .utc(milliseconds: instant.milliseconds) }
    let parts = text.split { $0 == "-" || $0 == "T" || $0 == ":" }.compactMap { UInt16($0) }
    guard parts.count == 6, let month = UInt8(exactly: parts[1]), let day = UInt8(exactly: parts[2]),
      let hours = UInt8(exactly: parts[3]), let minutes = UInt8(exactly: parts[4]),
      let seconds = UInt8(exactly: parts[5])
    else { return nil }
    return .local(
      DeviceDateTime(year: parts[0], month: month, day: day, hours: hours, minutes: minutes, seconds: seconds))
  }

  static func octets(hex: String) -> [UInt8]? { try? Hex.decode(hex) }
}
