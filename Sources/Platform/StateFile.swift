// Small files of state that are replaced whole: after a power cut there is the old one or the new one.

internal import Glibc

/// Replacing and reading small files.
package enum StateFile {
  /// Writes a temporary file 0600 beside it, syncs it, renames it over `path`, and syncs the directory.
  package static func write(_ octets: [UInt8], to path: String) throws(FileError) {
    let temporary = "\(path).new"
    do throws(FileError) {
      let file = try File(temporary, flags: O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW)
      try retrying("fchmod", temporary) { Int(fchmod(file.descriptor, 0o600)) }
      try file.write(octets, at: 0)
      try file.sync()
      try Directory.rename(temporary, to: path)
    } catch {
      unlink(temporary)
      throw error
    }
    try Directory.sync(parent(path))
  }

  /// The whole file; nil when there is none.
  /// - Parameter maximumBytes: a larger file throws EFBIG.
  package static func read(_ path: String, maximumBytes: Int = 16 << 20) throws(FileError) -> [UInt8]? {
    do throws(FileError) {
      let octets = try File(path, flags: O_RDONLY).read(at: 0, count: maximumBytes + 1)
      guard octets.count <= maximumBytes else { throw FileError("read", path, EFBIG) }
      return octets
    } catch {
      if error.errno == ENOENT { return nil }
      throw error
    }
  }

  static func parent(_ path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }
}
