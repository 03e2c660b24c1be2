// hearth-uplink: takes frozen requests over a Unix socket and performs them with URLSession. It is its own process because
// URLSession on Linux can be crashed or hung by what a server answers, and because the one that talks to the internet holds
// no devices and no store. Where its connection comes from:
//
//   --fd N        one connected socket, given by the parent (the daemon outside of systemd): a worker
//   LISTEN_FDS=1  a listening socket from systemd (Accept=no): a worker process for every connection, so that what kills one
//                 backend's worker is nothing to the others; a connected one (Accept=yes): a worker
//
// It ends with 0 when idle, and the next connection starts it again.

import CLinux
import Foundation

@main
enum HearthUplink {
  /// Semantic version; also the package's.
  static let version = "0.1.0"

  static func main() {
    quieten()
    switch Arguments.parse(Array(CommandLine.arguments.dropFirst())) {
    case .failure(let problem):
      Log.line("\(problem.message); see hearth-uplink --help")
      leave(64)
    case .success(.help):
      Log.out(Arguments.usage)
      leave(0)
    case .success(.version):
      Log.out("hearth-uplink \(version)\n")
      leave(0)
    case .success(.run(let fd, let idleSeconds, let zlib)):
      run(fd ?? passedDescriptor(), idleMilliseconds: Int64(idleSeconds) * 1000, zlib: zlib)
    }
  }

  private static func run(_ fd: Int32?, idleMilliseconds: Int64, zlib: String) -> Never {
    guard let fd else {
      Log.line("needs a socket: --fd N, or one from the service manager")
      leave(64)
    }
    var isListening: Int32 = 0
    var size = socklen_t(MemoryLayout<Int32>.size)
    guard getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &isListening, &size) == 0 else {
      Log.line("descriptor \(fd) is no socket")
      leave(64)
    }
    _ = fcntl(fd, F_SETFD, FD_CLOEXEC)
    if isListening != 0 {
      var listener = Listener(fd, idleMilliseconds: idleMilliseconds, zlib: zlib)
      listener.run()
    }
    Worker(fd, idleMilliseconds: idleMilliseconds, zlib: zlib).run()
  }

  /// sd_listen_fds(3): the first passed descriptor is 3, and it is ours only when LISTEN_PID says so.
  private static func passedDescriptor() -> Int32? {
    let environment = ProcessInfo.processInfo.environment
    guard environment["LISTEN_PID"] == "\(getpid())", environment["LISTEN_FDS"] == "1" else { return nil }
    return 3
  }

  /// A crash that a server caused is one line and an exit, not pages of registers in the journal and a core file with a
  /// patient's readings. The units also set SWIFT_BACKTRACE=enable=no, for the time before this line.
  private static func quieten() {
    for number in [SIGQUIT, SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV] { signal(number, SIG_DFL) }
    signal(SIGPIPE, SIG_IGN)
    var none = rlimit(rlim_cur: 0, rlim_max: 0)
    setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &none)
    // A server that makes URLSession allocate without end ends this process, not the hub.
    var memory = rlimit(rlim_cur: 512 << 20, rlim_max: 512 << 20)
    setrlimit(__rlimit_resource_t(RLIMIT_DATA.rawValue), &memory)
  }
}

/// Ends at once: OpenSSL's exit handlers may race with libcurl's threads (swift-corelibs-foundation #5474).
func leave(_ status: Int32) -> Never { _exit(status) }

/// Lines on standard error, whole even when the process dies right after.
enum Log {
  static func line(_ text: String) {
    let line = Array("hearth-uplink: \(text)\n".utf8)
    _ = write(2, line, line.count)
  }

  static func out(_ text: String) {
    let octets = Array(text.utf8)
    _ = write(1, octets, octets.count)
  }
}

/// Milliseconds since boot, suspend included.
func monotonicMilliseconds() -> Int64 {
  var time = timespec()
  clock_gettime(CLOCK_BOOTTIME, &time)
  return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
}
