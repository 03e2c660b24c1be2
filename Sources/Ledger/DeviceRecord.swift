// A device that a technician brought in, as its record has it.

internal import BluetoothManagement
internal import ControlProtocol
internal import Drivers
package import JSON
internal import Octets
package import Settings

/// A device came, changed or went.
package struct DeviceRecord: Sendable, Hashable {
  /// The hub's name of the device.
  package var id: String
  /// The device without its secrets; nil: the hub has it no more, or the configuration file has it.
  package var device: DeviceConfiguration?
  /// The serial number that the device told of itself.
  package var serial: String?
  /// Its measurements belong to whoever has a session.
  package var isPublic = false
  /// The number of the value of the file of keys that comes into force with this record; nil: keys stay as they are.
  package var keys: UInt64?

  /// The device as an object; null when there is none.
  package var deviceJSON: JSONValue {
    guard let device else { return .null }
    var object = JSONObject()
    object["id"] = .string(device.id)
    object["driver"] = .string(device.driver)
    if case .bluetooth(let link) = device.endpoint {
      object["address"] = .string(link.device.description)
      object["address_type"] = link.device.kind == .randomLE ? "random" : "public"
      object["controller"] = .string(link.controller.description)
    }
    if case .usb(let binding) = device.endpoint { object["port"] = binding.json }
    if let serial { object["serial"] = .string(serial) }
    if isPublic { object["public"] = true }
    if let text = device.name { object["name"] = .string(text) }
    if let text = device.model { object["model"] = .string(text) }
    if let text = device.advertisedName { object["advertised_name"] = .string(text) }
    if let text = device.patient { object["patient"] = .string(text) }
    if !device.users.isEmpty {
      var users = JSONObject()
      for (slot, patient) in device.users.sorted(by: { $0.key < $1.key }) { users["\(slot)"] = .string(patient) }
      object["users"] = .object(users)
    }
    return .object(object)
  }

  /// The record's payload.
  package var json: JSONValue {
    var object = JSONObject()
    object["id"] = .string(id)
    object["device"] = deviceJSON
    if device == nil, let serial { object["serial"] = .string(serial) }
    if let keys { object["keys"] = .int(keys) }
    return .object(object)
  }

  /// From a record's payload. Throws when it is none.
  package init(_ payload: [UInt8]) throws(JSONError) {
    let top = try JSONReader(maximumSize: 65_536).node(payload).object(known: ["id", "device", "serial", "keys"])
    id = try top.required("id", "a name").string()
    if let node = top["device"], node.content != .null {
      self = try DeviceRecord.item(node).record
    } else {
      serial = try top["serial"]?.string()
    }
    keys = top["keys"]?.value.unsigned
  }

  package init(
    id: String, device: DeviceConfiguration?, serial: String? = nil, isPublic: Bool = false, keys: UInt64? = nil
  ) {
    self.id = id
    self.device = device
    self.serial = serial
    self.isPublic = isPublic
    self.keys = keys
  }

  /// A device of a list, with the attributes that were kept beside it, as hexadecimal digits.
  package static func item(_ node: JSONNode) throws(JSONError) -> (record: DeviceRecord, attributes: String?) {
    let object = try node.object(known: [
      "id", "driver", "address", "address_type", "controller", "name", "model", "patient", "users", "consent",
      "attributes", "key", "port", "serial", "public", "advertised_name",
    ])
    var device = DeviceConfiguration(
      id: try object.required("id", "a name").string(), driver: try object.required("driver", "a driver").string(),
      endpoint: try endpoint(object))
    device.name = try object["name"]?.string()
    device.model = try object["model"]?.string()
    device.advertisedName = try object["advertised_name"]?.string()
    device.patient = try object["patient"]?.string()
    for member in try object["users"]?.objectOfAnyKeys() ?? [] {
      if let slot = UInt8(member.key) { device.users[slot] = try member.value.string() }
    }
    if let consent = try object["consent"]?.object(known: ["user", "code"]) {
      device.consent = Consent(
        user: UInt8(try consent.required("user", "a slot").int(in: 0...255)),
        code: UInt16(try consent.required("code", "a code").int(in: 0...9999)))
    }
    device.key = try object["key"].flatMap { node throws(JSONError) in try? Hex.decode(node.string()) }
    let record = DeviceRecord(
      id: device.id, device: device, serial: try object["serial"]?.string(),
      isPublic: try object["public"]?.bool() ?? false)
    return (record, try object["attributes"]?.string())
  }

  private static func endpoint(_ object: JSONMembers) throws(JSONError) -> DeviceConfiguration.Endpoint {
    if let port = object["port"] { return .usb(try PortBinding(port)) }
    let type = try object.required("address_type", "public or random").string(of: ["public", "random"])
    let address = try object.required("address", "an address")
    let controller = try object.required("controller", "an address")
    guard let peer = PeerAddress(try address.string(), kind: type == "random" ? .randomLE : .publicLE),
      let own = PeerAddress(try controller.string(), kind: .publicLE)
    else { throw address.error("invalid-value", "expected addresses such as F0:00:00:00:00:01") }
    return .bluetooth(BluetoothLink(controller: own, device: peer))
  }
}
