// The payload of an acknowledgement: how far a backend has answered. The highest `through` of a backend is its cursor,
// so there is no second file with positions that could contradict the records.
//
//     1  format: 1, or 2 when something follows the refused
//     1  length of the backend's name in UTF-8, then the name
//     8  through
//     4  delivered
//     4  number of refused sequences, then 8 each
//     4  format 2: number of sequences answered ahead of the cursor, then 8 each
//     4  format 2: the most items of a batch that the backend takes; 0: not known

package import Octets

/// A backend has answered for every reading up to a sequence number.
package struct Acknowledgement: Hashable, Sendable {
  /// The backend's name, at most 255 octets of UTF-8.
  package var backend: String
  /// Every reading up to this sequence number is answered.
  package var through: UInt64
  /// Readings that this answer accepted.
  package var delivered: UInt32
  /// Readings that this answer refused.
  package var refused: [UInt64]
  /// Answered although the cursor is before them; the cursor passes over them later.
  package var ahead: [UInt64]
  /// The most items of a batch that the backend takes, where it refused a larger one.
  package var limit: UInt32?

  package init(
    backend: String, through: UInt64, delivered: UInt32, refused: [UInt64] = [], ahead: [UInt64] = [],
    limit: UInt32? = nil
  ) {
    self.backend = backend
    self.through = through
    self.delivered = delivered
    self.refused = refused
    self.ahead = ahead
    self.limit = limit
  }

  /// The payload; a longer name is cut at 255 octets.
  package func encode() -> [UInt8] {
    let name = Array(backend.utf8.prefix(255))
    var writer = OctetWriter(capacity: 26 + name.count + 8 * (refused.count + ahead.count))
    let isPlain = ahead.isEmpty && limit == nil
    writer.uint8(isPlain ? 1 : 2)
    writer.uint8(UInt8(truncatingIfNeeded: name.count))
    writer.append(name)
    writer.uint64(through)
    writer.uint32(delivered)
    writer.uint32(UInt32(truncatingIfNeeded: refused.count))
    for sequence in refused { writer.uint64(sequence) }
    guard !isPlain else { return writer.octets }
    writer.uint32(UInt32(truncatingIfNeeded: ahead.count))
    for sequence in ahead { writer.uint64(sequence) }
    writer.uint32(limit ?? 0)
    return writer.octets
  }

  /// Reads a payload.
  package init(decoding payload: [UInt8]) throws(DecodeError) {
    var reader = OctetReader(payload)
    let format = try reader.uint8("format")
    let length = Int(try reader.uint8("name length"))
    guard format == 1 || format == 2, let name = String(validating: try reader.take(length, "name"), as: UTF8.self)
    else {
      throw DecodeError(field: "backend", offset: 0, reason: .malformed("no acknowledgement of format 1 or 2"))
    }
    backend = name
    through = try reader.uint64("through")
    delivered = try reader.uint32("delivered")
    let count = try reader.uint32("refused count")
    refused = []
    for _ in 0..<count { refused.append(try reader.uint64("refused")) }
    ahead = []
    limit = nil
    guard format == 2 else { return }
    let aheadCount = try reader.uint32("ahead count")
    for _ in 0..<aheadCount { ahead.append(try reader.uint64("ahead")) }
    let most = try reader.uint32("limit")
    limit = most == 0 ? nil : most
  }
}
