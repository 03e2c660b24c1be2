// What only the machine and the hub can tell of the devices that a configuration names: which port a path leads to, and which other
// devices there are.

import Glibc
import JSON
import Settings

enum DeviceChecks {
  /// A port has one device: two would each get half of what is said there.
  static func ports(
    _ configuration: Configuration, _ top: JSONNode, _ newer: inout NewerRules
  ) throws(JSONError) {
    var owners: [String: (device: String, path: String)] = [:]
    let nodes = try JSONMembers(top)["devices"]?.array() ?? []
    for device in configuration.devices {
      guard let node = DeviceChecks.node(of: device, among: nodes) else { continue }
      guard case .serial(let path) = device.endpoint else { continue }
      let port = port(path)
      guard let owner = owners[port] else {
        owners[port] = (device.id, path)
        continue
      }
      let alias = owner.path == path ? "" : ": \(path) and \(owner.path) lead to the same port"
      try newer.refuse(
        try JSONMembers(node)["port"] ?? node,
        "expected a port of its own, found that of the device \"\(owner.device)\"\(alias)", code: "port.shared")
    }
  }

  /// The object of this name: others may have been left out for a fault.
  static func node(_ key: String, _ name: String, among nodes: [JSONNode]) -> JSONNode? {
    nodes.first { (try? JSONMembers($0))?[key]?.content == .string(name) }
  }

  /// The object of a device. Where two have one name its port or its recording tells them apart.
  static func node(of device: DeviceConfiguration, among nodes: [JSONNode]) -> JSONNode? {
    let (key, path): (String, String) =
      switch device.endpoint {
      case .serial(let path): ("port", path)
      case .playback(let path): ("playback", path)
      case .usb, .bluetooth: ("", "")
      }
    return nodes.first { node in
      guard let members = try? JSONMembers(node) else { return false }
      return members["id"]?.content == .string(device.id) && members[key]?.content == .string(path)
    }
  }

  /// What a path leads to: the device's number, or the file behind all links; the path itself while nothing is there.
  private static func port(_ path: String) -> String {
    var facts = stat()
    if stat(path, &facts) == 0 {
      return facts.st_mode & S_IFMT == S_IFCHR ? "device \(facts.st_rdev)" : "file \(facts.st_dev) \(facts.st_ino)"
    }
    return "/" + path.split(separator: "/").filter { $0 != "." }.joined(separator: "/")
  }

  /// A name that no device has is a slip, or left over: nobody would be told when the device is silent. Gives the names that could
  /// not be judged.
  /// - Parameter paired: devices that do not stand in the configuration; nil when they cannot be told.
  static func silentAfter(
    _ configuration: Configuration, _ paired: () -> Set<String>?, _ top: JSONNode, _ newer: inout NewerRules
  ) throws(JSONError) -> [JSONNode.Member] {
    // One that has a fault of its own is a device all the same.
    let nodes = try JSONMembers(top)["devices"]?.array() ?? []
    let members = try members(top).filter { member in
      member.key != "*" && node("id", member.key, among: nodes) == nil
    }
    guard !members.isEmpty else { return [] }
    guard let paired = paired() else { return members }
    let known = paired.union(configuration.devices.map(\.id)).sorted()
    for member in members where !paired.contains(member.key) {
      let hint = Suggestion.text(for: member.key, among: known)
      let names = known.isEmpty ? "no device is known" : "known: \(known.joined(separator: ", "))"
      try newer.refuse(
        member.value, "expected the name of a device or \"*\", found \"\(member.key)\"\(hint); \(names)",
        code: "device.unknown")
    }
    return []
  }

  /// Both, where nothing ends at the first fault. Gives the names that could not be judged.
  static func all(
    _ configuration: Configuration, _ paired: Set<String>?, _ top: JSONNode, _ newer: inout NewerRules
  ) -> [JSONNode.Member] {
    // What has another shape is told by whoever reads the file.
    try? ports(configuration, top, &newer)
    return (try? silentAfter(configuration, { paired }, top, &newer)) ?? []
  }

  /// What is said of names that could not be judged.
  static func findings(_ members: [JSONNode.Member], _ configuration: Configuration) -> [Finding] {
    members.map { member in
      let hint = Suggestion.text(for: member.key, among: configuration.devices.map(\.id))
      return Finding(
        .unchecked, member.value,
        "\"\(member.key)\"\(hint) is no device of this file; only sudo hearthd --check sees those that were paired")
    }
  }

  private static func members(_ top: JSONNode) throws(JSONError) -> [JSONNode.Member] {
    guard let watch = try JSONMembers(top)["watch"], let node = try JSONMembers(watch)["silent_after"] else {
      return []
    }
    return try node.objectOfAnyKeys()
  }
}
