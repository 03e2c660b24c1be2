// What a device has: its services and characteristics, as discovery found them.

package import Octets

/// One characteristic.
package struct GATTCharacteristic: Hashable, Sendable {
  /// The service that it belongs to.
  package var service: BluetoothUUID
  package var uuid: BluetoothUUID
  /// The properties octet: 0x02 read, 0x04 write without response, 0x08 write, 0x10 notify, 0x20 indicate.
  package var properties: UInt8
  /// The handle of its value.
  package var valueHandle: UInt16
  /// The last handle that can belong to it.
  package var endHandle: UInt16
  /// The handle of its client characteristic configuration, when it has one.
  package var configurationHandle: UInt16?

  /// A characteristic, as discovery or a cache knows it.
  package init(
    service: BluetoothUUID, uuid: BluetoothUUID, properties: UInt8, valueHandle: UInt16, endHandle: UInt16,
    configurationHandle: UInt16? = nil
  ) {
    self.service = service
    self.uuid = uuid
    self.properties = properties
    self.valueHandle = valueHandle
    self.endHandle = endHandle
    self.configurationHandle = configurationHandle
  }
}

/// A device's attributes.
package struct GATTDatabase: Hashable, Sendable {
  /// In the order of their handles.
  package var characteristics: [GATTCharacteristic]
  /// The value of Database Hash 2B2A, 16 octets as sent; nil where the device has none.
  package var hash: [UInt8]?
  /// False when the device refused a part of discovery: usable on this link, but no cache for the next one.
  package var isComplete = true

  /// Nothing yet, or what a cache knows.
  package init(characteristics: [GATTCharacteristic] = [], hash: [UInt8]? = nil) {
    self.characteristics = characteristics
    self.hash = hash
  }

  /// The characteristic of a service; the first where there are several.
  package func find(_ service: BluetoothUUID, _ uuid: BluetoothUUID) -> GATTCharacteristic? {
    characteristics.first { $0.service == service && $0.uuid == uuid }
  }

  /// The characteristic whose value has a handle.
  package func find(valueHandle: UInt16) -> GATTCharacteristic? {
    characteristics.first { $0.valueHandle == valueHandle }
  }

  static let hashUUID = BluetoothUUID(0x2B2A)
  private static let genericAttribute = BluetoothUUID(0x1801)

  /// Service Changed 2A05.
  var serviceChanged: GATTCharacteristic? { find(GATTDatabase.genericAttribute, BluetoothUUID(0x2A05)) }
  /// Database Hash 2B2A.
  var databaseHash: GATTCharacteristic? { find(GATTDatabase.genericAttribute, GATTDatabase.hashUUID) }
}
