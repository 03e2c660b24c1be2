// Controllers that come and go: each is brought up step by step, and taken down when it fails.

internal import BluetoothManagement
internal import ControlProtocol
internal import Drivers
internal import Settings
internal import Ledger

extension Bluetooth {
  mutating func addController(_ index: UInt16, _ turn: inout Turn) -> [Effect] {
    let now = turn.now
    controllers[index] = Controller(index: index)
    controllers[index]?.stepDeadline = now.monotonic + Controller.longestStep
    return [manage(.readInfo, index)]
  }

  mutating func removeController(_ index: UInt16, _ turn: inout Turn) -> [Effect] {
    guard controllers.removeValue(forKey: index) != nil else { return [] }
    departed { $0.controller == index }
    parting = nil
    var effects: [Effect] = [.log(.warning, "bluetooth.absent: the controller was unplugged; plug it in again")]
    if pairing?.controller == index {
      effects += failPairing(
        ControlError(code: "bluetooth.absent", message: "the controller was unplugged", hint: "plug it in again"), &turn
      )
    }
    return effects
  }

  mutating func settingsChanged(_ settings: ControllerSettings, _ index: UInt16, _ turn: inout Turn) -> [Effect] {
    guard let controller = controllers[index] else { return [] }
    controllers[index]?.settings = settings
    guard controller.isReady, !settings.contains(.powered) else { return [] }
    // Somebody blocked or reset it: keys and the list are to be loaded again.
    return takeDown(
      index, ("bluetooth.off", "the controller was switched off", "rfkill list; it is switched on again by itself"),
      after: 1000, &turn)
  }

  mutating func takeDown(
    _ index: UInt16, _ fault: (code: String, message: String, hint: String), after milliseconds: Int64,
    _ turn: inout Turn
  ) -> [Effect] {
    let now = turn.now
    var isNew = true
    if case .down(let code, _, _, _)? = controllers[index]?.phase { isNew = code != fault.code }
    if let before = controllers[index]?.lastFault { isNew = before != fault.code }
    controllers[index]?.lastFault = fault.code
    controllers[index]?.phase = .down(
      code: fault.code, message: fault.message, hint: fault.hint, retryAt: now.monotonic + milliseconds)
    controllers[index]?.listed = [:]
    controllers[index]?.isDiscovering = false
    departed { $0.controller == index }
    parting = nil
    var effects: [Effect] = isNew ? [.log(.warning, "\(fault.code): \(fault.message); \(fault.hint)")] : []
    if pairing?.controller == index {
      effects += failPairing(ControlError(code: fault.code, message: fault.message, hint: fault.hint), &turn)
    }
    return effects
  }

  mutating func completed(
    _ opcode: UInt16, _ status: ManagementStatus, _ data: [UInt8], _ index: UInt16, _ turn: inout Turn
  ) -> [Effect] {
    let now = turn.now
    if opcode == ManagementCommand.readIndexList.opcode {
      guard let indexes = try? ControllerInfo.indexes(data) else { return [] }
      return indexes.flatMap { addController($0, &turn) }
    }
    if let step = controllers[index]?.step, step.opcode == opcode {
      return stepEnded(step, status, data, index, &turn)
    }
    switch opcode {
    case 0x0019: return pairEnded(status, data, index, &turn)
    case 0x001B: return forgotten(data, index)
    case 0x0014: return parting == nil ? [] : parted(&turn)
    case ManagementCommand.startDiscovery.opcode where status != .success:
      rediscoverAt = now.monotonic + 1000
      return []
    case ManagementCommand.stopDiscovery.opcode where status != .success:
      // The kernel ended it by itself.
      return discovering(false, index, &turn)
    default: return []
    }
  }

  mutating func stepEnded(
    _ step: ManagementCommand, _ status: ManagementStatus, _ data: [UInt8], _ index: UInt16, _ turn: inout Turn
  ) -> [Effect] {
    let now = turn.now
    guard case .starting(let steps)? = controllers[index]?.phase else { return [] }
    guard status == .success || Controller.isOptional(step) else {
      if status == .invalidIndex { return removeController(index, &turn) }
      // Soon at first: a controller that was just plugged in, or a busy hub, may need a second try.
      let failures = min(controllers[index]?.failures ?? 0, 4)
      controllers[index]?.failures = failures + 1
      let wait = min(Bluetooth.bluetoothRetry, 2000 << Int64(failures))
      return takeDown(index, Controller.failure(step, status), after: wait, &turn)
    }
    var rest = Array(steps.dropFirst())
    if case .readInfo = step {
      guard let info = try? ControllerInfo(data) else { return removeController(index, &turn) }
      if let only = turn.house.configuration.bluetooth.controller, only != info.address {
        controllers[index] = nil
        return []
      }
      controllers[index]?.info = info
      guard info.supported.contains(.lowEnergy) else {
        return takeDown(index, Controller.failure(step, .notSupported), after: 3_600_000, &turn)
      }
      rest = Controller.steps(info, keys.keys.bonds.keys(of: info.address))
    }
    controllers[index]?.phase = rest.isEmpty ? .ready : .starting(rest)
    controllers[index]?.stepDeadline = now.monotonic + Controller.longestStep
    if let next = rest.first {
      if case .setPowered(false) = next { return closeLinks(of: index, &turn) + [manage(next, index)] }
      return [manage(next, index)]
    }
    controllers[index]?.lastFault = nil
    controllers[index]?.failures = 0
    return openArrived(&turn) + listDevices(&turn) + discover()
  }

  /// Another program put devices on the kernel's list or took them off: the door is closed, and opened again only when that
  /// program is gone, or the configuration says to go on.
  mutating func anotherProgram(_ turn: inout Turn) -> [Effect] {
    let now = turn.now
    guard !turn.house.configuration.bluetooth.ignoresOtherDaemons, door == .open else { return [] }
    let end = LinkEnd(
      code: "bluetooth.shared", message: "another program steers the Bluetooth controller",
      hint: "stop it: systemctl disable --now bluetooth.service")
    var effects: [Effect] = turn.house.devices.sorted { $0.key < $1.key }.compactMap { id, device in
      if case .bluetooth = device.configuration.endpoint { .close(device: id) } else { nil }
    }
    effects.append(.closeBluetooth)
    effects += closed(end, &turn)
    reopenAt = now.monotonic + 2000
    return effects
  }
}
