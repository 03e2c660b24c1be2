// A person dealt with what a backend refused, in another way than sending it again.

internal import JSON

/// Refused items that need nobody any more: they stay in the journal, and the backend does not have them.
package struct Dismissal: Sendable, Hashable {
  /// The backend's name.
  package var backend: String
  /// Sequence numbers.
  package var sequences: [UInt64]
  /// Those that are not listed any more are meant, too.
  package var unlisted = false

  /// What was dealt with.
  package init(backend: String, sequences: [UInt64], unlisted: Bool = false) {
    self.backend = backend
    self.sequences = sequences
    self.unlisted = unlisted
  }

  var json: JSONValue {
    var object = JSONObject()
    object["backend"] = .string(backend)
    object["seqs"] = .array(sequences.map { .int($0) })
    if unlisted { object["unlisted"] = true }
    return .object(object)
  }

  /// From the record that keeps it; nil when it is none.
  init?(json: JSONValue) {
    guard let backend = json["backend"]?.string else { return nil }
    self.init(
      backend: backend, sequences: (json["seqs"]?.array ?? []).compactMap(\.unsigned),
      unlisted: json["unlisted"]?.bool ?? false)
  }
}

extension LedgerState {
  /// A dismissal is on disk.
  package mutating func apply(_ dismissal: Dismissal) {
    settleRefusals(of: dismissal.backend, Set(dismissal.sequences))
    if dismissal.unlisted { cursors[dismissal.backend]?.unlisted = 0 }
  }

  /// These are no refusals any more that need somebody.
  mutating func settleRefusals(of backend: String, _ sequences: Set<UInt64>) {
    dropRefusals { $0.backend == backend && sequences.contains($0.sequence) }
    guard let lines = cursors[backend]?.lines, !lines.isEmpty else { return }
    cursors[backend]?.lines = lines.mapValues { line in
      var line = line
      line.toResend.removeAll { sequences.contains($0) }
      return line
    }
  }
}
