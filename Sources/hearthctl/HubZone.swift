// Which clock a date of the command line is read by, where no daemon can be asked.

import JSON
import Platform
import ZoneFiles
import Zones

enum HubZone {
  /// The daemon's configuration where no other is named.
  static let usualConfiguration = "/etc/hearth/hearth.json"

  /// A zone of the system's database; nil where it has none of that name.
  static func named(_ name: String?) -> TimeZoneRules? { name.flatMap { try? ZoneDatabase.rules(of: $0) } }

  /// The zone of the hub as its configuration says; where that says none, or cannot be read, this machine's, as in the daemon.
  static func configured(in path: String) -> TimeZoneRules {
    let octets = SmallFile.read(path, atMost: 1 << 20) ?? []
    let text = try? JSONReader(dialect: .configuration, maximumSize: 1 << 20).value(octets)
    return named(text?["hub"]?["timezone"]?.string) ?? named(SystemZone().name) ?? .utc
  }
}

/// The clock of the hub, by which the readings of one table are shown.
struct HubClock {
  private let name: String?
  private let zone: TimeZoneRules?

  /// - Parameter name: the hub's zone; nil from a daemon that does not tell, and then each time keeps its own offset.
  init(_ name: String?) {
    self.name = name
    zone = HubZone.named(name)
  }

  /// ` (Europe/Oslo)` where this machine has another zone; nothing where nobody can take it for another one.
  var suffix: String {
    guard let name, zone != nil, name != SystemZone().name else { return "" }
    return " (\(Terminal.clean(name)))"
  }

  /// `2026-11-08 18:31` by the hub's clock.
  func time(_ value: JSONValue?) -> String {
    guard let zone, let text = value?.string, let instant = ISO8601.instant(text)?.milliseconds else {
      return Show.time(value)
    }
    let offset = Int32(clamping: zone.local(at: instant / 1000).offset)
    return Show.time(
      .string(ISO8601.text(milliseconds: instant, offsetSeconds: offset, withMilliseconds: false)))
  }

  /// In the order in which they were taken; what has no time of its own stands where it was received.
  func sorted(_ readings: [JSONValue]) -> [JSONValue] {
    func instant(_ reading: JSONValue) -> Int64 {
      let text = reading["taken_at"]?.string ?? reading["received_at"]?.string
      return text.flatMap { ISO8601.instant($0)?.milliseconds } ?? 0
    }
    // Of the same instant the journal's order stays.
    return readings.map { ($0, instant($0)) }.enumerated()
      .sorted { ($0.element.1, $0.offset) < ($1.element.1, $1.offset) }.map(\.element.0)
  }
}
