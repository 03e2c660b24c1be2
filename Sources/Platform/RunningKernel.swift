// Which kernel runs.

/// The kernel under this process, as procfs tells it.
package enum RunningKernel {
  /// What `uname -r` and `uname -v` say; nil when procfs does not tell it.
  package static var names: (release: String, build: String)? {
    guard let release = text("osrelease"), !release.isEmpty else { return nil }
    return (release, text("version") ?? "")
  }

  private static func text(_ name: String) -> String? {
    let folder = (Environment.get("PROC_PATH") ?? "/proc") + "/sys/kernel/"
    guard let octets = SmallFile.read(folder + name, atMost: 256) else { return nil }
    return String(decoding: octets, as: UTF8.self).split(whereSeparator: \.isWhitespace).joined(separator: " ")
  }
}
