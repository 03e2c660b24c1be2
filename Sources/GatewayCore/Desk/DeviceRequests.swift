// What technicians ask of a device beyond its readings: its memory, its users' codes, its key. Asked while the link is up, or kept
// for the next contact.

internal import ControlProtocol
internal import Drivers
internal import JSON
internal import Settings
internal import Ledger

extension Desk {
  mutating func askDevice(
    _ id: RequestID, _ device: String, _ wish: ControlRequest.DeviceWish, _ caller: CallerName, _ turn: inout Turn
  ) -> [Effect] {
    guard let state = turn.house.devices[device] else { return .noDevice(id, device, turn.house) }
    guard state.abilities.contains(wish.ability) else { return cannot(id, state, device, wish.ability) }
    let request: DriverRequest
    let name: String
    switch wish {
    case .count: (request, name) = (.countStored, "count records")
    case .erase: (request, name) = (.deleteStored, "erase records")
    case .abort: (request, name) = (.abort, "stop the transfer")
    case .registerUser(let code): (request, name) = (.registerUser(code: code), "register a user")
    case .consent(let user, let code):
      (request, name) = (.consent(user: user, code: code), "consent code")
      if turn.head.register.devices.contains(where: { $0.id == device }) {
        return keepSecret(id, device, Consent(user: user, code: code), nil, caller, &turn)
      }
    case .key(let key):
      guard turn.head.register.devices.contains(where: { $0.id == device }) else {
        return .failure(
          id, "bad-parameters", "\(device) stands in hearth.json, which takes no secrets",
          "pair it with hearthctl pair")
      }
      return keepSecret(id, device, nil, key, caller, &turn)
    }
    let isUp = state.isUp
    return turn.append(
      [caller.audit("\(name) of \(device)")], for: .completion(.asked(device: device, request)))
      + [.answer(id, .result(["asked": true, "when": isUp ? "now" : "next-contact"]))]
  }

  /// The device has nothing of the kind: what it has is said.
  private func cannot(
    _ id: RequestID, _ state: DeviceFact, _ device: String, _ wish: DeviceAbilities
  ) -> [Effect] {
    let wish = wish.names.joined()
    let others = state.abilities.names
    let what =
      others.isEmpty ? "nothing can be asked of it" : "what can be asked of it: \(others.joined(separator: ", "))"
    return .failure(
      id, "device.cannot", "\(device) cannot do \"\(wish)\"; \(what)",
      "hearthctl devices --json lists under asks what each device can do")
  }

  private func keepSecret(
    _ id: RequestID, _ device: String, _ consent: Consent?, _ key: [UInt8]?, _ caller: CallerName, _ turn: inout Turn
  ) -> [Effect] {
    let action = "\(consent == nil ? "key" : "consent code") of \(device)"
    let change = KeyChange.SecretChange(device: device, consent: consent, action: action, request: id, caller: caller)
    turn.send(.bluetooth(.keepSecret(change, key: key)))
    return []
  }

  /// A technician lets a device in again.
  func release(_ request: RequestID, device id: String, _ caller: CallerName, _ turn: inout Turn) -> [Effect] {
    guard turn.house.devices[id] != nil || turn.head.quarantine.crashes(of: id) > 0 else {
      return .noDevice(request, id, turn.house)
    }
    let wasHeld = turn.head.quarantine.holds(id)
    return turn.append(
      [.quarantine(device: id, nil), caller.audit("release device \(id)")],
      for: wasHeld ? .completion(.released(device: id)) : .none)
      + [.answer(request, .result(["released": .bool(wasHeld), "device": .string(id)]))]
  }
}

extension ControlRequest.DeviceWish {
  /// What a device needs to do it.
  fileprivate var ability: DeviceAbilities {
    switch self {
    case .count: .count
    case .erase: .erase
    case .abort: .abort
    case .consent: .consent
    case .registerUser: .registerUser
    case .key: .key
    }
  }
}
