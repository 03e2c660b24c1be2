// Exact decimals: text, comparison at the extremes, rounding half to even, and the conversion of units.

import Readings
import Testing

struct ExactDecimalTests {
  @Test(arguments: ["0", "2.0", "-0.50", "1200", "70.760", "-1", "0.001", "999999999999999999"])
  func textComesBackAsItWas(text: String) {
    #expect(ExactDecimal(text)?.description == text)
  }

  @Test(arguments: ["", "-", ".5", "1.", "1e3", " 1", "1 ", "--1", "1.2.3", "1234567890123456789", "٣"])
  func otherTextIsNoNumber(text: String) {
    #expect(ExactDecimal(text) == nil)
  }

  @Test func charactersAreCountedWithoutWritingThem() {
    for mantissa: Int64 in [0, 1, -1, 9, 10, -10, 99, 100, 12345, -99999, 1_000_000_000_000_000_000, .max, .min] {
      for exponent: Int8 in [-128, -19, -18, -5, -3, -2, -1, 0, 1, 2, 15, 127] {
        let decimal = ExactDecimal(mantissa, exponent: exponent)
        #expect(decimal.characters == decimal.description.utf8.count, "\(mantissa) \(exponent)")
      }
    }
  }

  @Test func precisionIsPrinted() {
    #expect(ExactDecimal(74000, exponent: -3).description == "74.000")
    #expect(ExactDecimal(5, exponent: 2).description == "500")
    #expect(ExactDecimal(0, exponent: -2).description == "0.00")
    #expect(ExactDecimal(.min, exponent: 0).description == "-9223372036854775808")
    #expect(ExactDecimal(1, exponent: -128).description.utf8.count == 130)
  }

  /// The short way, in 64 bits, and the long one say the same as plain arithmetic in 128.
  @Test func sumsAndComparisonsAreThoseOfLongArithmetic() {
    var state: UInt64 = 42
    func next() -> UInt64 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return state ^ (state >> 29)
    }
    func number() -> ExactDecimal {
      ExactDecimal(
        Int64(bitPattern: next()) >> Int64(next() % 64), exponent: Int8(truncatingIfNeeded: Int(next() % 13) - 6))
    }
    func long(_ number: ExactDecimal) -> Int128 {
      (0..<Int(number.exponent) + 6).reduce(Int128(number.mantissa)) { product, _ in product * 10 }
    }
    for _ in 0..<20_000 {
      let (a, b) = (number(), number())
      #expect((a < b) == (long(a) < long(b)))
      guard let sum = a.adding(b) else {
        let scale = long(ExactDecimal(1, exponent: min(a.exponent, b.exponent)))
        #expect(Int64(exactly: (long(a) + long(b)) / scale) == nil)
        continue
      }
      #expect(long(sum) == long(a) + long(b) && sum.exponent == min(a.exponent, b.exponent))
    }
  }

  @Test func comparisonIsExactAtTheExtremes() {
    let ascending = [
      ExactDecimal(.min, exponent: 127), ExactDecimal(.min), ExactDecimal(-1), ExactDecimal(-1, exponent: -128),
      ExactDecimal(0, exponent: 127), ExactDecimal(1, exponent: -128), ExactDecimal(.max, exponent: -128),
      ExactDecimal(.max, exponent: -19), ExactDecimal(1), ExactDecimal(.max, exponent: -18), ExactDecimal(.max),
      ExactDecimal(1, exponent: 19), ExactDecimal(.max, exponent: 1), ExactDecimal(.max, exponent: 127),
    ]
    for (i, left) in ascending.enumerated() {
      for (j, right) in ascending.enumerated() { #expect((left < right) == (i < j), "\(i) \(j)") }
    }
    #expect(ExactDecimal(700, exponent: -1).isEqual(to: ExactDecimal(7, exponent: 1)))
    #expect(ExactDecimal(0, exponent: -5).isEqual(to: .zero))
  }

  @Test(arguments: [
    ("0.5", 0, "0"), ("1.5", 0, "2"), ("2.5", 0, "2"), ("-0.5", 0, "0"), ("-1.5", 0, "-2"), ("2.51", 0, "3"),
    ("0.125", 2, "0.12"), ("0.135", 2, "0.14"), ("7", 3, "7.000"), ("-2.449", 1, "-2.4"),
  ])
  func roundsHalfToEven(text: String, places: Int, rounded: String) {
    #expect(ExactDecimal(text)?.rounded(places: places)?.description == rounded)
  }

  @Test func whatDoesNotFitIsNil() {
    #expect(ExactDecimal(.max).rounded(places: 1) == nil)
    #expect(ExactDecimal(.max).adding(ExactDecimal(1)) == nil)
    #expect(ExactDecimal(1).scaled(by: 1, over: 0, places: 0) == nil)
    #expect(ExactDecimal(1).subtracting(ExactDecimal(.min)) == nil)
    #expect(ExactDecimal("1.25")?.adding(ExactDecimal(3))?.description == "4.25")
    #expect(ExactDecimal("1.25")?.subtracting(ExactDecimal(3))?.description == "-1.75")
  }

  @Test(arguments: [
    ("156.00", UCUM.pound, "70.760"), ("98.6", .degreeFahrenheit, "37.0"), ("112", .milligramPerDecilitre, "6.2"),
    ("16.0", .kilopascal, "120"), ("1.750", .metre, "175.0"), ("68.0", .inch, "172.7"), ("74.000", .kilogram, "74.000"),
  ])
  func convertsToTheCanonicalUnit(text: String, unit: UCUM, converted: String) {
    #expect(ExactDecimal(text).flatMap { unit.canonicalValue(of: $0) }?.description == converted)
  }

  /// 12 × 10¹ mg/dL is how a meter codes 120: the number has its whole precision.
  @Test(
    arguments: [
      (UCUM.milligramPerDecilitre, 12, 1, "6.7"), (.milligramPerDecilitre, 1, 2, "5.6"),
      (.degreeFahrenheit, 1, 2, "37.8"), (.degreeFahrenheit, 98, 0, "36.7"), (.kilopascal, 2, 1, "150"),
    ] as [(UCUM, Int64, Int8, String)])
  func aPositiveExponentIsNoCoarserStep(unit: UCUM, mantissa: Int64, exponent: Int8, converted: String) {
    #expect(unit.canonicalValue(of: ExactDecimal(mantissa, exponent: exponent))?.description == converted)
  }

  @Test func conversionNeverTraps() {
    for unit in UCUM.allCases {
      for exponent in Int8.min...Int8.max {
        for mantissa in [Int64.min, -1, 0, 1, .max] {
          _ = unit.canonicalValue(of: ExactDecimal(mantissa, exponent: exponent))
        }
      }
    }
  }
}
