// What technicians ask over the control socket, and what they are told.

internal import BluetoothManagement
internal import ControlProtocol
internal import Drivers
internal import GATT
internal import JSON
internal import Monitoring
internal import Octets
internal import Readings
internal import Settings
internal import Zones

extension Gateway {
  mutating func answer(_ id: RequestID, _ request: ControlRequest, _ caller: CallerName, _ now: Now) -> [Effect] {
    switch request {
    case .version:
      return [.answer(id, .result(["version": .string(identity.version), "hub_id": .string(identity.hubID)]))]
    case .status: return [.answer(id, .result(status(now)))]
    case .devices:
      return [.answer(id, .result(["devices": .array(knownDevices.compactMap { device($0.id, now) })]))]
    case .backends:
      return [.answer(id, .result(["backends": .array(outboxes.keys.sorted().compactMap { backend($0, now) })]))]
    case .doctor: return [.answer(id, .result(["checks": .array(checks(now))]))]
    case .follow, .watch: return [.answer(id, .result(["subscribed": true]))]
    case .readings(let filter): return readings(id, filter, now)
    case .assignReading(let reading, let patient): return assign(id, reading: reading, patient: patient, caller, now)
    case .assignSlot(let device, let user, let patient):
      return assign(id, device: device, user: user, patient: patient, caller, now)
    case .parked: return [.answer(id, .result(parkedList(now)))]
    case .parkedReadings: return parkedReadings(id)
    case .parkedRetry(let reading, let backend): return retryParked(id, reading: reading, backend: backend, caller, now)
    case .erase(let patient): return erase(id, patient: patient, caller, now)
    case .reload: return [.reload(id)]
    case .scan(let seconds): return scan(id, seconds: seconds, now)
    case .pair(let wish): return pair(id, wish, caller, now)
    case .pairAnswer(let text): return pairAnswer(id, text, now)
    case .pairCancel:
      let error = ControlError(code: "pairing.cancelled", message: "the pairing was cancelled")
      return failPairing(error, now) + [.answer(id, .result(["cancelled": true]))]
    case .askDevice(let device, let wish): return askDevice(id, device, wish, caller, now)
    case .releaseDevice(let device): return release(id, device: device, caller, now)
    case .unpair(let device): return unpair(id, device, caller, now)
    case .capture(let device):
      guard devices[device] != nil else {
        return [
          .answer(
            id, .failure(.init(code: "not-found", message: "there is no device \(device)", hint: "hearthctl devices")))
        ]
      }
      captures[id.connection] = device
      let answer: Effect = .answer(id, .result(capturing(device, now)))
      return [answer] + append([.audit(uid: caller.uid, action: "capture of \(device)")], now: now)
    case .serialList: return [.answer(id, .result(serialList()))]
    case .serialIdentify(let port, let driver): return serialIdentify(id, port: port, driver: driver, caller, now)
    case .serialBind(let wish): return serialBind(id, wish, caller, now)
    case .serialRelease(let device): return serialRelease(id, device, caller, now)
    case .sessionStart(let patient, let device, let minutes):
      return sessionStart(id, patient: patient, device: device, minutes: minutes, caller, now)
    case .alerts(let patient): return [.answer(id, .result(alerts(patient)))]
    case .acknowledge(let patient, let rule, let note):
      return acknowledge(id, patient: patient, rule: rule, note: note, caller, now)
    case .planShow(let patient): return explainPlan(id, patient: patient, days: nil, now)
    case .planExplain(let patient, let days): return explainPlan(id, patient: patient, days: days, now)
    case .planTry(let text, let patient, let days): return tryPlan(id, text: text, patient: patient, days: days, now)
    case .report(let patient, let days): return report(id, patient: patient, days: days, caller, now)
    case .planSet(let text): return setPlan(id, text: text, caller, now)
    case .sessionEnd(let device): return sessionEnd(id, device: device, caller, now)
    }
  }

  /// The device, and what discovery found of it earlier: its next link begins without discovery.
  private func capturing(_ id: String, _ now: Now) -> JSONValue {
    var object = JSONObject()
    object["capturing"] = device(id, now) ?? .null
    if let attributes = shown.register.attributes[id] { object["attributes"] = .string(Hex.encode(attributes.octets)) }
    return .object(object)
  }

  func instant(_ milliseconds: Int64?) -> JSONValue {
    guard let milliseconds else { return .null }
    let offset = (zones[configuration.timeZone] ?? .utc).local(at: milliseconds / 1000).offset
    return .string(
      ISO8601.text(milliseconds: milliseconds, offsetSeconds: Int32(clamping: offset), withMilliseconds: false))
  }

  private func status(_ now: Now) -> JSONValue {
    var object = JSONObject()
    object["hub_id"] = .string(identity.hubID)
    object["version"] = .string(identity.version)
    object["uptime_seconds"] = .int((now.monotonic - identity.startedAt) / 1000)
    object["boot_id"] = .string(now.bootID)
    object["time"] = instant(now.wall)
    object["clock_synchronised"] = .bool(now.isSynchronised)
    object["stored"] = .int(shown.stored)
    object["parked"] = .int(shown.parked.count)
    if !shown.held.isEmpty { object["held"] = .int(shown.held.count) }
    object["journal"] = [
      "state": .string(journalFailure?.failure.code ?? "ok"), "bytes": .int(journal.bytes),
      "segments": .int(journal.segments),
      "maximum_bytes": .int(journal.maximumBytes), "damage": .array(journal.damage.map { .string($0) }),
      "unsaved": .int(unsaved.count),
    ]
    object["devices"] = .array(knownDevices.compactMap { device($0.id, now) })
    object["bluetooth"] = bluetoothStatus
    object["backends"] = .array(outboxes.keys.sorted().compactMap { backend($0, now) })
    object["plans"] = .int(plans.count)
    object["problems"] = .array(problems(now))
    return .object(object)
  }

  private func device(_ id: String, _ now: Now) -> JSONValue? {
    guard let device = devices[id] else { return nil }
    var object = JSONObject()
    object["id"] = .string(id)
    if let name = device.configuration.name { object["name"] = .string(name) }
    object["driver"] = .string(device.profile.id)
    object["transport"] = .string(device.identity.transport.rawValue)
    if let text = device.identity.manufacturer { object["manufacturer"] = .string(text) }
    if let text = device.identity.model { object["model"] = .string(text) }
    if let text = device.identity.serial { object["serial"] = .string(text) }
    if let text = device.identity.firmware { object["firmware"] = .string(text) }
    switch device.configuration.endpoint {
    case .serial(let path): object["port"] = .string(path)
    case .usb(let binding):
      object["port"] = serial.port(of: id).map { .string($0.facts.node) } ?? .null
      object["port_path"] = .string(binding.path)
    case .playback(let path): object["playback"] = .string(path)
    case .bluetooth(let link):
      object["address"] = .string(link.device.description)
      object["bond"] =
        device.needsPairing
        ? "needs-pairing"
        : bonds.level(of: link.device, on: link.controller).map { $0 == 3 ? "authenticated" : "encrypted" } ?? "none"
      if let rssi = device.rssi { object["rssi"] = .int(Int(rssi)) }
      object["missed_contacts"] = .int(device.missedContacts)
    }
    object["state"] = .string(
      state.quarantine.holds(id)
        ? "quarantined" : device.needsPairing ? "needs-pairing" : device.session == nil ? "waiting" : "connected")
    var patients = JSONObject()
    if let patient = device.configuration.patient { patients["*"] = .string(patient) }
    for (slot, patient) in device.configuration.users.sorted(by: { $0.key < $1.key }) {
      patients["\(slot)"] = .string(patient)
    }
    for (slot, patient) in shown.bindings.slots where slot.device == id {
      patients[slot.user.map { "\($0)" } ?? "*"] = .string(patient)
    }
    object["patients"] = .object(patients)
    if let session = sessionJSON(id) { object["session"] = session }
    object["last_contact"] = instant(device.lastContact)
    if let battery = device.battery { object["battery"] = .int(battery) }
    if let clock = device.clock { object["clock_offset_seconds"] = .int(clock.offset / 1000) }
    object["readings"] = .int(device.readings)
    if let answer = device.lastAnswer { object["last_answer"] = .string(answer) }
    if let problem = device.lastProblem {
      object["last_problem"] = ["code": .string(problem.code), "message": .string(problem.message)]
    }
    if device.session == nil, let end = device.lastEnd {
      object["link"] = ["code": .string(end.code), "message": .string(end.message)]
    }
    return .object(object)
  }

  private var bluetoothStatus: JSONValue {
    var object = JSONObject()
    let fault = bluetoothFault
    object["state"] = .string(fault?.code ?? "ready")
    if let fault { object["message"] = .string(fault.message) }
    object["controllers"] = .array(
      bluetooth.controllers.values.sorted { $0.index < $1.index }.map { controller in
        [
          "index": .int(controller.index), "address": controller.address.map { .string($0.description) } ?? .null,
          "ready": .bool(controller.isReady),
        ]
      })
    object["pairing"] = .bool(bluetooth.pairing != nil)
    return .object(object)
  }

  private func backend(_ name: String, _ now: Now) -> JSONValue? {
    guard let outbox = outboxes[name] else { return nil }
    var object = JSONObject()
    object["name"] = .string(name)
    let stateText: String
    var next: Int64?
    if let until = outbox.nextDeadline {
      stateText = outbox.isMisconfigured ? "misconfigured" : "waiting"
      next = max(0, until - now.monotonic)
    } else {
      stateText = outbox.backlog.step == .idle && outbox.express.step == .idle ? "idle" : "sending"
    }
    object["type"] = .string(outbox.configuration.kind.name)
    switch outbox.configuration.kind {
    case .directory(let path): object["path"] = .string(path)
    case .http(_, let http): object["url"] = .string(Gateway.withoutSecrets(http.url))
    }
    let cursor = shown.cursors[name] ?? LedgerState.Cursor()
    object["state"] = .string(stateText)
    object["waiting"] = .int(shown.waiting(name))
    object["delivered"] = .int(cursor.delivered)
    object["refused"] = .int(cursor.refused)
    if !cursor.ahead.isEmpty, shown.waiting(name) > 0 { object["ahead"] = .int(cursor.ahead.count) }
    if let limit = cursor.limit { object["batch_limit"] = .int(limit) }
    if shown.waiting(name) > 0, let oldest = outbox.oldestWaiting {
      object["oldest_waiting_seconds"] = .int(max(0, now.wall - oldest) / 1000)
    }
    let parked = shown.refusals[name] ?? []
    if !parked.isEmpty {
      object["refused_items"] = .array(
        parked.suffix(20).map { refusal in
          [
            "id": .string(refusal.id), "seq": .int(refusal.sequence), "reason": .string(refusal.reason),
            "at": instant(refusal.at),
          ]
        })
    }
    if let plans = pullStatus(name, now) { object["plans"] = plans }
    object["last_success"] = instant(outbox.lastSuccess)
    if let error = outbox.lastError {
      object["last_error"] = ["code": .string(error.code), "message": .string(error.text)]
    }
    if let next { object["next_attempt_seconds"] = .int(next / 1000) }
    return .object(object)
  }

  /// An address without user, password and query.
  static func withoutSecrets(_ url: String) -> String {
    let bare = url.prefix { $0 != "?" && $0 != "#" }
    let parts = bare.split(separator: "/", maxSplits: 3, omittingEmptySubsequences: false)
    guard parts.count >= 3, let at = parts[2].lastIndex(of: "@") else { return String(bare) }
    let host = parts[2][parts[2].index(after: at)...]
    return (parts[..<2] + [host] + parts[3...]).joined(separator: "/")
  }

  private func checks(_ now: Now) -> [JSONValue] {
    func check(_ id: String, _ isGood: Bool, _ good: String, _ bad: String, _ hint: String) -> JSONValue {
      isGood
        ? ["id": .string(id), "state": "ok", "message": .string(good)]
        : ["id": .string(id), "state": "failed", "message": .string(bad), "hint": .string(hint)]
    }
    var list = [
      check(
        "clock", now.isSynchronised, "the hub's clock is synchronised", "the hub's clock is not synchronised",
        "check systemd-timesyncd and the network; readings say that their time is uncertain"),
      check(
        "journal", journalFailure == nil, "the journal takes readings", journalFailure?.failure.message ?? "",
        "free space on the disk of the state directory"),
      check(
        "journal-damage", journal.damage.isEmpty, "no damage found", journal.damage.first ?? "",
        "copy the folder journal/damaged for support"),
      check(
        "parked", shown.parked.isEmpty, "every reading has its patient",
        "\(shown.parked.count) readings wait for a patient",
        "hearthctl readings --parked, then hearthctl assign READING PATIENT"),
      check(
        "patient-references", nationalIDText == nil, "patients are named by pseudonyms", nationalIDText ?? "",
        Gateway.nationalIDHint),
    ]
    list += faultChecks()
    for name in outboxes.keys.sorted() {
      guard let outbox = outboxes[name] else { continue }
      let error = outbox.lastError
      list.append(
        check(
          "backend-\(name)", error == nil, "takes readings", "\(error?.text ?? "") (\(error?.code ?? ""))",
          outbox.advice))
    }
    list += pullChecks(now)
    list.append(
      check(
        "bluetooth", bluetoothFault == nil || bluetooth.devices.isEmpty,
        bluetoothFault.map { "\($0.message); no device needs it" }
          ?? "\(bluetooth.controllers.values.count(where: \.isReady)) controller ready",
        bluetoothFault?.message ?? "", bluetoothFault?.hint ?? "hearthctl doctor"))
    let fault = serialProblems().first { $0.code != "device.unassigned" }
    list.append(
      check(
        "serial", fault == nil, "\(serial.ports.count) USB serial ports plugged in", fault?.message ?? "",
        fault?.hint ?? ""))
    for configured in knownDevices {
      guard let device = devices[configured.id] else { continue }
      if state.quarantine.holds(configured.id) {
        list.append(
          check(
            "device-\(configured.id)", false, "", "the daemon died in its sessions; it is left alone",
            "hearthctl devices release \(configured.id)"))
        continue
      }
      if device.needsPairing {
        list.append(
          check(
            "device-\(configured.id)", false, "", "it does not know this hub any more",
            "bring it into pairing mode, then hearthctl pair"))
        continue
      }
      let isGood = device.session != nil || !(device.lastEnd?.isOpenFailure ?? false)
      list.append(
        check(
          "device-\(configured.id)", isGood, device.session != nil ? "connected" : "waits for the device",
          device.lastEnd?.message ?? "", device.lastEnd?.hint ?? "check the cable"))
    }
    return list
  }

  private func readings(_ id: RequestID, _ filter: ControlRequest.ReadingsFilter, _ now: Now) -> [Effect] {
    var query = ReadingQuery(patient: filter.patient, parkedOnly: filter.parked, limit: filter.limit)
    query.device = filter.device
    query.zones = filter.zones
    for (name, text) in [("since", filter.since), ("until", filter.until)] {
      guard let text else { continue }
      guard let instant = SinceText.milliseconds(text, now: now.wall) else {
        return [
          .answer(
            id,
            .failure(
              .init(
                code: "bad-parameters",
                message: "\(name): expected an instant or a duration such as 24h, found \"\(text)\"",
                hint: "examples: 30m, 24h, 7d, 2026-11-21T08:00:00+01:00")))
        ]
      }
      if name == "since" { query.since = instant } else { query.until = instant }
    }
    if let text = filter.kind {
      guard let kind = ReadingKind(rawValue: text) else {
        let known = ReadingKind.allCases.map(\.rawValue).joined(separator: ", ")
        return [
          .answer(
            id,
            .failure(.init(code: "bad-parameters", message: "kind: \"\(text)\" is unknown", hint: "known: \(known)")))
        ]
      }
      query.kind = kind
    }
    return [.read(id, .readings(query))]
  }

  // MARK: Assigning what is parked

  private mutating func assign(
    _ id: RequestID, reading text: String, patient: String, _ caller: CallerName, _ now: Now
  ) -> [Effect] {
    // A beginning of the identifier is enough when only one reading has it.
    let matching = text.utf8.count >= 6 ? state.parked.filter { $0.key.description.hasPrefix(text) } : [:]
    guard matching.count == 1, let place = matching.first?.value else {
      return [
        .answer(
          id,
          .failure(
            .init(
              code: "not-found", message: "no reading \(text) waits for a patient",
              hint: "hearthctl readings --parked lists what waits")))
      ]
    }
    loads[place.sequence, default: []].append(
      Assignment(
        patient: patient, request: id, audit: .audit(uid: caller.uid, action: "assign reading \(text)")))
    return [.load(sequence: place.sequence)]
  }

  private mutating func assign(
    _ id: RequestID, device: String, user: UInt8?, patient: String, _ caller: CallerName, _ now: Now
  ) -> [Effect] {
    guard devices[device] != nil else { return noDevice(id, device) }
    let slot = Bindings.Slot(device: device, user: user)
    let waiting = parked(of: slot, in: state).count
    return append(
      [
        .binding(Binding(slot: slot, patient: patient, sweeps: waiting > 0)),
        .audit(uid: caller.uid, action: "assign slot of \(device)"),
      ], now: now) + [.answer(id, .result(["assigned": true, "readings": .int(waiting)]))]
  }

  /// A parked reading came back from the journal: it is stored once more with its patient, judged, and delivered again under
  /// the same identifier.
  mutating func loaded(_ sequence: UInt64, _ reading: Reading?, _ now: Now) -> [Effect] {
    guard let waiting = loads.removeValue(forKey: sequence), let last = waiting.last else { return [] }
    guard var reading, state.parked[reading.id] != nil else {
      return waiting.compactMap { item in
        item.request.map {
          .answer($0, .failure(.init(code: "not-found", message: "the reading is no longer in the journal")))
        }
      }
    }
    reading.patient = last.patient
    let effects = append(
      waiting.compactMap(\.audit) + judged(reading, now),
      assigns: last.request == nil ? [sequence: last.patient] : [:], now: now)
    return effects + waiting.compactMap { item in item.request.map { .answer($0, .result(["assigned": true])) } }
  }
}

/// `--since`: an instant, or how long ago.
public enum SinceText {
  /// Milliseconds since 1970 of `2026-11-21T08:00:00+01:00`, `30m`, `24h`, `7d`; nil for anything else.
  public static func milliseconds(_ text: String, now: Int64) -> Int64? {
    if let instant = ISO8601.instant(text) { return instant.milliseconds }
    let units: [Character: Int64] = ["s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000]
    guard let last = text.last, let unit = units[last], text.utf8.count <= 7, let count = Int64(text.dropLast()),
      count >= 0
    else {
      return nil
    }
    return now - count * unit
  }
}
