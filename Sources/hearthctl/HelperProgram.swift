// Asking another program of this machine: its exit status and what it says, within a time.

import Glibc
import Platform

enum HelperProgram {
  /// Runs a program, found like a shell finds it, to its end. Both its outputs come as one text of at most 64 KiB; nil when
  /// it could not be started or did not end within the milliseconds.
  static func run(_ path: String, _ arguments: [String], milliseconds: Int64 = 30_000) -> (status: Int32, text: String)?
  {
    var ends: [Int32] = [-1, -1]
    guard pipe(&ends) == 0 else { return nil }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    defer { Descriptor.close(ends[0]) }
    guard let pid = spawn(path, arguments, output: ends[1]) else {
      Descriptor.close(ends[1])
      return nil
    }
    Descriptor.close(ends[1])
    let deadline = Clocks.monotonic() + milliseconds
    var octets: [UInt8] = []
    while true {
      let left = max(0, deadline - Clocks.monotonic())
      guard Descriptor.wait(ends[0], Int16(POLLIN), milliseconds: Int32(clamping: left)) else {
        kill(pid, SIGKILL)
        _ = status(of: pid)
        return nil
      }
      guard case .octets(let more) = Descriptor.read(ends[0]) else { break }
      if octets.count < 65_536 { octets += more }
    }
    return (status(of: pid), String(decoding: octets, as: UTF8.self))
  }

  /// Properties of a unit as `systemctl show` tells them (org.freedesktop.systemd1(5)); nil when systemd cannot be asked.
  static func properties(_ unit: String, _ names: [String]) -> [String: String]? {
    let question = ["show", unit, "--no-pager", "--property=" + names.joined(separator: ",")]
    guard let (status, text) = run("systemctl", question), status == 0 else { return nil }
    var known: [String: String] = [:]
    for line in text.split(whereSeparator: \.isNewline) {
      let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      if parts.count == 2 { known[String(parts[0])] = String(parts[1]) }
    }
    return known
  }

  private static func spawn(_ path: String, _ arguments: [String], output: Int32) -> pid_t? {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_adddup2(&actions, output, 1)
    posix_spawn_file_actions_adddup2(&actions, output, 2)
    let words = ([path] + arguments).map { strdup($0) } + [nil]
    defer { for word in words { free(word) } }
    var pid: pid_t = 0
    return posix_spawnp(&pid, path, &actions, nil, words, environ) == 0 ? pid : nil
  }

  /// Waits for the end; the exit status, or 128 and the signal.
  private static func status(of pid: pid_t) -> Int32 {
    var status: Int32 = 0
    while waitpid(pid, &status, 0) < 0 {
      if errno != EINTR { return 127 }
    }
    return status & 0x7F == 0 ? status >> 8 & 0xFF : 128 + status & 0x7F
  }
}
