// PDUs of the Attribute Protocol (Bluetooth Core 5.4, volume 3 part F, 3.4).

public import Octets

/// The opcodes that Hearth sends or takes.
public enum ATTOpcode {
  /// Error Response.
  public static let errorResponse: UInt8 = 0x01
  /// Exchange MTU Request.
  public static let exchangeMTURequest: UInt8 = 0x02
  /// Exchange MTU Response.
  public static let exchangeMTUResponse: UInt8 = 0x03
  /// Find Information Request.
  public static let findInformationRequest: UInt8 = 0x04
  /// Find Information Response.
  public static let findInformationResponse: UInt8 = 0x05
  /// Read By Type Request.
  public static let readByTypeRequest: UInt8 = 0x08
  /// Read By Type Response.
  public static let readByTypeResponse: UInt8 = 0x09
  /// Read Request.
  public static let readRequest: UInt8 = 0x0A
  /// Read Response.
  public static let readResponse: UInt8 = 0x0B
  /// Read Blob Request.
  public static let readBlobRequest: UInt8 = 0x0C
  /// Read Blob Response.
  public static let readBlobResponse: UInt8 = 0x0D
  /// Read By Group Type Request.
  public static let readByGroupTypeRequest: UInt8 = 0x10
  /// Read By Group Type Response.
  public static let readByGroupTypeResponse: UInt8 = 0x11
  /// Write Request.
  public static let writeRequest: UInt8 = 0x12
  /// Write Response.
  public static let writeResponse: UInt8 = 0x13
  /// Handle Value Notification.
  public static let notification: UInt8 = 0x1B
  /// Handle Value Indication.
  public static let indication: UInt8 = 0x1D
  /// Handle Value Confirmation.
  public static let confirmation: UInt8 = 0x1E
  /// Multiple Handle Value Notification.
  public static let multipleNotification: UInt8 = 0x23
  /// Write Command.
  public static let writeCommand: UInt8 = 0x52
  /// The bit of an opcode that says "command": it has no answer, and an unknown one is ignored.
  static let commandFlag: UInt8 = 0x40
}

/// Error codes of the Attribute Protocol (3.4.1.1).
public enum ATTErrorCode {
  /// Insufficient Authentication: the link must be paired first.
  public static let insufficientAuthentication: UInt8 = 0x05
  /// Request Not Supported.
  public static let requestNotSupported: UInt8 = 0x06
  /// Invalid Offset.
  public static let invalidOffset: UInt8 = 0x07
  /// Attribute Not Found: the regular end of every search.
  public static let attributeNotFound: UInt8 = 0x0A
  /// Attribute Not Long: the value was whole already.
  public static let attributeNotLong: UInt8 = 0x0B
  /// Invalid Attribute Value Length.
  public static let invalidLength: UInt8 = 0x0D
  /// Insufficient Encryption: the link must be encrypted first.
  public static let insufficientEncryption: UInt8 = 0x0F
}

/// Builds the PDUs that the hub sends.
public enum ATTPDU {
  /// Exchange MTU Request.
  public static func exchangeMTU(_ mtu: UInt16) -> [UInt8] { withHandle(ATTOpcode.exchangeMTURequest, mtu) }

  /// Exchange MTU Response.
  public static func exchangedMTU(_ mtu: UInt16) -> [UInt8] { withHandle(ATTOpcode.exchangeMTUResponse, mtu) }

  /// Read By Group Type or Read By Type over a range of handles.
  public static func readByType(_ opcode: UInt8, from: UInt16, to: UInt16, _ type: BluetoothUUID) -> [UInt8] {
    var writer = OctetWriter(capacity: 7)
    writer.uint8(opcode)
    writer.uint16(from)
    writer.uint16(to)
    writer.append(type.littleEndian)
    return writer.octets
  }

  /// Find Information Request over a range of handles.
  public static func findInformation(from: UInt16, to: UInt16) -> [UInt8] {
    var writer = OctetWriter(capacity: 5)
    writer.uint8(ATTOpcode.findInformationRequest)
    writer.uint16(from)
    writer.uint16(to)
    return writer.octets
  }

  /// Read Request.
  public static func read(_ handle: UInt16) -> [UInt8] { withHandle(ATTOpcode.readRequest, handle) }

  /// Read Blob Request.
  public static func readBlob(_ handle: UInt16, offset: UInt16) -> [UInt8] {
    withHandle(ATTOpcode.readBlobRequest, handle) + [UInt8(offset & 0xFF), UInt8(offset >> 8)]
  }

  /// Write Request, or Write Command without response.
  public static func write(_ handle: UInt16, _ value: [UInt8], withResponse: Bool) -> [UInt8] {
    withHandle(withResponse ? ATTOpcode.writeRequest : ATTOpcode.writeCommand, handle) + value
  }

  /// Error Response: request not supported.
  public static func notSupported(_ opcode: UInt8) -> [UInt8] {
    [ATTOpcode.errorResponse, opcode, 0, 0, ATTErrorCode.requestNotSupported]
  }

  private static func withHandle(_ opcode: UInt8, _ handle: UInt16) -> [UInt8] {
    [opcode, UInt8(handle & 0xFF), UInt8(handle >> 8)]
  }
}
