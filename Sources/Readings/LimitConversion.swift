// A limit in another unit: converted without rounding where a decimal can hold the result, and so finely where none can that no value
// lies between the limit and what it became.

extension UCUM {
  /// `limit`, given in this unit, in the canonical unit. Of a `difference` the zero of the scale is left out: 1.8 °F more is 1 °C more.
  /// Nil when it does not fit into a decimal.
  ///
  /// Twelve places are kept: a third or a 2252nd (mg/dL) of a place is no closer to a value of six places than 4 × 10^-10.
  package func canonicalLimit(_ limit: ExactDecimal, difference: Bool = false) -> ExactDecimal? {
    guard let rule = conversion else { return limit }
    guard
      let shifted = difference || rule.offset == 0 ? limit : limit.adding(ExactDecimal(rule.offset)),
      let converted = shifted.scaled(by: rule.top, over: rule.bottom, places: 12)
    else { return nil }
    // 100.4 °F is 38 °C, not 38.000000000000.
    var (mantissa, exponent) = (converted.mantissa, converted.exponent)
    while exponent < 0, mantissa % 10 == 0 { (mantissa, exponent) = (mantissa / 10, exponent + 1) }
    return ExactDecimal(mantissa, exponent: exponent)
  }

  /// A value in the canonical unit as one in this unit, for people: rounded half to even to about as many digits as it has. Of a
  /// `difference` the zero of the scale is left out. Nil when it does not fit.
  package func shown(canonical value: ExactDecimal, difference: Bool = false) -> ExactDecimal? {
    guard let rule = conversion else { return value }
    // A tenth of mmol/L is 2 mg/dL.
    let places = max(0, value.decimalPlaces - (self == .milligramPerDecilitre ? 1 : 0))
    guard let scaled = value.scaled(by: rule.bottom, over: rule.top, places: places) else { return nil }
    return difference || rule.offset == 0 ? scaled : scaled.subtracting(ExactDecimal(rule.offset))
  }

  /// A unit as a plan may name it: by its UCUM code, or as people write it.
  package init?(named text: String) {
    switch text {
    case "mmHg": self = .millimetreOfMercury
    case "lb", "lbs": self = .pound
    case "st": self = .stone
    case "°C": self = .degreeCelsius
    case "°F": self = .degreeFahrenheit
    default: self.init(rawValue: text)
    }
  }

  /// As people write it.
  package var symbol: String {
    switch self {
    case .millimetreOfMercury: "mmHg"
    case .pound: "lb"
    case .stone: "st"
    case .degreeCelsius: "°C"
    case .degreeFahrenheit: "°F"
    default: rawValue
    }
  }
}
