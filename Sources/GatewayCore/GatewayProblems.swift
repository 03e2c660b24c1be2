// What needs a person, for `status`: in plain words, with what to do.

internal import ControlProtocol
internal import JSON
internal import Readings
internal import Settings

extension Gateway {
  /// What needs a person, in plain words with what to do.
  func problems(_ now: Now) -> [JSONValue] {
    var list: [JSONValue] = faultProblems()
    func add(_ code: String, _ message: String, _ hint: String) {
      list.append(["code": .string(code), "message": .string(message), "hint": .string(hint)])
    }
    if let failure = journalFailure?.failure {
      add(failure.code, failure.message, "free space or replace the disk; devices keep what is not confirmed")
    }
    if lost > 0 {
      add(
        "readings.lost", "\(lost) readings of devices without memory could not be stored while the disk refused",
        "tell those who follow the patient that readings are missing; then find out why the disk was full")
    }
    if !journal.damage.isEmpty {
      add(
        "journal.damaged", "\(journal.damage.count) damaged places were set aside",
        "copy the folder journal/damaged for support")
    }
    if !shown.parked.isEmpty {
      add(
        "readings.parked", "\(shown.parked.count) readings wait for a patient",
        "hearthctl readings --parked, then hearthctl assign READING PATIENT")
    }
    if !shown.held.isEmpty {
      add(
        "readings.held", "\(shown.held.count) readings wait for the hub's clock to be synchronised",
        "check the network and systemd-timesyncd; they go by themselves, at the latest when their time is over")
    }
    if let text = nationalIDText { add(PatientReference.nationalIDCode, text, Gateway.nationalIDHint) }
    for name in outboxes.keys.sorted() {
      guard let outbox = outboxes[name], outbox.isMisconfigured, let error = outbox.lastError else { continue }
      add(
        "backend.misconfigured", "backend \(name): \(error.text) (\(error.code))", outbox.advice)
    }
    for (name, pull) in pulls.sorted(by: { $0.key < $1.key }) {
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
    for name in outboxes.keys.sorted() {
      guard let text = ending(name, now) else { continue }
      add("credential.ending", "backend \(name): \(text)", "exchange it before the backend refuses it")
    }
    for device in knownDevices where state.quarantine.holds(device.id) {
      add(
        "device.quarantined",
        "device \(device.id) is left alone: the daemon died \(Quarantine.limit) times in its sessions",
        "send `hearthctl journal export` to support; then hearthctl devices release \(device.id)")
    }
    for device in knownDevices where devices[device.id]?.needsPairing ?? false {
      add(
        "device.needs-pairing", "device \(device.id) does not know this hub any more",
        "bring it into pairing mode, then hearthctl pair")
    }
    if !bluetooth.devices.isEmpty, let fault = bluetoothFault {
      add(fault.code, fault.message, fault.hint ?? "hearthctl doctor")
    }
    for problem in serialProblems() { add(problem.code, problem.message, problem.hint) }
    for device in knownDevices {
      guard let end = devices[device.id]?.lastEnd, devices[device.id]?.session == nil, end.isOpenFailure else {
        continue
      }
      add("device.unreachable", "device \(device.id): \(end.message)", end.hint ?? "check the cable")
    }
    return list
  }
}
