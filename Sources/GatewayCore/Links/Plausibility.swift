// The gate of what can be (plans-2, 1.2): values outside of it, or that contradict each other. They are kept and flagged; rules ask about
// them and do not judge by them.

internal import Monitoring
internal import Readings

enum Plausibility {
  /// True for what no person can have: nothing of it can be accepted.
  static func isImpossible(_ observations: [Observation]) -> Bool {
    worths(observations).contains(.unbelieved(isImpossible: true))
  }

  /// True when a value is outside of what can be, or when pressures contradict each other.
  static func isImplausible(_ observations: [Observation]) -> Bool {
    worths(observations).contains {
      if case .unbelieved = $0 { true } else { false }
    }
  }

  /// Empty for ordinary values: none of them is unbelieved.
  private static func worths(_ observations: [Observation]) -> [Worth] {
    Worth.areOrdinary(observations) ? [] : Worth.all(of: observations)
  }
}
