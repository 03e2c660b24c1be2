// Sessions on public devices, as technicians and nurses open and end them.

internal import ControlProtocol
internal import JSON
internal import Settings
internal import Zones

extension Gateway {
  mutating func sessionStart(
    _ id: RequestID, patient: String, device name: String, minutes: Int, _ caller: CallerName, _ now: Now
  ) -> [Effect] {
    guard let device = devices[name] else { return noDevice(id, name) }
    let owned = bindings.slots.keys.contains { $0.device == name }
    guard device.configuration.patient == nil, device.configuration.users.isEmpty, !owned else {
      return failure(
        id, "device.not-public", "\(name) belongs to somebody: its readings are theirs",
        "only a device without patient and users is public")
    }
    let before = sessions
    let length = Int64(minutes) * 60_000
    sessions.open[name] = PublicSessions.Session(
      patient: patient, startedAt: now.wall, endsAt: now.wall + length, bootID: now.bootID,
      deadline: now.monotonic + length)
    undo.sessions = (before, sessions)
    sessionDeadline = sessions.nextDeadline(now)
    var effects: [Effect] = []
    if device.configuration.isOnUSB, register.publicDevices.insert(name).inserted {
      effects.append(.save(.devices, register.encoded))
    }
    effects += [
      .save(.sessions, sessions.encoded), .answer(id, .result(["session": sessionJSON(name) ?? .null])),
    ]
    return effects + append([.audit(uid: caller.uid, action: "session start on \(name)")], now: now)
  }

  mutating func sessionEnd(_ id: RequestID, device name: String, _ caller: CallerName, _ now: Now) -> [Effect] {
    guard devices[name] != nil else { return noDevice(id, name) }
    let before = sessions
    guard sessions.open.removeValue(forKey: name) != nil else {
      return failure(id, "not-found", "no session is open on \(name)", "hearthctl devices shows open sessions")
    }
    undo.sessions = (before, sessions)
    return [.save(.sessions, sessions.encoded), .answer(id, .result(["ended": .string(name)]))]
      + append([.audit(uid: caller.uid, action: "session end on \(name)")], now: now)
  }

  private func noDevice(_ id: RequestID, _ name: String) -> [Effect] {
    let near = Suggestion.nearest(to: name, among: Array(devices.keys))
    return failure(
      id, "not-found", "there is no device \(name)", near.map { "did you mean \($0)?" } ?? "hearthctl devices")
  }

  /// The open session of a device.
  func sessionJSON(_ name: String) -> JSONValue? {
    guard let session = sessions.open[name] else { return nil }
    let zone = zones[configuration.timeZone] ?? .utc
    func text(_ instant: Int64) -> JSONValue {
      let offset = Int32(clamping: zone.local(at: instant / 1000).offset)
      return .string(ISO8601.text(milliseconds: instant, offsetSeconds: offset, withMilliseconds: false))
    }
    return [
      "device": .string(name), "patient": .string(session.patient), "started_at": text(session.startedAt),
      "ends_at": text(session.endsAt),
    ]
  }

  mutating func endSessions(_ now: Now) -> [Effect] {
    let over = sessions.expire(now)
    sessionDeadline = sessions.nextDeadline(now)
    guard !over.isEmpty else { return [] }
    return over.map { .log(.info, "device \($0): its session is over") } + [.save(.sessions, sessions.encoded)]
  }
}
