// A device's clock, read before it is written, because only so its offset is known: Current Time 2A2B, Date Time 2A08 (A&D keep
// it in the service of the measurement), Elapsed Time 2BF2. Set once a session, and only while the hub itself knows the time.
// The zone (2A0F) is written beside it where the device keeps one.

internal import HealthProfiles
internal import Octets
internal import Readings

/// One device's clock.
struct SIGClock: Sendable {
  private static let zone = CharacteristicID(0x1805, 0x2A0F)
  private static let elapsed = CharacteristicID(0x183F, 0x2BF2)
  private static let candidates =
    [CharacteristicID(0x1805, 0x2A2B)]
    + [0x1810, 0x181D, 0x1809, 0x181B, 0x1808, 0x1822, 0x1805].map { CharacteristicID($0, 0x2A08) } + [elapsed]

  /// Where it is; nil for a device without one.
  let id: CharacteristicID?
  private let properties: UInt8
  private let hasZone: Bool
  private var isWritten = false
  /// How the device counts elapsed time.
  private var elapsedFlags: UInt8?

  init(_ device: [CharacteristicID: UInt8]) {
    id = SIGClock.candidates.first { device[$0] != nil }
    properties = id.flatMap { device[$0] } ?? 0
    hasZone = device[SIGClock.zone].map { $0 & 0x08 != 0 } ?? false
  }

  /// It can be read, and is to be before anything else.
  var isReadable: Bool { id != nil && properties & 0x02 != 0 }

  /// What it shows.
  mutating func read(_ octets: [UInt8]) -> [DriverAction] {
    do {
      if id == SIGClock.elapsed {
        let value = try CurrentElapsedTime(decoding: octets)
        elapsedFlags = value.flags
        guard !value.isTickCounter, !value.needsSetting else { return [] }
        if let milliseconds = value.utcMilliseconds { return [.deviceClock(.utc(milliseconds: milliseconds))] }
        return [.deviceClock(.local(DeviceDateTime(seconds: value.timeValue / value.ticksPerSecond, since: 2000)))]
      }
      let fields = try DateTime(decoding: Array(octets.prefix(7))).fields
      return fields.isComplete ? [.deviceClock(.local(fields))] : []
    } catch {
      return [.problem(DriverProblem(error))]
    }
  }

  /// Sets it, once.
  mutating func write(_ context: DriverContext) -> [DriverAction] {
    guard !isWritten, let id, let now = context.localTime, properties & 0x0C != 0,
      let octets = octets(id, now, context.zone)
    else { return [] }
    isWritten = true
    let time = DriverAction.write(id, octets, withResponse: properties & 0x08 != 0)
    guard hasZone, let zone = context.zone else { return [time] }
    let information = LocalTimeInformation(timeZone: zone.quarterHours, dstOffset: zone.daylight)
    return [time, .write(SIGClock.zone, information.octets, withResponse: true)]
  }

  private func octets(_ id: CharacteristicID, _ now: DeviceDateTime, _ zone: LocalZone?) -> [UInt8]? {
    switch id.characteristic.short {
    case 0x2A08: return DateTime(now).octets
    case 0x2A2B: return CurrentTime(now, dayOfWeek: now.dayOfWeek, adjustReason: 1).octets
    default:
      // On the time line that the device is on; a counter cannot be set.
      guard let flags = elapsedFlags, flags & 1 == 0, let local = now.seconds(since: 2000) else { return nil }
      let offset = zone.map { $0.quarterHours &+ Int8(clamping: $0.daylight) }
      let isUTC = flags & 2 != 0
      guard !isUTC || offset != nil else { return nil }
      let seconds = Int64(clamping: local) - (isUTC ? Int64(offset ?? 0) * 900 : 0)
      guard seconds >= 0 else { return nil }
      let value = CurrentElapsedTime(
        flags: flags & 0x12 | 0x20, timeValue: UInt64(seconds), syncSource: 1, offset: offset ?? 0)
      return value.octets
    }
  }
}
