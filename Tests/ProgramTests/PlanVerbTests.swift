// A patient's plan from the technician's side, with the real programs: check, show, explain, try, set; what is raised and who took
// notice.

import Foundation
import Testing

private let configuration = """
  {
    "hub": {"timezone": "Europe/Oslo"},
    "devices": [{"id": "cuff", "driver": "blood-pressure", "playback": "HOME/cuff.capture", "patient": "p-1"}],
    "backends": [{"name": "local", "type": "directory", "path": "HOME/out"}],
  }
  """

/// 128 of yesterday; 190 without a clock: of now.
private let cuff = """
  # transport: gatt
  # characteristic: 1810/2A35 indicate
  @ 50
  < 1810/2A35 1e80005000 5f00 \(Yesterday.octets)081e00 4600 01 0000
  @ 70
  < 1810/2A35 1cbe005000 5f00 4600 01 0000
  """

private func plan(_ version: Int, limit: String = "180", more: String = "") -> String {
  """
  {"patient": "p-1", "version": \(version), "language": "nb",
   "rules": [{"id": "bp.extreme", "kind": "band", "measure": "bp.systolic", "zones": [{"red": {"gte": "\(limit)"}}]}\(more)]}
  """
}

@Suite(.serialized) struct PlanVerbTests {
  private func home(_ text: String? = plan(3)) throws -> Home {
    let home = try Home(configuration, cuff: cuff)
    if let text { try home.write(text, "plans/p-1.json") }
    try home.start()
    _ = try home.until(["readings", "--json"]) { $0.out.split(separator: "\n").count == 2 }
    return home
  }

  /// Each kind of fault is told with file, line, column, path and what is expected.
  @Test(arguments: [
    (#"{"id": "a", "kind": "guess", "measure": "spo2"}"#, "rules[0].kind"),
    (#"{"id": "a", "kind": "band", "measure": "mood", "zones": [{"red": {"lt": "1"}}]}"#, "rules[0].measure"),
    (#"{"id": "a", "kind": "band", "measure": "spo2", "zones": [{"red": {"lt": 85}}]}"#, "rules[0].zones[0].red.lt"),
    (#"{"id": "a", "kind": "band", "measure": "spo2", "zones": [{"red": {"lt": "8o"}}]}"#, "rules[0].zones[0].red.lt"),
    (#"{"id": "a", "kind": "band", "measure": "spo2", "zones": [{"blue": {"lt": "85"}}]}"#, "rules[0].zones[0].blue"),
    (#"{"id": "a", "kind": "band", "measure": "spo2", "zones": [], "x": 1}"#, "rules[0].x"),
    (
      #"{"id": "a", "kind": "band", "measure": "spo2", "unit": "furlong", "zones": [{"red": {"lt": "85"}}]}"#,
      "rules[0].unit"
    ),
    (
      #"{"id": "a", "kind": "delta", "measure": "weight", "from": "min", "window": "3 days", "zones": [{"red": {"gt": "3"}}]}"#,
      "rules[0].window"
    ),
    (#"{"id": "a", "kind": "missing", "measure": "weight", "slots": ["7-10"], "zone": "yellow"}"#, "rules[0].slots[0]"),
    (
      #"{"id": "a", "kind": "consecutive", "measure": "spo2", "k": 5, "of": 4, "zones": [{"red": {"lt": "85"}}]}"#,
      "rules[0].k"
    ),
  ])
  func everyFaultHasItsPlace(rule: String, path: String) throws {
    let home = try Home(configuration)
    try home.write("{\"patient\": \"p-1\", \"version\": 1,\n \"rules\": [\n\(rule)]}", "draft.json")
    let draft = home.folder.appending(path: "draft.json").path
    let outcome = try Home.run("hearthctl", ["plan", "check", draft])
    #expect(outcome.status == 65)
    #expect(outcome.out.contains("draft.json:3:") && outcome.out.contains(path), "\(outcome.out)")
    let json = try Home.run("hearthctl", ["plan", "check", draft, "--json"])
    let fault = (json.json["faults"] as? [[String: Any]])?.first
    #expect(json.json["good"] as? Bool == false && fault?["path"] as? String == path && fault?["line"] as? Int == 3)
  }

  /// A zone that looks like one and is none, and what somebody may mean by it.
  @Test(arguments: [
    ("Europe/Olso", "Europe/Oslo"), ("europe/oslo", "Europe/Oslo"), ("Tokyo", "Asia/Tokyo"), ("Europe", nil),
    ("Mars/Olympus", nil),
  ]) func anUnknownZoneHasItsPlace(name: String, meant: String?) throws {
    let home = try Home(configuration)
    try home.write("{\"patient\": \"p-1\", \"version\": 1,\n \"timezone\": \"\(name)\", \"rules\": []}", "draft.json")
    let draft = home.folder.appending(path: "draft.json").path
    let outcome = try Home.run("hearthctl", ["plan", "check", draft])
    #expect(outcome.status == 65)
    #expect(outcome.out.contains("draft.json:2:14: timezone: expected a time zone that exists"), "\(outcome.out)")
    #expect(outcome.out.contains(meant.map { "(did you mean \"\($0)\"?)" } ?? "\"\(name)\"\n"), "\(outcome.out)")
    let fault = (try Home.run("hearthctl", ["plan", "check", draft, "--json"]).json["faults"] as? [[String: Any]])?
      .first
    #expect(fault?["path"] as? String == "timezone" && fault?["column"] as? Int == 14)
    // It is not sent to the daemon either.
    #expect(try Home.run("hearthctl", ["plan", "set", draft, "--socket", "/nonexistent"]).status == 65)
  }

  @Test func aGoodFileIsGoodAndAMissingOneIsNone() throws {
    let home = try Home(configuration)
    try home.write(plan(1), "draft.json")
    let good = try Home.run("hearthctl", ["plan", "check", home.folder.appending(path: "draft.json").path])
    #expect(good.status == 0 && good.out.contains("draft.json: good\n"))
    #expect(try Home.run("hearthctl", ["plan", "check", "/nonexistent"]).status == 69)
    #expect(try Home.run("hearthctl", ["plan", "check"]).status == 64)
    #expect(try Home.run("hearthctl", ["plan", "burn", "x"]).status == 64)
  }

  @Test func aPlanIsShownExplainedAndTried() throws {
    let home = try home()
    defer { _ = home.stop() }
    let shown = try home.ctl("plan", "show", "p-1")
    #expect(shown.status == 0)
    #expect(shown.out.contains("plan of p-1, version 3, Europe/Oslo, nb"))
    #expect(shown.out.contains("Blodtrykket (overtrykk): rød minst 180 mmHg."))
    let explained = try home.ctl("plan", "explain", "p-1", "--days", "7")
    #expect(explained.out.contains("bp.systolic 190") && explained.out.contains("red"))
    #expect(explained.out.contains("1 notification"))
    #expect(try home.ctl("plan", "show", "p-9").status == 69)
    #expect(try home.ctl("plan", "explain", "p-1", "--days", "x").status == 64)
    // A draft that is stricter would have told twice; nothing of it is in force.
    try home.write(plan(4, limit: "120"), "draft.json")
    let draft = home.folder.appending(path: "draft.json").path
    let tried = try home.ctl("plan", "try", draft, "--patient", "p-1", "--json")
    #expect(tried.json["readings"] as? Int == 2 && (tried.json["told"] as? [Any])?.count == 2, "\(tried.out)")
    #expect((tried.json["summary"] as? [String: Any])?["raised"] as? Int == 2)
    #expect(try home.ctl("plan", "try", draft).status == 64)
    #expect(try home.ctl("plan", "show", "p-1", "--json").json["version"] as? Int == 3)
  }

  @Test func aPlanComesIntoForceWholeOrNotAtAll() throws {
    let home = try home()
    func version() throws -> Int? { try home.ctl("plan", "show", "p-1", "--json").json["version"] as? Int }
    let draft = home.folder.appending(path: "draft.json").path
    try home.write(plan(4, more: #", {"id": "b", "kind": "guess"}"#), "draft.json")
    let bad = try home.ctl("plan", "set", draft)
    #expect(bad.status == 65 && bad.error.contains("rules[1].kind"))
    try home.write(plan(3, limit: "170"), "draft.json")
    let old = try home.ctl("plan", "set", draft)
    #expect(old.status == 1 && old.error.contains("3 is in force"))
    #expect(try version() == 3)
    try home.write(plan(4, limit: "170"), "draft.json")
    let set = try home.ctl("plan", "set", draft)
    #expect(set.status == 0 && set.out.hasPrefix("version 4 of p-1 is in force\n"))
    #expect(try version() == 4)
    #expect(home.stop() == 0)
    // The higher version stays in force, whatever the folder of the configuration says.
    try home.start()
    _ = try home.until(["status"]) { $0.status == 0 }
    #expect(try version() == 4)
    #expect(home.stop() == 0)
  }

  @Test func whatIsRaisedIsListedAndNoticeIsKept() throws {
    let home = try home()
    let list = try home.until(["alerts", "list", "--json"]) { $0.out.contains("bp.extreme") }
    let alert = try #require((list.json["alerts"] as? [[String: Any]])?.first)
    #expect(alert["state"] as? String == "raised" && alert["zone"] as? String == "red")
    #expect(try home.ctl("alerts", "ack", "p-1", "nothing").status == 69)
    #expect(try home.ctl("alerts", "ack", "p-1").status == 64)
    #expect(try home.ctl("alerts", "ack", "p-1", "bp.extreme", "--note", "ringte <b>Kari</b>").status == 0)
    #expect(try home.ctl("alerts", "ack", "p-1", "bp.extreme").status == 69)
    #expect(home.stop() == 0)
    try home.start()
    _ = try home.until(["status"]) { $0.status == 0 }
    #expect(try home.ctl("alerts").out.contains("acknowledged"))
    #expect(try home.ctl("alerts", "--json").out.contains("ringte <b>Kari</b>"))
    #expect(try home.ctl("alerts", "--patient", "p-2").status == 69)
    // The note stands in the picture, and is no markup there.
    let page = try home.ctl("report", "--patient", "p-1", "--html", "-").out
    #expect(page.contains("ringte &lt;b&gt;Kari&lt;/b&gt;") && page.contains("kvittert"))
    #expect(home.stop() == 0)
  }
}
