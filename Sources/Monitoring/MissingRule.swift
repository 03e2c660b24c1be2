// A measurement that did not come: by slots of the patient's day, or by the longest interval between two.

public import Readings
internal import Zones

/// A measurement that is expected.
public struct MissingRule: Sendable, Hashable {
  /// When it is expected.
  public enum Schedule: Sendable, Hashable {
    /// In each of these hours, on these days of the week (1 Monday … 7 Sunday; empty: every day), on the patient's clock.
    case slots([DayHours], days: [Int])
    /// At the latest so many milliseconds after the last one.
    case interval(Int64)
  }

  /// The value that is expected.
  public var measure: Measure
  /// When.
  public var schedule: Schedule
  /// How long after the end of a slot, or of the interval, it still counts, in milliseconds.
  public var grace: Int64
  /// When the patient is reminded: so many milliseconds after a slot's beginning; nil: never.
  public var remindAfter: Int64?
  /// The zone that it brings about.
  public var zone: Zone

  /// A rule over what is expected.
  public init(measure: Measure, schedule: Schedule, grace: Int64 = 0, remindAfter: Int64? = nil, zone: Zone) {
    self.measure = measure
    self.schedule = schedule
    self.grace = grace
    self.remindAfter = remindAfter
    self.zone = zone
  }
}

/// One slot of one day, as instants in milliseconds since 1970.
struct Slot: Hashable {
  var start: Int64
  var end: Int64
}

extension MissingRule {
  /// The slots that begin in `(after, until]`, oldest first, by the patient's wall clock; at most 400, or a few more than the `most`
  /// that are asked for.
  func slots(after: Int64, until: Int64, zone rules: TimeZoneRules, most: Int = 400) -> [Slot] {
    guard case .slots(let hours, let days) = schedule, until > after else { return [] }
    // A slot of which nobody knows is not judged: a clock that stepped over years would ask for thousands.
    let after = max(after, until - 100 * 86_400_000)
    var found: [Slot] = []
    var day = MissingRule.day(after, rules) - 1
    let last = MissingRule.day(until, rules) + 1
    while day <= last, found.count < most {
      // The first day of 1970 was a Thursday.
      let weekday = Int((day + 3) % 7 + 7) % 7 + 1
      if days.isEmpty || days.contains(weekday) {
        for hours in hours {
          let start = MissingRule.instant(day: day, minute: hours.from, rules)
          let end = MissingRule.instant(day: hours.to > hours.from ? day : day + 1, minute: hours.to, rules)
          // On the night when clocks go forward an hour does not come: nothing is missing in it.
          if start > after, start <= until, end > start { found.append(Slot(start: start, end: max(end, start))) }
        }
      }
      day += 1
    }
    return found.sorted { $0.start < $1.start }
  }

  /// The day of an instant on the patient's clock, in days since 1970.
  static func day(_ milliseconds: Int64, _ rules: TimeZoneRules) -> Int64 {
    let seconds = milliseconds.floorDivided(by: 1000)
    return (seconds + Int64(rules.local(at: seconds).offset)).floorDivided(by: 86_400)
  }

  /// The minute of the day on the patient's clock.
  static func minute(_ milliseconds: Int64, _ rules: TimeZoneRules) -> Int {
    let seconds = milliseconds.floorDivided(by: 1000)
    let local = seconds + Int64(rules.local(at: seconds).offset)
    return Int((local - local.floorDivided(by: 86_400) * 86_400) / 60)
  }

  /// When a clock shows a minute of a day: of the hour that comes twice the first, of the one that never came what clocks show
  /// instead.
  static func instant(day: Int64, minute: Int, _ rules: TimeZoneRules) -> Int64 {
    let time = CivilTime(seconds: day * 86_400 + Int64(minute) * 60)
    switch rules.instants(of: time) {
    case .one(let seconds): return seconds * 1000
    case .gap(let shifted): return shifted * 1000
    case .fold(let first, _): return first * 1000
    }
  }
}

extension Int64 {
  func floorDivided(by divisor: Int64) -> Int64 {
    let quotient = self / divisor
    return self % divisor < 0 ? quotient - 1 : quotient
  }
}
