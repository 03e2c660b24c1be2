// The directory backends: each folder has a thread of its own, which writes its files, removes them in time and takes erased patients
// out. Backends that name the same folder share its thread: nobody writes into a file that another one writes anew.

import GatewayCore
import Ledger
import Platform
import Settings

final class DirectoryBackends {
  private struct Folder {
    let worker: WorkerThread<DirectoryBackend>
    let path: String
    /// Nobody waits for long work any more.
    let stop: StopSign
    var keep: Int64?
    var last: [OutboxLane: [Deliverable]] = [:]
  }

  /// A patient's lines are looked for.
  private struct Erasure {
    let patient: String
    let removes: Bool
    /// How many backends have not answered.
    var missing: Int
    var files: [FileErasure] = []
  }

  /// Milliseconds between two looks at what was kept long enough.
  private static let pause: Int64 = 3_600_000

  private let mailbox: Mailbox<BackendMessage>
  private let erased: Mailbox<(erasure: Int, files: FileErasure)>
  private let retained: Mailbox<(backend: String, fault: String?)>
  private let emit: (Event) -> Void
  private var folders: [String: Folder] = [:]
  private var erasures: [Int: Erasure] = [:]
  private var erasureCount = 0
  private var retainAt: Int64?

  /// - Parameter mailbox: gets the outcomes of deliveries.
  init(
    _ loop: EventLoop, _ mailbox: Mailbox<BackendMessage>, _ emit: @escaping (Event) -> Void
  ) throws(SystemError) {
    self.mailbox = mailbox
    self.emit = emit
    erased = try Mailbox()
    retained = try Mailbox()
    retained.attach(to: loop) { emit(.directoryRetained(backend: $0.backend, fault: $0.fault)) }
    erased.attach(to: loop) { [unowned self] in received($0.erasure, $0.files) }
  }

  /// The backends of a configuration that came into force.
  func configure(_ configuration: Configuration) {
    for (name, folder) in folders
    where !configuration.backends.contains(where: { $0.name == name && $0.kind == .directory(path: folder.path) }) {
      folders[name] = nil
      guard !folders.values.contains(where: { $0.worker === folder.worker }) else { continue }
      folder.stop.raise()
      folder.worker.stop()
    }
    for backend in configuration.backends {
      guard case .directory(let path) = backend.kind else { continue }
      if folders[backend.name] == nil {
        let shared = folders.values.first { $0.path == path }
        if let worker = shared?.worker ?? (try? WorkerThread(DirectoryBackend(path: path))) {
          folders[backend.name] = Folder(worker: worker, path: path, stop: shared?.stop ?? StopSign())
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

  // MARK: Erasures

  /// Looks for a patient's lines, and takes them out where `removes` says so.
  func erase(_ patient: String, removes: Bool) {
    erasureCount += 1
    let number = erasureCount
    guard !folders.isEmpty else { return emit(.filesErased(patient: patient, removes: removes, [])) }
    let byPath = Dictionary(grouping: folders.keys.sorted()) { folders[$0]?.path ?? "" }
    let names = byPath.values.compactMap(\.first)
    erasures[number] = Erasure(patient: patient, removes: removes, missing: names.count)
    for name in names {
      guard let folder = folders[name] else { continue }
      folder.worker.run { [erased, stop = folder.stop] state in
        erased.post((number, state.erase(patient, removes: removes, as: name, stop)))
      }
    }
  }

  private func received(_ number: Int, _ files: FileErasure) {
    guard var erasure = erasures.removeValue(forKey: number) else { return }
    erasure.files.append(files)
    erasure.missing -= 1
    guard erasure.missing == 0 else {
      erasures[number] = erasure
      return
    }
    let found = erasure.files.sorted { $0.backend < $1.backend }
    emit(.filesErased(patient: erasure.patient, removes: erasure.removes, found))
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
    for (name, folder) in folders {
      guard let keep = folder.keep else { continue }
      folder.worker.run { [retained] state in retained.post((name, state.retain(keep: keep, now: wall))) }
    }
  }

  /// Finishes every delivery that was handed over; what takes long goes on after the next start.
  func stop() {
    for folder in Dictionary(grouping: folders.values, by: \.path).values.compactMap(\.first) {
      folder.stop.raise()
      folder.worker.stop()
    }
  }
}
