// A JSON value that remembers where it stood, so that a configuration's error names line, column and key path.

/// A value with its place and path.
package struct JSONNode: Sendable, Hashable {
  /// What stands there.
  package enum Content: Sendable, Hashable {
    case null
    case bool(Bool)
    case number(JSONNumber)
    case string(String)
    case array([JSONNode])
    case object([Member])
  }

  /// One member of an object.
  package struct Member: Sendable, Hashable {
    /// The name.
    package var key: String
    /// Where the name stands.
    package var place: JSONPlace
    package var value: JSONNode
  }

  /// What stands there.
  package var content: Content
  /// Where it begins.
  package var place: JSONPlace
  let way: JSONPath

  /// Its key path, such as `backends[0].url`; empty at the top.
  package var path: String { way.text }

  /// The value without places.
  package var value: JSONValue {
    switch content {
    case .null: return .null
    case .bool(let value): return .bool(value)
    case .number(let number): return .number(number)
    case .string(let text): return .string(text)
    case .array(let nodes): return .array(nodes.map(\.value))
    case .object(let members):
      var object = JSONObject()
      for member in members { object.append(member.key, member.value.value) }
      return .object(object)
    }
  }

  /// An error at this place.
  package func error(_ code: String, _ message: String) -> JSONError {
    JSONError(code: code, message: message, place: place, path: path)
  }

  private func expected(_ what: String) -> JSONError {
    let found =
      switch content {
      case .null: "null"
      case .bool: "true or false"
      case .number: "a number"
      case .string: "a string"
      case .array: "an array"
      case .object: "an object"
      }
    return error("wrong-type", "expected \(what), found \(found)")
  }

  /// A string that is not empty.
  package func string() throws(JSONError) -> String {
    guard case .string(let text) = content else { throw expected("a string") }
    guard !text.isEmpty else { throw error("invalid-value", "expected a string that is not empty") }
    return text
  }

  /// One of the given strings.
  package func string(of choices: [String]) throws(JSONError) -> String {
    let text = try string()
    guard choices.contains(text) else {
      throw error(
        "invalid-value",
        "expected one of \(choices.joined(separator: ", ")), found \"\(text)\"\(Suggestion.text(for: text, among: choices))"
      )
    }
    return text
  }

  /// A whole number of a range.
  package func int(in range: ClosedRange<Int>) throws(JSONError) -> Int {
    guard case .number(let number) = content else { throw expected("a whole number") }
    guard let value = number.int, range.contains(value) else {
      throw error(
        "invalid-value", "expected a whole number from \(range.lowerBound) to \(range.upperBound), found \(number.text)"
      )
    }
    return value
  }

  /// True or false.
  package func bool() throws(JSONError) -> Bool {
    guard case .bool(let value) = content else { throw expected("true or false") }
    return value
  }

  /// The elements of an array.
  package func array() throws(JSONError) -> [JSONNode] {
    guard case .array(let nodes) = content else { throw expected("an array") }
    return nodes
  }

  /// The members of an object whose names must all be known.
  package func object(known: [String]) throws(JSONError) -> JSONMembers {
    let members = try objectOfAnyKeys()
    for member in members where !known.contains(member.key) {
      throw JSONError(
        code: "unknown-key",
        message:
          "unknown key \"\(member.key)\"\(Suggestion.text(for: member.key, among: known)); known here: \(known.joined(separator: ", "))",
        place: member.place, path: path.isEmpty ? member.key : "\(path).\(member.key)")
    }
    return JSONMembers(node: self, members: members)
  }

  /// The members of an object with names of the user's own.
  package func objectOfAnyKeys() throws(JSONError) -> [Member] {
    guard case .object(let members) = content else { throw expected("an object") }
    return members
  }
}

/// The members of an object by name.
package struct JSONMembers: Sendable {
  /// The object.
  package let node: JSONNode
  let members: [JSONNode.Member]

  /// The members of an object, whatever their names: for what several readers share. Throws for anything else.
  package init(_ node: JSONNode) throws(JSONError) {
    self.init(node: node, members: try node.objectOfAnyKeys())
  }

  init(node: JSONNode, members: [JSONNode.Member]) {
    self.node = node
    self.members = members
  }

  /// A member that may be missing; `null` counts as missing.
  package subscript(key: String) -> JSONNode? {
    guard let value = members.first(where: { $0.key == key })?.value, value.content != .null else { return nil }
    return value
  }

  /// A member that must be there.
  package func required(_ key: String, _ expectation: String) throws(JSONError) -> JSONNode {
    guard let value = self[key] else {
      throw node.error("missing-key", "missing key \"\(key)\": expected \(expectation)")
    }
    return value
  }
}

/// The nearest known word to a mistyped one.
package enum Suggestion {
  /// ` (did you mean "url"?)`, or nothing when no word is near.
  package static func text(for word: String, among known: [String]) -> String {
    guard let best = nearest(to: word, among: known) else { return "" }
    return " (did you mean \"\(best)\"?)"
  }

  /// The known word that takes the fewest changes, at most a third of its letters.
  package static func nearest(to word: String, among known: [String]) -> String? {
    let scored = known.map { ($0, distance(Array(word.utf8.prefix(64)), Array($0.utf8.prefix(64)))) }
    guard let best = scored.min(by: { $0.1 < $1.1 }), best.1 <= max(1, best.0.utf8.count / 3) else { return nil }
    return best.0
  }

  /// One letter more, less or another, or two neighbours the wrong way round; also where letters are small in one and capital in the
  /// other, or where that is all.
  package static func isOneSlip(_ left: String, _ right: String) -> Bool {
    guard left != right else { return false }
    let (a, b) = (Array(left.lowercased().utf8.prefix(65)), Array(right.lowercased().utf8.prefix(65)))
    guard a != b else { return true }
    guard abs(a.count - b.count) <= 1 else { return false }
    let front = zip(a, b).prefix { $0 == $1 }.count
    let back = zip(a.reversed(), b.reversed()).prefix { $0 == $1 }.count
    // What is left between the equal beginning and the equal end.
    let (restA, restB) = (a.dropFirst(front).dropLast(back), b.dropFirst(front).dropLast(back))
    if front + back >= min(a.count, b.count) { return true }
    if restA.count == 1, restB.count == 1 { return true }
    return restA.count == 2 && restB.count == 2 && Array(restA) == Array(restB).reversed()
  }

  /// One slip, and hardly meant so. Short names and names that are counted are often one letter apart on purpose: neither two of
  /// which the longer one has fewer than six characters nor `home-1` and `home-2`, equal up to a last number of at most three digits,
  /// are a slip; where capitals are the only difference they are one at any length.
  package static func isLikelySlip(_ left: String, _ right: String) -> Bool {
    guard isOneSlip(left, right) else { return false }
    let (a, b) = (left.lowercased(), right.lowercased())
    guard a != b else { return true }
    guard max(a.utf8.count, b.utf8.count) >= 6 else { return false }
    func number(_ text: String) -> Int { text.utf8.reversed().prefix { (0x30...0x39).contains($0) }.count }
    let (ofA, ofB) = (number(a), number(b))
    let areCounted = (1...3).contains(ofA) && (1...3).contains(ofB) && a.dropLast(ofA) == b.dropLast(ofB)
    return !areCounted
  }

  private static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
    // The same letters in another order are one slip of the fingers.
    if left != right, left.sorted() == right.sorted() { return 1 }
    var row = Array(0...right.count)
    for (i, a) in left.enumerated() {
      var diagonal = row[0]
      row[0] = i + 1
      for (j, b) in right.enumerated() {
        let substituted = diagonal + (a == b ? 0 : 1)
        diagonal = row[j + 1]
        row[j + 1] = min(substituted, row[j] + 1, row[j + 1] + 1)
      }
    }
    return row[right.count]
  }
}
