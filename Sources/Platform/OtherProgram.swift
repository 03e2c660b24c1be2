// Whether another program runs that would fight for the same hardware.

internal import Glibc

/// Looks for running programs.
package enum OtherProgram {
  /// The process id of a program, by its unit's control group or by its name. Nil when it does not run, or cannot be seen.
  package static func find(_ name: String, unit: String) -> Int32? {
    let group = "/sys/fs/cgroup/system.slice/\(unit)/cgroup.procs"
    if let text = SmallFile.read(group, atMost: 4096),
      let first = String(decoding: text, as: UTF8.self).split(separator: "\n").first,
      let number = Int32(first)
    {
      return number
    }
    guard let entries = try? Directory.list("/proc") else { return nil }
    for entry in entries {
      guard let number = Int32(entry.name), let text = SmallFile.read("/proc/\(entry.name)/comm", atMost: 64) else {
        continue
      }
      if String(decoding: text.prefix { $0 != 0x0A }, as: UTF8.self) == name { return number }
    }
    return nil
  }
}
