// Sessions on public devices, as technicians and nurses open and end them.

internal import Drivers
internal import ControlProtocol
internal import JSON
internal import Settings
internal import Zones
internal import Ledger

extension Desk {
  mutating func sessionStart(
    _ id: RequestID, patient: String, device name: String, minutes: Int, _ caller: CallerName, _ turn: inout Turn
  ) -> [Effect] {
    let now = turn.now
    guard let device = turn.house.devices[name] else { return .noDevice(id, name, turn.house) }
    let owned = turn.head.bindings.slots.keys.contains { $0.device == name }
    guard device.configuration.patient == nil, device.configuration.users.isEmpty, !owned else {
      return .failure(
        id, "device.not-public", "\(name) belongs to somebody: its readings are theirs",
        "only a device without patient and users is public")
    }
    let length = Int64(minutes) * 60_000
    let session = PublicSessions.Session(
      patient: patient, startedAt: now.wall, endsAt: now.wall + length, bootID: now.bootID,
      deadline: now.monotonic + length)
    var records: [JournalEntry] = [.session(device: name, session)]
    if device.configuration.isOnUSB, !turn.head.register.publicDevices.contains(name) {
      var record = turn.head.register.record(name)
      record.isPublic = true
      records.append(.device(record))
    }
    records.append(caller.audit("session start on \(name)"))
    // Whose session ends by this one.
    let before = turn.head.sessions.open[name].flatMap { $0.patient == patient ? nil : $0.patient }
    let answer: JSONValue = [
      "session": turn.view.sessionJSON(name, session), "previous": before.map { .string($0) } ?? .null,
    ]
    return turn.append(records) + [.answer(id, .result(answer))]
  }

  mutating func sessionEnd(_ id: RequestID, device name: String, _ caller: CallerName, _ turn: inout Turn) -> [Effect] {
    guard turn.house.devices[name] != nil else { return .noDevice(id, name, turn.house) }
    guard turn.head.sessions.open[name] != nil else {
      return .failure(id, "not-found", "no session is open on \(name)", "hearthctl devices shows open sessions")
    }
    return turn.append(
      [.session(device: name, nil), caller.audit("session end on \(name)")])
      + [.answer(id, .result(["ended": .string(name)]))]
  }

  mutating func endSessions(_ turn: inout Turn) -> [Effect] {
    let now = turn.now
    let over = turn.head.sessions.over(now)
    sessionsAt = turn.head.sessions.nextDeadline(now).map { max($0, now.monotonic + 1) }
    guard !over.isEmpty else { return [] }
    return over.map {
      .log(.info, "device \($0): session.over: what it measures from now on is nobody's; hearthctl session start")
    }
      + turn.append(over.map { .session(device: $0, nil) })
  }
}

extension View {
  /// The open session of a device.
  func sessionJSON(_ name: String) -> JSONValue? { durable.sessions.open[name].map { sessionJSON(name, $0) } }

  func sessionJSON(_ name: String, _ session: PublicSessions.Session) -> JSONValue {
    let zone = house.zone
    func text(_ instant: Int64) -> JSONValue {
      let offset = Int32(clamping: zone.local(at: instant / 1000).offset)
      return .string(ISO8601.text(milliseconds: instant, offsetSeconds: offset, withMilliseconds: false))
    }
    return [
      "device": .string(name), "patient": .string(session.patient), "started_at": text(session.startedAt),
      "ends_at": text(session.endsAt),
    ]
  }
}
