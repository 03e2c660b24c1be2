// The middle of many values, without putting all of them in order.

internal import Readings

/// Values of which the middle is wanted: of an even number the mean of the two in the middle.
struct Median {
  private var values: [ExactDecimal] = []
  /// All have as many digits after the point: they are ordered as their mantissas are.
  private var isOfOnePlace = true

  mutating func add(_ value: ExactDecimal) {
    if let first = values.first, first.exponent != value.exponent { isOfOnePlace = false }
    if values.isEmpty { values.reserveCapacity(16) }
    values.append(value)
  }

  /// Nil when there are none, or when the mean does not fit.
  var value: ExactDecimal? {
    guard let first = values.first else { return nil }
    let middle = values.count / 2
    let (lower, upper): (ExactDecimal, ExactDecimal)
    if isOfOnePlace {
      var numbers = values.map(\.mantissa)
      let found = Median.select(middle, &numbers)
      upper = ExactDecimal(found, exponent: first.exponent)
      lower = ExactDecimal(numbers[..<middle].max() ?? found, exponent: first.exponent)
    } else {
      let sorted = values.sorted()
      (lower, upper) = (sorted[max(0, middle - 1)], sorted[middle])
    }
    guard values.count.isMultiple(of: 2) else { return upper }
    return upper.adding(lower)?.times(ExactDecimal(5, exponent: -1))
  }

  /// The number that stands at `place` when they are in order; none before it is greater then, and none behind it smaller. C. A. R.
  /// Hoare, "Algorithm 65: Find", 1961.
  private static func select(_ place: Int, _ numbers: inout [Int64]) -> Int64 {
    var (low, high) = (0, numbers.count - 1)
    while low < high {
      // Of the first, the middle and the last the one between the others: values in order are no worst case.
      let (first, middle, last) = (numbers[low], numbers[(low + high) / 2], numbers[high])
      let pivot = max(min(first, middle), min(max(first, middle), last))
      var (left, right) = (low, high)
      while left <= right {
        while numbers[left] < pivot { left += 1 }
        while pivot < numbers[right] { right -= 1 }
        guard left <= right else { break }
        numbers.swapAt(left, right)
        left += 1
        right -= 1
      }
      if place <= right { high = right } else if place >= left { low = left } else { break }
    }
    return numbers[place]
  }
}
