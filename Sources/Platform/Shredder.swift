// Files whose octets are to be gone, not only their names: zeros over them, synced, then the name. What the medium itself keeps of
// old octets (a flash disk's spare blocks, a copying file system) is beyond a program's reach.

internal import Glibc

/// Overwrites and removes.
package enum Shredder {
  /// Overwrites a regular file with zeros, syncs and unlinks it; any other name is only unlinked.
  package static func remove(_ path: String) throws(FileError) {
    var info = stat()
    try retrying("lstat", path) { Int(lstat(path, &info)) }
    if info.st_mode & S_IFMT == S_IFREG, info.st_size > 0, info.st_nlink == 1 {
      let file = try File(path, flags: O_WRONLY | O_NOFOLLOW)
      try file.fillWithZeros(Int(info.st_size))
      try file.sync()
    }
    try Directory.remove(path)
  }

  /// Writes a file as `StateFile.write` does, and overwrites the octets that were there before. Until that is done they have the name
  /// `PATH.old`; one that an end in between left goes first.
  package static func replace(_ path: String, by octets: [UInt8]) throws(FileError) {
    let old = "\(path).old"
    if access(old, F_OK) == 0 { try remove(old) }
    // A file system without hard links keeps the octets until they are used again.
    let isKept = link(path, old) == 0
    do throws(FileError) {
      try StateFile.write(octets, to: path)
    } catch {
      if isKept { unlink(old) }
      throw error
    }
    if isKept { try remove(old) }
  }

  /// Removes everything under a folder, the folder itself too when `keepsFolder` is false. Links are not followed.
  package static func removeTree(_ path: String, keepsFolder: Bool) throws(FileError) {
    for entry in try Directory.list(path) {
      let inner = "\(path)/\(entry.name)"
      var info = stat()
      guard lstat(inner, &info) == 0 else { continue }
      if info.st_mode & S_IFMT == S_IFDIR {
        try removeTree(inner, keepsFolder: false)
      } else {
        try remove(inner)
      }
    }
    try Directory.sync(path)
    if !keepsFolder { try retrying("rmdir", path) { Int(rmdir(path)) } }
  }
}
