// A device whose session ends the daemon again and again is left alone until a technician lets it in: one bad device never takes
// the house down for good. Who was being handled when the process died is the shell's knowledge (`CrashTrace`); this is what
// follows from it.

internal import ControlProtocol
internal import JSON

extension Event {
  /// The device whose link this is about; nil for everything else.
  public var device: String? {
    switch self {
    case .linkOpened(let device), .deviceInRange(let device), .advertised(let device, _),
      .linkReceived(let device, _), .linkSecured(let device, _), .linkClosed(let device, _):
      device
    default: nil
    }
  }
}

extension Gateway {
  /// A device is left alone: it is quarantined, or what its last session did is not on disk yet.
  func isLeftAlone(_ id: String) -> Bool { state.quarantine.holds(id) || crashed.contains(id) }

  /// The daemon before this one died while it handled this device. Comes before `started`; what follows is on disk before the
  /// device is opened again.
  mutating func sessionCrashed(_ id: String, _ now: Now) -> [Effect] {
    guard !state.quarantine.holds(id) else { return [] }
    crashed.insert(id)
    let entry = state.quarantine.crashed(id, at: now.wall)
    let isHeld = entry.crashes >= Quarantine.limit
    let code = isHeld ? "device.quarantined" : "device.session-crashed"
    let message =
      isHeld
      ? "the daemon ended \(Quarantine.limit) times while it spoke with the device; it is left alone until it is released"
      : "the daemon ended while it spoke with the device"
    return [.log(.error, "device \(id): \(code): \(message)")]
      + append([.quarantine(device: id, entry), .event(deviceEvent(id, code, message, now))], now: now)
  }

  /// What is known of a device's crashes is on disk.
  mutating func crashRecorded(_ id: String, _ now: Now) -> [Effect] {
    guard crashed.remove(id) != nil, isStarted else { return [] }
    return listDevices(now) + (devices[id]?.session == nil ? open(id, now) : [])
  }

  /// A technician lets a device in again.
  mutating func release(_ request: RequestID, device id: String, _ caller: CallerName, _ now: Now) -> [Effect] {
    guard devices[id] != nil || state.quarantine.crashes(of: id) > 0 else { return noDevice(request, id) }
    let wasHeld = state.quarantine.holds(id)
    return append(
      [.quarantine(device: id, nil), .audit(uid: caller.uid, action: "release device \(id)")],
      completion: wasHeld ? .released(device: id) : nil, now: now)
      + [.answer(request, .result(["released": .bool(wasHeld), "device": .string(id)]))]
  }
}
