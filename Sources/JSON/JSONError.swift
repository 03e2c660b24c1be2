// Why JSON was refused, and where.

/// A place in a JSON text.
public struct JSONPlace: Sendable, Hashable {
  /// Octets before it.
  public var offset: Int
  /// From 1.
  public var line: Int
  /// From 1, in characters (Unicode scalars).
  public var column: Int

  /// A place.
  public init(offset: Int, line: Int, column: Int) {
    self.offset = offset
    self.line = line
    self.column = column
  }
}

/// Why JSON was refused.
public struct JSONError: Error, Sendable, Hashable {
  /// Stable: `syntax`, `duplicate-key`, `unknown-key`, `missing-key`, `wrong-type`, `invalid-value`, `too-deep`, `too-large`, `encoding`.
  public var code: String
  /// What is wrong and what is expected.
  public var message: String
  /// Where.
  public var place: JSONPlace
  /// The key path, such as `backends[0].url`; empty at the top.
  public var path: String

  /// Why and where.
  public init(code: String, message: String, place: JSONPlace, path: String) {
    self.code = code
    self.message = message
    self.place = place
    self.path = path
  }

  /// `FILE:LINE:COLUMN: PATH: MESSAGE`.
  public func description(file: String) -> String {
    "\(file):\(place.line):\(place.column): \(path.isEmpty ? "" : path + ": ")\(message)"
  }
}
