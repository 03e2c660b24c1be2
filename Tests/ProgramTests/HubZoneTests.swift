// In which time zone a hub is, by the real programs: what the configuration says, else what the machine is set to, and who is told.

import Foundation
import Testing

private func configuration(_ hub: String, device: String = "") -> String {
  """
  {
    "hub": {\(hub)},
    "devices": [{"id": "cuff", "driver": "blood-pressure", "playback": "HOME/cuff.capture", "patient": "p-1"\(device)}],
    "backends": [{"name": "local", "type": "directory", "path": "HOME/out"}],
  }
  """
}

/// 20 November 2026, 18:31 by the cuff's own clock.
private let cuff = """
  # transport: gatt
  # characteristic: 1810/2A35 indicate
  @ 50
  < 1810/2A35 1e80005000 5f00 ea070b14121f00 4600 01 0000
  """

/// A folder that stands for /etc.
private struct Machine {
  enum Setting: Sendable { case link(String), copy(String), text(String), unreadable }

  static func environment(_ home: Home, _ settings: [Setting]) throws -> [String: String] {
    let etc = home.folder.appending(path: "etc")
    try FileManager.default.createDirectory(at: etc, withIntermediateDirectories: true)
    for setting in settings {
      switch setting {
      case .link(let target):
        try FileManager.default.createSymbolicLink(
          atPath: etc.appending(path: "localtime").path, withDestinationPath: target)
      case .copy(let zone):
        try FileManager.default.copyItem(
          atPath: "/usr/share/zoneinfo/\(zone)", toPath: etc.appending(path: "localtime").path)
      case .text(let text): try home.write(text, "etc/timezone")
      // A folder in its place can be read by nobody, not even by root.
      case .unreadable:
        try FileManager.default.createDirectory(
          at: etc.appending(path: "timezone"), withIntermediateDirectories: true)
      }
    }
    return ["HEARTH_ETC": etc.path]
  }
}

@Suite(.serialized) struct HubZoneTests {
  private func check(_ home: Home) throws -> Outcome {
    try Home.run(
      "hearthd",
      [
        "--check", "--config", home.folder.appending(path: "hearth.json").path, "--state-directory",
        home.folder.appending(path: "state").path,
      ], environment: home.environment)
  }

  @Test(
    arguments: [
      ([.link("/usr/share/zoneinfo/Europe/Oslo")], "Europe/Oslo", "etc/localtime"),
      ([.link("../usr/share/zoneinfo/posix/Europe/Oslo"), .text("Asia/Tokyo\n")], "Europe/Oslo", "etc/localtime"),
      ([.text("Europe/Oslo\n")], "Europe/Oslo", "etc/timezone"),
      ([.copy("Asia/Tokyo"), .text("Europe/Oslo")], "Europe/Oslo", "etc/timezone"),
    ] as [([Machine.Setting], String, String)])
  fileprivate func theMachinesZoneCounts(settings: [Machine.Setting], name: String, file: String) throws {
    let home = try Home(configuration(""), cuff: cuff)
    home.environment = try Machine.environment(home, settings)
    let outcome = try check(home)
    #expect(outcome.status == 0 && outcome.out.contains(": good\n"))
    #expect(outcome.error.contains("hearth.json:2:10: hub.timezone: warning: the device \"cuff\" has a clock"))
    #expect(outcome.error.contains("\(name) counts, by \(home.folder.path)/\(file);"), "\(outcome.error)")
    #expect(outcome.error.contains("write \"hub\": {\"timezone\": \"\(name)\"}"), "\(outcome.error)")
    try home.start()
    let readings = try home.until(["readings", "--json"]) { $0.out.contains("taken_at") }
    #expect(readings.json["taken_at"] as? String == "2026-11-20T18:31:00+01:00")
    let status = try home.ctl("status", "--json").json
    #expect(status["timezone"] as? String == name)
    #expect(status["timezone_source"] as? String == home.folder.appending(path: file).path)
    #expect(try home.ctl("status").out.contains("zone      \(name)  by \(home.folder.path)/\(file): "))
    #expect(try home.problems("timezone.unknown").isEmpty)
    #expect(home.stop() == 0)
  }

  @Test(
    arguments: [
      ([], "neither "), ([.link("/usr/share/zoneinfo/Europe/Olso")], "(did you mean \"Europe/Oslo\"?)"),
      ([.link("/srv/clock")], "is a link to no zone of the database"), ([.text("\n")], "etc/timezone is empty"),
      ([.copy("Europe/Oslo"), .unreadable], "etc/timezone cannot be read: "),
    ] as [([Machine.Setting], String)])
  fileprivate func aMachineThatTellsNoZoneIsToldOf(settings: [Machine.Setting], words: String) throws {
    let home = try Home(configuration(""), cuff: cuff)
    home.environment = try Machine.environment(home, settings)
    let outcome = try check(home)
    #expect(outcome.status == 0)
    #expect(outcome.error.contains("UTC counts") && outcome.error.contains(words), "\(outcome.error)")
    #expect(outcome.error.contains("write \"hub\": {\"timezone\": \"Europe/Oslo\"}"))
    try home.start()
    let readings = try home.until(["readings", "--json"]) { $0.out.contains("taken_at") }
    #expect(readings.json["taken_at"] as? String == "2026-11-20T18:31:00+00:00")
    let status = try home.ctl("status", "--json").json
    #expect(status["timezone"] as? String == "UTC" && status["timezone_source"] as? String == "default")
    let problem = try #require(try home.problems("timezone.unknown").first)
    #expect((problem["message"] as? String)?.contains(words) ?? false)
    // Once it is written down nothing needs anybody, and nobody is asked.
    try home.reload(configuration(#""timezone": "Europe/Oslo""#))
    _ = try home.until(["status"]) { $0.out.contains("zone      Europe/Oslo  by hub.timezone") }
    #expect(try home.problems("timezone.unknown").isEmpty)
    #expect(try home.ctl("status", "--json").json["timezone_source"] as? String == "configuration")
    #expect(try check(home).error.isEmpty)
    #expect(home.stop() == 0)
    #expect(home.read("log").contains("timezone.unknown: "))
  }

  @Test func aDevicesOwnZoneStays() throws {
    let home = try Home(configuration("", device: #", "timezone": "Asia/Tokyo""#), cuff: cuff)
    home.environment = try Machine.environment(home, [.link("/usr/share/zoneinfo/Europe/Oslo")])
    // Its clock needs no zone of the hub.
    #expect(try check(home).error.isEmpty)
    try home.start()
    let readings = try home.until(["readings", "--json"]) { $0.out.contains("taken_at") }
    #expect(readings.json["taken_at"] as? String == "2026-11-20T18:31:00+09:00")
    #expect(home.stop() == 0)
  }

  @Test func aConfigurationWithoutHubIsAskedForOne() throws {
    let home = try Home(#"{"devices": [{"id": "a", "driver": "contec-v7", "port": "/dev/ttyUSB9"}]}"#)
    home.environment = try Machine.environment(home, [.link("/usr/share/zoneinfo/Europe/Oslo")])
    #expect(try check(home).error.contains("hearth.json:1:1: hub.timezone: warning: the device \"a\" has a clock"))
  }

  @Test func aDeviceWithoutClockAsksForNothing() throws {
    let home = try Home(#"{"devices": [{"id": "s", "driver": "cas", "port": "/dev/ttyUSB9"}]}"#)
    home.environment = try Machine.environment(home, [])
    let outcome = try check(home)
    #expect(outcome.status == 0 && outcome.error.isEmpty, "\(outcome.error)")
  }

  /// What the package does at its installation.
  @Test(
    arguments: [
      ([.link("../usr/share/zoneinfo/America/Argentina/Ushuaia")], "America/Argentina/Ushuaia"),
      ([.text("Asia/Tokyo\n")], "Asia/Tokyo"), ([], nil), ([.text("../../etc/passwd\n")], nil),
      ([.text("Europe/Oslo\"}, \"x\": {\"\n")], nil), ([.link("/usr/share/zoneinfo/Europe/Olso")], nil),
    ] as [([Machine.Setting], String?)])
  fileprivate func thePackageWritesTheZoneDown(settings: [Machine.Setting], zone: String?) throws {
    let home = try Home("{}")
    try home.remove("hearth.json")
    let etc = try Machine.environment(home, settings)["HEARTH_ETC"] ?? ""
    let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appending(path: "systemd")
    let file = home.folder.appending(path: "hearth.json").path
    func install() throws -> Outcome {
      try Home.run(
        folder.appending(path: "write-configuration"), [folder.appending(path: "hearth.json").path, file],
        environment: ["ETC": etc])
    }
    let outcome = try install()
    #expect(outcome.status == 0)
    #expect(outcome.out.contains(zone ?? "nothing of that") == (zone != nil))
    #expect(outcome.error.isEmpty == (zone != nil))
    #expect(home.read("hearth.json").contains(zone.map { "\"hub\": {\"timezone\": \"\($0)\"}," } ?? "\"hub\": {},"))
    #expect(try check(home).status == 0)
    // What a technician wrote is never touched.
    try home.write("{}", "hearth.json")
    #expect(try install().status == 0)
    #expect(home.read("hearth.json") == "{}" && !home.has("hearth.json.new"))
  }
}
