// What needs a person, for `status`: in plain words, with what to do.

internal import Drivers
internal import Monitoring
internal import ControlProtocol
internal import JSON
internal import Readings
internal import Settings
internal import Ledger

extension View {
  /// What needs a person, in plain words with what to do.
  func problems() -> [JSONValue] {
    var list: [JSONValue] = faultProblems()
    func add(_ code: String, _ message: String, _ hint: String) {
      list.append(["code": .string(code), "message": .string(message), "hint": .string(hint)])
    }
    if let failure = journalFailure {
      add(failure.code, failure.message, "free space or replace the disk; devices keep what is not confirmed")
    }
    if house.lost > 0 {
      add(
        "readings.lost", "\(house.lost) readings of devices without memory could not be stored while the disk refused",
        "tell those who follow the patient that readings are missing; then find out why the disk was full")
    }
    if !journal.damage.isEmpty {
      add(
        "journal.damaged", "\(journal.damage.count) damaged places were set aside",
        "copy the folder journal/damaged for support")
    }
    if !durable.parked.isEmpty {
      add(
        "readings.parked", "\(durable.parked.count) readings wait for a patient",
        "hearthctl readings --parked, then hearthctl assign READING PATIENT")
    }
    if let beyond = durable.parkedBeyond {
      add(
        "readings.parked-unlisted", "\(beyond.count) older readings without patient are kept and not listed",
        "assign the devices; then restart the hub, which lists them again")
    }
    if house.historyPercent >= 80 {
      add(
        "history.crowded", "patients' histories take \(house.historyPercent) % of their room",
        "erase patients who are no longer followed: hearthctl erase PATIENT")
    }
    if !durable.held.isEmpty {
      add(
        "readings.held", "\(durable.held.count) readings wait for the hub's clock to be synchronised",
        "check the network and systemd-timesyncd; they go by themselves, at the latest when their time is over")
    }
    if let text = nationalIDText { add(PatientReference.nationalIDCode, text, View.nationalIDHint) }
    for name in backends.keys.sorted() {
      guard let backend = backends[name], backend.isMisconfigured, let error = backend.lastError else { continue }
      add(
        "backend.misconfigured", "backend \(name): \(error.text) (\(error.code))", backend.advice)
    }
    for (name, pull) in house.pulls.sorted(by: { $0.key < $1.key }) {
      if let error = pull.error, pull.isMisconfigured {
        add(
          "plans.misconfigured", "backend \(name): \(error.text) (\(error.code))",
          "check the address of plans and the credential; the plans in force stay")
      }
      for text in pull.refused {
        add("plan.refused", "backend \(name): \(text)", "tell those who write plans there; the old plan stays in force")
      }
      if !pull.withdrawn.isEmpty {
        add(
          "plan.withdrawn", "backend \(name): \(pull.withdrawnText)",
          "to watch nothing any more, set a plan without rules")
      }
    }
    for name in backends.keys.sorted() {
      guard let text = house.ending(of: name, now) else { continue }
      add("credential.ending", "backend \(name): \(text)", "exchange it before the backend refuses it")
    }
    for device in knownDevices where head.quarantine.holds(device.id) {
      add(
        "device.quarantined",
        "device \(device.id) is left alone: the daemon died \(Quarantine.limit) times in its sessions",
        "send `hearthctl journal export` to support; then hearthctl devices release \(device.id)")
    }
    for device in knownDevices {
      guard let at = devices[device.id]?.floodToldAt, now.monotonic - at < Admission.day else { continue }
      add(
        "device.flooding", "device \(device.id) sends more than anybody measures, and is slowed",
        "look at the device; if it is not needed: hearthctl unpair or hearthctl serial release")
    }
    for device in knownDevices where house.air[device.id]?.needsPairing ?? false {
      add(
        "device.needs-pairing", "device \(device.id) does not know this hub any more",
        "bring it into pairing mode, then hearthctl pair")
    }
    if house.bluetooth.isNeeded, let fault = house.bluetooth.fault {
      add(fault.code, fault.message, fault.hint ?? "hearthctl doctor")
    }
    for problem in serialProblems() { add(problem.code, problem.message, problem.hint) }
    for device in knownDevices {
      guard let state = devices[device.id], let end = state.lastEnd, !state.isUp, end.isOpenFailure else {
        continue
      }
      add("device.unreachable", "device \(device.id): \(end.message)", end.hint ?? "check the cable")
    }
    return list
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

  func serialProblems() -> [(code: String, message: String, hint: String)] {
    var list: [(code: String, message: String, hint: String)] = []
    for (node, port) in house.ports.ports.sorted(by: { $0.key < $1.key }) {
      if let fault = port.fault {
        list.append((fault.code, fault.message, fault.hint ?? "hearthctl serial list"))
      } else if !port.candidates.isEmpty, port.use == .idle {
        list.append(
          (
            "port.ambiguous", "\(node) may be \(port.candidates.joined(separator: " or "))",
            "look at the device, then hearthctl serial bind \(node) --driver DRIVER"
          ))
      }
    }
    for path in house.ports.vanished {
      list.append(
        (
          "port.vanished", "a port at \(path) went away as soon as it had come",
          "brltty is known to take adapters away: apt remove brltty, then plug it in again"
        ))
    }
    for device in knownDevices {
      if let change = devices[device.id]?.change {
        list.append(
          (
            "device.changed", "device \(device.id): \(change); its readings are parked",
            "plug the right one in, or, if this is right: hearthctl serial bind \(portName(device)) --driver \(device.driver) --id \(device.id)"
          ))
      } else if isNobodys(device.id) {
        list.append(
          (
            "device.unassigned", "device \(device.id) has no patient; its readings are parked",
            "hearthctl assign --device \(device.id) PATIENT, or for a public device hearthctl session start"
          ))
      }
    }
    return list
  }
}
