// systemd's interfaces: readiness and watchdog (sd_notify(3)), passed sockets (sd_listen_fds(3)), priorities (sd-daemon(3)).

internal import CLinux
internal import Glibc

/// What the service manager is told, and what it gave.
package enum ServiceManager {
  /// Sends a state such as `READY=1`; nothing happens outside of a service.
  package static func notify(_ state: String) {
    guard let path = Environment.get("NOTIFY_SOCKET") else { return }
    let octets = Array(state.utf8)
    _ = cl_unix_send(path, octets, octets.count)
  }

  /// The watchdog's interval in milliseconds; nil when there is none for this process.
  package static var watchdogMilliseconds: Int64? {
    guard let text = Environment.get("WATCHDOG_USEC"), let microseconds = Int64(text), microseconds > 0 else {
      return nil
    }
    if let pid = Environment.get("WATCHDOG_PID"), pid != "\(getpid())" { return nil }
    return microseconds / 1000
  }

  /// Sockets that the service manager opened for this process, by their names.
  package static func listenDescriptors() -> [(name: String, fd: Int32)] {
    guard Environment.get("LISTEN_PID") == "\(getpid())", let text = Environment.get("LISTEN_FDS"),
      let count = Int32(text),
      (1...64).contains(count)
    else { return [] }
    let names = (Environment.get("LISTEN_FDNAMES") ?? "").split(separator: ":", omittingEmptySubsequences: false)
    return (0..<count).map { index in
      let fd = 3 + index
      _ = fcntl(fd, F_SETFD, FD_CLOEXEC)
      Descriptor.setNonBlocking(fd)
      return (Int(index) < names.count ? String(names[Int(index)]) : "", fd)
    }
  }
}

/// Lines for the system's journal, or for a terminal.
package enum SystemLog {
  private static let isJournal: Bool = {
    guard let text = Environment.get("JOURNAL_STREAM") else { return false }
    var status = stat()
    guard fstat(2, &status) == 0 else { return false }
    return text == "\(status.st_dev):\(status.st_ino)"
  }()
  private static let words = ["emergency", "alert", "critical", "error", "warning", "notice", "info", "debug"]

  /// Writes one line with a priority from 0 to 7. Control characters are replaced.
  package static func write(_ priority: Int, _ text: String) {
    let clean = text.utf8.map { $0 < 0x20 || $0 == 0x7F ? UInt8(0x20) : $0 }
    let word = words.indices.contains(priority) ? words[priority] : "info"
    let prefix = isJournal ? "<\(priority)>" : "hearthd: \(word): "
    let line = Array(prefix.utf8) + clean + [0x0A]
    _ = Glibc.write(2, line, line.count)
  }
}
