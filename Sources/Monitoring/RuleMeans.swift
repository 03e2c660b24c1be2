// The means by which average rules judge, reading by reading, for those who draw them beside the values.

package import Readings
package import Zones

/// What a rule over means judged: the mean of one measure at each of its readings.
package struct RuleMeans: Sendable, Hashable {
  /// A mean at the reading by which it is judged.
  package struct Point: Sendable, Hashable {
    /// When that was taken, in milliseconds since 1970.
    package var time: Int64
    /// In the measure's unit, with two digits more than the readings have.
    package var value: ExactDecimal
  }

  package var rule: String
  package var measure: Measure
  /// Oldest first; nothing where there were too few values.
  package var points: [Point]

  /// Of more readings than this the last of each date stands for the date.
  static let mostMoments = 400
  /// The most lines of a plan: an answer stays small, whatever the plan.
  static let mostLines = 24
}

extension Plan {
  /// The means of the rules that are switched on, over `[from, now]` (milliseconds since 1970), by the plan of today; of the first
  /// rules, where there are very many.
  /// - Parameter isOver: true when nobody waits for the result any more.
  package func means(
    from: Int64, now: Int64, history: PatientHistory, zone: TimeZoneRules, _ isOver: () -> Bool
  ) -> [RuleMeans] {
    let clock = PatientClock(zone, around: now)
    var found: [RuleMeans] = []
    for rule in rules where rule.isEnabled && found.count < RuleMeans.mostLines {
      guard let kind = rule.kind as? AverageRule else { continue }
      let view = HistoryView(history, clock, hours: rule.hours)
      var moments = kind.moments(since: from, view).filter {
        $0.time <= now && !$0.isDoubtful && !$0.isBeyond && outOfForce(rule, at: $0.time, clock) == nil
      }
      if moments.count > RuleMeans.mostMoments {
        let days = moments.map { clock.day($0.time) }
        moments = moments.indices.filter { $0 + 1 == days.count || days[$0 + 1] != days[$0] }.map { moments[$0] }
      }
      var lines = kind.measures.map { RuleMeans(rule: rule.id, measure: $0, points: []) }
      for moment in moments {
        if isOver() { return [] }
        guard let (means, _) = kind.means(at: moment, view) else { continue }
        for (index, mean) in means.enumerated() {
          guard let value = mean.rounded(places: kind.places(mean)) else { continue }
          lines[index].points.append(.init(time: moment.time, value: value))
        }
      }
      found += lines.filter { !$0.points.isEmpty }
    }
    return Array(found.prefix(RuleMeans.mostLines))
  }
}
