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
    guard let state = devices[device] else {
      let near = Suggestion.nearest(to: device, among: Array(devices.keys))
      return [
        .answer(
          id,
          .failure(
            ControlError(
              code: "not-found", message: "there is no device \(device)",
              hint: near.map { "did you mean \($0)?" } ?? "hearthctl devices")))
      ]
    }
    var effects: [Effect] = []
    let request: DriverRequest?
    let name: String
    switch wish {
    case .count: (request, name) = (.countStored, "count records")
    case .erase: (request, name) = (.deleteStored, "erase records")
    case .abort: (request, name) = (.abort, "stop the transfer")
    case .registerUser(let code): (request, name) = (.registerUser(code: code), "register a user")
    case .consent(let user, let code):
      (request, name) = (.consent(user: user, code: code), "consent code")
      effects += change(device) { $0.consent = Consent(user: user, code: code) }
    case .key(let key):
      (request, name) = (nil, "key")
      effects += change(device) { $0.key = key }
      guard !effects.isEmpty else {
        return [
          .answer(
            id,
            .failure(
              ControlError(
                code: "bad-parameters", message: "\(device) stands in hearth.json, which takes no secrets",
                hint: "pair it with hearthctl pair")))
        ]
      }
    }
    let isUp = state.session != nil
    if let request, !isUp { devices[device]?.requests.append(request) }
    effects.append(.answer(id, .result(["asked": true, "when": isUp ? "now" : "next-contact"])))
    if let request, isUp { effects += session(device, now) { $0.request(request, at: now.monotonic) } }
    return effects + append([.audit(uid: caller.uid, action: "\(name) of \(device)")], now: now)
  }

  /// Changes a device of the register and keeps that. None for a device of the configuration.
  private mutating func change(_ id: String, _ body: (inout DeviceConfiguration) -> Void) -> [Effect] {
    guard let index = register.devices.firstIndex(where: { $0.id == id }) else { return [] }
    body(&register.devices[index])
    let configuration = register.devices[index]
    devices[id]?.configuration = configuration
    return [.save(.devices, register.encoded)]
  }

  /// What came of a request, or what the device waits for.
  mutating func answered(_ answer: DriverAnswer, _ id: String) -> [Effect] {
    devices[id]?.lastAnswer = answer.message
    let line: Effect = .log(.notice, "device \(id): \(answer.message)")
    switch answer {
    case .userRegistered(let user, let code):
      return [line] + change(id) { $0.consent = Consent(user: user, code: code) }
    case .keyGiven(let key): return [line] + change(id) { $0.key = key }
    default: return [line]
    }
  }
}
