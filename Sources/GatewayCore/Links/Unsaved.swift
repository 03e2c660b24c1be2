// What follows when something is on disk, or is not.

internal import GATT
internal import Octets
internal import Settings
internal import ControlProtocol
internal import Drivers
internal import JSON
internal import Monitoring
internal import Readings
internal import Zones
internal import Ledger

/// What the disk refused and nobody else keeps: decided anew when it takes records again.
enum Unsaved: Sendable {
  /// A reading of a device without memory: whose it is and what it means is decided anew, because both may have been decided upon
  /// records that are lost as well.
  case reading(Reading)
  /// Something to be told that no reading brings again.
  case event(HubEvent)
  /// The daemon died in this device's session.
  case crash(device: String)
}

extension Links {
  /// How long a device whose reading the disk refused is left alone, in milliseconds: many are on the air for a minute.
  static let refusedRetry: Int64 = 5000
  /// The most that is held in memory: months of a home's readings.
  static let mostUnsaved = 1000

  /// A reading is on disk.
  mutating func stored(_ reading: Reading, _ sequence: UInt64, _ turn: inout Turn) -> [Effect] {
    noteStamped(&turn)
    provenMeanwhile(reading.id, of: reading.device.id, sequence: sequence, &turn)
    return []
  }

  /// A device's records are on disk, and the confirmations went out.
  mutating func committed(_ device: String, _ turn: inout Turn) -> [Effect] {
    let now = turn.now
    devices[device]?.session?.confirmed()
    guard !turn.isAppending(device) else { return [] }
    return session(device, &turn) { $0.committed(at: now.monotonic) } + recoverFragments(of: device, &turn)
  }

  /// Groups of records are lost.
  mutating func refused(_ parts: [Part], _ turn: inout Turn) -> [Effect] {
    var ended: Set<String> = []
    var effects: [Effect] = []
    for part in parts { effects += refused(part, &ended, &turn) }
    return effects
  }

  /// The records of one giver are lost.
  private mutating func refused(_ part: Part, _ ended: inout Set<String>, _ turn: inout Turn) -> [Effect] {
    // A device that keeps what is not confirmed sends it again. One without memory has given its only copy: it is held here.
    guard let id = part.ticket.device, let device = devices[id] else {
      let isReadings = if case .held = part.ticket { true } else { part.ticket.device != nil }
      hold(part, readings: isReadings, &turn)
      return []
    }
    let memory = device.profile.memory
    if memory == MemoryBehaviour.none || !device.isBLE && memory != .untilConfirmed {
      hold(part, readings: true, &turn)
      return []
    }
    guard ended.insert(id).inserted else { return [] }
    if !device.isBLE {
      // Its driver forgets what it would have confirmed.
      let effects = closed(
        id, LinkEnd(code: "ended", message: "the disk takes no readings; the device keeps them"), &turn)
      devices[id]?.reopenAt = turn.now.monotonic + Links.refusedRetry
      return effects + [.close(device: id)]
    }
    // Not in a race: each contact costs the device's battery as much as a reading.
    if device.link != nil { turn.send(.bluetooth(.rest(id, milliseconds: Links.refusedRetry))) }
    return [.close(device: id)]
  }

  /// Keeps what nobody else keeps for a later try; bounded, the oldest stay.
  private mutating func hold(_ part: Part, readings: Bool, _ turn: inout Turn) {
    let now = turn.now
    for entry in part.entries {
      switch entry {
      // What rules told comes again with the readings and the rules.
      case .event(let event) where event.monitoring == nil:
        if unsaved.count < Links.mostUnsaved { unsaved.append(.event(event)) }
      case .reading(let reading) where readings:
        if unsaved.count < Links.mostUnsaved { unsaved.append(.reading(reading)) } else { lost += 1 }
      default: break
      }
    }
    if !unsaved.isEmpty, retryUnsavedAt == nil { retryUnsavedAt = now.monotonic + 5000 }
  }

  /// The most of what was held that is tried in one group.
  static let mostTried = 128

  /// What is held is for everybody to know: it is lost with the process.
  func noteUnsaved(_ turn: inout Turn) {
    guard !unsaved.isEmpty || turn.house.unsaved > 0 else { return }
    turn.house.unsaved = unsaved.count
    turn.house.unsavedReadings = unsaved.count { if case .reading = $0 { true } else { false } }
    turn.house.unsavedSince = unsaved.isEmpty ? nil : turn.house.unsavedSince ?? turn.now.wall
  }

  /// What was held is admitted and judged again.
  /// - Parameter most: how much of it at most; all of it when nothing comes after.
  mutating func retryUnsaved(most: Int = Links.mostTried, _ turn: inout Turn) -> [Effect] {
    let now = turn.now
    guard !turn.isCongested || most > Links.mostTried else {
      retryUnsavedAt = now.monotonic + Turn.refusedPause
      return []
    }
    retryUnsavedAt = nil
    let tried = unsaved.prefix(most)
    unsaved.removeFirst(tried.count)
    if !unsaved.isEmpty { retryUnsavedAt = now.monotonic }
    var effects: [Effect] = []
    for item in tried {
      switch item {
      case .event(let event): effects += turn.append([.event(event)], for: .held)
      // What is told of it is held as an event of its own.
      case .crash(let device):
        effects += turn.append([.quarantine(device: device, turn.head.quarantine.crashed(device, at: now.wall))])
      case .reading(let reading):
        guard !(turn.head.recent[reading.device.id]?.contains(reading.id) ?? false) else { continue }
        var reading = reading
        reading.evaluation = nil
        if let device = devices[reading.device.id] { reading.patient = owner(of: reading, device, &turn) }
        effects += turn.append(turn.judged(reading), for: .held)
      }
    }
    return effects
  }

  /// A reading is held here because the disk refused it: as good as on its way.
  func isUnsaved(_ id: ReadingID) -> Bool {
    unsaved.contains { if case .reading(let reading) = $0 { reading.id == id } else { false } }
  }
}
