// What backends refused, and what is sent again.

package import JSON
internal import Readings

/// A refused reading or event that one backend is to get once more.
package struct Retry: Sendable, Hashable {
  /// The backend's name.
  package var backend: String
  /// Where the item is in the journal.
  package var original: UInt64
  /// Its kind, as `Deliverable.kind` has it; nil where an older version did not note it.
  package var kind: String?

  /// An item for one backend.
  package init(backend: String, original: UInt64, kind: String? = nil) {
    self.backend = backend
    self.original = original
    self.kind = kind
  }

  package var json: JSONValue {
    var object = JSONObject()
    object["backend"] = .string(backend)
    object["seq"] = .int(original)
    if let kind { object["kind"] = .string(kind) }
    return .object(object)
  }

  /// The retry of a record's octets; nil when they are none.
  package init?(_ payload: [UInt8]) {
    guard let value = try? JSONReader(maximumSize: 4096).value(payload) else { return nil }
    self.init(json: value)
  }

  package init?(json: JSONValue) {
    guard let backend = json["backend"]?.string, case .number(let number)? = json["seq"], let original = number.uint64
    else { return nil }
    self.init(backend: backend, original: original, kind: json["kind"]?.string)
  }
}

extension LedgerState {
  /// In the order of the journal.
  package var allRefusals: [Refusal] { refusals.values.flatMap { $0 }.sorted { $0.sequence < $1.sequence } }

  /// Something that the backend refused is on its way to it again.
  package func hasRetries(of backend: String) -> Bool {
    !retries.isEmpty && retries.values.contains { $0.backend == backend }
  }

  package mutating func dropRefusals(where isGone: (Refusal) -> Bool) {
    for name in refusals.keys {
      refusals[name]?.removeAll(where: isGone)
      if refusals[name]?.isEmpty ?? false { refusals[name] = nil }
    }
  }

  /// The item waits for this backend again.
  package mutating func add(_ retry: Retry, sequence: UInt64) {
    settleRefusals(of: retry.backend, [retry.original])
    retries[sequence] = retry
    guard var cursor = cursors[retry.backend], cursor.delivered > 0 else { return }
    cursor.delivered -= 1
    cursor.refused -= min(cursor.refused, 1)
    cursors[retry.backend] = cursor
  }

  /// Retries that the backend answered are over. Of a kind that waits in a line of its own the line says what has an answer.
  /// - Parameter ahead: what has an answer although the cursor is before it.
  package mutating func dropRetries(of backend: String, ahead: [UInt64] = []) {
    guard !retries.isEmpty, let cursor = cursors[backend] else { return }
    let known = Set(ahead + cursor.ahead)
    for (sequence, retry) in retries where retry.backend == backend {
      let isAnswered =
        if let line = retry.kind.flatMap({ cursor.lines[$0] }) {
          sequence <= line.through || line.skipping.contains(sequence)
        } else {
          sequence <= cursor.through || known.contains(sequence)
        }
      if isAnswered { retries[sequence] = nil }
    }
  }
}
