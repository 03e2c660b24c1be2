// Numbers of things in words, for everybody who reads an answer.

/// Numbers of things.
package enum Count {
  /// `1 file`, `2 files`.
  /// - Parameter plural: of a word whose plural is not made with an s, or of several words: `2 readings wait`.
  package static func of(_ number: some BinaryInteger, _ name: String, plural: String? = nil) -> String {
    "\(number) \(number == 1 ? name : plural ?? name + "s")"
  }
}
