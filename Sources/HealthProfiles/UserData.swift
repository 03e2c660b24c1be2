// Database Change Increment 2A99, User Index 2A9A, User Control Point 2A9F (User Data Service 1.1).

package import Octets

/// The value of 2A99.
package struct DatabaseChangeIncrement: Sendable, Hashable {
  /// Counts up with every change.
  package var increment: UInt32
  /// A value to write.
  package init(increment: UInt32) { self.increment = increment }
  /// Decodes 2A99, four octets.
  package init(decoding octets: [UInt8]) throws(DecodeError) {
    var reader = OctetReader(octets)
    increment = try reader.uint32("change increment")
  }
  /// The octets to write.
  package var octets: [UInt8] {
    var writer = OctetWriter(capacity: 4)
    writer.uint32(increment)
    return writer.octets
  }
}

/// The value of 2A9A.
package struct UserIndex: Sendable, Hashable {
  /// 255 is an unknown user.
  package var index: UInt8
  /// Decodes 2A9A, one octet.
  package init(decoding octets: [UInt8]) throws(DecodeError) {
    var reader = OctetReader(octets)
    index = try reader.uint8("user index")
  }
}

/// What the hub writes to 2A9F. Codes are 0…9999.
package enum UserControlRequest: Sendable, Hashable {
  case registerNewUser(consentCode: UInt16)
  case consent(user: UInt8, consentCode: UInt16)
  case deleteUserData
  case listAllUsers
  case deleteUser(UInt8)

  /// The octets to write.
  package var octets: [UInt8] {
    switch self {
    case .registerNewUser(let code): [1, UInt8(code & 0xFF), UInt8(code >> 8)]
    case .consent(let user, let code): [2, user, UInt8(code & 0xFF), UInt8(code >> 8)]
    case .deleteUserData: [3]
    case .listAllUsers: [4]
    case .deleteUser(let user): [5, user]
    }
  }
}

/// What a device answers on 2A9F.
package struct UserControlResponse: Sendable, Hashable {
  /// The request's op code.
  package var request: UInt8
  /// 1 success, 2 not supported, 3 invalid parameter, 4 failed, 5 user not authorized.
  package var code: UInt8
  /// The user's index after a registration.
  package var user: UInt8?

  /// Decodes an indication of 2A9F. Throws when it is no response.
  package init(decoding octets: [UInt8]) throws(DecodeError) {
    var reader = OctetReader(octets)
    let opCode = try reader.uint8("op code")
    guard opCode == 0x20 else {
      throw DecodeError(field: "op code", offset: 0, reason: .malformed("\(opCode) is not a response"))
    }
    request = try reader.uint8("request op code")
    code = try reader.uint8("response value")
    user = reader.isAtEnd ? nil : try reader.uint8("response parameter")
  }

  /// The specification's words for a response value.
  package static func meaning(of code: UInt8) -> String {
    switch code {
    case 1: "success"
    case 2: "op code not supported"
    case 3: "invalid parameter"
    case 4: "operation failed"
    case 5: "user not authorized"
    default: "reserved"
    }
  }
}
