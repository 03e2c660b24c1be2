// From what a driver decoded to a normalised reading: identity, order, time, plausibility. Whose it is, the gateway says.

internal import JSON
internal import Octets

package import Readings
package import Zones
package import Ledger

/// What intake knows of the device and the moment.
package struct IntakeContext: Sendable {
  package var device: DeviceIdentity
  /// The zone that the device's clock is set to.
  package var zone: TimeZoneRules
  /// The clocks at reception.
  package var now: Now
  /// What is known of the device's clock in this session.
  package var clock: DeviceClock?
  /// Octets looked at again, not measured now: the moment of reception tells nothing apart.
  package var isReplay = false

  /// What intake knows.
  package init(device: DeviceIdentity, zone: TimeZoneRules, now: Now, clock: DeviceClock? = nil) {
    self.device = device
    self.zone = zone
    self.now = now
    self.clock = clock
  }
}

/// How far a device's clock is from the hub's, as found when both were read together.
package struct DeviceClock: Sendable, Hashable {
  /// Hub minus device, in milliseconds.
  package var offset: Int64
  /// True when the hub's own clock could be trusted then.
  package var isReliable: Bool
  /// When the hub set the device's clock, in milliseconds since 1970: stamps from then on are right, those before are not.
  package var setAt: Int64?
  /// The hub's wall clock less its monotonic clock when the device's was read, in milliseconds.
  var basis: Int64?

  /// An offset found when both clocks were read together.
  package init(offset: Int64, isReliable: Bool) {
    self.offset = offset
    self.isReliable = isReliable
  }
}

extension DeviceClock {
  /// The offset from the hub's clock as it is now: it may have been set since the device's was read.
  func seen(at now: Now) -> DeviceClock {
    guard let basis else { return self }
    let step = now.wall - now.monotonic - basis
    guard abs(step) >= 1000 || (now.isSynchronised && !isReliable) else { return self }
    var clock = self
    clock.offset += step
    clock.basis = basis + step
    if now.isSynchronised { clock.isReliable = true }
    return clock
  }
}

/// Normalises readings. Pure.
package enum Intake {
  /// Offsets up to this are a clock that is right, in milliseconds.
  static let tolerance: Int64 = 60_000
  /// A corrected stamp later than reception by more than this is no stamp, in milliseconds.
  static let future: Int64 = 300_000

  /// The reading of what a driver decoded, without patient and evaluation.
  package static func normalise(_ raw: DeviceReading, _ context: IntakeContext) -> Reading {
    let local = context.zone.local(at: floorSeconds(context.now.wall))
    let received = Timestamp(milliseconds: context.now.wall, offsetSeconds: Int32(clamping: local.offset))
    var flags: [ReadingFlag] = []
    for flag in raw.flags where !flags.contains(flag) { flags.append(flag) }
    let placed = place(raw, context, received: received)
    for flag in placed.flags where !flags.contains(flag) { flags.append(flag) }
    let observations = inOrder(raw.observations.map(legible))
    if raw.stored == true, !flags.contains(.fromStorage) { flags.append(.fromStorage) }
    if flags.contains(where: \.isDoubt), !flags.contains(.questionable) { flags.append(.questionable) }
    if Plausibility.isImplausible(observations) { flags.append(.implausible) }
    return Reading(
      id: identifier(
        raw, device: context.device, received: hasOwnTime(raw) || context.isReplay ? nil : context.now.wall),
      kind: raw.kind,
      observations: observations, flags: flags, takenAt: placed.time, timeQuality: placed.quality,
      deviceTime: isEstimated(raw) ? nil : raw.time, receivedAt: received, user: raw.user, patient: nil,
      device: context.device, evaluation: nil, raw: raw.raw, recordNumber: raw.recordNumber)
  }

  /// A number so far from any measurement that it would take a line of zeros to write is an error of the device; it also would
  /// not come back out of the journal. The octets stay beside it.
  private static func legible(_ observation: Observation) -> Observation {
    guard let decimal = observation.value.decimal, decimal.characters > 18 else { return observation }
    return Observation(term: observation.term, value: .absent(.error), reported: nil)
  }

  /// In the order of the nomenclature; those of one term as they came.
  private static func inOrder(_ observations: [Observation]) -> [Observation] {
    let places = observations.map { Nomenclature.order(of: $0.term) }
    // Most drivers give them so.
    if zip(places, places.dropFirst()).allSatisfy({ $0 <= $1 }) { return observations }
    return observations.indices.sorted { (places[$0], $0) < (places[$1], $1) }.map { observations[$0] }
  }

  /// True when the octets themselves tell one measurement from the next.
  package static func hasOwnTime(_ raw: DeviceReading) -> Bool { raw.time != nil || raw.recordNumber != nil }

  /// The namespace of reading identifiers: UUID version 5 of the DNS namespace and `reading.hearth`.
  private static let namespace: [UInt8] =
    SHA1.digest(
      [0x6B, 0xA7, 0xB8, 0x10, 0x9D, 0xAD, 0x11, 0xD1, 0x80, 0xB4, 0x00, 0xC0, 0x4F, 0xD4, 0x30, 0xC8]
        + Array("reading.hearth".utf8)
    ).prefix(16) + []

  /// The same octets of the same device record give the same identifier, for ever. A record without time or number of its own
  /// is told from its like by the moment of its first reception.
  static func identifier(_ raw: DeviceReading, device: DeviceIdentity, received: Int64?) -> ReadingID {
    var writer = OctetWriter(capacity: 64 + raw.raw.octets.count)
    writer.append(namespace)
    for text in [device.address ?? device.id, raw.kind.rawValue, raw.raw.source] {
      writer.append(text)
      writer.uint8(0)
    }
    writer.append(raw.raw.octets)
    if let number = raw.recordNumber { writer.uint32(number) }
    if let received { writer.uint64(UInt64(bitPattern: received)) }
    return NameBasedUUID.make(writer.octets)
  }

  private static func floorSeconds(_ milliseconds: Int64) -> Int64 {
    milliseconds >= 0 ? milliseconds / 1000 : (milliseconds - 999) / 1000
  }

  /// The device has no clock: its driver reckoned the time from the hub's own.
  private static func isEstimated(_ raw: DeviceReading) -> Bool { raw.flags.contains(.estimatedTime) }

  private struct Placed {
    var time: Timestamp?
    var quality: TimeQuality
    var flags: [ReadingFlag] = []
  }

  private static func place(_ raw: DeviceReading, _ context: IntakeContext, received: Timestamp) -> Placed {
    guard let stamp = raw.time else {
      // A record of the device's memory was not taken now, and nothing says when.
      guard raw.stored != true else { return Placed(time: nil, quality: .unplaced) }
      return Placed(time: received, quality: context.now.isSynchronised ? .received : .receivedUnsynced)
    }
    guard let (milliseconds, isAmbiguous) = instant(stamp, context) else {
      return Placed(time: nil, quality: .unplaced)
    }
    guard !isEstimated(raw) else { return estimate(milliseconds, context) }
    // Measured now: the moment of reception is as good as any clock, and better than one that nothing stands beside.
    if raw.stored == false, !isProvenRight(milliseconds, context) {
      return Placed(time: received, quality: context.now.isSynchronised ? .received : .receivedUnsynced)
    }
    var flags: [ReadingFlag] = isAmbiguous ? [.ambiguousTime] : []
    if let clock = context.clock, clock.isReliable, abs(clock.offset) > tolerance,
      !isSinceSet(milliseconds, clock, context)
    {
      // The clock was read: its stamps are as far from the truth as it is, whatever its year.
      let corrected = milliseconds + clock.offset
      if isBelievable(corrected, context) { return placed(corrected, .corrected, flags, context) }
      // Its clock was another when it measured: perhaps it was right then.
      flags.append(.clockUnverified)
    } else if let clock = context.clock, !clock.isReliable, isBefore(milliseconds) {
      // Neither clock is right; how long ago it was, the device's tells.
      let distant = milliseconds + clock.offset
      guard distant <= context.now.wall + future else { return Placed(time: nil, quality: .unplaced) }
      return placed(distant, .receivedUnsynced, flags + [.clockNotSet], context)
    } else if context.clock == nil, isBefore(milliseconds), raw.stored != true {
      // Its clock was never set, and what it shows now is not known.
      let quality = context.now.isSynchronised ? TimeQuality.received : .receivedUnsynced
      return Placed(time: received, quality: quality, flags: [.clockNotSet])
    } else if !context.now.isSynchronised
      || context.clock == nil && abs(context.now.wall - milliseconds) > tolerance
    {
      flags.append(.clockUnverified)
    }
    guard isBelievable(milliseconds, context) else { return Placed(time: nil, quality: .unplaced) }
    // Nothing that is right stood beside the stamp: it is not called the device's.
    return placed(milliseconds, context.now.isSynchronised ? .device : .receivedUnsynced, flags, context)
  }

  /// The stamp of a value that was measured now agrees with the hub's clock, which is right.
  private static func isProvenRight(_ milliseconds: Int64, _ context: IntakeContext) -> Bool {
    context.now.isSynchronised && abs(context.now.wall - milliseconds) <= tolerance
  }

  /// How far the stamp of a value that was measured now is from the hub's clock, in milliseconds: the device's clock is wrong. Nil for
  /// other readings, and while the hub's clock is not known to be right.
  static func clockFault(_ raw: DeviceReading, _ context: IntakeContext) -> Int64? {
    guard raw.stored == false, !isEstimated(raw), context.now.isSynchronised, let stamp = raw.time,
      let (milliseconds, _) = instant(stamp, context)
    else { return nil }
    let distance = milliseconds - context.now.wall
    return abs(distance) > tolerance ? distance : nil
  }

  private static func placed(
    _ milliseconds: Int64, _ quality: TimeQuality, _ flags: [ReadingFlag], _ context: IntakeContext
  ) -> Placed {
    let offset = context.zone.local(at: floorSeconds(milliseconds)).offset
    return Placed(
      time: Timestamp(milliseconds: milliseconds, offsetSeconds: Int32(clamping: offset)), quality: quality,
      flags: flags)
  }

  /// 2015-01-01 and 2026-01-01, in milliseconds: no device measured before the first for this hub, no hub ran before the second.
  private static let first: Int64 = 1_420_070_400_000
  private static let release: Int64 = 1_767_225_600_000
  /// How far a clock that is not synchronised may be behind, in milliseconds: ten years.
  private static let longestBehind: Int64 = 315_576_000_000

  private static func isBefore(_ milliseconds: Int64) -> Bool { milliseconds < first }

  /// A moment that a measurement can have: not from the future, and not from before there were such hubs.
  private static func isBelievable(_ milliseconds: Int64, _ context: IntakeContext) -> Bool {
    let now = context.now
    let end = now.isSynchronised ? now.wall + future : max(now.wall, release) + longestBehind
    return !isBefore(milliseconds) && milliseconds <= end
  }

  /// True for a stamp of the clock as the hub has set it in this session.
  private static func isSinceSet(_ stamp: Int64, _ clock: DeviceClock, _ context: IntakeContext) -> Bool {
    guard let setAt = clock.setAt else { return false }
    return stamp >= setAt - tolerance && stamp <= context.now.wall + tolerance
  }

  /// The hub's clock at reception, less what the device told to have passed since. No offset of a device's clock applies, and it
  /// is not later than reception.
  private static func estimate(_ milliseconds: Int64, _ context: IntakeContext) -> Placed {
    let earliest = min(milliseconds, context.now.wall)
    let offset = context.zone.local(at: floorSeconds(earliest)).offset
    return Placed(
      time: Timestamp(milliseconds: earliest, offsetSeconds: Int32(clamping: offset)),
      quality: context.now.isSynchronised ? .received : .receivedUnsynced)
  }

  /// The years 1 to 9999 in milliseconds since 1970: what a calendar can name.
  private static let calendar: ClosedRange<Int64> = -62_135_596_800_000...253_402_300_799_999

  /// Milliseconds since 1970 of a device's stamp; nil when it names no moment: a date that does not exist.
  private static func instant(_ stamp: DeviceStamp, _ context: IntakeContext) -> (
    milliseconds: Int64, isAmbiguous: Bool
  )? {
    switch stamp {
    case .utc(let milliseconds): return calendar.contains(milliseconds) ? (milliseconds, false) : nil
    case .local(let fields):
      guard let civil = civil(fields) else { return nil }
      let (seconds, isAmbiguous) = context.zone.resolve(civil, received: context.now.wall)
      return (seconds * 1000, isAmbiguous)
    }
  }

  static func civil(_ fields: DeviceDateTime) -> CivilTime? {
    CivilTime(
      year: Int(fields.year), month: Int(fields.month), day: Int(fields.day), hour: Int(fields.hours),
      minute: Int(fields.minutes), second: Int(fields.seconds))
  }

  /// The offset of a device's clock that was read now; nil when it names no moment at all.
  package static func clock(_ stamp: DeviceStamp, zone: TimeZoneRules, now: Now) -> DeviceClock? {
    let device: Int64
    switch stamp {
    case .utc(let milliseconds):
      guard calendar.contains(milliseconds) else { return nil }
      device = milliseconds
    case .local(let fields):
      guard let civil = civil(fields) else { return nil }
      device = zone.resolve(civil, received: now.wall).0 * 1000
    }
    var clock = DeviceClock(offset: now.wall - device, isReliable: now.isSynchronised)
    clock.basis = now.wall - now.monotonic
    return clock
  }

  /// A reading that was received before the hub's clock was set, stamped anew: `received` is when it was, by the clock that is
  /// right now. What only the device knows stays as the device said it.
  static func restamp(_ reading: Reading, received: Int64, zone: TimeZoneRules) -> Reading {
    var reading = reading
    let step = received - reading.receivedAt.milliseconds
    let before: Int64? = reading.receivedAt.milliseconds
    func timestamp(_ milliseconds: Int64) -> Timestamp {
      let offset = zone.local(at: floorSeconds(milliseconds)).offset
      return Timestamp(milliseconds: milliseconds, offsetSeconds: Int32(clamping: offset))
    }
    let anchor = reading.anchor
    reading.anchor = nil
    reading.receivedAt = timestamp(received)
    guard let stamp = reading.deviceTime else {
      if let taken = reading.takenAt {
        reading.takenAt = timestamp(taken.milliseconds + step)
        reading.timeQuality = .received
      }
      return reading
    }
    var raw = DeviceReading(kind: reading.kind, observations: [], time: stamp, raw: reading.raw)
    if reading.flags.contains(.fromStorage) {
      raw.stored = true
    } else if let before, reading.takenAt?.milliseconds == before {
      // It was placed by its reception: it was measured then.
      raw.stored = false
    }
    let clock = anchor?.deviceOffset.map { DeviceClock(offset: $0 + step, isReliable: true) }
    let placed = place(
      raw,
      IntakeContext(
        device: reading.device, zone: zone,
        now: Now(monotonic: 0, wall: received, isSynchronised: true, bootID: ""), clock: clock),
      received: reading.receivedAt)
    reading.takenAt = placed.time
    reading.timeQuality = placed.quality
    let ofTime: [ReadingFlag] = [.ambiguousTime, .clockUnverified, .clockNotSet]
    reading.flags = reading.flags.filter { !ofTime.contains($0) } + placed.flags
    return reading
  }
}
