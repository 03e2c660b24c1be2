// A device whose session ends the daemon again and again is left alone until a technician lets it in: one bad device never takes
// the house down for good. Who was being handled when the process died is the shell's knowledge (`CrashTrace`); this is what
// follows from it.

internal import ControlProtocol
internal import JSON
internal import Ledger

extension Event {
  /// The device whose link this is about; nil for everything else.
  package var device: String? {
    switch self {
    case .linkOpened(let device), .deviceInRange(let device), .advertised(let device, _),
      .linkReceived(let device, _), .linkSecured(let device, _), .linkClosed(let device, _):
      device
    default: nil
    }
  }
}

extension Links {
  /// The daemon before this one died while it handled this device. Comes before `started`; what follows is on disk before the
  /// device is opened again.
  mutating func sessionCrashed(_ id: String, _ turn: inout Turn) -> [Effect] {
    let now = turn.now
    guard !turn.head.quarantine.holds(id) else { return [] }
    crashed.insert(id)
    let entry = turn.head.quarantine.crashed(id, at: now.wall)
    let isHeld = entry.crashes >= Quarantine.limit
    let code = isHeld ? "device.quarantined" : "device.session-crashed"
    let message =
      isHeld
      ? "the daemon ended \(Quarantine.limit) times while it spoke with the device; it is left alone until it is released"
      : "the daemon ended while it spoke with the device"
    return [.log(.error, "device \(id): \(code): \(message)")]
      + turn.append([.quarantine(device: id, entry), .event(turn.house.event(of: id, code, message, now))])
  }

  /// What is known of a device's crashes is on disk.
  mutating func crashRecorded(_ id: String, _ turn: inout Turn) -> [Effect] {
    guard crashed.remove(id) != nil, turn.house.isStarted else { return [] }
    turn.send(.bluetooth(.list))
    turn.send(.links(.open(id)))
    return []
  }
}
