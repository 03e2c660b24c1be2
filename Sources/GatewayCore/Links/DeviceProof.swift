// Whether the device behind a bound port is the one that was bound: by its own serial number where it tells one, and by its
// protocol. Readings of another device never go to the patient.

internal import Drivers
internal import Readings
internal import Settings
internal import Ledger

/// What is known of the device behind a port since it was plugged in.
struct DeviceProof: Sendable {
  /// The serial number that the device told when it was bound; nil: it tells none, or has not yet.
  var expected: String?
  /// It told the number that was expected.
  var isGiven = false
  /// What is wrong, one sentence.
  var change: String?
  /// Readings that came before the proof, with whose they are if it is given.
  var waiting: [ReadingID: String] = [:]
  /// Hears what the protocols of other drivers make of the line, until that is known.
  var listener: LineListener?

  init(expected: String? = nil) { self.expected = expected }

  /// A reading may go to its patient.
  var isEnough: Bool { change == nil && (expected == nil || isGiven) }
}

extension Links {
  /// The device told its serial number.
  mutating func toldSerial(_ id: String, _ serial: String, _ turn: inout Turn) -> [Effect] {
    guard let device = devices[id], device.configuration.isOnPort, !serial.isEmpty else { return [] }
    guard let expected = turn.head.register.serials[id] else {
      var record = turn.head.register.record(id)
      record.serial = serial
      return turn.append([.device(record)])
    }
    if serial == expected {
      guard !device.proof.isGiven || device.proof.change != nil else { return [] }
      devices[id]?.proof.isGiven = true
      devices[id]?.proof.change = nil
      // It was the right one all the time.
      let proven = device.proof.waiting
      for (reading, patient) in proven {
        guard let place = turn.head.parked[reading] else { continue }
        devices[id]?.proof.waiting[reading] = nil
        turn.send(.desk(.assign(place.sequence, patient: patient)))
      }
      return []
    }
    return changed(
      id, "another device of its kind is plugged in: its serial number is not the one that was bound", &turn)
  }

  /// The configuration names another port or driver for a device, or none: what its device told counts no more.
  mutating func forgetSerial(of old: DeviceConfiguration, _ turn: inout Turn) -> [Effect] {
    let new = turn.knownDevices.first { $0.id == old.id }
    guard new?.endpoint != old.endpoint || new?.driver != old.driver, turn.head.register.serials[old.id] != nil else {
      return []
    }
    var record = turn.head.register.record(old.id)
    record.serial = nil
    return turn.append([.device(record)])
  }

  /// Another device is behind the port: its readings are parked until a technician has decided.
  private mutating func changed(_ id: String, _ message: String, _ turn: inout Turn) -> [Effect] {
    let now = turn.now
    let isNew = devices[id]?.proof.change == nil
    devices[id]?.proof.change = message
    devices[id]?.proof.isGiven = false
    devices[id]?.proof.waiting = [:]
    guard isNew else { return [] }
    return [.log(.warning, "device \(id): device.changed: \(message)")]
      + turn.append([.event(turn.house.event(of: id, "device.changed", message, now))])
  }

  /// A reading that was parked for want of proof is on disk, and the proof was given meanwhile.
  mutating func provenMeanwhile(_ reading: ReadingID, of id: String, sequence: UInt64, _ turn: inout Turn) {
    guard let proof = devices[id]?.proof, proof.isEnough, let patient = proof.waiting[reading] else { return }
    devices[id]?.proof.waiting[reading] = nil
    turn.send(.desk(.assign(sequence, patient: patient)))
  }

  /// The beginning of what a bound port says is held against every protocol of its line settings.
  mutating func overhear(_ id: String, _ octets: [UInt8], _ turn: inout Turn) -> [Effect] {
    let now = turn.now
    guard with(id, { $0.proof.listener != nil }) ?? false, let device = devices[id],
      var listener = device.proof.listener
    else { return [] }
    let before = listener.heardOctets
    listener.heard(octets, at: now.monotonic)
    let scores = listener.scores
    let own = scores.first { $0.driver == device.profile.id }
    let other = scores.first { $0.isCertain && $0.driver != device.profile.id }
    // It is full, or the device speaks as it should.
    let isOver = own?.isCertain ?? false || other != nil || listener.heardOctets == before
    devices[id]?.proof.listener = isOver ? nil : listener
    guard let other, own == nil else { return [] }
    return changed(id, "what is plugged in speaks like \(other.driver), not like \(device.profile.id)", &turn)
  }
}
