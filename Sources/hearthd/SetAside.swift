// Files of the state directory that cannot be understood: renamed to NAME.bad, so that the daemon starts without them, and told
// until somebody has removed them.

import GatewayCore
import Glibc
import Platform

enum SetAside {
  /// The most that are kept of one name. The last of them is replaced: the first ones tell how it began.
  private static let most = 8

  /// Gives a file that cannot be used another name beside it; gives that name, or nil when the disk refuses.
  /// - Parameter original: the path that it had first, where it has another one now.
  @discardableResult static func move(_ path: String, of original: String? = nil) -> String? {
    let base = original ?? path
    let names = (1...most).map { $0 == 1 ? "\(base).bad" : "\(base).bad.\($0)" }
    let free = names.first { access($0, F_OK) != 0 } ?? names[most - 1]
    do throws(FileError) {
      try Directory.rename(path, to: free)
      return free
    } catch {
      SystemLog.write(
        3, "state.unreadable: a file that cannot be understood stays where it is: \(error.reason); move it away")
      return nil
    }
  }

  /// The paths of what was set aside in a folder, in order.
  static func found(in folder: String) -> [String] {
    let entries = (try? Directory.list(folder)) ?? []
    return entries.filter { $0.isRegular && original($0.name) != nil }.map { "\(folder)/\($0.name)" }.sorted()
  }

  /// The name of a file before it was set aside; nil for any other file.
  static func original(_ name: String) -> String? {
    var parts = name.split(separator: ".", omittingEmptySubsequences: false)
    if let last = parts.last, let number = Int(last), (2...most).contains(number) { parts.removeLast() }
    guard parts.count > 1, parts.last == "bad" else { return nil }
    return parts.dropLast().joined(separator: ".")
  }

  /// Whose plan a file was that was set aside.
  static func patient(_ path: String) -> String {
    let name = path.split(separator: "/").last.flatMap { original(String($0)) } ?? ""
    return String(name.dropLast(".json".utf8.count))
  }

  /// What is told of the state files that were set aside, now or before.
  static func faults(in state: String) -> [HubFault] {
    found(in: state).map { path in
      HubFault(
        .state, "state.unreadable", "\(path) was set aside: it could not be understood, and the hub goes on without it",
        hint: "enter again what it held, or ask support; then remove the file and reload")
    }
  }

  /// An erased patient may be named in what nobody can read: all of it goes that could name one. Gives what went wrong.
  static func shred(in folder: String) -> String? {
    var fault: String?
    for path in found(in: folder) {
      let name = path.split(separator: "/").last.flatMap { original(String($0)) }
      if let name, ["bonds.json", "keys.json", "quarantine.json"].contains(name) { continue }
      do throws(FileError) { try Shredder.remove(path) } catch { fault = error.reason }
    }
    return fault
  }
}

extension FileError {
  /// What failed and why, without the path: names of plans are patients' references, which no log holds.
  var reason: String { "\(operation): \(String(cString: strerror(errno)))" }
}
