// What happens in the home because of an event: a lamp, a speaker, a modem. Each executable of the folder actions.d is started for each
// event, with its JSON object as standard input, and ended when it takes too long.

import GatewayCore
import Glibc
import Platform

final class Actions {
  private struct Running {
    let name: String
    let child: ChildProcess
    let deadline: Int64
  }

  /// How long an action may take, in milliseconds.
  private static let patience: Int64 = 10_000
  /// The most that run at once; the rest waits its turn.
  private static let mostRunning = 4
  /// The most that waits; what comes then is left out and told.
  private static let mostWaiting = 64

  private let folder: String
  private var running: [Running] = []
  private var waiting: [(name: String, octets: [UInt8])] = []

  /// The folder `actions.d` beside the configuration.
  init(beside configuration: String) {
    let place = configuration.lastIndex(of: "/").map { String(configuration[..<$0]) } ?? "."
    folder = "\(place)/actions.d"
  }

  /// When the next one has taken too long, on the monotonic clock.
  var nextDeadline: Int64? { running.map(\.deadline).min() }

  /// Tells an event to every action.
  func tell(_ event: HubEvent) {
    guard let names = try? Directory.list(folder).map(\.name).sorted() else { return }
    for name in names where !name.hasPrefix(".") && isAllowed(name) {
      guard waiting.count < Actions.mostWaiting else {
        SystemLog.write(4, "action \(name): too much to do; an event is left out")
        continue
      }
      waiting.append((name, event.encoded))
    }
    start()
  }

  /// Only what root, or whoever runs the daemon, put there, and nobody else can change.
  private func isAllowed(_ name: String) -> Bool {
    var facts = stat()
    guard stat("\(folder)/\(name)", &facts) == 0, facts.st_mode & S_IFMT == S_IFREG, facts.st_mode & 0o111 != 0 else {
      return false
    }
    guard facts.st_uid == 0 || facts.st_uid == geteuid(), facts.st_mode & 0o022 == 0 else {
      SystemLog.write(4, "action \(name): others can change it; it is not started")
      return false
    }
    return true
  }

  private func start() {
    while running.count < Actions.mostRunning, !waiting.isEmpty {
      let (name, octets) = waiting.removeFirst()
      var ends: [Int32] = [-1, -1]
      guard pipe(&ends) == 0 else { return SystemLog.write(4, "action \(name): no pipe") }
      for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
      // An event is far shorter than what a pipe holds.
      _ = Descriptor.writeAll(ends[1], octets + [0x0A])
      Descriptor.close(ends[1])
      defer { Descriptor.close(ends[0]) }
      do throws(SystemError) {
        // The shell puts the descriptor where a program looks for its input.
        let child = try ChildProcess.spawn(
          "/bin/sh", ["-c", "exec \"$0\" <&3 3<&-", "\(folder)/\(name)"],
          environment: ["PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C.UTF-8"], passing: ends[0])
        running.append(Running(name: name, child: child, deadline: Clocks.monotonic() + Actions.patience))
      } catch {
        SystemLog.write(4, "action \(name): \(error.message)")
      }
    }
  }

  /// A child ended; perhaps one of these.
  func childEnded() {
    running.removeAll { action in
      guard let status = action.child.reap() else { return false }
      if status != 0 { SystemLog.write(4, "action \(action.name): ended with \(status)") }
      return true
    }
    start()
  }

  /// Ends what took too long; its end comes as that of any child.
  func due(at now: Int64) {
    for (index, action) in running.enumerated().reversed() where action.deadline <= now {
      SystemLog.write(4, "action \(action.name): took longer than \(Actions.patience / 1000) s and is ended")
      action.child.kill()
      running[index] = Running(name: action.name, child: action.child, deadline: .max)
    }
  }
}
