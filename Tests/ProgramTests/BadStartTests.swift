// The real daemon at a start, or a reload, that finds files broken: it works on with what was good, and tells it until it is mended.

import Foundation
import Testing

private let configuration = """
  {
    "hub": {"timezone": "Europe/Oslo"},
    "devices": [{"id": "cuff", "driver": "blood-pressure", "playback": "HOME/cuff.capture", "patient": "p-1"}],
    "backends": [{"name": "local", "type": "directory", "path": "HOME/out"}],
    "watch": {"heartbeat": {"every": "PT1S", "backends": ["local"]}},
  }
  """

private let cuff = """
  # transport: gatt
  # characteristic: 1810/2A35 indicate
  @ 50
  < 1810/2A35 1e80005000 5f00 ea070b14081e00 4600 01 0000
  """

private let broken = "{\n  \"backend\": []\n}"

private func plan(_ version: Int) -> String {
  """
  {"patient": "p-1", "version": \(version), "language": "en",
   "rules": [{"id": "bp", "kind": "band", "measure": "bp.systolic", "zones": [{"red": {"gte": "180"}}]}]}
  """
}

extension Home {
  /// Starts it and waits until it answers.
  func startAndWait() throws {
    try start()
    #expect(try until(["version", "--json"]) { $0.status == 0 }.status == 0)
    _ = try until(["status"]) { $0.status == 0 }
  }

  /// What needs a person, by `hearthctl status`.
  func problems(_ code: String) throws -> [[String: Any]] {
    let list = try ctl("status", "--json").json["problems"] as? [[String: Any]]
    return (list ?? []).filter { $0["code"] as? String == code }
  }

  /// A check of `hearthctl doctor`.
  func check(_ id: String) throws -> [String: Any] {
    let list = try ctl("doctor", "--json").json["checks"] as? [[String: Any]]
    return (list ?? []).first { $0["id"] as? String == id } ?? [:]
  }

  func read(_ name: String) -> String {
    (try? String(contentsOf: folder.appending(path: name), encoding: .utf8)) ?? ""
  }

  func has(_ name: String) -> Bool { FileManager.default.fileExists(atPath: folder.appending(path: name).path) }

  func remove(_ name: String) throws { try FileManager.default.removeItem(at: folder.appending(path: name)) }

  /// What the directory backend got, all files together.
  var delivered: String {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.appending(path: "out").path)) ?? []
    return names.map { read("out/\($0)") }.joined()
  }

  /// Runs a daemon that ends by itself.
  func runToEnd(_ arguments: String...) throws -> Outcome {
    try Home.run(
      "hearthd",
      arguments + [
        "--config", folder.appending(path: "hearth.json").path, "--state-directory",
        folder.appending(path: "state").path, "--runtime-directory", folder.appending(path: "run").path,
      ])
  }
}

@Suite(.serialized) struct BadStartTests {
  @Test func withoutALastGoodConfigurationTheDaemonEnds() throws {
    let home = try Home(broken)
    let outcome = try home.runToEnd()
    #expect(outcome.status == 78)
    #expect(outcome.error.contains("hearth.json:2:3: backend: unknown key"))
    #expect(!home.has("state/last-good.json"))
  }

  @Test(arguments: [broken, "", nil]) func theLastGoodConfigurationIsInForce(text: String?) throws {
    let home = try Home(configuration, cuff: cuff)
    try home.startAndWait()
    #expect(try home.problems("configuration.refused").isEmpty)
    #expect(home.stop() == 0)
    if let text { try home.write(text, "hearth.json") } else { try home.remove("hearth.json") }
    #expect(try home.runToEnd("--check").status == 78)
    try home.startAndWait()
    #expect(try home.ctl("devices", "--json").out.contains("\"cuff\""))
    let problem = try #require(try home.problems("configuration.refused").first)
    let message = try #require(problem["message"] as? String)
    #expect(message.contains("hearth.json:2:3: backend") == (text == broken), "\(message)")
    #expect(message.contains("the last good one is in force") && problem["since"] is String)
    #expect(try home.check("configuration")["state"] as? String == "failed")
    for _ in 0..<300 where !home.delivered.contains(#""problems":[{"code":"configuration.refused""#) { usleep(20_000) }
    #expect(home.delivered.contains(#""problems":[{"code":"configuration.refused""#))
    // A plan comes in meanwhile: it does not depend on the file.
    try home.write(plan(1), "draft.json")
    #expect(try home.ctl("plan", "set", home.folder.appending(path: "draft.json").path).status == 0)
    #expect(try home.problems("configuration.refused").count == 1)
    try home.write(configuration.replacingOccurrences(of: "HOME", with: home.folder.path), "hearth.json")
    #expect(try home.ctl("reload").status == 0)
    #expect(try home.problems("configuration.refused").isEmpty)
    #expect(try home.check("configuration")["state"] as? String == "ok")
    #expect(home.stop() == 0)
    #expect(home.read("log").contains("error: configuration.refused: the last good one is in force: "))
  }

  /// The one before may hold patients and the paths of secrets.
  @Test func aReplacedLastGoodConfigurationIsOverwritten() throws {
    let home = try Home(configuration, cuff: cuff)
    try home.startAndWait()
    for _ in 0..<300 where !home.has("state/last-good.json") { usleep(20_000) }
    let old = try FileHandle(forReadingFrom: home.folder.appending(path: "state/last-good.json"))
    #expect(String(decoding: try old.readToEnd() ?? Data(), as: UTF8.self).contains("p-1"))
    let changed = configuration.replacingOccurrences(of: "p-1", with: "p-2")
    try home.write(changed.replacingOccurrences(of: "HOME", with: home.folder.path), "hearth.json")
    #expect(try home.ctl("reload").status == 0)
    func octets() throws -> Data {
      try old.seek(toOffset: 0)
      return try old.readToEnd() ?? Data()
    }
    for _ in 0..<300 where try octets().contains(where: { $0 != 0 }) { usleep(20_000) }
    for _ in 0..<300 where home.has("state/last-good.json.old") { usleep(20_000) }
    #expect(try octets().allSatisfy { $0 == 0 })
    #expect(home.read("state/last-good.json").contains("p-2") && !home.has("state/last-good.json.old"))
    #expect(home.stop() == 0)
  }

  /// What the doctor says of plans is true while one is refused, and while none is.
  @Test func theDoctorNamesThePlansInForce() throws {
    let home = try Home(configuration, cuff: cuff)
    try home.write(plan(3), "plans/p-1.json")
    try home.startAndWait()
    #expect(try home.check("plans")["message"] as? String == "in force: p-1 version 3")
    #expect(home.stop() == 0)
    try home.write("{", "plans/p-1.json")
    try home.write("{", "plans/p-3.json")
    try home.startAndWait()
    #expect(
      try home.check("plans")["message"] as? String == "in force: p-1 version 3; what is not is named by plan-files")
    #expect(try home.ctl("doctor").out.contains("p-3.json"))
    #expect(home.stop() == 0)
  }

  @Test func aRefusedReloadIsToldUntilItIsMended() throws {
    let home = try Home(configuration, cuff: cuff)
    try home.startAndWait()
    try home.write(broken, "hearth.json")
    let refused = try home.ctl("reload")
    #expect(refused.status == 78)
    #expect(refused.error.contains("hearth.json:2:3: backend: unknown key") && refused.error.contains("\nhint: "))
    let json = try home.ctl("reload", "--json").json["error"] as? [String: Any]
    #expect(json?["code"] as? String == "bad-configuration")
    #expect(try home.ctl("status").out.contains("hearth.json:2:3: backend: unknown key"))
    #expect(try home.problems("configuration.refused").count == 1)
    #expect(try home.check("configuration")["state"] as? String == "failed")
    #expect(try home.ctl("devices", "--json").out.contains("\"cuff\""))
    // SIGHUP tells the same, and takes what is mended.
    try home.reload("{\n  \"device\": []\n}")
    _ = try home.until(["status"]) { $0.out.contains("hearth.json:2:3: device: unknown key") }
    #expect(try home.problems("configuration.refused").count == 1)
    try home.reload(configuration)
    _ = try home.until(["status"]) { !$0.out.contains("unknown key") }
    #expect(try home.problems("configuration.refused").isEmpty)
    #expect(try home.ctl("reload").out == "the configuration was read again and is in force\n")
    // A start has the file of the last reload that was taken.
    #expect(home.read("state/last-good.json").contains("blood-pressure"))
    #expect(home.stop() == 0)
  }

  @Test func anUnreadableStateFileIsSetAside() throws {
    let home = try Home(configuration.replacingOccurrences(of: #", "patient": "p-1""#, with: ""), cuff: cuff)
    try home.startAndWait()
    _ = try home.until(["readings", "--parked", "--json"]) { !$0.out.isEmpty }
    #expect(try home.ctl("assign", "--device", "cuff", "p-1").status == 0)
    #expect(home.stop() == 0)
    for (round, rubbish) in ["{\"version\": 2}", "\u{0}\u{0}\u{0}"].enumerated() {
      try home.write(rubbish, "state/keys.json")
      try home.startAndWait()
      let name = round == 0 ? "state/keys.json.bad" : "state/keys.json.bad.2"
      #expect(home.read(name) == rubbish)
      let problems = try home.problems("state.unreadable")
      #expect(problems.count == round + 1)
      #expect(problems.contains { ($0["message"] as? String)?.contains(name + " was set aside") ?? false })
      #expect(try home.check("state-files")["state"] as? String == "failed")
      // The hub works on, and what the journal has is in force.
      #expect(try home.ctl("devices", "--json").out.contains("p-1"))
      #expect(try home.ctl("assign", "--device", "cuff", "p-1").status == 0)
      #expect(home.stop() == 0)
    }
    try home.remove("state/keys.json.bad")
    try home.remove("state/keys.json.bad.2")
    try home.write("[", "state/bindings.json.bad")
    try home.startAndWait()
    #expect(try home.problems("state.unreadable").count == 1)
    // An erasure takes what nobody can read: the patient may stand in it.
    #expect(try home.ctl("erase", "--patient", "p-1", "--yes").status == 0)
    #expect(!home.has("state/bindings.json.bad"))
    #expect(try home.ctl("reload").status == 0)
    #expect(try home.problems("state.unreadable").isEmpty)
    #expect(home.stop() == 0)
  }

  /// What an earlier version kept and nobody can read: the hub starts without it, and works on.
  @Test func unreadableBindingsAreSetAside() throws {
    let home = try Home(configuration.replacingOccurrences(of: #", "patient": "p-1""#, with: ""), cuff: cuff)
    try FileManager.default.createDirectory(at: home.folder.appending(path: "state"), withIntermediateDirectories: true)
    try home.write("{\"slots\": [", "state/bindings.json")
    try home.startAndWait()
    #expect(home.read("state/bindings.json.bad") == "{\"slots\": [")
    let message = try home.problems("state.unreadable").first?["message"] as? String ?? ""
    #expect(message.contains("state/bindings.json.bad was set aside"))
    _ = try home.until(["readings", "--parked", "--json"]) { !$0.out.isEmpty }
    #expect(try home.ctl("assign", "--device", "cuff", "p-1").status == 0)
    #expect(home.stop() == 0)
    try home.startAndWait()
    #expect(try home.ctl("devices", "--json").out.contains(#""*":"p-1""#))
    // Until somebody has looked at the file and removed it.
    #expect(try home.problems("state.unreadable").count == 1)
    try home.remove("state/bindings.json.bad")
    #expect(try home.ctl("reload").status == 0)
    #expect(try home.problems("state.unreadable").isEmpty)
    #expect(home.stop() == 0)
  }

  @Test func whatIsSetAsideIsBounded() throws {
    let home = try Home(configuration, cuff: cuff)
    try home.startAndWait()
    #expect(home.stop() == 0)
    let names = ["keys.json.bad"] + (2...8).map { "keys.json.bad.\($0)" }
    for name in names { try home.write(name, "state/\(name)") }
    try home.write("[", "state/keys.json")
    try home.startAndWait()
    #expect(names.dropLast().allSatisfy { home.read("state/\($0)") == $0 })
    #expect(home.read("state/keys.json.bad.8") == "[" && !home.has("state/keys.json.bad.9"))
    #expect(try home.problems("state.unreadable").count == 8)
    #expect(home.stop() == 0)
  }

  /// The disk does not take the last good configuration: that is told, and the reload is as good as any.
  @Test func aConfigurationThatCannotBeKeptIsInForce() throws {
    let home = try Home(configuration, cuff: cuff)
    try home.startAndWait()
    try FileManager.default.createDirectory(
      at: home.folder.appending(path: "state/last-good.json.new"), withIntermediateDirectories: true)
    let other = configuration.replacingOccurrences(of: "p-1", with: "p-2")
    try home.write(other.replacingOccurrences(of: "HOME", with: home.folder.path), "hearth.json")
    #expect(try home.ctl("reload").status == 0)
    #expect(try home.ctl("devices", "--json").out.contains("p-2"))
    #expect(home.read("state/last-good.json").contains("p-1"))
    #expect(home.stop() == 0)
    #expect(home.read("log").contains("warning: configuration.not-kept: the last good one is not kept"))
  }

  @Test(arguments: [
    "devices.json", "sessions.json", "quarantine.json", "bonds.json", "plan-origins.json", "bindings.json", "keys.json",
    "hub-id",
  ])
  func everyStateFileMayBeUnreadable(name: String) throws {
    let home = try Home(configuration, cuff: cuff)
    // Files of version 0.1 are read once, at the first start of this one.
    try FileManager.default.createDirectory(at: home.folder.appending(path: "state"), withIntermediateDirectories: true)
    try home.write("[", "state/\(name)")
    try home.startAndWait()
    #expect(home.read("state/\(name).bad") == "[")
    #expect(try home.problems("state.unreadable").count == 1)
    #expect(home.stop() == 0)
  }

  @Test func aPlanThatIsRefusedAtAStartLeavesItsLastGoodVersion() throws {
    let home = try Home(configuration, cuff: cuff)
    try home.write(plan(3), "plans/p-1.json")
    try home.write(plan(1).replacingOccurrences(of: "p-1", with: "p-2"), "plans/p-2.json")
    try home.startAndWait()
    #expect(home.stop() == 0)
    try home.write("{\"patient\": \"p-1\",\n \"version\": 4, \"rule\": []}", "plans/p-1.json")
    try home.startAndWait()
    func version(_ patient: String) throws -> Int? {
      try home.ctl("plan", "show", patient, "--json").json["version"] as? Int
    }
    #expect(try version("p-1") == 3 && version("p-2") == 1)
    let problem = try #require(try home.problems("plan.refused").first)
    let message = problem["message"] as? String ?? ""
    #expect(message.contains("plans/p-1.json:2:16: rule: unknown key") && message.contains("version 3 of this plan"))
    #expect(try home.check("plan-files")["state"] as? String == "failed")
    #expect(try home.ctl("reload").status == 78)
    #expect(home.stop() == 0)
    // Its last good version is still known at the start after that.
    try home.startAndWait()
    #expect(try version("p-1") == 3)
    try home.write(plan(5), "plans/p-1.json")
    #expect(try home.ctl("reload").status == 0)
    #expect(try version("p-1") == 5 && home.problems("plan.refused").isEmpty)
    #expect(try home.check("plan-files")["state"] as? String == "ok")
    #expect(home.stop() == 0)
    // The log says where, and not whose.
    let log = home.read("log")
    #expect(
      log.contains(
        "error: plan.refused: a plan:2:16: rule: unknown-key (this key is not known here); version 3 of this plan stays in force"
      ))
    #expect(!log.contains("p-1"))
  }

  @Test func aPlanThatWasBroughtInAndIsUnreadableIsSetAside() throws {
    let home = try Home(configuration, cuff: cuff)
    try home.write(plan(3), "plans/p-1.json")
    try home.startAndWait()
    try home.write(plan(4), "draft.json")
    #expect(try home.ctl("plan", "set", home.folder.appending(path: "draft.json").path).status == 0)
    #expect(home.stop() == 0)
    try home.write("", "state/plans/p-1.json")
    try home.startAndWait()
    // The copy of what was in force.
    #expect(try home.ctl("plan", "show", "p-1", "--json").json["version"] as? Int == 4)
    let message = try home.problems("plan.refused").first?["message"] as? String ?? ""
    #expect(message.contains("state/plans/p-1.json.bad was set aside") && message.contains("version 4"))
    #expect(try home.problems("plan.gone").isEmpty)
    try home.write(plan(5), "draft.json")
    #expect(try home.ctl("plan", "set", home.folder.appending(path: "draft.json").path).status == 0)
    try home.remove("state/plans/p-1.json.bad")
    #expect(try home.ctl("reload").status == 0)
    #expect(try home.problems("plan.refused").isEmpty)
    #expect(try home.ctl("plan", "show", "p-1", "--json").json["version"] as? Int == 5)
    #expect(home.stop() == 0)
    #expect(
      home.read("log").contains(
        "error: plan.refused: a plan:1:1: syntax (it is no JSON that can be read); it is not in force"))
    #expect(!home.read("log").contains("p-1"))
  }
}
