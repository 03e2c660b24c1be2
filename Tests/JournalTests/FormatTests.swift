// The octets of records never change: golden files in hexadecimal.

import Journal
import Octets
import Testing

@Suite struct FormatTests {
  @Test(arguments: [RecordKind.reading, .acknowledgement, .snapshot, RecordKind(rawValue: 9)])
  func aRecordHasTheseOctets(_ kind: RecordKind) {
    let octets = RecordFormat.encode(
      JournalRecord(sequence: 0x0102_0304, kind: kind, flags: 1, payload: [0xAA, 0xBB]))
    let head = "d5484a5201" + Hex.encode([kind.rawValue]) + "0100" + "02000000" + "0403020100000000"
    #expect(Hex.encode(octets.prefix(20)) == head)
    #expect(Hex.encode(octets.suffix(2)) == "aabb")
    #expect(octets.count == 30)
  }

  @Test func aReadingOfVersion1IsThisFile() throws {
    let octets = RecordFormat.encode(JournalRecord(sequence: 1, kind: .reading, payload: Array("abc".utf8)))
    #expect(Hex.encode(octets) == "d5484a52010100000300000001000000000000008f06b42c2c89eb06616263")
  }

  @Test func anAcknowledgementHasTheseOctets() throws {
    let answer = Acknowledgement(backend: "gp", through: 7, delivered: 3, refused: [5])
    #expect(Hex.encode(answer.encode()) == "010267700700000000000000" + "03000000" + "01000000" + "0500000000000000")
    #expect(try Acknowledgement(decoding: answer.encode()) == answer)
    for length in 0..<answer.encode().count {
      #expect(throws: DecodeError.self) { try Acknowledgement(decoding: Array(answer.encode().prefix(length))) }
    }
  }
  @Test func anAcknowledgementAheadOfTheCursorHasTheseOctets() throws {
    var answer = Acknowledgement(backend: "gp", through: 0, delivered: 2, ahead: [8, 9], limit: 16)
    let tail = "0200000008000000000000000900000000000000" + "10000000"
    #expect(Hex.encode(answer.encode()) == "020267700000000000000000" + "02000000" + "00000000" + tail)
    #expect(try Acknowledgement(decoding: answer.encode()) == answer)
    for length in 0..<answer.encode().count {
      #expect(throws: DecodeError.self) { try Acknowledgement(decoding: Array(answer.encode().prefix(length))) }
    }
    answer.limit = nil
    #expect(try Acknowledgement(decoding: answer.encode()) == answer)
  }
}
