// Starting and ending a helper program.

internal import CLinux
internal import Glibc

/// A program that was started.
package struct ChildProcess: Sendable {
  /// Its process id.
  package let pid: Int32

  /// Starts a program with one descriptor, which it finds as number 3.
  package static func spawn(
    _ path: String, _ arguments: [String], environment: [String], passing fd: Int32
  ) throws(SystemError) -> ChildProcess {
    // Some run with CAP_NET_ADMIN, for Bluetooth: no program that is started needs it.
    _ = cl_keep_capabilities_to_ourselves()
    var pid: Int32 = 0
    let argv = ([path] + arguments).map { strdup($0) } + [nil]
    let envp = environment.map { strdup($0) } + [nil]
    defer {
      for pointer in argv + envp { free(pointer) }
    }
    let result = cl_spawn(&pid, path, argv, envp, fd)
    guard result == 0 else { throw SystemError("start", path: path, errno: result) }
    return ChildProcess(pid: pid)
  }

  /// Collects it when it has ended: its exit status, or 128 and its signal. Nil while it runs.
  package func reap() -> Int32? {
    var status: Int32 = 0
    guard waitpid(pid, &status, WNOHANG) == pid else { return nil }
    return cl_exit_status(status)
  }

  /// Ends it at once.
  package func kill() { _ = Glibc.kill(pid, SIGKILL) }
}
