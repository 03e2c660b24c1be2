// The files of a directory backend, by their names: YYYY-MM-DD.ndjson holds what was received on that day (UTC). While one is written
// anew there are two more names beside it. Any other name is somebody else's file.

internal import Zones

/// A file of a directory backend.
package struct DayFile: Sendable, Hashable {
  /// What a name stands for.
  package enum Part: Sendable, Hashable {
    /// The lines of the day.
    case lines
    /// A file that is to take their place.
    case draft
    /// The lines as they were before; to be overwritten.
    case old
  }

  /// Milliseconds of a day.
  package static let day: Int64 = 86_400_000

  /// The name of the file of lines.
  package let name: String
  /// What its own name stands for.
  package let part: Part
  /// When its day is over, milliseconds since 1970.
  package let end: Int64

  private static let ending = ".ndjson"
  private static let parts: [(suffix: String, part: Part)] = [("", .lines), (".new", .draft), (".erased", .old)]

  /// A file by its name in the folder; nil for every name that no directory backend gives.
  package init?(_ name: String) {
    let octets = Array(name.utf8)
    guard octets.count >= 10, octets[4] == 0x2D, octets[7] == 0x2D, let year = DayFile.number(octets[0...3]),
      let month = DayFile.number(octets[5...6]), let day = DayFile.number(octets[8...9]),
      let date = CivilTime(year: year, month: month, day: day)
    else { return nil }
    let rest = String(decoding: octets[10...], as: UTF8.self)
    guard let part = DayFile.parts.first(where: { DayFile.ending + $0.suffix == rest })?.part else { return nil }
    self.name = DayFile.lines(of: date.seconds)
    self.part = part
    end = (date.seconds + 86_400) * 1000
  }

  /// The name of the file for what was received in this second since 1970.
  package static func lines(of second: Int64) -> String {
    String(ISO8601.text(CivilTime(seconds: second)).prefix(10)) + ending
  }

  /// The name of the file that is to take its place.
  package var draft: String { name + ".new" }
  /// The name of the lines as they were before.
  package var old: String { name + ".erased" }

  /// The files of lines that have been kept long enough, oldest first. The day that is not over is never one.
  /// - Parameter keep: how long a day is kept after its end, in milliseconds.
  /// - Parameter most: how many at the most.
  package static func outlived(_ names: [String], now: Int64, keep: Int64, most: Int) -> [String] {
    let (limit, overflow) = now.subtractingReportingOverflow(max(0, keep))
    guard !overflow else { return [] }
    let files = names.compactMap { DayFile($0) }.filter { $0.part == .lines && $0.end <= limit }
    return files.sorted { $0.end < $1.end }.prefix(max(0, most)).map(\.name)
  }

  private static func number(_ octets: ArraySlice<UInt8>) -> Int? {
    var value = 0
    for octet in octets {
      guard (0x30...0x39).contains(octet) else { return nil }
      value = value * 10 + Int(octet - 0x30)
    }
    return value
  }
}
