// Messages from other threads to the loop, in their order.

internal import CLinux
internal import Glibc

/// A queue that wakes the loop.
package final class Mailbox<Message: Sendable>: @unchecked Sendable {
  // Unchecked: the one mutable field is only touched with the mutex held.
  let descriptor: Int32
  private let mutex: UnsafeMutablePointer<pthread_mutex_t>
  private var waiting: [Message] = []

  /// An empty queue. Throws when the kernel refuses a descriptor.
  package init() throws(SystemError) {
    descriptor = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
    if descriptor < 0 { throw .last("create an event descriptor") }
    mutex = .allocate(capacity: 1)
    pthread_mutex_init(mutex, nil)
  }

  deinit {
    pthread_mutex_destroy(mutex)
    mutex.deallocate()
    Descriptor.close(descriptor)
  }

  /// Hands a message to the loop. From any thread.
  package func post(_ message: Message) {
    pthread_mutex_lock(mutex)
    waiting.append(message)
    pthread_mutex_unlock(mutex)
    var one: UInt64 = 1
    _ = Glibc.write(descriptor, &one, 8)
  }

  /// Calls `handler` on the loop's thread for every message.
  package func attach(to loop: EventLoop, _ handler: @escaping (Message) -> Void) {
    loop.watch(descriptor, .read) { [self] _ in
      var count: UInt64 = 0
      _ = Glibc.read(descriptor, &count, 8)
      pthread_mutex_lock(mutex)
      let messages = waiting
      waiting = []
      pthread_mutex_unlock(mutex)
      for message in messages { handler(message) }
    }
  }

  /// Messages are no longer handed over; the mailbox may go.
  package func detach(from loop: EventLoop) { loop.forget(descriptor) }
}
