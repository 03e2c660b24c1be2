// What the journal asks of a disk: a seam, so that tests run it on a disk that loses power at any octet.

/// A call on the disk failed.
package struct DiskError: Error, Hashable, Sendable {
  /// `write`, `fdatasync`, `rename` …
  package var operation: String
  /// The file.
  package var path: String
  /// The system's number for the cause.
  package var errno: Int32
  /// A failure.
  package init(operation: String, path: String, errno: Int32) {
    self.operation = operation
    self.path = path
    self.errno = errno
  }
  /// ENOSPC, EDQUOT, EFBIG: there is no room.
  package var isFull: Bool { errno == 28 || errno == 122 || errno == 27 }
}

/// One name in the journal's directory.
package struct DiskEntry: Hashable, Sendable {
  package var name: String
  /// Octets in the file.
  package var size: Int
  /// False for directories, links, devices.
  package var isRegular: Bool
  /// Last change, wall clock, milliseconds since 1970.
  package var modified: Int64
  package init(name: String, size: Int, isRegular: Bool, modified: Int64) {
    self.name = name
    self.size = size
    self.isRegular = isRegular
    self.modified = modified
  }
}

/// One flat directory of files.
package protocol JournalDisk: AnyObject {
  /// All names.
  func list() throws(DiskError) -> [DiskEntry]
  /// A new file of zeros, its octets synced; the name is not yet. Fails when the name exists. Leaves no part on failure.
  func create(_ name: String, size: Int) throws(DiskError)
  /// Fewer octets only at the end of the file.
  func read(_ name: String, offset: Int, count: Int) throws(DiskError) -> [UInt8]
  /// All octets, or an error.
  func write(_ name: String, offset: Int, _ octets: [UInt8]) throws(DiskError)
  /// The octets of a file are on the medium when this returns.
  func sync(_ name: String) throws(DiskError)
  /// All names are on the medium when this returns.
  func syncDirectory() throws(DiskError)
  /// Gives a file another name.
  func rename(_ from: String, to: String) throws(DiskError)
  /// Takes a name away.
  func remove(_ name: String) throws(DiskError)
  /// Keeps a copy of damaged octets under `damaged/`; false when that copy is there already.
  func setAside(_ name: String, _ octets: [UInt8]) throws(DiskError) -> Bool
}
