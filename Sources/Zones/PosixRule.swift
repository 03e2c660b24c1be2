// The POSIX TZ string in a TZif footer (RFC 8536 3.3, POSIX 8.3): the rule for every instant after the last transition.

/// A zone's rule for the future: a standard offset and, in many zones, a yearly change.
struct PosixRule: Sendable, Hashable {
  /// When in the year a change happens.
  enum Day: Sendable, Hashable {
    /// Day 1…365, the 29th of February never counted.
    case julian(Int)
    /// Day 0…365, the 29th of February counted.
    case zeroBased(Int)
    /// Month 1…12, week 1…5 (5 = last), day of week 0 = Sunday.
    case month(Int, week: Int, weekday: Int)
  }
  struct Change: Sendable, Hashable {
    var day: Day
    /// Seconds after local midnight, −167…167 hours.
    var time: Int
  }
  struct Daylight: Sendable, Hashable {
    var name: String
    var offset: Int
    var start: Change
    var end: Change
  }

  var name: String
  /// Seconds east of UTC.
  var offset: Int
  var daylight: Daylight?

  /// From the footer's text; nil when it is not one.
  init?(_ text: ArraySlice<UInt8>) {
    var scanner = RuleScanner(rest: text)
    guard let name = scanner.name(), let offset = scanner.offset() else { return nil }
    self.name = name
    self.offset = -offset
    guard !scanner.rest.isEmpty else { return }
    guard let second = scanner.name() else { return nil }
    var saved = self.offset + 3600
    if scanner.rest.first != 0x2C {
      guard let explicit = scanner.offset() else { return nil }
      saved = -explicit
    }
    guard let start = scanner.change(), let end = scanner.change(), scanner.rest.isEmpty else { return nil }
    daylight = Daylight(name: second, offset: saved, start: start, end: end)
  }

  /// The offset at an instant.
  func local(at seconds: Int64) -> TimeZoneRules.Local {
    guard let daylight else { return .init(offset: offset, isDaylight: false, abbreviation: name) }
    // Any Int64 may be asked for; calendar years end long before.
    let bounded = min(max(seconds, CivilTime.firstSecond), CivilTime.lastSecond)
    let year = CivilTime(seconds: bounded + Int64(offset)).year
    let start = PosixRule.instant(daylight.start, year: year, offset: offset)
    let end = PosixRule.instant(daylight.end, year: year, offset: daylight.offset)
    let isDaylight = start < end ? seconds >= start && seconds < end : !(seconds >= end && seconds < start)
    return isDaylight
      ? .init(offset: daylight.offset, isDaylight: true, abbreviation: daylight.name)
      : .init(offset: offset, isDaylight: false, abbreviation: name)
  }

  /// A time around an instant in which the offset is the same; it ends with the calendar year at the latest.
  func steady(at seconds: Int64) -> TimeZoneRules.Steady {
    guard let daylight else { return .init(from: .min, to: .max, offset: Int64(offset)) }
    let standard = Int64(offset)
    guard seconds >= CivilTime.firstSecond, seconds <= CivilTime.lastSecond else {
      return .init(from: seconds, to: seconds, offset: Int64(local(at: seconds).offset))
    }
    let year = CivilTime(seconds: seconds + standard).year
    var steady = TimeZoneRules.Steady(
      from: Int64(CivilTime.days(year: year, month: 1, day: 1)) * 86_400 - standard,
      to: Int64(CivilTime.days(year: year + 1, month: 1, day: 1)) * 86_400 - standard,
      offset: Int64(local(at: seconds).offset))
    for change in [
      PosixRule.instant(daylight.start, year: year, offset: offset),
      PosixRule.instant(daylight.end, year: year, offset: daylight.offset),
    ] {
      if change <= seconds { steady.from = max(steady.from, change) } else { steady.to = min(steady.to, change) }
    }
    return steady
  }

  private static func instant(_ change: Change, year: Int, offset: Int) -> Int64 {
    let day: Int
    switch change.day {
    case .julian(let number):
      let leap = CivilTime.isLeap(year) && number >= 60
      day = CivilTime.days(year: year, month: 1, day: 1) + number - 1 + (leap ? 1 : 0)
    case .zeroBased(let number):
      day = CivilTime.days(year: year, month: 1, day: 1) + number
    case .month(let month, let week, let weekday):
      let first = CivilTime.days(year: year, month: month, day: 1)
      // 1970-01-01 was a Thursday.
      let firstWeekday = ((first + 4) % 7 + 7) % 7
      var inMonth = (weekday - firstWeekday + 7) % 7 + 7 * (week - 1)
      while inMonth >= CivilTime.days(in: month, of: year) { inMonth -= 7 }
      day = first + inMonth
    }
    return Int64(day) * 86_400 + Int64(change.time - offset)
  }
}

private struct RuleScanner {
  var rest: ArraySlice<UInt8>

  mutating func take(_ octet: UInt8) -> Bool {
    guard rest.first == octet else { return false }
    rest = rest.dropFirst()
    return true
  }

  mutating func name() -> String? {
    let quoted = take(0x3C)
    let name = rest.prefix { octet in
      let isLetter = octet | 0x20 >= 0x61 && octet | 0x20 <= 0x7A
      let isDigit = octet >= 0x30 && octet <= 0x39
      return isLetter || quoted && (isDigit || octet == 0x2B || octet == 0x2D)
    }
    rest = rest.dropFirst(name.count)
    if quoted, !take(0x3E) { return nil }
    return (3...16).contains(name.count) ? String(decoding: name, as: UTF8.self) : nil
  }

  mutating func number(_ range: ClosedRange<Int>) -> Int? {
    let digits = rest.prefix { $0 >= 0x30 && $0 <= 0x39 }
    guard (1...3).contains(digits.count), let value = Int(String(decoding: digits, as: UTF8.self)),
      range.contains(value)
    else { return nil }
    rest = rest.dropFirst(digits.count)
    return value
  }

  mutating func offset() -> Int? {
    let negative = take(0x2D)
    if !negative { _ = take(0x2B) }
    guard let hours = number(0...167) else { return nil }
    var seconds = hours * 3600
    if take(0x3A) {
      guard let minutes = number(0...59) else { return nil }
      seconds += minutes * 60
      if take(0x3A) {
        guard let last = number(0...59) else { return nil }
        seconds += last
      }
    }
    return negative ? -seconds : seconds
  }

  mutating func change() -> PosixRule.Change? {
    guard take(0x2C) else { return nil }
    let day: PosixRule.Day
    if take(0x4D) {
      guard let month = number(1...12), take(0x2E), let week = number(1...5), take(0x2E), let weekday = number(0...6)
      else { return nil }
      day = .month(month, week: week, weekday: weekday)
    } else if take(0x4A) {
      guard let number = number(1...365) else { return nil }
      day = .julian(number)
    } else {
      guard let number = number(0...365) else { return nil }
      day = .zeroBased(number)
    }
    var time = 7200
    if take(0x2F) {
      guard let explicit = offset() else { return nil }
      time = explicit
    }
    return PosixRule.Change(day: day, time: time)
  }
}
