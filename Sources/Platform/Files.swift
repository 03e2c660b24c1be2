// POSIX files: each call loops over EINTR and short counts, and an error says the call, the path and errno.

internal import Glibc

/// A call on a file failed.
package struct FileError: Error, Hashable, Sendable, CustomStringConvertible {
  /// `open`, `pwrite`, `fdatasync` …
  package var operation: String
  /// The file.
  package var path: String
  /// The system's number for the cause.
  package var errno: Int32
  /// A failure.
  package init(_ operation: String, _ path: String, _ errno: Int32) {
    self.operation = operation
    self.path = path
    self.errno = errno
  }
  /// For a log line.
  package var description: String { "\(operation) \(path): \(String(cString: strerror(errno)))" }
}

/// Calls `body` until it is not interrupted; throws errno as it was right after the call.
@discardableResult
func retrying(_ operation: String, _ path: String, _ body: () -> Int) throws(FileError) -> Int {
  while true {
    let result = body()
    if result >= 0 { return result }
    let cause = errno
    if cause != EINTR { throw FileError(operation, path, cause) }
  }
}

/// An open file. Closed when the last reference goes.
package final class File {
  /// The descriptor; valid while the object lives.
  package let descriptor: Int32
  /// For errors.
  package let path: String

  /// Opens with O_CLOEXEC.
  package init(_ path: String, flags: Int32, mode: UInt32 = 0o600) throws(FileError) {
    self.path = path
    descriptor = Int32(truncatingIfNeeded: try retrying("open", path) { Int(open(path, flags | O_CLOEXEC, mode)) })
  }

  deinit { close(descriptor) }

  /// Reads at an offset; fewer octets only at the end of the file.
  package func read(at offset: Int, count: Int) throws(FileError) -> [UInt8] {
    var failure: FileError?
    let octets = [UInt8](unsafeUninitializedCapacity: max(0, count)) { buffer, filled in
      filled = 0
      do throws(FileError) {
        while filled < count, let base = buffer.baseAddress {
          let done = filled
          let got = try retrying("pread", path) { pread(descriptor, base + done, count - done, offset + done) }
          if got == 0 { return }
          filled += got
        }
      } catch { failure = error }
    }
    if let failure { throw failure }
    return octets
  }

  /// Writes all octets at an offset.
  package func write(_ octets: [UInt8], at offset: Int) throws(FileError) {
    let failure = octets.withUnsafeBytes { (buffer) -> FileError? in
      do throws(FileError) {
        var done = 0
        while done < buffer.count, let base = buffer.baseAddress {
          let put = try retrying("pwrite", path) {
            pwrite(descriptor, base + done, buffer.count - done, offset + done)
          }
          guard put > 0 else { return FileError("pwrite", path, EIO) }
          done += put
        }
        return nil
      } catch { return error }
    }
    if let failure { throw failure }
  }

  /// The octets are on the medium.
  package func syncData() throws(FileError) { try retrying("fdatasync", path) { Int(fdatasync(descriptor)) } }

  /// The octets and all about the file are on the medium.
  package func sync() throws(FileError) { try retrying("fsync", path) { Int(fsync(descriptor)) } }

  /// Writes zeros over the first `count` octets: blocks are there afterwards, and writing over them changes no metadata.
  package func fillWithZeros(_ count: Int) throws(FileError) {
    let block = [UInt8](repeating: 0, count: min(max(count, 0), 256 << 10))
    var done = 0
    while done < count {
      let part = min(block.count, count - done)
      try write(part == block.count ? block : Array(block.prefix(part)), at: done)
      done += part
    }
  }

  /// Octets in the file.
  package func size() throws(FileError) -> Int {
    var info = stat()
    try retrying("fstat", path) { Int(fstat(descriptor, &info)) }
    return Int(info.st_size)
  }

  /// Takes the exclusive lock without waiting; false when another process has it.
  package func tryLock() throws(FileError) -> Bool {
    do throws(FileError) {
      try retrying("flock", path) { Int(flock(descriptor, LOCK_EX | LOCK_NB)) }
      return true
    } catch {
      if error.errno == EWOULDBLOCK { return false }
      throw error
    }
  }

  /// Cuts or extends the file.
  package func truncate(to size: Int) throws(FileError) {
    try retrying("ftruncate", path) { Int(ftruncate(descriptor, size)) }
  }
}
