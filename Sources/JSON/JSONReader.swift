// A strict JSON reader (RFC 8259): UTF-8 alone, no duplicate names, bounded in depth and size. For configuration it also takes
// comments and trailing commas, nothing else.

/// Reads JSON texts.
package struct JSONReader: Sendable {
  /// What is allowed beyond RFC 8259.
  package enum Dialect: Sendable {
    case strict
    /// `//` and `/* */` comments, and a comma after the last element or member.
    case configuration
  }

  /// The deepest nesting.
  package var maximumDepth: Int
  /// The longest text in octets.
  package var maximumSize: Int
  /// What is allowed beyond RFC 8259.
  package var dialect: Dialect

  /// A reader with its limits.
  package init(dialect: Dialect = .strict, maximumDepth: Int = 64, maximumSize: Int = 65_536) {
    self.dialect = dialect
    self.maximumDepth = max(1, min(maximumDepth, 512))
    self.maximumSize = maximumSize
  }

  /// The value of a text.
  package func value(_ text: [UInt8]) throws(JSONError) -> JSONValue { try node(text).value }

  /// The value of a text with its places.
  package func node(_ text: [UInt8]) throws(JSONError) -> JSONNode {
    guard text.count <= maximumSize else {
      throw JSONError(
        code: "too-large", message: "\(text.count) octets, at most \(maximumSize) are taken",
        place: JSONPlace(offset: 0, line: 1, column: 1), path: "")
    }
    var parser = Parser(text: text, dialect: dialect, maximumDepth: maximumDepth)
    return try parser.document()
  }
}

private struct Parser {
  let text: [UInt8]
  let dialect: JSONReader.Dialect
  let maximumDepth: Int
  var offset = 0
  /// The way to the value that is being read.
  var path = JSONPath.top
  // Places are counted on from the last one asked for: every text is walked once.
  var counted = JSONPlace(offset: 0, line: 1, column: 1)

  init(text: [UInt8], dialect: JSONReader.Dialect, maximumDepth: Int) {
    self.text = text
    self.dialect = dialect
    self.maximumDepth = maximumDepth
  }

  var current: UInt8? { offset < text.count ? text[offset] : nil }

  mutating func place(_ at: Int) -> JSONPlace {
    var place = at >= counted.offset ? counted : JSONPlace(offset: 0, line: 1, column: 1)
    while place.offset < at, place.offset < text.count {
      let octet = text[place.offset]
      if octet == 0x0A {
        place.line += 1
        place.column = 1
      } else if octet & 0xC0 != 0x80 {
        place.column += 1
      }
      place.offset += 1
    }
    counted = place
    return place
  }

  mutating func error(_ code: String, _ message: String, at: Int? = nil) -> JSONError {
    JSONError(code: code, message: message, place: place(at ?? offset), path: path.text)
  }

  mutating func document() throws(JSONError) -> JSONNode {
    if text.starts(with: [0xEF, 0xBB, 0xBF]) { throw error("encoding", "a byte order mark is not allowed") }
    try skipBlanks()
    let node = try value(depth: 1)
    try skipBlanks()
    if offset < text.count { throw error("syntax", "expected the end, found \(found())") }
    return node
  }

  func found() -> String {
    guard let current else { return "the end" }
    if current == 0x22 { return "a quotation mark" }
    if current >= 0x21, current < 0x7F { return "\"\(Character(Unicode.Scalar(current)))\"" }
    return "octet 0x\(String(current, radix: 16))"
  }

  mutating func skipBlanks() throws(JSONError) {
    while let octet = current {
      switch octet {
      case 0x20, 0x09, 0x0A, 0x0D: offset += 1
      case 0x2F where dialect == .configuration: try skipComment()
      default: return
      }
    }
  }

  mutating func skipComment() throws(JSONError) {
    let start = offset
    let next = offset + 1 < text.count ? text[offset + 1] : 0
    if next == 0x2F {
      while let octet = current, octet != 0x0A {
        _ = octet
        offset += 1
      }
    } else if next == 0x2A {
      offset += 2
      while offset + 1 < text.count, !(text[offset] == 0x2A && text[offset + 1] == 0x2F) { offset += 1 }
      guard offset + 1 < text.count else { throw error("syntax", "a comment is not closed", at: start) }
      offset += 2
    } else {
      throw error("syntax", "expected // or /*, found \(found())")
    }
    _ = try utf8(text[start..<offset], at: start, "a comment")
  }

  mutating func value(depth: Int) throws(JSONError) -> JSONNode {
    guard depth <= maximumDepth else { throw error("too-deep", "nested deeper than \(maximumDepth)") }
    let start = place(offset)
    let way = path
    let content: JSONNode.Content
    switch current {
    case 0x7B: content = .object(try object(depth: depth))
    case 0x5B: content = .array(try array(depth: depth))
    case 0x22: content = .string(try string())
    case .some(0x2D), .some(0x30...0x39): content = .number(try number())
    case 0x74:
      try literal("true")
      content = .bool(true)
    case 0x66:
      try literal("false")
      content = .bool(false)
    case 0x6E:
      try literal("null")
      content = .null
    default: throw error("syntax", "expected a value, found \(found())")
    }
    return JSONNode(content: content, place: start, way: way)
  }

  mutating func literal(_ word: StaticString) throws(JSONError) {
    let start = offset
    for octet in word.description.utf8 {
      guard current == octet else { throw error("syntax", "expected \(word)", at: start) }
      offset += 1
    }
  }

  mutating func number() throws(JSONError) -> JSONNumber {
    var rest = text[offset...]
    let start = offset
    guard JSONNumber.scan(&rest) else { throw error("syntax", "not a number by the grammar of JSON") }
    offset = rest.startIndex
    if let next = current, next == 0x2E || (next >= 0x30 && next <= 0x39) || next | 0x20 == 0x65 || next == 0x2B {
      throw error("syntax", "not a number by the grammar of JSON", at: start)
    }
    return JSONNumber(validated: String(decoding: text[start..<offset], as: UTF8.self))
  }

  mutating func array(depth: Int) throws(JSONError) -> [JSONNode] {
    var nodes: [JSONNode] = []
    let outer = path
    let container = JSONPath.Container.path(outer)
    offset += 1
    try skipBlanks()
    while current != 0x5D {
      path = JSONPath(step: .index(nodes.count), container: container)
      nodes.append(try value(depth: depth + 1))
      path = outer
      if try separator(closing: 0x5D) { break }
    }
    offset += 1
    return nodes
  }

  mutating func object(depth: Int) throws(JSONError) -> [JSONNode.Member] {
    var members: [JSONNode.Member] = []
    var names: Set<String> = []
    let outer = path
    let container = JSONPath.Container.path(outer)
    offset += 1
    try skipBlanks()
    while current != 0x7D {
      guard current == 0x22 else { throw error("syntax", "expected a name in double quotes, found \(found())") }
      let keyPlace = place(offset)
      let keyOffset = offset
      let key = try string()
      path = JSONPath(step: .key(key), container: container)
      guard names.insert(key).inserted else {
        throw error("duplicate-key", "the key \"\(key)\" stands here twice", at: keyOffset)
      }
      try skipBlanks()
      guard current == 0x3A else { throw error("syntax", "expected a colon, found \(found())") }
      offset += 1
      try skipBlanks()
      members.append(.init(key: key, place: keyPlace, value: try value(depth: depth + 1)))
      path = outer
      if try separator(closing: 0x7D) { break }
    }
    offset += 1
    return members
  }

  /// After an element: true at the closing bracket, which is left to be read.
  mutating func separator(closing: UInt8) throws(JSONError) -> Bool {
    try skipBlanks()
    if current == closing { return true }
    guard current == 0x2C else {
      let end = closing == 0x7D ? "closing brace" : "closing bracket"
      throw error("syntax", "expected a comma or a \(end), found \(found())")
    }
    let comma = offset
    offset += 1
    try skipBlanks()
    if current == closing {
      guard dialect == .configuration else { throw error("syntax", "a comma before the end", at: comma) }
      return true
    }
    return false
  }

  mutating func string() throws(JSONError) -> String {
    let start = offset
    offset += 1
    let first = offset
    while let octet = current, octet != 0x22, octet != 0x5C, octet >= 0x20 { offset += 1 }
    if current == 0x22 {
      defer { offset += 1 }
      return try utf8(text[first..<offset], at: first)
    }
    var octets = Array(text[first..<offset])
    while let octet = current {
      switch octet {
      case 0x22:
        offset += 1
        return try utf8(octets[...], at: first)
      case 0x5C: try escape(into: &octets)
      case 0x00...0x1F: throw error("syntax", "a control character in a string must be escaped")
      default:
        octets.append(octet)
        offset += 1
      }
    }
    throw error("syntax", "a string is not closed", at: start)
  }

  mutating func utf8(_ octets: ArraySlice<UInt8>, at: Int, _ what: String = "a string") throws(JSONError) -> String {
    guard let text = String(validating: octets, as: UTF8.self) else {
      throw error("encoding", "\(what) is not valid UTF-8", at: at)
    }
    return text
  }

  mutating func escape(into octets: inout [UInt8]) throws(JSONError) {
    let start = offset
    offset += 1
    guard let kind = current else { throw error("syntax", "a string is not closed", at: start) }
    offset += 1
    switch kind {
    case 0x22, 0x5C, 0x2F: octets.append(kind)
    case 0x62: octets.append(0x08)
    case 0x66: octets.append(0x0C)
    case 0x6E: octets.append(0x0A)
    case 0x72: octets.append(0x0D)
    case 0x74: octets.append(0x09)
    case 0x75:
      var code = try hexadecimal(start)
      if code >= 0xD800, code < 0xDC00 {
        guard current == 0x5C, offset + 1 < text.count, text[offset + 1] == 0x75 else {
          throw error("encoding", "half of a surrogate pair", at: start)
        }
        offset += 2
        let low = try hexadecimal(start)
        guard low >= 0xDC00, low < 0xE000 else { throw error("encoding", "half of a surrogate pair", at: start) }
        code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
      }
      guard let scalar = Unicode.Scalar(code) else { throw error("encoding", "half of a surrogate pair", at: start) }
      octets.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
    default: throw error("syntax", "an unknown escape", at: start)
    }
  }

  mutating func hexadecimal(_ start: Int) throws(JSONError) -> UInt32 {
    var code: UInt32 = 0
    for _ in 0..<4 {
      switch current {
      case .some(let digit) where digit >= 0x30 && digit <= 0x39: code = code << 4 | UInt32(digit - 0x30)
      case .some(let digit) where digit | 0x20 >= 0x61 && digit | 0x20 <= 0x66:
        code = code << 4 | UInt32((digit | 0x20) - 0x61 + 10)
      default: throw error("syntax", "\\u needs four hexadecimal digits", at: start)
      }
      offset += 1
    }
    return code
  }
}
