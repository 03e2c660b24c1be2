// Key material: bonds, consent codes, devices' own keys. It is no record: one file of mode 0600 has all of it, so that it is never in
// the journal, a log, a capture or an answer. A change of it that needs a record is written beside the value in force, under the
// next number; the record that names the number brings it into force. So a change that was refused never happened, whichever of
// the two the disk refused.

internal import BluetoothManagement
internal import ControlProtocol
package import JSON
internal import Octets
package import Settings

/// Every secret of the hub's devices.
package struct Keys: Sendable, Hashable {
  /// Keys of Bluetooth bonds.
  package var bonds = Bonds()
  /// The consent code of a user slot, by the hub's name of the device.
  package var consents: [String: Consent] = [:]
  /// 16 octets that a device's values or its memory are locked with, by the hub's name of the device.
  package var deviceKeys: [String: [UInt8]] = [:]

  /// No secrets.
  package init() {}

  /// What belongs to devices that the hub does not have goes.
  package func only(_ devices: [DeviceConfiguration]) -> Keys {
    let names = Set(devices.map(\.id))
    var kept = self
    kept.consents = consents.filter { names.contains($0.key) }
    kept.deviceKeys = deviceKeys.filter { names.contains($0.key) }
    let links = devices.compactMap { device -> BluetoothLink? in
      if case .bluetooth(let link) = device.endpoint { return link }
      return nil
    }
    kept.bonds = bonds.only(Set(links))
    return kept
  }

  package var json: JSONValue {
    var codes = JSONObject()
    for (id, consent) in consents.sorted(by: { $0.key < $1.key }) {
      codes[id] = ["user": .int(consent.user), "code": .int(consent.code)]
    }
    var keys = JSONObject()
    for (id, key) in deviceKeys.sorted(by: { $0.key < $1.key }) { keys[id] = .string(Hex.encode(key)) }
    return ["bonds": bonds.json, "consents": .object(codes), "device_keys": .object(keys)]
  }

  fileprivate init(_ node: JSONNode) throws(JSONError) {
    let top = try node.object(known: ["number", "bonds", "consents", "device_keys"])
    if let node = top["bonds"] { bonds = try Bonds(node) }
    for member in try top["consents"]?.objectOfAnyKeys() ?? [] {
      let consent = try member.value.object(known: ["user", "code"])
      consents[member.key] = Consent(
        user: UInt8(try consent.required("user", "a slot").int(in: 0...255)),
        code: UInt16(try consent.required("code", "a code").int(in: 0...9999)))
    }
    for member in try top["device_keys"]?.objectOfAnyKeys() ?? [] {
      guard let key = try? Hex.decode(try member.value.string()) else {
        throw member.value.error("invalid-value", "expected a key in hexadecimal digits")
      }
      deviceKeys[member.key] = key
    }
  }
}

/// The file of keys: the value in force, and at most one that a record is to bring into force.
package struct KeyFile: Sendable, Hashable {
  /// A value of all keys under its number.
  package struct Value: Sendable, Hashable {
    package var number: UInt64 = 0
    package var keys = Keys()

    package init(number: UInt64 = 0, keys: Keys = Keys()) {
      self.number = number
      self.keys = keys
    }
  }

  /// In force, unless the newest record that names a number names the next one's.
  package var current = Value()
  /// Waits for its record.
  package var next: Value?

  /// An empty file.
  package init() {}

  /// The first file, of a state of version 0.1.
  package init(bonds: Bonds, register: DeviceRegister) {
    current.number = 1
    current.keys.bonds = bonds
    for device in register.devices {
      current.keys.consents[device.id] = device.consent
      current.keys.deviceKeys[device.id] = device.key
    }
  }

  /// The file's octets.
  package var encoded: [UInt8] {
    func member(_ value: Value) -> JSONValue {
      guard case .object(var object) = value.keys.json else { return .null }
      object["number"] = .int(value.number)
      return .object(object)
    }
    var object = JSONObject()
    object["version"] = 1
    object["current"] = member(current)
    if let next { object["next"] = member(next) }
    return JSONValue.object(object).encoded()
  }

  /// From the file's octets. Throws when they are none.
  package init(_ octets: [UInt8]) throws(JSONError) {
    let top = try JSONReader(maximumSize: 1 << 20).node(octets).object(known: ["version", "current", "next"])
    _ = try top.required("version", "1").int(in: 1...1)
    current = try KeyFile.value(try top.required("current", "the keys in force"))
    if let node = top["next"] { next = try KeyFile.value(node) }
  }

  private static func value(_ node: JSONNode) throws(JSONError) -> Value {
    let object = try node.objectOfAnyKeys()
    let number = object.first { $0.key == "number" }?.value.value.unsigned ?? 0
    return Value(number: number, keys: try Keys(node))
  }
}
