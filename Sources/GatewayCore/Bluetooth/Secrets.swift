// Keys, consent codes and keys of devices: the file of keys first, then the record that brings them into force.

internal import ControlProtocol
internal import Drivers
internal import JSON
internal import Settings
internal import Ledger

extension Bluetooth {
  /// A secret of a device goes to the file of keys, then the record that brings it into force, then the answer.
  mutating func keepSecret(_ change: KeyChange.SecretChange, _ key: [UInt8]?) -> [Effect] {
    guard !keys.isBusy else {
      return .failure(
        change.request, "busy", "another change of keys is on its way to the disk", "try again in a second")
    }
    var changed = keys.keys
    if let consent = change.consent { changed.consents[change.device] = consent }
    if let key { changed.deviceKeys[change.device] = key }
    keys.propose(changed, .secret(change))
    return []
  }

  /// A device told a secret. It says it once: it counts at once, and is written until the disk has it.
  mutating func told(_ device: String, _ turn: inout Turn, _ body: (inout Keys) -> Void) -> [Effect] {
    guard turn.head.register.devices.contains(where: { $0.id == device }) else { return [] }
    keys.renew(body)
    turn.send(.links(.refresh(device)))
    return []
  }

  /// The file of keys is on disk: now the record that brings them into force.
  mutating func keysKept(_ id: KeysID, _ turn: inout Turn) -> [Effect] {
    guard let (change, number) = keys.kept(id) else { return [] }
    switch change {
    case .pairing(let outcome): return recordPairing(outcome, keys: number, &turn)
    case .secret(let secret):
      var record = turn.head.register.record(secret.device)
      record.keys = number
      let request = secret.consent.map { DriverRequest.consent(user: $0.user, code: $0.code) }
      let isUp = turn.house.devices[secret.device]?.isUp ?? false
      return turn.append(
        [.device(record), secret.caller.audit(secret.action)],
        for: .completion(.asked(device: secret.device, request)))
        + [.answer(secret.request, .result(["asked": true, "when": isUp ? "now" : "next-contact"]))]
    }
  }

  mutating func keysRefused(_ id: KeysID, _ message: String, _ turn: inout Turn) -> [Effect] {
    let log: Effect = .log(.error, "keys.unsaved: the keys of devices are not on disk: \(message); free space on it")
    guard let change = keys.failed(id, message, at: turn.now.monotonic) else { return [log] }
    let error = ControlError(
      code: "state.write-failed", message: message, hint: "free space on the disk, then try again")
    switch change {
    case .pairing(let outcome):
      return [log, .answer(outcome.pairing.request, .failure(error))] + pairingRefused(outcome, &turn)
    case .secret(let secret): return [log, .answer(secret.request, .failure(error))]
    }
  }

  /// Its link is up, or coming up.
  func isLinked(_ id: String, _ turn: inout Turn) -> Bool {
    turn.house.devices[id]?.isUp ?? false || air[id]?.isConnecting ?? false
  }
}
