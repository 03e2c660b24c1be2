// One record of the journal and its octets.
//
// Little-endian, no padding; a header of 28 octets, then the payload:
//
//      0  4  magic         D5 48 4A 52
//      4  1  version       1
//      5  1  kind          1 reading, 2 acknowledgement, 3 snapshot, 4 event, 14 erased, 15 withdrawn, others are notes
//      6  2  flags         bit 0: the sequence numbers missing before this record were given up on purpose
//                          bit 1: continues, the next sequence number is of the same group
//                          bit 2: continued, the sequence number before is of the same group
//      8  4  length        of the payload, at most 1 MiB
//     12  8  sequence      1 …, one more than the record before it
//     20  4  record check  CRC-32C of octets 0..<20 and of the payload
//     24  4  header check  CRC-32C of octets 0..<24
//     28  …  payload
//
// Every later version keeps the header: so a reader tells a newer record from a damaged one.
// A kind below 128 that a reader does not know is passed over. A kind from 128 on must not be: a reader that does not know it
// opens nothing.
// The second check makes the length trustworthy before the payload is looked at: damage in a payload costs that record
// alone, octets inside a payload never pass for records, and a search for the next record is linear in what it reads.

internal import Octets

package struct RecordKind: RawRepresentable, Hashable, Sendable {
  /// The octet in the file.
  package var rawValue: UInt8
  /// Any octet is a kind.
  package init(rawValue: UInt8) { self.rawValue = rawValue }
  package static let reading = RecordKind(rawValue: 1)
  /// A backend has taken or refused readings; payload is an `Acknowledgement`.
  package static let acknowledgement = RecordKind(rawValue: 2)
  /// All state that earlier records add up to; recovery starts at the newest one.
  package static let snapshot = RecordKind(rawValue: 3)
  /// Something to be told to backends.
  package static let event = RecordKind(rawValue: 4)
  /// Sequence numbers that never count, whatever is found under them; payload is a `Withdrawal`.
  package static let withdrawn = RecordKind(rawValue: 15)

  /// A reader that does not know it must not pass over it.
  package var isCritical: Bool { rawValue >= 128 }
  /// It means the same without the rest of its group.
  var standsAlone: Bool { self == .reading || self == .event }
}

/// What a caller asks to be written.
package struct RecordDraft: Hashable, Sendable {
  /// What it is.
  package var kind: RecordKind
  /// Its octets, at most `RecordFormat.maximumPayload`.
  package var payload: [UInt8]
  package init(kind: RecordKind, payload: [UInt8]) {
    self.kind = kind
    self.payload = payload
  }
}

/// A whole record as it was found.
package struct JournalRecord: Hashable, Sendable {
  /// Its place in the order of all records, from 1.
  package var sequence: UInt64
  /// What it is.
  package var kind: RecordKind
  /// `RecordFormat.gapIsIntended`, `continues`, `continued`.
  package var flags: UInt16
  /// Its octets.
  package var payload: [UInt8]
  package init(sequence: UInt64, kind: RecordKind, flags: UInt16 = 0, payload: [UInt8]) {
    self.sequence = sequence
    self.kind = kind
    self.flags = flags
    self.payload = payload
  }

  /// The next sequence number is of the same group.
  var continues: Bool { flags & RecordFormat.continues != 0 }
  /// The sequence number before is of the same group.
  var isContinued: Bool { flags & RecordFormat.continued != 0 }
}

/// The numbers of the format.
package enum RecordFormat {
  /// First octets of every record.
  package static let magic: [UInt8] = [0xD5, 0x48, 0x4A, 0x52]
  /// The version that is written.
  package static let version: UInt8 = 1
  /// Octets before the payload.
  package static let headerCount = 28
  /// Longest payload.
  package static let maximumPayload = 1 << 20
  /// Highest sequence number that is believed.
  package static let maximumSequence = UInt64(1) << 62
  /// The missing sequence numbers before the record were given up.
  package static let gapIsIntended: UInt16 = 1
  /// The next sequence number is of the same group.
  package static let continues: UInt16 = 2
  /// The sequence number before is of the same group.
  package static let continued: UInt16 = 4
  /// Most records of one group.
  package static let maximumGroup = 1 << 19
  /// How far a start goes on in the sequence numbers when it cannot tell which were given to a group that was cut off. More
  /// than `maximumGroup`, so that all numbers of that group are passed over.
  package static let startDistance = UInt64(1) << 20

  /// The octets of a record.
  package static func encode(_ record: JournalRecord) -> [UInt8] {
    var writer = OctetWriter(capacity: headerCount + record.payload.count)
    writer.append(magic)
    writer.uint8(version)
    writer.uint8(record.kind.rawValue)
    writer.uint16(record.flags)
    writer.uint32(UInt32(truncatingIfNeeded: record.payload.count))
    writer.uint64(record.sequence)
    var check = CRC32C()
    check.add(writer.octets)
    check.add(record.payload)
    writer.uint32(check.value)
    writer.uint32(CRC32C.checksum(writer.octets))
    writer.append(record.payload)
    return writer.octets
  }
}

/// A header whose check is right.
struct RecordHeader {
  var version: UInt8
  var kind: UInt8
  var flags: UInt16
  var length: Int
  var sequence: UInt64
  var check: UInt32

  /// nil when 28 octets at `start` are no header.
  init?(_ octets: [UInt8], at start: Int) {
    guard start >= 0, octets.count - start >= RecordFormat.headerCount, octets[start] == 0xD5,
      octets[start + 1] == 0x48, octets[start + 2] == 0x4A, octets[start + 3] == 0x52
    else { return nil }
    var crc = CRC32C()
    crc.add(octets.span.extracting(start..<start + 24))
    var reader = OctetReader(octets, from: start + 4)
    do throws(DecodeError) {
      version = try reader.uint8("version")
      kind = try reader.uint8("kind")
      flags = try reader.uint16("flags")
      length = Int(try reader.uint32("length"))
      sequence = try reader.uint64("sequence")
      check = try reader.uint32("record check")
      guard try reader.uint32("header check") == crc.value else { return nil }
    } catch { return nil }
    guard version >= 1, length <= RecordFormat.maximumPayload, sequence >= 1,
      sequence <= RecordFormat.maximumSequence
    else { return nil }
  }

  /// Whether the record that starts at `start` is whole; all its octets are there.
  func holds(_ octets: [UInt8], at start: Int) -> Bool {
    var crc = CRC32C()
    crc.add(octets.span.extracting(start..<start + 20))
    let payload = start + RecordFormat.headerCount
    crc.add(octets.span.extracting(payload..<payload + length))
    return crc.value == check
  }
}
