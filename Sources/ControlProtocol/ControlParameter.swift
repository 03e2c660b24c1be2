// What a method of the control socket takes: each parameter has a type and a bound, so that every record it becomes part of has one.

internal import JSON
internal import Readings

/// One parameter of a method.
package struct ControlParameter: Sendable {
  /// Its type, and what is accepted of it.
  package enum Kind: Sendable, Hashable {
    /// Text of at most so many characters (Unicode scalars) without control characters.
    case text(upTo: Int, mayBeEmpty: Bool = false)
    /// The text of a file, with its line ends: at most what a line of the socket holds.
    case document
    /// A name by the rule of `Reference`.
    case name
    /// The reference of a patient whose readings or devices are to be theirs, by the rule of `PatientReference`.
    case patient
    /// A whole number of a range.
    case number(ClosedRange<Int>)
    /// True or false.
    case flag
    /// One of some words.
    case choice([String])
    /// A list of some words.
    case choices([String])
    /// A list of at most so many texts, each of at most so many characters.
    case list(most: Int, upTo: Int)
    /// So many octets as hexadecimal digits.
    case hexadecimal(octets: Int)
  }

  /// The longest name of a thing that is only looked up, or shown to people.
  package static let longestName = 64

  package static let longestNote = 500

  /// Its name on the wire.
  package let name: String
  /// Its type and bound.
  package let kind: Kind
  /// A call without it is refused.
  package let isRequired: Bool
  /// What it is.
  package let meaning: String
  /// What to do when it is missing; nil when its meaning says enough.
  let hint: String?

  /// A parameter that may be missing.
  init(_ name: String, _ kind: Kind, _ meaning: String) {
    (self.name, self.kind, self.meaning) = (name, kind, meaning)
    (isRequired, hint) = (false, nil)
  }

  /// A parameter that must be there.
  static func required(_ name: String, _ kind: Kind, _ meaning: String, hint: String? = nil) -> ControlParameter {
    ControlParameter(name: name, kind: kind, isRequired: true, meaning: meaning, hint: hint)
  }

  private init(name: String, kind: Kind, isRequired: Bool, meaning: String, hint: String?) {
    self.name = name
    self.kind = kind
    self.isRequired = isRequired
    self.meaning = meaning
    self.hint = hint
  }

  /// Its type and bound in words.
  package var bound: String {
    switch kind {
    case .text(let most, _): "text of at most \(most) characters"
    case .document: "the text of a file"
    case .name: Reference.rule
    case .patient: "\(Reference.rule), a letter or digit among them; no national identity number"
    case .number(let range): "\(range.lowerBound) to \(range.upperBound)"
    case .flag: "true or false"
    case .choice(let words): words.joined(separator: ", ")
    case .choices(let words): "a list of \(words.joined(separator: ", "))"
    case .list(let most, let longest): "a list of at most \(most) texts of at most \(longest) characters"
    case .hexadecimal(let octets): "\(octets * 2) hexadecimal digits"
    }
  }

  /// What is accepted of a value. Throws what is wrong with it and where.
  func read(_ node: JSONNode) throws(JSONError) -> ControlArguments.Value {
    switch kind {
    case .text(let most, let mayBeEmpty):
      let text = mayBeEmpty && node.content == .string("") ? "" : try node.string()
      try ControlParameter.check(text, upTo: most, node)
      return .text(text)
    case .document: return .text(try node.string())
    case .name:
      let text = try node.string()
      guard Reference.isValid(text) else { throw node.error("invalid-value", "expected \(Reference.rule)") }
      return .text(text)
    case .patient:
      let text = try node.string()
      if let fault = PatientReference.fault(in: text) { throw node.error(fault.code, fault.message) }
      return .text(text)
    case .number(let range): return .number(try node.int(in: range))
    case .flag: return .flag(try node.bool())
    case .choice(let words): return .text(try node.string(of: words))
    case .choices(let words):
      let items = try node.array()
      guard items.count <= words.count else {
        throw node.error("invalid-value", "expected at most \(words.count) words, found \(items.count)")
      }
      return .texts(try items.map { item throws(JSONError) in try item.string(of: words) })
    case .list(let most, let longest):
      let items = try node.array()
      guard items.count <= most else {
        throw node.error("invalid-value", "expected at most \(most) texts, found \(items.count)")
      }
      return .texts(
        try items.map { item throws(JSONError) in
          let text = try item.string()
          try ControlParameter.check(text, upTo: longest, item)
          return text
        })
    case .hexadecimal(let octets): return .octets(try ControlParameter.hexadecimal(node, octets))
    }
  }

  private static func check(_ text: String, upTo most: Int, _ node: JSONNode) throws(JSONError) {
    // The octets first: what is far too long is not counted.
    let count = text.utf8.count > most * 4 ? text.utf8.count : text.unicodeScalars.count
    guard count <= most else {
      throw node.error("invalid-value", "expected at most \(most) characters, found \(count)")
    }
    guard !text.unicodeScalars.contains(where: isControl) else {
      throw node.error("invalid-value", "expected text without control characters and line ends")
    }
  }

  /// Control characters of C0 and C1, line and paragraph separators, and marks that turn the direction of what is behind them.
  private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x00...0x1F, 0x7F...0x9F, 0x2028...0x202E, 0x2066...0x2069: true
    default: false
    }
  }

  private static func hexadecimal(_ node: JSONNode, _ count: Int) throws(JSONError) -> [UInt8] {
    let digits = Array(try node.string().utf8)
    let octets = stride(from: 0, to: digits.count - 1, by: 2).compactMap { index -> UInt8? in
      // `UInt8` would take a sign.
      guard let high = Character(Unicode.Scalar(digits[index])).hexDigitValue,
        let low = Character(Unicode.Scalar(digits[index + 1])).hexDigitValue
      else { return nil }
      return UInt8(high << 4 | low)
    }
    guard digits.count == count * 2, octets.count == count else {
      throw node.error("invalid-value", "expected \(count * 2) hexadecimal digits")
    }
    return octets
  }
}
