// Clocks that count seconds since the beginning of a year (Elapsed Time: 2000; Transtek: 2010), to and from a date. Proleptic
// Gregorian calendar; integers only.

internal import Readings

extension DeviceDateTime {
  /// The moment so many seconds after the beginning of `year` (2000…2100).
  init(seconds: UInt64, since year: UInt16) {
    let day = Int64(seconds / 86_400 % 3_000_000) + DeviceDateTime.days(year: Int64(year), month: 1, day: 1)
    let second = Int64(seconds % 86_400)
    // Days to civil date by eras of 400 years.
    let shifted = day + 719_468
    let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let march = (5 * dayOfYear + 2) / 153
    let month = march < 10 ? march + 3 : march - 9
    self.init(
      year: UInt16(clamping: yearOfEra + era * 400 + (month <= 2 ? 1 : 0)), month: UInt8(clamping: month),
      day: UInt8(clamping: dayOfYear - (153 * march + 2) / 5 + 1), hours: UInt8(clamping: second / 3600),
      minutes: UInt8(clamping: second / 60 % 60), seconds: UInt8(clamping: second % 60))
  }

  /// Seconds since the beginning of `year`; nil before it, or when the date is not known.
  func seconds(since year: UInt16) -> UInt64? {
    guard isComplete, (1...12).contains(month) else { return nil }
    let days =
      DeviceDateTime.days(year: Int64(self.year), month: Int64(month), day: Int64(day))
      - DeviceDateTime.days(year: Int64(year), month: 1, day: 1)
    guard days >= 0 else { return nil }
    return UInt64(days) * 86_400 + UInt64(hours) * 3600 + UInt64(minutes) * 60 + UInt64(seconds)
  }

  /// Days since 1970-01-01.
  private static func days(year: Int64, month: Int64, day: Int64) -> Int64 {
    let y = month <= 2 ? year - 1 : year
    let era = (y >= 0 ? y : y - 399) / 400
    let yearOfEra = y - era * 400
    let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
    return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
  }

  /// 1 = Monday … 7 = Sunday; 0 when the date is not known (Zeller's congruence).
  var dayOfWeek: UInt8 {
    guard isComplete, (1...12).contains(month) else { return 0 }
    let m = month < 3 ? Int(month) + 12 : Int(month)
    let y = month < 3 ? Int(year) - 1 : Int(year)
    let zeller = (Int(day) + 13 * (m + 1) / 5 + y + y / 4 - y / 100 + y / 400) % 7
    return UInt8((zeller + 5) % 7 + 1)
  }
}
