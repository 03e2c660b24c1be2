// Which clock a date of the command line is read by, where no daemon can be asked.

import JSON
import Platform
import Zones

enum HubZone {
  /// The daemon's configuration where no other is named.
  static let usualConfiguration = "/etc/hearth/hearth.json"

  /// A zone of the system's database; nil where it has none of that name.
  static func named(_ name: String?) -> TimeZoneRules? {
    guard let name, TimeZoneRules.isValidName(name) else { return nil }
    return name == "UTC" ? .utc : rules("/usr/share/zoneinfo/\(name)")
  }

  /// The zone of the hub as its configuration says; where that says none, or cannot be read, this machine's.
  static func configured(in path: String) -> TimeZoneRules {
    let octets = SmallFile.read(path, atMost: 1 << 20) ?? []
    let text = try? JSONReader(dialect: .configuration, maximumSize: 1 << 20).value(octets)
    return named(text?["hub"]?["timezone"]?.string) ?? rules("/etc/localtime") ?? .utc
  }

  private static func rules(_ path: String) -> TimeZoneRules? {
    SmallFile.read(path, atMost: 1 << 18).flatMap { try? TimeZoneRules(tzif: $0) }
  }
}
