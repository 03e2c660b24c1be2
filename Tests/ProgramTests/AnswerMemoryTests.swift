// Clients that ask for much and read nothing: the daemon's memory stays bounded, and everybody else is served.

import Foundation
import Journal
import JournalFiles
import Platform
import Testing

private let configuration = """
  {"devices": [{"id": "cuff", "driver": "blood-pressure", "playback": "HOME/cuff.capture", "patient": "p-1"}]}
  """

private let cuff = """
  # transport: gatt
  # characteristic: 1810/2A35 indicate
  @ 50
  < 1810/2A35 1e80005000 5f00 ea070b14081e00 4600 01 0000
  """

@Suite(.serialized) struct AnswerMemoryTests {
  /// A home with 500 readings, 5 MB as an answer: the first was measured, the others are its like with a long name of the device.
  private func home() throws -> Home {
    let home = try Home(configuration, cuff: cuff)
    try home.start()
    let first = try home.until(["readings", "--json"]) { !$0.out.isEmpty && $0.status == 0 }.out
    #expect(home.stop() == 0)
    let id = try #require(first.firstMatch(of: /"id":"([0-9a-f-]{36})",("seq":[0-9]+,)/))
    let store = try JournalStore(stateDirectory: home.folder.appending(path: "state").path) { _ in }
    var drafts: [RecordDraft] = []
    for number in 0..<500 {
      var text = first.trimmingCharacters(in: .newlines)
      text = text.replacingOccurrences(
        of: #""device":{"#, with: #""device":{"manufacturer":"\#(String(repeating: "x", count: 10_000))","#)
      text = text.replacingOccurrences(of: id.2, with: "")
      text = text.replacingOccurrences(of: id.1, with: "\(id.1.dropLast(8))\(10_000_000 + number)")
      drafts.append(RecordDraft(kind: .reading, payload: Array(text.utf8)))
      if drafts.count == 50 {
        _ = try store.journal.append(drafts)
        drafts = []
      }
    }
    return home
  }

  /// Kibibytes that a process holds in memory.
  private func resident(_ home: Home) throws -> Int {
    let status = try String(contentsOfFile: "/proc/\(try #require(home.pid))/status", encoding: .utf8)
    return Int(try #require(status.firstMatch(of: /VmRSS:\s+([0-9]+) kB/)).1) ?? 0
  }

  @Test func unreadAnswersHaveABoundTogether() throws {
    let home = try home()
    try home.start()
    #expect(try home.until(["status"]) { $0.status == 0 }.status == 0)
    let before = try resident(home)
    let request = Array(#"{"jsonrpc":"2.0","id":1,"method":"readings","params":{"limit":10000}}"#.utf8) + [0x0A]
    // One after the other, each when the one before has its answer, or the beginning of it; nobody reads.
    let clients = try (0..<16).map { _ in
      let fd = try UnixSocket.connect(home.folder.appending(path: "run/hearthd.sock").path)
      #expect(Descriptor.writeAll(fd, request))
      #expect(Descriptor.wait(fd, Int16(POLLIN), milliseconds: 120_000))
      return fd
    }
    let growth = (try resident(home) - before) / 1024
    print("16 unread answers of 500 readings: \(growth) MiB more")
    // 32 MiB, what the search for the last answer took, and what the allocator keeps.
    #expect(growth < 64, "\(growth) MiB")
    // Whoever asks for little is served meanwhile; whoever asks for much is told what to do.
    #expect(try home.ctl("status").status == 0)
    #expect(try home.ctl("readings", "--limit", "1", "--json").out.contains("p-1"))
    let refused = try home.ctl("readings", "--limit", "10000", "--json")
    #expect(refused.status == 75 && refused.out.contains(#""code":"busy""#) && refused.out.contains("--limit"))
    // Some answers wait, all others were refused; those who read get theirs whole.
    var whole = 0
    var busy = 0
    for fd in clients {
      var octets: [UInt8] = []
      while octets.last != 0x0A, Descriptor.wait(fd, Int16(POLLIN), milliseconds: 10_000),
        case .octets(let more) = Descriptor.read(fd, count: 1 << 20)
      {
        octets += more
      }
      if octets.count > 4_000_000, octets.last == 0x0A { whole += 1 }
      if octets.count < 1000, String(decoding: octets, as: UTF8.self).contains(#""code":"busy""#) { busy += 1 }
      Descriptor.close(fd)
    }
    #expect(whole >= 4 && whole <= 7 && whole + busy == 16, "\(whole) whole, \(busy) busy")
    #expect(try home.ctl("readings", "--limit", "10000", "--json").status == 0)
    #expect(home.stop() == 0)
  }
}
