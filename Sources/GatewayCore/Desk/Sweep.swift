// A slot was given to a patient: what is parked of it goes there too. The intention is on disk before anything moves, so that a kill
// in between does not leave readings behind.

internal import ControlProtocol
internal import Drivers
internal import JSON
internal import Readings
internal import Ledger
internal import Settings

extension Desk {
  /// The most readings that go in one group.
  private static let mostSwept = 64

  /// The parked readings of a slot, by sequence number, oldest first. A cuff that does not know its user says 255: that is no slot,
  /// as it is none where readings are attributed.
  func parked(of slot: Bindings.Slot, in state: LedgerState) -> [UInt64] {
    state.parked.values.filter { $0.device == slot.device && state.bindings.isOf(slot, user: $0.user) }
      .map(\.sequence).sorted()
  }

  /// Goes on with every slot that is to be swept.
  mutating func sweep(_ turn: inout Turn) -> [Effect] {
    sweepAt = nil
    guard turn.house.isStarted else { return [] }
    var effects: [Effect] = []
    for (slot, number) in turn.durable.bindings.sweeps.sorted(by: { $0.value < $1.value })
    where !sweeping.contains(slot) {
      // Of a binding that is being replaced the new one decides.
      guard turn.head.bindings.sweeps[slot] == number else { continue }
      let waiting = parked(of: slot, in: turn.durable).prefix(Desk.mostSwept)
      sweeping.insert(slot)
      effects +=
        waiting.isEmpty
        ? turn.append([.swept(slot, binding: number)], for: .completion(.swept(slot)))
        : [.loadParked(slot, Array(waiting))]
    }
    return effects
  }

  /// Parked readings came back from the journal: they are stored once more with their patient and judged.
  mutating func loadedParked(
    _ slot: Bindings.Slot, _ found: [(sequence: UInt64, reading: Reading?)], _ turn: inout Turn
  ) -> [Effect] {
    guard sweeping.contains(slot) else { return [] }
    guard let patient = turn.head.bindings.slots[slot], let number = turn.head.bindings.sweeps[slot] else {
      sweeping.remove(slot)
      return []
    }
    var readings: [Reading] = []
    for (_, reading) in found {
      guard var reading, turn.head.parked[reading.id] != nil else { continue }
      reading.give(to: patient)
      readings.append(reading)
    }
    guard let last = readings.last else {
      // They are parked, but not in the journal any more: nothing can be done for them.
      return turn.append([.swept(slot, binding: number)], for: .completion(.swept(slot)))
    }
    var effects: [Effect] = []
    for reading in readings {
      // The round goes on when all of them are on disk.
      effects += turn.append(turn.judged(reading), for: reading.id == last.id ? .completion(.swept(slot)) : .none)
    }
    return effects
  }

  // MARK: Assigning what is parked

  mutating func assign(
    _ id: RequestID, reading text: String, patient: String, _ caller: CallerName, _ turn: inout Turn
  ) -> [Effect] {
    if let refusal = [Effect].tooShort(text, id) { return refusal }
    let matching = turn.head.parked.filter { $0.key.description.hasPrefix(text.lowercased()) }
    guard matching.count == 1, let place = matching.first?.value else {
      return .failure(
        id, "not-found", "\(matching.isEmpty ? "no reading" : "more than one reading") \(text) waits for a patient",
        "hearthctl readings --parked lists what waits; hearthctl readings park READING takes one from its patient first"
      )
    }
    loads[place.sequence, default: []].append(
      Assignment(
        patient: patient, request: id, audit: caller.audit("assign reading \(text)")))
    return [.load(sequence: place.sequence)]
  }

  mutating func assign(
    _ id: RequestID, device: String, user: UInt8?, patient: String, _ caller: CallerName, _ turn: inout Turn
  ) -> [Effect] {
    guard let known = turn.house.devices[device] else { return .noDevice(id, device, turn.house) }
    if user != nil, !known.profile.tellsUser { return .tellsNoUser(id, device, known.profile) }
    if let refusal = sessionRefusal(id, device, turn) { return refusal }
    if let conflict = Bindings.conflict(known.configuration, user: user) {
      return reassign(id, device, user, patient, conflict, caller, &turn)
    }
    let slot = Bindings.Slot(device: device, user: user)
    let waiting = parked(of: slot, in: turn.head).count
    // Whose it was, also where it was so because the whole device is: readings that are theirs already stay so.
    let before = turn.head.bindings.patient(of: known.configuration, user: user).flatMap { $0 == patient ? nil : $0 }
    return turn.append(
      [
        .binding(Binding(slot: slot, patient: patient, sweeps: waiting > 0)),
        caller.audit("assign slot of \(device)"),
      ]) + [
        .answer(
          id,
          .result([
            "assigned": true, "readings": .int(waiting), "previous": before.map { .string($0) } ?? .null,
          ]))
      ]
  }

  /// A slot has a patient by the device's own description. What a technician wrote at its pairing changes here, what stands in
  /// hearth.json there.
  private func reassign(
    _ id: RequestID, _ device: String, _ user: UInt8?, _ patient: String, _ conflict: AttributionConflict,
    _ caller: CallerName, _ turn: inout Turn
  ) -> [Effect] {
    var record = turn.head.register.record(device)
    let isConfigured = turn.house.configuration.devices.contains { $0.id == device }
    guard !isConfigured, record.device != nil, let change = conflict.change(user) else {
      return [.answer(id, .failure(conflict.error(device, isConfigured: isConfigured)))]
    }
    let before: String
    switch conflict {
    case .patient(let patient), .user(_, let patient): before = patient
    case .users: before = ""
    }
    switch change {
    case .whole: record.device?.patient = patient
    case .user(let slot): record.device?.users[slot] = patient
    }
    return turn.append([.device(record), caller.audit("assign slot of \(device)")])
      + [.answer(id, .result(["assigned": true, "readings": 0, "previous": .string(before)]))]
  }

  /// A parked reading came back from the journal: it is stored once more with its patient, judged, and delivered again under
  /// the same identifier.
  mutating func loaded(_ sequence: UInt64, _ reading: Reading?, _ turn: inout Turn) -> [Effect] {
    guard let waiting = loads.removeValue(forKey: sequence), let last = waiting.last else { return [] }
    guard var reading, turn.head.parked[reading.id] != nil else {
      return waiting.compactMap { item in
        item.request.map {
          .answer($0, .failure(.init(code: "not-found", message: "the reading is no longer in the journal")))
        }
      }
    }
    reading.give(to: last.patient)
    let effects = turn.append(
      waiting.compactMap(\.audit) + turn.judged(reading),
      for: last.request == nil ? .assigned([sequence: last.patient]) : .none)
    return effects
      + waiting.compactMap { item in
        item.request.map { request in
          // A newer assignment decides.
          guard item.patient == last.patient else {
            return .answer(
              request,
              .failure(
                ControlError(
                  code: "reading.reassigned", message: "the reading was given to \(last.patient) meanwhile",
                  hint: "hearthctl readings shows it; hearthctl readings park takes it back")))
          }
          return .answer(request, .result(["assigned": true]))
        }
      }
  }
}
