// Directories and names: list, make, rename, unlink, and the fsync that makes changes of names last.

internal import CLinux
internal import Glibc

/// One name in a directory.
package struct DirectoryEntry: Hashable, Sendable {
  package var name: String
  /// Octets in the file.
  package var size: Int
  /// A regular file; links are not followed.
  package var isRegular: Bool
  /// Last change, milliseconds since 1970.
  package var modified: Int64
}

/// Calls on names.
package enum Directory {
  /// Makes a directory 0700 unless it is there.
  package static func make(_ path: String) throws(FileError) {
    if mkdir(path, 0o700) == 0 { return }
    let cause = errno
    guard cause == EEXIST else { throw FileError("mkdir", path, cause) }
  }

  /// All names but `.` and `..`, in no order. A name that goes away meanwhile is left out.
  package static func list(_ path: String) throws(FileError) -> [DirectoryEntry] {
    guard let handle = opendir(path) else { throw FileError("opendir", path, errno) }
    defer { closedir(handle) }
    var entries: [DirectoryEntry] = []
    while true {
      errno = 0
      guard let entry = readdir(handle) else {
        let cause = errno
        if cause != 0 { throw FileError("readdir", path, cause) }
        return entries
      }
      let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name == "." || name == ".." { continue }
      var info = stat()
      guard lstat("\(path)/\(name)", &info) == 0 else { continue }
      entries.append(
        DirectoryEntry(
          name: name, size: Int(info.st_size), isRegular: info.st_mode & S_IFMT == S_IFREG,
          modified: Int64(info.st_mtim.tv_sec) &* 1000 &+ Int64(info.st_mtim.tv_nsec) / 1_000_000))
    }
  }

  /// Changes of names in this directory are on the medium.
  package static func sync(_ path: String) throws(FileError) {
    try File(path, flags: O_RDONLY | O_DIRECTORY).sync()
  }

  /// Gives a file another name, over whatever has it.
  package static func rename(_ from: String, to: String) throws(FileError) {
    try retrying("rename", from) { Int(Glibc.rename(from, to)) }
  }

  /// Takes a file's name away.
  package static func remove(_ path: String) throws(FileError) {
    try retrying("unlink", path) { Int(unlink(path)) }
  }
}
