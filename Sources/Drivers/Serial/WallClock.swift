// A device's wall clock so many seconds earlier or later, and how far it is from the hub's. No zones: both are clocks on the
// same wall.

internal import HealthProfiles
internal import Readings

extension DeviceDateTime {
  /// Seconds since the beginning of 1583, the calendar's first whole year; nil when this is no date.
  private var sinceFirstYear: Int64? {
    guard let usable = DateTimeStamp(self).usable, usable.isComplete else { return nil }
    return usable.seconds(since: 1583).map { Int64(clamping: $0) }
  }

  /// This time so many seconds later, on the same wall clock; nil when it is no date or leaves the years 1583…9999.
  func advanced(bySeconds seconds: Int) -> DeviceDateTime? {
    guard seconds.magnitude < 1 << 33, let mine = sinceFirstYear, mine + Int64(seconds) >= 0 else { return nil }
    let time = DeviceDateTime(seconds: UInt64(mine + Int64(seconds)), since: 1583)
    return time.year <= 9999 ? time : nil
  }

  /// Seconds from another clock to this one; nil when one of them is no date.
  func seconds(since other: DeviceDateTime) -> Int64? {
    guard let mine = sinceFirstYear, let theirs = other.sinceFirstYear else { return nil }
    return mine - theirs
  }
}
