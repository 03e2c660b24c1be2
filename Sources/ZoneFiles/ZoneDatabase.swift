// The time zones that this machine knows: the files of its zone database, and their names.

internal import Glibc
internal import JSON
internal import Octets
internal import Platform
package import Zones

/// Why there is no such time zone.
package struct ZoneError: Error, Hashable, Sendable {
  /// What is expected, what was found, and what may be meant.
  package var message: String
}

/// The zone database of the system.
package enum ZoneDatabase {
  private static let folder = "/usr/share/zoneinfo"
  /// Copies of all zones, and other files that are no zone of a place.
  private static let others: Set<String> = ["posix", "right", "posixrules", "localtime", "Factory"]

  /// The rules of a zone. Throws what to write instead when the machine knows none of this name.
  package static func rules(of name: String) throws(ZoneError) -> TimeZoneRules {
    if name == "UTC" { return .utc }
    guard TimeZoneRules.isValidName(name), let octets = SmallFile.read("\(folder)/\(name)", atMost: 1 << 18),
      !octets.isEmpty
    else { throw ZoneError(message: unknown(name)) }
    do {
      return try TimeZoneRules(tzif: octets)
    } catch {
      throw ZoneError(message: "time zone \(name): \(folder)/\(name): \(error.message)")
    }
  }

  private static func unknown(_ name: String) -> String {
    let start = "expected a time zone that exists, such as \"Europe/Oslo\", found \"\(name)\""
    let known = names()
    guard !known.isEmpty else { return "\(start): \(folder) cannot be read; is the package tzdata installed?" }
    return start + (nearest(to: name, among: known).map { " (did you mean \"\($0)\"?)" } ?? "")
  }

  /// A zone that somebody may mean: written in other letters, a place without its continent, or a slip.
  package static func nearest(to name: String, among known: [String]) -> String? {
    let wanted = name.lowercased()
    return known.first { $0.lowercased() == wanted }
      ?? known.first { ($0.split(separator: "/").last ?? "").lowercased() == wanted }
      ?? Suggestion.nearest(to: name, among: known)
  }

  /// All names, in order; empty where there is no database.
  package static func names() -> [String] { names(in: folder, depth: 0).sorted() }

  private static func names(in path: String, depth: Int) -> [String] {
    guard depth < 3, let entries = try? Directory.list(path) else { return [] }
    return entries.flatMap { entry -> [String] in
      guard TimeZoneRules.isValidName(entry.name), depth > 0 || !others.contains(entry.name) else { return [] }
      var facts = stat()
      guard stat("\(path)/\(entry.name)", &facts) == 0 else { return [] }
      if facts.st_mode & S_IFMT == S_IFREG { return [entry.name] }
      return names(in: "\(path)/\(entry.name)", depth: depth + 1).map { "\(entry.name)/\($0)" }
    }
  }
}
