// Why octets from a device could not be understood: which field, at which offset, and what was wrong with it.

/// What every decoder in the lower layers throws. It is a value: nobody below the shell logs it.
package struct DecodeError: Error, Hashable, Sendable {
  /// What was wrong at the offset.
  package enum Reason: Hashable, Sendable {
    /// The field claims `needed` octets and only `available` are left.
    case truncated(needed: Int, available: Int)
    /// The field holds a value that its specification does not allow.
    case invalidValue(Int64)
    /// The computed and the transmitted check value differ.
    case checksum(computed: UInt32, found: UInt32)
    /// The octets have a form that is not this message at all.
    case malformed(String)
    /// A well-formed message of a kind that this decoder does not know.
    case unsupported(String)
  }

  /// The field's name in the specification, such as `systolic`.
  package var field: String
  /// Where the field begins, counted in octets from the start of the message.
  package var offset: Int
  /// What was wrong with it.
  package var reason: Reason

  /// Names the field, its offset and what was wrong.
  package init(field: String, offset: Int, reason: Reason) {
    self.field = field
    self.offset = offset
    self.reason = reason
  }

  /// A stable code that tests, scripts and runbooks may name: `truncated`, `invalid-value`, `checksum`, `malformed`, `unsupported`.
  package var code: String {
    switch reason {
    case .truncated: "truncated"
    case .invalidValue: "invalid-value"
    case .checksum: "checksum"
    case .malformed: "malformed"
    case .unsupported: "unsupported"
    }
  }

  /// One sentence for a person, with field and offset.
  package var message: String {
    let what =
      switch reason {
      case .truncated(let needed, let available): "needs \(needed) octets, \(available) left"
      case .invalidValue(let value): "has the value \(value), which is not allowed"
      case .checksum(let computed, let found):
        "is 0x\(String(found, radix: 16)), computed 0x\(String(computed, radix: 16))"
      case .malformed(let text), .unsupported(let text): text
      }
    return "\(field) at offset \(offset): \(what)"
  }
}
