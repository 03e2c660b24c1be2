// What a person types, or a script writes: lines, or single keys, of standard input.

import Glibc
import Platform

struct InputLines {
  static let isTerminal = isatty(0) == 1
  /// A line that is longer is none.
  private static let longest = 4096

  private var buffer: [UInt8] = []
  /// Nothing comes any more.
  private(set) var isOver = false
  /// Something came.
  private(set) var hasSpoken = false

  /// Reads what is there, once there is something.
  mutating func fill() {
    guard case .octets(let octets) = Descriptor.read(0), buffer.count < InputLines.longest else {
      isOver = true
      return
    }
    hasSpoken = true
    buffer += octets
  }

  /// Whether standard input has ended at this moment.
  mutating func look() {
    if Descriptor.wait(0, Int16(POLLIN), milliseconds: 0) { fill() }
  }

  /// The next whole line without its end; the last one needs none.
  mutating func line() -> String? {
    if let end = buffer.firstIndex(of: 0x0A) {
      let line = buffer[..<end]
      buffer.removeFirst(end + 1)
      return String(decoding: line.last == 0x0D ? line.dropLast() : line, as: UTF8.self)
    }
    guard isOver, !buffer.isEmpty else { return nil }
    defer { buffer = [] }
    return String(decoding: buffer, as: UTF8.self)
  }

  /// Everything that was typed, where every key counts.
  mutating func keys() -> [UInt8] {
    defer { buffer = [] }
    return buffer
  }
}

/// The terminal gives every key at once and does not show it, until it is restored.
struct KeyMode {
  private let before: termios

  /// Nil when standard input is no terminal.
  init?() {
    var settings = termios()
    guard tcgetattr(0, &settings) == 0 else { return nil }
    before = settings
    settings.c_lflag &= ~UInt32(ICANON | ECHO)
    tcsetattr(0, TCSANOW, &settings)
  }

  func restore() {
    var settings = before
    tcsetattr(0, TCSANOW, &settings)
  }
}
