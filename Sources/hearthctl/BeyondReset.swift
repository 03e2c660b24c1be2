// What a factory reset does not reach by emptying the state directory: files of directory backends and plans beside the configuration,
// which go when that is asked for; and what always stays.

import ControlProtocol
import Exchange
import Glibc
import JSON
import Platform
import Readings
import Settings

struct BeyondReset {
  /// Files of one kind in one folder.
  fileprivate struct Folder {
    /// `file` or `plan`.
    var noun: String
    /// Of which backend, with a blank in front; empty for plans.
    var owner = ""
    var path: String
    var names: [String] = []
    var removed = 0
    /// What could not be listed or removed, and why.
    var left: [(file: String, reason: String)] = []
  }

  /// The largest configuration in octets.
  private static let largest = 1 << 20

  private var folders: [Folder] = []
  /// The configuration, and files that it names.
  private var stays: [String] = []
  /// Why it is not known which folders there are.
  private(set) var fault: String?

  /// Looks at what a configuration names, but for what lies in the state directory: that goes with it.
  init(_ path: String, state: String) {
    var configuration = Configuration()
    do throws(FileError) {
      let text = try StateFile.read(path, maximumBytes: BeyondReset.largest)
      if text == nil { fault = "\(path) is not there" }
      if let text {
        stays.append(path)
        do throws(JSONError) {
          configuration = try ConfigurationFile.read(text, .lenient)
        } catch {
          fault = error.description(file: path)
        }
      }
    } catch {
      fault = "\(error)"
    }
    for backend in configuration.backends {
      switch backend.kind {
      case .directory(let folder):
        guard !BeyondReset.isWithin(folder, state) else { continue }
        add(Folder(noun: "file", owner: " of the backend \(backend.name)", path: folder)) { DayFile($0) != nil }
      case .http(_, let http): stays += BeyondReset.files(http, backend.plans)
      }
    }
    add(Folder(noun: "plan", path: configuration.plans ?? BeyondReset.parent(path) + "/plans")) { name in
      name.hasSuffix(".json") && Reference.isValid(String(name.dropLast(".json".utf8.count)))
    }
    var seen: Set<String> = []
    stays = stays.filter { seen.insert($0).inserted }
  }

  private mutating func add(_ folder: Folder, _ isOurs: (String) -> Bool) {
    var folder = folder
    do throws(FileError) {
      folder.names = try Directory.list(folder.path).filter { $0.isRegular && isOurs($0.name) }.map(\.name).sorted()
    } catch {
      guard error.errno != ENOENT else { return }
      folder.left = [("", BeyondReset.reason(error))]
    }
    folders.append(folder)
  }

  /// There is something to be asked about.
  var hasFiles: Bool { folders.contains { !$0.names.isEmpty } }

  /// Something that was to go is still there.
  private(set) var isLeft = false

  /// Overwrites and removes the files.
  mutating func remove() {
    for index in folders.indices {
      for name in folders[index].names {
        do throws(FileError) {
          try Shredder.remove("\(folders[index].path)/\(name)")
          folders[index].removed += 1
        } catch {
          if error.errno != ENOENT { folders[index].left.append((name, BeyondReset.reason(error))) }
        }
      }
      if folders[index].removed > 0 { try? Directory.sync(folders[index].path) }
    }
    isLeft = folders.contains { !$0.left.isEmpty }
  }

  // MARK: In words

  /// What there is.
  var text: String {
    var lines = folders.filter { !$0.names.isEmpty }.map { "  \($0.words($0.names.count))\n" }
    lines += folders.flatMap(\.faults)
    if let fault { lines.append("  what the configuration names is not known: \(Terminal.clean(fault))\n") }
    if !stays.isEmpty { lines.append("  \(stays.map(Terminal.clean).joined(separator: ", ")): these always stay\n") }
    return lines.isEmpty ? "" : "these are beyond the hub's own state:\n" + lines.joined()
  }

  /// What became of it.
  var outcome: String {
    folders.filter { !$0.names.isEmpty || !$0.left.isEmpty }.flatMap {
      ["removed: \($0.words($0.removed))\n"] + $0.faults
    }.joined()
  }

  /// The whole, as scripts get it.
  func json(_ state: String) -> JSONValue {
    var object = JSONObject()
    object["reset"] = true
    object["state"] = .string(state)
    object["files"] = .array(
      folders.map { folder in
        [
          "what": .string("\(folder.noun)s\(folder.owner)"), "folder": .string(folder.path),
          "files": .int(folder.names.count),
          "removed": .int(folder.removed),
          "left": .array(folder.left.map { ["file": .string($0.file), "reason": .string($0.reason)] }),
        ]
      })
    object["stays"] = .array(stays.map { .string($0) })
    if let fault { object["fault"] = .string(fault) }
    return .object(object)
  }

  // MARK: Paths

  /// What a backend over HTTP names on this machine.
  private static func files(_ http: HTTPBackend, _ plans: PlanSource?) -> [String] {
    var secret: HTTPBackend.Secret?
    var files: [String] = []
    switch http.authorization {
    case .bearer(let token): secret = token
    case .basic(_, let password): secret = password
    case .oauth2(let client): secret = client.secret
    case .helper(let path): files.append(path)
    case nil: break
    }
    if case .file(let path)? = secret { files.append(path) }
    return files + [http.caFile, http.clientCertificate, http.clientKey, plans?.verifier].compactMap(\.self)
  }

  private static func parent(_ path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return String(path[..<slash])
  }

  private static func isWithin(_ path: String, _ folder: String) -> Bool {
    (real(path) + "/").hasPrefix(real(folder) + "/")
  }

  /// The path without links, where it is there.
  private static func real(_ path: String) -> String {
    guard let resolved = realpath(path, nil) else { return path }
    defer { free(resolved) }
    return String(cString: resolved)
  }

  private static func reason(_ error: FileError) -> String {
    "\(error.operation): \(String(cString: strerror(error.errno)))"
  }
}

extension BeyondReset.Folder {
  /// So many of its files.
  fileprivate func words(_ count: Int) -> String { "\(Count.of(count, noun))\(owner) under \(path)" }

  /// What could not be done, a line each.
  fileprivate var faults: [String] {
    left.map { "  \(path)\($0.file.isEmpty ? "" : "/" + Terminal.clean($0.file)): \($0.reason)\n" }
  }
}
