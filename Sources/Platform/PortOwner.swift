// Who has a serial port open, or keeps this daemon from it: told to a technician by name (proc(5)).

internal import CLinux
internal import Glibc

/// Other programs on a port.
package enum PortOwner {
  /// A program that has the port open: name and process id. Nil when there is none, or it cannot be seen: only root, and who has
  /// the same user, may look.
  package static func find(_ node: String) -> (name: String, pid: Int32)? {
    guard let real = realPath(node), let entries = try? Directory.list("/proc") else { return nil }
    let own = getpid()
    for entry in entries {
      guard let pid = Int32(entry.name), pid != own,
        let descriptors = try? Directory.list("/proc/\(pid)/fd")
      else { continue }
      for descriptor in descriptors where target("/proc/\(pid)/fd/\(descriptor.name)") == real {
        return (name(pid), pid)
      }
    }
    return nil
  }

  /// A program that is known to take ports and runs now.
  package static func suspect() -> (name: String, pid: Int32)? {
    for name in ["ModemManager", "brltty", "gpsd"] {
      if let pid = OtherProgram.find(name, unit: "\(name).service") { return (name, pid) }
    }
    return nil
  }

  /// The name of the group that a file belongs to, or its number.
  package static func group(of path: String) -> String? {
    var info = stat()
    guard stat(path, &info) == 0 else { return nil }
    for line in String(decoding: SmallFile.read("/etc/group", atMost: 1 << 20) ?? [], as: UTF8.self).split(
      separator: "\n")
    {
      let fields = line.split(separator: ":", omittingEmptySubsequences: false)
      if fields.count >= 3, UInt32(fields[2]) == info.st_gid { return String(fields[0]) }
    }
    return String(info.st_gid)
  }

  private static func name(_ pid: Int32) -> String {
    let text = SmallFile.read("/proc/\(pid)/comm", atMost: 64) ?? []
    return String(decoding: text.filter { $0 >= 0x20 && $0 < 0x7F }, as: UTF8.self)
  }

  private static func target(_ link: String) -> String? {
    var buffer = [UInt8](repeating: 0, count: 256)
    let count = buffer.withUnsafeMutableBytes { octets in
      octets.baseAddress.map { readlink(link, $0, octets.count) } ?? -1
    }
    return count > 0 ? String(decoding: buffer.prefix(count), as: UTF8.self) : nil
  }

  private static func realPath(_ path: String) -> String? {
    guard let pointer = realpath(path, nil) else { return nil }
    defer { free(pointer) }
    return String(cString: pointer)
  }
}
