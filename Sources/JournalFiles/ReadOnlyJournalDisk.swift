// The journal's directory for those who only look: nothing is opened for writing, no lock is taken.

internal import Glibc
package import Journal
internal import Platform

/// A journal's directory, read-only. Every call that would change something fails with EROFS.
package final class ReadOnlyJournalDisk: JournalDisk {
  private let directory: String
  private var open: (name: String, file: File)?

  /// A journal's folder.
  package init(directory: String) { self.directory = directory }

  /// As `JournalDisk` says.
  package func list() throws(DiskError) -> [DiskEntry] {
    do throws(FileError) {
      return try Directory.list(directory).map {
        DiskEntry(name: $0.name, size: $0.size, isRegular: $0.isRegular, modified: $0.modified)
      }
    } catch { throw DiskError(operation: error.operation, path: error.path, errno: error.errno) }
  }

  /// As `JournalDisk` says.
  package func read(_ name: String, offset: Int, count: Int) throws(DiskError) -> [UInt8] {
    do throws(FileError) {
      if open?.name != name { open = (name, try File("\(directory)/\(name)", flags: O_RDONLY | O_NOFOLLOW)) }
      return try open?.file.read(at: offset, count: count) ?? []
    } catch { throw DiskError(operation: error.operation, path: error.path, errno: error.errno) }
  }

  private func refuse(_ operation: String, _ name: String) throws(DiskError) {
    throw DiskError(operation: operation, path: "\(directory)/\(name)", errno: EROFS)
  }

  /// Refused.
  package func create(_ name: String, size: Int) throws(DiskError) { try refuse("open", name) }
  /// Refused.
  package func write(_ name: String, offset: Int, _ octets: [UInt8]) throws(DiskError) { try refuse("pwrite", name) }
  /// Refused.
  package func sync(_ name: String) throws(DiskError) { try refuse("fdatasync", name) }
  /// Refused.
  package func syncDirectory() throws(DiskError) { try refuse("fsync", "") }
  /// Refused.
  package func rename(_ from: String, to: String) throws(DiskError) { try refuse("rename", from) }
  /// Refused.
  package func remove(_ name: String) throws(DiskError) { try refuse("unlink", name) }
  /// Refused.
  package func setAside(_ name: String, _ octets: [UInt8]) throws(DiskError) -> Bool {
    try refuse("open", name)
    return false
  }
}
