// The slots of a missing rule as instants, by the patient's wall clock.

internal import Zones

/// One slot of one day, as instants in milliseconds since 1970.
package struct Slot: Sendable, Hashable {
  /// Milliseconds since 1970.
  package var start: Int64
  /// Milliseconds since 1970.
  package var end: Int64
  package init(start: Int64, end: Int64) {
    self.start = start
    self.end = end
  }
}

extension MissingRule {
  private static let mostSlots = 400

  /// The slots that begin in `(after, until]`, oldest first; the `first` of them, or at most 400 and the rest of that day.
  func slots(after: Int64, until: Int64, _ clock: PatientClock, first: Int? = nil) -> [Slot] {
    guard case .slots(let hours, let days) = schedule, until > after else { return [] }
    // A slot of which nobody knows is not judged: a clock that stepped over years would ask for thousands.
    let after = max(after, until - 100 * 86_400_000)
    if let found = steadySlots(hours, days, after: after, until: until, clock, first) { return found }
    let found = anySlots(hours, days, after: after, until: until, clock, most: first ?? MissingRule.mostSlots)
    return first.map { Array(found.prefix($0)) } ?? found
  }

  /// The same on days on which clocks do not change, by arithmetic; nil where they may.
  private func steadySlots(
    _ hours: [DayHours], _ days: [Int], after: Int64, until: Int64, _ clock: PatientClock, _ first: Int?
  ) -> [Slot]? {
    guard let steady = clock.steady(at: after) else { return nil }
    var found: [Slot] = []
    var day = (after.floorDivided(by: 1000) + steady.offset).floorDivided(by: 86_400)
    while found.count < first ?? MissingRule.mostSlots {
      guard clock.isSteady(day, within: steady) else { return nil }
      let midnight = (day * 86_400 - steady.offset) * 1000
      guard midnight <= until else { break }
      if isExpected(on: day, days) {
        for hours in hours {
          let start = midnight + Int64(hours.from) * 60_000
          guard start > after, start <= until else { continue }
          let end = midnight + Int64(hours.to > hours.from ? hours.to : hours.to + 1440) * 60_000
          // Mostly they stand in order already; of two that begin together the first stays it.
          var place = found.count
          while place > 0, found[place - 1].start > start { place -= 1 }
          if let first, found.count >= first {
            guard place < first else { continue }
            found.removeLast()
          }
          found.insert(Slot(start: start, end: end), at: place)
        }
      }
      day += 1
    }
    return found
  }

  private func anySlots(
    _ hours: [DayHours], _ days: [Int], after: Int64, until: Int64, _ clock: PatientClock, most: Int
  ) -> [Slot] {
    var found: [Slot] = []
    var day = clock.day(after) - 1
    let last = clock.day(until) + 1
    while day <= last, found.count < most {
      if isExpected(on: day, days) {
        for hours in hours {
          let start = clock.instant(day: day, minute: hours.from)
          guard start > after, start <= until else { continue }
          let end = clock.instant(day: hours.to > hours.from ? day : day + 1, minute: hours.to)
          // On the night when clocks go forward an hour does not come: nothing is missing in it.
          if end > start { found.append(Slot(start: start, end: end)) }
        }
      }
      day += 1
    }
    return found.sorted { $0.start < $1.start }
  }

  /// True for every day, or for a day of the week that the rule names.
  private func isExpected(on day: Int64, _ days: [Int]) -> Bool {
    // The first day of 1970 was a Thursday.
    days.isEmpty || days.contains(Int((day + 3) % 7 + 7) % 7 + 1)
  }
}
