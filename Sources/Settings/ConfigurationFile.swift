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
    var faults = FoundFaults(stopsAtFirst: true)
    let top = try node(text)
    var configuration = try read(top, &newer, &faults)
    if newer.holds { try PatientRule.check(configuration: top, &faults) }
    configuration.warnings = newer.warnings
    return configuration
  }

  /// All that is wrong with a configuration's file, in the order of its lines, and what can be read of it: of each device, backend and
  /// section the first fault. A fault of the JSON itself stands alone. No faults: the file is good.
  package static func faults(_ text: [UInt8]) -> (configuration: Configuration, faults: [JSONError]) {
    var newer = NewerRules(.lenient)
    var faults = FoundFaults(stopsAtFirst: false)
    var configuration = Configuration()
    do throws(JSONError) {
      let top = try node(text)
      configuration = try read(top, &newer, &faults)
      try PatientRule.check(configuration: top, &faults)
    } catch {
      faults.add(error)
    }
    for warning in newer.warnings { faults.add(warning.error) }
    return (configuration, faults.list.sorted { ($0.place.line, $0.place.column) < ($1.place.line, $1.place.column) })
  }

  private static func node(_ text: [UInt8]) throws(JSONError) -> JSONNode {
    try JSONReader(dialect: .configuration, maximumSize: 1 << 20).node(text)
  }

  private static let sections = [
    "hub", "devices", "backends", "journal", "control", "plans", "bluetooth", "serial", "watch", "clock",
  ]

  private static func read(
    _ node: JSONNode, _ newer: inout NewerRules, _ faults: inout FoundFaults
  ) throws(JSONError) -> Configuration {
    func attempt(_ body: () throws(JSONError) -> Void) throws(JSONError) {
      do throws(JSONError) { try body() } catch { try faults.take(error) }
    }
    // Beside an unknown key the others are read all the same.
    try attempt { () throws(JSONError) in _ = try node.object(known: sections) }
    let top = try JSONMembers(node)
    var read = Configuration()
    try attempt { () throws(JSONError) in try hub(top["hub"], &read) }
    for (key, name) in [("devices", "id"), ("backends", "name")] {
      try attempt { () throws(JSONError) in
        let nodes = try top[key]?.array() ?? []
        for node in nodes {
          try attempt { () throws(JSONError) in
            if key == "devices" {
              read.devices.append(try device(node))
            } else {
              read.backends.append(try backend(node))
            }
          }
        }
        for (index, node) in nodes.enumerated() {
          try attempt { () throws(JSONError) in try unique(node, among: nodes[..<index], name) }
        }
      }
    }
    try attempt { () throws(JSONError) in try checkPatients(read, top["backends"]) }
    try attempt { () throws(JSONError) in try journal(top["journal"], &read) }
    try attempt { () throws(JSONError) in try control(top["control"], &read) }
    try attempt { () throws(JSONError) in try bluetooth(top["bluetooth"], &read) }
    try attempt { () throws(JSONError) in
      guard let serial = try top["serial"]?.object(known: ["recognise"]) else { return }
      read.recognisesPorts = try serial["recognise"]?.bool() ?? true
    }
    try attempt { () throws(JSONError) in
      guard let clock = try top["clock"]?.object(known: ["hold"]) else { return }
      read.clockHold = try clock["hold"].map { node throws(JSONError) in
        try node.string() == "PT0S" ? 0 : try duration(node, upTo: 86_400_000)
      }
    }
    // One that has a fault of its own is a backend all the same.
    let backends = ((try? top["backends"]?.array()) ?? []).compactMap { name(of: $0, "name") }
    try attempt { () throws(JSONError) in read.watch = try watch(top["watch"], backends: backends) }
    try attempt { () throws(JSONError) in
      read.plans = try top["plans"].map { node throws(JSONError) in try path(node) }
    }
    do throws(JSONError) {
      try ConfigurationBounds.check(node, read, &newer)
      try PatientRule.nameless(configuration: node, &newer)
      try UserRule.check(node, &newer)
    } catch { try faults.take(error) }
    return read
  }

  private static func hub(_ node: JSONNode?, _ configuration: inout Configuration) throws(JSONError) {
    guard let hub = try node?.object(known: ["id", "timezone"]) else { return }
    configuration.hubID = try hub["id"].map { node throws(JSONError) in try identifier(node) }
    if let zone = hub["timezone"] {
      configuration.timeZone = try timeZone(zone)
      configuration.zoneOrigin = .configuration
    }
  }

  private static func journal(_ node: JSONNode?, _ configuration: inout Configuration) throws(JSONError) {
    guard let journal = try node?.object(known: ["segment_bytes", "maximum_bytes", "keep"]) else { return }
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

  private static func control(_ node: JSONNode?, _ configuration: inout Configuration) throws(JSONError) {
    guard let control = try node?.object(known: ["technician_group", "reader_group"]) else { return }
    if let node = control["technician_group"] { configuration.technicianGroup = try node.string() }
    if let node = control["reader_group"] { configuration.readerGroup = try node.string() }
  }

  private static func bluetooth(_ node: JSONNode?, _ configuration: inout Configuration) throws(JSONError) {
    guard let bluetooth = try node?.object(known: ["enabled", "controller", "other_daemon"]) else { return }
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

  /// The name that a device or a backend has, whatever else is wrong with it.
  static func name(of node: JSONNode, _ key: String) -> String? {
    guard case .string(let name)? = (try? JSONMembers(node))?[key]?.content else { return nil }
    return name
  }

  private static func unique(
    _ node: JSONNode, among others: ArraySlice<JSONNode>, _ key: String
  ) throws(JSONError) {
    guard let own = name(of: node, key), others.contains(where: { name(of: $0, key) == own }) else { return }
    throw node.error("invalid-value", "\(key): \"\(own)\" is used twice")
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
    let driver = try driverNode.string(of: Registry.ids)
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
