// The management side of the simulated kernel (mgmt-api): controllers, their settings and keys, and what each command does.

import BluetoothManagement
@testable import GatewayCore
import Octets
@testable import Ledger

/// A controller of the simulated kernel.
struct SimulatedController {
  let address: PeerAddress
  var isPlugged = true
  var isBlocked = false
  /// Bits of mgmt-api.
  var settings: UInt32 = 0
  var supported: UInt32 = 0xFFFF
  var isDiscovering = false
  /// The list of devices: 0 report, 2 connect.
  var list: [PeerAddress: UInt8] = [:]
  /// Values of long term keys, by identity address.
  var keys: [PeerAddress: [UInt8]] = [:]
  var authenticated: Set<PeerAddress> = []
  var identityKeys: [PeerAddress: [UInt8]] = [:]
  /// Pair Device that is under way: the address as asked.
  var pairing: PeerAddress?

  init(address: PeerAddress) { self.address = address }

  var isPowered: Bool { settings & 1 != 0 }
  var isBondable: Bool { settings & 1 << 4 != 0 }

  /// Everything that a reset forgets.
  mutating func forget() {
    settings &= ~1
    isDiscovering = false
    list = [:]
    keys = [:]
    authenticated = []
    identityKeys = [:]
    pairing = nil
  }
}

extension Kernel {
  private static let names: [UInt16: String] = [
    0x01: "Read Version", 0x03: "Read Index List", 0x04: "Read Info", 0x05: "Set Powered", 0x09: "Set Bondable",
    0x0D: "Set LE", 0x13: "Load Long Term Keys", 0x14: "Disconnect", 0x18: "Set IO Capability", 0x19: "Pair Device",
    0x1A: "Cancel Pair Device", 0x1B: "Unpair Device", 0x1C: "User Confirm Reply", 0x1D: "User Confirm Negative Reply",
    0x1E: "User Passkey Reply", 0x1F: "User Passkey Negative Reply", 0x23: "Start Discovery", 0x24: "Stop Discovery",
    0x2D: "Set Secure Connections", 0x2F: "Set Privacy", 0x30: "Load IRKs", 0x33: "Add Device", 0x34: "Remove Device",
    0x35: "Load Connection Parameters",
  ]

  /// An event of the kernel, a moment later.
  func tell(_ index: UInt16, _ code: UInt16, _ body: [UInt8], after milliseconds: Int64 = 1) {
    let header = Peripheral.octets(code) + Peripheral.octets(index) + Peripheral.octets(UInt16(body.count))
    after(milliseconds) { kernel in
      guard kernel.isDoorOpen else { return }
      kernel.hub.send(.managementReceived(header + body))
    }
  }

  func complete(_ index: UInt16, _ opcode: UInt16, _ status: UInt8 = 0, _ data: [UInt8] = [], after time: Int64 = 1) {
    tell(index, 0x0001, Peripheral.octets(opcode) + [status] + data, after: time)
  }

  static func wire(_ address: PeerAddress) -> [UInt8] { address.octets + [address.kind.rawValue] }

  static func address(_ octets: some Collection<UInt8>) -> PeerAddress {
    let octets = Array(octets)
    guard octets.count >= 7 else { return PeerAddress(bits: 0, kind: .publicLE) }
    let bits = octets[0..<6].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    return PeerAddress(bits: bits, kind: .init(rawValue: octets[6]) ?? .publicLE)
  }

  /// One packet of the hub.
  func command(_ packet: [UInt8]) {
    let opcode = UInt16(packet[0]) | UInt16(packet[1]) << 8
    let index = UInt16(packet[2]) | UInt16(packet[3]) << 8
    let body = Array(packet[6...])
    let name = Kernel.names[opcode] ?? "0x\(String(opcode, radix: 16))"
    let isSwitch = [0x05, 0x09, 0x0D, 0x2D, 0x2F].contains(opcode)
    commands.append(isSwitch ? "\(name) \(body[0])" : name)
    if opcode == 0x03 {
      let indexes = controllers.filter(\.value.isPlugged).keys.sorted()
      let list = Peripheral.octets(UInt16(indexes.count)) + indexes.flatMap { Peripheral.octets($0) }
      return complete(index, opcode, 0, list)
    }
    guard let controller = controllers[index], controller.isPlugged else { return complete(index, opcode, 0x11) }
    if opcode == 0x04 { return complete(index, opcode, 0, info(controller)) }
    guard isPermitted else { return complete(index, opcode, 0x14) }
    switch opcode {
    case 0x05: setPowered(index, body[0] != 0)
    case 0x09: set(index, opcode, 4, body[0] != 0)
    case 0x0D: set(index, opcode, 9, body[0] != 0)
    case 0x2D: set(index, opcode, 11, body[0] != 0)
    case 0x13: loadKeys(index, Array(body[2...]))
    case 0x30:
      controllers[index]?.identityKeys = [:]
      for key in stride(from: 2, to: body.count, by: 23) {
        controllers[index]?.identityKeys[Kernel.address(body[key..<(key + 7)])] = Array(body[(key + 7)..<(key + 23)])
      }
      complete(index, opcode)
    case 0x23, 0x24: discovery(index, opcode)
    case 0x33:
      controllers[index]?.list[Kernel.address(body)] = body[7]
      complete(index, opcode, 0, Array(body[..<7]))
    case 0x34:
      let address = Kernel.address(body)
      if address.bits == 0 { controllers[index]?.list = [:] } else { controllers[index]?.list[address] = nil }
      complete(index, opcode, 0, body)
    case 0x14, 0x19...0x1F: pairingCommand(index, opcode, body)
    default: complete(index, opcode)
    }
  }

  private func info(_ controller: SimulatedController) -> [UInt8] {
    var writer = OctetWriter()
    writer.uint8(9)
    writer.uint16(0)
    writer.uint32(controller.supported)
    writer.uint32(controller.settings)
    return controller.address.octets + writer.octets + [UInt8](repeating: 0, count: 263)
  }

  private func current(_ index: UInt16) -> [UInt8] {
    var writer = OctetWriter()
    writer.uint32(controllers[index]?.settings ?? 0)
    return writer.octets
  }

  private func set(_ index: UInt16, _ opcode: UInt16, _ bit: UInt32, _ isOn: Bool) {
    let settings = controllers[index]?.settings ?? 0
    controllers[index]?.settings = isOn ? settings | 1 << bit : settings & ~(1 << bit)
    complete(index, opcode, 0, current(index))
  }

  private func setPowered(_ index: UInt16, _ isOn: Bool) {
    if isOn, controllers[index]?.isBlocked ?? false { return complete(index, 0x05, 0x12) }
    if !isOn {
      for place in links.keys.sorted() where links[place]?.controller == index { willEnd(place, "Set Powered 0") }
      dropLinks(of: index)
      controllers[index]?.forget()
    }
    set(index, 0x05, 0, isOn)
  }

  private func loadKeys(_ index: UInt16, _ octets: [UInt8]) {
    controllers[index]?.keys = [:]
    controllers[index]?.authenticated = []
    for start in stride(from: 0, to: octets.count, by: 36) {
      let address = Kernel.address(octets[start..<(start + 7)])
      controllers[index]?.keys[address] = Array(octets[(start + 20)..<(start + 36)])
      if [1, 3].contains(octets[start + 7]) { controllers[index]?.authenticated.insert(address) }
    }
    complete(index, 0x13)
  }

  private func discovery(_ index: UInt16, _ opcode: UInt16) {
    let isOn = controllers[index]?.isDiscovering ?? false
    guard controllers[index]?.isPowered ?? false else { return complete(index, opcode, 0x0F, [6]) }
    guard isOn != (opcode == 0x23) else { return complete(index, opcode, isOn ? 0x0A : 0x0B, [6]) }
    complete(index, opcode, 0, [6])
    setDiscovering(index, opcode == 0x23)
    guard opcode == 0x23 else { return }
    after(10_240) { $0.setDiscovering(index, false) }
  }

  func setDiscovering(_ index: UInt16, _ isOn: Bool) {
    guard controllers[index]?.isDiscovering != isOn else { return }
    controllers[index]?.isDiscovering = isOn
    tell(index, 0x0013, [6, isOn ? 1 : 0])
  }

  // MARK: What happens to controllers

  /// Somebody pulls it out.
  func unplug(_ index: UInt16) {
    dropLinks(of: index)
    controllers[index]?.forget()
    controllers[index]?.settings = 0
    controllers[index]?.isPlugged = false
    tell(index, 0x0005, [])
  }

  /// And puts it in again.
  func plug(_ index: UInt16) {
    controllers[index]?.isPlugged = true
    tell(index, 0x0004, [])
  }

  /// A reset, a switch or rfkill: it is off, and has forgotten everything.
  func powerOff(_ index: UInt16) {
    let wasPairing = controllers[index]?.pairing
    dropLinks(of: index)
    controllers[index]?.forget()
    if let wasPairing { complete(index, 0x19, 0x0F, Kernel.wire(wasPairing)) }
    tell(index, 0x0006, current(index))
  }

  private func dropLinks(of index: UInt16) {
    for place in links.keys.sorted() where links[place]?.controller == index { drop(place, reason: 0) }
  }
}
