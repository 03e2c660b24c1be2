// What may overtake a backlog.

/// An item that may overtake a backlog.
package struct Urgent: Sendable, Hashable {
  /// Its place in the journal.
  package var sequence: UInt64
  /// When a reading was received, in milliseconds since 1970: it is fresh for a while. Nil: an alert, urgent for ever.
  package var at: Int64?

  /// The most that are remembered; older ones go with the backlog.
  package static let most = 256
  /// How long after reception a reading overtakes a backlog, in milliseconds.
  package static let freshness: Int64 = 3_600_000
  /// A reading that was taken longer than this before it was received is a record of the past, in milliseconds.
  package static let live: Int64 = 3_600_000

  package func isUrgent(at wall: Int64) -> Bool { at.map { abs(wall - $0) <= Urgent.freshness } ?? true }
}
