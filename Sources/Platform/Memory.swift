// The memory of a process that waits most of its life.

internal import CLinux

/// What a waiting process can give back.
package enum Memory {
  /// Gives back what is not needed while the process waits: free pieces of the heap, and pages of the program's own code. The kernel
  /// keeps the code in its page cache and gives each page back when it is run again, so nothing is read from the disk while there is
  /// room; a page fault is all that it costs.
  package static func release() { cl_release_unused() }
}

/// Gives memory back whenever nothing happened for a while.
package struct IdleMemory: Sendable {
  /// How long nothing has to happen, in milliseconds: longer than the pauses within one measurement. What comes later costs some tenths
  /// of a millisecond in page faults.
  private static let quiet: Int64 = 500

  private var isStarted = false
  /// When it is given back next, monotonic milliseconds; nil: nothing happened since it was.
  package private(set) var nextDeadline: Int64?

  package init() {}

  /// The start is over; from now on it is given back.
  package mutating func started() {
    isStarted = true
    Memory.release()
  }

  /// Something happened.
  package mutating func used(at now: Int64) {
    if isStarted { nextDeadline = now + IdleMemory.quiet }
  }

  /// Time went on.
  package mutating func due(at now: Int64) {
    guard let time = nextDeadline, time <= now else { return }
    nextDeadline = nil
    Memory.release()
  }
}
