// What the kernel's Bluetooth tells (mgmt-api of the Linux kernel).

package import Octets

/// A packet from the kernel.
package struct ManagementPacket: Hashable, Sendable {
  /// The controller, or 0xFFFF.
  package var index: UInt16
  /// What it tells.
  package var event: ManagementEvent

  /// Decodes a packet. Throws the field that is wrong; longer packets of newer kernels are taken.
  package init(_ octets: [UInt8]) throws(DecodeError) {
    var reader = OctetReader(octets)
    let code = try reader.uint16("event")
    index = try reader.uint16("index")
    let length = try reader.uint16("length")
    guard Int(length) <= reader.remaining else {
      throw DecodeError(field: "length", offset: 4, reason: .invalidValue(Int64(length)))
    }
    event = try ManagementEvent(code, &reader)
  }
}

/// What a controller or the kernel tells.
package enum ManagementEvent: Hashable, Sendable {
  /// A command ended: its opcode, how, and what it gave.
  case complete(UInt16, ManagementStatus, [UInt8])
  case controllerError(UInt8)
  case indexAdded
  case indexRemoved
  case settings(ControllerSettings)
  /// `stores`: the pairing asked both sides to keep it.
  case newLongTermKey(LongTermKey, stores: Bool)
  case newIdentityKey(IdentityResolvingKey, seenAs: PeerAddress, stores: Bool)
  case newConnectionParameters(ConnectionParameters, stores: Bool)
  case connected(PeerAddress, advertising: [UInt8])
  case disconnected(PeerAddress, DisconnectReason)
  case connectFailed(PeerAddress, ManagementStatus)
  /// Numeric comparison, or only consent where there is no number to compare.
  case confirmationRequest(PeerAddress, value: UInt32, isConsent: Bool)
  case passkeyRequest(PeerAddress)
  /// To be typed on the device; `entered` digits are.
  case passkeyNotify(PeerAddress, UInt32, entered: UInt8)
  case authenticationFailed(PeerAddress, ManagementStatus)
  case found(PeerAddress, rssi: Int8, advertising: [UInt8])
  case discovering(Bool)
  case unpaired(PeerAddress)
  /// Another program put a device on the kernel's list.
  case deviceAdded(PeerAddress)
  /// Another program took a device off it; nil: all of them.
  case deviceRemoved(PeerAddress?)
  /// One that Hearth has no use for.
  case other(UInt16)

  init(_ code: UInt16, _ reader: inout OctetReader) throws(DecodeError) {
    switch code {
    case 0x0001:
      let opcode = try reader.uint16("opcode")
      self = .complete(opcode, ManagementStatus(try reader.uint8("status")), Array(reader.rest()))
    case 0x0002:
      let opcode = try reader.uint16("opcode")
      let status = ManagementStatus(try reader.uint8("status"))
      // Success says only that the command is under way: its end comes as Command Complete.
      self = status == .success ? .other(code) : .complete(opcode, status, [])
    case 0x0003: self = .controllerError(try reader.uint8("error"))
    case 0x0004: self = .indexAdded
    case 0x0005: self = .indexRemoved
    case 0x0006: self = .settings(ControllerSettings(rawValue: try reader.uint32("settings")))
    case 0x000A:
      let stores = try reader.uint8("store hint") != 0
      self = .newLongTermKey(try LongTermKey(&reader), stores: stores)
    case 0x0018:
      let stores = try reader.uint8("store hint") != 0
      let random = PeerAddress(bits: try reader.uint48("address"), kind: .randomLE)
      self = .newIdentityKey(try IdentityResolvingKey(&reader), seenAs: random, stores: stores)
    case 0x001C:
      let stores = try reader.uint8("store hint") != 0
      self = .newConnectionParameters(try ConnectionParameters(&reader), stores: stores)
    case 0x0013:
      _ = try reader.uint8("types")
      self = .discovering(try reader.uint8("discovering") != 0)
    case 0x000B, 0x000C, 0x000D, 0x000F, 0x0010, 0x0011, 0x0012, 0x0016, 0x0017, 0x001A, 0x001B:
      try self.init(ofDevice: code, &reader)
    default: self = .other(code)
    }
  }

  private init(ofDevice code: UInt16, _ reader: inout OctetReader) throws(DecodeError) {
    if code == 0x001B, reader.peek(6) == 0 {
      self = .deviceRemoved(nil)
      return
    }
    let address = try PeerAddress(&reader)
    switch code {
    case 0x000B:
      _ = try reader.uint32("flags")
      let length = Int(try reader.uint16("advertising data length"))
      self = .connected(address, advertising: Array(try reader.take(length, "advertising data")))
    case 0x000C: self = .disconnected(address, DisconnectReason(try reader.uint8("reason")))
    case 0x000D: self = .connectFailed(address, ManagementStatus(try reader.uint8("status")))
    case 0x000F:
      let isConsent = try reader.uint8("confirm hint") != 0
      self = .confirmationRequest(address, value: try reader.uint32("value"), isConsent: isConsent)
    case 0x0010: self = .passkeyRequest(address)
    case 0x0011: self = .authenticationFailed(address, ManagementStatus(try reader.uint8("status")))
    case 0x0012:
      let rssi = try reader.int8("rssi")
      _ = try reader.uint32("flags")
      let length = Int(try reader.uint16("advertising data length"))
      self = .found(address, rssi: rssi, advertising: Array(try reader.take(length, "advertising data")))
    case 0x0016: self = .unpaired(address)
    case 0x0017:
      let passkey = try reader.uint32("passkey")
      self = .passkeyNotify(address, passkey, entered: try reader.uint8("entered"))
    case 0x001A: self = .deviceAdded(address)
    default: self = .deviceRemoved(address)
    }
  }
}

/// Why a link ended.
package enum DisconnectReason: UInt8, Sendable, Hashable {
  case unknown = 0
  case timeout = 1
  case thisHost = 2
  case peer = 3
  /// The device has no key for this hub any more.
  case authenticationFailure = 4
  case thisHostForSuspend = 5

  init(_ value: UInt8) { self = DisconnectReason(rawValue: value) ?? .unknown }
}

package struct ControllerSettings: OptionSet, Sendable, Hashable {
  /// The bits of mgmt-api.
  package let rawValue: UInt32
  /// The bits of mgmt-api.
  package init(rawValue: UInt32) { self.rawValue = rawValue }
  /// It works.
  package static let powered = ControllerSettings(rawValue: 1 << 0)
  /// Pairings are kept.
  package static let bondable = ControllerSettings(rawValue: 1 << 4)
  /// Bluetooth LE.
  package static let lowEnergy = ControllerSettings(rawValue: 1 << 9)
  /// LE Secure Connections.
  package static let secureConnections = ControllerSettings(rawValue: 1 << 11)
  /// Own addresses change.
  package static let privacy = ControllerSettings(rawValue: 1 << 13)
  /// It has no address of its own yet.
  package static let configuration = ControllerSettings(rawValue: 1 << 14)
}

/// What Read Info gives.
package struct ControllerInfo: Hashable, Sendable {
  /// The controller's public address.
  package var address: PeerAddress
  /// The version of the Bluetooth specification as the link layer numbers it: 8 is 4.2, 9 is 5.0.
  package var version: UInt8
  /// What it can do.
  package var supported: ControllerSettings
  /// What is on.
  package var current: ControllerSettings

  /// From the answer to Read Info.
  package init(_ octets: [UInt8]) throws(DecodeError) {
    var reader = OctetReader(octets)
    address = PeerAddress(bits: try reader.uint48("address"), kind: .publicLE)
    version = try reader.uint8("version")
    _ = try reader.uint16("manufacturer")
    supported = ControllerSettings(rawValue: try reader.uint32("supported settings"))
    current = ControllerSettings(rawValue: try reader.uint32("current settings"))
  }

  /// The indexes of an answer to Read Index List.
  package static func indexes(_ octets: [UInt8]) throws(DecodeError) -> [UInt16] {
    var reader = OctetReader(octets)
    var list: [UInt16] = []
    for _ in 0..<(try reader.uint16("number of controllers")) { list.append(try reader.uint16("index")) }
    return list
  }
}
