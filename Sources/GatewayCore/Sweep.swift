// A slot was given to a patient: what is parked of it goes there too. The intention is on disk before anything moves, so that a kill
// in between does not leave readings behind.

internal import Readings

extension Gateway {
  /// The most readings that go in one group.
  private static let mostSwept = 64

  /// The parked readings of a slot, by sequence number, oldest first. A cuff that does not know its user says 255: that is no slot,
  /// as it is none where readings are attributed.
  func parked(of slot: Bindings.Slot, in state: LedgerState) -> [UInt64] {
    state.parked.values.filter { $0.device == slot.device && ($0.user.flatMap { $0 == 255 ? nil : $0 }) == slot.user }
      .map(\.sequence).sorted()
  }

  /// Goes on with every slot that is to be swept.
  mutating func sweepRound(_ now: Now) -> [Effect] {
    sweepAt = nil
    guard isStarted else { return [] }
    var effects: [Effect] = []
    for (slot, number) in shown.bindings.sweeps.sorted(by: { $0.value < $1.value }) where !sweeping.contains(slot) {
      // Of a binding that is being replaced the new one decides.
      guard state.bindings.sweeps[slot] == number else { continue }
      let waiting = parked(of: slot, in: shown).prefix(Gateway.mostSwept)
      sweeping.insert(slot)
      effects +=
        waiting.isEmpty
        ? append([.swept(slot, binding: number)], completion: .swept(slot), now: now)
        : [.loadParked(slot, Array(waiting))]
    }
    return effects
  }

  /// Parked readings came back from the journal: they are stored once more with their patient and judged.
  mutating func loadedParked(
    _ slot: Bindings.Slot, _ found: [(sequence: UInt64, reading: Reading?)], _ now: Now
  ) -> [Effect] {
    guard sweeping.contains(slot) else { return [] }
    guard let patient = state.bindings.slots[slot], let number = state.bindings.sweeps[slot] else {
      sweeping.remove(slot)
      return []
    }
    var readings: [Reading] = []
    for (_, reading) in found {
      guard var reading, state.parked[reading.id] != nil else { continue }
      reading.patient = patient
      readings.append(reading)
    }
    guard let last = readings.last else {
      // They are parked, but not in the journal any more: nothing can be done for them.
      return append([.swept(slot, binding: number)], completion: .swept(slot), now: now)
    }
    var effects: [Effect] = []
    for reading in readings {
      // The round goes on when all of them are on disk.
      effects += append(judged(reading, now), completion: reading.id == last.id ? .swept(slot) : nil, now: now)
    }
    return effects
  }
}
