// A device is taken from its patient. What was measured stays where it is; what comes is nobody's, or a session's.

internal import ControlProtocol
internal import Drivers
internal import JSON
internal import Ledger
internal import Settings

extension Desk {
  /// A slot of a device, or without one the device and each of its slots, is nobody's from now on.
  mutating func unassign(
    _ id: RequestID, device: String, user: UInt8?, _ caller: CallerName, _ turn: inout Turn
  ) -> [Effect] {
    guard let known = turn.house.devices[device] else { return .noDevice(id, device, turn.house) }
    let isConfigured = turn.house.configuration.devices.contains { $0.id == device }
    var taken: [(user: UInt8?, patient: String)] = []
    var records: [JournalEntry] = []
    let assigned = turn.head.bindings.slots.filter { $0.key.device == device && (user == nil || $0.key.user == user) }
    for (slot, patient) in assigned.sorted(by: { Desk.order($0.key.user) < Desk.order($1.key.user) }) {
      taken.append((slot.user, patient))
      records.append(.binding(Binding(slot: slot, patient: nil, sweeps: false)))
    }
    // What a technician said at its pairing stands in its own record.
    var record = turn.head.register.record(device)
    if !isConfigured, let described = record.device {
      if user == nil, let patient = described.patient {
        taken.append((nil, patient))
        record.device?.patient = nil
      }
      for (slot, patient) in described.users.sorted(by: { $0.key < $1.key }) where user == nil || user == slot {
        taken.append((slot, patient))
        record.device?.users[slot] = nil
      }
      if record.device != described { records.append(.device(record)) }
    }
    guard !records.isEmpty else {
      return refusal(id, device, user, known.configuration, isConfigured: isConfigured)
    }
    let what = user.map { "slot \($0) of \(device)" } ?? device
    return turn.append(records + [caller.audit("give \(what) to nobody")])
      + [
        .answer(
          id,
          .result([
            "unassigned": true, "device": .string(device),
            "taken": .array(
              taken.map { ["user": $0.user.map { .int(Int($0)) } ?? .null, "patient": .string($0.patient)] }),
          ]))
      ]
  }

  /// The whole device first.
  private static func order(_ user: UInt8?) -> Int { user.map { Int($0) } ?? -1 }

  /// Why nothing can be taken back.
  private func refusal(
    _ id: RequestID, _ device: String, _ user: UInt8?, _ description: DeviceConfiguration, isConfigured: Bool
  ) -> [Effect] {
    let inFile = "hearth.json says so"
    let change = "take it out of this device in hearth.json, then hearthctl reload"
    if isConfigured, let patient = description.patient {
      return .failure(
        id, "device.patient-configured", "all that \(device) measures is \(patient)'s: \(inFile)",
        "\"patient\": \(change)")
    }
    if isConfigured, let slot = user, let patient = description.users[slot] {
      return .failure(
        id, "device.patient-configured", "user \(slot) of \(device) is \(patient): \(inFile)", "\"users\": \(change)")
    }
    if isConfigured, user == nil, !description.users.isEmpty {
      return .failure(
        id, "device.patient-configured", "the users of \(device) are somebody's: \(inFile)", "\"users\": \(change)")
    }
    let what = user.map { "user \($0) of \(device)" } ?? device
    return .failure(id, "not-found", "\(what) is nobody's already", "hearthctl devices tells whose the devices are")
  }
}

extension [Effect] {
  /// The refusal of a slot on a device that never says whose slot a reading is in.
  static func tellsNoUser(_ id: RequestID, _ device: String, _ profile: DeviceProfile) -> [Effect] {
    .failure(
      id, "device.tells-no-user", "\(device) tells no user (driver \(profile.id)): no reading of it is in a slot",
      "leave --user out for one person; for several, hearthctl session start before each measurement")
  }
}
