// Which patient belongs to which user slot of which device, as technicians said; a state file.

public import JSON

/// Slots and their patients.
public struct Bindings: Sendable, Hashable {
  struct Slot: Hashable, Sendable {
    var device: String
    var user: UInt8?
  }
  var slots: [Slot: String] = [:]

  /// No bindings.
  public init() {}

  func patient(device: String, user: UInt8?) -> String? { slots[Slot(device: device, user: user)] }

  /// The state file's octets.
  public var encoded: [UInt8] {
    let list = slots.sorted { ($0.key.device, $0.key.user ?? 0) < ($1.key.device, $1.key.user ?? 0) }.map {
      slot, patient in
      var object = JSONObject()
      object["device"] = .string(slot.device)
      if let user = slot.user { object["user"] = .int(user) }
      object["patient"] = .string(patient)
      return JSONValue.object(object)
    }
    let value: JSONValue = ["version": 1, "slots": .array(list)]
    return value.encoded()
  }

  /// From the state file's octets. Throws when they are not a bindings file.
  public init(_ octets: [UInt8]) throws(JSONError) {
    let node = try JSONReader(maximumSize: 1 << 20).node(octets)
    let top = try node.object(known: ["version", "slots"])
    _ = try top.required("version", "1").int(in: 1...1)
    for item in try top.required("slots", "a list").array() {
      let slot = try item.object(known: ["device", "user", "patient"])
      let user = try slot["user"]?.int(in: 0...255)
      let device = try slot.required("device", "a device").string()
      slots[Slot(device: device, user: user.map { UInt8($0) })] = try slot.required("patient", "a patient").string()
    }
  }
}
