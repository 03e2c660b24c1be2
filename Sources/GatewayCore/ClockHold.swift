// A hub without battery clock: what it receives before its clock is set for the first time in a boot is kept with that boot's
// monotonic clock beside it, and held back. When the clock is set it is stamped anew and stored once more under the same
// identifier (the last record of an identifier counts); when that takes too long, it goes as it is and its quality says so.

internal import Monitoring
internal import Readings
internal import Settings
internal import Zones

/// A reading that waits for the hub's clock.
public struct HeldReading: Sendable, Hashable {
  /// Its place in the journal.
  public var sequence: UInt64
  /// The boot in which it was received, and that boot's monotonic clock then, in milliseconds.
  public var bootID: String
  /// Milliseconds of that boot's monotonic clock.
  public var monotonic: Int64
}

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

extension Gateway {
  /// How long readings wait for the clock's first synchronisation, in milliseconds; 0: not at all.
  static let usualHold: Int64 = 900_000

  private var clockHold: Int64 { configuration.clockHold ?? (identity.hasBatteryClock ? 0 : Gateway.usualHold) }

  /// The moment of a reception that only the monotonic clock knows; nil when the wall clock can be trusted, or nothing is held.
  func anchor(_ clock: DeviceClock?, _ now: Now) -> ClockAnchor? {
    guard !now.isSynchronised, !clockState.wasSynchronised, clockHold > 0 else { return nil }
    return ClockAnchor(bootID: now.bootID, monotonic: now.monotonic, deviceOffset: clock?.offset)
  }

  /// Looks at the clock with each event: what waits for it goes on, and a step is told.
  mutating func clockRound(_ now: Now) -> [Effect] {
    guard isStarted else { return [] }
    var effects: [Effect] = []
    if now.isSynchronised {
      let basis = now.wall - now.monotonic
      if let before = clockState.basis, abs(basis - before) >= HubClock.step { effects += stepped(basis - before, now) }
      clockState.basis = basis
      clockState.wasSynchronised = true
    }
    clockState.lookAt = nil
    guard !shown.held.isEmpty else { return effects }
    if let until = clockState.pausedUntil, now.monotonic < until {
      clockState.lookAt = until
      return effects
    }
    clockState.pausedUntil = nil
    for held in shown.held.values.sorted(by: { $0.sequence < $1.sequence })
    where !clockState.missing.contains(held.sequence) {
      let isOver = held.bootID != now.bootID || now.monotonic - held.monotonic >= clockHold
      guard now.isSynchronised || isOver else {
        let end = held.monotonic + clockHold
        clockState.lookAt = min(clockState.lookAt ?? .max, end, now.monotonic + HubClock.pace)
        continue
      }
      guard loads[held.sequence] == nil, clockState.reading.insert(held.sequence).inserted else { continue }
      effects.append(.load(sequence: held.sequence))
    }
    return effects
  }

  private mutating func stepped(_ by: Int64, _ now: Now) -> [Effect] {
    let seconds = by.magnitude / 1000
    let message = "the hub's clock was set \(by > 0 ? "forward" : "back") by \(seconds) s although it was synchronised"
    let offset = Int32(clamping: (zones[configuration.timeZone] ?? .utc).local(at: now.wall / 1000).offset)
    return [.log(.warning, "clock.stepped: \(message)")]
      + append(
        [.event(HubEvent(hub: "clock.stepped", message: message, at: now.wall, offsetSeconds: offset))], now: now)
  }

  /// A held reading came back from the journal.
  mutating func loadedForClock(_ sequence: UInt64, _ found: Reading?, _ now: Now) -> [Effect] {
    guard clockState.reading.contains(sequence) else { return [] }
    guard state.held.contains(where: { $0.value.sequence == sequence }) else {
      // It was given to a patient meanwhile, and stands elsewhere now.
      clockState.reading.remove(sequence)
      return []
    }
    guard var reading = found, let anchor = reading.anchor else {
      clockState.reading.remove(sequence)
      clockState.missing.insert(sequence)
      return []
    }
    let isSameBoot = anchor.bootID == now.bootID
    if now.isSynchronised, isSameBoot {
      let received = now.wall - (now.monotonic - anchor.monotonic)
      let device = devices[reading.device.id]?.configuration
      let zone = device.map { self.zone(for: $0, patient: reading.patient) } ?? zones[configuration.timeZone] ?? .utc
      reading = Intake.restamp(reading, received: received, zone: zone)
    } else {
      reading.anchor = nil
      if reading.deviceTime != nil, !reading.flags.contains(.clockUnverified) { reading.flags.append(.clockUnverified) }
    }
    // In its new place it may mean something else to trends.
    guard let patient = reading.patient, let plan = plans[patient], Monitor.awaitsSettlement(reading, by: plan) else {
      return append([.reading(reading)], now: now)
    }
    var after = state.rules[patient] ?? PatientState()
    after.isUnsettled = true
    return append([.rules(patient: patient, after), .reading(reading)], now: now)
  }
}

extension LedgerState {
  /// The book of what waits for the clock. A reading that is stamped anew takes its new place in its patient's history.
  mutating func noteHold(of reading: Reading, sequence: UInt64) {
    if let anchor = reading.anchor {
      held[reading.id] = HeldReading(sequence: sequence, bootID: anchor.bootID, monotonic: anchor.monotonic)
    } else if held.removeValue(forKey: reading.id) != nil, let patient = reading.patient {
      history[patient]?.remove(reading.id)
    }
  }
}
