// Advertisements, links, ATT sockets and pairing of the simulated kernel, in the orders that a real one was seen to have.

import BluetoothManagement
@testable import GatewayCore
import Octets
import Settings
@testable import Ledger

/// A link between a controller and a device.
struct SimulatedLink {
  let number: Int
  let controller: UInt16
  /// Which of the hub's devices holds the ATT socket.
  var socket: String?
  var isOpen = false
  /// 1 low, 2 encrypted, 3 protected against a man in the middle.
  var level: UInt8 = 1
  /// PDUs that wait for encryption, and whether it is under way.
  var waiting: [[UInt8]] = []
  var isSecuring = false
  /// It is being ended.
  var isEnding = false
  var hasRefusedPairing = false
}

extension Kernel {
  // MARK: On the air

  /// A device wakes up and is heard for so long.
  func appear(_ place: Int, for milliseconds: Int64) {
    let isHeard = (onAirUntil[place] ?? 0) > hub.time
    onAirUntil[place] = max(onAirUntil[place] ?? 0, hub.time + milliseconds)
    if let link = links[place] { return send(air[place].sendsMore(), from: place, link.number) }
    if !isHeard { after(20) { $0.advertise(place) } }
  }

  private func advertise(_ place: Int) {
    guard let until = onAirUntil[place], hub.time < until, links[place] == nil else { return }
    for index in controllers.keys.sorted() where links[place] == nil { heard(place, index) }
    after(100) { $0.advertise(place) }
  }

  /// The address by which a controller knows a device.
  func resolved(_ place: Int, _ index: UInt16) -> PeerAddress {
    let device = air[place]
    guard let key = device.identityKey, controllers[index]?.identityKeys[device.identity] == key else {
      return device.address
    }
    return device.identity
  }

  private func heard(_ place: Int, _ index: UInt16) {
    guard let controller = controllers[index], controller.isPlugged, controller.isPowered else { return }
    let address = resolved(place, index)
    if let wanted = controller.pairing, wanted == address || wanted == air[place].address {
      return connect(place, index)
    }
    if controller.isDiscovering || controller.list[address] == 0 {
      let data = air[place].advertisement
      let body = Kernel.wire(address) + [0xCE, 0, 0, 0, 0] + Peripheral.octets(UInt16(data.count)) + data
      tell(index, 0x0012, body)
    } else if controller.list[address] == 2, !air[place].isDeaf {
      connect(place, index)
    }
  }

  private func connect(_ place: Int, _ index: UInt16) {
    if air[place].isDeaf {
      let address = air[place].address
      // It is tried for four seconds.
      return after(4000) { kernel in
        guard kernel.controllers[index]?.pairing == address else { return }
        kernel.tell(index, 0x000D, Kernel.wire(address) + [0x08])
        kernel.endPairing(index, 0x08)
      }
    }
    setDiscovering(index, false)
    nextLink += 1
    let number = nextLink
    links[place] = SimulatedLink(number: number, controller: index)
    after(70) { kernel in
      guard kernel.links[place]?.number == number else { return }
      let data = kernel.air[place].advertisement
      let address = kernel.resolved(place, index)
      let body = Kernel.wire(address) + [8, 0, 0, 0] + Peripheral.octets(UInt16(data.count)) + data
      kernel.tell(index, 0x000B, body)
      kernel.lastsWithoutSocket(place, number)
      if kernel.controllers[index]?.pairing != nil { kernel.after(50) { $0.pairLinked(place, index) } }
      kernel.send(kernel.air[place].connected(), from: place, number)
    }
  }

  /// A link without a socket lasts two seconds.
  private func lastsWithoutSocket(_ place: Int, _ number: Int) {
    after(2000) { kernel in
      guard let link = kernel.links[place], link.number == number, link.socket == nil,
        kernel.controllers[link.controller]?.pairing == nil
      else { return }
      kernel.drop(place, reason: 2)
    }
  }

  /// The hub ends a link by a command. Kernels were seen that die when a socket is closed after its link ended.
  func willEnd(_ place: Int, _ command: String) {
    guard !isLying, let device = links[place]?.socket else { return }
    violations.append("\(command) ends the link of \(device), whose socket is open")
  }

  /// The link is gone.
  func drop(_ place: Int, reason: UInt8, _ code: String = "peer") {
    guard let link = links.removeValue(forKey: place) else { return }
    let address = resolved(place, link.controller)
    tell(link.controller, 0x000C, Kernel.wire(address) + [reason])
    if let device = link.socket {
      after(1) { $0.hub.send(.linkClosed(device: device, LinkEnd(code: code, message: "the link ended"))) }
    }
    if let pairing = controllers[link.controller]?.pairing, pairing == address || pairing == air[place].address {
      endPairing(link.controller, 0x0E)
    }
    air[place].disconnected()
    after(20) { $0.advertise(place) }
  }

  // MARK: Sockets

  private func place(of device: String) -> Int? { links.first { $0.value.socket == device }?.key }

  func openSocket(_ device: String, _ wanted: BluetoothLink) {
    guard
      let place = links.keys.sorted().first(where: { place in
        guard let link = links[place], controllers[link.controller]?.address == wanted.controller else { return false }
        return resolved(place, link.controller) == wanted.device || air[place].address == wanted.device
      }), let number = links[place]?.number
    else {
      return after(5) { $0.hub.send(.linkClosed(device: device, LinkEnd(code: "no-link", message: "no link"))) }
    }
    links[place]?.socket = device
    after(20) { kernel in
      guard kernel.links[place]?.number == number, kernel.links[place]?.socket == device else { return }
      kernel.links[place]?.isOpen = true
      kernel.hub.send(.linkOpened(device: device))
    }
  }

  func closeSocket(_ device: String) {
    guard let place = place(of: device) else { return }
    socketClosed(place)
    after(0) { $0.hub.send(.linkClosed(device: device, LinkEnd(code: "ended", message: "the link was closed"))) }
  }

  /// The last socket of a link is closed.
  func socketClosed(_ place: Int) {
    guard let number = links[place]?.number else { return }
    links[place]?.socket = nil
    links[place]?.isOpen = false
    lastsWithoutSocket(place, number)
  }

  func secure(_ device: String, _ level: UInt8) {
    guard let place = place(of: device), let link = links[place] else { return }
    let index = link.controller
    let address = resolved(place, index)
    links[place]?.isSecuring = true
    after(10) { kernel in
      guard kernel.links[place]?.number == link.number, let controller = kernel.controllers[index] else { return }
      // The device has another key, or none: it refuses.
      guard let key = controller.keys[address], kernel.air[place].bond == key else {
        return kernel.drop(place, reason: 4, "security")
      }
      kernel.encrypted(place, controller.authenticated.contains(address) ? 3 : 2)
    }
  }

  private func encrypted(_ place: Int, _ level: UInt8) {
    links[place]?.level = level
    links[place]?.isSecuring = false
    guard let device = links[place]?.socket, links[place]?.isOpen ?? false else { return }
    hub.send(.linkSecured(device: device, level: level))
    let waiting = links[place]?.waiting ?? []
    links[place]?.waiting = []
    for pdu in waiting { transmit(device, pdu) }
  }

  func transmit(_ device: String, _ pdu: [UInt8]) {
    guard let place = place(of: device), let link = links[place], link.isOpen else { return }
    guard !link.isSecuring else {
      links[place]?.waiting.append(pdu)
      return
    }
    after(5) { kernel in
      guard kernel.links[place]?.number == link.number else { return }
      if let left = kernel.cuts[place] {
        kernel.cuts[place] = left > 0 ? left - 1 : nil
        if left <= 0 { return kernel.drop(place, reason: 1, "lost") }
      }
      if pdu.first == 0x1E, let value = kernel.air[place].unconfirmed, kernel.stored[value] == nil {
        kernel.violations.append("a value of \(kernel.air[place].name) was confirmed before it was on disk")
      }
      let isEncrypted = (kernel.links[place]?.level ?? 1) > 1
      let sent = kernel.air[place].received(pdu, isEncrypted: isEncrypted)
      kernel.send(sent, from: place, link.number)
      guard kernel.air[place].isDone else { return }
      kernel.after(1000) { kernel in
        guard kernel.links[place]?.number == link.number, kernel.air[place].isDone else { return }
        kernel.onAirUntil[place] = kernel.hub.time
        kernel.drop(place, reason: 3)
      }
    }
  }

  /// PDUs of a device. They wait in the socket's queue until there is one.
  func send(_ pdus: [[UInt8]], from place: Int, _ number: Int) {
    guard !pdus.isEmpty else { return }
    after(5) { kernel in
      guard let link = kernel.links[place], link.number == number else { return }
      guard link.isOpen, let device = link.socket else { return kernel.send(pdus, from: place, number) }
      for pdu in pdus { kernel.hub.send(.linkReceived(device: device, pdu)) }
    }
  }

  // MARK: Pairing

  func pairingCommand(_ index: UInt16, _ opcode: UInt16, _ body: [UInt8]) {
    let address = Kernel.address(body)
    let place = air.indices.first { $0 < air.count && (resolved($0, index) == address || air[$0].address == address) }
    switch opcode {
    case 0x19:
      if controllers[index]?.pairing != nil { return complete(index, opcode, 0x0A, Kernel.wire(address)) }
      if controllers[index]?.keys[address] != nil { return complete(index, opcode, 0x13, Kernel.wire(address)) }
      controllers[index]?.pairing = address
      // A link that is just being ended is taken, and the pairing ends with it.
      if let place, links[place] != nil, links[place]?.isEnding == false { pairLinked(place, index) }
    case 0x14:
      guard let place, let number = links[place]?.number else {
        return complete(index, opcode, 0x02, Kernel.wire(address))
      }
      willEnd(place, "Disconnect")
      links[place]?.isEnding = true
      after(40) { kernel in
        if kernel.links[place]?.number == number { kernel.drop(place, reason: 2) }
        kernel.complete(index, opcode, 0, Kernel.wire(address))
      }
    case 0x1A:
      let isPending = controllers[index]?.pairing == address
      if isPending { endPairing(index, 0x10) }
      complete(index, opcode, isPending ? 0 : 0x0D, Kernel.wire(address))
      if isPending, let place, let link = links[place] { lastsWithoutSocket(place, link.number) }
    case 0x1B:
      let wasKnown = controllers[index]?.keys.removeValue(forKey: address) != nil
      controllers[index]?.identityKeys[address] = nil
      // A device without keys is not paired, and its link stays.
      guard wasKnown, let place, let number = links[place]?.number else {
        return complete(index, opcode, wasKnown ? 0 : 0x06, Kernel.wire(address))
      }
      willEnd(place, "Unpair Device")
      links[place]?.isEnding = true
      after(30) { kernel in
        if kernel.links[place]?.number == number { kernel.drop(place, reason: 2) }
        kernel.complete(index, opcode, 0, Kernel.wire(address))
      }
    default:
      complete(index, opcode, 0, Kernel.wire(address))
      guard controllers[index]?.pairing != nil, let place else { return }
      replied(place, index, opcode, body)
    }
  }

  private func replied(_ place: Int, _ index: UInt16, _ opcode: UInt16, _ body: [UInt8]) {
    switch (opcode, air[place].pairing) {
    case (0x1C, .justWorks), (0x1C, .legacy), (0x1C, .keepsNoKeys): bonded(place, index, isAuthenticated: false)
    case (0x1C, .compares): bonded(place, index, isAuthenticated: true)
    case (0x1E, .passkeyOnHub(let digits))
    where body.count >= 11 && body[7...].enumerated().reduce(0) { $0 | UInt32($1.element) << (8 * $1.offset) } == digits:
      bonded(place, index, isAuthenticated: true)
    default:
      // The link stays for a moment, but devices were seen that finish no second pairing on it.
      links[place]?.hasRefusedPairing = true
      endPairing(index, 0x05)
      if let number = links[place]?.number { lastsWithoutSocket(place, number) }
    }
  }

  /// The link for a pairing is up: who asks what.
  private func pairLinked(_ place: Int, _ index: UInt16) {
    guard controllers[index]?.pairing != nil, links[place] != nil else { return }
    let address = Kernel.wire(resolved(place, index))
    func number(_ value: UInt32) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }
    switch air[place].pairing {
    case .justWorks, .legacy, .keepsNoKeys: tell(index, 0x000F, address + [1] + number(0), after: 40)
    case .compares(let value): tell(index, 0x000F, address + [0] + number(value), after: 40)
    case .passkeyOnHub: tell(index, 0x0010, address, after: 40)
    case .passkeyOnDevice(let value):
      for entered in UInt8(0)...6 {
        tell(index, 0x0017, address + number(value) + [entered], after: 40 + Int64(entered) * 1000)
      }
      after(7000) { kernel in
        guard kernel.controllers[index]?.pairing != nil, kernel.links[place] != nil else { return }
        kernel.bonded(place, index, isAuthenticated: true)
      }
    case .refuses:
      after(40) { kernel in
        kernel.endPairing(index, 0x05)
        kernel.drop(place, reason: 3)
      }
    }
  }

  /// Keys are exchanged.
  private func bonded(_ place: Int, _ index: UInt16, isAuthenticated: Bool) {
    let device = air[place]
    var stores = controllers[index]?.isBondable ?? false
    if device.pairing == .keepsNoKeys { stores = false }
    let key = (0..<16).map { _ in UInt8.random(in: 0...255, using: &random) }
    if let identityKey = device.identityKey {
      tell(index, 0x0018, [stores ? 1 : 0] + device.address.octets + Kernel.wire(device.identity) + identityKey)
      controllers[index]?.identityKeys[device.identity] = identityKey
    }
    let isLegacy = device.pairing == .legacy
    for isCentral: UInt8 in isLegacy ? [1, 0] : [0] {
      let type: UInt8 = (isLegacy ? 0 : 2) + (isAuthenticated ? 1 : 0)
      let rest = [type, isCentral, 16] + [UInt8](repeating: isLegacy ? 9 : 0, count: 10) + key
      tell(index, 0x000A, [stores ? 1 : 0] + Kernel.wire(device.identity) + rest)
    }
    air[place].bond = stores ? key : nil
    if stores { controllers[index]?.keys[device.identity] = key }
    if isAuthenticated { controllers[index]?.authenticated.insert(device.identity) }
    controllers[index]?.pairing = nil
    links[place]?.level = isAuthenticated ? 3 : 2
    complete(index, 0x19, 0, Kernel.wire(device.identity), after: 2)
    if let number = links[place]?.number { lastsWithoutSocket(place, number) }
  }

  func endPairing(_ index: UInt16, _ status: UInt8) {
    guard let address = controllers[index]?.pairing else { return }
    controllers[index]?.pairing = nil
    complete(index, 0x19, status, Kernel.wire(address))
  }
}
