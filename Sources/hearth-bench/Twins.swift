// What others do with the same messages on the same disk: SQLite with a write-ahead log and synchronous=FULL, and rsyslog's pure disk
// queue with a sync for every message. Both are driven by one Python program, line by line, so that they take turns with the journal.

import Glibc
import Platform

/// The twins, as one child that answers questions; ends with `end`.
struct Twins {
  /// An answer, or why there is none.
  enum Answer {
    case value(String)
    case none(String)
  }

  private let link: Int32
  private let child: ChildProcess

  init?() {
    var ends: [Int32] = [0, 0]
    guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else {
      return nil
    }
    defer { close(ends[1]) }
    let path = getenv("PATH").map { String(cString: $0) } ?? "/usr/bin:/bin"
    let home = getenv("HOME").map { String(cString: $0) } ?? "/"
    guard
      let child = try? ChildProcess.spawn(
        "/usr/bin/env", ["python3", "-c", Twins.script], environment: ["PATH=\(path)", "HOME=\(home)"], passing: ends[1]
      )
    else {
      close(ends[0])
      return nil
    }
    link = ends[0]
    self.child = child
  }

  /// One line there, one line back.
  func ask(_ word: String, _ folder: String, _ count: Int = 0, group: Int = 1) -> Answer {
    guard Descriptor.writeAll(link, Array("\(word) \(folder) \(count) \(group)\n".utf8)) else {
      return .none("python3 is not there")
    }
    var line: [UInt8] = []
    while line.last != 0x0A {
      guard Descriptor.wait(link, Int16(POLLIN), milliseconds: 180_000),
        case .octets(let octets) = Descriptor.read(link)
      else { return .none("python3 gave no answer") }
      line += octets
    }
    let text = String(decoding: line.dropLast(), as: UTF8.self)
    return text.hasPrefix("ok ") ? .value(String(text.dropFirst(3))) : .none(String(text.dropFirst(3)))
  }

  /// So many messages: the nanoseconds that they took.
  func take(_ word: String, _ folder: String, _ count: Int, group: Int = 1) -> Double? {
    if case .value(let text) = ask(word, folder, count, group: group) { Double(text) } else { nil }
  }

  func end() {
    _ = ask("end", "-")
    close(link)
    while child.reap() == nil { usleep(2000) }
  }
}
