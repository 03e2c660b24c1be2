// What technicians are shown: `status`, `devices`, `backends` and `doctor`, as pure functions of what the hub knows.

internal import BluetoothManagement
internal import ControlProtocol
internal import Drivers
internal import Exchange
internal import GATT
internal import JSON
internal import Monitoring
internal import Octets
internal import Readings
internal import Settings
internal import Zones
internal import Ledger

extension View {
  /// The device, and what discovery found of it earlier: its next link begins without discovery.
  func capturing(_ id: String) -> JSONValue {
    var object = JSONObject()
    object["capturing"] = device(id) ?? .null
    if let attributes = durable.register.attributes[id] {
      object["attributes"] = .string(Hex.encode(attributes.octets))
    }
    object["timezone"] = .string(configuration.timeZone)
    return .object(object)
  }

  func instant(_ milliseconds: Int64?) -> JSONValue {
    guard let milliseconds else { return .null }
    let offset = house.zone.local(at: milliseconds / 1000).offset
    return .string(
      ISO8601.text(milliseconds: milliseconds, offsetSeconds: Int32(clamping: offset), withMilliseconds: false))
  }

  func version() -> JSONValue { ["version": .string(identity.version), "hub_id": .string(identity.hubID)] }

  func deviceList() -> JSONValue { ["devices": .array(knownDevices.compactMap { device($0.id) })] }

  func backendList() -> JSONValue { ["backends": .array(backends.keys.sorted().compactMap { backend($0) })] }

  func doctor() -> JSONValue { ["checks": .array(checks())] }

  func status() -> JSONValue {
    var object = JSONObject()
    object["hub_id"] = .string(identity.hubID)
    object["version"] = .string(identity.version)
    object["uptime_seconds"] = .int((now.monotonic - identity.startedAt) / 1000)
    object["boot_id"] = .string(now.bootID)
    object["time"] = instant(now.wall)
    object["clock_synchronised"] = .bool(now.isSynchronised)
    object["timezone"] = .string(configuration.timeZone)
    object["timezone_source"] = .string(configuration.zoneOrigin.text)
    object["stored"] = .int(durable.stored)
    object["readings"] = .int(durable.readings)
    object["parked"] = .int(durable.parked.count)
    if !durable.held.isEmpty { object["held"] = .int(durable.held.count) }
    object["journal"] = [
      "state": .string(journalFailure?.code ?? "ok"), "bytes": .int(journal.bytes),
      "segments": .int(journal.segments),
      "maximum_bytes": .int(journal.maximumBytes), "damage": .array(journal.damage.map { .string($0) }),
      "unsaved": .int(house.unsaved),
    ]
    object["devices"] = .array(knownDevices.compactMap { device($0.id) })
    object["bluetooth"] = bluetoothStatus
    object["backends"] = .array(backends.keys.sorted().compactMap { backend($0) })
    object["plans"] = .int(plans.count)
    object["not_judged"] = .array(Array((notJudged(nil).array ?? []).prefix(View.mostNotJudged)))
    object["problems"] = .array(standingProblems().map(json))
    return .object(object)
  }

  func device(_ id: String) -> JSONValue? {
    guard let device = devices[id] else { return nil }
    let air = house.air[id] ?? AirFact()
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
      object["port"] = house.ports.node(of: id).map { .string($0) } ?? .null
      object["port_path"] = .string(binding.path)
    case .playback(let path): object["playback"] = .string(path)
    case .bluetooth(let link):
      object["address"] = .string(link.device.description)
      object["bond"] =
        air.needsPairing
        ? "needs-pairing"
        : house.keys.bonds.level(of: link.device, on: link.controller).map { $0 == 3 ? "authenticated" : "encrypted" }
          ?? "none"
      if let rssi = air.rssi { object["rssi"] = .int(Int(rssi)) }
      object["missed_contacts"] = .int(air.missedContacts)
    }
    object["state"] = .string(
      head.quarantine.holds(id)
        ? "quarantined" : air.needsPairing ? "needs-pairing" : device.isUp ? "connected" : "waiting")
    var patients = JSONObject()
    for (user, patient) in durable.bindings.attributed(device.configuration) {
      patients[user.map { "\($0)" } ?? "*"] = .string(patient)
    }
    object["patients"] = .object(patients)
    if let session = sessionJSON(id) { object["session"] = session }
    object["last_contact"] = instant(durable.lastContact(of: device))
    if let battery = device.battery { object["battery"] = .int(battery) }
    if let offset = device.clockOffset { object["clock_offset_seconds"] = .int(offset / 1000) }
    object["readings"] = .int(durable.readings(of: id))
    object["asks"] = .array(device.abilities.names.map { .string($0) })
    let refused = backends.keys.sorted().compactMap { name -> JSONValue? in
      let count = durable.refusals[name]?.count { $0.device == id } ?? 0
      return count == 0 ? nil : ["backend": .string(name), "count": .int(count)]
    }
    if !refused.isEmpty { object["refused"] = .array(refused) }
    if let answer = device.lastAnswer { object["last_answer"] = .string(answer) }
    if let problem = device.lastProblem {
      object["last_problem"] = ["code": .string(problem.code), "message": .string(problem.message)]
    }
    if !device.isUp, let end = device.lastEnd {
      object["link"] = ["code": .string(end.code), "message": .string(end.message)]
    }
    return .object(object)
  }

  private var bluetoothStatus: JSONValue {
    var object = JSONObject()
    let fault = house.bluetooth.fault
    object["state"] = .string(fault?.code ?? "ready")
    if let fault { object["message"] = .string(fault.message) }
    object["controllers"] = .array(
      house.bluetooth.controllers.map { controller in
        [
          "index": .int(controller.index), "address": controller.address.map { .string($0) } ?? .null,
          "ready": .bool(controller.isReady),
        ]
      })
    object["pairing"] = .bool(house.bluetooth.pairing != nil)
    return .object(object)
  }

  func backend(_ name: String) -> JSONValue? {
    guard let backend = backends[name] else { return nil }
    var object = JSONObject()
    object["name"] = .string(name)
    let stateText: String
    var next: Int64?
    if durable.cursors[name]?.lines.values.contains(where: { !$0.isOpen }) ?? false {
      stateText = "misconfigured"
      next = backend.nextDeadline.map { max(0, $0 - now.monotonic) }
    } else if let until = backend.nextDeadline {
      stateText = backend.isMisconfigured ? "misconfigured" : "waiting"
      next = max(0, until - now.monotonic)
    } else {
      stateText = backend.isIdle ? "idle" : "sending"
    }
    object["type"] = .string(backend.configuration.kind.name)
    switch backend.configuration.kind {
    case .directory(let path):
      object["path"] = .string(path)
      object["keep_seconds"] = backend.configuration.keep.map { .int($0 / 1000) } ?? .null
    case .http(_, let http):
      object["url"] = .string(View.withoutSecrets(http.url))
      if let patient = backend.configuration.testPatient { object["test_patient"] = .string(patient) }
    }
    let cursor = durable.cursors[name] ?? LedgerState.Cursor()
    object["state"] = .string(stateText)
    object["waiting"] = .int(durable.waiting(name))
    object["delivered"] = .int(cursor.taken)
    object["refused"] = .int(cursor.refused)
    let unsettled = unsettled(of: name)
    if unsettled > 0 { object["refused_unsettled"] = .int(unsettled) }
    if !cursor.lines.isEmpty {
      object["kinds_waiting"] = .array(
        cursor.lines.sorted { $0.key < $1.key }.map { kind, line in
          var entry = JSONObject()
          entry["kind"] = .string(kind)
          entry["state"] = line.isOpen ? "catching-up" : "refused"
          entry["since"] = instant(line.since)
          if let next = backend.probes[kind], !line.isOpen {
            entry["next_attempt_seconds"] = .int(max(0, next - now.monotonic) / 1000)
          }
          return .object(entry)
        })
    }
    if !cursor.ahead.isEmpty, durable.waiting(name) > 0 { object["ahead"] = .int(cursor.ahead.count) }
    if let limit = cursor.limit { object["batch_limit"] = .int(limit) }
    if durable.waiting(name) > 0, let oldest = backend.oldestWaiting {
      object["oldest_waiting_seconds"] = .int(max(0, now.wall - oldest) / 1000)
    }
    let parked = durable.refusals[name] ?? []
    if !parked.isEmpty {
      object["refused_items"] = .array(
        parked.suffix(20).map { refusal in
          [
            "id": .string(refusal.id), "seq": .int(refusal.sequence), "reason": .string(refusal.reason),
            "at": instant(refusal.at),
          ]
        })
    }
    if let plans = pullStatus(name) { object["plans"] = plans }
    object["last_success"] = instant(backend.lastSuccess)
    if let error = backend.lastError {
      object["last_error"] = ["code": .string(error.code), "message": .string(error.text)]
    }
    if let name = backend.compression.name { object["compression"] = .string(name) }
    if let reason = backend.compression.whyPlain { object["compression_reason"] = .string(reason) }
    if let next { object["next_attempt_seconds"] = .int(next / 1000) }
    return .object(object)
  }

  /// How many refusals nobody dealt with.
  func unsettled(of backend: String) -> UInt64 {
    UInt64(durable.refusals[backend]?.count ?? 0) + (durable.cursors[backend]?.unlisted ?? 0)
  }

  /// An address without user, password and query.
  static func withoutSecrets(_ url: String) -> String {
    let bare = url.prefix { $0 != "?" && $0 != "#" }
    let parts = bare.split(separator: "/", maxSplits: 3, omittingEmptySubsequences: false)
    guard parts.count >= 3, let at = parts[2].lastIndex(of: "@") else { return String(bare) }
    let host = parts[2][parts[2].index(after: at)...]
    return (parts[..<2] + [host] + parts[3...]).joined(separator: "/")
  }

  /// What is known of a backend of which nothing is wrong: only one that took something is said to take readings.
  private func deliveryText(_ name: String) -> String {
    if backends[name]?.lastSuccess != nil {
      return backends[name]?.compression.whyPlain.map { "takes readings; \($0)" } ?? "takes readings"
    }
    let taken = durable.cursors[name]?.taken ?? 0
    guard taken == 0 else {
      return "not tried since the daemon started; it took \(Count.of(Int(clamping: taken), "item")) before"
    }
    return "not tried yet: nothing was there to be sent"
  }

  /// What the doctor looked at: each check with its problems, or that it is good.
  func checks() -> [JSONValue] {
    let problems = standingProblems()
    var list: [JSONValue] = []
    func check(_ id: String, _ good: String?) { list += checks(id, problems, good: good) }
    // What may mend itself is a problem after a while: who asks before is told what is known, and that it is none yet.
    if problems.contains(where: { $0.check == "clock" }) || now.isSynchronised {
      check("clock", "the hub's clock is synchronised")
    } else {
      list.append([
        "id": "clock", "state": "unknown", "message": "the hub's clock is not synchronised yet",
        "hint": "check systemd-timesyncd and the network if it stays so; readings say that their time is uncertain",
      ])
    }
    check("journal", "the journal takes readings")
    check("journal-damage", "no damage found")
    check("disk", journal.diskPercent.map { "the disk of the journal is \($0) % full" } ?? "the disk has room")
    check("parked", "every reading has its patient")
    check("histories", nil)
    check("erasure", nil)
    check("keys", nil)
    check("patient-references", "patients are named by pseudonyms")
    check(HubFault.Subject.configuration.rawValue, "the configuration file is in force")
    check(HubFault.Subject.plans.rawValue, "every plan's file could be read")
    list.append(["id": "plans", "state": "ok", "message": .string(plansText)])
    check("plan-review", nil)
    check("plan-patients", nil)
    check(HubFault.Subject.actions.rawValue, nil)
    check(HubFault.Subject.state.rawValue, "every state file could be read")
    for name in backends.keys.sorted() {
      if let error = backends[name]?.lastError, !problems.contains(where: { $0.check == "backend-\(name)" }) {
        let grace = Count.of(View.backendGrace / 60_000, "minute")
        list.append([
          "id": .string("backend-\(name)"), "state": "unknown",
          "message": .string(
            "the last try failed, and it is tried again: \(error.text) (\(error.code)); a problem when it goes on for \(grace)"
          ),
          "hint": .string(backends[name]?.advice ?? ""),
        ])
      } else {
        check("backend-\(name)", deliveryText(name))
      }
    }
    for name in durable.left.keys.sorted() where backends[name] == nil { check("backend-\(name)", nil) }
    for name in house.pulls.keys.sorted() {
      if let early = earlyPullCheck(name, problems) {
        list.append(early)
      } else {
        check("plans-\(name)", pullText(name))
      }
    }
    check(
      "bluetooth",
      house.bluetooth.fault.map { "\($0.message); no device needs it" }
        ?? "\(Count.of(house.bluetooth.controllers.count(where: \.isReady), "controller")) ready")
    if let kernel = house.identity.kernel, let advice = KernelAdvice(kernel) {
      list.append([
        "id": "bluetooth-kernel", "state": .string(advice.isCertain ? "warning" : "unknown"),
        "message": .string(advice.message), "hint": .string(advice.hint),
      ])
    }
    check("serial", "\(Count.of(house.ports.ports.count, "USB serial port")) plugged in")
    for device in knownDevices {
      check("device-\(device.id)", devices[device.id]?.isUp ?? false ? "connected" : "waits for the device")
    }
    return list
  }
}
