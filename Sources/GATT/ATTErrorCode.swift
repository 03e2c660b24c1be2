// Error codes of the Attribute Protocol (Bluetooth Core 5.4, volume 3 part F, 3.4.1.1) and what they mean to a person.

/// Error codes of the Attribute Protocol.
package enum ATTErrorCode {
  /// Invalid Handle: there is no such attribute.
  package static let invalidHandle: UInt8 = 0x01
  /// Read Not Permitted.
  package static let readNotPermitted: UInt8 = 0x02
  /// Write Not Permitted.
  package static let writeNotPermitted: UInt8 = 0x03
  /// Invalid PDU: its length is wrong.
  package static let invalidPDU: UInt8 = 0x04
  /// Insufficient Authentication: the link must be paired first.
  package static let insufficientAuthentication: UInt8 = 0x05
  /// Request Not Supported.
  package static let requestNotSupported: UInt8 = 0x06
  /// Invalid Offset.
  package static let invalidOffset: UInt8 = 0x07
  /// Insufficient Authorization: somebody must allow it on the device.
  package static let insufficientAuthorization: UInt8 = 0x08
  /// Attribute Not Found: the regular end of every search.
  package static let attributeNotFound: UInt8 = 0x0A
  /// Attribute Not Long: the value was whole already.
  package static let attributeNotLong: UInt8 = 0x0B
  /// Encryption Key Size Too Short: the bond's key is too short for the device.
  package static let encryptionKeyTooShort: UInt8 = 0x0C
  /// Invalid Attribute Value Length.
  package static let invalidLength: UInt8 = 0x0D
  /// Unlikely Error.
  package static let unlikelyError: UInt8 = 0x0E
  /// Insufficient Encryption: the link must be encrypted first.
  package static let insufficientEncryption: UInt8 = 0x0F
  /// Unsupported Group Type.
  package static let unsupportedGroupType: UInt8 = 0x10
  /// Database Out Of Sync: the handles are those of an older database.
  package static let databaseOutOfSync: UInt8 = 0x12
  /// Value Not Allowed.
  package static let valueNotAllowed: UInt8 = 0x13

  /// True when the bond, or the lack of one, is the reason: codes 0x05, 0x08, 0x0C and 0x0F.
  package static func isSecurity(_ code: UInt8) -> Bool {
    isCuredByEncryption(code) || code == insufficientAuthorization || code == encryptionKeyTooShort
  }

  /// True when an encrypted link may cure it. Authorisation is given by a person, and a key stays as long as it is.
  static func isCuredByEncryption(_ code: UInt8) -> Bool {
    code == insufficientAuthentication || code == insufficientEncryption
  }

  /// What a code means, for a technician: the name in the specification, and its number.
  package static func meaning(_ code: UInt8) -> String {
    let name =
      switch code {
      case 0x01: "invalid handle"
      case 0x02: "read not permitted"
      case 0x03: "write not permitted"
      case 0x04: "invalid PDU"
      case 0x05: "insufficient authentication: the device wants to be paired, perhaps with a passkey"
      case 0x06: "request not supported"
      case 0x07: "invalid offset"
      case 0x08: "insufficient authorization: the device wants a confirmation by hand"
      case 0x09: "prepare queue full"
      case 0x0A: "attribute not found"
      case 0x0B: "attribute not long"
      case 0x0C: "encryption key too short: the device wants to be paired anew"
      case 0x0D: "invalid attribute value length"
      case 0x0E: "unlikely error"
      case 0x0F: "insufficient encryption: the device wants an encrypted link"
      case 0x10: "unsupported group type"
      case 0x11: "insufficient resources"
      case 0x12: "database out of sync"
      case 0x13: "value not allowed"
      case 0x80...0x9F: "application error"
      case 0xFC: "write request rejected"
      case 0xFD: "client characteristic configuration improperly configured"
      case 0xFE: "procedure already in progress"
      case 0xFF: "out of range"
      default: "reserved error code"
      }
    let digits = String(code, radix: 16, uppercase: true)
    return "\(name) (0x\(code < 16 ? "0" : "")\(digits))"
  }
}
