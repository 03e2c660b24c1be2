// The payload of an acknowledgement: how far a backend has answered. The highest `through` of a backend is its cursor,
// so there is no second file with positions that could contradict the records.
//
//     1  format, 1
//     1  length of the backend's name in UTF-8, then the name
//     8  through
//     4  delivered
//     4  number of refused sequences, then 8 each

public import Octets

/// A backend has answered for every reading up to a sequence number.
public struct Acknowledgement: Hashable, Sendable {
  /// The backend's name, at most 255 octets of UTF-8.
  public var backend: String
  /// Every reading up to this sequence number is answered.
  public var through: UInt64
  /// Readings that this answer accepted.
  public var delivered: UInt32
  /// Readings that this answer refused.
  public var refused: [UInt64]

  /// An acknowledgement.
  public init(backend: String, through: UInt64, delivered: UInt32, refused: [UInt64] = []) {
    self.backend = backend
    self.through = through
    self.delivered = delivered
    self.refused = refused
  }

  /// The payload; a longer name is cut at 255 octets.
  public func encode() -> [UInt8] {
    let name = Array(backend.utf8.prefix(255))
    var writer = OctetWriter(capacity: 18 + name.count + 8 * refused.count)
    writer.uint8(1)
    writer.uint8(UInt8(truncatingIfNeeded: name.count))
    writer.append(name)
    writer.uint64(through)
    writer.uint32(delivered)
    writer.uint32(UInt32(truncatingIfNeeded: refused.count))
    for sequence in refused { writer.uint64(sequence) }
    return writer.octets
  }

  /// Reads a payload.
  public init(decoding payload: [UInt8]) throws(DecodeError) {
    var reader = OctetReader(payload)
    let format = try reader.uint8("format")
    let length = Int(try reader.uint8("name length"))
    guard format == 1, let name = String(validating: try reader.take(length, "name"), as: UTF8.self) else {
      throw DecodeError(field: "backend", offset: 0, reason: .malformed("no acknowledgement of format 1"))
    }
    backend = name
    through = try reader.uint64("through")
    delivered = try reader.uint32("delivered")
    let count = try reader.uint32("refused count")
    refused = []
    for _ in 0..<count { refused.append(try reader.uint64("refused")) }
  }
}
