// Files that are lost, refused or cannot be kept: nobody is unwatched by that, what was refused does not come into force by a restart, and
// all of it is told until somebody has mended it.

import Foundation
import Testing

private func configuration(_ more: String = "", backends: String = "", watch: String = "", hub: String = "") -> String {
  """
  {
    "hub": {"timezone": "Europe/Oslo"\(hub)},
    "devices": [{"id": "cuff", "driver": "blood-pressure", "playback": "HOME/cuff.capture", "patient": "p-1"\(more)}],
    "backends": [{"name": "local", "type": "directory", "path": "HOME/out"}\(backends)],
    "watch": {"heartbeat": {"every": "PT1S", "backends": ["local"]}\(watch)},
  }
  """
}

private let cuff = """
  # transport: gatt
  # characteristic: 1810/2A35 indicate
  @ 50
  < 1810/2A35 1ebe005000 5f00 ea070b14081e00 4600 01 0000
  """

private func plan(_ version: Int, rules: Bool = true) -> String {
  let rule = #"{"id": "bp", "kind": "band", "measure": "bp.systolic", "zones": [{"red": {"gte": "180"}}]}"#
  return #"{"patient": "p-1", "version": \#(version), "language": "en", "rules": [\#(rules ? rule : "")]}"#
}

extension Home {
  fileprivate func version() throws -> Int? { try ctl("plan", "show", "p-1", "--json").json["version"] as? Int }

  fileprivate func configure(_ text: String) throws {
    try write(text.replacingOccurrences(of: "HOME", with: folder.path), "hearth.json")
  }

  fileprivate func waitForCopy(_ name: String, _ words: String) {
    for _ in 0..<300 where !read(name).contains(words) { usleep(20_000) }
    #expect(read(name).contains(words))
  }

  /// What a reload prints, on one line: a terminal's lines are folded.
  fileprivate func reloaded() throws -> String {
    let outcome = try ctl("reload")
    #expect(outcome.status == 0)
    return outcome.out.split(whereSeparator: \.isWhitespace).joined(separator: " ")
  }

  fileprivate func check() throws -> Outcome { try runToEnd("--check") }
}

@Suite(.serialized) struct LostFileTests {
  /// Plans that are gone at a start stay in force, with or without the configuration, over starts and reloads.
  @Test(arguments: ["plans/p-1.json", "plans", "plans hearth.json", "plans broken"]) func aPlanWhoseFileIsGoneStays(
    lost: String
  ) throws {
    let home = try Home(configuration(), cuff: cuff)
    try home.write(plan(3), "plans/p-1.json")
    try home.startAndWait()
    home.waitForCopy("state/last-good-plans/p-1.json", "bp.systolic")
    home.waitForCopy("state/last-good.json", "blood-pressure")
    #expect(home.stop() == 0)
    for name in lost.split(separator: " ") {
      if name == "broken" { try home.write("{", "hearth.json") } else { try home.remove(String(name)) }
    }
    for _ in 0..<2 {
      try home.startAndWait()
      #expect(try home.version() == 3)
      let problem = try #require(try home.problems("plan.gone").first)
      #expect(
        (problem["message"] as? String ?? "").contains("version 3 of the plan of p-1 stays in force"), "\(problem)")
      #expect((problem["hint"] as? String ?? "").contains("set version 4 with \"rules\": []"))
      #expect(try home.check("plan-files")["state"] as? String == "warning")
      #expect(home.stop() == 0)
    }
    #expect(!home.delivered.contains("plan-changed") && home.delivered.contains(#""code":"plan.gone""#))
    try FileManager.default.createDirectory(at: home.folder.appending(path: "plans"), withIntermediateDirectories: true)
    try home.configure(configuration())
    try home.startAndWait()
    #expect(try home.ctl("reload").status == 0)
    #expect(try home.version() == 3 && home.problems("plan.gone").count == 1)
    // What ends it is a higher version without rules.
    try home.write(plan(4, rules: false), "draft.json")
    #expect(try home.ctl("plan", "set", home.folder.appending(path: "draft.json").path).status == 0)
    #expect(try home.version() == 4 && home.problems("plan.gone").isEmpty)
    #expect(try home.ctl("reload").status == 0)
    #expect(try home.version() == 4 && home.problems("plan.gone").isEmpty)
    #expect(home.stop() == 0)
    #expect(!home.read("log").contains("p-1"))
  }

  /// A reload that finds a plan gone, or older, leaves what is in force, and so does the next start.
  @Test func aReloadLeavesAPlanThatIsGone() throws {
    let home = try Home(configuration(), cuff: cuff)
    try home.write(plan(3), "plans/p-1.json")
    try home.startAndWait()
    try home.write(plan(2), "plans/p-1.json")
    #expect(try home.ctl("reload").status == 0)
    #expect(try home.version() == 3)
    #expect(
      (try home.problems("plan.gone").first?["message"] as? String ?? "").contains("its file holds version 2 only"))
    try home.remove("plans/p-1.json")
    for _ in 0..<2 { #expect(try home.ctl("reload").status == 0) }
    #expect(try home.version() == 3 && home.problems("plan.gone").count == 1)
    #expect(home.stop() == 0)
    try home.startAndWait()
    #expect(try home.version() == 3 && home.problems("plan.gone").count == 1)
    try home.write(plan(5), "plans/p-1.json")
    #expect(try home.ctl("reload").status == 0)
    #expect(try home.version() == 5 && home.problems("plan.gone").isEmpty)
    // An erasure ends it as well, and no copy is left.
    try home.remove("plans/p-1.json")
    #expect(try home.ctl("erase", "--patient", "p-1", "--yes").status == 0)
    #expect(!home.has("state/last-good-plans/p-1.json"))
    #expect(try home.ctl("reload").status == 0)
    #expect(try home.version() == nil && home.problems("plan.gone").isEmpty)
    #expect(home.stop() == 0)
    try home.startAndWait()
    #expect(try home.version() == nil && home.problems("plan.gone").isEmpty)
    #expect(home.stop() == 0)
  }

  /// A plan that was brought in and of which every copy is gone is told by the record of who set it.
  @Test func aPlanOfWhichNoCopyIsLeftIsTold() throws {
    let home = try Home(configuration(), cuff: cuff)
    try home.startAndWait()
    try home.write(plan(2), "draft.json")
    let draft = home.folder.appending(path: "draft.json").path
    #expect(try home.ctl("plan", "set", draft).status == 0)
    home.waitForCopy("state/last-good-plans/p-1.json", "bp.systolic")
    #expect(home.stop() == 0)
    try home.remove("state/plans/p-1.json")
    try home.startAndWait()
    #expect(try home.version() == 2 && home.problems("plan.gone").first?["severity"] as? String == "warning")
    #expect(home.stop() == 0)
    try home.remove("state/last-good-plans/p-1.json")
    try home.startAndWait()
    #expect(try home.version() == nil)
    let problem = try #require(try home.problems("plan.gone").first)
    #expect(
      problem["severity"] as? String == "error"
        && (problem["message"] as? String ?? "").contains("version 2 of the plan of p-1"))
    #expect(try home.ctl("plan", "set", draft).status == 0)
    #expect(try home.version() == 2 && home.problems("plan.gone").isEmpty)
    #expect(home.stop() == 0)
  }

  /// What a reload refused by a newer rule does not come into force by a restart.
  @Test func aFileThatAReloadRefusedIsNotTakenByAStart() throws {
    let home = try Home(configuration(), cuff: cuff)
    try home.write(plan(3), "plans/p-1.json")
    try home.startAndWait()
    home.waitForCopy("state/last-good.json", "blood-pressure")
    let long = configuration(#", "name": "\#(String(repeating: "x", count: 101))""#).replacingOccurrences(
      of: "p-1", with: "p-2")
    try home.configure(long)
    #expect(try home.ctl("reload").status == 78)
    home.waitForCopy("state/refused.json", "refused")
    #expect(!home.read("state/refused.json").contains("p-2"))
    #expect(home.stop() == 0)
    for _ in 0..<2 {
      try home.startAndWait()
      #expect(try home.ctl("devices", "--json").out.contains(#""*":"p-1""#))
      let message = try home.problems("configuration.refused").first?["message"] as? String ?? ""
      #expect(message.contains("the last good one is in force") && message.contains("at most 100 octets"), "\(message)")
      #expect(home.stop() == 0)
    }
    // The same of a plan: its file alone.
    try home.configure(configuration())
    let zones = (0..<17).map { #"{"red": {"gt": "\#(150 + $0)"}}"# }.joined(separator: ", ")
    try home.write(
      #"{"patient": "p-1", "version": 4, "rules": [{"id": "bp", "kind": "band", "measure": "bp.systolic", "zones": [\#(zones)]}]}"#,
      "plans/p-1.json")
    try home.startAndWait()
    #expect(try home.version() == 4 && home.problems("plan.bound").count == 1)
    #expect(home.stop() == 0)
    try home.write(plan(5), "plans/p-1.json")
    try home.startAndWait()
    home.waitForCopy("state/last-good-plans/p-1.json", #""version": 5"#)
    try home.write(
      home.read("plans/p-1.json").replacingOccurrences(of: "{\"red\": {\"gte\": \"180\"}}", with: zones)
        .replacingOccurrences(
          of: #""version": 5"#, with: #""version": 6"#), "plans/p-1.json")
    #expect(try home.ctl("reload").status == 78)
    home.waitForCopy("state/refused.json", "refused\":[\"")
    #expect(home.stop() == 0)
    try home.startAndWait()
    #expect(try home.version() == 5)
    let message = try home.problems("plan.refused").first?["message"] as? String ?? ""
    #expect(
      message.contains("expected at most 16 zones") && message.contains("version 5 of this plan stays in force"),
      "\(message)")
    try home.write(plan(7), "plans/p-1.json")
    #expect(try home.ctl("reload").status == 0)
    #expect(try home.version() == 7 && home.problems("plan.refused").isEmpty)
    #expect(home.stop() == 0)
  }

  /// A password in an address that an older version took is in force, and in no copy.
  @Test func aPasswordInAnAddressIsNotKept() throws {
    let backend =
      #", {"name": "gp", "type": "native", "url": "https://kari:hemmelig@127.0.0.1:9/v1", "trust_2xx": true}"#
    let home = try Home(configuration(backends: backend), cuff: cuff)
    try home.startAndWait()
    home.waitForCopy("state/last-good.json", "127.0.0.1:9/v1")
    #expect(
      !home.read("state/last-good.json").contains("hemmelig") && !home.read("state/last-good.json").contains("kari"))
    #expect(home.stop() == 0)
    #expect(!home.read("log").contains("hemmelig"))
  }

  /// A state directory that takes nothing is told until it does.
  @Test func whatCannotBeKeptIsToldUntilItIs() throws {
    let home = try Home(configuration(), cuff: cuff)
    try home.startAndWait()
    home.waitForCopy("state/last-good.json", "blood-pressure")
    let stopper = home.folder.appending(path: "state/last-good.json.new")
    try FileManager.default.createDirectory(at: stopper, withIntermediateDirectories: true)
    try home.configure(configuration().replacingOccurrences(of: "p-1", with: "p-2"))
    #expect(try home.ctl("reload").status == 0)
    _ = try home.until(["status", "--json"]) { $0.out.contains("configuration.not-kept") }
    #expect(try home.problems("configuration.not-kept").count == 1)
    #expect(try home.ctl("status", "--check").status == 1)
    #expect(try home.check("state-files")["state"] as? String == "warning")
    for _ in 0..<300 where !home.delivered.contains(#""code":"configuration.not-kept""#) { usleep(20_000) }
    #expect(home.delivered.contains(#""code":"configuration.not-kept""#))
    try FileManager.default.removeItem(at: stopper)
    #expect(try home.ctl("reload").status == 0)
    _ = try home.until(["status", "--json"]) { !$0.out.contains("configuration.not-kept") }
    #expect(try home.problems("configuration.not-kept").isEmpty)
    #expect(home.read("state/last-good.json").contains("p-2"))
    #expect(home.stop() == 0)
  }

  /// Names and numbers of persons that were typed as keys or values are in no line of the log and in nothing that backends get.
  @Test func whatSomebodyTypedIsHidden() throws {
    let home = try Home(configuration(), cuff: cuff)
    try home.startAndWait()
    let slips = [
      configuration().replacingOccurrences(of: #""patient": "p-1""#, with: #""users": {"15076500565": "p-1"}"#),
      configuration(watch: #", "silent_after": {"kari-nordmann": "P1D"}"#), configuration(#", "Kari Nordmann": 1"#),
      configuration(#", "name": "Kari Nordmann", "name": "x""#).replacingOccurrences(
        of: #""name": "x""#, with: #""Kari": 1, "Kari": 2"#),
      configuration().replacingOccurrences(of: #""p-1""#, with: #""Kari Nordmann""#),
      configuration().replacingOccurrences(of: #""p-1""#, with: #""15076500565""#),
    ]
    for slip in slips {
      try home.configure(slip)
      let refused = try home.ctl("reload")
      #expect(refused.status == 78, "\(slip) \(refused)")
    }
    _ = try home.until(["status", "--json"]) { $0.out.contains("configuration.refused") }
    usleep(1_500_000)
    #expect(home.stop() == 0)
    for text in [home.read("log"), home.delivered] {
      #expect(!text.lowercased().contains("kari") && !text.contains("15076500565"), "\(text)")
    }
    #expect(home.read("log").contains("(a key)") && home.delivered.contains("(a key)"))
  }

  /// A start takes a name that is no device's, and says so; a reload says what it cannot take before a restart.
  @Test func whatAStartOrAReloadCannotDoIsSaid() throws {
    let home = try Home(configuration(watch: #", "silent_after": {"cufff": "P1D"}"#), cuff: cuff)
    try home.startAndWait()
    #expect(try home.problems("device.unknown").count == 1)
    #expect(home.read("log").contains("device.unknown: ") && !home.read("log").contains("cufff"))
    try home.configure(
      configuration(hub: #", "id": "hub-other""#).replacingOccurrences(
        of: "\"watch\"", with: "\"journal\": {\"maximum_bytes\": 8388608},\n  \"watch\""))
    let reload = try home.reloaded()
    #expect(
      reload.contains("warning: hub.id is in force after the next restart"), "\(reload)")
    #expect(reload.contains("warning: journal.maximum_bytes is in force after"))
    #expect(try home.problems("configuration.needs-restart").count == 2 && home.problems("device.unknown").isEmpty)
    #expect(home.stop() == 0)
    try home.startAndWait()
    #expect(try home.problems("configuration.needs-restart").isEmpty)
    #expect(try home.ctl("status", "--json").out.contains("hub-other"))
    #expect(home.stop() == 0)
  }

  /// A backend that goes while something waits for it is named, with how much that is.
  @Test func aBackendThatGoesWhileSomethingWaitsIsNamed() throws {
    let backend = #", {"name": "gp", "type": "native", "url": "http://127.0.0.1:9/v1", "trust_2xx": true}"#
    let home = try Home(configuration(backends: backend), cuff: cuff)
    try home.startAndWait()
    _ = try home.until(["backends", "--json"]) { $0.out.contains(#""waiting":1"#) }
    try home.configure(configuration(backends: backend.replacingOccurrences(of: "gp", with: "gp2")))
    let reload = try home.reloaded()
    #expect(
      reload.contains(#"the backend "gp" is in the configuration no more: "#), "\(reload)")
    #expect(reload.contains("for it and will not be sent"))
    #expect(home.read("log").contains("backend gp: backend.removed: "))
    #expect(home.stop() == 0)
  }

  /// What a check refuses beside the text, a reload names: it takes the text, and the rest may be mended without it.
  @Test func aReloadNamesWhatACheckRefuses() throws {
    let home = try Home(configuration(), cuff: cuff)
    try home.startAndWait()
    let backend =
      #", {"name": "gp", "type": "native", "url": "http://127.0.0.1:9/v1", "trust_2xx": true, "bearer": {"file": "HOME/token"}}"#
    try home.configure(
      configuration(#"}, {"id": "b", "driver": "cas", "port": "/dev/null", "patient": "p-1""#, backends: backend)
        .replacingOccurrences(
          of: "\"watch\"",
          with: "\"control\": {\"reader_group\": \"nobody-has-it\"}, \"plans\": \"/nowhere/plans\",\n  \"watch\""))
    let check = try home.check()
    #expect(check.status == 78)
    let reload = try home.reloaded()
    for words in [
      "token is not there", "/dev/null is no serial port", "no group \"nobody-has-it\"", "/nowhere/plans is not there",
    ] {
      #expect(check.error.contains(words) && reload.contains(words), "\(words): \(check.error) \(reload)")
    }
    #expect(try home.problems("group.unknown").count == 1)
    for code in ["group.unknown", "plans.missing", "device.unusable"] {
      #expect(home.read("log").contains("\(code): "), "\(code)")
    }
    #expect(home.stop() == 0)
  }

  @Test func aPlanOfNobodyIsNamedByACheck() throws {
    let home = try Home(configuration(), cuff: cuff)
    try home.write(plan(1).replacingOccurrences(of: "p-1", with: "somebody-else"), "plans/somebody-else.json")
    let check = try home.check()
    #expect(check.status == 0 && check.error.contains("nobody is watched by this plan"), "\(check)")
    try home.startAndWait()
    let problem = try #require(try home.problems("plan.of-nobody").first)
    #expect(problem["about"] as? String == "somebody-else" && problem["severity"] as? String == "warning")
    let alerts = try home.ctl("alerts", "--all")
    #expect(
      alerts.status == 0 && alerts.out.contains("the plan of somebody-else judges nothing")
        && !alerts.out.contains("every rule judges"), "\(alerts)")
    let one = try home.ctl("alerts", "--all", "--patient", "somebody-else", "--json")
    #expect(one.json["watch_nobody"] as? [String] == ["somebody-else"], "\(one)")
    let other = try home.ctl("alerts", "--all", "--patient", "p-1", "--json")
    #expect(other.status == 0 && other.json["watch_nobody"] == nil, "\(other)")
    #expect(home.stop() == 0)
  }

  /// Readings are kept in a folder of a disk, and each backend has its own.
  @Test func foldersThatKeepNoFilesAreRefused() throws {
    for (path, words) in [
      ("/", "is the whole file system"), ("/proc", "keeps no files"), ("/sys/kernel", "keeps no files"),
    ] {
      let home = try Home(configuration().replacingOccurrences(of: "HOME/out", with: path), cuff: cuff)
      let check = try home.check()
      #expect(check.status == 78 && check.error.contains(words), "\(check)")
    }
    let twice = #", {"name": "two", "type": "directory", "path": "HOME/x/../out"}"#
    let home = try Home(configuration(backends: twice), cuff: cuff)
    #expect(try home.check().error.contains("expected a folder of its own, found that of the backend \"local\""))
  }
}
