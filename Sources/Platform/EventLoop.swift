// One thread that waits for everything: descriptors, one timer, signals, and what other threads post. No wake-up without cause.

internal import CLinux
internal import Glibc

/// The loop of the thread that decides, which alone calls it; other threads post to a `Mailbox`.
package final class EventLoop {
  /// What to wait for on a descriptor.
  package struct Interest: OptionSet, Sendable {
    /// The bits.
    package let rawValue: UInt32
    /// The bits.
    package init(rawValue: UInt32) { self.rawValue = rawValue }
    /// Something to read, or the other side is gone.
    package static let read = Interest(rawValue: 1)
    /// Room to write.
    package static let write = Interest(rawValue: 4)
    /// The other side is gone or failed; always waited for. A Bluetooth socket whose error was taken by a write says nothing
    /// else: reading it gives "not now" for ever.
    package static let gone = Interest(rawValue: 8 | 16)
  }

  private struct Registration {
    let generation: UInt32
    let handler: (Interest) -> Void
  }

  private let epoll: Int32
  private let timer: Int32
  private let signals: Int32
  private var clock: Int32 = -1
  private var registrations: [Int32: Registration] = [:]
  private var generation: UInt32 = 0
  private var isRunning = false
  private var wakeHandler: () -> Void = {}
  private var timerHandler: () -> Void = {}
  private var signalHandler: (Int32) -> Void = { _ in }

  /// A loop that takes the given signals for itself. Throws when the kernel refuses a descriptor.
  package init(signals numbers: [Int32]) throws(SystemError) {
    signal(SIGPIPE, SIG_IGN)
    epoll = epoll_create1(Int32(EPOLL_CLOEXEC))
    timer = timerfd_create(CLOCK_BOOTTIME, Int32(TFD_CLOEXEC) | Int32(TFD_NONBLOCK))
    var set = sigset_t()
    sigemptyset(&set)
    for number in numbers { sigaddset(&set, number) }
    pthread_sigmask(SIG_BLOCK, &set, nil)
    signals = signalfd(-1, &set, Int32(SFD_CLOEXEC | SFD_NONBLOCK))
    guard epoll >= 0, timer >= 0, signals >= 0 else { throw .last("create the event loop") }
    watch(timer, .read) { [unowned self] _ in
      var count: UInt64 = 0
      _ = Glibc.read(timer, &count, 8)
      timerHandler()
    }
    watch(signals, .read) { [unowned self] _ in
      var info = signalfd_siginfo()
      while Glibc.read(signals, &info, MemoryLayout<signalfd_siginfo>.size) > 0 { signalHandler(Int32(info.ssi_signo)) }
    }
  }

  deinit {
    for fd in [epoll, timer, signals, clock] where fd >= 0 { Descriptor.close(fd) }
  }

  /// What to do when the loop wakes up, before anything else.
  package func onWake(_ handler: @escaping () -> Void) { wakeHandler = handler }
  /// What to do when the timer runs out.
  package func onTimer(_ handler: @escaping () -> Void) { timerHandler = handler }
  /// What to do on a signal.
  package func onSignal(_ handler: @escaping (Int32) -> Void) { signalHandler = handler }

  /// What to do when somebody sets the wall clock, or the machine wakes from suspend. A clock that is slewed tells nothing.
  /// Throws when the kernel refuses the descriptor.
  package func onClockSet(_ handler: @escaping () -> Void) throws(SystemError) {
    if clock < 0 { clock = cl_watch_clock() }
    guard clock >= 0 else { throw .last("watch the clock") }
    watch(clock, .read) { [clock] _ in
      var count: UInt64 = 0
      guard Glibc.read(clock, &count, 8) < 0, errno == ECANCELED else { return }
      cl_rearm_clock(clock)
      handler()
    }
  }

  /// Calls the timer's handler at a monotonic millisecond; nil: not at all.
  package func wake(at milliseconds: Int64?) {
    var spec = itimerspec()
    if let milliseconds {
      let bounded = max(1, milliseconds)
      spec.it_value.tv_sec = Int(bounded / 1000)
      spec.it_value.tv_nsec = Int(bounded % 1000) * 1_000_000
    }
    timerfd_settime(timer, Int32(TFD_TIMER_ABSTIME), &spec, nil)
  }

  /// Calls `handler` whenever the descriptor is ready; replaces an earlier registration.
  package func watch(_ fd: Int32, _ interest: Interest, _ handler: @escaping (Interest) -> Void) {
    generation &+= 1
    let isNew = registrations[fd] == nil
    registrations[fd] = Registration(generation: generation, handler: handler)
    control(isNew ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, interest, generation)
  }

  /// Changes what is waited for.
  package func change(_ fd: Int32, _ interest: Interest) {
    guard let registration = registrations[fd] else { return }
    control(EPOLL_CTL_MOD, fd, interest, registration.generation)
  }

  private func control(_ operation: Int32, _ fd: Int32, _ interest: Interest, _ generation: UInt32) {
    var event = epoll_event()
    event.events = interest.rawValue
    event.data.u64 = UInt64(UInt32(bitPattern: fd)) | UInt64(generation) << 32
    guard epoll_ctl(epoll, operation, fd, &event) != 0 else { return }
    // A descriptor that was closed without `forget` took the kernel's registration along, not ours.
    if errno == ENOENT, operation == EPOLL_CTL_MOD { epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) }
  }

  /// Stops waiting for the descriptor; to be called before it is closed.
  package func forget(_ fd: Int32) {
    guard registrations.removeValue(forKey: fd) != nil else { return }
    var event = epoll_event()
    epoll_ctl(epoll, EPOLL_CTL_DEL, fd, &event)
  }

  /// How often descriptors are looked at again before the timer runs out: somebody who never stops must not keep it waiting.
  private static let mostRounds = 64

  /// Waits and calls handlers until `stop`. What waits to be read is read before the timer runs out: a loop that was held up for a
  /// while would otherwise take a device for silent whose octets are there.
  package func run() {
    isRunning = true
    var events = [epoll_event](repeating: epoll_event(), count: 64)
    while isRunning {
      var count = epoll_wait(epoll, &events, Int32(events.count), -1)
      guard count > 0 else { continue }
      wakeHandler()
      var isTimerDue = false
      var rounds = 0
      while count > 0, isRunning {
        let isOthers = handle(events[..<Int(count)], &isTimerDue)
        rounds += 1
        guard isTimerDue, isOthers || rounds == 1, rounds < EventLoop.mostRounds else { break }
        count = epoll_wait(epoll, &events, Int32(events.count), 0)
      }
      if isTimerDue, isRunning { registrations[timer]?.handler(.read) }
    }
  }

  /// Calls the handlers of what is ready, but for the timer's. True when there was anything but the timer.
  private func handle(_ events: ArraySlice<epoll_event>, _ isTimerDue: inout Bool) -> Bool {
    var isOthers = false
    for event in events {
      let fd = Int32(bitPattern: UInt32(truncatingIfNeeded: event.data.u64))
      // A descriptor that was closed and opened again in this round has another generation: the event is not its own.
      guard let registration = registrations[fd],
        registration.generation == UInt32(truncatingIfNeeded: event.data.u64 >> 32)
      else { continue }
      guard fd != timer else {
        isTimerDue = true
        continue
      }
      isOthers = true
      var ready: Interest = []
      if event.events & ~UInt32(4) != 0 { ready.insert(.read) }
      if event.events & 4 != 0 { ready.insert(.write) }
      if event.events & Interest.gone.rawValue != 0 { ready.insert(.gone) }
      registration.handler(ready)
    }
    return isOthers
  }

  /// Ends `run` after the handler that calls this.
  package func stop() { isRunning = false }
}
