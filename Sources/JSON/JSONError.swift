// Why JSON was refused, and where.

/// A place in a JSON text.
package struct JSONPlace: Sendable, Hashable {
  /// Octets before it.
  package var offset: Int
  /// From 1.
  package var line: Int
  /// From 1, in characters (Unicode scalars).
  package var column: Int

  /// A place.
  package init(offset: Int, line: Int, column: Int) {
    self.offset = offset
    self.line = line
    self.column = column
  }
}

/// Why JSON was refused.
package struct JSONError: Error, Sendable, Hashable {
  /// Stable: `syntax`, `duplicate-key`, `unknown-key`, `missing-key`, `wrong-type`, `invalid-value`, `too-deep`, `too-large`, `encoding`.
  package var code: String
  /// What is wrong and what is expected.
  package var message: String
  /// Where.
  package var place: JSONPlace
  /// The key path, such as `backends[0].url`; empty at the top.
  package var path: String

  /// Why and where.
  package init(code: String, message: String, place: JSONPlace, path: String) {
    self.code = code
    self.message = message
    self.place = place
    self.path = path
  }

  /// `FILE:LINE:COLUMN: PATH: MESSAGE`.
  package func description(file: String) -> String {
    "\(file):\(place.line):\(place.column): \(path.isEmpty ? "" : path + ": ")\(message)"
  }
}
