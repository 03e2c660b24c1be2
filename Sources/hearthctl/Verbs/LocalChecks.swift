// What `hearthctl doctor` sees by itself when no daemon answers: what keeps it from running, or you from it.

import Glibc
import Platform
import Settings

/// One thing that was looked at.
struct Check {
  enum State: String { case ok, warning, failed, unknown }
  var id: String
  var state: State
  var message: String
  /// What to do; every check that is not ok has one.
  var hint: String?
}

/// Where things are, by the options and the environment.
struct Places {
  var socket: String
  var configuration: String?
  var state: String
  /// The state directory was named, so it need not belong to the daemon's own user.
  var isStateNamed: Bool

  init(_ arguments: Arguments) {
    socket = DaemonClient.path(arguments)
    configuration = arguments.value("--config")
    let named = arguments.value("--state-directory") ?? Environment.get("STATE_DIRECTORY")
    state = named ?? "/var/lib/hearth"
    isStateNamed = named != nil
  }
}

enum LocalChecks {
  static func all(_ places: Places) -> [Check] {
    [
      ServiceChecks.unit(), ServiceChecks.configuration(places.configuration), socket(places.socket),
      caller(places), StateChecks.directory(places), StateChecks.space(places.state), clock(),
    ] + BluetoothChecks.all()
  }

  /// The groups of the configuration, as far as it can be read: who may steer, and who may read. The socket belongs to the readers.
  private static func groups(_ places: Places) -> (technicians: String, readers: String) {
    let path = places.configuration ?? HubZone.usualConfiguration
    let text = SmallFile.read(path, atMost: 1 << 20)
    let configuration = text.flatMap { try? ConfigurationFile.read($0, .lenient) } ?? Configuration()
    let readers = text == nil ? Accounts.groupOfSocket(places.socket) : nil
    return (configuration.technicianGroup, readers ?? configuration.readerGroup)
  }

  private static func socket(_ path: String) -> Check {
    func check(_ state: Check.State, _ message: String, _ hint: String? = nil) -> Check {
      Check(id: "socket", state: state, message: message, hint: hint)
    }
    var info = stat()
    guard stat(path, &info) == 0 else {
      switch errno {
      case EACCES: return check(.failed, "you may not look at \(path)", "use sudo; its folder needs mode 0755")
      case ENOENT, ENOTDIR:
        return check(
          .failed, "\(path) is not there", "sudo systemctl start hearthd.socket; --socket PATH names another")
      default: return check(.failed, SystemError.last("look at", path: path).message, "--socket PATH names another")
      }
    }
    guard info.st_mode & S_IFMT == S_IFSOCK else {
      return check(.failed, "\(path) is no socket", "--socket PATH names another")
    }
    let owner = "of \(Accounts.user(info.st_uid)):\(Accounts.group(info.st_gid)), mode \(Accounts.mode(info.st_mode))"
    guard access(path, W_OK) == 0 else {
      return check(.failed, "you may not write to \(path) (\(owner))", "use sudo; the package makes it with mode 0666")
    }
    return check(.ok, "\(path) is there (\(owner))")
  }

  /// The daemon judges by user and groups, as the kernel tells them of this very session.
  private static func caller(_ places: Places) -> Check {
    let socket = places.socket
    let (technicians, readers) = groups(places)
    func check(_ state: Check.State, _ message: String, _ hint: String? = nil) -> Check {
      Check(id: "caller", state: state, message: message, hint: hint)
    }
    let id = geteuid()
    let name = Accounts.user(id)
    var info = stat()
    if id == 0 { return check(.ok, "you are root, who may do everything") }
    if name == "hearth" || stat(socket, &info) == 0 && info.st_uid == id {
      return check(.ok, "you are \(name), as whom the daemon runs: you may do everything")
    }
    let mine = Accounts.groupsOfSession()
    if mine.contains(technicians) { return check(.ok, "you are \(name) in the group \(technicians): you may steer it") }
    if mine.contains(readers) {
      return check(.ok, "you are \(name) in the group \(readers): you may read; to steer it takes \(technicians)")
    }
    let groups = [technicians, readers]
    guard groups.contains(where: { getgrnam($0) != nil }) else {
      return check(
        .failed, "there are no groups \(readers) and \(technicians) here",
        "is the package hearth installed? --config FILE names a configuration with other groups")
    }
    if let new = groups.first(where: Accounts.groups(of: name).contains) {
      return check(
        .failed, "\(name) is in the group \(new), but not yet in this session", "log out and in again, or newgrp \(new)"
      )
    }
    return check(
      .failed,
      "you are \(name), neither in the group \(technicians) nor in \(readers) (groups: \(mine.joined(separator: " ")))",
      "use sudo, or sudo usermod -aG \(technicians) \(name) and log in again")
  }

  private static func clock() -> Check {
    func failed(_ message: String, _ hint: String) -> Check {
      Check(id: "clock", state: .failed, message: message, hint: hint)
    }
    let source = "timedatectl tells more; check systemd-timesyncd (or chrony) and the network"
    // 2025: before that, nobody had this program.
    if Clocks.wall() < 1_735_689_600_000 { return failed("the hub's clock is years behind", source) }
    guard Clocks.isSynchronised() else { return failed("the hub's clock is not synchronised", source) }
    return Check(id: "clock", state: .ok, message: "the hub's clock is synchronised")
  }
}

/// Names of users and groups.
enum Accounts {
  static func user(_ id: uid_t) -> String { getpwuid(id).map { String(cString: $0.pointee.pw_name) } ?? "\(id)" }

  static func group(_ id: gid_t) -> String { getgrgid(id).map { String(cString: $0.pointee.gr_name) } ?? "\(id)" }

  /// The group that owns a socket; nil where that says nothing.
  static func groupOfSocket(_ path: String) -> String? {
    var info = stat()
    guard stat(path, &info) == 0, info.st_mode & S_IFMT == S_IFSOCK, info.st_gid != 0 else { return nil }
    return group(info.st_gid)
  }

  /// `0640`.
  static func mode(_ mode: mode_t) -> String {
    let digits = String(mode & 0o7777, radix: 8)
    return String(repeating: "0", count: max(0, 4 - digits.utf8.count)) + digits
  }

  /// The groups of this process.
  static func groupsOfSession() -> [String] {
    var ids = [gid_t](repeating: 0, count: 256)
    let count = getgroups(256, &ids)
    return Set(ids.prefix(max(0, Int(count))) + [getegid()]).map(group).sorted()
  }

  /// The groups that a new session of the user would have.
  static func groups(of name: String) -> [String] {
    guard let entry = getpwnam(name) else { return [] }
    var ids = [gid_t](repeating: 0, count: 256)
    var count: Int32 = 256
    guard getgrouplist(name, entry.pointee.pw_gid, &ids, &count) >= 0 else { return [] }
    return ids.prefix(max(0, Int(count))).map(group)
  }
}
