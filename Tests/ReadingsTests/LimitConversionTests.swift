// Limits in other units: decimals stay decimals, and no value is judged otherwise than by the exact limit.

import Readings
import Testing

struct LimitConversionTests {
  @Test(arguments: [
    // Definitions: 1 lb = 0.45359237 kg (1959), 1 st = 14 lb.
    (UCUM.pound, "156", "70.76040972"), (.pound, "156.5", "70.987205905"), (.stone, "11", "69.85322498"),
    (.gram, "2000", "2"), (.degreeFahrenheit, "100.4", "38"), (.degreeFahrenheit, "-40", "-40"),
    (.degreeFahrenheit, "100.5", "38.055555555556"), (.kilogram, "70.50", "70.50"), (.kilopascal, "16", "120.009872"),
    // 18.016 g/mol: 70 mg/dL.
    (.milligramPerDecilitre, "70", "3.885435168739"), (.percent, "88", "88"),
  ])
  func aLimitKeepsItsDigits(unit: UCUM, limit: String, canonical: String) throws {
    #expect(unit.canonicalLimit(try #require(ExactDecimal(limit)))?.description == canonical)
  }

  @Test func aDifferenceHasNoZeroOfTheScale() {
    #expect(UCUM.degreeFahrenheit.canonicalLimit(ExactDecimal(18, exponent: -1), difference: true)?.description == "1")
    #expect(UCUM.pound.canonicalLimit(ExactDecimal(44, exponent: -1), difference: true)?.description == "1.995806428")
  }

  @Test func whatDoesNotFitIsNone() {
    #expect(UCUM.pound.canonicalLimit(ExactDecimal(.max)) == nil)
    #expect(UCUM.degreeFahrenheit.canonicalLimit(ExactDecimal(.max, exponent: 127)) == nil)
  }

  /// Against the exact fraction: no value of up to six places falls between a limit and what it was converted to.
  @Test func noValueIsJudgedOtherwise() throws {
    let units: [(UCUM, Int128, Int128, Int128)] = [
      (.degreeFahrenheit, -32, 5, 9), (.milligramPerDecilitre, 0, 1000, 18_016), (.pound, 0, 45_359_237, 100_000_000),
      (.kilopascal, 0, 7_500_617, 1_000_000),
    ]
    var state: UInt64 = 11
    func roll(_ sides: Int64) -> Int64 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int64(state >> 33) % sides
    }
    for (unit, offset, top, bottom) in units {
      for _ in 0..<2000 {
        let places = roll(3)
        let scale: Int128 = [1, 10, 100][Int(places)]
        let limit = ExactDecimal(roll(60_000), exponent: Int8(-places))
        let converted = try #require(unit.canonicalLimit(limit))
        // A value close to the limit: the limit rounded to six places or fewer, and its neighbours.
        for step in -1...1 as ClosedRange<Int64> {
          let valuePlaces = Int(roll(7))
          let near = try #require(converted.rounded(places: valuePlaces))
          let value = ExactDecimal(near.mantissa + step, exponent: near.exponent)
          var million: Int128 = Int128(value.mantissa)
          for _ in 0..<(6 - valuePlaces) { million *= 10 }
          // value < (limit + offset) · top / bottom, in whole numbers.
          let exact = million * bottom * scale < (Int128(limit.mantissa) + offset * scale) * top * 1_000_000
          #expect((value < converted) == exact, "\(value) \(limit) \(unit)")
        }
      }
    }
  }

  @Test func unitsHaveTheNamesThatPeopleUse() {
    #expect(
      UCUM(named: "lb") == .pound && UCUM(named: "[lb_av]") == .pound && UCUM(named: "mmHg") == .millimetreOfMercury)
    #expect(UCUM(named: "°F") == .degreeFahrenheit && UCUM(named: "furlong") == nil)
    for unit in UCUM.allCases { #expect(UCUM(named: unit.symbol) == unit) }
  }
}
