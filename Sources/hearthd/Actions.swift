// What happens in the home because of an event: a lamp, a speaker, a modem. Each executable of the folder actions.d is started for each
// event, with its JSON object as standard input, and ended when it takes too long. The loop never waits for one of them.

import GatewayCore
import Glibc
import Platform
import Ledger

final class Actions {
  private struct Running {
    let name: String
    let child: ChildProcess
    let input: ChildInput
    var deadline: Int64
  }

  /// How long an action may take, in milliseconds.
  private static let patience: Int64 = 10_000
  /// The most that run at once; the rest waits its turn.
  private static let mostRunning = 4
  /// The most that waits, in number and octets; what comes then is left out and told.
  private static let mostWaiting = 64
  private static let mostOctets = 4 << 20

  private let loop: EventLoop
  private let folder: String
  private var running: [Running] = []
  private var waiting: [(name: String, octets: [UInt8])] = []

  /// The folder `actions.d` beside the configuration.
  init(_ loop: EventLoop, beside configuration: String) {
    self.loop = loop
    folder = Actions.folder(beside: configuration)
  }

  private static func folder(beside configuration: String) -> String {
    let place = configuration.lastIndex(of: "/").map { String(configuration[..<$0]) } ?? "."
    return "\(place)/actions.d"
  }

  /// The files of the folder that are never started, because nobody may execute them: by path, in order.
  static func idle(beside configuration: String) -> [String] {
    let folder = folder(beside: configuration)
    let names = ((try? Directory.list(folder)) ?? []).map(\.name).filter { !$0.hasPrefix(".") }.sorted()
    return names.map { "\(folder)/\($0)" }.filter { path in
      var facts = stat()
      return stat(path, &facts) == 0 && facts.st_mode & S_IFMT == S_IFREG && facts.st_mode & 0o111 == 0
    }
  }

  /// What is told of a file that is never started.
  static let idleWords = "it is not executable and is never started: chmod 755, or move it out of the folder"

  /// The same as faults, for those who look at the hub.
  static func faults(beside configuration: String) -> [HubFault] {
    idle(beside: configuration).map { path in
      HubFault(
        .actions, "action.idle", "\(path) is not executable and is never started",
        hint: "sudo chmod 755 \(path), or move it out of the folder; then hearthctl reload", isWarning: true)
    }
  }

  /// When the next one has taken too long, on the monotonic clock.
  var nextDeadline: Int64? { running.map(\.deadline).min() }

  /// Tells an event to every action.
  func tell(_ event: HubEvent) {
    guard let names = try? Directory.list(folder).map(\.name).sorted() else { return }
    let octets = event.encoded + [0x0A]
    for name in names where !name.hasPrefix(".") && isAllowed(name) {
      let size = waiting.reduce(octets.count) { $0 + $1.octets.count }
      guard waiting.count < Actions.mostWaiting, size <= Actions.mostOctets else {
        SystemLog.write(4, "action \(name): action.overrun: too many events wait for it; one is left out")
        continue
      }
      waiting.append((name, octets))
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
      SystemLog.write(
        4, "action \(name): action.refused: others can change it; it is not started: chown root and chmod 755")
      return false
    }
    return true
  }

  private func start() {
    while running.count < Actions.mostRunning, !waiting.isEmpty {
      let (name, octets) = waiting.removeFirst()
      do throws(SystemError) {
        let input = try ChildInput(loop, octets)
        // The shell puts the descriptor where a program looks for its input.
        let child = try ChildProcess.spawn(
          "/bin/sh", ["-c", "exec \"$0\" <&3 3<&-", "\(folder)/\(name)"],
          environment: ["PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C.UTF-8"], passing: input.readEnd)
        input.begin()
        running.append(
          Running(name: name, child: child, input: input, deadline: Clocks.monotonic() + Actions.patience))
      } catch {
        SystemLog.write(4, "action \(name): action.not-started: \(error.message)")
      }
    }
  }

  /// A child ended; perhaps one of these.
  func childEnded() {
    running.removeAll { action in
      guard let status = action.child.reap() else { return false }
      action.input.close()
      if status != 0 {
        SystemLog.write(
          4, "action \(action.name): action.failed: it ended with status \(status); what it wrote stands above")
      }
      return true
    }
    start()
  }

  /// Ends what took too long, and drops what it did not read; its end comes as that of any child.
  func due(at now: Int64) {
    for (index, action) in running.enumerated() where action.deadline <= now {
      SystemLog.write(
        4, "action \(action.name): action.too-slow: it took longer than \(Actions.patience / 1000) s and is ended")
      action.input.close()
      action.child.kill()
      running[index].deadline = .max
    }
  }
}
