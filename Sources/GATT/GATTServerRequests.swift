// Each request of a peer to the hub's server and its answer or refusal (Bluetooth Core 5.4, volume 3 part F, 3.4.3 to 3.4.6).

internal import Octets

/// Why a request has an Error Response: the handle that it names, and the code.
struct ATTRefusal: Error {
  var handle: UInt16
  var code: UInt8

  /// For a request that is cut, too long, or not supported, the handle is 0 (3.4.1.1).
  static let invalidPDU = ATTRefusal(handle: 0, code: ATTErrorCode.invalidPDU)
  static let notSupported = ATTRefusal(handle: 0, code: ATTErrorCode.requestNotSupported)
}

extension GATTServer {
  mutating func answer(
    _ opcode: UInt8, _ pdu: [UInt8], _ time: CurrentTimeOctets?, _ mtu: Int
  ) throws(ATTRefusal) -> [UInt8] {
    switch opcode {
    case ATTOpcode.findInformationRequest: try findInformation(pdu, mtu)
    case ATTOpcode.findByTypeValueRequest: try findByTypeValue(pdu, time, mtu)
    case ATTOpcode.readByTypeRequest: try readByType(pdu, time, mtu)
    case ATTOpcode.readByGroupTypeRequest: try readByGroupType(pdu, time, mtu)
    case ATTOpcode.readRequest: try read(pdu, time)
    case ATTOpcode.readBlobRequest: try readBlob(pdu, time)
    case ATTOpcode.readMultipleRequest: try readMultiple(pdu, time, mtu, withLengths: false)
    case ATTOpcode.readMultipleVariableRequest: try readMultiple(pdu, time, mtu, withLengths: true)
    case ATTOpcode.writeRequest: try write(pdu)
    // Prepare and Execute Write among them: nothing of the hub is long enough for them.
    default: throw .notSupported
    }
  }

  // MARK: Attributes

  /// The handles of a search, cut to those that exist. Start 0 or behind the end is an error (3.4.3.1).
  private func range(_ reader: inout OctetReader) throws(ATTRefusal) -> (start: UInt16, handles: ClosedRange<Int>?) {
    guard let start = try? reader.uint16("starting handle"), let end = try? reader.uint16("ending handle") else {
      throw .invalidPDU
    }
    guard start > 0, start <= end else { throw ATTRefusal(handle: start, code: ATTErrorCode.invalidHandle) }
    let last = min(Int(end), attributes.count)
    return (start, Int(start) <= last ? Int(start)...last : nil)
  }

  private func attribute(_ handle: UInt16) throws(ATTRefusal) -> HubAttribute {
    guard handle > 0, Int(handle) <= attributes.count else {
      throw ATTRefusal(handle: handle, code: ATTErrorCode.invalidHandle)
    }
    return attributes[Int(handle) - 1]
  }

  private func value(_ handle: UInt16, _ time: CurrentTimeOctets?) throws(ATTRefusal) -> [UInt8] {
    switch try attribute(handle).content {
    case .constant(let octets): return octets
    case .indicatedOnly: throw ATTRefusal(handle: handle, code: ATTErrorCode.readNotPermitted)
    case .configuration: return [configurations[handle] ?? 0, 0]
    case .currentTime:
      // The service's own codes are for writing; this one says no more than that there is no time now.
      guard let time else { throw ATTRefusal(handle: handle, code: ATTErrorCode.unlikelyError) }
      return time.currentTime
    case .localTimeInformation:
      guard let time else { throw ATTRefusal(handle: handle, code: ATTErrorCode.unlikelyError) }
      return time.localTimeInformation
    }
  }

  /// The last handle of the service that begins at `handle`.
  private func groupEnd(_ handle: Int) -> Int {
    let next = attributes.indices.first { $0 >= handle && attributes[$0].type == HubTable.serviceDeclaration }
    return next ?? attributes.count
  }

  // MARK: Searches

  private func findInformation(_ pdu: [UInt8], _ mtu: Int) throws(ATTRefusal) -> [UInt8] {
    guard pdu.count == 5 else { throw .invalidPDU }
    var reader = OctetReader(pdu, from: 1)
    let (start, handles) = try range(&reader)
    guard let handles else { throw ATTRefusal(handle: start, code: ATTErrorCode.attributeNotFound) }
    var writer = OctetWriter(capacity: mtu)
    writer.uint8(ATTOpcode.findInformationResponse)
    // Every type of the hub is a short one.
    writer.uint8(1)
    for handle in handles.prefix((mtu - 2) / 4) {
      writer.uint16(UInt16(handle))
      writer.append(attributes[handle - 1].type.littleEndian)
    }
    return writer.octets
  }

  private func findByTypeValue(_ pdu: [UInt8], _ time: CurrentTimeOctets?, _ mtu: Int) throws(ATTRefusal) -> [UInt8] {
    guard pdu.count >= 7 else { throw .invalidPDU }
    var reader = OctetReader(pdu, from: 1)
    let (start, handles) = try range(&reader)
    guard let short = try? reader.uint16("type") else { throw .invalidPDU }
    let type = BluetoothUUID(short)
    let wanted = Array(reader.rest())
    var writer = OctetWriter(capacity: mtu)
    writer.uint8(ATTOpcode.findByTypeValueResponse)
    for handle in handles.map(Array.init) ?? [] where attributes[handle - 1].type == type {
      // What can't be read doesn't match.
      guard (try? value(UInt16(handle), time)) == wanted, writer.octets.count + 4 <= mtu else { continue }
      writer.uint16(UInt16(handle))
      writer.uint16(UInt16(type == HubTable.serviceDeclaration ? groupEnd(handle) : handle))
    }
    guard writer.octets.count > 1 else { throw ATTRefusal(handle: start, code: ATTErrorCode.attributeNotFound) }
    return writer.octets
  }

  /// The range and the type of Read By Type and Read By Group Type.
  private func search(
    _ pdu: [UInt8]
  ) throws(ATTRefusal) -> (start: UInt16, handles: ClosedRange<Int>?, type: BluetoothUUID) {
    guard pdu.count == 7 || pdu.count == 21 else { throw .invalidPDU }
    var reader = OctetReader(pdu, from: 1)
    let (start, handles) = try range(&reader)
    guard let type = BluetoothUUID(littleEndian: reader.rest()) else { throw .invalidPDU }
    return (start, handles, type)
  }

  private func readByType(_ pdu: [UInt8], _ time: CurrentTimeOctets?, _ mtu: Int) throws(ATTRefusal) -> [UInt8] {
    let (start, handles, type) = try search(pdu)
    // The first that is found decides: its error is the answer, its length that of all (3.4.4.2).
    guard let handles, let first = handles.first(where: { attributes[$0 - 1].type == type }) else {
      throw ATTRefusal(handle: start, code: ATTErrorCode.attributeNotFound)
    }
    let size = min(try value(UInt16(first), time).count, mtu - 4, 253)
    var writer = OctetWriter(capacity: mtu)
    writer.uint8(ATTOpcode.readByTypeResponse)
    writer.uint8(UInt8(size + 2))
    for handle in first...handles.upperBound where attributes[handle - 1].type == type {
      guard let octets = try? value(UInt16(handle), time), min(octets.count, mtu - 4, 253) == size,
        writer.octets.count + size + 2 <= mtu
      else { break }
      writer.uint16(UInt16(handle))
      writer.append(octets.prefix(size))
    }
    return writer.octets
  }

  private func readByGroupType(_ pdu: [UInt8], _ time: CurrentTimeOctets?, _ mtu: Int) throws(ATTRefusal) -> [UInt8] {
    let (start, handles, type) = try search(pdu)
    // Secondary services would be the other group; the hub has none.
    guard type == HubTable.serviceDeclaration || type == BluetoothUUID(0x2801) else {
      throw ATTRefusal(handle: start, code: ATTErrorCode.unsupportedGroupType)
    }
    let found = (handles.map(Array.init) ?? []).filter { attributes[$0 - 1].type == type }
    guard !found.isEmpty else { throw ATTRefusal(handle: start, code: ATTErrorCode.attributeNotFound) }
    var writer = OctetWriter(capacity: mtu)
    writer.uint8(ATTOpcode.readByGroupTypeResponse)
    // Every service of the hub has a short UUID.
    writer.uint8(6)
    for handle in found.prefix((mtu - 2) / 6) {
      writer.uint16(UInt16(handle))
      writer.uint16(UInt16(groupEnd(handle)))
      writer.append(try value(UInt16(handle), time))
    }
    return writer.octets
  }

  // MARK: Reading and writing

  private func read(_ pdu: [UInt8], _ time: CurrentTimeOctets?) throws(ATTRefusal) -> [UInt8] {
    guard pdu.count == 3, let handle = ATTPDU.handle(pdu) else { throw .invalidPDU }
    return [ATTOpcode.readResponse] + (try value(handle, time))
  }

  private func readBlob(_ pdu: [UInt8], _ time: CurrentTimeOctets?) throws(ATTRefusal) -> [UInt8] {
    guard pdu.count == 5, let handle = ATTPDU.handle(pdu) else { throw .invalidPDU }
    let offset = Int(pdu[3]) | Int(pdu[4]) << 8
    let octets = try value(handle, time)
    guard offset <= octets.count else { throw ATTRefusal(handle: handle, code: ATTErrorCode.invalidOffset) }
    return [ATTOpcode.readBlobResponse] + octets.dropFirst(offset)
  }

  /// Two handles at least; one that can't be read refuses all. What does not fit is cut off.
  private func readMultiple(
    _ pdu: [UInt8], _ time: CurrentTimeOctets?, _ mtu: Int, withLengths: Bool
  ) throws(ATTRefusal) -> [UInt8] {
    guard pdu.count >= 5, pdu.count % 2 == 1 else { throw .invalidPDU }
    var reader = OctetReader(pdu, from: 1)
    var writer = OctetWriter(capacity: mtu)
    writer.uint8(withLengths ? ATTOpcode.readMultipleVariableResponse : ATTOpcode.readMultipleResponse)
    var isFull = false
    while let handle = try? reader.uint16("handle") {
      let octets = try value(handle, time)
      // A length is sent whole or not at all.
      isFull = isFull || writer.octets.count + (withLengths ? 2 : 1) > mtu
      guard !isFull else { continue }
      if withLengths { writer.uint16(UInt16(clamping: octets.count)) }
      writer.append(octets)
    }
    return writer.octets
  }

  private mutating func write(_ pdu: [UInt8]) throws(ATTRefusal) -> [UInt8] {
    guard let handle = ATTPDU.handle(pdu) else { throw .invalidPDU }
    guard case .configuration(let allowed) = try attribute(handle).content else {
      throw ATTRefusal(handle: handle, code: ATTErrorCode.writeNotPermitted)
    }
    guard pdu.count == 5 else { throw ATTRefusal(handle: handle, code: ATTErrorCode.invalidLength) }
    guard pdu[3] & ~allowed == 0, pdu[4] == 0 else {
      throw ATTRefusal(handle: handle, code: ATTErrorCode.valueNotAllowed)
    }
    configurations[handle] = pdu[3]
    return [ATTOpcode.writeResponse]
  }
}
