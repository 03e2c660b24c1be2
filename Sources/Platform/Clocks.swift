// The clocks of the machine.

internal import CLinux
internal import Glibc

/// Reads the clocks.
package enum Clocks {
  /// CLOCK_BOOTTIME in milliseconds.
  package static func monotonic() -> Int64 { milliseconds(CLOCK_BOOTTIME) }
  /// Milliseconds since 1970.
  package static func wall() -> Int64 { milliseconds(CLOCK_REALTIME) }
  /// True when something keeps the wall clock right, by the kernel's word (adjtimex(2)). Where a sandbox forbids to ask,
  /// systemd-timesyncd's mark says it.
  package static func isSynchronised() -> Bool {
    let word = cl_clock_synchronised()
    return word < 0 ? access("/run/systemd/timesync/synchronized", F_OK) == 0 : word == 1
  }

  /// False on a machine that knows real-time clocks and has none that set the wall clock at boot: its time is wrong until it is
  /// synchronised. A machine that tells nothing of such clocks is taken to have one.
  package static func hasBattery() -> Bool {
    guard let folder = opendir("/sys/class/rtc") else { return true }
    defer { closedir(folder) }
    while let entry = readdir(folder) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) { tuple in
        tuple.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      guard !name.hasPrefix("."), let octets = SmallFile.read("/sys/class/rtc/\(name)/hctosys", atMost: 16) else {
        continue
      }
      if octets.first == 0x31 { return true }
    }
    return false
  }

  private static func milliseconds(_ clock: clockid_t) -> Int64 {
    var time = timespec()
    clock_gettime(clock, &time)
    return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
  }

  /// The kernel's id of this boot.
  package static func bootID() -> String {
    guard let octets = SmallFile.read("/proc/sys/kernel/random/boot_id", atMost: 64) else { return "unknown" }
    return String(decoding: octets.filter { $0 > 0x20 }, as: UTF8.self)
  }

  /// Octets from the kernel's random number generator.
  package static func random(_ count: Int) -> [UInt8] {
    var octets = [UInt8](repeating: 0, count: count)
    var filled = 0
    while filled < count {
      let result = octets.withUnsafeMutableBytes { getrandom($0.baseAddress?.advanced(by: filled), count - filled, 0) }
      if result > 0 { filled += result } else if Glibc.errno != EINTR { break }
    }
    return octets
  }
}

/// Small files read whole.
package enum SmallFile {
  /// The octets of a file; nil when it cannot be read or is longer than `atMost`.
  package static func read(_ path: String, atMost: Int) -> [UInt8]? {
    let fd = open(path, O_RDONLY | O_CLOEXEC)
    guard fd >= 0 else { return nil }
    defer { Descriptor.close(fd) }
    var octets: [UInt8] = []
    while octets.count <= atMost {
      switch Descriptor.read(fd, count: 65_536) {
      case .octets(let more): octets += more
      case .end: return octets.count <= atMost ? octets : nil
      case .wouldBlock: return nil
      }
    }
    return nil
  }

  /// Why `read` gives nothing of a file, in words; nil when it gives something.
  package static func fault(_ path: String, atMost: Int) -> String? {
    var status = stat()
    guard stat(path, &status) == 0 else { return "cannot be read: \(String(cString: strerror(Glibc.errno)))" }
    guard status.st_mode & S_IFMT != S_IFDIR else { return "is a directory" }
    guard status.st_mode & S_IFMT != S_IFREG || status.st_size <= atMost else {
      return "has \(status.st_size) octets, and at most \(atMost) are read"
    }
    let fd = open(path, O_RDONLY | O_CLOEXEC)
    guard fd >= 0 else { return "cannot be read: \(String(cString: strerror(Glibc.errno)))" }
    Descriptor.close(fd)
    return nil
  }

  /// The most octets of a secret's file.
  package static let largestSecret = 65_536

  /// What a descriptor still gives, from where it stands: a pipe, a socket or a file that somebody else opened, which may not be
  /// opened again by its name. EFBIG when that is more than `atMost`.
  package static func read(descriptor: Int32, atMost: Int) throws(SystemError) -> [UInt8] {
    var octets: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = Glibc.read(descriptor, &buffer, buffer.count)
      if count == 0 { return octets }
      if count > 0 {
        octets += buffer[..<count]
        guard octets.count <= atMost else { throw SystemError("read", errno: EFBIG) }
        continue
      }
      switch Glibc.errno {
      case EINTR: continue
      // Whoever shares the descriptor may have made it one that does not wait.
      case EAGAIN: _ = Descriptor.wait(descriptor, Int16(POLLIN), milliseconds: -1)
      default: throw .last("read")
      }
    }
  }

  /// A secret's text without the line end: a file that nobody but its owner may read, with one line of ASCII. The fault is told in
  /// words.
  package static func secret(_ path: String) -> Result<String, SecretError> {
    var status = stat()
    guard stat(path, &status) == 0 else {
      return .failure(SecretError(message: SystemError.last("read the secret", path: path).message))
    }
    guard status.st_mode & 0o077 == 0 || path.hasPrefix(credentialsDirectory ?? "\u{0}") else {
      let error = SystemError("read the secret (its mode must be 0600)", path: path, errno: EACCES)
      return .failure(SecretError(message: error.message))
    }
    guard let octets = read(path, atMost: largestSecret) else {
      let fault = fault(path, atMost: largestSecret) ?? "cannot be read"
      return .failure(SecretError(message: "the secret \(path) \(fault): expected one line with the secret alone"))
    }
    if let fault = secretFault(octets) { return .failure(SecretError(message: "the secret \(path) \(fault)")) }
    return .success(String(decoding: trimmed(octets), as: UTF8.self))
  }

  /// Why the octets of a file are no secret; nil when they are one. Nothing of them is told.
  package static func secretFault(_ octets: [UInt8]) -> String? {
    let secret = trimmed(octets)
    guard secret.contains(where: { $0 > 0x20 }) else { return "is empty: expected one line with the secret alone" }
    guard !secret.contains(where: { $0 == 0x0A || $0 == 0x0D }) else {
      return "has more than one line: expected one line with the secret alone"
    }
    guard secret.allSatisfy({ (0x20...0x7E).contains($0) }) else {
      return "has octets that are no printable ASCII: expected one line with the secret alone, as plain text"
    }
    return nil
  }

  /// Without the line ends behind it.
  private static func trimmed(_ octets: [UInt8]) -> ArraySlice<UInt8> {
    octets[..<(octets.lastIndex { $0 != 0x0A && $0 != 0x0D }.map { $0 + 1 } ?? 0)]
  }

  /// The folder of the service manager's credentials.
  package static var credentialsDirectory: String? { Environment.get("CREDENTIALS_DIRECTORY").map { $0 + "/" } }
}

/// Why there is no secret.
package struct SecretError: Error, Sendable {
  /// With the path, and without anything of what stands there.
  package var message: String
}

/// The environment's variables.
package enum Environment {
  /// The value of a variable; nil when it is not set or empty.
  package static func get(_ name: String) -> String? {
    guard let value = getenv(name) else { return nil }
    let text = String(cString: value)
    return text.isEmpty ? nil : text
  }
}
