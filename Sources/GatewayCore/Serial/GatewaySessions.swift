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
    let length = Int64(minutes) * 60_000
    let session = PublicSessions.Session(
      patient: patient, startedAt: now.wall, endsAt: now.wall + length, bootID: now.bootID,
      deadline: now.monotonic + length)
    var records: [JournalEntry] = [.session(device: name, session)]
    if device.configuration.isOnUSB, !register.publicDevices.contains(name) {
      var record = register.record(name)
      record.isPublic = true
      records.append(.device(record))
    }
    records.append(.audit(uid: caller.uid, action: "session start on \(name)"))
    return append(records, now: now) + [.answer(id, .result(["session": sessionJSON(name, session)]))]
  }

  mutating func sessionEnd(_ id: RequestID, device name: String, _ caller: CallerName, _ now: Now) -> [Effect] {
    guard devices[name] != nil else { return noDevice(id, name) }
    guard sessions.open[name] != nil else {
      return failure(id, "not-found", "no session is open on \(name)", "hearthctl devices shows open sessions")
    }
    return append(
      [.session(device: name, nil), .audit(uid: caller.uid, action: "session end on \(name)")], now: now)
      + [.answer(id, .result(["ended": .string(name)]))]
  }

  /// There is no device of that name; perhaps another was meant.
  func noDevice(_ id: RequestID, _ name: String) -> [Effect] {
    let near = Suggestion.nearest(to: name, among: Array(devices.keys))
    return failure(
      id, "not-found", "there is no device \(name)", near.map { "did you mean \($0)?" } ?? "hearthctl devices")
  }

  /// The open session of a device.
  func sessionJSON(_ name: String) -> JSONValue? { shown.sessions.open[name].map { sessionJSON(name, $0) } }

  private func sessionJSON(_ name: String, _ session: PublicSessions.Session) -> JSONValue {
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
    let over = sessions.over(now)
    sessionDeadline = sessions.nextDeadline(now).map { max($0, now.monotonic + 1) }
    guard !over.isEmpty else { return [] }
    return over.map { .log(.info, "device \($0): its session is over") }
      + append(over.map { .session(device: $0, nil) }, now: now)
  }
}
