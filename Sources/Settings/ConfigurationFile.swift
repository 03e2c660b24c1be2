// Reading `/etc/hearth/hearth.json`: every fault is named with line, column, key path and what is expected.

package import JSON

internal import BluetoothManagement
internal import ControlProtocol
internal import Drivers
internal import Monitoring
internal import Readings
internal import Zones

/// The configuration's file format.
package enum ConfigurationFile {
  /// The configuration of a file's octets. Throws the first fault.
  package static func read(_ text: [UInt8], _ strictness: Strictness = .strict) throws(JSONError) -> Configuration {
    var newer = NewerRules(strictness)
    var configuration = try read(text, &newer)
    configuration.warnings = newer.warnings
    return configuration
  }

  private static func read(_ text: [UInt8], _ newer: inout NewerRules) throws(JSONError) -> Configuration {
    let node = try JSONReader(dialect: .configuration, maximumSize: 1 << 20).node(text)
    let top = try node.object(known: [
      "hub", "devices", "backends", "journal", "control", "plans", "bluetooth", "serial", "watch",
      "clock",
    ])
    var configuration = Configuration()
    if let hub = try top["hub"]?.object(known: ["id", "timezone"]) {
      configuration.hubID = try hub["id"].map { node throws(JSONError) in try identifier(node) }
      if let zone = hub["timezone"] {
        configuration.timeZone = try timeZone(zone)
        configuration.zoneOrigin = .configuration
      }
    }
    for node in try top["devices"]?.array() ?? [] { configuration.devices.append(try device(node)) }
    for node in try top["backends"]?.array() ?? [] { configuration.backends.append(try backend(node)) }
    try unique(top["devices"], configuration.devices.map(\.id), "id")
    try unique(top["backends"], configuration.backends.map(\.name), "name")
    try checkPatients(configuration, top["backends"])
    if let journal = try top["journal"]?.object(known: ["segment_bytes", "maximum_bytes", "keep"]) {
      if let node = journal["segment_bytes"] {
        configuration.journal.segmentBytes = try node.int(in: 65_536...67_108_864)
      }
      if let node = journal["maximum_bytes"] {
        configuration.journal.maximumBytes = try node.int(in: 262_144...(1 << 40))
      }
      if let node = journal["keep"] { configuration.journal.keep = try duration(node, upTo: 3650 * 86_400_000) }
      guard configuration.journal.maximumBytes >= 3 * configuration.journal.segmentBytes else {
        throw journal.node.error("invalid-value", "maximum_bytes: expected at least three segments of segment_bytes")
      }
    }
    if let control = try top["control"]?.object(known: ["technician_group", "reader_group"]) {
      if let node = control["technician_group"] { configuration.technicianGroup = try node.string() }
      if let node = control["reader_group"] { configuration.readerGroup = try node.string() }
    }
    if let bluetooth = try top["bluetooth"]?.object(known: ["enabled", "controller", "other_daemon"]) {
      configuration.bluetooth.isEnabled = try bluetooth["enabled"]?.bool() ?? true
      if let node = bluetooth["controller"] {
        guard let address = PeerAddress(try node.string(), kind: .publicLE) else {
          throw node.error("invalid-value", "expected a controller's address such as \"00:1B:DC:07:32:01\"")
        }
        configuration.bluetooth.controller = address
      }
      if let node = bluetooth["other_daemon"] {
        configuration.bluetooth.ignoresOtherDaemons = try node.string(of: ["refuse", "ignore"]) == "ignore"
      }
    }
    if let serial = try top["serial"]?.object(known: ["recognise"]) {
      configuration.recognisesPorts = try serial["recognise"]?.bool() ?? true
    }
    if let clock = try top["clock"]?.object(known: ["hold"]) {
      configuration.clockHold = try clock["hold"].map { node throws(JSONError) in
        try node.string() == "PT0S" ? 0 : try duration(node, upTo: 86_400_000)
      }
    }
    configuration.watch = try watch(top["watch"], configuration)
    configuration.plans = try top["plans"].map { node throws(JSONError) in try path(node) }
    try PatientRule.check(configuration: node, newer)
    try ConfigurationBounds.check(node, configuration, &newer)
    return configuration
  }

  private static func unique(_ node: JSONNode?, _ names: [String], _ key: String) throws(JSONError) {
    var seen: Set<String> = []
    for (index, name) in names.enumerated() where !seen.insert(name).inserted {
      guard let node, let element = try? node.array()[index] else { continue }
      throw element.error("invalid-value", "\(key): \"\(name)\" is used twice")
    }
  }

  /// A name that stands in file names, cursors and commands.
  static func identifier(_ node: JSONNode) throws(JSONError) -> String {
    try node.identifier()
  }

  private static func timeZone(_ node: JSONNode) throws(JSONError) -> String {
    let text = try node.string()
    guard TimeZoneRules.isValidName(text) else {
      throw node.error("invalid-value", "expected a time zone such as \"Europe/Oslo\", found \"\(text)\"")
    }
    return text
  }

  static func path(_ node: JSONNode) throws(JSONError) -> String {
    let text = try node.string()
    guard text.hasPrefix("/"), !text.utf8.contains(0) else {
      throw node.error("invalid-value", "expected an absolute path, found \"\(text)\"")
    }
    return text
  }

  /// Milliseconds of an ISO 8601 duration of days, hours, minutes and seconds, such as `PT72H` or `P3DT12H`.
  static func duration(_ node: JSONNode, upTo longest: Int64) throws(JSONError) -> Int64 {
    try node.duration(upTo: longest)
  }

  private static func device(_ node: JSONNode) throws(JSONError) -> DeviceConfiguration {
    let object = try node.object(
      known: [
        "id", "name", "driver", "port", "playback", "patient", "users", "model", "timezone", "continuous",
        "stored_records",
      ])
    let driverNode = try object.required("driver", "a driver's id, see hearthctl drivers")
    let driver = try driverNode.string(of: Registry.profiles.map(\.id))
    let endpoint: DeviceConfiguration.Endpoint
    switch (object["port"], object["playback"]) {
    case (let port?, nil):
      if case .serial? = Registry.profile(id: driver)?.transport {
        endpoint = .serial(path: try path(port))
      } else {
        throw port.error("invalid-value", "the driver \"\(driver)\" does not speak over a serial port")
      }
    case (nil, let playback?): endpoint = .playback(path: try path(playback))
    case (nil, nil):
      throw node.error("missing-key", "expected \"port\" (a serial port) or \"playback\" (a recorded session)")
    case (_?, let playback?):
      throw playback.error("invalid-value", "expected one of \"port\" and \"playback\", not both")
    }
    var device = DeviceConfiguration(
      id: try identifier(try object.required("id", "the hub's name for the device")), driver: driver, endpoint: endpoint
    )
    device.name = try object["name"]?.string()
    device.model = try object["model"]?.string()
    device.patient = try object["patient"].map { node throws(JSONError) in try identifier(node) }
    if let zone = object["timezone"] { device.timeZone = try timeZone(zone) }
    if let node = object["continuous"] { device.continuousInterval = try continuous(node, driver) }
    if let node = object["stored_records"] { device.readsStoredRecords = try node.bool() }
    for member in try object["users"]?.objectOfAnyKeys() ?? [] {
      guard let slot = UInt8(member.key), slot < 255 else {
        throw JSONError(
          code: "invalid-value", message: "expected a user slot from 0 to 254, found \"\(member.key)\"",
          place: member.place,
          path: member.value.path)
      }
      device.users[slot] = try identifier(member.value)
    }
    if device.patient != nil, !device.users.isEmpty {
      throw node.error("invalid-value", "expected one of \"patient\" and \"users\", not both")
    }
    return device
  }

  /// Seconds of `continuous`: only live oximeters have it, and no measurement takes less than ten.
  private static func continuous(_ node: JSONNode, _ driver: String) throws(JSONError) -> Int {
    guard Registry.profile(id: driver)?.kinds == [.pulseOximetry] else {
      throw node.error("invalid-value", "the driver \"\(driver)\" is none of a live oximeter")
    }
    let seconds = try duration(node, upTo: 86_400_000) / 1000
    guard seconds >= 10 else { throw node.error("invalid-value", "expected at least \"PT10S\"") }
    return Int(seconds)
  }
}
