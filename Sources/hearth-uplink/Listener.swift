// A listening socket: every connection gets a worker process of its own. This process never touches URLSession, so nothing
// that a server answers can reach it.

import CLinux
import Foundation

/// Accepts and starts workers, and ends when none is left and nobody comes.
struct Listener {
  /// At nine threads each they stay below the unit's TasksMax; more connections wait in the socket.
  private static let mostWorkers = 6
  private let fd: Int32
  private let idleMilliseconds: Int64
  private let zlib: String
  private var workers: Set<pid_t> = []

  init(_ fd: Int32, idleMilliseconds: Int64, zlib: String) {
    self.fd = fd
    self.zlib = zlib
    self.idleMilliseconds = idleMilliseconds
    _ = fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK)
  }

  mutating func run() -> Never {
    let childEnded = ChildSignal.descriptor()
    var idleSince = monotonicMilliseconds()
    while true {
      let isFull = workers.count >= Listener.mostWorkers
      var wanted = [
        pollfd(fd: fd, events: isFull ? 0 : Int16(POLLIN), revents: 0),
        pollfd(fd: childEnded, events: Int16(POLLIN), revents: 0),
      ]
      let left = idleSince + idleMilliseconds - monotonicMilliseconds()
      if workers.isEmpty && left <= 0 { leave(0) }
      _ = poll(&wanted, nfds_t(wanted.count), workers.isEmpty ? Int32(clamping: left) : -1)
      if wanted[1].revents != 0 {
        ChildSignal.drain(childEnded)
        reap()
        idleSince = monotonicMilliseconds()
      }
      if wanted[0].revents & Int16(POLLIN) != 0 {
        let connection = cl_accept(fd)
        if connection >= 0 { start(connection) }
        idleSince = monotonicMilliseconds()
      }
    }
  }

  private mutating func start(_ connection: Int32) {
    defer { close(connection) }
    var environment = ProcessInfo.processInfo.environment
    for name in ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"] { environment[name] = nil }
    environment["SWIFT_BACKTRACE"] = "enable=no"
    let arguments = [
      "hearth-uplink", "--fd", "3", "--idle-seconds", "\(max(1, idleMilliseconds / 1000))", "--zlib", zlib,
    ]
    let argv = arguments.map { strdup($0) } + [nil]
    let envp = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
    defer {
      for pointer in argv + envp { free(pointer) }
    }
    var pid: pid_t = 0
    let result = cl_spawn(&pid, "/proc/self/exe", argv, envp, connection)
    if result == 0 {
      workers.insert(pid)
    } else {
      // The connection closes, and the daemon tries again with its back-off.
      Log.line("cannot start a worker: errno \(result)")
    }
  }

  private mutating func reap() {
    var status: Int32 = 0
    while case let pid = waitpid(-1, &status, WNOHANG), pid > 0 {
      workers.remove(pid)
      let end = cl_exit_status(status)
      if end != 0 { Log.line("a worker ended with \(end)\(end > 128 ? " (signal \(end - 128))" : "")") }
    }
  }
}

/// SIGCHLD as a descriptor.
private enum ChildSignal {
  static func descriptor() -> Int32 {
    var mask = sigset_t()
    sigemptyset(&mask)
    sigaddset(&mask, SIGCHLD)
    pthread_sigmask(SIG_BLOCK, &mask, nil)
    return signalfd(-1, &mask, Int32(SFD_CLOEXEC | SFD_NONBLOCK))
  }

  static func drain(_ fd: Int32) {
    var scratch = [UInt8](repeating: 0, count: 1024)
    _ = read(fd, &scratch, scratch.count)
  }
}
