// What becomes of a directory backend's files when they were kept long enough. It runs on the thread that writes the files.

import Exchange
import Glibc
import Ledger
import Platform

extension DirectoryBackend {
  /// The most days that one round removes: a hub that kept them for years is no hub that does nothing else for minutes.
  private static let mostDays = 16

  /// Removes the files of days that are over for longer than `keep`, all times in milliseconds.
  mutating func retain(keep: Int64, now: Int64) {
    do throws(FileError) {
      guard access(path, F_OK) == 0 else { return }
      let names = try Directory.list(path).filter(\.isRegular).map(\.name)
      let outlived = DayFile.outlived(names, now: now, keep: keep, most: DirectoryBackend.mostDays)
      guard !outlived.isEmpty else { return }
      for name in outlived {
        ends["\(path)/\(name)"] = nil
        try Shredder.remove("\(path)/\(name)")
      }
      try Directory.sync(path)
      SystemLog.write(
        5, "directory.expired: \(outlived.count) files of a directory backend were kept long enough and are removed")
    } catch {
      SystemLog.write(
        4,
        "directory.not-removed: a file that was kept long enough stays: \(error.reason); it is tried again in an hour")
    }
  }
}
