// What was expected of a patient and came or did not come: each slot of each missing rule, for the picture of a month.

public import Zones

/// One time at which a measurement was expected.
public struct ExpectedMeasurement: Sendable, Hashable {
  /// What came of it.
  public enum State: String, Sendable, Hashable {
    case came
    case missed
    /// It may still come.
    case waiting
  }

  /// The rule's id.
  public var rule: String
  /// The value that was expected.
  public var measure: Measure
  /// From when, in milliseconds since 1970.
  public var start: Int64
  /// Until when, grace included, in milliseconds since 1970.
  public var end: Int64
  /// What came of it.
  public var state: State
}

extension Plan {
  /// What the missing rules that are switched on expected in `[from, now]`, oldest first, at most 100 days back. Nothing is expected
  /// before the first value that is known: the equipment was not there.
  public func expected(
    from: Int64, now: Int64, history: PatientHistory, zone: TimeZoneRules
  ) -> [ExpectedMeasurement] {
    var found: [ExpectedMeasurement] = []
    for rule in rules where rule.isEnabled {
      guard case .missing(let missing) = rule.kind,
        let first = history.points(missing.measure, from: .min, to: now).first?.time
      else { continue }
      let from = max(from, first, now - 100 * 86_400_000)
      guard from < now else { continue }
      switch missing.schedule {
      case .slots:
        // The slot within which the first value came is expected as well.
        for slot in missing.slots(after: from - 86_400_000, until: now, zone: zone) where slot.end > from {
          let end = slot.end + missing.grace
          let came = !history.points(missing.measure, from: slot.start, to: end).isEmpty
          found.append(
            ExpectedMeasurement(
              rule: rule.id, measure: missing.measure, start: slot.start, end: end,
              state: came ? .came : now >= end ? .missed : .waiting))
        }
      case .interval(let interval):
        found += missing.gaps(longerThan: interval + missing.grace, from: from, now: now, history).map { start, end in
          ExpectedMeasurement(rule: rule.id, measure: missing.measure, start: start, end: end, state: .missed)
        }
      }
    }
    return found.sorted { ($0.start, $0.rule) < ($1.start, $1.rule) }
  }
}

extension MissingRule {
  /// From when a value was overdue until one came, or now; at most 400.
  fileprivate func gaps(longerThan length: Int64, from: Int64, now: Int64, _ history: PatientHistory) -> [(
    Int64, Int64
  )] {
    var gaps: [(Int64, Int64)] = []
    var last = history.last(measure, upTo: from) ?? from
    for time in history.points(measure, from: from, to: now).map(\.time) + [now] {
      if time - last > length, gaps.count < 400 { gaps.append((last + length, time)) }
      last = time
    }
    return gaps
  }
}
