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
    let moment = DueMoment(now: now, history: history, devices: [], clock: PatientClock(zone, around: now))
    let from = max(from, now - 100 * 86_400_000)
    return rules.filter(\.isEnabled).flatMap { $0.kind.expected($0, from: from, at: moment) }
      .sorted { ($0.start, $0.rule) < ($1.start, $1.rule) }
  }
}
