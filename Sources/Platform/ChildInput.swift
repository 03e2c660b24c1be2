// The standard input of a program that was started: written as the program takes it, so that the loop never waits for a program.

internal import CLinux
internal import Glibc

/// Octets for a program. Whoever keeps this keeps the program's input open; the loop does not.
package final class ChildInput {
  private let loop: EventLoop
  /// What the program reads from; to be passed to it, and closed by `begin`.
  package private(set) var readEnd: Int32
  private var writeEnd: Int32
  private var rest: ArraySlice<UInt8>

  /// A pipe for these octets. Throws when the kernel refuses one.
  package init(_ loop: EventLoop, _ octets: [UInt8]) throws(SystemError) {
    var ends: [Int32] = [-1, -1]
    guard pipe(&ends) == 0 else { throw .last("create a pipe") }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    // Our end alone: a program expects that reading waits.
    Descriptor.setNonBlocking(ends[1])
    self.loop = loop
    (readEnd, writeEnd) = (ends[0], ends[1])
    rest = octets[...]
  }

  deinit { close() }

  /// Octets that the program has not taken.
  package var waiting: Int { rest.count }

  /// The program has its end: begins to write, and closes the input when everything is written.
  package func begin() {
    closeReadEnd()
    flush()
    guard writeEnd >= 0 else { return }
    loop.watch(writeEnd, .write) { [weak self] _ in self?.flush() }
  }

  private func flush() {
    while writeEnd >= 0, !rest.isEmpty {
      // A program that closed its input wants no more of it.
      guard let count = Descriptor.write(writeEnd, rest) else { return close() }
      if count == 0 { return }
      rest = rest.dropFirst(count)
    }
    close()
  }

  /// Closes the input; what the program has not taken is dropped.
  package func close() {
    closeReadEnd()
    rest = []
    guard writeEnd >= 0 else { return }
    loop.forget(writeEnd)
    Descriptor.close(writeEnd)
    writeEnd = -1
  }

  private func closeReadEnd() {
    if readEnd >= 0 { Descriptor.close(readEnd) }
    readEnd = -1
  }
}
