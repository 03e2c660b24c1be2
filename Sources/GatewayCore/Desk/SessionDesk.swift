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
    if let owner = turn.head.owner(of: device.configuration) {
      let what = owner.user.map { "user \($0) of \(name)" } ?? name
      return .failure(
        id, "device.not-public", "\(what) is \(owner.patient)'s, and only a device that is nobody's is public",
        owner.isDescribed
          ? "change it in hearth.json, or what was said at its pairing with hearthctl assign --device \(name) --nobody"
          : "hearthctl assign --device \(name) --nobody takes it back")
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
    let owned = endSessionsOfOwned(&turn)
    guard !over.isEmpty else { return owned }
    return owned
      + over.map {
        .log(.info, "device \($0): session.over: what it measures from now on is nobody's; hearthctl session start")
      }
      + turn.append(over.map { .session(device: $0, nil) })
  }
}

extension Desk {
  /// A device that is somebody's now, as the configuration or a technician says, has no session any more: what it measures is theirs.
  mutating func endSessionsOfOwned(_ turn: inout Turn) -> [Effect] {
    guard turn.house.isStarted, !turn.head.sessions.open.isEmpty else { return [] }
    let over = turn.head.sessions.over(turn.now)
    let owned = turn.knownDevices.filter {
      turn.head.sessions.open[$0.id] != nil && !over.contains($0.id) && turn.head.owner(of: $0) != nil
    }
    guard !owned.isEmpty else { return [] }
    let message = "its session ended: the device is somebody's now"
    return owned.map { .log(.notice, "device \($0.id): session.ended: \(message)") }
      + turn.append(
        owned.flatMap { device -> [JournalEntry] in
          [
            .session(device: device.id, nil),
            .event(turn.house.event(of: device.id, "session.ended", message, turn.now)),
          ]
        })
  }

  /// The refusal to give a device to a patient while a session is open on it; nil while none is.
  func sessionRefusal(_ id: RequestID, _ device: String, _ turn: Turn) -> [Effect]? {
    guard let session = turn.head.sessions.open[device], !turn.head.sessions.over(turn.now).contains(device) else {
      return nil
    }
    let end = turn.view.instant(session.endsAt).string?.prefix(16).map { $0 == "T" ? " " : $0 } ?? []
    return .failure(
      id, "device.session-open", "a session of \(session.patient) is open on \(device) until \(String(end))",
      "hearthctl session end --device \(device), then give it to a patient")
  }
}

/// Whose a device is.
struct DeviceOwner: Sendable, Hashable {
  /// The slot; nil is the whole device.
  var user: UInt8?
  var patient: String
  /// By the device's own description, in the configuration or from its pairing; else a technician assigned it.
  var isDescribed: Bool
}

extension LedgerState {
  /// Whose a device is, or the first of its slots that is somebody's; nil: nobody's, so that it may be public. A slot that was assigned
  /// on a device that tells no user is nobody's place.
  func owner(of device: DeviceConfiguration) -> DeviceOwner? {
    if let patient = device.patient { return DeviceOwner(patient: patient, isDescribed: true) }
    if let first = device.users.min(by: { $0.key < $1.key }) {
      return DeviceOwner(user: first.key, patient: first.value, isDescribed: true)
    }
    let tellsUser = Registry.profile(id: device.driver)?.tellsUser ?? true
    return bindings.slots.filter { $0.key.device == device.id && ($0.key.user == nil || tellsUser) }
      .min { $0.key.user.map(Int.init) ?? -1 < $1.key.user.map(Int.init) ?? -1 }
      .map { DeviceOwner(user: $0.key.user, patient: $0.value, isDescribed: false) }
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
