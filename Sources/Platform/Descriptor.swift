// Reading and writing descriptors: interruptions handled, the end told apart from "nothing now".

internal import CLinux
internal import Glibc

/// What a read gave.
package enum ReadOutcome: Sendable, Equatable {
  case octets([UInt8])
  case wouldBlock
  /// The other side is gone: end of file, or a terminal that was hung up.
  case end
}

/// Calls on descriptors.
package enum Descriptor {
  /// Reads at most `count` octets.
  package static func read(_ fd: Int32, count: Int = 4096) -> ReadOutcome {
    var buffer = [UInt8](repeating: 0, count: count)
    while true {
      let result = Glibc.read(fd, &buffer, count)
      if result > 0 { return .octets(Array(buffer[..<result])) }
      if result == 0 { return .end }
      switch Glibc.errno {
      case EINTR: continue
      case EAGAIN: return .wouldBlock
      default: return .end
      }
    }
  }

  /// Writes what can be written now; gives how many octets went out, or nil when the other side is gone.
  package static func write(_ fd: Int32, _ octets: ArraySlice<UInt8>) -> Int? {
    while true {
      let result = octets.withUnsafeBytes { Glibc.send(fd, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
      if result >= 0 { return result }
      switch Glibc.errno {
      case EINTR: continue
      case EAGAIN: return 0
      case ENOTSOCK: return writePlain(fd, octets)
      default: return nil
      }
    }
  }

  private static func writePlain(_ fd: Int32, _ octets: ArraySlice<UInt8>) -> Int? {
    while true {
      let result = octets.withUnsafeBytes { Glibc.write(fd, $0.baseAddress, $0.count) }
      if result >= 0 { return result }
      switch Glibc.errno {
      case EINTR: continue
      case EAGAIN: return 0
      default: return nil
      }
    }
  }

  /// Writes everything to a blocking descriptor; false when the other side is gone.
  package static func writeAll(_ fd: Int32, _ octets: [UInt8]) -> Bool {
    var rest = octets[...]
    while !rest.isEmpty {
      guard let count = write(fd, rest) else { return false }
      if count == 0 { _ = wait(fd, Int16(POLLOUT), milliseconds: -1) }
      rest = rest.dropFirst(count)
    }
    return true
  }

  /// Waits until the descriptor is ready; false when the time is over.
  package static func wait(_ fd: Int32, _ events: Int16, milliseconds: Int32) -> Bool {
    var entry = pollfd(fd: fd, events: events, revents: 0)
    while true {
      let result = poll(&entry, 1, milliseconds)
      if result >= 0 { return result > 0 }
      if Glibc.errno != EINTR { return false }
    }
  }

  /// The other side is gone, or nothing more can be said to it.
  package static func isHungUp(_ fd: Int32) -> Bool {
    var entry = pollfd(fd: fd, events: 0, revents: 0)
    return poll(&entry, 1, 0) > 0 && Int32(entry.revents) & (POLLHUP | POLLERR | POLLNVAL) != 0
  }

  /// Makes calls on the descriptor return at once.
  package static func setNonBlocking(_ fd: Int32) {
    let flags = fcntl(fd, F_GETFL)
    if flags >= 0 { _ = fcntl(fd, F_SETFL, flags | O_NONBLOCK) }
  }

  /// Closes it.
  package static func close(_ fd: Int32) { _ = Glibc.close(fd) }
}
