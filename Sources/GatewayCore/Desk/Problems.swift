// What needs a person, in plain words, with what to do: the list behind `status`, `doctor` and the heartbeat.

internal import Drivers
internal import Monitoring
internal import ControlProtocol
internal import JSON
internal import Readings
internal import Settings
internal import Ledger

extension View {
  /// A backend that was not reached for so long is a problem, in milliseconds: before, it is tried again.
  static let backendGrace: Int64 = 300_000

  /// Everything that stands until somebody mends it.
  func standingProblems() -> [StandingProblem] {
    fileProblems() + hubProblems() + unfinishedProblems() + readingProblems() + backendProblems() + leftProblems()
      + planProblems()
      + bluetoothProblems()
      + serialProblems() + deviceProblems()
  }

  // MARK: The hub

  private func fileProblems() -> [StandingProblem] {
    house.faults.list.map { known in
      StandingProblem(
        kind: known.fault.isWarning ? .fileWarning : .fileFault, code: known.fault.code,
        about: known.fault.subject.rawValue, message: known.fault.message, told: known.fault.told,
        hint: known.fault.hint, since: known.since)
    }
  }

  private func hubProblems() -> [StandingProblem] {
    var list: [StandingProblem] = []
    if let (failure, since) = house.journalFailure {
      list.append(
        StandingProblem(
          kind: .journalFailing, code: failure.code, message: failure.message,
          hint: failure.isLimit
            ? "see that every backend takes readings, or give \"journal.maximum_bytes\" in hearth.json more room and restart hearthd"
            : "free space on the disk, or replace it; hearthctl devices names those that keep nothing themselves",
          since: since))
    }
    if house.unsaved > 0 {
      let what =
        house.unsavedReadings > 0 ? Count.of(house.unsavedReadings, "reading") : Count.of(house.unsaved, "event")
      list.append(
        StandingProblem(
          kind: .readingsUnsaved, code: "readings.unsaved",
          message: "in memory only, because the disk takes no records: \(what) of devices that keep nothing themselves",
          hint: "do not switch the hub off and do not restart hearthd before the journal takes readings again",
          since: house.unsavedSince))
    }
    if house.lost > 0 {
      list.append(
        StandingProblem(
          kind: .readingsLost, code: "readings.lost",
          message:
            "\(Count.of(house.lost, "reading")) of devices without memory could not be stored while the disk refused",
          hint: "tell those who follow the patient that readings are missing; then find out why the disk was full"))
    }
    if !journal.damage.isEmpty {
      list.append(
        StandingProblem(
          kind: .journalDamaged, code: "journal.damaged",
          message:
            "set aside: \(Count.of(journal.damage.count, "damaged place")); the first: \(journal.damage.first ?? "")",
          hint: "copy the folder journal/damaged for support"))
    }
    let limit = configuration.watch.diskPercent
    if let percent = journal.diskPercent, percent >= limit {
      list.append(
        StandingProblem(
          kind: .diskNearlyFull, code: "disk.nearly-full", message: "the disk of the journal is \(percent) % full",
          hint: "free space on it: when it is full, devices keep their readings and the hub takes none"))
    }
    let used = journal.maximumBytes > 0 ? journal.bytes * 100 / journal.maximumBytes : 0
    if used >= limit {
      list.append(
        StandingProblem(
          kind: .journalNearlyFull, code: "journal.nearly-full", message: "the journal has \(used) % of its size",
          hint: "see that its backends take readings; \"journal\" in hearth.json gives it more room"))
    }
    // Before that the network may be coming up.
    if !now.isSynchronised, let since = house.clockUnsureSince, now.monotonic - since >= configuration.watch.clockAfter
    {
      list.append(
        StandingProblem(
          kind: .clockUnsynchronised, code: "clock.unsynchronised", message: "the hub's clock is not synchronised",
          hint: "check systemd-timesyncd and the network; readings say that their time is uncertain",
          since: now.wall - (now.monotonic - since)))
    }
    return list
  }

  /// What was promised and has not come about yet.
  private func unfinishedProblems() -> [StandingProblem] {
    var list: [StandingProblem] = []
    if let fault = house.eraseFault {
      list.append(
        StandingProblem(
          kind: .erasureFailing, code: "journal.erasure-failed", message: "a patient is not erased yet: \(fault)",
          hint: "free space on the disk; it is tried again by itself every ten minutes"))
    }
    for (_, fault) in house.eraseFilesFaults.sorted(by: { $0.key < $1.key }) {
      list.append(
        StandingProblem(
          kind: .filesErasureFailing, code: "patient.files-left",
          message: "a file of a directory backend may still name an erased patient: \(fault)",
          hint: "mend what is said there; it is tried again by itself every ten minutes"))
    }
    if let fault = house.keysFault {
      list.append(
        StandingProblem(
          kind: .keysUnsaved, code: "keys.unsaved", message: "keys of devices could not be written: \(fault)",
          hint: "free space on the disk: devices may have to be paired again after a restart"))
    }
    return list
  }

  // MARK: Readings

  private func readingProblems() -> [StandingProblem] {
    var list: [StandingProblem] = []
    if !durable.parked.isEmpty {
      let count = durable.parked.count
      list.append(
        StandingProblem(
          kind: .readingsParked, code: "readings.parked",
          message: Count.of(count, "reading waits for a patient", plural: "readings wait for a patient"),
          hint: "hearthctl readings --parked, then hearthctl assign READING PATIENT"))
    }
    if let beyond = durable.parkedBeyond {
      list.append(
        StandingProblem(
          kind: .readingsUnlisted, code: "readings.parked-unlisted",
          message:
            "kept and not listed: \(Count.of(beyond.count, "older reading")) without patient",
          hint: "assign the devices; then restart the hub, which lists them again"))
    }
    if house.historyPercent >= 80 {
      list.append(
        StandingProblem(
          kind: .historyCrowded, code: "history.crowded",
          message: "patients' histories take \(house.historyPercent) % of their room",
          hint: "erase patients who are no longer followed: hearthctl erase --patient PATIENT"))
    }
    if !durable.held.isEmpty {
      list.append(
        StandingProblem(
          kind: .readingsHeld, code: "readings.held",
          message:
            Count.of(durable.held.count, "reading waits", plural: "readings wait")
            + " for the hub's clock to be synchronised",
          hint: "check the network and systemd-timesyncd; they go by themselves, at the latest when their time is over")
      )
    }
    if let text = nationalIDText {
      list.append(
        StandingProblem(
          kind: .nationalID, code: PatientReference.nationalIDCode, message: text, hint: View.nationalIDHint))
    }
    return list + nearProblems()
  }

  // MARK: Backends and plans

  private func backendProblems() -> [StandingProblem] {
    backends.keys.sorted().flatMap { name -> [StandingProblem] in
      guard let backend = backends[name] else { return [] }
      var list: [StandingProblem] = []
      if backend.isMisconfigured, let error = backend.lastError {
        list.append(
          StandingProblem(
            kind: .backendMisconfigured, code: "backend.misconfigured", about: name,
            message: "backend \(name): \(DeliveryWords.plain(error.text, of: error.code)) (\(error.code))",
            hint: backend.advice,
            since: backend.failingSince.map { now.wall - (now.monotonic - $0) }))
      } else if let since = backend.failingSince, now.monotonic - since >= View.backendGrace, durable.waiting(name) > 0
      {
        let minutes = (now.monotonic - since) / 60_000
        let host = backend.host.map { " at \($0)" } ?? ""
        list.append(
          StandingProblem(
            kind: .backendUnreachable, code: "backend.unreachable", about: name,
            message:
              "backend \(name)\(host) has taken nothing for \(Count.of(minutes, "minute")): \(backend.plainReason)",
            hint: backend.advice, since: now.wall - (now.monotonic - since)))
      }
      list += refusalProblems(name)
      if let fault = house.retentionFaults[name] {
        list.append(
          StandingProblem(
            kind: .filesNotRemoved, code: "directory.not-removed", about: name,
            message: "backend \(name): files that were kept long enough stay: \(fault.text)",
            hint: "see that the user hearth may remove files there; it is tried again by itself every hour",
            since: fault.since))
      }
      if let text = house.ending(of: name, now) {
        list.append(
          StandingProblem(
            kind: .credentialEnding, code: "credential.ending", about: name, message: "backend \(name): \(text)",
            hint: "exchange it before the backend refuses it"))
      }
      return list
    }
  }

  /// What a backend refused and nobody dealt with, and the kinds of which it takes nothing.
  private func refusalProblems(_ name: String) -> [StandingProblem] {
    var list: [StandingProblem] = []
    let refused = durable.refusals[name] ?? []
    for (kind, line) in (durable.cursors[name]?.lines ?? [:]).sorted(by: { $0.key < $1.key }) where !line.isOpen {
      let reason = refused.last { $0.kind == kind }.map { ": \($0.reason)" } ?? ""
      list.append(
        StandingProblem(
          kind: .backendRefusesKind, code: "backend.refuses-kind", about: name,
          message: "backend \(name) takes nothing of the kind \(kind)\(reason)",
          hint:
            "mend it there; until then all of that kind waits, and it is offered again by itself every few minutes, at once after hearthctl reload",
          since: line.since))
    }
    let count = unsettled(of: name)
    let again = durable.retries.values.count { $0.backend == name }
    guard count > 0 || again > 0 else { return list }
    var message = "backend \(name)"
    if count > 0 { message += " refused \(Count.of(count, "item"))" }
    if let first = refused.first, let last = refused.last {
      message += ": \(first.reason)" + (first.reason == last.reason ? "" : "; the last: \(last.reason)")
    }
    if again > 0 {
      message +=
        (count > 0 ? "; and" : " refused")
        + " \(Count.of(again, "item")) that \(again == 1 ? "is" : "are") sent again now"
    }
    list.append(
      StandingProblem(
        kind: .backendRefuses, code: "backend.refuses", about: name, message: message,
        hint:
          "mend it there; hearthctl parked lists them; then hearthctl parked retry --backend \(name) --all sends them again, and hearthctl parked dismiss takes from the list what nobody needs there",
        since: refused.first?.at))
    return list
  }

  /// Backends that the configuration has no more, while something that waited for them may still be in the journal.
  private func leftProblems() -> [StandingProblem] {
    durable.left.sorted { $0.key < $1.key }.compactMap { name, left in
      guard left.waiting > 0, now.wall - left.at < configuration.journal.keep else { return nil }
      let count = Count.of(Int(clamping: left.waiting), "item waits", plural: "items wait")
      return StandingProblem(
        kind: .backendRemoved, code: "backend.removed", about: name,
        message: "the backend \(name) is in the configuration no more: \(count) for it and will not be sent",
        hint:
          "to send them, name a backend \(name) again before they are older than journal.keep; else they are dropped then",
        since: left.at)
    }
  }

  private func planProblems() -> [StandingProblem] { reviewProblems() + pullProblems() + orphanProblems() }

  /// Plans whose review is due; judging goes on.
  private func reviewProblems() -> [StandingProblem] {
    plans.values.sorted { $0.patient < $1.patient }.compactMap { plan in
      guard let day = plan.reviewBy, PatientClock(house.planZone(plan)).day(now.wall) >= day else { return nil }
      let since = PatientClock(house.planZone(plan)).instant(day: day, minute: 0)
      return StandingProblem(
        kind: .planReviewDue, code: "plan.review-due", about: plan.patient,
        message:
          "the plan of \(plan.patient), version \(plan.version), is due for a review; it is judged by it as before",
        hint: "those who treat the patient set a new version with a later review_by", since: since)
    }
  }

  private func pullProblems() -> [StandingProblem] {
    house.pulls.sorted { $0.key < $1.key }.flatMap { name, pull -> [StandingProblem] in
      var list: [StandingProblem] = []
      if let error = pull.error, pull.isMisconfigured {
        list.append(
          StandingProblem(
            kind: .plansMisconfigured, code: "plans.misconfigured", about: name,
            message: "backend \(name): \(error.text) (\(error.code))",
            hint: "check the address of plans and the credential; the plans in force stay"))
      } else if let error = pull.error, let since = pull.failingSince, now.monotonic - since >= View.backendGrace {
        list.append(
          StandingProblem(
            kind: .plansUnreachable, code: "plans.unreachable", about: name,
            message:
              "backend \(name): no plans could be read for \(Count.of((now.monotonic - since) / 60_000, "minute")) (\(error.code))",
            hint: "check the network and the backend; the plans in force stay, and it is asked again by itself",
            since: now.wall - (now.monotonic - since)))
      }
      list += pull.refused.map { text in
        StandingProblem(
          kind: .planRefused, code: "plan.refused", about: name,
          message: "backend \(name): a plan is refused, the old one stays in force: \(text)",
          hint: "tell those who write plans there; hearthctl backends lists what is refused")
      }
      if !pull.withdrawn.isEmpty {
        list.append(
          StandingProblem(
            kind: .planWithdrawn, code: "plan.withdrawn", about: name,
            message: "backend \(name): \(pull.withdrawnText)",
            hint: "to watch nothing any more, set a plan without rules"))
      }
      return list
    }
  }

  // MARK: Devices

  private func bluetoothProblems() -> [StandingProblem] {
    guard house.bluetooth.isNeeded, let fault = house.bluetooth.fault else { return [] }
    return [
      StandingProblem(
        kind: .bluetooth, code: fault.code, message: fault.message, hint: fault.hint ?? "hearthctl doctor")
    ]
  }

  private func deviceProblems() -> [StandingProblem] { knownDevices.flatMap { deviceProblems($0) } }

  private func deviceProblems(_ device: DeviceConfiguration) -> [StandingProblem] {
    let id = device.id
    var list: [StandingProblem] = []
    func add(_ kind: StandingProblem.Kind, _ code: String, _ message: String, _ hint: String, since: Int64? = nil) {
      list.append(
        StandingProblem(
          kind: kind, code: code, about: id, message: "device \(id)\(message)", hint: hint, since: since))
    }
    if head.quarantine.holds(id) {
      add(
        .deviceQuarantined, "device.quarantined",
        " is left alone: the daemon died \(Quarantine.limit) times in its sessions",
        "send `hearthctl journal export` to support; then hearthctl devices release \(id)")
    }
    guard let fact = devices[id] else { return list }
    if let at = fact.floodToldAt, now.monotonic - at < Admission.day {
      add(
        .deviceFlooding, "device.flooding", " sends more than anybody measures, and is slowed",
        "look at the device; if it is not needed: hearthctl unpair or hearthctl serial release")
    }
    if house.air[id]?.needsPairing ?? false {
      add(
        .deviceNeedsPairing, "device.needs-pairing", " does not know this hub any more",
        "bring it into pairing mode, then hearthctl pair")
    }
    if let change = fact.change {
      add(
        .deviceChanged, "device.changed", ": \(change); its readings are parked",
        "plug the right one in, or, if this is right: hearthctl serial bind \(portName(device)) --driver \(device.driver) --id \(id)"
      )
    } else if isNobodys(id) {
      add(
        .deviceUnassigned, "device.unassigned", " has no patient; its readings are parked",
        "hearthctl assign --device \(id) PATIENT, or for a public device hearthctl session start")
    }
    if let end = fact.lastEnd, !fact.isUp, end.isOpenFailure {
      add(.deviceUnreachable, "device.unreachable", ": \(end.message)", end.hint ?? "check the cable", since: end.since)
    }
    if fact.isNotUnderstood {
      add(
        .deviceNotUnderstood, "device.not-understood", ": what it sends is not what the driver \(device.driver) reads",
        "check the driver, the port and the cable")
    }
    if let silence = silence(of: id) {
      add(
        .deviceSilent, "device.silent", ": nothing was heard of it for \(View.span(silence))",
        "ask whether it is used, and look at its battery", since: now.wall - silence)
    }
    return list
  }

  /// How long nothing was heard of a device, in milliseconds, when that is longer than the configuration has it; else nil. An open
  /// port says nothing of the device behind it. A hub that was off could not hear: after a start an hour is waited.
  func silence(of id: String) -> Int64? {
    let watch = configuration.watch
    guard let after = watch.silentAfter[id] ?? watch.silentAfter["*"], let device = devices[id], !device.isLinked else {
      return nil
    }
    let running = now.monotonic - identity.startedAt
    guard let last = durable.lastContact(of: device) else { return running >= after ? running : nil }
    let heard = now.wall - last
    let isHeardHere = device.lastContact != nil
    return heard >= after && (isHeardHere || running >= min(after, 3_600_000)) ? heard : nil
  }

  /// `90 minutes`, `3 h`.
  static func span(_ milliseconds: Int64) -> String {
    milliseconds < 7_200_000
      ? Count.of(Int(clamping: max(0, milliseconds) / 60_000), "minute") : "\(milliseconds / 3_600_000) h"
  }
}

extension View {
  /// By which a person names the port of a device.
  private func portName(_ device: DeviceConfiguration) -> String {
    if case .serial(let path) = device.endpoint { return path }
    return house.ports.node(of: device.id) ?? "PORT"
  }

  /// A device that no patient has yet and that is not public.
  func isNobodys(_ id: String) -> Bool {
    guard let device = devices[id], case .usb = device.configuration.endpoint else { return false }
    return device.configuration.patient == nil && device.configuration.users.isEmpty
      && !head.bindings.slots.keys.contains { $0.device == id } && !head.register.publicDevices.contains(id)
  }

  private func serialProblems() -> [StandingProblem] {
    var list: [StandingProblem] = []
    for (node, port) in house.ports.ports.sorted(by: { $0.key < $1.key }) {
      if let fault = port.fault {
        list.append(
          StandingProblem(
            kind: .port, code: fault.code, message: fault.message, hint: fault.hint ?? "hearthctl serial list"))
      } else if !port.candidates.isEmpty, port.use == .idle {
        list.append(
          StandingProblem(
            kind: .portChoice, code: "port.ambiguous",
            message: "\(node) may be \(port.candidates.joined(separator: " or "))",
            hint: "look at the device, then hearthctl serial bind \(node) --driver DRIVER"))
      }
    }
    list += house.ports.vanished.map { path in
      StandingProblem(
        kind: .port, code: "port.vanished", message: "a port at \(path) went away as soon as it had come",
        hint: "brltty is known to take adapters away: apt remove brltty, then plug it in again")
    }
    return list
  }
}
