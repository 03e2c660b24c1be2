// A GATT client as a value (Bluetooth Core 5.4, volume 3 part G, 4): PDUs go in, PDUs and events come out. One request at a
// time; indications may come between a request and its answer and are confirmed by the caller, never here.

internal import Octets

/// What the client asks of its link, and what it tells.
public enum GATTOutput: Hashable, Sendable {
  /// Send this PDU.
  case transmit([UInt8])
  /// Discovery is complete.
  case discovered(GATTDatabase)
  /// A value arrived; for an indication the caller sends `GATTClient.confirmation` when what came of it is on disk.
  case value(GATTCharacteristic, [UInt8], isIndication: Bool)
  /// An indication for a handle that nobody knows: to be confirmed, with nothing to keep.
  case unknownIndication
  case readDone(GATTCharacteristic, [UInt8])
  case readFailed(GATTCharacteristic, UInt8)
  case written(GATTCharacteristic)
  case writeFailed(GATTCharacteristic, UInt8)
  case subscribed(GATTCharacteristic)
  case subscribeFailed(GATTCharacteristic, UInt8)
  /// Start the 30 s of a transaction anew.
  case startTimer
  /// No transaction is open.
  case stopTimer
  /// The peer breaks the protocol or does not answer: close the link.
  case failed(String)
}

/// The client's side of one link.
public struct GATTClient: Sendable {
  /// Handle Value Confirmation.
  public static let confirmation: [UInt8] = [ATTOpcode.confirmation]
  /// The length of a transaction, in milliseconds.
  public static let transactionMilliseconds = 30_000
  /// What the hub can take in one PDU.
  public static let largestMTU: UInt16 = 517
  /// More than any health device has; a peer that lists on is hostile.
  private static let mostCharacteristics = 512
  private static let longestValue = 512

  private enum Request: Hashable {
    case exchangeMTU
    case services(from: UInt16)
    case characteristics(service: Int, from: UInt16)
    case descriptors(characteristic: Int, from: UInt16)
    case read(GATTCharacteristic, soFar: [UInt8])
    case write(GATTCharacteristic, [UInt8])
    case writeCommand(GATTCharacteristic, [UInt8])
    case subscribe(GATTCharacteristic, UInt16)
  }

  private struct Service: Hashable {
    var uuid: BluetoothUUID
    var first: UInt16
    var last: UInt16
  }

  private var mtu = 23
  private var services: [Service] = []
  private var pending: Request?
  private var queue: [Request] = []
  private var hasFailed = false
  /// What discovery found.
  public private(set) var database = GATTDatabase()

  /// A client on a link that is just up.
  public init() {}

  /// Begins with the MTU and discovers everything.
  public mutating func start() -> [GATTOutput] {
    queue = [.exchangeMTU, .services(from: 1)]
    return next()
  }

  /// Reads a characteristic, however long its value is.
  public mutating func read(_ characteristic: GATTCharacteristic) -> [GATTOutput] {
    enqueue(.read(characteristic, soFar: []))
  }

  /// Writes a characteristic.
  public mutating func write(_ characteristic: GATTCharacteristic, _ value: [UInt8], withResponse: Bool) -> [GATTOutput]
  {
    enqueue(withResponse ? .write(characteristic, value) : .writeCommand(characteristic, value))
  }

  /// Writes the client characteristic configuration: notifications (1) or indications (2).
  public mutating func subscribe(_ characteristic: GATTCharacteristic, indications: Bool) -> [GATTOutput] {
    guard characteristic.configurationHandle != nil else { return [.subscribeFailed(characteristic, 0x0A)] }
    return enqueue(.subscribe(characteristic, indications ? 2 : 1))
  }

  /// The 30 s of the open transaction are over.
  public mutating func timedOut() -> [GATTOutput] {
    pending == nil ? [] : fail("the device did not answer within 30 s")
  }

  private mutating func enqueue(_ request: Request) -> [GATTOutput] {
    guard !hasFailed else { return [] }
    queue.append(request)
    return pending == nil ? next() : []
  }

  private mutating func fail(_ reason: String) -> [GATTOutput] {
    hasFailed = true
    pending = nil
    queue = []
    return [.stopTimer, .failed(reason)]
  }

  private mutating func next() -> [GATTOutput] {
    var outputs: [GATTOutput] = []
    while !queue.isEmpty {
      let request = queue.removeFirst()
      if case .writeCommand(let characteristic, let value) = request {
        outputs += [
          .transmit(ATTPDU.write(characteristic.valueHandle, value, withResponse: false)), .written(characteristic),
        ]
        continue
      }
      pending = request
      return outputs + [.transmit(pdu(request)), .startTimer]
    }
    pending = nil
    return outputs + [.stopTimer]
  }

  private func pdu(_ request: Request) -> [UInt8] {
    switch request {
    case .exchangeMTU: return ATTPDU.exchangeMTU(GATTClient.largestMTU)
    case .services(let from):
      return ATTPDU.readByType(ATTOpcode.readByGroupTypeRequest, from: from, to: 0xFFFF, BluetoothUUID(0x2800))
    case .characteristics(let service, let from):
      return ATTPDU.readByType(
        ATTOpcode.readByTypeRequest, from: from, to: services[service].last, BluetoothUUID(0x2803))
    case .descriptors(let index, let from):
      return ATTPDU.findInformation(from: from, to: database.characteristics[index].endHandle)
    case .read(let characteristic, let soFar):
      return soFar.isEmpty
        ? ATTPDU.read(characteristic.valueHandle)
        : ATTPDU.readBlob(characteristic.valueHandle, offset: UInt16(clamping: soFar.count))
    case .write(let characteristic, let value), .writeCommand(let characteristic, let value):
      return ATTPDU.write(characteristic.valueHandle, value, withResponse: true)
    case .subscribe(let characteristic, let bits):
      return ATTPDU.write(characteristic.configurationHandle ?? 0, [UInt8(bits), 0], withResponse: true)
    }
  }

  /// Takes one PDU from the peer.
  public mutating func receive(_ pdu: [UInt8]) -> [GATTOutput] {
    guard !hasFailed, let opcode = pdu.first else { return [] }
    switch opcode {
    case ATTOpcode.notification, ATTOpcode.indication: return value(pdu, isIndication: opcode == ATTOpcode.indication)
    case ATTOpcode.errorResponse: return error(pdu)
    case ATTOpcode.exchangeMTURequest: return [.transmit([ATTOpcode.exchangeMTUResponse, 0x05, 0x02])]
    case 0x52, 0xD2, ATTOpcode.confirmation: return []
    case _ where opcode & 1 == 0: return [.transmit(ATTPDU.notSupported(opcode))]
    default: return answer(opcode, pdu)
    }
  }

  private func value(_ pdu: [UInt8], isIndication: Bool) -> [GATTOutput] {
    var reader = OctetReader(pdu, from: 1)
    guard let handle = try? reader.uint16("handle"), let characteristic = database.find(valueHandle: handle) else {
      return isIndication ? [.unknownIndication] : []
    }
    return [.value(characteristic, Array(reader.rest()), isIndication: isIndication)]
  }

  private mutating func error(_ pdu: [UInt8]) -> [GATTOutput] {
    guard pdu.count >= 5, let request = pending else { return [] }
    let code = pdu[4]
    switch request {
    case .exchangeMTU: return next()
    case .services: return beginCharacteristics(0)
    case .characteristics(let service, _): return beginCharacteristics(service + 1)
    case .descriptors(let index, _): return beginDescriptors(index + 1)
    case .read(let characteristic, let soFar):
      return [soFar.isEmpty ? .readFailed(characteristic, code) : .readDone(characteristic, soFar)] + next()
    case .write(let characteristic, _), .writeCommand(let characteristic, _):
      return [.writeFailed(characteristic, code)] + next()
    case .subscribe(let characteristic, _): return [.subscribeFailed(characteristic, code)] + next()
    }
  }

  private mutating func answer(_ opcode: UInt8, _ pdu: [UInt8]) -> [GATTOutput] {
    guard let request = pending else { return [] }
    switch (request, opcode) {
    case (.exchangeMTU, ATTOpcode.exchangeMTUResponse):
      var reader = OctetReader(pdu, from: 1)
      mtu = max(23, min(Int(GATTClient.largestMTU), Int((try? reader.uint16("mtu")) ?? 23)))
      return next()
    case (.services(let from), ATTOpcode.readByGroupTypeResponse): return foundServices(pdu, from)
    case (.characteristics(let service, let from), ATTOpcode.readByTypeResponse):
      return foundCharacteristics(pdu, service, from)
    case (.descriptors(let index, let from), ATTOpcode.findInformationResponse):
      return foundDescriptors(pdu, index, from)
    case (.read(let characteristic, let soFar), ATTOpcode.readResponse),
      (.read(let characteristic, let soFar), ATTOpcode.readBlobResponse):
      let whole = soFar + pdu.dropFirst()
      // A full PDU may not be all of it.
      if pdu.count >= mtu, whole.count < GATTClient.longestValue {
        queue.insert(.read(characteristic, soFar: whole), at: 0)
        return next()
      }
      return [.readDone(characteristic, whole)] + next()
    case (.write(let characteristic, _), ATTOpcode.writeResponse): return [.written(characteristic)] + next()
    case (.subscribe(let characteristic, _), ATTOpcode.writeResponse): return [.subscribed(characteristic)] + next()
    default: return fail("the device answered opcode 0x\(Hex.encode([opcode])) to another request")
    }
  }
}

// Discovery: services, their characteristics, their configurations.
extension GATTClient {
  private mutating func foundServices(_ pdu: [UInt8], _ from: UInt16) -> [GATTOutput] {
    var reader = OctetReader(pdu, from: 1)
    guard let size = try? reader.uint8("length"), size == 6 || size == 20 else {
      return fail("a malformed list of services")
    }
    var last = from
    while reader.remaining >= Int(size) {
      guard let first = try? reader.uint16("handle"), let end = try? reader.uint16("end group handle"),
        let octets = try? reader.take(Int(size) - 4, "uuid"), let uuid = BluetoothUUID(littleEndian: octets),
        first >= last,
        end >= first, services.count < GATTClient.mostCharacteristics
      else { return fail("a malformed list of services") }
      services.append(Service(uuid: uuid, first: first, last: end))
      last = end
    }
    guard last >= from, last < 0xFFFF, pdu.count > 2 else { return beginCharacteristics(0) }
    queue.insert(.services(from: last + 1), at: 0)
    return next()
  }

  private mutating func beginCharacteristics(_ service: Int) -> [GATTOutput] {
    guard service < services.count else { return beginDescriptors(0) }
    queue.insert(.characteristics(service: service, from: services[service].first), at: 0)
    return next()
  }

  private mutating func foundCharacteristics(_ pdu: [UInt8], _ service: Int, _ from: UInt16) -> [GATTOutput] {
    var reader = OctetReader(pdu, from: 1)
    guard let size = try? reader.uint8("length"), size == 7 || size == 21 else {
      return fail("a malformed list of characteristics")
    }
    var last = from
    while reader.remaining >= Int(size) {
      guard let declaration = try? reader.uint16("handle"), let properties = try? reader.uint8("properties"),
        let handle = try? reader.uint16("value handle"), let octets = try? reader.take(Int(size) - 5, "uuid"),
        let uuid = BluetoothUUID(littleEndian: octets), declaration >= last, handle > declaration,
        handle <= services[service].last, database.characteristics.count < GATTClient.mostCharacteristics
      else { return fail("a malformed list of characteristics") }
      if let previous = database.characteristics.indices.last,
        database.characteristics[previous].endHandle == services[service].last
      {
        database.characteristics[previous].endHandle = declaration - 1
      }
      database.characteristics.append(
        GATTCharacteristic(
          service: services[service].uuid, uuid: uuid, properties: properties, valueHandle: handle,
          endHandle: services[service].last))
      last = handle
    }
    guard last < services[service].last, pdu.count > 2, last > from else { return beginCharacteristics(service + 1) }
    queue.insert(.characteristics(service: service, from: last + 1), at: 0)
    return next()
  }

  private mutating func beginDescriptors(_ start: Int) -> [GATTOutput] {
    var index = start
    while index < database.characteristics.count {
      let characteristic = database.characteristics[index]
      if characteristic.properties & 0x30 != 0, characteristic.endHandle > characteristic.valueHandle {
        queue.insert(.descriptors(characteristic: index, from: characteristic.valueHandle + 1), at: 0)
        return next()
      }
      index += 1
    }
    let waiting = next()
    return [.discovered(database)] + waiting
  }

  private mutating func foundDescriptors(_ pdu: [UInt8], _ index: Int, _ from: UInt16) -> [GATTOutput] {
    var reader = OctetReader(pdu, from: 1)
    guard let format = try? reader.uint8("format"), format == 1 || format == 2 else {
      return fail("a malformed list of descriptors")
    }
    let size = format == 1 ? 2 : 16
    var last = from
    while reader.remaining >= size + 2 {
      guard let handle = try? reader.uint16("handle"), let octets = try? reader.take(size, "uuid"), handle >= last
      else {
        return fail("a malformed list of descriptors")
      }
      if BluetoothUUID(littleEndian: octets) == BluetoothUUID(0x2902) {
        database.characteristics[index].configurationHandle = handle
        return beginDescriptors(index + 1)
      }
      last = handle
    }
    guard last > from, last < database.characteristics[index].endHandle else { return beginDescriptors(index + 1) }
    queue.insert(.descriptors(characteristic: index, from: last + 1), at: 0)
    return next()
  }
}
