// Whether the daemon's own user may use a file that whoever checks may use: root may read everything, and the hub runs as hearth.

import Glibc

enum HubAccess {
  /// What the hub does with it.
  enum Need {
    case reading
    case running
    /// A folder that it writes into.
    case writing

    fileprivate var bits: UInt32 {
      switch self {
      case .reading: 0o4
      case .running: 0o5
      case .writing: 0o3
      }
    }

    fileprivate var words: String {
      switch self {
      case .reading: "may not be read"
      case .running: "may not be run"
      case .writing: "may not be written"
      }
    }
  }

  /// Why the user hearth may not; nil where he may, or where whoever checks cannot tell.
  static func fault(_ path: String, _ need: Need) -> String? {
    guard geteuid() == 0, let hub = Hub() else { return nil }
    var facts = stat()
    guard stat(path, &facts) == 0, !hub.may(facts, need.bits) else { return folderFault(path, hub) }
    return "\(path) \(need.words) by hearth, the user of hearthd: sudo chown hearth \(path)"
  }

  /// A folder above it that he may not pass through.
  private static func folderFault(_ path: String, _ hub: Hub) -> String? {
    var folder = path[...]
    while let slash = folder.lastIndex(of: "/") {
      folder = folder[..<slash]
      let above = folder.isEmpty ? "/" : String(folder)
      var facts = stat()
      if stat(above, &facts) == 0, !hub.may(facts, 0o1) {
        return
          "\(path) may not be reached by hearth, the user of hearthd: it may not pass through \(above): sudo chmod o+x \(above)"
      }
    }
    return nil
  }

  /// The daemon's user on this machine.
  private struct Hub {
    let uid: uid_t
    private let groups: Set<gid_t>

    /// nil where there is none.
    init?() {
      guard let user = getpwnam("hearth") else { return nil }
      uid = user.pointee.pw_uid
      var count: Int32 = 64
      var list = [gid_t](repeating: 0, count: Int(count))
      let group = user.pointee.pw_gid
      guard getgrouplist("hearth", group, &list, &count) >= 0 else {
        groups = [group]
        return
      }
      groups = Set(list.prefix(Int(max(0, count))) + [group])
    }

    func may(_ facts: stat, _ bits: UInt32) -> Bool {
      if uid == 0 { return true }
      let shift: UInt32 = facts.st_uid == uid ? 6 : groups.contains(facts.st_gid) ? 3 : 0
      return facts.st_mode >> shift & bits == bits
    }
  }
}
