// hearthctl doctor without a daemon: a systemd that is played, real folders, the real hearthd --check.

import Foundation
import Testing

/// A hub whose daemon does not answer.
final class SickHub {
  let folder = try? TestFolder()
  /// Where procfs is said to be; nil: where it is.
  private var proc: String?

  /// The kernel, as uname tells it.
  func kernel(_ release: String, _ build: String) throws {
    let url = try #require(folder).url.appending(path: "proc/sys/kernel")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    try Data((release + "\n").utf8).write(to: url.appending(path: "osrelease"))
    try Data((build + "\n").utf8).write(to: url.appending(path: "version"))
    proc = try #require(folder).path("proc")
  }

  /// A file of sysfs.
  func sysfs(_ name: String, _ text: String) throws {
    let url = try #require(folder).url.appending(path: "sys/class/" + name)
    try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data((text + "\n").utf8).write(to: url)
  }

  /// The checks by their ids, of a run whose exit status is that of a daemon that does not run.
  func checks(_ arguments: [String] = [], systemctl: String = "exit 1", journalctl: String = "exit 1") throws
    -> [String: [String: String]]
  {
    let folder = try #require(folder)
    try folder.program("systemctl", systemctl)
    try folder.program("journalctl", journalctl)
    let path = folder.url.path + ":" + (ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin")
    let outcome = try CommandOutcome.hearthctl(
      ["doctor", "--json", "--socket", folder.path("none.sock")] + arguments,
      environment: ["PATH": path, "SYSFS_PATH": folder.path("sys"), "PROC_PATH": proc ?? "/proc"])
    #expect(outcome.status == 111)
    #expect(outcome.error.isEmpty)
    let object = try #require(try JSONSerialization.jsonObject(with: Data(outcome.out.utf8)) as? [String: Any])
    let list = try #require(object["checks"] as? [[String: String]])
    for check in list where check["state"] != "ok" { #expect(check["hint"]?.isEmpty == false, "\(check)") }
    return Dictionary(list.map { ($0["id"] ?? "", $0) }) { $1 }
  }

  func unit(_ properties: String, journalctl: String = "exit 1") throws -> [String: String] {
    try #require(
      try checks(systemctl: "printf '%s\\n' \(properties)", journalctl: journalctl)["unit"])
  }
}

@Suite struct DoctorTests {
  @Test func everythingIsLookedAt() throws {
    let checks = try SickHub().checks()
    let ids = [
      "daemon", "unit", "configuration", "socket", "caller", "state-directory", "disk-space", "clock",
      "bluetooth-adapter",
      "bluetooth-radio", "bluetooth-owner", "bluetooth-capability", "bluetooth-kernel",
    ]
    #expect(Set(checks.keys) == Set(ids))
    #expect(checks["daemon"]?["state"] == "failed")
    #expect(checks["unit"]?["state"] == "unknown")
    #expect(checks["socket"]?["message"]?.hasSuffix("none.sock is not there") == true)
  }

  /// The groups of the configuration are named, not those of a configuration that names none.
  @Test(.enabled(if: getuid() == 0)) func theGroupsInForceAreNamed() throws {
    let folder = try TestFolder()
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: folder.url.path)
    try Data(#"{"control": {"reader_group": "users", "technician_group": "dialout"}}"#.utf8)
      .write(to: URL(filePath: folder.path("hearth.json")))
    let outcome = try Home.run(
      URL(filePath: "/usr/bin/env"),
      [
        "setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups",
        Home.programs.appending(path: "hearthctl").path, "doctor", "--json", "--socket", folder.path("none.sock"),
        "--config", folder.path("hearth.json"),
      ])
    let list = outcome.json["checks"] as? [[String: String]] ?? []
    let caller = list.first { $0["id"] == "caller" }?["message"] ?? ""
    #expect(caller.contains("neither in the group dialout nor in users"), "\(outcome)")
  }

  @Test func aFailedUnitTellsWhatTheDaemonSaidLast() throws {
    let unit = try SickHub().unit(
      "LoadState=loaded ActiveState=failed SubState=failed Result=exit-code ExecMainStatus=78 UnitFileState=enabled",
      journalctl: "case \"$*\" in *_SYSTEMD_UNIT=hearthd.service*) echo 'hearth.json:2:3: backend: unknown key';; esac")
    #expect(unit["state"] == "failed")
    #expect(
      unit["message"]
        == "systemd says that hearthd failed (exit status 78); it said last: hearth.json:2:3: backend: unknown key")
    #expect(unit["hint"]?.contains("journalctl -u hearthd") == true)
  }

  @Test(arguments: [
    ("LoadState=not-found ActiveState=inactive SubState=dead", "failed", "not installed", "install the package"),
    ("LoadState=masked ActiveState=inactive SubState=dead", "failed", "masked", "unmask"),
    ("LoadState=bad-setting ActiveState=inactive", "failed", "bad-setting", "systemd-analyze verify"),
    (
      "LoadState=loaded ActiveState=inactive SubState=dead UnitFileState=disabled", "failed", "does not run",
      "systemctl enable --now hearthd"
    ),
    (
      "LoadState=loaded ActiveState=inactive SubState=dead UnitFileState=enabled", "failed", "does not run",
      "systemctl start hearthd"
    ),
    (
      "LoadState=loaded ActiveState=activating SubState=auto-restart Result=signal", "failed",
      "again and again (signal)", "journalctl"
    ),
    ("LoadState=loaded ActiveState=activating SubState=start", "warning", "activating", "try again"),
    ("LoadState=loaded ActiveState=active SubState=running UnitFileState=disabled", "warning", "restart", "enable"),
    ("LoadState=loaded ActiveState=active SubState=running UnitFileState=enabled", "ok", "runs", ""),
    ("rubbish", "unknown", "says nothing", "systemctl status"),
  ]) func theUnitIsJudged(_ properties: String, _ state: String, _ message: String, _ hint: String) throws {
    let unit = try SickHub().unit(properties)
    #expect(unit["state"] == state)
    #expect(unit["message"]?.contains(message) == true, "\(unit)")
    #expect(hint.isEmpty ? unit["hint"] == nil : unit["hint"]?.contains(hint) == true, "\(unit)")
  }

  @Test(arguments: [
    (
      "6.1.0-57-amd64", "#1 SMP PREEMPT_DYNAMIC Debian 6.1.192-3 (2026-11-26)", "warning",
      "6.1.0-57-amd64 (6.1.192) can die"
    ),
    (
      "6.1.0-47-amd64", "#1 SMP PREEMPT_DYNAMIC Debian 6.1.170-3 (2026-05-08)", "ok",
      "new enough (6.1.0-47-amd64 (6.1.170))"
    ),
    ("6.12.118+deb13-amd64", "#1 SMP Debian 6.12.118-1 (2026-11-27)", "ok", "new enough (6.12.118+deb13-amd64)"),
    ("6.1.193", "#1 SMP", "unknown", "is not known"),
    ("4.17.0-1-amd64", "#1 SMP Debian 4.17.8-1", "failed", "too old"),
    ("rubbish", "", "unknown", "cannot be told"),
  ]) func theKernelIsJudged(_ release: String, _ build: String, _ state: String, _ message: String) throws {
    let hub = SickHub()
    try hub.kernel(release, build)
    let check = try #require(try hub.checks()["bluetooth-kernel"])
    #expect(check["state"] == state, "\(check)")
    #expect(check["message"]?.contains(message) == true, "\(check)")
  }

  @Test func theConfigurationIsCheckedByTheDaemonItself() throws {
    let hub = SickHub()
    let path = try #require(hub.folder).path("hearth.json")
    try Data("{\n  \"backend\": []\n}".utf8).write(to: URL(filePath: path))
    let bad = try hub.checks(["--config", path])["configuration"]
    #expect(bad?["state"] == "failed")
    #expect(bad?["message"]?.contains("hearth.json:2:3: backend: unknown key") == true)
    try Data("{}".utf8).write(to: URL(filePath: path))
    #expect(try hub.checks(["--config", path])["configuration"]?["state"] == "ok")
  }

  @Test func theStateDirectoryMustTakeReadings() throws {
    let hub = SickHub()
    let folder = try #require(hub.folder)
    func check(_ name: String) throws -> String {
      let check = try hub.checks(["--state-directory", folder.path(name)])["state-directory"]
      return "\(check?["state"] ?? ""): \(check?["message"] ?? "")"
    }
    func mode(_ mode: Int) throws {
      try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: folder.path("state"))
    }
    #expect(try check("state").hasSuffix("is not there"))
    try Data().write(to: URL(filePath: folder.path("file")))
    #expect(try check("file").hasSuffix("is no directory"))
    try FileManager.default.createDirectory(atPath: folder.path("state/journal"), withIntermediateDirectories: true)
    try mode(0o700)
    #expect(try check("state").hasPrefix("ok: "))
    try mode(0o500)
    #expect(try check("state").hasSuffix("(mode 0500)"))
    try mode(0o755)
    #expect(try check("state").hasPrefix("warning: everybody may look into"))
    // A file of somebody else, as a daemon started by hand leaves it; only root can play that.
    guard geteuid() == 0 else { return }
    try mode(0o700)
    try Data().write(to: URL(filePath: folder.path("state/journal/1")))
    #expect(chown(folder.path("state/journal/1"), 12_345, 12_345) == 0)
    #expect(try check("state").contains("state/journal/1 does not belong to"))
  }

  @Test func whatStandsInPlaceOfTheSocketIsNamed() throws {
    let folder = try TestFolder()
    try Data().write(to: URL(filePath: folder.path("hearthd.sock")))
    let outcome = try CommandOutcome.hearthctl(["doctor", "--socket", folder.path("hearthd.sock")])
    #expect(outcome.status == 111)
    #expect(outcome.out.contains("is no socket"))
    for line in outcome.out.split(separator: "\n") where !line.contains(folder.url.path) { #expect(line.count <= 80) }
  }

  @Test func aDaemonThatAnswersIsBelieved() throws {
    let daemon = try FakeDaemon(
      result: #"{"checks":[{"id":"journal","state":"failed","message":"full","hint":"free space"}]}"#)
    let outcome = try daemon.hearthctl("doctor")
    #expect(outcome.status == 1)
    #expect(
      outcome.out == "ok    daemon: the daemon runs\nFAIL  journal: full\n      what to do: free space\n")
  }
}
