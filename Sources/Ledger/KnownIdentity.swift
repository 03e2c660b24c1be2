// What a device told about itself, kept: its readings name it from the first one after a start on.

internal import JSON
package import Readings

/// What a device told about itself; nil: it never did.
package struct KnownIdentity: Sendable, Hashable {
  /// The longest text that is kept, in characters.
  static let longest = 128

  package private(set) var manufacturer: String?
  package private(set) var model: String?
  package private(set) var serial: String?
  package private(set) var firmware: String?
  package private(set) var systemID: String?

  /// What is known of a device now.
  package init(_ identity: DeviceIdentity) {
    func short(_ text: String?) -> String? { text.map { String($0.prefix(KnownIdentity.longest)) } }
    manufacturer = short(identity.manufacturer)
    model = short(identity.model)
    serial = short(identity.serial)
    firmware = short(identity.firmware)
    systemID = short(identity.systemID)
  }

  /// Nothing that only the device can tell is known.
  package var isEmpty: Bool { serial == nil && firmware == nil && systemID == nil }

  /// The identity with what is known; what it says itself stays.
  package func filling(_ identity: DeviceIdentity) -> DeviceIdentity {
    var identity = identity
    identity.manufacturer = manufacturer ?? identity.manufacturer
    identity.model = model ?? identity.model
    identity.serial = serial ?? identity.serial
    identity.firmware = firmware ?? identity.firmware
    identity.systemID = systemID ?? identity.systemID
    return identity
  }

  /// What is another than it was, in words; empty where something was only learned.
  package func changes(from other: KnownIdentity) -> [String] {
    [
      ("manufacturer", other.manufacturer, manufacturer), ("model", other.model, model),
      ("serial number", other.serial, serial), ("firmware", other.firmware, firmware),
      ("System ID", other.systemID, systemID),
    ].compactMap { name, before, now in before == nil || before == now ? nil : name }
  }

  var json: JSONValue {
    var object = JSONObject()
    if let manufacturer { object["manufacturer"] = .string(manufacturer) }
    if let model { object["model"] = .string(model) }
    if let serial { object["serial"] = .string(serial) }
    if let firmware { object["firmware"] = .string(firmware) }
    if let systemID { object["system_id"] = .string(systemID) }
    return .object(object)
  }

  init(json value: JSONValue) {
    manufacturer = value["manufacturer"]?.string
    model = value["model"]?.string
    serial = value["serial"]?.string
    firmware = value["firmware"]?.string
    systemID = value["system_id"]?.string
  }
}

extension LedgerState {
  /// From a snapshot's member.
  static func identities(_ value: JSONValue?) -> [String: KnownIdentity] {
    let members = value?.object?.members ?? []
    return Dictionary(members.map { ($0.key, KnownIdentity(json: $0.value)) }, uniquingKeysWith: { $1 })
  }
}
