// The kernel's Bluetooth: controllers that come and go, the list of devices that the kernel connects to by itself, keys, links.

internal import BluetoothManagement
internal import ControlProtocol
internal import Drivers
internal import GATT
internal import JSON
internal import Octets
internal import Readings
internal import Settings
internal import Zones

struct BluetoothState: Sendable {
  enum Door: Sendable, Hashable {
    case closed
    case opening
    case open
  }
  var door = Door.closed
  /// Why it is closed.
  var fault: LinkEnd?
  var reopenAt: Int64?
  var controllers: [UInt16: Controller] = [:]
  /// Registered devices by address.
  var devices: [PeerAddress: String] = [:]
  var neighbourhood = Neighbourhood()
  /// Control connections that look for devices, until a monotonic millisecond.
  var scans: [UInt64: Int64] = [:]
  var pairing: Pairing?
  /// The device whose link is being ended after a pairing that failed: the next one waits for that.
  var parting: PeerAddress?
  /// Discovery was refused: it is asked for again.
  var rediscoverAt: Int64?

  var nextDeadline: Int64? {
    var times = [reopenAt, pairing?.deadline, rediscoverAt].compactMap { $0 } + Array(scans.values)
    for controller in controllers.values {
      switch controller.phase {
      case .down(_, _, _, let at): times.append(at)
      case .starting: times.append(controller.stepDeadline)
      case .ready: break
      }
    }
    return times.min()
  }
}

extension Gateway {
  /// How long a closed door or a controller that is down waits, in milliseconds.
  static let bluetoothRetry: Int64 = 30_000
  /// How long a device whose reading the disk refused is left alone, in milliseconds: many are on the air for a minute.
  static let refusedRetry: Int64 = 5000

  mutating func openBluetooth() -> [Effect] {
    guard configuration.bluetooth.isEnabled, bluetooth.door == .closed else { return [] }
    bluetooth.door = .opening
    bluetooth.reopenAt = nil
    return [.openBluetooth(ignoresOtherDaemons: configuration.bluetooth.ignoresOtherDaemons)]
  }

  mutating func bluetoothOpened() -> [Effect] {
    bluetooth.door = .open
    bluetooth.fault = nil
    bluetooth.controllers = [:]
    return [manage(.readIndexList, ManagementCommand.noIndex)]
  }

  mutating func bluetoothClosed(_ end: LinkEnd, _ now: Now) -> [Effect] {
    let isNew = bluetooth.fault?.code != end.code
    bluetooth.door = .closed
    bluetooth.fault = end
    bluetooth.controllers = [:]
    bluetooth.parting = nil
    var effects = failPairing(ControlError(code: end.code, message: end.message, hint: end.hint), now)
    let isWanted = !bluetooth.devices.isEmpty
    // Without devices nobody waits for it: it is tried again when a technician asks.
    if isWanted { bluetooth.reopenAt = now.monotonic + Gateway.bluetoothRetry }
    if isNew, isWanted { effects.append(.log(.warning, "\(end.code): \(end.message)")) }
    return effects
  }

  func manage(_ command: ManagementCommand, _ index: UInt16) -> Effect { .manage(command.packet(index: index)) }

  /// The index of a controller by its address.
  func controllerIndex(_ address: PeerAddress) -> UInt16? {
    bluetooth.controllers.values.first { $0.address == address && $0.isReady }?.index
  }

  /// The registered device of an address, when its bond is with this controller.
  private func device(_ address: PeerAddress, on index: UInt16) -> String? {
    guard let id = bluetooth.devices[address], let own = bluetooth.controllers[index]?.address,
      devices[id]?.link?.controller == own
    else { return nil }
    return id
  }

  /// The controller for a new device: the configured one, or the first that is ready.
  var readyController: Controller? {
    bluetooth.controllers.values.filter(\.isReady).min { $0.index < $1.index }
  }

  mutating func managementReceived(_ octets: [UInt8], _ now: Now) -> [Effect] {
    let packet: ManagementPacket
    do {
      packet = try ManagementPacket(octets)
    } catch {
      return [.log(.debug, "bluetooth: an event of the kernel cannot be read: \(error.message)")]
    }
    let index = packet.index
    switch packet.event {
    case .complete(let opcode, let status, let data): return completed(opcode, status, data, index, now)
    case .indexAdded: return addController(index, now)
    case .indexRemoved: return removeController(index, now)
    case .settings(let settings): return settingsChanged(settings, index, now)
    case .connected(let address, let advertising): return connected(address, advertising, index, now)
    case .disconnected(let address, let reason):
      let effects = address == bluetooth.parting ? parted(now) : []
      guard reason == .authenticationFailure, let id = device(address, on: index) else { return effects }
      return effects + bondLost(id, now)
    case .connectFailed(let address, _):
      if let id = device(address, on: index) { devices[id]?.missedContacts += 1 }
      return []
    case .found(let address, let rssi, let data): return heard(address, rssi, data, index, now)
    case .discovering(let isOn): return discovering(isOn, index, now)
    case .newLongTermKey(let key, let stores):
      return stores
        ? keep(key.address, index) {
          $0.add(key, on: $1)
        } pairing: {
          $0.longTermKeys.append(key)
        } : []
    case .newIdentityKey(let key, let random, let stores):
      return stores
        ? keep(key.address, seenAs: random, index) {
          $0.add(key, on: $1)
        } pairing: {
          $0.identityKeys.append(key)
        } : []
    case .newConnectionParameters(let parameters, let stores):
      return stores ? keepParameters(parameters, index) : []
    case .confirmationRequest, .passkeyRequest, .passkeyNotify: return asked(packet.event, index)
    case .deviceRemoved, .deviceAdded:
      // The kernel does not tell us of our own: another program steers the controller.
      return anotherProgram(now)
    case .controllerError, .authenticationFailed, .unpaired, .other: return []
    }
  }

  // MARK: Controllers

  private mutating func addController(_ index: UInt16, _ now: Now) -> [Effect] {
    bluetooth.controllers[index] = Controller(index: index)
    bluetooth.controllers[index]?.stepDeadline = now.monotonic + Controller.longestStep
    return [manage(.readInfo, index)]
  }

  private mutating func removeController(_ index: UInt16, _ now: Now) -> [Effect] {
    guard bluetooth.controllers.removeValue(forKey: index) != nil else { return [] }
    bluetooth.parting = nil
    var effects: [Effect] = [.log(.warning, "bluetooth: the controller was unplugged")]
    if bluetooth.pairing?.controller == index {
      effects += failPairing(
        ControlError(code: "bluetooth.absent", message: "the controller was unplugged", hint: "plug it in again"), now)
    }
    return effects
  }

  private mutating func settingsChanged(_ settings: ControllerSettings, _ index: UInt16, _ now: Now) -> [Effect] {
    guard let controller = bluetooth.controllers[index] else { return [] }
    bluetooth.controllers[index]?.settings = settings
    guard controller.isReady, !settings.contains(.powered) else { return [] }
    // Somebody blocked or reset it: keys and the list are to be loaded again.
    return takeDown(
      index, ("bluetooth.off", "the controller was switched off", "rfkill list; it is switched on again by itself"),
      after: 1000, now)
  }

  private mutating func takeDown(
    _ index: UInt16, _ fault: (code: String, message: String, hint: String), after milliseconds: Int64, _ now: Now
  ) -> [Effect] {
    var isNew = true
    if case .down(let code, _, _, _)? = bluetooth.controllers[index]?.phase { isNew = code != fault.code }
    if let before = bluetooth.controllers[index]?.lastFault { isNew = before != fault.code }
    bluetooth.controllers[index]?.lastFault = fault.code
    bluetooth.controllers[index]?.phase = .down(
      code: fault.code, message: fault.message, hint: fault.hint, retryAt: now.monotonic + milliseconds)
    bluetooth.controllers[index]?.listed = [:]
    bluetooth.controllers[index]?.isDiscovering = false
    bluetooth.parting = nil
    var effects: [Effect] = isNew ? [.log(.warning, "\(fault.code): \(fault.message)")] : []
    if bluetooth.pairing?.controller == index {
      effects += failPairing(ControlError(code: fault.code, message: fault.message, hint: fault.hint), now)
    }
    return effects
  }

  private mutating func completed(
    _ opcode: UInt16, _ status: ManagementStatus, _ data: [UInt8], _ index: UInt16, _ now: Now
  ) -> [Effect] {
    if opcode == ManagementCommand.readIndexList.opcode {
      guard let indexes = try? ControllerInfo.indexes(data) else { return [] }
      return indexes.flatMap { addController($0, now) }
    }
    if let step = bluetooth.controllers[index]?.step, step.opcode == opcode {
      return stepEnded(step, status, data, index, now)
    }
    switch opcode {
    case 0x0019: return pairEnded(status, data, index, now)
    case 0x001B: return forgotten(data, index)
    case 0x0014: return bluetooth.parting == nil ? [] : parted(now)
    case ManagementCommand.startDiscovery.opcode where status != .success:
      bluetooth.rediscoverAt = now.monotonic + 1000
      return []
    case ManagementCommand.stopDiscovery.opcode where status != .success:
      // The kernel ended it by itself.
      return discovering(false, index, now)
    default: return []
    }
  }

  private mutating func stepEnded(
    _ step: ManagementCommand, _ status: ManagementStatus, _ data: [UInt8], _ index: UInt16, _ now: Now
  ) -> [Effect] {
    guard case .starting(let steps)? = bluetooth.controllers[index]?.phase else { return [] }
    guard status == .success || Controller.isOptional(step) else {
      if status == .invalidIndex { return removeController(index, now) }
      // Soon at first: a controller that was just plugged in, or a busy hub, may need a second try.
      let failures = min(bluetooth.controllers[index]?.failures ?? 0, 4)
      bluetooth.controllers[index]?.failures = failures + 1
      let wait = min(Gateway.bluetoothRetry, 2000 << Int64(failures))
      return takeDown(index, Controller.failure(step, status), after: wait, now)
    }
    var rest = Array(steps.dropFirst())
    if case .readInfo = step {
      guard let info = try? ControllerInfo(data) else { return removeController(index, now) }
      if let only = configuration.bluetooth.controller, only != info.address {
        bluetooth.controllers[index] = nil
        return []
      }
      bluetooth.controllers[index]?.info = info
      guard info.supported.contains(.lowEnergy) else {
        return takeDown(index, Controller.failure(step, .notSupported), after: 3_600_000, now)
      }
      rest = Controller.steps(info, bonds.keys(of: info.address))
    }
    bluetooth.controllers[index]?.phase = rest.isEmpty ? .ready : .starting(rest)
    bluetooth.controllers[index]?.stepDeadline = now.monotonic + Controller.longestStep
    if let next = rest.first { return [manage(next, index)] }
    bluetooth.controllers[index]?.lastFault = nil
    bluetooth.controllers[index]?.failures = 0
    return listDevices(now) + discover()
  }

  /// Another program put devices on the kernel's list or took them off: the door is closed, and opened again only when that
  /// program is gone, or the configuration says to go on.
  private mutating func anotherProgram(_ now: Now) -> [Effect] {
    guard !configuration.bluetooth.ignoresOtherDaemons, bluetooth.door == .open else { return [] }
    let end = LinkEnd(
      code: "bluetooth.shared", message: "another program steers the Bluetooth controller",
      hint: "stop it: systemctl disable --now bluetooth.service")
    var effects: [Effect] = devices.keys.sorted().compactMap { id in
      devices[id]?.link == nil ? nil : .close(device: id)
    }
    effects.append(.closeBluetooth)
    effects += bluetoothClosed(end, now)
    bluetooth.reopenAt = now.monotonic + 2000
    return effects
  }

  // MARK: The kernel's list of devices

  /// Puts on the kernel's list what is to be there, and takes off what is not.
  mutating func listDevices(_ now: Now) -> [Effect] {
    var effects: [Effect] = []
    for index in bluetooth.controllers.keys.sorted() {
      guard let controller = bluetooth.controllers[index], controller.isReady else { continue }
      var wanted: [PeerAddress: ManagementCommand.DeviceAction] = [:]
      for (address, id) in bluetooth.devices {
        guard let device = devices[id], device.link?.controller == controller.address, !device.needsPairing,
          device.relistAt == nil, !isLeftAlone(id)
        else { continue }
        if case .advertisement = device.profile.transport {
          wanted[address] = .report
        } else {
          wanted[address] = .connect
        }
      }
      for address in controller.listed.keys.sorted(by: { $0.bits < $1.bits }) where wanted[address] == nil {
        effects.append(manage(.removeDevice(address), index))
      }
      for (address, action) in wanted.sorted(by: { $0.key.bits < $1.key.bits })
      where controller.listed[address] != action {
        effects.append(manage(.addDevice(address, action), index))
      }
      bluetooth.controllers[index]?.listed = wanted
    }
    return effects
  }

  // MARK: Links

  private mutating func connected(
    _ address: PeerAddress, _ advertising: [UInt8], _ index: UInt16, _ now: Now
  ) -> [Effect] {
    guard let own = bluetooth.controllers[index]?.address else { return [] }
    let isPairing = bluetooth.pairing?.peer == address && bluetooth.pairing?.stage == .pairing
    guard let id = isPairing ? bluetooth.pairing?.device : device(address, on: index), let device = devices[id] else {
      return []
    }
    guard device.session == nil, !isLeftAlone(id) else { return [] }
    devices[id]?.isConnecting = true
    return [.openLink(device: id, BluetoothLink(controller: own, device: address))]
  }

  /// The device has no key for this hub any more, or never kept it. It is tried no more until a technician pairs it again.
  mutating func bondLost(_ id: String, _ now: Now) -> [Effect] {
    guard let device = devices[id], device.link != nil, !device.needsPairing, bluetooth.pairing?.device != id else {
      return []
    }
    devices[id]?.needsPairing = true
    let event = HubEvent(
      device: id, code: "device.needs-pairing", message: "the device does not know this hub any more", at: now.wall,
      offsetSeconds: Int32(clamping: zone(for: device.configuration, patient: nil).local(at: now.wall / 1000).offset))
    return [.log(.warning, "device \(id): does not know this hub any more; pair it again: hearthctl pair")]
      + listDevices(now) + append([.event(event)], now: now)
  }

  // MARK: Keys

  /// Keeps a key: of the pairing under way until it is complete, of a known device at once. A stranger's is not kept.
  private mutating func keep(
    _ address: PeerAddress, seenAs random: PeerAddress? = nil, _ index: UInt16,
    _ add: (inout Bonds, PeerAddress) -> Void, pairing collect: (inout Pairing) -> Void
  ) -> [Effect] {
    guard let own = bluetooth.controllers[index]?.address else { return [] }
    if bluetooth.pairing?.controller == index, bluetooth.pairing?.stage == .pairing, var pairing = bluetooth.pairing,
      pairing.concerns(address) || random == pairing.peer
    {
      collect(&pairing)
      bluetooth.pairing = pairing
      return []
    }
    guard device(address, on: index) != nil else { return [] }
    // The kernel uses it already: it counts at once, and is written until the disk has it.
    keys.renew { add(&$0.bonds, own) }
    return []
  }

  private mutating func keepParameters(_ parameters: ConnectionParameters, _ index: UInt16) -> [Effect] {
    guard let own = bluetooth.controllers[index]?.address else { return [] }
    if bluetooth.pairing?.concerns(parameters.address) ?? false {
      bluetooth.pairing?.parameters.append(parameters)
      return []
    }
    guard device(parameters.address, on: index) != nil, !bonds.keys(of: own).parameters.contains(parameters) else {
      return []
    }
    keys.renew { $0.bonds.add(parameters, on: own) }
    return []
  }

  // MARK: Time and the end

  mutating func bluetoothDue(_ now: Now) -> [Effect] {
    var effects: [Effect] = []
    if let at = bluetooth.reopenAt, at <= now.monotonic { effects += openBluetooth() }
    for index in bluetooth.controllers.keys.sorted() {
      if case .starting? = bluetooth.controllers[index]?.phase,
        let deadline = bluetooth.controllers[index]?.stepDeadline, deadline <= now.monotonic
      {
        effects += takeDown(index, Controller.failure(.readInfo, .timeout), after: Gateway.bluetoothRetry, now)
      }
      guard case .down(_, _, _, let at)? = bluetooth.controllers[index]?.phase, at <= now.monotonic else { continue }
      bluetooth.controllers[index]?.phase = .starting([.readInfo])
      bluetooth.controllers[index]?.stepDeadline = now.monotonic + Controller.longestStep
      effects.append(manage(.readInfo, index))
    }
    for id in devices.keys.sorted() {
      guard let at = devices[id]?.relistAt, at <= now.monotonic else { continue }
      devices[id]?.relistAt = nil
      effects += listDevices(now)
    }
    if let at = bluetooth.rediscoverAt, at <= now.monotonic {
      bluetooth.rediscoverAt = nil
      effects += discover()
    }
    effects += endScans(now)
    if let deadline = bluetooth.pairing?.deadline, deadline <= now.monotonic { effects += pairingTimedOut(now) }
    return effects
  }

  /// The kernel connects to nobody while the daemon is away: a device would take that for a hub that listens.
  func leaveBluetooth() -> [Effect] {
    bluetooth.controllers.values.filter(\.isReady).sorted { $0.index < $1.index }.map {
      manage(.removeDevice(nil), $0.index)
    }
  }
}

extension DeviceState {
  /// The link over the air, for a Bluetooth device.
  var link: BluetoothLink? {
    if case .bluetooth(let link) = configuration.endpoint { return link }
    return nil
  }
}
