// Current Elapsed Time 2BF2 (Elapsed Time Service 1.0; GATT Specification Supplement 3.61).

package import Octets

/// The value of 2BF2.
package struct CurrentElapsedTime: Sendable, Hashable {
  /// Bit 0 tick counter, 1 UTC, 2–3 resolution, 4 time zone/DST offset used, 5 current time-line.
  package var flags: UInt8
  /// Ticks since 2000-01-01T00:00:00, or since an arbitrary start with a tick counter; 48 bits.
  package var timeValue: UInt64
  /// 0 unknown, 1 NTP, 2 GPS, 3 radio, 4 manual, 5 atomic, 6 cellular, 7 not synchronised.
  package var syncSource: UInt8
  /// Quarter hours.
  package var offset: Int8
  /// Bit 0 needs to be set; nil in the form that is written.
  package var clockStatus: UInt8?
  /// Bit 0 applies DST, 1 manages zones; nil in the form that is written.
  package var capabilities: UInt8?

  /// A tick counter instead of a clock.
  package var isTickCounter: Bool { flags & 1 != 0 }
  /// The value is UTC, not local time.
  package var isUTC: Bool { flags & 2 != 0 }
  /// `offset` means something.
  package var usesOffset: Bool { flags & 16 != 0 }
  /// The value is on the time line that the clock is on now.
  package var isCurrentTimeLine: Bool { flags & 32 != 0 }
  /// Ticks a second: 1, 10, 1000 or 10000.
  package var ticksPerSecond: UInt64 { [1, 10, 1000, 10_000][Int(flags >> 2 & 3)] }
  /// The clock asks to be set.
  package var needsSetting: Bool { clockStatus.map { $0 & 1 != 0 } ?? false }

  /// Milliseconds since 1970 in UTC; nil for a tick counter or a local time without offset.
  package var utcMilliseconds: Int64? {
    guard !isTickCounter, isUTC || usesOffset else { return nil }
    let milliseconds =
      Int64(timeValue / ticksPerSecond) * 1000 + Int64(timeValue % ticksPerSecond * 1000 / ticksPerSecond)
    let shift = isUTC ? 0 : Int64(offset) * 900_000
    return milliseconds + 946_684_800_000 - shift
  }

  /// A time to write.
  package init(flags: UInt8, timeValue: UInt64, syncSource: UInt8, offset: Int8) {
    self.flags = flags
    self.timeValue = timeValue & 0xFFFF_FFFF_FFFF
    self.syncSource = syncSource
    self.offset = offset
  }

  /// Decodes 2BF2: 11 octets read, or 9 as they are written. Throws when it is cut.
  package init(decoding octets: [UInt8]) throws(DecodeError) {
    var reader = OctetReader(octets)
    flags = try reader.uint8("flags")
    timeValue = try reader.uint48("time value")
    syncSource = try reader.uint8("time sync source type")
    offset = try reader.int8("TZ/DST offset")
    if !reader.isAtEnd {
      clockStatus = try reader.uint8("clock status")
      capabilities = try reader.uint8("clock capabilities")
    }
  }

  /// The nine octets to write.
  package var octets: [UInt8] {
    var writer = OctetWriter(capacity: 9)
    writer.uint8(flags)
    writer.uint48(timeValue)
    writer.uint8(syncSource)
    writer.int8(offset)
    return writer.octets
  }
}
