// How commands end (mgmt-api of the Linux kernel, "Error codes").

/// How a command ended.
package enum ManagementStatus: UInt8, Sendable, Hashable {
  case success = 0x00
  case unknownCommand = 0x01
  case notConnected = 0x02
  case failed = 0x03
  case connectFailed = 0x04
  case authenticationFailed = 0x05
  case notPaired = 0x06
  case noResources = 0x07
  case timeout = 0x08
  case alreadyConnected = 0x09
  case busy = 0x0A
  case rejected = 0x0B
  case notSupported = 0x0C
  case invalidParameters = 0x0D
  case disconnected = 0x0E
  case notPowered = 0x0F
  case cancelled = 0x10
  case invalidIndex = 0x11
  case rfkilled = 0x12
  case alreadyPaired = 0x13
  case permissionDenied = 0x14

  init(_ value: UInt8) { self = ManagementStatus(rawValue: value) ?? .failed }

  /// For people.
  package var text: String {
    switch self {
    case .success: "done"
    case .unknownCommand: "the kernel does not know the command"
    case .notConnected: "not connected"
    case .failed: "the controller failed"
    case .connectFailed: "no connection came about"
    case .authenticationFailed: "the passkey was wrong or pairing was refused"
    case .notPaired: "not paired"
    case .noResources: "the controller can take no more"
    case .timeout: "the device does not answer"
    case .alreadyConnected: "already connected"
    case .busy: "the controller is busy"
    case .rejected: "refused"
    case .notSupported: "the controller cannot do it"
    case .invalidParameters: "the kernel does not take the parameters"
    case .disconnected: "the device ended the link"
    case .notPowered: "the controller is off"
    case .cancelled: "cancelled"
    case .invalidIndex: "the controller is gone"
    case .rfkilled: "the radio is blocked (rfkill)"
    case .alreadyPaired: "already paired"
    case .permissionDenied: "the capability CAP_NET_ADMIN is missing"
    }
  }
}
