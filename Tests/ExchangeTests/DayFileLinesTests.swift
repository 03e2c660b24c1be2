// Which lines of a file are known again.

import Exchange
import Testing

private func key(_ number: Int) -> [UInt8] {
  DayFileLines.key(Array(#"{"id": "\#(number)", "seq": \#(number), "kind": "body-weight"}"#.utf8)[...])
}

@Suite struct DayFileLinesTests {
  @Test func anItemIsToldByItsFirstTwoMembers() {
    #expect(key(7) == Array(#"{"id": "7", "seq": 7"#.utf8))
    #expect(key(7) != key(8))
  }

  /// What an earlier process wrote comes again behind what this one wrote first.
  @Test func aLineIsKnownHoweverManyCameAfterIt() {
    var lines = DayFileLines()
    lines.note((0..<143).map(key))
    lines.note((1000..<1256).map(key))
    #expect(lines.mayHold([key(142)]) && lines.mayHold([key(5000), key(0)]) && lines.mayHold([key(1255)]))
    #expect(!lines.mayHold([key(143), key(999), key(1256)]) && !lines.mayHold([]))
  }

  @Test func theOldestGiveWay() {
    var lines = DayFileLines()
    lines.note((0..<DayFileLines.most + 2).map(key))
    #expect(!lines.mayHold([key(0), key(1)]))
    #expect(lines.mayHold([key(2)]) && lines.mayHold([key(DayFileLines.most + 1)]))
  }
}
