// The value axis of a curve: round numbers 1, 2 or 5 times a power of ten, wide enough for the values and the plan's limits.

internal import Monitoring
internal import Readings

/// An axis from a round number to a round number.
struct ValueAxis: Hashable {
  /// The lowest value.
  let low: Double
  /// The highest value.
  let high: Double
  /// Round numbers from the lowest to the highest.
  let ticks: [ExactDecimal]

  /// The axis over `values`; nil without any. At most about `most` steps.
  init?(_ values: [ExactDecimal], _ measure: Measure, most: Int = 6) {
    let numbers = values.map(ValueAxis.number).filter { $0.magnitude < 1e9 }
    guard var low = numbers.min(), var high = numbers.max() else { return nil }
    let least = ValueAxis.leastSpan(measure)
    if high - low < least {
      let middle = (low + high) / 2
      (low, high) = (middle - least / 2, middle + least / 2)
    }
    let air = (high - low) * 0.05
    (low, high) = (low - air, high + air)
    // Nothing that is measured here is below zero but a temperature, and no share is above a hundred.
    if numbers.allSatisfy({ $0 >= 0 }) { low = max(low, 0) }
    if measure.unit == .percent { high = max(min(high, 100), numbers.max() ?? 100) }
    var exponent = 0
    var power = 1.0
    while (high - low) / power > 10 * Double(most), exponent < 12 { (exponent, power) = (exponent + 1, power * 10) }
    while (high - low) / power < Double(most), exponent > -4 { (exponent, power) = (exponent - 1, power / 10) }
    let step = [1, 2, 5, 10, 20, 50].first { (high - low) / (power * Double($0)) <= Double(most) } ?? 100
    let size = power * Double(step)
    let first = Int64((low / size + 1e-6).rounded(.down))
    let last = max(first + 1, Int64((high / size - 1e-6).rounded(.up)))
    let round = (first...last).map { number in
      let mantissa = number * Int64(step)
      // 40, not 4 × 10.
      return exponent > 0
        ? ExactDecimal(mantissa * Int64(power)) : ExactDecimal(mantissa, exponent: Int8(exponent)).plain
    }
    // 38.0 beside 38.5.
    let places = round.map(\.decimalPlaces).max() ?? 0
    ticks = round.map { $0.rounded(places: places) ?? $0 }
    self.low = Double(first) * size
    self.high = Double(last) * size
  }

  /// How far a curve spreads at least: ripples of a scale are no mountains.
  static func leastSpan(_ measure: Measure) -> Double {
    switch measure {
    case .systolic, .diastolic, .meanArterial, .pulse, .heartRate: 30
    case .spo2, .bodyFat: 8
    case .weight, .bodyMassIndex, .glucose: 4
    case .temperature, .perfusion: 2
    }
  }

  /// A decimal as a number for drawing; nothing is judged by it.
  static func number(_ decimal: ExactDecimal) -> Double { Double("\(decimal)") ?? 0 }

  /// Where a value stands between 0 (lowest) and 1 (highest); outside for one beyond the axis.
  func share(_ value: Double) -> Double { (value - low) / (high - low) }
}

extension ExactDecimal {
  /// Without zeros behind the point: 4, not 4.0; 2.5 stays.
  var plain: ExactDecimal {
    var (mantissa, exponent) = (mantissa, exponent)
    while exponent < 0, mantissa % 10 == 0 { (mantissa, exponent) = (mantissa / 10, exponent + 1) }
    return ExactDecimal(mantissa, exponent: exponent)
  }
}
