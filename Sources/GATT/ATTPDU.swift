// PDUs of the Attribute Protocol (Bluetooth Core 5.4, volume 3 part F, 3.4).

package import Octets

/// The opcodes that Hearth sends or takes.
package enum ATTOpcode {
  /// Error Response.
  package static let errorResponse: UInt8 = 0x01
  /// Exchange MTU Request.
  package static let exchangeMTURequest: UInt8 = 0x02
  /// Exchange MTU Response.
  package static let exchangeMTUResponse: UInt8 = 0x03
  /// Find Information Request.
  package static let findInformationRequest: UInt8 = 0x04
  /// Find Information Response.
  package static let findInformationResponse: UInt8 = 0x05
  /// Find By Type Value Request.
  package static let findByTypeValueRequest: UInt8 = 0x06
  /// Find By Type Value Response.
  package static let findByTypeValueResponse: UInt8 = 0x07
  /// Read By Type Request.
  package static let readByTypeRequest: UInt8 = 0x08
  /// Read By Type Response.
  package static let readByTypeResponse: UInt8 = 0x09
  /// Read Request.
  package static let readRequest: UInt8 = 0x0A
  /// Read Response.
  package static let readResponse: UInt8 = 0x0B
  /// Read Blob Request.
  package static let readBlobRequest: UInt8 = 0x0C
  /// Read Blob Response.
  package static let readBlobResponse: UInt8 = 0x0D
  /// Read Multiple Request.
  package static let readMultipleRequest: UInt8 = 0x0E
  /// Read Multiple Response.
  package static let readMultipleResponse: UInt8 = 0x0F
  /// Read By Group Type Request.
  package static let readByGroupTypeRequest: UInt8 = 0x10
  /// Read By Group Type Response.
  package static let readByGroupTypeResponse: UInt8 = 0x11
  /// Write Request.
  package static let writeRequest: UInt8 = 0x12
  /// Write Response.
  package static let writeResponse: UInt8 = 0x13
  /// Prepare Write Request.
  package static let prepareWriteRequest: UInt8 = 0x16
  /// Prepare Write Response.
  package static let prepareWriteResponse: UInt8 = 0x17
  /// Execute Write Request.
  package static let executeWriteRequest: UInt8 = 0x18
  /// Execute Write Response.
  package static let executeWriteResponse: UInt8 = 0x19
  /// Handle Value Notification.
  package static let notification: UInt8 = 0x1B
  /// Handle Value Indication.
  package static let indication: UInt8 = 0x1D
  /// Handle Value Confirmation.
  package static let confirmation: UInt8 = 0x1E
  /// Read Multiple Variable Request.
  package static let readMultipleVariableRequest: UInt8 = 0x20
  /// Read Multiple Variable Response.
  package static let readMultipleVariableResponse: UInt8 = 0x21
  /// Multiple Handle Value Notification.
  package static let multipleNotification: UInt8 = 0x23
  /// Write Command.
  package static let writeCommand: UInt8 = 0x52
  /// The bit of an opcode that says "command": it has no answer, and an unknown one is ignored.
  static let commandFlag: UInt8 = 0x40

  /// True for what answers a request.
  static func isResponse(_ opcode: UInt8) -> Bool {
    switch opcode {
    case errorResponse, exchangeMTUResponse, findInformationResponse, findByTypeValueResponse, readByTypeResponse,
      readResponse, readBlobResponse, readMultipleResponse, readByGroupTypeResponse, writeResponse,
      prepareWriteResponse, executeWriteResponse, readMultipleVariableResponse:
      true
    default: false
    }
  }
}

/// Builds the PDUs that the hub sends.
package enum ATTPDU {
  /// Exchange MTU Request.
  package static func exchangeMTU(_ mtu: UInt16) -> [UInt8] { withHandle(ATTOpcode.exchangeMTURequest, mtu) }

  /// Exchange MTU Response.
  package static func exchangedMTU(_ mtu: UInt16) -> [UInt8] { withHandle(ATTOpcode.exchangeMTUResponse, mtu) }

  /// Read By Group Type or Read By Type over a range of handles.
  package static func readByType(_ opcode: UInt8, from: UInt16, to: UInt16, _ type: BluetoothUUID) -> [UInt8] {
    var writer = OctetWriter(capacity: 7)
    writer.uint8(opcode)
    writer.uint16(from)
    writer.uint16(to)
    writer.append(type.littleEndian)
    return writer.octets
  }

  /// Find Information Request over a range of handles.
  package static func findInformation(from: UInt16, to: UInt16) -> [UInt8] {
    var writer = OctetWriter(capacity: 5)
    writer.uint8(ATTOpcode.findInformationRequest)
    writer.uint16(from)
    writer.uint16(to)
    return writer.octets
  }

  /// Read Request.
  package static func read(_ handle: UInt16) -> [UInt8] { withHandle(ATTOpcode.readRequest, handle) }

  /// Read Blob Request.
  package static func readBlob(_ handle: UInt16, offset: UInt16) -> [UInt8] {
    withHandle(ATTOpcode.readBlobRequest, handle) + little(offset)
  }

  /// Write Request, or Write Command without response.
  package static func write(_ handle: UInt16, _ value: [UInt8], withResponse: Bool) -> [UInt8] {
    withHandle(withResponse ? ATTOpcode.writeRequest : ATTOpcode.writeCommand, handle) + value
  }

  /// Prepare Write Request: a part of a value that is too long for one PDU.
  package static func prepareWrite(_ handle: UInt16, offset: UInt16, _ part: some Sequence<UInt8>) -> [UInt8] {
    withHandle(ATTOpcode.prepareWriteRequest, handle) + little(offset) + part
  }

  /// Execute Write Request: writes what was prepared, or forgets it.
  package static func executeWrite(commit: Bool) -> [UInt8] { [ATTOpcode.executeWriteRequest, commit ? 1 : 0] }

  /// Error Response.
  package static func error(_ opcode: UInt8, _ handle: UInt16, _ code: UInt8) -> [UInt8] {
    [ATTOpcode.errorResponse, opcode] + little(handle) + [code]
  }

  /// The handle behind the opcode; nil when the PDU is cut before its end.
  static func handle(_ pdu: [UInt8]) -> UInt16? {
    pdu.count >= 3 ? UInt16(pdu[1]) | UInt16(pdu[2]) << 8 : nil
  }

  private static func withHandle(_ opcode: UInt8, _ handle: UInt16) -> [UInt8] { [opcode] + little(handle) }

  private static func little(_ value: UInt16) -> [UInt8] { [UInt8(value & 0xFF), UInt8(value >> 8)] }
}

extension ATTOpcode {
  /// Requests whose answer may hold the hub's time: Read By Type, Read, Read Blob, Read Multiple, and its variable form.
  package static let reads: Set<UInt8> = [readByTypeRequest, readRequest, readBlobRequest, 0x0E, 0x20]
}
