// Commands to the kernel's Bluetooth (mgmt-api of the Linux kernel): one packet a write, all numbers little-endian.

internal import Octets

/// Something asked of a controller, or of the kernel as a whole.
package enum ManagementCommand: Hashable, Sendable {
  case readVersion
  case readIndexList
  case readInfo
  case setPowered(Bool)
  case setConnectable(Bool)
  /// Keys of pairings are kept by both sides only while this is on.
  case setBondable(Bool)
  case setLowEnergy(Bool)
  case setSecureConnections(Bool)
  /// Own addresses that change; Hearth keeps them off, since devices know a hub by its address.
  case setPrivacy(Bool)
  case setIOCapability(IOCapability)
  case loadLongTermKeys([LongTermKey])
  case loadIdentityKeys([IdentityResolvingKey])
  case loadConnectionParameters([ConnectionParameters])
  case disconnect(PeerAddress)
  case pair(PeerAddress, IOCapability)
  case cancelPair(PeerAddress)
  case unpair(PeerAddress, disconnects: Bool)
  case confirm(PeerAddress, Bool)
  /// A passkey of six digits; nil refuses.
  case passkey(PeerAddress, UInt32?)
  case startDiscovery
  case stopDiscovery
  case addDevice(PeerAddress, DeviceAction)
  /// Nil: every device.
  case removeDevice(PeerAddress?)

  /// What the hub can show and take (mgmt-api, Set IO Capability).
  package enum IOCapability: UInt8, Sendable, Hashable {
    case displayOnly = 0
    case displayYesNo = 1
    case keyboardOnly = 2
    case none = 3
    case keyboardDisplay = 4
  }

  /// What the kernel does when it hears a device.
  package enum DeviceAction: UInt8, Sendable, Hashable {
    /// Tell of it.
    case report = 0
    /// Connect at once, as often as it is heard.
    case connect = 2
  }

  /// The index that means no controller.
  package static let noIndex: UInt16 = 0xFFFF

  /// The opcode by which answers are told apart.
  package var opcode: UInt16 {
    switch self {
    case .readVersion: 0x0001
    case .readIndexList: 0x0003
    case .readInfo: 0x0004
    case .setPowered: 0x0005
    case .setConnectable: 0x0007
    case .setBondable: 0x0009
    case .setLowEnergy: 0x000D
    case .loadLongTermKeys: 0x0013
    case .disconnect: 0x0014
    case .setIOCapability: 0x0018
    case .pair: 0x0019
    case .cancelPair: 0x001A
    case .unpair: 0x001B
    case .confirm(_, let isYes): isYes ? 0x001C : 0x001D
    case .passkey(_, let passkey): passkey == nil ? 0x001F : 0x001E
    case .startDiscovery: 0x0023
    case .stopDiscovery: 0x0024
    case .setSecureConnections: 0x002D
    case .setPrivacy: 0x002F
    case .loadIdentityKeys: 0x0030
    case .addDevice: 0x0033
    case .removeDevice: 0x0034
    case .loadConnectionParameters: 0x0035
    }
  }

  private var parameters: [UInt8] {
    switch self {
    case .readVersion, .readIndexList, .readInfo: return []
    case .setPowered(let on), .setConnectable(let on), .setBondable(let on), .setLowEnergy(let on),
      .setSecureConnections(let on):
      return [on ? 1 : 0]
    // A key of zeros stands for none.
    case .setPrivacy(let on): return [on ? 1 : 0] + [UInt8](repeating: 0, count: 16)
    case .setIOCapability(let capability): return [capability.rawValue]
    case .loadLongTermKeys(let keys): return ManagementCommand.list(keys.map(\.octets))
    case .loadIdentityKeys(let keys): return ManagementCommand.list(keys.map(\.octets))
    case .loadConnectionParameters(let values): return ManagementCommand.list(values.map(\.octets))
    case .disconnect(let address), .cancelPair(let address), .confirm(let address, _), .passkey(let address, nil):
      return address.wire
    case .pair(let address, let capability): return address.wire + [capability.rawValue]
    case .unpair(let address, let disconnects): return address.wire + [disconnects ? 1 : 0]
    case .passkey(let address, let passkey?):
      var writer = OctetWriter()
      writer.uint32(passkey)
      return address.wire + writer.octets
    // LE public and LE random.
    case .startDiscovery, .stopDiscovery: return [0x06]
    case .addDevice(let address, let action): return address.wire + [action.rawValue]
    case .removeDevice(let address): return address?.wire ?? [UInt8](repeating: 0, count: 7)
    }
  }

  private static func list(_ items: [[UInt8]]) -> [UInt8] {
    var writer = OctetWriter()
    writer.uint16(UInt16(clamping: items.count))
    return writer.octets + items.prefix(Int(UInt16.max)).joined()
  }

  /// The packet to a controller; the index is not used by commands to the kernel as a whole.
  package func packet(index: UInt16) -> [UInt8] {
    let body = parameters
    var writer = OctetWriter(capacity: 6 + body.count)
    writer.uint16(opcode)
    switch self {
    case .readVersion, .readIndexList: writer.uint16(ManagementCommand.noIndex)
    default: writer.uint16(index)
    }
    writer.uint16(UInt16(clamping: body.count))
    return writer.octets + body
  }
}
