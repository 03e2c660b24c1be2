// The patient's wall clock. Asked for thousands of times a day of a plan that is tried, it holds the times around one moment in which
// clocks do not change: within them a day is arithmetic.

package import Zones

/// A time zone's clock around a moment.
package struct PatientClock: Sendable {
  private let zone: TimeZoneRules
  private let near: [TimeZoneRules.Steady]
  /// Nothing moves a clock further, in seconds: a day, two hours, and an offset.
  private static let margin: Int64 = 200_000

  /// A clock; around `moment`, in milliseconds since 1970, it answers at once.
  package init(_ zone: TimeZoneRules, around moment: Int64? = nil) {
    self.zone = zone
    guard let moment else {
      near = []
      return
    }
    let here = zone.steady(at: moment.floorDivided(by: 1000))
    near = [here] + [here.from &- 1, here.to].filter { $0 > .min && $0 < .max }.map { zone.steady(at: $0) }
  }

  private func offset(at seconds: Int64) -> Int64 {
    for steady in near where seconds >= steady.from && seconds < steady.to { return steady.offset }
    return Int64(zone.local(at: seconds).offset)
  }

  /// The day of an instant, in days since 1970.
  package func day(_ milliseconds: Int64) -> Int64 {
    let seconds = milliseconds.floorDivided(by: 1000)
    return (seconds + offset(at: seconds)).floorDivided(by: 86_400)
  }

  /// The minute of the day of an instant.
  package func minute(_ milliseconds: Int64) -> Int {
    let seconds = milliseconds.floorDivided(by: 1000)
    let local = seconds + offset(at: seconds)
    return Int((local - local.floorDivided(by: 86_400) * 86_400) / 60)
  }

  /// When the clock shows a minute of a day: of the hour that comes twice the first, of the one that never came what clocks show
  /// instead. Milliseconds since 1970.
  package func instant(day: Int64, minute: Int) -> Int64 {
    let time = day * 86_400 + Int64(minute) * 60
    for steady in near where steady.holds(time, margin: PatientClock.margin) { return (time - steady.offset) * 1000 }
    switch zone.instants(of: CivilTime(seconds: time)) {
    case .one(let seconds): return seconds * 1000
    case .gap(let shifted): return shifted * 1000
    case .fold(let first, _): return first * 1000
    }
  }

  /// The time around an instant (milliseconds since 1970) in which nothing changes; nil when that is not known or too near.
  func steady(at milliseconds: Int64) -> TimeZoneRules.Steady? {
    let seconds = milliseconds.floorDivided(by: 1000)
    return near.first { $0.holds(seconds, margin: PatientClock.margin) }
  }

  /// Nothing changes on a day nor on its neighbours.
  func isSteady(_ day: Int64, within steady: TimeZoneRules.Steady) -> Bool {
    steady.holds((day - 1) * 86_400, margin: PatientClock.margin)
      && steady.holds((day + 2) * 86_400, margin: PatientClock.margin)
  }
}

extension TimeZoneRules.Steady {
  /// An instant lies within, so many seconds from either end.
  fileprivate func holds(_ seconds: Int64, margin: Int64) -> Bool {
    let (first, isBelow) = from.addingReportingOverflow(margin)
    let (last, isAbove) = to.subtractingReportingOverflow(margin)
    return !isBelow && !isAbove && seconds >= first && seconds < last
  }
}

extension Int64 {
  func floorDivided(by divisor: Int64) -> Int64 {
    let quotient = self / divisor
    return self % divisor < 0 ? quotient - 1 : quotient
  }
}
