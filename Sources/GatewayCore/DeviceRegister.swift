// The devices that technicians paired or bound, beside those of the configuration file: a state file.

public import JSON

internal import BluetoothManagement
internal import ControlProtocol
internal import Drivers
internal import GATT
internal import Octets
internal import Settings

/// The devices that technicians brought in.
public struct DeviceRegister: Sendable, Hashable {
  /// In the order in which they came.
  var devices: [DeviceConfiguration] = []
  /// The serial numbers that devices on ports told of themselves, by the hub's name of the device; those of the configuration too.
  var serials: [String: String] = [:]
  /// Bound devices whose measurements belong to whoever has a session.
  var publicDevices: Set<String> = []
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
    serials[id] = nil
    publicDevices.remove(id)
  }

  /// The state file's octets.
  public var encoded: [UInt8] {
    // Devices of the configuration: their serial numbers are all that is kept of them here.
    let named = serials.filter { id, _ in !devices.contains { $0.id == id } }.sorted { $0.key < $1.key }
    // Version 2 knows ports; without any an older program can still read it.
    var object = JSONObject()
    object["version"] = .int(named.isEmpty && !devices.contains(where: \.isOnUSB) ? 1 : 2)
    object["devices"] = .array(devices.map(json))
    if !named.isEmpty {
      object["named"] = .array(named.map { ["id": .string($0.key), "serial": .string($0.value)] })
    }
    return JSONValue.object(object).encoded()
  }

  private func json(_ device: DeviceConfiguration) -> JSONValue {
    let attributes = attributes[device.id]
    var object = JSONObject()
    object["id"] = .string(device.id)
    object["driver"] = .string(device.driver)
    if case .bluetooth(let link) = device.endpoint {
      object["address"] = .string(link.device.description)
      object["address_type"] = link.device.kind == .randomLE ? "random" : "public"
      object["controller"] = .string(link.controller.description)
    }
    if case .usb(let binding) = device.endpoint {
      object["port"] = binding.json
      if let serial = serials[device.id] { object["serial"] = .string(serial) }
      if publicDevices.contains(device.id) { object["public"] = true }
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
    let top = try node.object(known: ["version", "devices", "named"])
    _ = try top.required("version", "1").int(in: 1...2)
    for item in try top["named"]?.array() ?? [] {
      let object = try item.object(known: ["id", "serial"])
      serials[try object.required("id", "a name").string()] = try object.required("serial", "a number").string()
    }
    for item in try top.required("devices", "a list").array() {
      let object = try item.object(known: [
        "id", "driver", "address", "address_type", "controller", "name", "model", "patient", "users", "consent",
        "attributes", "key", "port", "serial", "public",
      ])
      let endpoint = try DeviceRegister.endpoint(object)
      var device = DeviceConfiguration(
        id: try object.required("id", "a name").string(), driver: try object.required("driver", "a driver").string(),
        endpoint: endpoint)
      serials[device.id] = try object["serial"]?.string()
      if try object["public"]?.bool() ?? false { publicDevices.insert(device.id) }
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

extension PortBinding {
  var json: JSONValue {
    var object = JSONObject()
    object["path"] = .string(path)
    object["vendor"] = .int(vendor)
    object["product"] = .int(product)
    if let serial { object["serial"] = .string(serial) }
    if let settings {
      object["line"] = [
        "baud": .int(settings.baud), "data_bits": .int(settings.dataBits), "parity": .string(settings.parity.rawValue),
        "stop_bits": .int(settings.stopBits),
      ]
    }
    return .object(object)
  }

  init(_ node: JSONNode) throws(JSONError) {
    let object = try node.object(known: ["path", "vendor", "product", "serial", "line"])
    self.init(
      path: try object.required("path", "a place").string(),
      vendor: UInt16(try object.required("vendor", "a USB id").int(in: 0...0xFFFF)),
      product: UInt16(try object.required("product", "a USB id").int(in: 0...0xFFFF)),
      serial: try object["serial"]?.string())
    guard let line = try object["line"]?.object(known: ["baud", "data_bits", "parity", "stop_bits"]) else { return }
    let parity = try line.required("parity", "none, even or odd").string(of: ["none", "even", "odd"])
    settings = SerialSettings(
      try line.required("baud", "a rate").int(in: 50...4_000_000),
      dataBits: try line.required("data_bits", "7 or 8").int(in: 7...8), parity: .init(rawValue: parity) ?? .none,
      stopBits: try line.required("stop_bits", "1 or 2").int(in: 1...2))
  }
}
