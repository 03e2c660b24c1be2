// The daemon's journal: its directory, the lock against a second daemon, and the journal that runs there.

internal import Glibc
package import Journal
internal import Platform

/// The journal on real files.
package typealias FileJournal = RecordJournal<FileJournalDisk>

/// Why the journal cannot be opened.
package enum JournalOpenError: Error, CustomStringConvertible {
  /// Another daemon has it; its process id where the lock tells it.
  case locked(path: String, pid: Int32?)
  /// The directory cannot be made or listed.
  case disk(DiskError)
  /// A later version wrote a record that must not be passed over. Nothing but the lock was written.
  case newerVersion(path: String, segment: String, kind: UInt8)

  /// The stable code.
  package var code: String {
    switch self {
    case .locked: "journal.locked"
    case .disk: "journal.disk-failed"
    case .newerVersion: "journal.newer-version"
    }
  }

  /// One sentence for a person.
  package var description: String {
    switch self {
    case .locked(let path, let pid):
      "journal.locked: \(path) is in use by another hearthd" + (pid.map { " (process \($0))" } ?? "")
    case .disk(let error):
      "journal.disk-failed: \(error.operation) \(error.path): \(String(cString: strerror(error.errno)))"
    case .newerVersion(let path, let segment, let kind):
      "journal.newer-version: the journal \(path) holds a record of kind \(kind) of a newer version (\(segment)); "
        + "this version must not run on it; install the newer version again"
    }
  }
}

/// Holds the lock as long as it lives.
package final class JournalStore {
  package var journal: FileJournal
  /// What recovery found.
  package let recovery: JournalRecovery
  private let lock: File
  private let directory: String

  /// Opens `<state directory>/journal`; makes it when it is not there.
  package init(
    stateDirectory: String, limits: JournalLimits = JournalLimits(), visit: (JournalRecord) -> Void
  ) throws(JournalOpenError) {
    let directory = "\(stateDirectory)/journal"
    self.directory = directory
    do throws(FileError) {
      try Directory.make(directory)
      try Directory.sync(stateDirectory)
      lock = try File("\(directory)/lock", flags: O_RDWR | O_CREAT | O_NOFOLLOW)
    } catch {
      throw .disk(DiskError(operation: error.operation, path: error.path, errno: error.errno))
    }
    try Self.take(lock)
    do throws(RecoveryFailure) {
      (journal, recovery) = try FileJournal.open(FileJournalDisk(directory: directory), limits: limits, visit: visit)
    } catch {
      switch error {
      case .disk(let error): throw .disk(error)
      case .newerKind(let kind, let segment, _):
        throw .newerVersion(path: directory, segment: segment, kind: kind.rawValue)
      }
    }
  }

  /// How full the disk is, in percent of what the daemon may use; nil when it cannot be told.
  package var diskPercent: Int? { Self.diskPercent(of: directory) }

  /// The same of any folder.
  package static func diskPercent(of directory: String) -> Int? {
    var system = statvfs()
    guard statvfs(directory, &system) == 0, system.f_blocks >= system.f_bfree else { return nil }
    let used = system.f_blocks - system.f_bfree
    let whole = used + system.f_bavail
    return whole > 0 ? Int(used * 100 / whole) : nil
  }

  /// One of the copies of damaged octets goes: nobody can tell whose they are.
  /// - Returns: true when one went, and others may be there.
  package func removeNextSetAside() throws(DiskError) -> Bool {
    let folder = "\(directory)/damaged"
    do throws(FileError) {
      guard access(folder, F_OK) == 0, let entry = try Directory.list(folder).first(where: \.isRegular) else {
        return false
      }
      try Shredder.remove("\(folder)/\(entry.name)")
      try Directory.sync(folder)
      return true
    } catch { throw DiskError(operation: error.operation, path: error.path, errno: error.errno) }
  }

  /// The lock is the kernel's; the number in the file only helps a person and may be missing.
  private static func take(_ lock: File) throws(JournalOpenError) {
    let isOurs: Bool
    do throws(FileError) { isOurs = try lock.tryLock() } catch {
      throw .disk(DiskError(operation: error.operation, path: error.path, errno: error.errno))
    }
    guard isOurs else {
      let text = String(decoding: (try? lock.read(at: 0, count: 20)) ?? [], as: UTF8.self)
      throw .locked(path: lock.path, pid: Int32(text.prefix { $0.isNumber }))
    }
    _ = try? lock.truncate(to: 0)
    _ = try? lock.write(Array("\(getpid())\n".utf8), at: 0)
  }
}
