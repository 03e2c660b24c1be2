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
