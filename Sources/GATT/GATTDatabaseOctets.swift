// A device's attributes as octets, for the store that keeps them with the bond. Hearth's own layout, version 1:
// version u8, size of the hash u8 (0 or 16), hash, count u16, then for each characteristic service and UUID (16 octets each),
// properties u8, value handle, end handle and configuration handle u16 (0: none). Least significant octet first.

package import Octets

extension GATTDatabase {
  private static let version: UInt8 = 1

  /// The octets to keep. Only a database that `isComplete` is worth it.
  package var octets: [UInt8] {
    let kept = characteristics.prefix(GATTClient.mostCharacteristics)
    let hash = hash?.count == 16 ? hash ?? [] : []
    var writer = OctetWriter(capacity: 20 + kept.count * 39)
    writer.uint8(GATTDatabase.version)
    writer.uint8(UInt8(truncatingIfNeeded: hash.count))
    writer.append(hash)
    writer.uint16(UInt16(truncatingIfNeeded: kept.count))
    for characteristic in kept {
      for uuid in [characteristic.service, characteristic.uuid] {
        writer.uint64(uuid.low)
        writer.uint64(uuid.high)
      }
      writer.uint8(characteristic.properties)
      writer.uint16(characteristic.valueHandle)
      writer.uint16(characteristic.endHandle)
      writer.uint16(characteristic.configurationHandle ?? 0)
    }
    return writer.octets
  }

  /// What was kept. Throws when it is cut, has another version, too many characteristics, or handles that no discovery
  /// gives: then there is no cache.
  package init(decoding octets: [UInt8]) throws(DecodeError) {
    var reader = OctetReader(octets)
    let version = try reader.uint8("version")
    guard version == GATTDatabase.version else {
      throw DecodeError(field: "version", offset: 0, reason: .invalidValue(Int64(version)))
    }
    let size = try reader.uint8("size of the hash")
    guard size == 0 || size == 16 else {
      throw DecodeError(field: "size of the hash", offset: 1, reason: .invalidValue(Int64(size)))
    }
    let hash = Array(try reader.take(Int(size), "hash"))
    let count = try reader.uint16("count")
    guard count <= GATTClient.mostCharacteristics else {
      throw DecodeError(field: "count", offset: reader.offset - 2, reason: .invalidValue(Int64(count)))
    }
    self.init(hash: hash.isEmpty ? nil : hash)
    var last: UInt16 = 0
    for _ in 0..<count {
      let start = reader.offset
      let characteristic = try GATTCharacteristic(decoding: &reader)
      guard characteristic.valueHandle > last, characteristic.endHandle >= characteristic.valueHandle,
        characteristic.configurationHandle.map({
          $0 > characteristic.valueHandle && $0 <= characteristic.endHandle
        }) ?? true
      else {
        throw DecodeError(
          field: "value handle", offset: start, reason: .invalidValue(Int64(characteristic.valueHandle)))
      }
      last = characteristic.endHandle
      characteristics.append(characteristic)
    }
  }
}

extension GATTCharacteristic {
  fileprivate init(decoding reader: inout OctetReader) throws(DecodeError) {
    let serviceLow = try reader.uint64("service")
    let service = BluetoothUUID(high: try reader.uint64("service"), low: serviceLow)
    let uuidLow = try reader.uint64("uuid")
    let uuid = BluetoothUUID(high: try reader.uint64("uuid"), low: uuidLow)
    let properties = try reader.uint8("properties")
    let valueHandle = try reader.uint16("value handle")
    let endHandle = try reader.uint16("end handle")
    let configurationHandle = try reader.uint16("configuration handle")
    self.init(
      service: service, uuid: uuid, properties: properties, valueHandle: valueHandle, endHandle: endHandle,
      configurationHandle: configurationHandle == 0 ? nil : configurationHandle)
  }
}
