// The zones of a rule as a scale: what holds for a value, and on which side of green the value lies.

internal import Readings

/// Zones with their limits, and where green ends on either side.
package struct ZoneScale: Sendable, Hashable {
  /// In the order of the file.
  package let zones: [ZoneLimit]
  /// Some value that is green and smaller than every other that was looked at; nil: none is green.
  private let lowestGreen: ExactDecimal?
  private let highestGreen: ExactDecimal?

  package init(_ zones: [ZoneLimit]) {
    self.zones = zones
    // Between two limits nothing changes: the limits, a value between each two and one beyond either end stand for all.
    let limits = zones.flatMap { $0.bounds.map(\.limit) }.sorted()
    var samples: [ExactDecimal] = limits
    for (left, right) in zip(limits, limits.dropFirst()) {
      if let sum = left.adding(right), let middle = sum.times(ExactDecimal(5, exponent: -1)) { samples.append(middle) }
    }
    if let first = limits.first?.subtracting(ExactDecimal(1)) { samples.append(first) }
    if let last = limits.last?.adding(ExactDecimal(1)) { samples.append(last) }
    let green = samples.filter { sample in !zones.contains { $0.zone > .green && $0.holds(sample) } }
    lowestGreen = green.min()
    highestGreen = green.max()
  }

  /// The side on which a value lies that is not green.
  func direction(of value: Ratio) -> Direction? {
    let isBelow = highestGreen.map { value.compared(to: $0) < 0 } ?? false
    let isAbove = lowestGreen.map { value.compared(to: $0) > 0 } ?? false
    return isAbove == isBelow ? nil : isAbove ? .high : .low
  }

  private func direction(above: Bool) -> Direction? { lowestGreen == nil ? nil : above ? .high : .low }

  /// The worst colour that holds, and how many of its zones do; the limits of one side are moved by `slack`.
  private func rank(_ holds: (ZoneLimit) -> Bool) -> Rank {
    var rank = Rank.green
    for limit in zones where limit.zone > .green && limit.zone >= rank.zone && holds(limit) {
      rank = limit.zone > rank.zone ? Rank(limit.zone, 1) : Rank(limit.zone, rank.level + 1)
    }
    return rank
  }

  /// What a value comes to. A standing finding is left only past the limits by the hysteresis.
  func finding(_ value: Ratio, standing: Finding? = nil, hysteresis: ExactDecimal = .zero) -> (Rank, Direction?) {
    let plain = rank { $0.holds(value) }
    let side = plain.zone == .green ? nil : direction(of: value)
    guard let standing, !standing.isGreen, !hysteresis.isZero else { return (plain, side) }
    if plain.zone > .green, let side, let stood = standing.direction, side != stood { return (plain, side) }
    let loose = rank { $0.holds(value, slack: hysteresis, side: standing.direction) }
    let held = min(loose, standing.rank)
    return held > plain ? (held, standing.direction) : (plain, side)
  }

  /// What a value beyond all that can be measured comes to.
  func finding(above: Bool) -> (Rank, Direction?) {
    let rank = rank { $0.holdsBeyond(above: above) }
    return (rank, rank.zone == .green ? nil : direction(above: above))
  }

  /// Some zone that is not green lies on a side of what is usual: a value beyond all that can be measured there is not in order, also
  /// where the zone ends before it.
  func hasZone(above: Bool, of usual: ExactDecimal?) -> Bool {
    zones.contains { limit in
      limit.zone > .green
        && limit.bounds.contains { bound in
          bound.isUpper == above && (usual.map { above ? $0 < bound.limit : bound.limit < $0 } ?? true)
        }
    }
  }

  /// The outermost limit of the finding's colour that holds, such as `lt 85`.
  /// - Parameter given: the same zones as they were set in another unit, in which the limit is named.
  func limit(_ value: FindingValue, zone: Zone, given: [ZoneLimit]? = nil) -> String? {
    let holding = zones.indices.filter { index in
      let limit = zones[index]
      guard limit.zone == zone else { return false }
      switch value {
      case .number(let number): return limit.holds(number)
      case .beyond(let above): return limit.holdsBeyond(above: above)
      default: return false
      }
    }
    guard let last = holding.max(by: { ZoneScale.isNearer(zones[$0], than: zones[$1]) }) else { return nil }
    let named = given.flatMap { $0.indices.contains(last) ? $0[last] : nil } ?? zones[last]
    return named.bounds.map { "\($0.comparison.rawValue) \($0.limit)" }.joined(separator: " ")
  }

  /// Of two zones of one colour that hold, the one whose limit is crossed first.
  private static func isNearer(_ left: ZoneLimit, than right: ZoneLimit) -> Bool {
    guard let one = left.bounds.first, let other = right.bounds.first else { return false }
    return switch one.comparison {
    case .lessThan, .atMost: other.limit < one.limit
    case .greaterThan, .atLeast: one.limit < other.limit
    }
  }
}

extension ZoneLimit.Bound {
  /// This bound is one of the upper side.
  var isUpper: Bool { comparison == .greaterThan || comparison == .atLeast }

  /// True when a quotient satisfies the comparison with the limit moved outwards by `slack`.
  func holds(_ value: Ratio, slack: ExactDecimal = .zero) -> Bool {
    let moved = slack.isZero ? limit : isUpper ? limit.subtracting(slack) : limit.adding(slack)
    let order = value.compared(to: moved ?? limit)
    return switch comparison {
    case .lessThan: order < 0
    case .atMost: order <= 0
    case .greaterThan: order > 0
    case .atLeast: order >= 0
    }
  }
}

extension ZoneLimit {
  /// True when every bound holds.
  func holds(_ value: Ratio) -> Bool { !bounds.isEmpty && bounds.allSatisfy { $0.holds(value) } }

  /// The same with the limits of a side moved; nil moves both sides.
  func holds(_ value: Ratio, slack: ExactDecimal, side: Direction?) -> Bool {
    !bounds.isEmpty
      && bounds.allSatisfy { bound in
        let isMoved = side.map { ($0 == .high) == bound.isUpper } ?? true
        return bound.holds(value, slack: isMoved ? slack : .zero)
      }
  }

  /// True for a value beyond all that can be measured on one side.
  func holdsBeyond(above: Bool) -> Bool { !bounds.isEmpty && bounds.allSatisfy { $0.isUpper == above } }
}
