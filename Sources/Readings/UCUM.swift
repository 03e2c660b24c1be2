// Units by their UCUM codes (unitsofmeasure.org), with the MDC unit codes of IEEE 11073-10101.

/// A unit of a measured value. The raw value is the UCUM code.
package enum UCUM: String, Sendable, Hashable, CaseIterable {
  case millimetreOfMercury = "mm[Hg]"
  case kilopascal = "kPa"
  case kilogram = "kg"
  case gram = "g"
  case pound = "[lb_av]"
  /// 6.35029318 kg, 14 pounds.
  case stone = "[stone_av]"
  /// The market jin of Chinese scales, 500 g. UCUM has no code for it: an annotated half kilogram.
  case jin = "{jin}"
  case percent = "%"
  case perMinute = "/min"
  case degreeCelsius = "Cel"
  case degreeFahrenheit = "[degF]"
  case millimolePerLitre = "mmol/L"
  case milligramPerDecilitre = "mg/dL"
  case kilogramPerSquareMetre = "kg/m2"
  case centimetre = "cm"
  case metre = "m"
  case inch = "[in_i]"
  case ohm = "Ohm"
  case kilojoule = "kJ"
  case kilocalorie = "kcal"

  /// The 32-bit MDC code (partition × 65536 + term); nil where facts name none.
  package var mdc: UInt32? {
    switch self {
    case .millimetreOfMercury: 266016
    case .kilopascal: 265987
    case .kilogram: 263875
    case .gram: 263872
    case .pound: 263904
    case .ohm: 266432
    case .kilogramPerSquareMetre: 264096
    case .metre: 263424
    case .percent: 262688
    case .perMinute: 264864
    case .degreeCelsius: 268192
    case .degreeFahrenheit: 266560
    case .millimolePerLitre: 266866
    case .milligramPerDecilitre: 264274
    case .centimetre: 263441
    case .inch: 263520
    default: nil
    }
  }

  /// The unit in which Hearth delivers values of this quantity.
  package var canonical: UCUM {
    switch self {
    case .kilopascal: .millimetreOfMercury
    case .gram, .pound, .stone, .jin: .kilogram
    case .degreeFahrenheit: .degreeCelsius
    case .milligramPerDecilitre: .millimolePerLitre
    case .metre, .inch: .centimetre
    case .kilocalorie: .kilojoule
    default: self
    }
  }
}

extension UCUM {
  /// `value`, given in this unit, in the canonical unit: rounded half to even to a precision no finer than the device's.
  /// Nil when the number is too large to convert.
  ///
  /// A step of 0.005 kg takes three decimal places on the wire of the Bluetooth SIG; the same is done here: the last place is
  /// at least a fifth of the device's step. 0.01 lb is 4.5 g: three places of kg. 0.1 kPa is 0.75 mmHg: whole mmHg.
  /// 0.1 °F is 0.06 °C: one place. 1 mg/dL is 0.06 mmol/L: one place.
  ///
  /// A positive exponent is only how the number is coded, no coarser step: 12 × 10¹ mg/dL is 120 mg/dL, 6.7 mmol/L.
  /// Degrees Celsius and mmol/L have a tenth at least, also from whole °F: 98 °F is 36.7 °C, and limits stand between
  /// whole degrees.
  package func canonicalValue(of value: ExactDecimal) -> ExactDecimal? {
    guard let rule = conversion else { return value }
    guard let shifted = rule.offset == 0 ? value : value.adding(ExactDecimal(rule.offset)) else { return nil }
    return shifted.scaled(
      by: rule.top, over: rule.bottom, places: places(for: value, top: rule.top, bottom: rule.bottom))
  }

  /// How a value becomes one in the canonical unit: add `offset`, then times `top` over `bottom`; nil: it is one.
  var conversion: (offset: Int64, top: Int64, bottom: Int64)? {
    switch self {
    case .kilopascal: (0, 7_500_617, 1_000_000)
    case .gram: (0, 1, 1000)
    case .pound: (0, 45_359_237, 100_000_000)
    case .stone: (0, 635_029_318, 100_000_000)
    case .jin: (0, 1, 2)
    case .degreeFahrenheit: (-32, 5, 9)
    case .milligramPerDecilitre: (0, 1000, 18_016)
    case .metre: (0, 100, 1)
    case .inch: (0, 254, 100)
    case .kilocalorie: (0, 41_868, 10_000)
    default: nil
    }
  }

  private func places(for value: ExactDecimal, top: Int64, bottom: Int64) -> Int {
    // The device's step is 10^exponent × top / bottom, of a whole unit at most; the largest p with 5 × 10^-p >= step.
    let exponent = min(Int(value.exponent), 0)
    let fewest = self == .degreeFahrenheit || self == .milligramPerDecilitre ? 1 : 0
    var places = 18
    while places > fewest {
      let shift = exponent + places
      // Beyond 19 places the powers alone decide; the products below would not fit.
      if shift < -19 { return places }
      guard shift <= 19 else {
        places -= 1
        continue
      }
      let step = Int128(top) * (shift > 0 ? ExactDecimal.power(of: shift) : 1)
      let unit = 5 * Int128(bottom) * (shift < 0 ? ExactDecimal.power(of: -shift) : 1)
      if step <= unit { return places }
      places -= 1
    }
    return fewest
  }
}
