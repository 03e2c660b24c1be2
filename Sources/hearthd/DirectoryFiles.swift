// What becomes of a directory backend's files beside being written: days that were kept long enough go, and so do an erased
// patient's lines. All of it runs on the thread that writes the files, so no line is appended meanwhile.
//
// A file that is written anew is whole on the medium as NAME.new before NAME becomes NAME.erased and NAME.new becomes NAME. The old
// octets are overwritten last. Where the daemon ended in between, the next one finds by these names how far it was.

import ControlProtocol
import Exchange
import Glibc
import Ledger
import Platform

extension DirectoryBackend {
  /// The most days that one round removes: a hub that kept them for years is no hub that does nothing else for minutes.
  private static let mostDays = 16
  /// Octets that are read at once.
  private static let part = 256 << 10

  // MARK: What was kept long enough

  /// Removes the files of days that are over for longer than `keep`, all times in milliseconds.
  /// - Returns: why some of them stay; nil when all went.
  mutating func retain(keep: Int64, now: Int64) -> String? {
    var names: [String] = []
    do throws(FileError) {
      guard access(path, F_OK) == 0 else { return nil }
      if hasLeftOver { isSettled = false }
      try settle()
      names = try Directory.list(path).filter(\.isRegular).map(\.name)
    } catch {
      SystemLog.write(
        4, "directory.not-removed: its folder cannot be looked through: \(error.reason); it is tried again in an hour")
      return "its folder cannot be looked through: \(error)"
    }
    do throws(FileError) {
      let outlived = DayFile.outlived(names, now: now, keep: keep, most: DirectoryBackend.mostDays)
      guard !outlived.isEmpty else { return nil }
      // One that stays keeps no other from going.
      var failure: FileError?
      for name in outlived {
        forget("\(path)/\(name)")
        do throws(FileError) { try Shredder.remove("\(path)/\(name)") } catch { failure = error }
      }
      try Directory.sync(path)
      if let failure { throw failure }
      SystemLog.write(
        5,
        "directory.expired: removed, kept long enough: \(Count.of(outlived.count, "file")) of a directory backend")
      return nil
    } catch {
      SystemLog.write(
        4,
        "directory.not-removed: a file that was kept long enough stays: \(error.reason); it is tried again in an hour")
      return "\(error)"
    }
  }

  // MARK: An erased patient's lines

  /// Looks for a patient's lines, and writes the files that hold some anew without them where `removes` says so.
  /// - Parameter stop: nobody waits for it any more.
  mutating func erase(_ patient: String, removes: Bool, as backend: String, _ stop: StopSign) -> FileErasure {
    var report = FileErasure(backend: backend, folder: path)
    do throws(FileError) {
      guard access(path, F_OK) == 0 || errno != ENOENT else { return report }
      try settle()
      let names = try Directory.list(path).filter(\.isRegular).compactMap { DayFile($0.name) }
      for file in names where file.part == .old && removes {
        do throws(FileError) { try Shredder.remove("\(path)/\(file.old)") } catch {
          report.left.append(FileErasure.Left(file: file.old, reason: error.reason))
        }
      }
      for file in names.filter({ $0.part == .lines }).sorted(by: { $0.end < $1.end }) {
        do throws(FileError) {
          let lines = try count(file, patient, stop)
          guard lines > 0 else { continue }
          report.files += 1
          report.lines += lines
          guard removes else { continue }
          try rewrite(file, patient, stop)
          report.rewritten += 1
          report.removed += lines
        } catch {
          report.left.append(FileErasure.Left(file: file.name, reason: error.reason))
        }
      }
    } catch {
      report.left.append(FileErasure.Left(file: "", reason: error.reason))
    }
    return report
  }

  private func count(_ file: DayFile, _ patient: String, _ stop: StopSign) throws(FileError) -> Int {
    var lines = PatientLines(patient)
    try read(file, &lines, stop) { _ throws(FileError) in }
    return lines.count
  }

  /// Gives a file's lines but for the patient's, in parts.
  private func read(
    _ file: DayFile, _ lines: inout PatientLines, _ stop: StopSign, _ take: ([UInt8]) throws(FileError) -> Void
  ) throws(FileError) {
    let source = try File("\(path)/\(file.name)", flags: O_RDONLY | O_NOFOLLOW)
    var offset = 0
    while true {
      // The daemon ends, or the backend is configured no more.
      guard !stop.isRaised else { throw FileError("read", source.path, ECANCELED) }
      let octets = try source.read(at: offset, count: DirectoryBackend.part)
      guard !octets.isEmpty else { break }
      offset += octets.count
      guard let kept = try? lines.take(octets) else { throw FileError("read a line", source.path, EFBIG) }
      try take(kept)
    }
    lines.finish()
  }

  private mutating func rewrite(_ file: DayFile, _ patient: String, _ stop: StopSign) throws(FileError) {
    let (name, draft, old) = ("\(path)/\(file.name)", "\(path)/\(file.draft)", "\(path)/\(file.old)")
    // As whoever collects the files may read them.
    var info = stat()
    let mode = lstat(name, &info) == 0 ? info.st_mode & 0o777 : 0o640
    // Whatever else has this name is somebody else's.
    let new = try File(draft, flags: O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: mode)
    do throws(FileError) {
      fchmod(new.descriptor, mode)
      var lines = PatientLines(patient)
      var end = 0
      try read(file, &lines, stop) { kept throws(FileError) in
        try new.write(kept, at: end)
        end += kept.count
      }
      try new.sync()
      forget(name)
      try Directory.rename(name, to: old)
    } catch {
      unlink(draft)
      throw error
    }
    do throws(FileError) {
      try Directory.rename(draft, to: name)
    } catch {
      try Directory.rename(old, to: name)
      unlink(draft)
      throw error
    }
    try Directory.sync(path)
    try Shredder.remove(old)
    try Directory.sync(path)
  }

  // MARK: After an end in between

  /// Finishes what an earlier process left half done, before anything else is done in the folder.
  mutating func settle() throws(FileError) {
    guard !isSettled else { return }
    hasLeftOver = false
    let names = Set(try Directory.list(path).filter(\.isRegular).map(\.name))
    for name in names.sorted() {
      guard let file = DayFile(name) else { continue }
      switch file.part {
      case .lines: break
      case .old:
        if !names.contains(file.name) {
          // The new file is whole: it was so before the old one got this name.
          let isThere = names.contains(file.draft)
          try Directory.rename("\(path)/\(isThere ? file.draft : name)", to: "\(path)/\(file.name)")
          try Directory.sync(path)
          guard isThere else { continue }
        }
        shred(name)
      case .draft: if names.contains(file.name) || !names.contains(file.old) { shred(name) }
      }
    }
    isSettled = true
  }

  private mutating func shred(_ name: String) {
    do throws(FileError) {
      try Shredder.remove("\(path)/\(name)")
    } catch {
      hasLeftOver = true
      SystemLog.write(
        4,
        "directory.left-over: a file that was written anew is still there in its old form: \(error.reason); tried again in an hour"
      )
    }
  }
}
