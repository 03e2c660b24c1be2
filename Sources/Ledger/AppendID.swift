// Which append.

package struct AppendID: Hashable, Sendable {
  /// Counts up over the life of the process.
  package var number: UInt64
  package init(_ number: UInt64) { self.number = number }
}
