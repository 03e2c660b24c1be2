// Plans from a backend, with the real daemon, the real uplink and a small HTTP server: what is new comes into force, what is bad or
// not signed is refused while the old one stays, what is not new costs a 304.

import Foundation
import Testing

private let configuration = """
  {
    "hub": {"timezone": "Europe/Oslo"},
    "devices": [{"id": "cuff", "driver": "blood-pressure", "playback": "HOME/cuff.capture", "patient": "p-1"}],
    "backends": [{"name": "care", "type": "native", "url": "SERVERbatch", "trust_2xx": true, "bearer": {"file": "HOME/word"},
      "plans": {"url": "SERVERplans", "every": "PT1H"MORE}}],
  }
  """

/// One reading, a while after the start: its delivery tells that plans are new.
private let cuff = """
  # transport: gatt
  # characteristic: 1810/2A35 indicate
  @ 50
  < 1810/2A35 1e80005000 5f00 ea070b14081e00 4600 01 0000
  """

private func plan(_ version: Int, kind: String = "band", patient: String = "p-1") -> String {
  #"{"patient": "\#(patient)", "version": \#(version), "rules": [{"id": "bp", "kind": "\#(kind)", "measure": "bp.systolic", "zones": [{"red": {"gte": "180.5"}}]}]}"#
}

/// The program that knows the key: here a word that stands before the length of the body.
private let verifier = """
  #!/bin/sh
  signature=
  while IFS= read -r line && [ -n "$line" ]; do
    case "$line" in "signature: "*) signature=${line#signature: };; esac
  done
  [ "$signature" = "good $(wc -c | tr -d ' ')" ] && echo verified

  """

@Suite(.serialized, .enabled(if: FaultServer.isPossible)) struct PlanPullProgramTests {
  private struct Bed {
    let home: Home
    let server: FaultServer
    private let text: String

    init(_ more: String = "") throws {
      server = try FaultServer(script: "plan_server.py")
      text = configuration.replacingOccurrences(of: "SERVER", with: server.url(""))
        .replacingOccurrences(of: "MORE", with: more)
      home = try Home(text, cuff: cuff)
      for (name, text, mode) in [("word", "word", 0o600), ("verify", verifier, 0o700)] {
        try home.write(text, name)
        try FileManager.default.setAttributes(
          [.posixPermissions: mode], ofItemAtPath: home.folder.appending(path: name).path)
      }
    }

    func http(_ method: String, _ path: String, _ body: String = "", signature: String = "") throws -> String {
      let script = """
        import sys, urllib.request
        method, url, body, signature = sys.argv[1:]
        request = urllib.request.Request(url, body.encode() or None, {"Signature": signature}, method=method)
        sys.stdout.write(urllib.request.urlopen(request).read().decode())
        """
      let process = Process()
      process.executableURL = URL(filePath: FaultServer.find("python3") ?? "")
      process.arguments = ["-c", script, method, server.url(path), body, signature]
      let out = Pipe()
      process.standardOutput = out
      try process.run()
      let text = String(decoding: out.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
      process.waitUntilExit()
      return text
    }

    func reload() throws { try home.reload(text) }

    /// The statuses with which the server answered.
    func seen() throws -> [Int] {
      try JSONSerialization.jsonObject(with: Data(http("GET", "seen").utf8)) as? [Int] ?? []
    }

    func give(_ plans: String..., signature: String? = nil) throws {
      let body = #"{"plans": ["# + plans.joined(separator: ",\n") + "]}"
      _ = try http("PUT", "plans", body, signature: signature ?? "good \(body.utf8.count)")
    }

    /// What the backend's plans look like to the technician, once `isDone`.
    func plans(until isDone: ([String: Any]) -> Bool) throws -> [String: Any] {
      var found: [String: Any] = [:]
      _ = try home.until(["backends", "--json"]) { outcome in
        found = (outcome.json["backends"] as? [[String: Any]])?.first?["plans"] as? [String: Any] ?? [:]
        return found["state"] as? String != "asking" && isDone(found)
      }
      return found
    }

    func version() throws -> Int? { try home.ctl("plan", "show", "p-1", "--json").json["version"] as? Int }

    func until(_ version: Int) throws {
      _ = try home.until(["plan", "show", "p-1", "--json"]) { $0.json["version"] as? Int == version }
      #expect(try self.version() == version)
    }
  }

  private func isRefused(_ plans: [String: Any]) -> Bool { !(plans["refused"] as? [String] ?? []).isEmpty }

  @Test func whatIsNewComesIntoForceAndWhatIsBadDoesNot() throws {
    let bed = try Bed()
    try bed.give(plan(3))
    try bed.home.start()
    try bed.until(3)
    let shown = try bed.home.ctl("plan", "show", "p-1")
    #expect(shown.out.contains("180,5") && shown.out.contains("set by backend care"), "\(shown.out)")
    // A reload asks now; nothing is new.
    #expect(try bed.seen() == [200])
    try bed.reload()
    var seen: [Int] = []
    for _ in 0..<100 where seen.count < 2 { seen = try bed.seen() }
    #expect(seen == [200, 304])
    #expect(try !isRefused(bed.plans { $0["last_error"] == nil }))
    // A bad plan beside a good one of nobody here: both are named by place, and the old one stays.
    try bed.give(plan(4, kind: "guess"), plan(1, patient: "p-9"))
    try bed.reload()
    let refused = try bed.plans(until: isRefused)["refused"] as? [String] ?? []
    #expect(refused.count == 2 && refused.contains { $0.contains("/plans:1:") && $0.contains("rules[0].kind") })
    #expect(refused.contains { $0.contains(":2:1: plans[1].patient: nobody on this hub") }, "\(refused)")
    #expect(try bed.version() == 3)
    #expect(try bed.home.ctl("status").out.contains("rules[0].kind"))
    // Whoever looks without --json sees it too.
    let listed = try bed.home.ctl("backends").out
    #expect(listed.contains("plans of care: 1 in force, asked "), "\(listed)")
    #expect(listed.contains("refused: ") && listed.contains("rules[0].kind"), "\(listed)")
    let doctor = try bed.home.ctl("doctor")
    #expect(doctor.out.contains("FAIL  plans-care: a plan is refused, the old one"), "\(doctor.out)")
    #expect(doctor.status == 1)
    #expect(bed.home.stop() == 0)
    // The last good one is on disk; while the server has nothing better it stays in force over a restart.
    try bed.home.start()
    try bed.until(3)
    // What a technician sets is in force when its version is higher; the backend's next one is, when it is higher still.
    try bed.home.write(plan(5), "draft.json")
    #expect(try bed.home.ctl("plan", "set", bed.home.folder.appending(path: "draft.json").path).status == 0)
    try bed.give(plan(4))
    try bed.reload()
    let older = try bed.plans { ($0["refused"] as? [String])?.first?.contains("5 is in force") ?? false }
    #expect(isRefused(older))
    #expect(try bed.version() == 5)
    try bed.give(plan(6))
    try bed.reload()
    try bed.until(6)
    // Withdrawn: it stays, and that is told.
    try bed.give()
    try bed.reload()
    let gone = try bed.plans { !($0["withdrawn"] as? [String] ?? []).isEmpty }
    #expect(gone["withdrawn"] as? [String] == ["p-1"])
    #expect(try bed.version() == 6)
    #expect(bed.home.stop() == 0)
  }

  @Test func theAnswerToADeliverySaysThatPlansAreNewAndTheTagCostsNothing() throws {
    let bed = try Bed()
    try bed.home.write(cuff.replacingOccurrences(of: "@ 50", with: "@ 3000"), "cuff.capture")
    try bed.home.start()
    let first = try bed.plans { $0["last_success"] is String }
    #expect(first["etag"] is String)
    try bed.give(plan(1))
    // The delivery's answer tells another tag: the next question is a minute after the last, not an hour.
    let hinted = try bed.plans { ($0["next_attempt_seconds"] as? Int ?? 9999) <= 60 }
    #expect(hinted["next_attempt_seconds"] as? Int ?? 9999 <= 60, "\(hinted)")
    #expect(bed.home.stop() == 0)
  }

  @Test func whatIsNotSignedIsRefused() throws {
    let bed = try Bed(#", "verify": "HOME/verify""#)
    try bed.give(plan(1))
    try bed.home.start()
    try bed.until(1)
    try bed.give(plan(2), signature: "good 1")
    try bed.reload()
    let refused = try bed.plans(until: isRefused)
    #expect((refused["refused"] as? [String])?.first?.contains("does not say that the signature is good") == true)
    #expect(try bed.version() == 1)
    try bed.give(plan(2))
    try bed.reload()
    try bed.until(2)
    #expect(bed.home.stop() == 0)
  }
}
