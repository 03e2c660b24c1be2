// The directory backends: each folder has a thread of its own, which writes its files and removes them in time.
// Backends that name the same folder share its thread.

import GatewayCore
import Ledger
import Platform
import Settings

final class DirectoryBackends {
  private struct Folder {
    let worker: WorkerThread<DirectoryBackend>
    let path: String
    var keep: Int64?
    var last: [OutboxLane: [Deliverable]] = [:]
  }

  /// Milliseconds between two looks at what was kept long enough.
  private static let pause: Int64 = 3_600_000

  private let mailbox: Mailbox<BackendMessage>
  private var folders: [String: Folder] = [:]
  private var retainAt: Int64?

  /// - Parameter mailbox: gets the outcomes of deliveries.
  init(_ mailbox: Mailbox<BackendMessage>) { self.mailbox = mailbox }

  /// The backends of a configuration that came into force.
  func configure(_ configuration: Configuration) {
    for (name, folder) in folders
    where !configuration.backends.contains(where: { $0.name == name && $0.kind == .directory(path: folder.path) }) {
      folders[name] = nil
      guard !folders.values.contains(where: { $0.worker === folder.worker }) else { continue }
      folder.worker.stop()
    }
    for backend in configuration.backends {
      guard case .directory(let path) = backend.kind else { continue }
      if folders[backend.name] == nil {
        let shared = folders.values.first { $0.path == path }
        if let worker = shared?.worker ?? (try? WorkerThread(DirectoryBackend(path: path))) {
          folders[backend.name] = Folder(worker: worker, path: path)
        }
      }
      folders[backend.name]?.keep = backend.keep
    }
    // What is kept for a shorter time now need not wait for the next hour.
    retainAt = folders.values.contains { $0.keep != nil } ? Clocks.monotonic() : nil
  }

  /// False when it is another kind of backend.
  func deliver(_ way: BackendLane, _ items: [Deliverable]) -> Bool {
    folders[way.backend]?.last[way.lane] = items
    return redeliver(way)
  }

  /// False when it is another kind of backend.
  func redeliver(_ way: BackendLane) -> Bool {
    guard let folder = folders[way.backend] else { return false }
    let items = folder.last[way.lane] ?? []
    folder.worker.run { [mailbox] state in
      mailbox.post(BackendMessage(way: way, outcome: state.deliver(items)))
    }
    return true
  }

  // MARK: Time

  /// When `due` wants to be called, monotonic milliseconds.
  var nextDeadline: Int64? { retainAt }

  /// Time went on.
  func due(at now: Int64) {
    guard let time = retainAt, time <= now else { return }
    retainAt = now + DirectoryBackends.pause
    // A clock that was never set says nothing of a file's age.
    guard Clocks.isSynchronised() || Clocks.hasBattery() else { return }
    let wall = Clocks.wall()
    for folder in folders.values {
      guard let keep = folder.keep else { continue }
      folder.worker.run { state in state.retain(keep: keep, now: wall) }
    }
  }

  /// Finishes everything that was handed over.
  func stop() {
    for folder in Dictionary(grouping: folders.values, by: \.path).values.compactMap(\.first) {
      folder.worker.stop()
    }
  }
}
