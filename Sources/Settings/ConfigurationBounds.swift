// How much a configuration may hold, and how long its texts may be: every record, answer and table that is made of it has room for
// them. They are newer than the first configurations: at a start they are warnings.

internal import JSON

enum ConfigurationBounds {
  /// The most elements of a list, by its key.
  private static let lists = ["devices": 64, "backends": 16]
  /// The most octets of a text, by its key; any other text may be a path.
  private static let texts = [
    "name": 100, "model": 100, "url": 2048, "token_url": 2048, "technician_group": 64, "reader_group": 64,
  ]
  /// The longest path that Linux takes, without its end.
  private static let path = 4095
  /// The most members of an object whose keys are names: every user slot that there can be, and every device by its name.
  private static let members = 256
  /// The most patients whom the devices are of.
  private static let patients = 256

  /// Holds a configuration that can be read against its bounds.
  static func check(_ top: JSONNode, _ configuration: Configuration, _ newer: inout NewerRules) throws(JSONError) {
    try check(top, "", &newer)
    try ConfigurationChecks.all(top, configuration, &newer)
    let owners = Set(configuration.devices.flatMap { Array($0.users.values) + [$0.patient].compactMap(\.self) })
    if owners.count > patients {
      try newer.refuse(
        try JSONMembers(top)["devices"] ?? top, "expected at most \(patients) patients, found \(owners.count)")
    }
  }

  private static func check(_ node: JSONNode, _ key: String, _ newer: inout NewerRules) throws(JSONError) {
    switch node.content {
    case .string(let text):
      try check(text, node, key, &newer)
      if key == "url" || key == "token_url", let fault = WebAddress.fault(text) {
        try newer.refuse(node, fault.message, code: fault.code)
      }
    case .array(let items):
      if let most = lists[key], items.count > most {
        try newer.refuse(node, "expected at most \(most) \(key), found \(items.count)")
      }
      for item in items { try check(item, "", &newer) }
    case .object(let known):
      if known.count > members {
        try newer.refuse(node, "expected at most \(members) members, found \(known.count)")
      }
      for member in known {
        try check(member.key, member.value, "", &newer)
        try check(member.value, member.key, &newer)
      }
    case .null, .bool, .number: break
    }
  }

  private static func check(
    _ text: String, _ node: JSONNode, _ key: String, _ newer: inout NewerRules
  ) throws(JSONError) {
    let most = texts[key] ?? path
    if text.utf8.count > most {
      try newer.refuse(node, "expected at most \(most) octets, found \(text.utf8.count)")
    }
    if text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) {
      try newer.refuse(node, "expected a text without control characters")
    }
  }
}
