// hearthctl doctor: whether the daemon could keep readings: its state directory and the disk below it.

import Glibc
import Platform

enum StateChecks {
  static func directory(_ places: Places) -> Check {
    let path = places.state
    func check(_ state: Check.State, _ message: String, _ hint: String? = nil) -> Check {
      Check(id: "state-directory", state: state, message: message, hint: hint)
    }
    var info = stat()
    guard stat(path, &info) == 0 else {
      switch errno {
      case EACCES: return check(.unknown, "you may not look at \(path)", "sudo hearthctl doctor")
      case ENOENT: return check(.failed, "\(path) is not there", "sudo systemctl start hearthd makes it")
      default: return check(.failed, SystemError.last("look at", path: path).message, "move away what is in its place")
      }
    }
    guard info.st_mode & S_IFMT == S_IFDIR else { return check(.failed, "\(path) is no directory", "move it away") }
    var system = statvfs()
    if statvfs(path, &system) == 0, system.f_flag & UInt(ST_RDONLY) != 0 {
      return check(
        .failed, "\(path) is on a file system that is read-only", "dmesg tells why; the disk may be failing")
    }
    let owner = Accounts.user(info.st_uid)
    let mode = Accounts.mode(info.st_mode)
    if !places.isStateNamed, let hearth = getpwnam("hearth"), hearth.pointee.pw_uid != info.st_uid {
      return check(.failed, "\(path) belongs to \(owner), not to hearth", "sudo chown -R hearth:hearth \(path)")
    }
    guard info.st_mode & S_IRWXU == S_IRWXU else {
      return check(.failed, "\(owner) cannot write to \(path) (mode \(mode))", "sudo chmod 0700 \(path)")
    }
    if geteuid() == info.st_uid || geteuid() == 0, access(path, W_OK | X_OK) != 0 {
      return check(.failed, SystemError.last("write to", path: path).message, "lsattr -d \(path); dmesg")
    }
    if let foreign = foreignEntry(path, info.st_uid) {
      return check(
        .failed, "\(foreign) does not belong to \(owner)",
        "sudo chown -R \(owner): \(path); did somebody start hearthd by hand?")
    }
    if info.st_mode & S_IRWXO != 0 {
      return check(.warning, "everybody may look into \(path) (mode \(mode))", "sudo chmod 0700 \(path)")
    }
    return check(.ok, "\(path) belongs to \(owner), who can write to it (mode \(mode))")
  }

  /// A file that another user made, such as root by a daemon started by hand: the daemon cannot open it.
  private static func foreignEntry(_ path: String, _ owner: uid_t) -> String? {
    for entry in (try? Directory.list(path)) ?? [] {
      let inner = path + "/" + entry.name
      var info = stat()
      guard lstat(inner, &info) == 0 else { continue }
      if info.st_uid != owner { return inner }
      if info.st_mode & S_IFMT == S_IFDIR, let foreign = foreignEntry(inner, owner) { return foreign }
    }
    return nil
  }

  /// A full journal refuses readings; 64 MiB is what the smallest journal needs.
  static func space(_ path: String) -> Check {
    // What is not there yet will be on the disk of the nearest folder that is.
    var existing = path
    while access(existing, F_OK) != 0, let slash = existing.lastIndex(of: "/"), slash > existing.startIndex {
      existing = String(existing[..<slash])
    }
    var system = statvfs()
    guard statvfs(existing, &system) == 0 || statvfs("/", &system) == 0 else {
      return Check(id: "disk-space", state: .unknown, message: "the free space cannot be told", hint: "df \(path)")
    }
    let free = system.f_bavail.multipliedReportingOverflow(by: system.f_frsize)
    let mebibytes = free.overflow ? UInt.max >> 20 : free.partialValue >> 20
    let noFiles = system.f_files > 0 && system.f_favail == 0
    let state: Check.State = mebibytes < 64 || noFiles ? .failed : mebibytes < 256 ? .warning : .ok
    return Check(
      id: "disk-space", state: state,
      message: noFiles ? "no file can be made any more (inodes)" : "\(mebibytes) MiB free for readings",
      hint: state == .ok ? nil : "free space on the disk of \(existing); journalctl --vacuum-size=100M is a start")
  }
}
