// A plan that was on its way into force when the daemon ended: the record of who set it decides.

import Foundation
import Testing

private let configuration = """
  {
    "hub": {"timezone": "Europe/Oslo"},
    "devices": [{"id": "cuff", "driver": "blood-pressure", "playback": "HOME/cuff.capture", "patient": "p-1"}],
    "backends": [{"name": "local", "type": "directory", "path": "HOME/out"}],
  }
  """

private func plan(_ version: Int) -> String {
  """
  {"patient": "p-1", "version": \(version), "timezone": "Asia/Kathmandu",
   "rules": [{"id": "bp", "kind": "band", "measure": "bp.systolic", "zones": [{"red": {"gte": "180"}}]}]}
  """
}

@Suite(.serialized) struct PlanStagingTests {
  private func home() throws -> Home {
    let home = try Home(configuration, cuff: "# transport: gatt\n# characteristic: 1810/2A35 indicate\n")
    try home.startAndWait()
    return home
  }

  private func set(_ version: Int, _ home: Home) throws -> Outcome {
    try home.write(plan(version), "draft.json")
    return try home.ctl("plan", "set", home.folder.appending(path: "draft.json").path)
  }

  private func version(_ home: Home) throws -> Int? {
    try home.ctl("plan", "show", "p-1", "--json").json["version"] as? Int
  }

  private func rename(_ home: Home, _ old: String, _ new: String) throws {
    try FileManager.default.moveItem(
      at: home.folder.appending(path: "state/plans/\(old)"), to: home.folder.appending(path: "state/plans/\(new)"))
  }

  @Test func aStagedPlanWithItsRecordIsInForceAfterAStart() throws {
    let home = try home()
    #expect(try set(3, home).status == 0)
    #expect(home.has("state/plans/p-1.json") && !home.has("state/plans/p-1.json.staged"))
    #expect(home.stop() == 0)
    // As a power cut leaves it behind the record and before the rename.
    try rename(home, "p-1.json", "p-1.json.staged")
    try home.write(plan(2), "state/plans/p-1.json")
    try home.startAndWait()
    #expect(try version(home) == 3)
    let shown = try home.ctl("plan", "show", "p-1", "--json").json
    #expect(shown["timezone"] as? String == "Asia/Kathmandu" && shown["set_by"] as? String == "uid:\(getuid())")
    #expect(!home.has("state/plans/p-1.json.staged"))
    // A reload does the same.
    #expect(try home.ctl("reload").status == 0)
    #expect(try version(home) == 3)
    #expect(home.stop() == 0)
  }

  @Test func aStagedPlanWithoutItsRecordIsRemoved() throws {
    let home = try home()
    #expect(try set(3, home).status == 0)
    #expect(home.stop() == 0)
    for staged in [plan(4), plan(3), "{"] {
      try home.write(staged, "state/plans/p-1.json.staged")
      try home.startAndWait()
      #expect(try version(home) == 3)
      #expect(!home.has("state/plans/p-1.json.staged"))
      #expect(home.stop() == 0)
    }
  }

  @Test func aStateDirectoryThatTakesNoPlanRefusesItAndSaysWhy() throws {
    let home = try home()
    #expect(try set(3, home).status == 0)
    // A folder in the way of the temporary file: root writes past permissions.
    try FileManager.default.createDirectory(
      at: home.folder.appending(path: "state/plans/p-1.json.staged.new"), withIntermediateDirectories: true)
    let refused = try set(4, home)
    #expect(refused.status == 75 && refused.error.contains("the disk of the hub does not take it"), "\(refused)")
    #expect(try version(home) == 3)
    #expect(home.stop() == 0)
  }

  @Test func anErasureTakesWhatIsStaged() throws {
    let home = try home()
    #expect(try set(3, home).status == 0)
    try home.write(plan(4), "state/plans/p-1.json.staged")
    try home.write(plan(4), "state/plans/p-1.json.new")
    #expect(try home.ctl("erase", "--patient", "p-1", "--yes").status == 0)
    let left = try FileManager.default.contentsOfDirectory(atPath: home.folder.appending(path: "state/plans").path)
    #expect(left.isEmpty, "\(left)")
    #expect(home.stop() == 0)
  }
}
