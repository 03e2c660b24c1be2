// Programs that give the headers of a request: signed tokens, DPoP proofs, keys in hardware need no code here. A program reads the
// request on its standard input and prints headers; it has ten seconds and ends with 0.

import Glibc
import Platform

/// Runs helper programs without waiting for them.
final class HelperPrograms {
  private final class Run {
    let fd: Int32
    let child: ChildProcess
    let deadline: Int64
    let done: ([UInt8]?) -> Void
    var outgoing: ArraySlice<UInt8>
    var output: [UInt8] = []
    var isAtEnd = false
    var status: Int32?

    init(_ fd: Int32, _ child: ChildProcess, _ deadline: Int64, _ input: [UInt8], _ done: @escaping ([UInt8]?) -> Void)
    {
      self.fd = fd
      self.child = child
      self.deadline = deadline
      outgoing = input[...]
      self.done = done
    }
  }

  private static let longest: Int64 = 10_000
  private static let mostOutput = 65_536

  private let loop: EventLoop
  private var runs: [Int32: Run] = [:]
  /// Killed, and not collected yet.
  private var ending: [ChildProcess] = []

  init(_ loop: EventLoop) { self.loop = loop }

  /// Why a program cannot be run; nil when it can.
  static func fault(_ path: String) -> String? {
    if access(path, X_OK) == 0 {
      var facts = stat()
      return stat(path, &facts) == 0 && facts.st_mode & S_IFMT == S_IFDIR
        ? "\(path) is a directory and no program" : nil
    }
    return errno == EACCES
      ? "\(path) may not be run by the user hearth: sudo chmod 0755 \(path)"
      : "\(path) cannot be run: \(String(cString: strerror(errno)))"
  }

  /// Runs a program; `done` is called once, with its output, or with nil when it failed.
  func run(_ path: String, _ input: [UInt8], _ done: @escaping ([UInt8]?) -> Void) {
    guard let (ours, theirs) = try? UnixSocket.pair() else { return done(nil) }
    defer { Descriptor.close(theirs) }
    // The shell puts the socket where programs read and write, and is replaced by the program.
    guard
      let child = try? ChildProcess.spawn(
        "/bin/sh", ["-c", "exec \"$0\" <&3 >&3 3<&-", path], environment: ["PATH=/usr/bin:/bin", "LANG=C.UTF-8"],
        passing: theirs)
    else {
      Descriptor.close(ours)
      return done(nil)
    }
    Descriptor.setNonBlocking(ours)
    let run = Run(ours, child, Clocks.monotonic() + HelperPrograms.longest, input, done)
    runs[ours] = run
    loop.watch(ours, [.read, .write]) { [unowned self] ready in
      if ready.contains(.write) { write(run) }
      if ready.contains(.read) { read(run) }
    }
  }

  private func write(_ run: Run) {
    guard runs[run.fd] === run else { return }
    // A program that does not read its input may still answer.
    run.outgoing = run.outgoing.dropFirst(Descriptor.write(run.fd, run.outgoing) ?? run.outgoing.count)
    guard run.outgoing.isEmpty else { return }
    shutdown(run.fd, Int32(SHUT_WR))
    loop.change(run.fd, .read)
  }

  private func read(_ run: Run) {
    guard runs[run.fd] === run, !run.isAtEnd else { return }
    switch Descriptor.read(run.fd, count: 16_384) {
    case .wouldBlock: return
    case .octets(let octets):
      run.output += octets
      if run.output.count > HelperPrograms.mostOutput { fail(run) }
    case .end:
      run.isAtEnd = true
      loop.forget(run.fd)
      collect(run)
    }
  }

  /// It is over when both the output and the program have ended.
  private func collect(_ run: Run) {
    if run.status == nil { run.status = run.child.reap() }
    guard run.isAtEnd, let status = run.status, runs.removeValue(forKey: run.fd) != nil else { return }
    Descriptor.close(run.fd)
    run.done(status == 0 ? run.output : nil)
  }

  private func fail(_ run: Run) {
    guard runs.removeValue(forKey: run.fd) != nil else { return }
    if !run.isAtEnd { loop.forget(run.fd) }
    Descriptor.close(run.fd)
    if run.status == nil {
      run.child.kill()
      ending.append(run.child)
    }
    run.done(nil)
  }

  /// A child process ended: perhaps one of these.
  func childEnded() {
    ending.removeAll { $0.reap() != nil }
    for run in Array(runs.values) { collect(run) }
  }

  /// When `due` wants to be called, monotonic milliseconds.
  var nextDeadline: Int64? { runs.values.map(\.deadline).min() }

  /// Ends programs that hang.
  func due(at now: Int64) {
    for run in Array(runs.values) where run.deadline <= now { fail(run) }
  }

  func stop() {
    for run in Array(runs.values) { fail(run) }
  }
}
