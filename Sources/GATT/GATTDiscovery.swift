// Discovery (Bluetooth Core 5.4, volume 3 part G, 4.4 to 4.7): services, their characteristics, their configurations. Handles
// must rise: so every list ends, however long a peer makes it.

internal import Octets

extension GATTClient {
  mutating func foundServices(_ pdu: [UInt8], _ from: UInt16) -> [GATTOutput] {
    var reader = OctetReader(pdu, from: 1)
    guard let size = try? reader.uint8("length"), size == 6 || size == 20, reader.remaining >= Int(size) else {
      return fail("a malformed list of services")
    }
    // The lowest handle that may come next; past the last one when it is above 0xFFFF.
    var lowest = Int(from)
    while reader.remaining >= Int(size) {
      guard let first = try? reader.uint16("handle"), let end = try? reader.uint16("end group handle"),
        let octets = try? reader.take(Int(size) - 4, "uuid"), let uuid = BluetoothUUID(littleEndian: octets),
        Int(first) >= lowest, end >= first, services.count < GATTClient.mostCharacteristics
      else { return fail("a malformed list of services") }
      services.append(Service(uuid: uuid, first: first, last: end))
      lowest = Int(end) + 1
    }
    guard lowest <= 0xFFFF else { return beginCharacteristics(0) }
    queue.insert(.services(from: UInt16(lowest)), at: 0)
    return next()
  }

  mutating func beginCharacteristics(_ service: Int) -> [GATTOutput] {
    guard service < services.count else { return beginDescriptors(0) }
    queue.insert(.characteristics(service: service, from: services[service].first), at: 0)
    return next()
  }

  mutating func foundCharacteristics(_ pdu: [UInt8], _ service: Int, _ from: UInt16) -> [GATTOutput] {
    var reader = OctetReader(pdu, from: 1)
    guard let size = try? reader.uint8("length"), size == 7 || size == 21, reader.remaining >= Int(size) else {
      return fail("a malformed list of characteristics")
    }
    let end = services[service].last
    var lowest = Int(from)
    while reader.remaining >= Int(size) {
      guard let declaration = try? reader.uint16("handle"), let properties = try? reader.uint8("properties"),
        let handle = try? reader.uint16("value handle"), let octets = try? reader.take(Int(size) - 5, "uuid"),
        let uuid = BluetoothUUID(littleEndian: octets), Int(declaration) >= lowest, handle > declaration,
        handle <= end, database.characteristics.count < GATTClient.mostCharacteristics
      else { return fail("a malformed list of characteristics") }
      // What was found before in this service ends where this one begins.
      if let previous = database.characteristics.indices.last,
        database.characteristics[previous].valueHandle >= services[service].first
      {
        database.characteristics[previous].endHandle = declaration - 1
      }
      database.characteristics.append(
        GATTCharacteristic(
          service: services[service].uuid, uuid: uuid, properties: properties, valueHandle: handle, endHandle: end))
      lowest = Int(handle) + 1
    }
    guard lowest <= Int(end) else { return beginCharacteristics(service + 1) }
    queue.insert(.characteristics(service: service, from: UInt16(lowest)), at: 0)
    return next()
  }

  /// Only what can be subscribed to has a configuration that is worth looking for.
  mutating func beginDescriptors(_ start: Int) -> [GATTOutput] {
    for index in start..<max(start, database.characteristics.count) {
      let characteristic = database.characteristics[index]
      if characteristic.properties & 0x30 != 0, characteristic.endHandle > characteristic.valueHandle {
        queue.insert(.descriptors(characteristic: index, from: characteristic.valueHandle + 1), at: 0)
        return next()
      }
    }
    guard database.hash == nil, database.databaseHash != nil else { return finishDiscovery() }
    queue.insert(.hash, at: 0)
    return next()
  }

  mutating func foundDescriptors(_ pdu: [UInt8], _ index: Int, _ from: UInt16) -> [GATTOutput] {
    var reader = OctetReader(pdu, from: 1)
    guard let format = try? reader.uint8("format"), format == 1 || format == 2 else {
      return fail("a malformed list of descriptors")
    }
    let size = format == 1 ? 2 : 16
    let end = Int(database.characteristics[index].endHandle)
    guard reader.remaining >= size + 2 else { return fail("a malformed list of descriptors") }
    var lowest = Int(from)
    while reader.remaining >= size + 2 {
      guard let handle = try? reader.uint16("handle"), let octets = try? reader.take(size, "uuid"),
        (lowest...max(lowest, end)).contains(Int(handle))
      else { return fail("a malformed list of descriptors") }
      if BluetoothUUID(littleEndian: octets) == BluetoothUUID(0x2902) {
        database.characteristics[index].configurationHandle = handle
        return beginDescriptors(index + 1)
      }
      lowest = Int(handle) + 1
    }
    guard lowest <= end else { return beginDescriptors(index + 1) }
    queue.insert(.descriptors(characteristic: index, from: UInt16(lowest)), at: 0)
    return next()
  }
}
