// Writing JSON: one line, no blanks, exact numbers, only what must be escaped is.

/// Appends JSON to a run of octets. The caller opens and closes objects and arrays in the right order.
public struct JSONWriter: Sendable {
  /// What has been written.
  public private(set) var octets: [UInt8] = []
  private var needsComma = false

  /// An empty text; `capacity` is a hint.
  public init(capacity: Int = 0) { octets.reserveCapacity(capacity) }

  private mutating func separate() {
    if needsComma { octets.append(0x2C) }
    needsComma = true
  }

  /// `{`
  public mutating func beginObject() {
    separate()
    octets.append(0x7B)
    needsComma = false
  }
  /// `}`
  public mutating func endObject() {
    octets.append(0x7D)
    needsComma = true
  }
  /// `[`
  public mutating func beginArray() {
    separate()
    octets.append(0x5B)
    needsComma = false
  }
  /// `]`
  public mutating func endArray() {
    octets.append(0x5D)
    needsComma = true
  }

  /// A member's name; its value comes next.
  public mutating func key(_ name: String) {
    separate()
    quote(name)
    octets.append(0x3A)
    needsComma = false
  }

  /// A string.
  public mutating func string(_ text: String) {
    separate()
    quote(text)
  }
  /// A whole number.
  public mutating func int(_ value: some FixedWidthInteger) {
    separate()
    octets.append(contentsOf: String(value).utf8)
  }
  /// True or false.
  public mutating func bool(_ value: Bool) {
    separate()
    octets.append(contentsOf: (value ? "true" : "false").utf8)
  }
  /// Null.
  public mutating func null() {
    separate()
    octets.append(contentsOf: "null".utf8)
  }
  /// A value that is JSON already.
  public mutating func raw(_ json: some Sequence<UInt8>) {
    separate()
    octets.append(contentsOf: json)
  }
  /// Any value.
  public mutating func value(_ value: JSONValue) {
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
  public mutating func member(_ name: String, _ text: String) {
    key(name)
    string(text)
  }
  /// A member with a whole number.
  public mutating func member(_ name: String, _ value: some FixedWidthInteger) {
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
  public func encoded() -> [UInt8] {
    var writer = JSONWriter()
    writer.value(self)
    return writer.octets
  }

  /// The value on one line, as text.
  public var text: String { String(decoding: encoded(), as: UTF8.self) }
}
