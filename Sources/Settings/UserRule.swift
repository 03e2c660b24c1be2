// Users of devices that tell none: what such a device measures is in no slot, so all of it would wait for a patient. An earlier version
// took them.

internal import Drivers
internal import JSON

enum UserRule {
  /// Holds the devices of a configuration to it.
  static func check(_ top: JSONNode, _ newer: inout NewerRules) throws(JSONError) {
    for device in (try? JSONMembers(top)["devices"]?.array()) ?? [] {
      guard let members = try? JSONMembers(device), let users = members["users"],
        case .object(let slots) = users.content, !slots.isEmpty, case .string(let id)? = members["driver"]?.content,
        let profile = Registry.profile(id: id), !profile.tellsUser
      else { continue }
      try newer.refuse(
        users,
        "a device of the driver \"\(id)\" tells no user, and no reading would be in a slot: expected \"patient\" for one person, or neither for a device that is shared (hearthctl session start)",
        code: "device.tells-no-user")
    }
  }
}
