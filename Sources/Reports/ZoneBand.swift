// A plan's limits of one value as bands of a picture: from limit to limit the worst zone that holds.

internal import Monitoring
internal import Readings

/// A zone between two limits.
struct ZoneBand: Hashable {
  var zone: Zone
  /// How many zones of the colour hold of one rule, at least 1; 0 of green.
  var level: Int
  /// The lower limit; nil: none.
  var low: ExactDecimal?
  /// The upper limit; nil: none.
  var high: ExactDecimal?
  /// Whether the limit itself belongs to it, of a band that is open on one side.
  var holdsLimit: Bool

  /// The bands of one rule.
  static func all(_ limits: [ZoneLimit]) -> [ZoneBand] { all(rules: [limits]) }

  /// All bands of the rules from the bottom to the top; empty without limits.
  static func all(rules: [[ZoneLimit]]) -> [ZoneBand] {
    var places: [ExactDecimal] = []
    for limit in rules.joined().flatMap(\.bounds).map(\.limit).sorted()
    where !(places.last?.isEqual(to: limit) ?? false) {
      places.append(limit)
    }
    guard let first = places.first, let last = places.last else { return [] }
    let one = ExactDecimal(1)
    var bands: [ZoneBand] = []
    func add(_ low: ExactDecimal?, _ high: ExactDecimal?, at value: ExactDecimal?) {
      guard let value else { return }
      let rank = rank(rules, value)
      if var before = bands.last, before.zone == rank.zone, before.level == rank.level {
        before.high = high
        bands[bands.count - 1] = before
      } else {
        bands.append(ZoneBand(zone: rank.zone, level: rank.level, low: low, high: high, holdsLimit: false))
      }
    }
    add(nil, first, at: first.subtracting(one))
    for (low, high) in zip(places, places.dropFirst()) {
      // The middle; limits have so few places that three more are enough.
      let middle = low.adding(high)?.scaled(
        by: 1, over: 2, places: min(18, max(low.decimalPlaces, high.decimalPlaces) + 3))
      add(low, high, at: middle)
    }
    add(last, nil, at: last.adding(one))
    // Where stretches were joined the edge is that of the last: which limit belongs to a band is asked of the band as it is.
    for index in bands.indices {
      let band = bands[index]
      guard let edge = band.low ?? band.high else { continue }
      bands[index].holdsLimit = self.rank(rules, edge) == Rank(band.zone, band.level)
    }
    return bands
  }

  /// The worst that any rule makes of a value.
  private static func rank(_ rules: [[ZoneLimit]], _ value: ExactDecimal) -> Rank {
    rules.map { limits in
      let holding = limits.filter { $0.zone > .green && $0.holds(value) }
      guard let zone = holding.map(\.zone).max() else { return Rank.green }
      return Rank(zone, holding.count { $0.zone == zone })
    }.max() ?? .green
  }

  /// `≥ 180`, `< 85`, `85–88`; empty for a band without limits.
  func text(_ number: (ExactDecimal) -> String) -> String {
    switch (low, high) {
    case (nil, nil): ""
    case (let low?, nil): (holdsLimit ? "≥ " : "> ") + number(low)
    case (nil, let high?): (holdsLimit ? "≤ " : "< ") + number(high)
    case (let low?, let high?): number(low) + "–" + number(high)
    }
  }
}
