// The patient's clock: dates as people write them, and the round instants of a time axis. Days are 23, 24 or 25 hours long.

package import Zones

/// A zone's clock.
package struct LocalClock: Sendable, Hashable {
  /// Its rules.
  package var zone: TimeZoneRules
  /// Its name, such as `Europe/Oslo`.
  package var name: String

  /// A zone's clock.
  package init(zone: TimeZoneRules, name: String) {
    self.zone = zone
    self.name = name
  }

  /// What the clock shows at so many milliseconds since 1970.
  func civil(_ instant: Int64) -> CivilTime {
    let seconds = instant.floorDivided(by: 1000)
    return CivilTime(seconds: seconds + Int64(zone.local(at: seconds).offset))
  }

  /// When the clock first shows a time; of one that never came, what it shows instead.
  func instant(_ time: CivilTime) -> Int64 {
    switch zone.instants(of: time) {
    case .one(let seconds), .gap(let seconds), .fold(let seconds, _): seconds * 1000
    }
  }

  /// The midnight that a number of days lies after the one before an instant.
  func midnight(_ instant: Int64, addingDays days: Int = 0) -> Int64 {
    let seconds = civil(instant).seconds
    return self.instant(CivilTime(seconds: seconds - seconds.floorRemainder(by: 86_400) + Int64(days) * 86_400))
  }

  func days(from: Int64, to: Int64) -> Int {
    let first = civil(from).seconds.floorDivided(by: 86_400)
    return max(1, Int(clamping: civil(to).seconds.floorDivided(by: 86_400) - first + 1))
  }

  /// True in the hour that clocks show twice.
  func isAmbiguous(_ instant: Int64) -> Bool {
    if case .fold = zone.instants(of: civil(instant)) { return true }
    return false
  }

  /// `+02:00`.
  func offset(_ instant: Int64) -> String {
    let minutes = zone.local(at: instant.floorDivided(by: 1000)).offset / 60
    return (minutes < 0 ? "\u{2212}" : "+") + LocalClock.two(abs(minutes) / 60) + ":"
      + LocalClock.two(abs(minutes) % 60)
  }

  static func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }

  // MARK: As people write it

  /// `08:15`; with the offset in the hour that comes twice.
  func time(_ instant: Int64) -> String {
    let civil = civil(instant)
    let text = LocalClock.two(civil.hour) + ":" + LocalClock.two(civil.minute)
    return isAmbiguous(instant) ? "\(text) (\(offset(instant)))" : text
  }

  /// `21. nov.`, `21 Nov`.
  func shortDate(_ instant: Int64, _ words: Words) -> String {
    let civil = civil(instant)
    return words.dayAndMonth(civil.day, words.shortMonths[civil.month - 1])
  }

  /// `21. november 2026`, `21 November 2026`.
  func longDate(_ instant: Int64, _ words: Words) -> String {
    let civil = civil(instant)
    return words.dayAndMonth(civil.day, words.months[civil.month - 1]) + " \(civil.year)"
  }

  /// `lø 21. nov.`.
  func dayName(_ instant: Int64, _ words: Words) -> String {
    words.weekdays[civil(instant).dayOfWeek - 1] + " " + shortDate(instant, words)
  }

  /// `lø 21. nov. 08:15`.
  func moment(_ instant: Int64, _ words: Words) -> String { dayName(instant, words) + " " + time(instant) }

  // MARK: A time axis

  /// A line of the time axis, and what stands under it.
  struct Tick: Hashable {
    var at: Int64
    var label: String?
  }

  /// Round instants of `[from, to)`: hours, days, Mondays, halves of months or months, by how many days there are.
  func ticks(from: Int64, to: Int64, _ words: Words) -> [Tick] {
    let days = days(from: from, to: to - 1)
    var ticks: [Tick] = []
    for day in 0..<min(days, 400) {
      let midnight = midnight(from, addingDays: day)
      let civil = civil(midnight)
      switch days {
      case ...2:
        ticks.append(Tick(at: midnight, label: dayName(midnight, words)))
        for hour in [6, 12, 18] {
          guard let time = CivilTime(year: civil.year, month: civil.month, day: civil.day, hour: hour) else { continue }
          ticks.append(Tick(at: instant(time), label: LocalClock.two(hour) + ":00"))
        }
      case ...9: ticks.append(Tick(at: midnight, label: dayName(midnight, words)))
      case ...45: ticks.append(Tick(at: midnight, label: civil.dayOfWeek == 1 ? dayName(midnight, words) : nil))
      case ...130:
        if civil.day == 1 || civil.day == 15 { ticks.append(Tick(at: midnight, label: shortDate(midnight, words))) }
      default:
        guard civil.day == 1 else { continue }
        let month = words.shortMonths[civil.month - 1]
        ticks.append(Tick(at: midnight, label: civil.month == 1 ? "\(month) \(civil.year)" : month))
      }
    }
    return ticks
  }
}

extension Int64 {
  func floorDivided(by divisor: Int64) -> Int64 { self / divisor - (self % divisor < 0 ? 1 : 0) }
  func floorRemainder(by divisor: Int64) -> Int64 { (self % divisor + divisor) % divisor }
}
