// The devices that technicians paired or bound, beside those of the configuration file: a state file.

public import JSON

internal import BluetoothManagement
internal import ControlProtocol
internal import Drivers
internal import GATT
internal import Octets

/// The devices that technicians brought in.
public struct DeviceRegister: Sendable, Hashable {
  /// In the order in which they came.
  var devices: [DeviceConfiguration] = []
  /// What discovery found on bonded devices, by the hub's name of the device.
  var attributes: [String: GATTDatabase] = [:]

  /// No devices.
  public init() {}

  /// A name that no device has: the driver's, with a number when it is taken. It tells nothing about the device's address,
  /// because it stands in logs.
  func freeName(_ driver: String, besides others: [String]) -> String {
    let taken = Set(devices.map(\.id) + others)
    guard taken.contains(driver) else { return driver }
    var number = 2
    while taken.contains("\(driver)-\(number)") { number += 1 }
    return "\(driver)-\(number)"
  }

  mutating func remove(_ id: String) {
    devices.removeAll { $0.id == id }
    attributes[id] = nil
  }

  /// The state file's octets.
  public var encoded: [UInt8] {
    let value: JSONValue = [
      "version": 1, "devices": .array(devices.map { DeviceRegister.json($0, attributes[$0.id]) }),
    ]
    return value.encoded()
  }

  private static func json(_ device: DeviceConfiguration, _ attributes: GATTDatabase?) -> JSONValue {
    var object = JSONObject()
    object["id"] = .string(device.id)
    object["driver"] = .string(device.driver)
    if case .bluetooth(let link) = device.endpoint {
      object["address"] = .string(link.device.description)
      object["address_type"] = link.device.kind == .randomLE ? "random" : "public"
      object["controller"] = .string(link.controller.description)
    }
    if let text = device.name { object["name"] = .string(text) }
    if let text = device.model { object["model"] = .string(text) }
    if let text = device.patient { object["patient"] = .string(text) }
    if !device.users.isEmpty {
      var users = JSONObject()
      for (slot, patient) in device.users.sorted(by: { $0.key < $1.key }) { users["\(slot)"] = .string(patient) }
      object["users"] = .object(users)
    }
    if let consent = device.consent { object["consent"] = ["user": .int(consent.user), "code": .int(consent.code)] }
    if let key = device.key { object["key"] = .string(Hex.encode(key)) }
    if let attributes { object["attributes"] = .string(Hex.encode(attributes.octets)) }
    return .object(object)
  }

  /// From the state file's octets. Throws when they are not a register.
  public init(_ octets: [UInt8]) throws(JSONError) {
    let node = try JSONReader(maximumSize: 4 << 20).node(octets)
    let top = try node.object(known: ["version", "devices"])
    _ = try top.required("version", "1").int(in: 1...1)
    for item in try top.required("devices", "a list").array() {
      let object = try item.object(known: [
        "id", "driver", "address", "address_type", "controller", "name", "model", "patient", "users", "consent",
        "attributes", "key",
      ])
      let type = try object.required("address_type", "public or random").string(of: ["public", "random"])
      let address = try object.required("address", "an address")
      let controller = try object.required("controller", "an address")
      guard let peer = PeerAddress(try address.string(), kind: type == "random" ? .randomLE : .publicLE),
        let own = PeerAddress(try controller.string(), kind: .publicLE)
      else { throw address.error("invalid-value", "expected addresses such as F0:00:00:00:00:01") }
      var device = DeviceConfiguration(
        id: try object.required("id", "a name").string(), driver: try object.required("driver", "a driver").string(),
        endpoint: .bluetooth(BluetoothLink(controller: own, device: peer)))
      device.name = try object["name"]?.string()
      device.model = try object["model"]?.string()
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
      devices.append(device)
      // A cache that cannot be read is found anew.
      let kept = try object["attributes"]?.string()
      attributes[device.id] = kept.flatMap { text in (try? Hex.decode(text)).flatMap { try? GATTDatabase(decoding: $0) }
      }
    }
  }
}
