// What was expected of a patient and came or did not come: each slot of each missing rule, for the picture of a month.

package import Zones

/// One time at which a measurement was expected.
package struct ExpectedMeasurement: Sendable, Hashable {
  /// What came of it.
  package enum State: String, Sendable, Hashable {
    case came
    case missed
    /// It may still come.
    case waiting
  }

  /// The rule's id.
  package var rule: String
  /// The value that was expected.
  package var measure: Measure
  /// From when, in milliseconds since 1970.
  package var start: Int64
  /// Until when, grace included, in milliseconds since 1970.
  package var end: Int64
  /// What came of it.
  package var state: State
}

extension Plan {
  /// What the missing rules that are switched on expected in `[from, now]`, oldest first, at most 100 days back. Nothing is expected
  /// before the first value that is known: the equipment was not there.
  package func expected(
    from: Int64, now: Int64, history: PatientHistory, zone: TimeZoneRules
  ) -> [ExpectedMeasurement] {
    let moment = DueMoment(now: now, history: history, devices: [], clock: PatientClock(zone, around: now))
    let from = max(from, now - 100 * 86_400_000)
    return rules.filter(\.isEnabled).flatMap { $0.kind.expected($0, from: from, at: moment) }
      .sorted { ($0.start, $0.rule) < ($1.start, $1.rule) }
  }
}
