// What URLSession's threads tell the worker's loop.

import CLinux
import Foundation
import Synchronization
import UplinkProtocol

/// A queue with a descriptor that is readable while something waits in it.
final class Mailbox: Sendable {
  struct Event: Sendable {
    /// The transfer's key.
    var key: UInt64
    /// Its outcome, told once.
    var outcome: UplinkResponse.Outcome?
    /// Nothing more comes of it.
    var isOver: Bool
  }

  let descriptor: Int32 = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
  private let events = Mutex<[Event]>([])

  func post(_ event: Event) {
    events.withLock { $0.append(event) }
    var one: UInt64 = 1
    _ = write(descriptor, &one, 8)
  }

  func take() -> [Event] {
    var count: UInt64 = 0
    _ = read(descriptor, &count, 8)
    return events.withLock { events in
      defer { events = [] }
      return events
    }
  }
}
