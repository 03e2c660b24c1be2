// Whose weight: the guard of a scale that several people use. What a weight is held against are those before it, so one that comes
// late may show that another was the patient's, or was not: the answer depends on what is known, not on the order in which it came.

package import Readings

extension PatientHistory {
  /// A reading that comes now may be somebody else's.
  package func isSuspect(_ reading: Reading) -> Bool { sighting(reading).worth[.weight] == .suspect }

  private static let week: Int64 = 168 * 3_600_000
  private static let month: Int64 = 30 * 86_400_000

  /// True when a weight differs from every one of the week before by more than 3 kg and more than 4 % of it: somebody else may stand
  /// on the scale. Without any in the week the newest three of 30 days count. A fast but steady gain is near the day before.
  package func isSomebodyElse(_ weight: ExactDecimal, at time: Int64) -> Bool {
    guard !isSingleUser else { return false }
    let known = references(before: time)
    return !known.isEmpty && known.allSatisfy { PatientHistory.isFar(weight, from: $0.value) }
  }

  /// What a weight at an instant is held against: never one in doubt.
  private func references(before time: Int64) -> [Point] {
    guard time > .min + PatientHistory.month else { return [] }
    let week = points(.weight, from: time - PatientHistory.week, to: time - 1).filter { !$0.isDoubtful && !$0.isBeyond }
    guard week.isEmpty else { return week }
    return points(.weight, from: time - PatientHistory.month, to: time - 1).filter { !$0.isDoubtful && !$0.isBeyond }
      .suffix(3)
  }

  private static func isFar(_ weight: ExactDecimal, from other: ExactDecimal) -> Bool {
    guard let apart = weight.subtracting(other)?.magnitude, let share = other.times(ExactDecimal(4, exponent: -2))
    else {
      return true
    }
    return max(ExactDecimal(3), share) < apart
  }

  /// The same of a known weight: what was accepted is the patient's.
  func isSomebodyElse(_ weight: ExactDecimal, of id: UInt64, at time: Int64) -> Bool {
    !accepted.contains(id) && !agreed.contains(id) && isSomebodyElse(weight, at: time)
  }

  /// A sound weight that is far from all that were accepted because they were said twice, and near one that never was in question:
  /// those that were said twice are a visitor's after all.
  private mutating func withdrawAgreement(by weight: Point) {
    guard !agreed.isEmpty, !weight.isDoubtful, !agreed.contains(weight.id) else { return }
    let known = references(before: weight.time)
    let confirmed = known.filter { agreed.contains($0.id) }
    guard !confirmed.isEmpty, confirmed.allSatisfy({ PatientHistory.isFar(weight.value, from: $0.value) }),
      known.contains(where: { !agreed.contains($0.id) && !PatientHistory.isFar(weight.value, from: $0.value) })
    else { return }
    agreed.removeAll { id in confirmed.contains { $0.id == id } }
    for point in confirmed { move(point, aside: true) }
  }

  /// Weights from `time` on, where something changed, are judged anew in the order of time. Where others lie behind it, so are those of
  /// the month before: a later one may have withdrawn what was said twice.
  mutating func judgeWeights(from time: Int64) {
    let newest = max(values[.weight]?.last?.time ?? .min, asides[.weight]?.last?.time ?? .min)
    let from = newest > time && time > .min + PatientHistory.month ? time - PatientHistory.month : time
    guard !areTheirOwn(from: from) else { return }
    var later = (values[.weight] ?? Series()).filter { $0.time >= from && !$0.isBeyond }.map { ($0, false) }
    later += (asides[.weight] ?? Series()).filter { $0.time >= from }.map { ($0, true) }
    later.sort { ($0.0.time, $0.0.id) < ($1.0.time, $1.0.id) }
    let ids = Set(later.map(\.0.id))
    agreed.removeAll { ids.contains($0) }
    var isAside = Dictionary(later.map { ($0.0.id, $0.1) }, uniquingKeysWith: { first, _ in first })
    for (point, _) in later {
      var isSuspect = isSomebodyElse(point.value, of: point.id, at: point.time)
      if isSuspect, let partner = partner(of: point, isAside) {
        isSuspect = false
        for id in [partner.id, point.id] { PatientHistory.remember(id, in: &agreed) }
        if isAside[partner.id] ?? true { move(partner, aside: false) }
        isAside[partner.id] = false
      }
      if isSuspect != isAside[point.id] ?? false { move(point, aside: isSuspect) }
      isAside[point.id] = isSuspect
      if !isSuspect { withdrawAgreement(by: point) }
    }
  }

  /// True when every weight from `time` on is the patient's and stays so, and nothing was agreed upon: then there is nothing to judge.
  /// Most weights that come are so.
  private func areTheirOwn(from time: Int64) -> Bool {
    guard agreed.isEmpty, !(asides[.weight]?.last.map { $0.time >= time } ?? false) else { return false }
    guard !isSingleUser else { return true }
    var known: (time: Int64, points: [Point])?
    for point in points(.weight, from: time, to: .max) where !point.isBeyond {
      // What it is held against is the same for all of one moment.
      if known?.time != point.time { known = (point.time, references(before: point.time)) }
      guard let others = known?.points, !others.isEmpty, !accepted.contains(point.id) else { continue }
      if others.allSatisfy({ PatientHistory.isFar(point.value, from: $0.value) }) { return false }
    }
    return true
  }

  /// A weight of the same device, not in doubt, that said the same a while before and may be somebody else's by itself.
  private func partner(of point: Point, _ isAside: [UInt64: Bool]) -> Point? {
    guard let own = weighings.first(where: { $0.id == point.id }), !own.isDoubted else { return nil }
    for other in weighings.reversed() where (other.time, other.id) < (own.time, own.id) {
      guard own.time - other.time <= PatientHistory.confirmation else { return nil }
      guard other.device == own.device, !other.isDoubted,
        let known = asides[.weight]?.first(where: { $0.id == other.id && $0.time == other.time }),
        Measure.weight.agree(known.value, point.value)
      else { continue }
      return known
    }
    return nil
  }

  /// A reading's values come to the patient's, or leave them.
  mutating func move(_ moved: Point, aside: Bool) {
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
