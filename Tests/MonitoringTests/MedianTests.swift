// The middle of many values is the same as that of the values in order.

import Readings
import Testing

@testable import Monitoring

@Suite struct MedianTests {
  private static func inOrder(_ values: [ExactDecimal]) -> ExactDecimal? {
    let sorted = values.sorted()
    guard let upper = sorted.isEmpty ? nil : sorted[sorted.count / 2] else { return nil }
    guard sorted.count.isMultiple(of: 2) else { return upper }
    return upper.adding(sorted[sorted.count / 2 - 1])?.times(ExactDecimal(5, exponent: -1))
  }

  private static func middle(_ values: [ExactDecimal]) -> ExactDecimal? {
    var median = Median()
    for value in values { median.add(value) }
    return median.value
  }

  @Test func noneHasNoMiddle() { #expect(MedianTests.middle([]) == nil) }

  @Test(arguments: 1...60) func anyNumbersOfAnyOrder(count: Int) {
    var seed = UInt64(count)
    func next(_ bound: UInt64) -> Int64 {
      seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int64((seed >> 33) % bound) - Int64(bound / 2)
    }
    for bound: UInt64 in [1, 2, 5, 40, 100_000] {
      let mantissas = (0..<count).map { _ in next(bound) }
      for numbers in [mantissas, mantissas.sorted(), mantissas.sorted(by: >)] {
        let values = numbers.map { ExactDecimal($0, exponent: -1) }
        #expect(MedianTests.middle(values) == MedianTests.inOrder(values))
      }
    }
  }

  @Test func valuesWithMoreOrFewerDigitsAreComparedAsNumbers() {
    let values = [
      ExactDecimal(701, exponent: -1), ExactDecimal(70), ExactDecimal(7005, exponent: -2), ExactDecimal(69),
    ]
    #expect(MedianTests.middle(values) == MedianTests.inOrder(values))
    #expect(MedianTests.middle(Array(values.dropLast())) == ExactDecimal(7005, exponent: -2))
  }

  @Test func theWidestNumbersDoNotOverflow() {
    let values = [ExactDecimal(.max), ExactDecimal(.min), ExactDecimal(.max), ExactDecimal(.min), ExactDecimal(0)]
    #expect(MedianTests.middle(values) == ExactDecimal(0))
  }
}
