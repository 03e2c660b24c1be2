// Whose weight: the guard of a scale that several people use. What a weight is held against are those before it, so one that comes
// late may show that another was the patient's, or was not: the answer depends on what is known, not on the order in which it came.

package import Readings

extension PatientHistory {
  private static let week: Int64 = 7 * 86_400_000

  /// True when a weight is so far from the median of the week before that somebody else may stand on the scale: more than 3 kg
  /// and more than 4 %.
  package func isSomebodyElse(_ weight: ExactDecimal, at time: Int64) -> Bool {
    guard time > .min + PatientHistory.week else { return false }
    let week = points(.weight, from: time - PatientHistory.week, to: time - 1).map(\.value).sorted()
    guard week.count >= 3, let difference = weight.subtracting(week[(week.count - 1) / 2]) else { return false }
    let median = week[(week.count - 1) / 2]
    let away = difference < .zero ? ExactDecimal.zero.subtracting(difference) ?? difference : difference
    guard let share = median.scaled(by: 4, over: 100, places: 6) else { return false }
    return max(ExactDecimal(3), share) < away
  }

  /// The same of a known weight: what a person accepted is the patient's.
  func isSomebodyElse(_ weight: ExactDecimal, of id: UInt64, at time: Int64) -> Bool {
    !accepted.contains(id) && isSomebodyElse(weight, at: time)
  }

  /// Weights after `time`, where something changed, are held anew against those before them.
  mutating func judgeWeights(after time: Int64) {
    guard (values[.weight]?.last?.time ?? .min) > time || (asides[.weight]?.last?.time ?? .min) > time else { return }
    var later = (values[.weight] ?? Series()).filter { $0.time > time }.map { ($0, false) }
    later += (asides[.weight] ?? Series()).filter { $0.time > time }.map { ($0, true) }
    later.sort { ($0.0.time, $0.0.id) < ($1.0.time, $1.0.id) }
    var changed = time
    for (point, isAside) in later {
      // Nothing moved in the week that this one looks back on, nor in that of any later one.
      guard point.time - changed <= PatientHistory.week else { return }
      guard isSomebodyElse(point.value, of: point.id, at: point.time) != isAside else { continue }
      move(point, aside: !isAside)
      changed = point.time
    }
  }

  /// A reading's values come to the patient's, or leave them.
  private mutating func move(_ moved: Point, aside: Bool) {
    for measure in Measure.allCases {
      let found = (aside ? values : asides)[measure]?.first { $0.id == moved.id && $0.time == moved.time }
      guard let point = found else { continue }
      if aside {
        PatientHistory.remove(measure, from: &values) { $0.id == point.id && $0.time == point.time }
        PatientHistory.insert(point, &asides[measure, default: Series()], most: PatientHistory.mostAsides)
      } else {
        PatientHistory.remove(measure, from: &asides) { $0.id == point.id && $0.time == point.time }
        PatientHistory.insert(point, &values[measure, default: Series()], most: PatientHistory.mostPoints)
      }
    }
    guard let index = signs.firstIndex(where: { $0.id == moved.id }) else { return }
    signs[index].flags.removeAll { $0 == .suspectPerson }
    if aside { signs[index].flags.append(.suspectPerson) }
  }
}
