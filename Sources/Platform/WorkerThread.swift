// One thread beside the loop, for what may take long: the journal's disk. It owns a state that nobody else touches.

internal import CLinux
internal import Glibc

/// What a thread does; a class of its own because a C function pointer knows no generics.
class ThreadBody {
  func run() {}
}

/// Runs closures one after the other on a thread of its own, which owns `State`.
package final class WorkerThread<State>: @unchecked Sendable {
  // Unchecked: the queue is only touched with the mutex held, the state only on the thread.
  private final class Body: ThreadBody {
    let owner: WorkerThread
    init(_ owner: WorkerThread) { self.owner = owner }
    override func run() { owner.work() }
  }

  private let mutex: UnsafeMutablePointer<pthread_mutex_t>
  private let condition: UnsafeMutablePointer<pthread_cond_t>
  private var queue: [@Sendable (inout State) -> Void] = []
  private var isStopping = false
  private var thread = pthread_t()
  private var state: State

  /// Starts the thread and gives it its state. Throws when the kernel refuses one.
  package init(_ state: sending State) throws(SystemError) {
    self.state = state
    mutex = .allocate(capacity: 1)
    condition = .allocate(capacity: 1)
    pthread_mutex_init(mutex, nil)
    pthread_cond_init(condition, nil)
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    pthread_attr_setstacksize(&attributes, 512 * 1024)
    let body = Unmanaged<ThreadBody>.passRetained(Body(self))
    let result = pthread_create(
      &thread, &attributes,
      { pointer in
        guard let pointer else { return nil }
        Unmanaged<ThreadBody>.fromOpaque(pointer).takeRetainedValue().run()
        return nil
      }, body.toOpaque())
    pthread_attr_destroy(&attributes)
    if result != 0 { throw SystemError("create a thread", errno: result) }
  }

  /// Runs `work` after everything that was handed over before. From any thread.
  package func run(_ work: @escaping @Sendable (inout State) -> Void) {
    pthread_mutex_lock(mutex)
    queue.append(work)
    pthread_cond_signal(condition)
    pthread_mutex_unlock(mutex)
  }

  /// Ends the thread after everything that was handed over, and waits for it.
  package func stop() {
    pthread_mutex_lock(mutex)
    isStopping = true
    pthread_cond_signal(condition)
    pthread_mutex_unlock(mutex)
    pthread_join(thread, nil)
  }

  private func work() {
    while true {
      pthread_mutex_lock(mutex)
      while queue.isEmpty && !isStopping { pthread_cond_wait(condition, mutex) }
      let batch = queue
      queue = []
      let isOver = batch.isEmpty && isStopping
      pthread_mutex_unlock(mutex)
      if isOver { return }
      for item in batch { item(&state) }
    }
  }
}
