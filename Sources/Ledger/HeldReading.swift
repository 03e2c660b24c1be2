// Readings that wait for the hub's clock.

internal import Monitoring
package import Readings

/// A reading that waits for the hub's clock.
package struct HeldReading: Sendable, Hashable {
  /// Its place in the turn.house.journal.
  package var sequence: UInt64
  /// The boot in which it was received, and that boot's monotonic clock then, in milliseconds.
  package var bootID: String
  /// Milliseconds of that boot's monotonic clock.
  package var monotonic: Int64
}

extension LedgerState {
  /// The book of what waits for the clock. A reading that is stamped anew takes its new place in its patient's history.
  package mutating func noteHold(of reading: Reading, sequence: UInt64) {
    if let anchor = reading.anchor {
      held[reading.id] = HeldReading(sequence: sequence, bootID: anchor.bootID, monotonic: anchor.monotonic)
    } else if held.removeValue(forKey: reading.id) != nil, let patient = reading.patient {
      history[patient]?.remove(reading.id)
    }
  }
}
