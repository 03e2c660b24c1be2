// What a plan's limits say of a value, worked out anew: whole tenths, single limits, no hysteresis. It shares no code with the rules.

import Monitoring
import Readings

/// How bad a value is, and on which side.
struct Verdict: Equatable {
  var zone: Zone
  /// How many zones of that colour hold.
  var level: Int
  var isHigh: Bool
  var tenths: Int
}

extension RandomRule {
  /// A value by itself; nil: green.
  func verdict(_ tenths: Int) -> Verdict? {
    for (zones, isHigh) in [(high, true), (low, false)] {
      let holding = zones.filter { isHigh ? tenths >= $0.limit : tenths < $0.limit }
      guard let worst = holding.map(\.zone).max() else { continue }
      return Verdict(zone: worst, level: holding.count { $0.zone == worst }, isHigh: isHigh, tenths: tenths)
    }
    return nil
  }

  /// Worse than what was told (plans-2, 3.2).
  func isWorse(_ verdict: Verdict, than told: Verdict) -> Bool {
    if verdict.isHigh != told.isHigh { return true }
    if verdict.zone != told.zone { return verdict.zone > told.zone }
    if verdict.level != told.level { return verdict.level > told.level }
    let step = worseBy ?? (verdict.isHigh ? watched.step.high : watched.step.low)
    guard step > 0 else { return false }
    return verdict.isHigh ? verdict.tenths >= told.tenths + step : verdict.tenths <= told.tenths - step
  }

  /// The mean of what is known at an instant is in the zone (plans-2, 2 and 4.3); nil: too few.
  func meanHolds(_ values: [(taken: Int64, tenths: Int)], at instant: Int64) -> Bool? {
    let day: Int64 = 86_400_000
    let last = instant / day
    var within = values.filter { $0.taken <= instant && $0.taken / day > last - Int64(dates) }
    if dropsFirst, let first = within.map({ $0.taken / day }).min() { within.removeAll { $0.taken / day == first } }
    guard within.count >= fewest, !within.isEmpty else { return nil }
    let sum = within.reduce(0) { $0 + $1.tenths }
    if let limit = high.first?.limit { return sum >= limit * within.count }
    return low.first.map { sum < $0.limit * within.count } ?? false
  }
}

extension MonitoringEvent {
  /// What an event says of a value: its own colour, also where the event's is another.
  func verdict(_ rule: RandomRule) -> Verdict? {
    guard let direction = detail.direction, let value = detail.value, let number = Double("\(value)") else {
      return nil
    }
    return Verdict(
      zone: detail.valueZone ?? zone, level: detail.level ?? 1, isHigh: direction == .high,
      tenths: Int((number * 10).rounded()) + (rule.baseline ?? 0))
  }

  /// Something that calls somebody.
  var isTelling: Bool { kind == .raised || kind == .unconfirmed || kind == .missing }
}
