// What technicians ask of a device beyond its readings: its memory, its users' codes, its key. Asked while the link is up, or kept
// for the next contact.

internal import ControlProtocol
internal import Drivers
internal import JSON
internal import Settings

extension Gateway {
  mutating func askDevice(
    _ id: RequestID, _ device: String, _ wish: ControlRequest.DeviceWish, _ caller: CallerName, _ now: Now
  ) -> [Effect] {
    guard let state = devices[device] else { return noDevice(id, device) }
    let request: DriverRequest
    let name: String
    switch wish {
    case .count: (request, name) = (.countStored, "count records")
    case .erase: (request, name) = (.deleteStored, "erase records")
    case .abort: (request, name) = (.abort, "stop the transfer")
    case .registerUser(let code): (request, name) = (.registerUser(code: code), "register a user")
    case .consent(let user, let code):
      (request, name) = (.consent(user: user, code: code), "consent code")
      if register.devices.contains(where: { $0.id == device }) {
        return keepSecret(id, device, Consent(user: user, code: code), nil, caller, now)
      }
    case .key(let key):
      guard register.devices.contains(where: { $0.id == device }) else {
        return failure(
          id, "bad-parameters", "\(device) stands in hearth.json, which takes no secrets",
          "pair it with hearthctl pair")
      }
      return keepSecret(id, device, nil, key, caller, now)
    }
    let isUp = state.session != nil
    return append(
      [.audit(uid: caller.uid, action: "\(name) of \(device)")], completion: .asked(device: device, request), now: now)
      + [.answer(id, .result(["asked": true, "when": isUp ? "now" : "next-contact"]))]
  }

  /// A secret of a device goes to the file of keys, then the record that brings it into force, then the answer.
  private mutating func keepSecret(
    _ id: RequestID, _ device: String, _ consent: Consent?, _ key: [UInt8]?, _ caller: CallerName, _ now: Now
  ) -> [Effect] {
    guard !keys.isBusy else {
      return failure(id, "busy", "another change of keys is on its way to the disk", "try again in a second")
    }
    var changed = keys.keys
    if let consent { changed.consents[device] = consent }
    if let key { changed.deviceKeys[device] = key }
    keys.propose(
      changed,
      .secret(
        KeyChange.SecretChange(
          device: device, consent: consent, action: "\(consent == nil ? "key" : "consent code") of \(device)",
          request: id, caller: caller)))
    return []
  }

  /// What came of a request, or what the device waits for.
  mutating func answered(_ answer: DriverAnswer, _ id: String) -> [Effect] {
    devices[id]?.lastAnswer = answer.message
    let line: Effect = .log(.notice, "device \(id): \(answer.message)")
    guard register.devices.contains(where: { $0.id == id }) else { return [line] }
    switch answer {
    // The device says it once: it counts at once, and is written until the disk has it.
    case .userRegistered(let user, let code): keys.renew { $0.consents[id] = Consent(user: user, code: code) }
    case .keyGiven(let key): keys.renew { $0.deviceKeys[id] = key }
    default: return [line]
    }
    if let device = knownDevices.first(where: { $0.id == id }) { devices[id]?.configuration = device }
    return [line]
  }
}
