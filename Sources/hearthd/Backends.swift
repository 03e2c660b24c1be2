// The backends' transports: each has its own thread or process, and answers through the mailbox when it is done.

import Exchange
import GatewayCore
import Monitoring
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
  private var senders: [String: HTTPSender] = [:]
  private let uplink: UplinkClient
  private let helpers: HelperPrograms
  private let identity: HTTPSender.Identity

  init(
    _ loop: EventLoop, uplink: UplinkClient, identity: HTTPSender.Identity, _ emit: @escaping (Event) -> Void
  ) throws(SystemError) {
    self.uplink = uplink
    self.identity = identity
    helpers = HelperPrograms(loop)
    mailbox = try Mailbox()
    mailbox.attach(to: loop) { emit(.delivered(backend: $0.backend, $0.outcome)) }
  }

  /// The backends of a configuration that came into force, and the patients' plans.
  func configure(_ configuration: Configuration, plans: [String: Plan]) {
    for (name, directory) in directories
    where !configuration.backends.contains(where: { $0.name == name && $0.kind == .directory(path: directory.path) }) {
      directory.worker.stop()
      directories[name] = nil
    }
    var orphans: [String: [Deliverable]] = [:]
    for (name, sender) in senders
    where !configuration.backends.contains(where: { $0.name == name && $0.kind.name == sender.format.name }) {
      orphans[name] = sender.abandon()
      senders[name] = nil
    }
    for backend in configuration.backends {
      switch backend.kind {
      case .directory(let path):
        guard directories[backend.name] == nil, let worker = try? WorkerThread(DirectoryBackend(path: path)) else {
          continue
        }
        directories[backend.name] = Directory(worker: worker, path: path)
      case .http(let format, let http):
        let known = senders[backend.name]
        if known?.http != http || known?.format != format {
          if let known { orphans[backend.name] = known.abandon() }
          senders[backend.name] = HTTPSender(
            backend, format, http, identity: identity, uplink: uplink, helpers: helpers, mailbox: mailbox)
        }
        senders[backend.name]?.maximumBytes = backend.maximumBytes
        senders[backend.name]?.bands = plans.mapValues { PatientBands($0) }
      }
    }
    // The outboxes wait for the answers to what the old settings were sending.
    for (name, items) in orphans where !items.isEmpty { deliver(name, items) }
  }

  func deliver(_ backend: String, _ items: [Deliverable]) {
    if directories[backend] != nil {
      directories[backend]?.last = items
      redeliver(backend)
    } else {
      senders[backend]?.deliver(items)
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
      senders[backend]?.redeliver()
    }
  }

  /// When `due` wants to be called, monotonic milliseconds.
  var nextDeadline: Int64? { [uplink.nextDeadline, helpers.nextDeadline].compactMap { $0 }.min() }

  /// Time went on.
  func due(at now: Int64) {
    uplink.due(at: now)
    helpers.due(at: now)
  }

  /// A child process ended: perhaps an uplink, perhaps a helper.
  func childEnded() {
    uplink.childEnded()
    helpers.childEnded()
  }

  func stop() {
    for directory in directories.values { directory.worker.stop() }
    uplink.stop()
    helpers.stop()
  }
}
