// What a check says of a hub whose time zone nobody has written down, although a device of it has a clock of its own: such a clock
// tells a time without a zone, and a wrong zone moves every reading by hours.

import Drivers
import JSON
import Settings

enum ZoneAdvice {
  /// How a zone is written into the configuration.
  static func line(_ name: String) -> String { "\"hub\": {\"timezone\": \"\(name)\"}" }

  /// The question that a check asks; nil when the zone is written down, or no device needs it.
  /// - Parameter paired: the devices that technicians brought in.
  static func question(_ file: ConfigurationText, _ paired: [DeviceConfiguration], _ top: JSONNode) -> Finding? {
    let configuration = file.configuration
    guard configuration.zoneOrigin != .configuration,
      let device = (configuration.devices + paired).first(where: { device in
        device.timeZone == nil && Registry.profile(id: device.driver).map { $0.clock != .none } ?? false
      })
    else { return nil }
    let origin =
      switch configuration.zoneOrigin {
      case .system(let file): "\(configuration.timeZone) counts, by \(file)"
      case .configuration, .unknown: "\(configuration.timeZone) counts"
      }
    let problem = file.zoneProblem.map { " (\($0))" } ?? ""
    let hub = (try? JSONMembers(top))?["hub"]
    return Finding(
      .warning, hub ?? top, member: hub == nil ? "hub.timezone" : "timezone",
      "the device \"\(device.id)\" has a clock, and the hub's time zone is not written down: \(origin)\(problem); "
        + "write \(line(configuration.zoneOrigin == .unknown ? "Europe/Oslo" : configuration.timeZone)), "
        + "or the zone where the home is")
  }
}
