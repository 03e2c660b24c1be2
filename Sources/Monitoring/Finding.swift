// What a rule makes of a reading: a direction, a rank and a value, and when one finding is worse than another (plans-2, 3.1 and 3.2).

package import Readings

/// On which side of what is green a value lies.
package enum Direction: String, Sendable, Hashable, CaseIterable {
  /// Some smaller value would be green and no greater one.
  case high
  /// Some greater value would be green and no smaller one.
  case low

  /// The other side.
  var opposite: Direction { self == .high ? .low : .high }
}

/// How bad a finding is: the colour, and within a colour how many of its zones hold.
package struct Rank: Sendable, Hashable, Comparable {
  package var zone: Zone
  /// How many zones of the colour hold, at least 1; 0 of green.
  package var level: Int

  package init(_ zone: Zone, _ level: Int) {
    self.zone = zone
    self.level = level
  }

  /// Nothing is abnormal.
  package static let green = Rank(.green, 0)
  /// The most that a value in doubt comes to.
  package static let doubted = Rank(.yellow, 1)

  /// The colour decides, then the level.
  package static func < (left: Rank, right: Rank) -> Bool { (left.zone, left.level) < (right.zone, right.level) }
}

/// A number as a quotient, so that nothing is rounded before it is compared: a mean is a sum over a count.
package struct Ratio: Sendable, Hashable {
  /// What is divided, in the unit of the rule.
  package var top: ExactDecimal
  /// Greater than zero.
  package var bottom: ExactDecimal

  package init(_ top: ExactDecimal, over bottom: ExactDecimal = ExactDecimal(1)) {
    self.top = top
    self.bottom = bottom
  }

  /// This number less `limit`: below zero, zero or above, as -1, 0 or 1.
  func compared(to limit: ExactDecimal) -> Int {
    guard let product = bottom.mantissa == 1 && bottom.exponent == 0 ? limit : limit.times(bottom) else {
      return top < limit ? -1 : 1
    }
    return top < product ? -1 : product < top ? 1 : 0
  }

  /// True when this number is greater than `other` by at least `step`.
  func exceeds(_ other: Ratio, by step: ExactDecimal) -> Bool {
    guard let left = top.times(other.bottom), let right = other.top.times(bottom),
      let both = bottom.times(other.bottom), let least = both.times(step), let difference = left.subtracting(right)
    else { return other.top < top }
    return !(difference < least)
  }

  /// With so many digits after the point, half to even; nil when it does not fit.
  package func rounded(places: Int) -> ExactDecimal? {
    if bottom.mantissa == 1, bottom.exponent == 0 { return top }
    guard (0...12).contains(places) else { return nil }
    // Both as whole numbers of the finer place.
    let fine = Int(min(top.exponent, bottom.exponent))
    guard let numerator = top.scaled(by: 1, over: 1, places: max(0, -fine)),
      let denominator = bottom.scaled(by: 1, over: 1, places: max(0, -fine)), denominator.mantissa > 0
    else { return nil }
    return ExactDecimal(numerator.mantissa).scaled(by: 1, over: denominator.mantissa, places: places)
  }
}

/// What a finding was made by.
package enum FindingValue: Sendable, Hashable {
  /// A sign, a device or a measurement that did not come.
  case none
  /// A value, a difference, a percentage or a sum of points.
  case number(Ratio)
  /// Beyond all that the device can measure.
  case beyond(above: Bool)
  /// A mean a measure, in the rule's order; nil for those that are not in the zone.
  case means([Ratio?])
}

/// What judging a reading yields: green, or how bad it is and on which side.
package struct Finding: Sendable, Hashable {
  /// Nil agrees with both.
  package var direction: Direction?
  /// At most `Rank.doubted` of a value in doubt.
  package var rank: Rank
  /// The rank without the doubt.
  package var raw: Rank
  package var value: FindingValue
  /// What the device said in the unit of the rule's limits, where that is not the measure's; nil: it said nothing in it.
  package var said: ExactDecimal?
  /// The device is in doubt of the value, or the hub whose it is.
  package var isDoubted = false
  /// The reading that led to it; nil: time, or what is known looks otherwise now.
  package var reading: ReadingID?
  /// When the value was taken, in milliseconds since 1970.
  package var taken: Int64 = 0

  package init(
    _ rank: Rank, direction: Direction? = nil, value: FindingValue = .none, isDoubted: Bool = false,
    reading: ReadingID? = nil, taken: Int64 = 0
  ) {
    self.direction = rank.zone == .green ? nil : direction
    raw = rank
    self.rank = isDoubted ? min(rank, .doubted) : rank
    self.value = value
    self.isDoubted = isDoubted
    self.reading = reading
    self.taken = taken
  }

  package var isGreen: Bool { rank.zone == .green }

  /// The same as if nothing were in doubt.
  package var withoutDoubt: Finding {
    var finding = self
    finding.rank = raw
    return finding
  }

  /// The same at another rank.
  func at(_ rank: Rank) -> Finding {
    var finding = self
    finding.rank = rank
    return finding
  }

  /// It lies on the other side. No direction agrees with every direction.
  func isOpposite(to other: Finding) -> Bool {
    guard let direction, let theirs = other.direction else { return false }
    return direction != theirs
  }

  /// Worse than another: another direction, a higher rank, or of the same rank and further out by at least the step.
  /// - Parameter steps: a step a value, in the rule's order; nil or zero: distance does not count.
  func isWorse(than other: Finding, steps: [ExactDecimal?]) -> Bool {
    if isGreen { return false }
    if other.isGreen || isOpposite(to: other) || other.rank < rank { return true }
    return rank == other.rank && isFurther(than: other, steps)
  }

  private func isFurther(than other: Finding, _ steps: [ExactDecimal?]) -> Bool {
    func step(_ index: Int) -> ExactDecimal? {
      index < steps.count ? steps[index].flatMap { $0.isZero ? nil : $0 } : nil
    }
    func isFurther(_ mine: Ratio, _ theirs: Ratio, _ index: Int) -> Bool {
      guard let step = step(index) else { return false }
      switch direction ?? other.direction {
      case .high: return mine.exceeds(theirs, by: step)
      case .low: return theirs.exceeds(mine, by: step)
      case nil: return false
      }
    }
    switch (value, other.value) {
    case (.number(let mine), .number(let theirs)): return isFurther(mine, theirs, 0)
    // Beyond all that can be measured is further than any number.
    case (.beyond, .number): return step(0) != nil
    case (.means(let mine), .means(let theirs)):
      return mine.indices.contains { index in
        guard let mean = mine[index] else { return false }
        guard index < theirs.count, let told = theirs[index] else { return true }
        return isFurther(mean, told, index)
      }
    default: return false
    }
  }

  /// The worse of two; of equals the later one.
  func worst(with other: Finding?, steps: [ExactDecimal?]) -> Finding {
    guard let other else { return self }
    if rank != other.rank { return rank < other.rank ? other : self }
    switch (value, other.value) {
    case (.number(let mine), .number(let theirs)) where !isOpposite(to: other):
      let isGreater = mine.exceeds(theirs, by: .zero)
      let isSmaller = theirs.exceeds(mine, by: .zero)
      if isGreater, isSmaller { break }
      return isGreater == ((direction ?? other.direction) != .low) ? self : other
    case (.number, .beyond): return other
    case (.beyond, .number): return self
    default: break
    }
    return (taken, reading?.low ?? 0) < (other.taken, other.reading?.low ?? 0) ? other : self
  }
}

/// How abnormal a measure is, when the rule itself names no step (plans-2, 3.2).
extension Measure {
  /// The step after which a value counts as worse, in the measure's unit; nil: distance does not count.
  package func step(_ direction: Direction?) -> ExactDecimal? {
    switch self {
    case .systolic, .meanArterial, .pulse, .heartRate: ExactDecimal(20)
    case .diastolic: ExactDecimal(10)
    case .spo2: ExactDecimal(4)
    case .weight: ExactDecimal(1)
    case .temperature: ExactDecimal(10, exponent: -1)
    case .glucose: direction == .low ? ExactDecimal(6, exponent: -1) : ExactDecimal(50, exponent: -1)
    case .perfusion, .bodyFat, .bodyMassIndex: nil
    }
  }
}
