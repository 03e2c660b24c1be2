// Backends that the configuration has no more: what waited for them when they left it is sent to nobody, and is dropped in the end.

package import JSON

/// A backend that is in the configuration no more.
package struct LeftBackend: Sendable, Hashable {
  /// How many readings and events it had not got.
  package var waiting: UInt64
  /// When it was found to be gone, in milliseconds since 1970.
  package var at: Int64

  /// A backend that is gone.
  package init(waiting: UInt64, at: Int64) {
    self.waiting = waiting
    self.at = at
  }

  package var json: JSONValue { ["waiting": .int(waiting), "at": .int(at)] }

  package init?(json: JSONValue?) {
    guard let waiting = json?["waiting"]?.unsigned, case .number(let number)? = json?["at"], let at = number.int64
    else {
      return nil
    }
    self.init(waiting: waiting, at: at)
  }
}

extension LedgerState {
  /// The most backends that are kept as gone.
  private static let mostLeft = 64

  /// Backends of which something is known and that are not among these names.
  package func gone(without names: Set<String>) -> [String] {
    cursors.keys.filter { !names.contains($0) && left[$0] == nil }.sorted()
  }

  /// A backend left the configuration, or is in it again.
  mutating func note(left backend: String, _ entry: LeftBackend?) {
    left[backend] = entry
    while left.count > LedgerState.mostLeft,
      let oldest = left.min(by: { ($0.value.at, $0.key) < ($1.value.at, $1.key) })
    {
      left[oldest.key] = nil
    }
  }
}
