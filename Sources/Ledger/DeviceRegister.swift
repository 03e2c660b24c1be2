// The devices that technicians paired or bound, beside those of the configuration file: the newest record of each. Secrets of
// devices are not in it: they are in the file of keys.

package import JSON

internal import BluetoothManagement
internal import ControlProtocol
internal import Drivers
package import GATT
internal import Octets
package import Settings

/// The devices that technicians brought in.
package struct DeviceRegister: Sendable, Hashable {
  /// In the order in which they came.
  package var devices: [DeviceConfiguration] = []
  /// The serial numbers that devices on ports told of themselves, by the hub's name of the device; those of the configuration too.
  package var serials: [String: String] = [:]
  /// Bound devices whose measurements belong to whoever has a session.
  package var publicDevices: Set<String> = []
  /// What discovery found on bonded devices, by the hub's name of the device.
  package var attributes: [String: GATTDatabase] = [:]
  /// What devices told about themselves, by the hub's name of the device; those of the configuration too.
  package var identities: [String: KnownIdentity] = [:]

  /// No devices.
  package init() {}

  /// A name that no device has: the driver's, with a number when it is taken. It tells nothing about the device's address,
  /// because it stands in logs.
  package func freeName(_ driver: String, besides others: [String]) -> String {
    let taken = Set(devices.map(\.id) + others)
    guard taken.contains(driver) else { return driver }
    var number = 2
    while taken.contains("\(driver)-\(number)") { number += 1 }
    return "\(driver)-\(number)"
  }

  package mutating func remove(_ id: String) {
    devices.removeAll { $0.id == id }
    attributes[id] = nil
    identities[id] = nil
    serials[id] = nil
    publicDevices.remove(id)
  }

  /// What is known of a device, as a record.
  package func record(_ id: String) -> DeviceRecord {
    DeviceRecord(
      id: id, device: devices.first { $0.id == id }, serial: serials[id], isPublic: publicDevices.contains(id))
  }

  /// A device came, changed or went.
  package mutating func apply(_ record: DeviceRecord) {
    guard var device = record.device else {
      devices.removeAll { $0.id == record.id }
      attributes[record.id] = nil
      identities[record.id] = nil
      publicDevices.remove(record.id)
      serials[record.id] = record.serial
      return
    }
    device.consent = nil
    device.key = nil
    if let index = devices.firstIndex(where: { $0.id == record.id }) {
      // Another device under its name has other attributes.
      if devices[index].endpoint != device.endpoint {
        attributes[record.id] = nil
        identities[record.id] = nil
      }
      devices[index] = device
    } else {
      devices.append(device)
    }
    serials[record.id] = record.serial
    if record.isPublic { publicDevices.insert(record.id) } else { publicDevices.remove(record.id) }
  }

  /// A patient is erased: no device is theirs.
  package mutating func forget(_ patient: String) {
    for index in devices.indices {
      if devices[index].patient == patient { devices[index].patient = nil }
      devices[index].users = devices[index].users.filter { $0.value != patient }
    }
  }

  /// Every device of it is one of the other's.
  package func isWithin(_ other: DeviceRegister) -> Bool {
    let names = Set(other.devices.map(\.id))
    return devices.allSatisfy { names.contains($0.id) }
  }

  /// As snapshots have it.
  package var json: JSONValue {
    // Devices of the configuration: their serial numbers are all that is kept of them here.
    let named = serials.filter { id, _ in !devices.contains { $0.id == id } }.sorted { $0.key < $1.key }
    var object = JSONObject()
    object["version"] = 2
    object["devices"] = .array(
      devices.map { device in
        guard case .object(var fields) = record(device.id).deviceJSON else { return .null }
        if let found = attributes[device.id] { fields["attributes"] = .string(Hex.encode(found.octets)) }
        return .object(fields)
      })
    if !named.isEmpty {
      object["named"] = .array(named.map { ["id": .string($0.key), "serial": .string($0.value)] })
    }
    return .object(object)
  }

  /// From the octets of a snapshot's member, or of a state file of version 0.1, which has the devices' secrets too. Throws when
  /// they are neither.
  package init(_ octets: [UInt8]) throws(JSONError) {
    let node = try JSONReader(maximumSize: 4 << 20).node(octets)
    let top = try node.object(known: ["version", "devices", "named"])
    _ = try top.required("version", "1").int(in: 1...2)
    for item in try top["named"]?.array() ?? [] {
      let object = try item.object(known: ["id", "serial"])
      serials[try object.required("id", "a name").string()] = try object.required("serial", "a number").string()
    }
    for item in try top.required("devices", "a list").array() {
      let (record, kept) = try DeviceRecord.item(item)
      guard let device = record.device else { continue }
      serials[device.id] = record.serial
      if record.isPublic { publicDevices.insert(device.id) }
      devices.append(device)
      // A cache that cannot be read is found anew.
      attributes[device.id] = kept.flatMap { text in (try? Hex.decode(text)).flatMap { try? GATTDatabase(decoding: $0) }
      }
    }
  }
}

extension PortBinding {
  package var json: JSONValue {
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

  /// Throws where it names no port.
  package init(_ node: JSONNode) throws(JSONError) {
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
