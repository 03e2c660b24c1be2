// What a device has: its services and characteristics, as discovery found them.

public import Octets

/// One characteristic.
public struct GATTCharacteristic: Hashable, Sendable {
  /// The service that it belongs to.
  public var service: BluetoothUUID
  /// Its UUID.
  public var uuid: BluetoothUUID
  /// The properties octet: 0x02 read, 0x04 write without response, 0x08 write, 0x10 notify, 0x20 indicate.
  public var properties: UInt8
  /// The handle of its value.
  public var valueHandle: UInt16
  /// The last handle that can belong to it.
  public var endHandle: UInt16
  /// The handle of its client characteristic configuration, when it has one.
  public var configurationHandle: UInt16?

  /// A characteristic, as discovery or a cache knows it.
  public init(
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
public struct GATTDatabase: Hashable, Sendable {
  /// In the order of their handles.
  public var characteristics: [GATTCharacteristic]

  /// Nothing yet.
  public init(characteristics: [GATTCharacteristic] = []) { self.characteristics = characteristics }

  /// The characteristic of a service; the first where there are several.
  public func find(_ service: BluetoothUUID, _ uuid: BluetoothUUID) -> GATTCharacteristic? {
    characteristics.first { $0.service == service && $0.uuid == uuid }
  }

  /// The characteristic whose value has a handle.
  public func find(valueHandle: UInt16) -> GATTCharacteristic? {
    characteristics.first { $0.valueHandle == valueHandle }
  }
}
