// A file that a verb is given. `-` is standard input as it was handed over, not what /dev/stdin opens again.

import Glibc
import Platform

enum InputFile {
  /// The octets of a file of at most so many.
  static func read(_ path: String, atMost most: Int, hint: String) throws(Failure) -> [UInt8] {
    do throws(SystemError) {
      let fd = open(path, O_RDONLY | O_CLOEXEC)
      guard fd >= 0 else { throw .last("open") }
      defer { Descriptor.close(fd) }
      return try SmallFile.read(descriptor: fd, atMost: most)
    } catch {
      throw .file(path, error, hint: hint)
    }
  }

  /// What is left of standard input, whatever kind it is of.
  static func standardInput(atMost most: Int, hint: String) throws(Failure) -> [UInt8] {
    do throws(SystemError) {
      return try SmallFile.read(descriptor: 0, atMost: most)
    } catch {
      throw .file("standard input", error, hint: hint)
    }
  }
}
