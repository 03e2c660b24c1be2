// JSON as a value (RFC 8259): objects keep their order, numbers keep their digits.

/// A JSON value.
package enum JSONValue: Sendable, Hashable {
  case null
  case bool(Bool)
  case number(JSONNumber)
  case string(String)
  case array([JSONValue])
  case object(JSONObject)

  /// The text of a string; nil for every other kind.
  package var string: String? {
    if case .string(let text) = self { return text }
    return nil
  }
  /// The number as a whole number, when it is one and fits.
  package var int: Int? {
    if case .number(let number) = self { return number.int }
    return nil
  }
  /// True or false; nil for every other kind.
  package var bool: Bool? {
    if case .bool(let value) = self { return value }
    return nil
  }
  /// The members of an object; nil for every other kind.
  package var object: JSONObject? {
    if case .object(let object) = self { return object }
    return nil
  }
  /// The elements of an array; nil for every other kind.
  package var array: [JSONValue]? {
    if case .array(let elements) = self { return elements }
    return nil
  }
  /// True for `null`.
  package var isNull: Bool { self == .null }

  /// A member of an object; nil when there is none or this is no object.
  package subscript(key: String) -> JSONValue? { object?[key] }

  /// A whole number.
  package static func int(_ value: some FixedWidthInteger) -> JSONValue { .number(JSONNumber(value)) }
}

/// A number as it stands in the text: no digit is ever lost to binary floating point.
package struct JSONNumber: Sendable, Hashable {
  /// The number's text, valid by the grammar of RFC 8259.
  package let text: String

  /// A whole number.
  package init(_ value: some FixedWidthInteger) { text = String(value) }

  /// A number's text; nil when it is not one by the grammar of RFC 8259.
  package init?(text: String) {
    var octets = Array(text.utf8)[...]
    guard JSONNumber.scan(&octets), octets.isEmpty else { return nil }
    self.text = text
  }

  init(validated text: String) { self.text = text }

  /// The number as a whole number, when it has neither point nor exponent and fits.
  package var int: Int? { Int(text) }
  /// The number as a 64-bit whole number, when it has neither point nor exponent and fits.
  package var int64: Int64? { Int64(text) }
  /// The number as an unsigned 64-bit whole number, when it has neither point nor exponent and fits.
  package var uint64: UInt64? { UInt64(text) }

  /// Drops a number from the front of `octets`; false when there is none.
  static func scan(_ octets: inout ArraySlice<UInt8>) -> Bool {
    func digits() -> Int {
      let count = octets.prefix { $0 >= 0x30 && $0 <= 0x39 }.count
      octets = octets.dropFirst(count)
      return count
    }
    if octets.first == 0x2D { octets = octets.dropFirst() }
    if octets.first == 0x30 {
      octets = octets.dropFirst()
    } else if digits() == 0 {
      return false
    }
    if octets.first == 0x2E {
      octets = octets.dropFirst()
      if digits() == 0 { return false }
    }
    if octets.first == 0x65 || octets.first == 0x45 {
      octets = octets.dropFirst()
      if octets.first == 0x2B || octets.first == 0x2D { octets = octets.dropFirst() }
      if digits() == 0 { return false }
    }
    return true
  }
}

/// An object: members in their order, each name once.
package struct JSONObject: Sendable, Hashable {
  package struct Member: Sendable, Hashable {
    /// The name.
    package var key: String
    package var value: JSONValue
  }

  /// The members in their order.
  package private(set) var members: [Member] = []
  /// Where each name stands, kept from the size on where looking through them all takes longer; empty below it.
  private var indices: [String: Int] = [:]
  private static let indexedFrom = 16

  /// An object without members.
  package init() {}

  /// The value of a name; setting nil removes the member, setting a new name appends it.
  package subscript(key: String) -> JSONValue? {
    get { index(of: key).map { members[$0].value } }
    set {
      if let index = index(of: key) {
        if let newValue {
          members[index].value = newValue
        } else {
          members.remove(at: index)
          indexAll()
        }
      } else if let newValue {
        append(key, newValue)
      }
    }
  }

  private func index(of key: String) -> Int? {
    indices.isEmpty ? members.firstIndex { $0.key == key } : indices[key]
  }

  private mutating func indexAll() {
    indices.removeAll()
    guard members.count >= JSONObject.indexedFrom else { return }
    for (index, member) in members.enumerated() { indices[member.key] = index }
  }

  /// The names in their order.
  package var keys: [String] { members.map(\.key) }
  /// How many members.
  package var count: Int { members.count }
  /// True without members.
  package var isEmpty: Bool { members.isEmpty }

  /// Appends a member whose name is known to be new.
  mutating func append(_ key: String, _ value: JSONValue) {
    members.append(Member(key: key, value: value))
    if indices.isEmpty { indexAll() } else { indices[key] = members.count - 1 }
  }

  /// Equal when the members and their order are.
  package static func == (left: JSONObject, right: JSONObject) -> Bool { left.members == right.members }
  /// Of the members in their order.
  package func hash(into hasher: inout Hasher) { hasher.combine(members) }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral,
  ExpressibleByNilLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
  package init(stringLiteral value: String) { self = .string(value) }
  /// A whole number.
  package init(integerLiteral value: Int64) { self = .number(JSONNumber(value)) }
  /// True or false.
  package init(booleanLiteral value: Bool) { self = .bool(value) }
  package init(nilLiteral: ()) { self = .null }
  package init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
  /// An object; the last of two members of the same name counts.
  package init(dictionaryLiteral elements: (String, JSONValue)...) {
    var object = JSONObject()
    for (key, value) in elements { object[key] = value }
    self = .object(object)
  }
}
