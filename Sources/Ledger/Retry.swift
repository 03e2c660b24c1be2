// What backends refused, and what is sent again.

package import JSON
internal import Readings

/// A refused reading that one backend is to get once more.
package struct Retry: Sendable, Hashable {
  /// The backend's name.
  package var backend: String
  /// Where the reading is in the turn.house.journal.
  package var original: UInt64

  /// A reading for one backend.
  package init(backend: String, original: UInt64) {
    self.backend = backend
    self.original = original
  }

  package var json: JSONValue { ["backend": .string(backend), "seq": .int(original)] }

  /// The retry of a record's octets; nil when they are none.
  package init?(_ payload: [UInt8]) {
    guard let value = try? JSONReader(maximumSize: 4096).value(payload) else { return nil }
    self.init(json: value)
  }

  package init?(json: JSONValue) {
    guard let backend = json["backend"]?.string, case .number(let number)? = json["seq"], let original = number.uint64
    else { return nil }
    self.init(backend: backend, original: original)
  }
}

extension LedgerState {
  /// In the order of the turn.house.journal.
  package var allRefusals: [Refusal] { refusals.values.flatMap { $0 }.sorted { $0.sequence < $1.sequence } }

  package mutating func dropRefusals(where isGone: (Refusal) -> Bool) {
    for name in refusals.keys {
      refusals[name]?.removeAll(where: isGone)
      if refusals[name]?.isEmpty ?? false { refusals[name] = nil }
    }
  }

  /// The reading waits for this backend again.
  package mutating func add(_ retry: Retry, sequence: UInt64) {
    dropRefusals { $0.backend == retry.backend && $0.sequence == retry.original }
    retries[sequence] = retry
    guard var cursor = cursors[retry.backend], cursor.delivered > 0 else { return }
    cursor.delivered -= 1
    cursors[retry.backend] = cursor
  }

  /// A backend answered for everything up to its cursor, and for some beyond it: those retries are over.
  package mutating func dropRetries(of backend: String, through: UInt64, ahead: [UInt64]) {
    for (sequence, retry) in retries
    where retry.backend == backend && (sequence <= through || ahead.contains(sequence)) { retries[sequence] = nil }
  }
}
