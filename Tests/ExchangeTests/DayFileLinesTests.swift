// Which lines of a file are known again.

import Exchange
import Testing

private func json(_ number: Int) -> [UInt8] {
  Array(#"{"id": "\#(number)", "seq": \#(number), "kind": "body-weight"}"#.utf8)
}

private func short(_ number: Int) -> UInt64 { DayFileLines.number(json(number).span) }

extension DayFileLines {
  fileprivate mutating func note(_ items: Range<Int>) { for item in items { note(short(item)) } }

  fileprivate func mayHold(_ items: Int...) -> Bool { mayHold(items.map(short)) }
}

@Suite struct DayFileLinesTests {
  @Test func anItemIsToldByItsFirstTwoMembers() {
    let key = DayFileLines.key(json(7)[...])
    #expect(key == Array(#"{"id": "7", "seq": 7"#.utf8))
    #expect(DayFileLines.number(json(7).span) == DayFileLines.number(key.span))
    #expect(short(7) != short(8))
    // A line that is none has a key, too.
    #expect(DayFileLines.key([]) == [] && DayFileLines.key([0x2C, 0x2C]) == [0x2C])
    #expect(DayFileLines.key([UInt8](repeating: 0x20, count: 200)[...]).count == 128)
  }

  /// What an earlier process wrote comes again behind what this one wrote first.
  @Test func aLineIsKnownHoweverManyCameAfterIt() {
    var lines = DayFileLines()
    lines.note(0..<143)
    lines.note(1000..<1256)
    #expect(lines.mayHold(142) && lines.mayHold(5000, 0) && lines.mayHold(1255))
    #expect(!lines.mayHold(143, 999, 1256) && !lines.mayHold([]))
  }

  @Test func theOldestGiveWay() {
    var lines = DayFileLines()
    lines.note(0..<DayFileLines.most + 2)
    #expect(!lines.mayHold(0, 1))
    #expect(lines.mayHold(2) && lines.mayHold(DayFileLines.most + 1))
  }

  /// Many that would stand in one place of the table, some of them noted twice; each goes in its turn and takes no other with it.
  @Test func numbersThatShareAPlaceAreToldApart() {
    var lines = DayFileLines()
    var written: [UInt64] = []
    for round in 0..<UInt64(3) {
      for index in 0..<UInt64(40_000) {
        // Four numbers for each place of the largest table; the first ones go round its end.
        let number = (index / 4 * 10 + 131_060) % 131_072 | (index % 4) << 50 | round << 60
        for _ in 0...(index % 5 == 0 ? 1 : 0) { lines.note(number) }
        written.append(number)
      }
    }
    let kept = Set(written.suffix(DayFileLines.most))
    #expect(kept.allSatisfy { lines.mayHold([$0]) })
    #expect(!Set(written).subtracting(kept).contains { lines.mayHold([$0]) })
  }
}
