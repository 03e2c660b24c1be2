// The files of a directory backend: which names are its own, which days are over for long enough, whose lines go.

import Exchange
import Testing

private let day: Int64 = 86_400_000

@Suite struct DayFileTests {
  @Test func onlyItsOwnNamesAreItsFiles() throws {
    let file = try #require(DayFile("2026-11-21.ndjson"))
    #expect(file.part == .lines && file.name == "2026-11-21.ndjson" && file.end == 1_795_305_600_000)
    #expect(DayFile("2026-11-21.ndjson.new")?.part == .draft)
    #expect(DayFile("2026-11-21.ndjson.erased")?.part == .old)
    #expect(DayFile(file.draft)?.name == file.name && DayFile(file.old)?.name == file.name)
    let others = [
      "", "notes", "2026-11-21", "2026-11-21.json", "2026-11-31.ndjson", "2026-11-21.ndjson.gz", "2026-11-21.ndjson~",
      "x2026-11-21.ndjson", "2026/11/21.ndjson", "+026-11-21.ndjson", "0000-01-01.ndjson", ".2026-11-21.ndjson",
    ]
    for name in others { #expect(DayFile(name) == nil, "\(name)") }
    #expect(DayFile.lines(of: 0) == "1970-01-01.ndjson")
  }

  @Test func daysGoWhenTheyWereKeptLongEnough() {
    let names = [
      "2026-11-21.ndjson", "2026-11-19.ndjson", "2026-11-20.ndjson", "2026-01-01.csv", "2026-01-01.ndjson.new",
      "README",
    ]
    // The end of 20 November.
    let now: Int64 = 1_795_219_200_000
    func gone(_ now: Int64, keep: Int64, most: Int = 10) -> [String] {
      DayFile.outlived(names, now: now, keep: keep, most: most)
    }
    #expect(gone(now + day, keep: day) == ["2026-11-19.ndjson", "2026-11-20.ndjson"])
    #expect(gone(now + day - 1, keep: day) == ["2026-11-19.ndjson"])
    #expect(gone(now + day, keep: day, most: 1) == ["2026-11-19.ndjson"])
    // The day that is not over stays, however short the time.
    #expect(gone(now + day - 1, keep: 0) == ["2026-11-19.ndjson", "2026-11-20.ndjson"])
    #expect(gone(now, keep: 90 * day) == [])
    // A clock that was never set takes nothing.
    #expect(gone(0, keep: day) == [] && gone(.min, keep: day) == [])
    #expect(gone(now + 400 * day, keep: 90 * day, most: 10).count == 3)
  }

  /// What stays of a text, given in parts of so many octets.
  private func kept(_ text: String, parts: Int, of patient: String = "p-1") throws -> (String, Int) {
    var lines = PatientLines(patient)
    var out: [UInt8] = []
    let octets = Array(text.utf8)
    for start in stride(from: 0, to: octets.count, by: parts) {
      out += try lines.take(Array(octets[start..<min(start + parts, octets.count)]))
    }
    lines.finish()
    return (String(decoding: out, as: UTF8.self), lines.count)
  }

  @Test func aPatientsLinesGoAndNoOther() throws {
    let others = [
      #"{"id":"a","patient":"p-10"}"#, #"{"id":"b","patient":null,"note":"p-1"}"#, "", "no JSON at all",
      #"{"id":"c","patient":"xp-1"}"#, #"{"id":"d","device":{"patient":"p-1"},"patient":"p-2"}"#,
    ]
    let theirs = [#"{"id":"e","patient":"p-1"}"#, #"{"patient": "p-1", "id":"#, #"{"id":"f","patient":"p-1","x":[1]}"#]
    let text = (theirs + others + theirs).joined(separator: "\n") + "\n"
    for parts in [1, 7, 64, 4096] {
      let (left, count) = try kept(text, parts: parts)
      #expect(left == others.joined(separator: "\n") + "\n")
      #expect(count == 6)
    }
  }

  @Test func aLineThatAPowerCutLeftStaysInNoFile() throws {
    let line = #"{"id":"a","patient":"p-2"}"# + "\n"
    #expect(try kept(line + #"{"id":"b","patient":"p-1","val"#, parts: 9) == (line, 1))
    #expect(try kept(line + #"{"id":"b","pat"#, parts: 9) == (line, 0))
    #expect(try kept("", parts: 1) == ("", 0))
  }

  @Test func aLineWithoutEndIsRefused() {
    var lines = PatientLines("p-1")
    let part = [UInt8](repeating: 0x20, count: 1 << 20)
    #expect(throws: LineTooLong.self) { for _ in 0...4 { _ = try lines.take(part) } }
  }
}
