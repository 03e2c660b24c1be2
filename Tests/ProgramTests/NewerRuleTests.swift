// What an older version took and a newer one refuses: a fault for a check, a reload and what comes in, a warning at a start.

import Foundation
import Testing

private func configuration(name: Int) -> String {
  """
  {
    "devices": [{"id": "cuff", "driver": "blood-pressure", "playback": "HOME/cuff.capture", "patient": "p-1",
      "name": "\(String(repeating: "x", count: name))"}],
    "backends": [{"name": "local", "type": "directory", "path": "HOME/out"}],
    "watch": {"heartbeat": {"every": "PT1S", "backends": ["local"]}},
  }
  """
}

private func plan(_ version: Int, zones: Int) -> String {
  let list = (0..<zones).map { #"{"red": {"gt": "\#(150 + $0)"}}"# }.joined(separator: ", ")
  return """
    {"patient": "p-1", "version": \(version), "rules": [
     {"id": "bp", "kind": "band", "measure": "bp.systolic", "zones": [\(list)]}]}
    """
}

private let cuff = "# transport: gatt\n# characteristic: 1810/2A35 indicate\n"

@Suite(.serialized) struct NewerRuleTests {
  @Test func aConfiguration() throws {
    let home = try Home(configuration(name: 101), cuff: cuff)
    let check = try home.runToEnd("--check")
    #expect(check.status == 78)
    #expect(check.error.contains("hearth.json:3:13: devices[0].name: expected at most 100 octets, found 101"))
    try home.startAndWait()
    #expect(try home.ctl("devices", "--json").out.contains("\"cuff\""))
    let message = try home.problems("configuration.bound").first?["message"] as? String ?? ""
    #expect(message.contains("hearth.json:3:13: devices[0].name: expected at most 100 octets, found 101"), "\(message)")
    #expect(try home.check("configuration")["state"] as? String == "warning")
    for _ in 0..<300 where !home.delivered.contains(#""problems":[{"code":"configuration.bound""#) { usleep(20_000) }
    #expect(home.delivered.contains(#""problems":[{"code":"configuration.bound""#))
    let reload = try home.ctl("reload")
    #expect(reload.status == 78 && reload.error.contains("at most 100 octets"))
    // What is in force is told beside what is refused.
    #expect(try home.problems("configuration.bound").count == 1 && home.problems("configuration.refused").count == 1)
    try home.write(configuration(name: 100).replacingOccurrences(of: "HOME", with: home.folder.path), "hearth.json")
    #expect(try home.ctl("reload").status == 0)
    #expect(try home.problems("configuration.bound").isEmpty && home.problems("configuration.refused").isEmpty)
    #expect(home.stop() == 0)
  }

  /// The last good configuration is held to no newer rule than the file that it was.
  @Test func theLastGoodConfigurationToo() throws {
    let home = try Home(configuration(name: 101), cuff: cuff)
    try home.startAndWait()
    #expect(home.stop() == 0)
    try home.write("", "hearth.json")
    try home.startAndWait()
    #expect(try home.problems("configuration.bound").count == 1 && home.problems("configuration.refused").count == 1)
    #expect(home.stop() == 0)
  }

  @Test func aPlan() throws {
    let home = try Home(configuration(name: 1), cuff: cuff)
    let words = "rules[0].zones: expected at most 16 zones, found 17"
    func version() throws -> Int? { try home.ctl("plan", "show", "p-1", "--json").json["version"] as? Int }
    try home.write(plan(3, zones: 17), "plans/p-1.json")
    let check = try home.runToEnd("--check")
    #expect(check.status == 78 && check.error.contains("plans/p-1.json:2:66: \(words)"), "\(check.error)")
    try home.startAndWait()
    #expect(try version() == 3)
    let message = try home.problems("plan.bound").first?["message"] as? String ?? ""
    #expect(message.contains("plans/p-1.json:2:66: \(words)"), "\(message)")
    #expect(try home.check("plan-files")["state"] as? String == "warning")
    #expect(try home.ctl("reload").status == 78)
    // Nothing like it comes in.
    try home.write(plan(4, zones: 17), "draft.json")
    let draft = home.folder.appending(path: "draft.json").path
    for words in [["check", draft], ["set", draft], ["try", draft, "--patient", "p-1"]] {
      let outcome = try home.until(["plan"] + words) { _ in true }
      #expect(outcome.status != 0)
      #expect((outcome.out + outcome.error).contains("expected at most 16 zones, found 17"), "\(outcome)")
    }
    #expect(try version() == 3)
    #expect(home.stop() == 0)
    // One that came in before stays, and refuses no reload: nobody can correct its file.
    try home.remove("plans/p-1.json")
    try FileManager.default.createDirectory(
      at: home.folder.appending(path: "state/plans"), withIntermediateDirectories: true)
    try home.write(plan(4, zones: 17), "state/plans/p-1.json")
    try home.startAndWait()
    #expect(try version() == 4 && home.problems("plan.bound").count == 1)
    #expect(try home.ctl("reload").status == 0)
    #expect(try version() == 4 && home.problems("plan.bound").count == 1)
    try home.write(plan(5, zones: 16), "draft.json")
    #expect(try home.ctl("plan", "set", draft).status == 0)
    #expect(try home.ctl("reload").status == 0)
    #expect(try version() == 5 && home.problems("plan.bound").isEmpty)
    #expect(home.stop() == 0)
  }
}
