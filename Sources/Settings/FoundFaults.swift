// What is wrong with a file: the first of it ends the reading where the file is to come into force, and all of it is gathered where
// somebody only wants to know.

internal import JSON

/// Faults that were found while a file is read.
struct FoundFaults: Sendable {
  /// The most that are gathered: nobody mends more at once.
  private static let most = 64

  private let stopsAtFirst: Bool
  private(set) var list: [JSONError] = []

  init(stopsAtFirst: Bool) { self.stopsAtFirst = stopsAtFirst }

  /// A fault was found. Throws it where the first one ends the reading.
  mutating func take(_ fault: JSONError) throws(JSONError) {
    if stopsAtFirst { throw fault }
    add(fault)
  }

  mutating func add(_ fault: JSONError) {
    if list.count < FoundFaults.most, !list.contains(fault) { list.append(fault) }
  }
}
