// A hub without battery clock: what it receives before its clock is set for the first time in a boot is kept with that boot's
// monotonic clock beside it, and held back. When the clock is set it is stamped anew and stored once more under the same
// identifier (the last record of an identifier counts); when that takes too long, it goes as it is and its quality says so.

internal import Monitoring
internal import Readings
internal import Settings
internal import Zones
internal import Ledger

/// What is known of the hub's own clock.
struct HubClock: Sendable {
  /// It was synchronised since this process began.
  var wasSynchronised = false
  /// Wall clock less monotonic clock when it was synchronised last, in milliseconds.
  var basis: Int64?
  /// When to look whether it is synchronised: a clock that is not stepped tells nothing.
  var lookAt: Int64?
  /// What is being read from the journal to be stamped anew, by sequence number.
  var reading: Set<UInt64> = []
  /// What was to be stamped anew and is not in the journal any more, by sequence number.
  var missing: Set<UInt64> = []
  /// The disk refused what was stamped anew: not before this, monotonic milliseconds.
  var pausedUntil: Int64?

  /// How often a clock is looked at while readings wait for it, in milliseconds.
  static let pace: Int64 = 10_000
  /// A step of a synchronised clock that is told, in milliseconds.
  static let step: Int64 = 5000
}

extension House {
  /// How long readings wait for the clock's first synchronisation, in milliseconds.
  var clockHold: Int64 { configuration.clockHold ?? (identity.hasBatteryClock ? 0 : Links.usualHold) }
}

extension Links {
  /// How long readings wait for the clock's first synchronisation, in milliseconds; 0: not at all.
  static let usualHold: Int64 = 900_000

  /// The moment of a reception that only the monotonic clock knows; nil when the wall clock can be trusted, or nothing is held.
  func anchor(_ deviceClock: DeviceClock?, _ turn: inout Turn) -> ClockAnchor? {
    let now = turn.now
    guard !now.isSynchronised, !clock.wasSynchronised, turn.house.clockHold > 0 else { return nil }
    return ClockAnchor(bootID: now.bootID, monotonic: now.monotonic, deviceOffset: deviceClock?.offset)
  }

  /// Looks at the clock with each event: what waits for it goes on, and a step is told.
  mutating func lookAtClock(_ turn: inout Turn) -> [Effect] {
    let now = turn.now
    guard turn.house.isStarted else { return [] }
    var effects: [Effect] = []
    if now.isSynchronised {
      let basis = now.wall - now.monotonic
      if let before = clock.basis, abs(basis - before) >= HubClock.step { effects += stepped(basis - before, &turn) }
      clock.basis = basis
      clock.wasSynchronised = true
    }
    clock.lookAt = nil
    guard !turn.durable.held.isEmpty else { return effects }
    if let until = clock.pausedUntil, now.monotonic < until {
      clock.lookAt = until
      return effects
    }
    clock.pausedUntil = nil
    for held in turn.durable.held.values.sorted(by: { $0.sequence < $1.sequence })
    where !clock.missing.contains(held.sequence) {
      let isOver = held.bootID != now.bootID || now.monotonic - held.monotonic >= turn.house.clockHold
      guard now.isSynchronised || isOver else {
        let end = held.monotonic + turn.house.clockHold
        clock.lookAt = min(clock.lookAt ?? .max, end, now.monotonic + HubClock.pace)
        continue
      }
      guard !turn.house.assigning.contains(held.sequence), clock.reading.insert(held.sequence).inserted else {
        continue
      }
      effects.append(.load(sequence: held.sequence))
    }
    return effects
  }

  /// Readings that were stamped anew are on disk: they are not being read any more.
  mutating func noteStamped(_ turn: inout Turn) {
    guard !clock.reading.isEmpty else { return }
    let held = Set(turn.head.held.values.map(\.sequence))
    clock.reading.formIntersection(held)
  }

  /// The disk refused a reading that was stamped anew.
  mutating func restampRefused(_ id: ReadingID, _ turn: inout Turn) -> [Effect] {
    guard let held = turn.head.held[id] else { return [] }
    clock.reading.remove(held.sequence)
    clock.pausedUntil = turn.now.monotonic + Turn.refusedPause
    return []
  }

  private mutating func stepped(_ by: Int64, _ turn: inout Turn) -> [Effect] {
    let seconds = by.magnitude / 1000
    let message = "the hub's clock was set \(by > 0 ? "forward" : "back") by \(seconds) s although it was synchronised"
    return [.log(.warning, "clock.stepped: \(message)")]
      + turn.append([.event(turn.house.event("clock.stepped", message, turn.now))])
  }

  /// A held reading came back from the journal.
  mutating func loaded(_ sequence: UInt64, _ found: Reading?, _ turn: inout Turn) -> [Effect] {
    let now = turn.now
    guard clock.reading.contains(sequence) else { return [] }
    guard turn.head.held.contains(where: { $0.value.sequence == sequence }) else {
      // It was given to a patient meanwhile, and stands elsewhere now.
      clock.reading.remove(sequence)
      return []
    }
    guard var reading = found, let anchor = reading.anchor else {
      clock.reading.remove(sequence)
      clock.missing.insert(sequence)
      return []
    }
    let isSameBoot = anchor.bootID == now.bootID
    if now.isSynchronised, isSameBoot {
      let received = now.wall - (now.monotonic - anchor.monotonic)
      let device = devices[reading.device.id]?.configuration
      let zone = device.map { turn.house.zone(for: $0, patient: reading.patient) } ?? turn.house.zone
      reading = Intake.restamp(reading, received: received, zone: zone)
    } else {
      reading.anchor = nil
      if reading.deviceTime != nil, !reading.flags.contains(.clockUnverified) { reading.flags.append(.clockUnverified) }
    }
    // In its new place it may mean something else to trends.
    guard let patient = reading.patient, let plan = turn.house.plans[patient],
      Monitor.awaitsSettlement(reading, by: plan)
    else {
      return turn.append([.reading(reading)])
    }
    var after = turn.head.rules[patient] ?? PatientState()
    after.isUnsettled = true
    return turn.append([.rules(patient: patient, after), .reading(reading)])
  }
}
