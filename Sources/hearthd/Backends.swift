// The backends' transports: each has its own thread or process, and answers through the mailbox when it is done.

import GatewayCore
import Platform

/// What a backend's transport tells.
struct BackendMessage: Sendable {
  var backend: String
  var outcome: DeliveryOutcome
}

/// Sends batches to backends.
final class Backends {
  private struct Directory {
    let worker: WorkerThread<DirectoryBackend>
    let path: String
    var last: [Deliverable] = []
  }

  private let mailbox: Mailbox<BackendMessage>
  private var directories: [String: Directory] = [:]
  private var natives: [String: NativeBackend] = [:]
  private let uplink: UplinkClient
  private let identity: NativeBackend.Identity

  init(
    _ loop: EventLoop, uplink: UplinkClient, identity: NativeBackend.Identity, _ emit: @escaping (Event) -> Void
  ) throws(SystemError) {
    self.uplink = uplink
    self.identity = identity
    mailbox = try Mailbox()
    mailbox.attach(to: loop) { emit(.delivered(backend: $0.backend, $0.outcome)) }
  }

  /// The backends of a configuration that came into force.
  func configure(_ configuration: Configuration) {
    for (name, directory) in directories
    where !configuration.backends.contains(where: { $0.name == name && $0.kind == .directory(path: directory.path) }) {
      directory.worker.stop()
      directories[name] = nil
    }
    natives = natives.filter { name, _ in configuration.backends.contains { $0.name == name } }
    for backend in configuration.backends {
      switch backend.kind {
      case .directory(let path):
        guard directories[backend.name] == nil, let worker = try? WorkerThread(DirectoryBackend(path: path)) else {
          continue
        }
        directories[backend.name] = Directory(worker: worker, path: path)
      case .native(let http):
        if natives[backend.name]?.http != http {
          natives[backend.name] = NativeBackend(
            name: backend.name, http: http, identity: identity, uplink: uplink, mailbox: mailbox)
        }
      }
    }
  }

  func deliver(_ backend: String, _ items: [Deliverable]) {
    if directories[backend] != nil {
      directories[backend]?.last = items
      redeliver(backend)
    } else {
      natives[backend]?.deliver(items)
    }
  }

  /// The octets of the last delivery once more.
  func redeliver(_ backend: String) {
    if let directory = directories[backend] {
      let items = directory.last
      directory.worker.run { [mailbox] state in
        mailbox.post(BackendMessage(backend: backend, outcome: state.deliver(items)))
      }
    } else {
      natives[backend]?.redeliver()
    }
  }

  /// When `due` wants to be called, monotonic milliseconds.
  var nextDeadline: Int64? { uplink.nextDeadline }

  /// Time went on.
  func due(at now: Int64) { uplink.due(at: now) }

  /// A child process ended: perhaps an uplink.
  func childEnded() { uplink.childEnded() }

  func stop() {
    for directory in directories.values { directory.worker.stop() }
    uplink.stop()
  }
}
