// Writing JSON: one line, no blanks, exact numbers, only what must be escaped is.

/// Appends JSON to a run of octets. The caller opens and closes objects and arrays in the right order.
package struct JSONWriter: Sendable {
  /// What has been written.
  package private(set) var octets: [UInt8] = []
  private var needsComma = false

  /// An empty text; `capacity` is a hint.
  package init(capacity: Int = 0) { octets.reserveCapacity(capacity) }

  private mutating func separate() {
    if needsComma { octets.append(0x2C) }
    needsComma = true
  }

  /// `{`
  package mutating func beginObject() {
    separate()
    octets.append(0x7B)
    needsComma = false
  }
  /// `}`
  package mutating func endObject() {
    octets.append(0x7D)
    needsComma = true
  }
  /// `[`
  package mutating func beginArray() {
    separate()
    octets.append(0x5B)
    needsComma = false
  }
  /// `]`
  package mutating func endArray() {
    octets.append(0x5D)
    needsComma = true
  }

  /// A member's name; its value comes next.
  package mutating func key(_ name: String) {
    separate()
    quote(name)
    octets.append(0x3A)
    needsComma = false
  }

  /// A string.
  package mutating func string(_ text: String) {
    separate()
    quote(text)
  }
  /// A whole number.
  package mutating func int(_ value: some FixedWidthInteger) {
    separate()
    octets.append(contentsOf: String(value).utf8)
  }
  /// True or false.
  package mutating func bool(_ value: Bool) {
    separate()
    octets.append(contentsOf: (value ? "true" : "false").utf8)
  }
  /// Null.
  package mutating func null() {
    separate()
    octets.append(contentsOf: "null".utf8)
  }
  /// A value that is JSON already.
  package mutating func raw(_ json: some Sequence<UInt8>) {
    separate()
    octets.append(contentsOf: json)
  }
  /// Any value.
  package mutating func value(_ value: JSONValue) {
    switch value {
    case .null: null()
    case .bool(let value): bool(value)
    case .number(let number):
      separate()
      octets.append(contentsOf: number.text.utf8)
    case .string(let text): string(text)
    case .array(let elements):
      beginArray()
      for element in elements { self.value(element) }
      endArray()
    case .object(let object):
      beginObject()
      for member in object.members {
        key(member.key)
        self.value(member.value)
      }
      endObject()
    }
  }

  /// A member with a string.
  package mutating func member(_ name: String, _ text: String) {
    key(name)
    string(text)
  }
  /// A member with a whole number.
  package mutating func member(_ name: String, _ value: some FixedWidthInteger) {
    key(name)
    int(value)
  }

  private mutating func quote(_ text: String) {
    octets.append(0x22)
    for octet in text.utf8 {
      switch octet {
      case 0x22, 0x5C:
        octets.append(0x5C)
        octets.append(octet)
      case 0x0A: octets.append(contentsOf: [0x5C, 0x6E])
      case 0x0D: octets.append(contentsOf: [0x5C, 0x72])
      case 0x09: octets.append(contentsOf: [0x5C, 0x74])
      case 0x00...0x1F, 0x7F:
        octets.append(contentsOf: "\\u00".utf8)
        let digits = String(octet, radix: 16)
        if octet < 16 { octets.append(0x30) }
        octets.append(contentsOf: digits.utf8)
      default: octets.append(octet)
      }
    }
    octets.append(0x22)
  }
}

extension JSONValue {
  /// The value on one line.
  package func encoded() -> [UInt8] {
    var writer = JSONWriter()
    writer.value(self)
    return writer.octets
  }

  /// The value on one line, as text.
  package var text: String { String(decoding: encoded(), as: UTF8.self) }
}
