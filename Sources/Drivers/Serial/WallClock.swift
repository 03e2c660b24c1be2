// Arithmetic on a device's wall clock: what a record's second is, and how far a clock is from the hub's. Proleptic Gregorian
// calendar, no zones: both sides are clocks on the same wall.

internal import HealthProfiles
internal import Readings

extension DeviceDateTime {
  /// This time so many seconds later, on the same wall clock; nil when it is no date or leaves the years 1582…9999.
  func advanced(bySeconds seconds: Int) -> DeviceDateTime? {
    guard let usable = DateTimeStamp(self).usable, usable.isComplete, seconds.magnitude < 1 << 33 else { return nil }
    var left = Int(usable.hours) * 3600 + Int(usable.minutes) * 60 + Int(usable.seconds) + seconds
    var (year, month, day) = (Int(usable.year), Int(usable.month), Int(usable.day))
    func length() -> Int {
      switch month {
      case 4, 6, 9, 11: 30
      case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
      default: 31
      }
    }
    while left < 0 {
      left += 86400
      day -= 1
      guard day < 1 else { continue }
      month = month == 1 ? 12 : month - 1
      if month == 12 { year -= 1 }
      day = length()
      guard year > 1582 else { return nil }
    }
    while left >= 86400 {
      left -= 86400
      day += 1
      guard day > length() else { continue }
      day = 1
      month = month == 12 ? 1 : month + 1
      if month == 1 { year += 1 }
      guard year < 9999 else { return nil }
    }
    return DeviceDateTime(
      year: UInt16(clamping: year), month: UInt8(clamping: month), day: UInt8(clamping: day),
      hours: UInt8(clamping: left / 3600), minutes: UInt8(clamping: left / 60 % 60),
      seconds: UInt8(clamping: left % 60))
  }

  /// Seconds from another clock to this one; nil when one of them is no date.
  func seconds(since other: DeviceDateTime) -> Int? {
    func seconds(_ time: DeviceDateTime) -> Int? {
      guard let usable = DateTimeStamp(time).usable, usable.isComplete else { return nil }
      // Days since 0000-03-01: March begins the year, so that the leap day ends it.
      let month = (Int(usable.month) + 9) % 12
      let year = Int(usable.year) - month / 10
      let days = 365 * year + year / 4 - year / 100 + year / 400 + (month * 306 + 5) / 10 + Int(usable.day)
      return days * 86_400 + Int(usable.hours) * 3600 + Int(usable.minutes) * 60 + Int(usable.seconds)
    }
    guard let mine = seconds(self), let theirs = seconds(other) else { return nil }
    return mine - theirs
  }
}
