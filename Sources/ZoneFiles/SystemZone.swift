// The time zone that the machine itself is set to. It counts where the configuration sets none.

internal import Glibc
internal import Platform
internal import Zones

/// The machine's time zone, and what says so.
package struct SystemZone: Hashable, Sendable {
  /// Its name; `UTC` where nothing names another.
  package var name = "UTC"
  /// The file that names it; nil when none does.
  package var file: String?
  /// Why a file that is there was not used; nil when there is nothing to tell.
  package var problem: String?

  /// Looks at `localtime`, then at `timezone`.
  /// - Parameter folder: `/etc`; tests name another by the variable HEARTH_ETC.
  package init(in folder: String = Environment.get("HEARTH_ETC") ?? "/etc") {
    var problems: [String] = []
    let link = "\(folder)/localtime"
    let text = "\(folder)/timezone"
    for (path, found) in [(link, SystemZone.link(link)), (text, SystemZone.text(text))] {
      switch found {
      case .nothing: continue
      case .failure(let reason): problems.append("\(path) \(reason)")
      case .name(let name):
        do throws(ZoneError) {
          _ = try ZoneDatabase.rules(of: name)
          (self.name, file) = (name, path)
        } catch {
          problems.append("\(path): \(error.message)")
        }
      }
      if file != nil { break }
    }
    if file == nil, problems.isEmpty { problems.append("neither \(link) nor \(text) names a time zone") }
    if !problems.isEmpty { problem = problems.joined(separator: "; ") }
  }

  private enum Found {
    case nothing
    case name(String)
    case failure(String)
  }

  /// The name in the target of a link, such as `/usr/share/zoneinfo/Europe/Oslo`. A copy of a zone's file has no name.
  private static func link(_ path: String) -> Found {
    var target = [UInt8](repeating: 0, count: 4096)
    let count = target.withUnsafeMutableBytes { buffer in
      guard let base = buffer.baseAddress else { return -1 }
      return readlink(path, base.assumingMemoryBound(to: CChar.self), buffer.count)
    }
    guard count >= 0 else {
      // EINVAL: it is there and is no link.
      let cause = errno
      return cause == ENOENT || cause == EINVAL
        ? .nothing : .failure("cannot be read: \(String(cString: strerror(cause)))")
    }
    let words = String(decoding: target.prefix(count), as: UTF8.self).split(separator: "/")
    guard let database = words.lastIndex(of: "zoneinfo") else {
      return .failure("is a link to no zone of the database")
    }
    var name = words[(database + 1)...]
    if let first = name.first, first == "posix" || first == "right" { name = name.dropFirst() }
    guard !name.isEmpty else { return .failure("is a link to no zone of the database") }
    return .name(name.joined(separator: "/"))
  }

  /// The name in the first line of a file.
  private static func text(_ path: String) -> Found {
    do throws(FileError) {
      guard let octets = try StateFile.read(path, maximumBytes: 4096) else { return .nothing }
      let line = octets.prefix { $0 != 0x0A }.filter { $0 > 0x20 && $0 != 0x7F }
      guard !line.isEmpty else { return .failure("is empty") }
      return .name(String(decoding: line.prefix(64), as: UTF8.self))
    } catch {
      return .failure("cannot be read: \(String(cString: strerror(error.errno)))")
    }
  }
}
