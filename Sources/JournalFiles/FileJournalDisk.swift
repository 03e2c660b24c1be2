// The journal's disk on real files: a flat directory, descriptors kept open for the segments in use.

internal import Glibc
package import Journal
internal import Platform

/// The journal's directory. One thread uses it.
package final class FileJournalDisk: JournalDisk {
  private let directory: String
  private var open: [(name: String, file: File)] = []

  /// A folder that exists.
  package init(directory: String) { self.directory = directory }

  private func path(_ name: String) -> String { "\(directory)/\(name)" }

  private func run<Result>(_ body: () throws(FileError) -> Result) throws(DiskError) -> Result {
    do throws(FileError) { return try body() } catch {
      throw DiskError(operation: error.operation, path: error.path, errno: error.errno)
    }
  }

  /// A descriptor for a name; the four used last stay open.
  private func file(_ name: String) throws(FileError) -> File {
    if let index = open.lastIndex(where: { $0.name == name }) { return open[index].file }
    let file = try File(path(name), flags: O_RDWR | O_NOFOLLOW)
    open.append((name, file))
    if open.count > 4 { open.removeFirst() }
    return file
  }

  private func forget(_ name: String) { open.removeAll { $0.name == name } }

  /// As `JournalDisk` says.
  package func list() throws(DiskError) -> [DiskEntry] {
    try run { () throws(FileError) in
      try Directory.list(directory).map {
        DiskEntry(name: $0.name, size: $0.size, isRegular: $0.isRegular, modified: $0.modified)
      }
    }
  }

  /// As `JournalDisk` says.
  package func create(_ name: String, size: Int) throws(DiskError) {
    try run { () throws(FileError) in
      let file = try File(path(name), flags: O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW)
      do throws(FileError) {
        try file.fillWithZeros(size)
        try file.sync()
      } catch {
        unlink(path(name))
        throw error
      }
    }
  }

  /// As `JournalDisk` says.
  package func read(_ name: String, offset: Int, count: Int) throws(DiskError) -> [UInt8] {
    try run { () throws(FileError) in try file(name).read(at: offset, count: count) }
  }

  /// As `JournalDisk` says.
  package func write(_ name: String, offset: Int, _ octets: [UInt8]) throws(DiskError) {
    try run { () throws(FileError) in try file(name).write(octets, at: offset) }
  }

  /// As `JournalDisk` says.
  package func sync(_ name: String) throws(DiskError) {
    try run { () throws(FileError) in try file(name).syncData() }
  }

  /// As `JournalDisk` says.
  package func syncDirectory() throws(DiskError) {
    try run { () throws(FileError) in try Directory.sync(directory) }
  }

  /// As `JournalDisk` says.
  package func rename(_ from: String, to: String) throws(DiskError) {
    forget(from)
    forget(to)
    try run { () throws(FileError) in try Directory.rename(path(from), to: path(to)) }
  }

  /// As `JournalDisk` says.
  package func remove(_ name: String) throws(DiskError) {
    forget(name)
    try run { () throws(FileError) in try Directory.remove(path(name)) }
  }

  /// As `JournalDisk` says.
  package func setAside(_ name: String, _ octets: [UInt8]) throws(DiskError) -> Bool {
    try run { () throws(FileError) in
      let folder = path("damaged")
      try Directory.make(folder)
      if access("\(folder)/\(name)", F_OK) == 0 { return false }
      try StateFile.write(octets, to: "\(folder)/\(name)")
      return true
    }
  }
}
