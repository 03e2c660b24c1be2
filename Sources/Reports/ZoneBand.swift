// A plan's limits of one value as bands of a picture: from limit to limit the worst zone that holds.

internal import Monitoring
internal import Readings

/// A zone between two limits.
struct ZoneBand: Hashable {
  var zone: Zone
  /// The lower limit; nil: none.
  var low: ExactDecimal?
  /// The upper limit; nil: none.
  var high: ExactDecimal?
  /// Whether the limit itself belongs to it, of a band that is open on one side.
  var holdsLimit: Bool

  /// All bands from the bottom to the top; empty without limits.
  static func all(_ limits: [ZoneLimit]) -> [ZoneBand] {
    var places: [ExactDecimal] = []
    for limit in limits.flatMap(\.bounds).map(\.limit).sorted() where !(places.last?.isEqual(to: limit) ?? false) {
      places.append(limit)
    }
    guard let first = places.first, let last = places.last else { return [] }
    let one = ExactDecimal(1)
    var bands: [ZoneBand] = []
    func add(_ low: ExactDecimal?, _ high: ExactDecimal?, at value: ExactDecimal?) {
      guard let value else { return }
      let zone = worst(limits, value)
      let edge = low ?? high
      let holds = edge.map { worst(limits, $0) == zone } ?? false
      if var before = bands.last, before.zone == zone {
        before.high = high
        bands[bands.count - 1] = before
      } else {
        bands.append(ZoneBand(zone: zone, low: low, high: high, holdsLimit: holds))
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
    return bands
  }

  private static func worst(_ limits: [ZoneLimit], _ value: ExactDecimal) -> Zone {
    limits.filter { $0.holds(value) }.map(\.zone).max() ?? .green
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
