// The control socket of the real daemon, spoken to line by line: what is answered, and what ends the connection.

import Foundation
import Platform
import Testing

@Suite(.serialized) struct ControlSocketTests {
  private func home() throws -> Home {
    let home = try Home("{}")
    try home.start()
    _ = try home.until(["status"]) { $0.status == 0 }
    return home
  }

  /// Sends lines; gives what came in return until the connection ended, or until `last` came.
  private func talk(_ home: Home, _ text: String, until last: String? = nil) throws -> (lines: [String], ended: Bool) {
    let fd = try UnixSocket.connect(home.folder.appending(path: "run/hearthd.sock").path)
    defer { Descriptor.close(fd) }
    _ = Descriptor.writeAll(fd, Array(text.utf8))
    var octets: [UInt8] = []
    var ended = false
    while Descriptor.wait(fd, Int16(POLLIN), milliseconds: 10_000) {
      guard case .octets(let more) = Descriptor.read(fd) else {
        ended = true
        break
      }
      octets += more
      if let last, String(decoding: octets, as: UTF8.self).contains(last) { break }
    }
    return (String(decoding: octets, as: UTF8.self).split(separator: "\n").map(String.init), ended)
  }

  private func request(_ id: Int) -> String { #"{"jsonrpc":"2.0","id":\#(id),"method":"version"}"# + "\n" }

  @Test func brokenJSONIsAnsweredAndEndsTheConnection() throws {
    let home = try home()
    let (lines, ended) = try talk(home, "{nonsense\n" + request(1))
    #expect(ended && lines.count == 1)
    #expect(lines.first?.contains(#""id":null,"error":{"code":-32700"#) ?? false)
    // JSON that is no request is answered, and the next is taken.
    let list = try talk(home, "[]\n" + request(2), until: #""id":2"#)
    #expect(!list.ended && list.lines.count == 2)
    #expect(home.stop() == 0)
  }

  @Test func aNotificationIsNeverAnswered() throws {
    let home = try home()
    let silent = ["version\"", "stauts\"", "version\",\"params\":{\"x\":1}", "readings\"", "watch\""]
      .map { #"{"jsonrpc":"2.0","method":"\#($0)}"# + "\n" }.joined()
    let (lines, ended) = try talk(home, silent + request(7), until: #""id":7"#)
    #expect(!ended && lines.count == 1, "\(lines)")
    #expect(home.stop() == 0)
  }

  @Test func aFloodEndsItsConnectionAlone() throws {
    let home = try home()
    // Each takes a while: they are read from the disk.
    let flood = String(repeating: #"{"jsonrpc":"2.0","id":1,"method":"readings"}"# + "\n", count: 300)
    let (lines, ended) = try talk(home, flood)
    #expect(ended)
    #expect(lines.last?.contains(#""code":"busy""#) ?? false)
    #expect(try home.ctl("status").status == 0)
    #expect(home.stop() == 0)
  }

  /// Who comes to a full house is told so; the technician's tool says it by its exit status.
  @Test func moreConnectionsThanThereAreAreBusy() throws {
    let home = try home()
    let path = home.folder.appending(path: "run/hearthd.sock").path
    let held = try (0..<20).map { _ in try UnixSocket.connect(path) }
    let refused = try home.until(["status", "--json"]) { $0.status == 75 }
    #expect(refused.status == 75 && refused.out.contains(#""code":"busy""#), "\(refused)")
    let fd = try UnixSocket.connect(path)
    guard case .octets(let octets) = Descriptor.read(fd) else {
      Issue.record("nothing was said")
      return
    }
    let line = String(decoding: octets, as: UTF8.self)
    #expect(line.hasPrefix(#"{"jsonrpc":"2.0","id":null,"error":{"code":-32000,"#) && line.hasSuffix("}\n"))
    #expect(line.contains(#""code":"busy""#) && Descriptor.read(fd) == .end)
    for fd in held + [fd] { Descriptor.close(fd) }
    #expect(try home.until(["status"]) { $0.status == 0 }.status == 0)
    #expect(home.stop() == 0)
  }
}
