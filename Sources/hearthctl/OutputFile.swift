// A file that a verb writes: whether that can be done is known before somebody measures for it.

import Glibc
import Platform

enum OutputFile {
  /// Throws where the folder is not there, or nobody may write into it.
  static func check(_ path: String) throws(Failure) {
    let folder = path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
    var facts = stat()
    guard stat(folder, &facts) == 0 else { throw failure(path, FileError("open", folder, errno)) }
    guard facts.st_mode & S_IFMT == S_IFDIR else { throw failure(path, FileError("open", folder, ENOTDIR)) }
    guard access(folder, W_OK | X_OK) == 0 else { throw failure(path, FileError("open", folder, errno)) }
  }

  /// Why a file could not be written: no such place, not for this user, or no room.
  static func failure(_ path: String, _ error: FileError) -> Failure {
    let (status, code): (Int32, String) =
      switch error.errno {
      case EACCES, EPERM, EROFS: (77, "not-permitted")
      case ENOSPC, EDQUOT: (75, "disk-full")
      default: (69, "not-found")
      }
    return Failure(
      status: status, code: code, message: "\(path): cannot be written (\(error))",
      hint: status == 75 ? "make room on the disk, then try again" : "name a file in a folder that you may write to")
  }
}
