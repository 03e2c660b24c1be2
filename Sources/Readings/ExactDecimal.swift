// Decimals that keep the digits a device gave: mantissa and exponent, never binary floating point.
// IEEE 11073-20601 annex F.8 (FLOAT, SFLOAT) and FHIR decimal both carry precision: 2.0 is not 2.

/// A decimal number `mantissa × 10^exponent` with its precision: 70.0 and 70.00 are equal in value and print differently.
package struct ExactDecimal: Sendable, Hashable {
  /// The significant digits, with sign.
  package let mantissa: Int64
  /// The power of ten, −128…127. A negative exponent is the number of decimal places.
  package let exponent: Int8

  /// `mantissa × 10^exponent`.
  package init(_ mantissa: Int64, exponent: Int8 = 0) {
    self.mantissa = mantissa
    self.exponent = exponent
  }

  /// Zero without decimal places.
  package static let zero = ExactDecimal(0)

  /// From plain decimal text: an optional sign, digits, an optional point with digits. No exponent, no blanks, at most 18 digits.
  /// Nil for anything else.
  package init?(_ text: some StringProtocol) {
    var mantissa: Int64 = 0
    var places = 0
    var digits = 0
    var seenPoint = false
    var negative = false
    for (index, character) in text.utf8.enumerated() {
      switch character {
      case 0x2B where index == 0: break
      case 0x2D where index == 0: negative = true
      case 0x2E where !seenPoint && digits > 0: seenPoint = true
      case 0x30...0x39:
        digits += 1
        guard digits <= 18 else { return nil }
        mantissa = mantissa * 10 + Int64(character - 0x30)
        if seenPoint { places += 1 }
      default: return nil
      }
    }
    guard digits > 0, !seenPoint || places > 0 else { return nil }
    self.init(negative ? -mantissa : mantissa, exponent: Int8(-places))
  }

  /// The number of digits after the point when written plainly; 0 for whole numbers.
  package var decimalPlaces: Int { exponent < 0 ? -Int(exponent) : 0 }

  /// True for every zero, whatever its precision.
  package var isZero: Bool { mantissa == 0 }
  /// True below zero.
  package var isNegative: Bool { mantissa < 0 }

  /// Values are equal when the numbers are, whatever the precision: 70.0 == 70.00. Compare `==` for identity of representation.
  package func isEqual(to other: ExactDecimal) -> Bool { !(self < other) && !(other < self) }
}

extension ExactDecimal: CustomStringConvertible {
  /// Plain text without exponent, every digit that the precision claims: `2.0`, `-0.50`, `1200`.
  package var description: String {
    let digits = String(mantissa.magnitude)
    let sign = mantissa < 0 ? "-" : ""
    if exponent >= 0 {
      return mantissa == 0 ? "0" : sign + digits + String(repeating: "0", count: Int(exponent))
    }
    let places = -Int(exponent)
    let padded = String(repeating: "0", count: max(0, places + 1 - digits.utf8.count)) + digits
    return sign + padded.dropLast(places) + "." + padded.suffix(places)
  }
}

extension ExactDecimal {
  /// How many characters `description` has.
  package var characters: Int {
    var digits = 1
    var rest = mantissa.magnitude / 10
    while rest > 0 {
      digits += 1
      rest /= 10
    }
    let sign = mantissa < 0 ? 1 : 0
    guard exponent < 0 else { return mantissa == 0 ? 1 : sign + digits + Int(exponent) }
    return sign + max(digits, 1 - Int(exponent)) + 1
  }
}

extension ExactDecimal: Comparable {
  /// Exact comparison of the numbers, over the whole range of mantissa and exponent.
  package static func < (left: ExactDecimal, right: ExactDecimal) -> Bool {
    if let (a, b, _) = aligned(left, right) { return a < b }
    let leftSign = left.mantissa.signum()
    let rightSign = right.mantissa.signum()
    guard leftSign == rightSign, leftSign != 0 else { return leftSign < rightSign }
    // Same sign: bring both to the smaller exponent. 19 digits and a difference over 19 can only differ by magnitude.
    let difference = Int(left.exponent) - Int(right.exponent)
    guard abs(difference) <= 19 else { return (difference < 0) == (leftSign > 0) }
    let power = ExactDecimal.power(of: abs(difference))
    let a = Int128(left.mantissa) * (difference > 0 ? power : 1)
    let b = Int128(right.mantissa) * (difference < 0 ? power : 1)
    return a < b
  }

  /// Both mantissas at the finer of both exponents, where they fit into 64 bits: nearly always, and much the fastest.
  private static func aligned(_ left: ExactDecimal, _ right: ExactDecimal) -> (Int64, Int64, Int8)? {
    if left.exponent == right.exponent { return (left.mantissa, right.mantissa, left.exponent) }
    let isLeftFiner = left.exponent < right.exponent
    var steps = abs(Int(left.exponent) - Int(right.exponent))
    guard steps <= 6 else { return nil }
    var coarse = isLeftFiner ? right.mantissa : left.mantissa
    while steps > 0 {
      let (product, overflow) = coarse.multipliedReportingOverflow(by: 10)
      guard !overflow else { return nil }
      coarse = product
      steps -= 1
    }
    return isLeftFiner ? (left.mantissa, coarse, left.exponent) : (coarse, right.mantissa, right.exponent)
  }

  static func power(of exponent: Int) -> Int128 {
    var power: Int128 = 1
    for _ in 0..<max(0, min(exponent, 37)) { power *= 10 }
    return power
  }
}

extension ExactDecimal {
  /// This number times `numerator / denominator`, rounded half to even to `places` digits after the point (0…18).
  /// Nil when the result does not fit or the denominator is zero.
  package func scaled(by numerator: Int64, over denominator: Int64, places: Int) -> ExactDecimal? {
    guard denominator != 0, (0...18).contains(places) else { return nil }
    var top = Int128(mantissa) * Int128(numerator)
    var bottom = Int128(denominator)
    let shift = Int(exponent) + places
    guard abs(shift) <= 18 else { return mantissa == 0 ? ExactDecimal(0, exponent: Int8(-places)) : nil }
    if shift >= 0 {
      let (product, overflow) = top.multipliedReportingOverflow(by: ExactDecimal.power(of: shift))
      guard !overflow else { return nil }
      top = product
    } else {
      let (product, overflow) = bottom.multipliedReportingOverflow(by: ExactDecimal.power(of: -shift))
      guard !overflow else { return nil }
      bottom = product
    }
    guard let rounded = Int64(exactly: ExactDecimal.divideHalfEven(top, bottom)) else { return nil }
    return ExactDecimal(rounded, exponent: Int8(-places))
  }

  /// This number with `places` digits after the point (0…18), rounded half to even. Nil when it does not fit.
  package func rounded(places: Int) -> ExactDecimal? { scaled(by: 1, over: 1, places: places) }

  /// The sum, with the finer precision of both. Nil when it does not fit.
  package func adding(_ other: ExactDecimal) -> ExactDecimal? {
    if let (a, b, exponent) = ExactDecimal.aligned(self, other) {
      let (sum, overflow) = a.addingReportingOverflow(b)
      if !overflow { return ExactDecimal(sum, exponent: exponent) }
    }
    let fine = min(exponent, other.exponent)
    let left = Int(exponent) - Int(fine)
    let right = Int(other.exponent) - Int(fine)
    guard left <= 18, right <= 18 else { return nil }
    let sum = Int128(mantissa) * ExactDecimal.power(of: left) + Int128(other.mantissa) * ExactDecimal.power(of: right)
    guard let mantissa = Int64(exactly: sum) else { return nil }
    return ExactDecimal(mantissa, exponent: fine)
  }

  /// This number so many times, exactly. Nil when it does not fit.
  package func multiplied(by count: Int64) -> ExactDecimal? {
    let (product, overflow) = mantissa.multipliedReportingOverflow(by: count)
    return overflow ? nil : ExactDecimal(product, exponent: exponent)
  }

  /// The product, exactly. Nil when it does not fit.
  package func times(_ other: ExactDecimal) -> ExactDecimal? {
    let (product, overflow) = mantissa.multipliedReportingOverflow(by: other.mantissa)
    if product == 0, !overflow { return ExactDecimal(0, exponent: min(0, max(exponent, other.exponent))) }
    let sum = Int(exponent) + Int(other.exponent)
    guard !overflow else {
      // Digits that say nothing make room.
      let (left, right) = (shortened, other.shortened)
      guard left != self || right != other else { return nil }
      return left.times(right)
    }
    return Int8(exactly: sum).map { ExactDecimal(product, exponent: $0) }
  }

  /// The same number without zeros at its end.
  private var shortened: ExactDecimal {
    var (digits, places) = (mantissa, exponent)
    while digits != 0, digits % 10 == 0, places < 127 { (digits, places) = (digits / 10, places + 1) }
    return ExactDecimal(digits, exponent: places)
  }

  /// The difference, with the finer precision of both. Nil when it does not fit.
  package func subtracting(_ other: ExactDecimal) -> ExactDecimal? {
    guard other.mantissa != .min else { return nil }
    return adding(ExactDecimal(-other.mantissa, exponent: other.exponent))
  }

  private static func divideHalfEven(_ top: Int128, _ bottom: Int128) -> Int128 {
    let (quotient, remainder) = top.quotientAndRemainder(dividingBy: bottom)
    let twice = remainder.magnitude * 2
    let half = bottom.magnitude
    let away = (top < 0) == (bottom < 0) ? quotient + 1 : quotient - 1
    if twice > half { return away }
    if twice == half { return quotient % 2 == 0 ? quotient : away }
    return quotient
  }
}
