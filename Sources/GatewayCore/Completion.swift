// What comes about beside the ledger when records are on disk: a port that is opened, a device that the kernel lets go of. It is
// decided before, and done after.

internal import ControlProtocol
internal import Drivers
internal import JSON
internal import Settings

/// What comes about with records of one giver.
enum Completion: Sendable {
  /// A device was paired.
  case paired(PairingOutcome)
  /// A device was unpaired.
  case unpaired(device: String, BluetoothLink)
  /// A port was bound to a device by a technician.
  case bound(PortBound)
  /// The device at a port of the configuration is right, whatever number it tells.
  case accepted(device: String)
  /// A bound device was released from its port.
  case portReleased(device: String)
  /// A port was recognised as a device's.
  case recognised(device: String, node: String)
  /// A device is quarantined no more.
  case released(device: String)
  /// A device is asked for something.
  case asked(device: String, DriverRequest?)
  /// Parked readings of a slot moved.
  case swept(Bindings.Slot)
}

extension Gateway {
  mutating func completed(_ completion: Completion, _ now: Now) -> [Effect] {
    switch completion {
    case .paired(let outcome): return paired(outcome, now)
    case .unpaired(let device, let link): return unpaired(device, link, now)
    case .bound(let bound): return portBound(bound, now)
    case .accepted(let device): return accepted(device, now)
    case .portReleased(let device): return portReleased(device, now)
    case .recognised(let device, let node): return recognisedRecorded(device, node, now)
    case .released(let device):
      return listDevices(now) + (devices[device]?.session == nil ? open(device, now) : [])
    case .asked(let device, let request):
      guard let request, let state = devices[device] else { return [] }
      guard state.session != nil else {
        devices[device]?.requests.append(request)
        return []
      }
      return session(device, now) { $0.request(request, at: now.monotonic) }
    case .swept(let slot):
      sweeping.remove(slot)
      return sweepRound(now)
    }
  }

  /// The disk refused the records: nothing of it comes about. Who waits for it is told elsewhere.
  mutating func notCompleted(_ completion: Completion, _ now: Now) -> [Effect] {
    switch completion {
    case .paired(let outcome): return pairingRefused(outcome, now)
    case .bound(let bound):
      serial.ports[bound.node]?.isClaimed = false
      return []
    case .recognised(_, let node):
      serial.ports[node]?.isClaimed = false
      // It is listened to again: what it is comes out again.
      serial.ports[node]?.heard = []
      return recognised(node, now) { $0.start(at: now.monotonic) }
    case .swept(let slot):
      sweeping.remove(slot)
      sweepAt = now.monotonic + Gateway.refusedRules
      return []
    case .unpaired, .accepted, .portReleased, .released, .asked: return []
    }
  }

  /// A device of the register came, changed or went, and that is on disk.
  mutating func deviceRecorded(_ record: DeviceRecord, _ now: Now) -> [Effect] {
    let id = record.id
    if devices[id]?.proof.expected == nil, let serial = record.serial, devices[id]?.session != nil {
      devices[id]?.proof.expected = serial
      devices[id]?.proof.isGiven = true
    }
    guard let device = knownDevices.first(where: { $0.id == id }), devices[id]?.profile.id == device.driver else {
      return []
    }
    devices[id]?.configuration = device
    return []
  }

  // MARK: Keys

  /// The file of keys is on disk: now the record that brings them into force.
  mutating func keysKept(_ id: KeysID, _ now: Now) -> [Effect] {
    guard let (change, number) = keys.kept(id) else { return [] }
    switch change {
    case .pairing(let outcome): return recordPairing(outcome, keys: number, now)
    case .secret(let secret):
      var record = register.record(secret.device)
      record.keys = number
      let request = secret.consent.map { DriverRequest.consent(user: $0.user, code: $0.code) }
      let isUp = devices[secret.device]?.session != nil
      return append(
        [.device(record), .audit(uid: secret.caller.uid, action: secret.action)],
        completion: .asked(device: secret.device, request), now: now)
        + [.answer(secret.request, .result(["asked": true, "when": isUp ? "now" : "next-contact"]))]
    }
  }

  mutating func keepFailed(_ id: KeysID, _ message: String, _ now: Now) -> [Effect] {
    let log: Effect = .log(.error, "keys.unsaved: \(message)")
    guard let change = keys.failed(id, message, at: now.monotonic) else { return [log] }
    let error = ControlError(
      code: "state.write-failed", message: message, hint: "free space on the disk, then try again")
    switch change {
    case .pairing(let outcome):
      return [log, .answer(outcome.pairing.request, .failure(error))] + pairingRefused(outcome, now)
    case .secret(let secret): return [log, .answer(secret.request, .failure(error))]
    }
  }
}
