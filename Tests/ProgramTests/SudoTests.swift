// With sudo the audit names who called it: by the real hearthctl, the real daemon and what stands in the journal.

import Foundation
import Testing

private let configuration = """
  {
    "hub": {"timezone": "Europe/Oslo"},
    "devices": [{"id": "cuff", "driver": "blood-pressure", "playback": "HOME/cuff.capture"}],
    "backends": [], "bluetooth": {"enabled": false},
  }
  """

private let cuff = """
  # transport: gatt
  # characteristic: 1810/2A35 indicate
  @ 50
  < 1810/2A35 1e80005000 5f00 ea070b14121f00 4600 01 0000
  """

extension Home {
  /// What the journal's audit says of a deed.
  fileprivate func audits(of deed: String) throws -> [String] {
    let folder = folder.appending(path: "state/journal")
    return try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted().flatMap { name -> [String] in
      let text = String(
        decoding: (try? Data(contentsOf: folder.appending(path: name))) ?? Data(), as: UTF8.self)
      return text.matches(of: /"uid":(\d+),"action":"([^"]*)"/).map { "\($0.1) \($0.2)" }
    }.filter { $0.contains(deed) }
  }

  fileprivate func assign(_ patient: String, _ environment: [String: String]) throws {
    let outcome = try Home.run(
      "hearthctl",
      ["assign", "--device", "cuff", patient, "--socket", folder.appending(path: "run/hearthd.sock").path],
      environment: environment)
    #expect(outcome.status == 0, "\(outcome)")
  }
}

@Suite(.serialized) struct SudoTests {
  @Test func theAuditNamesWhoCalledSudo() throws {
    let home = try Home(configuration, cuff: cuff)
    // Whoever runs the tests may have called sudo.
    let nobody = ["SUDO_USER": "", "SUDO_UID": ""]
    try home.startAndWait()
    let claims: [([String: String], String)] = [
      (["SUDO_USER": "kari", "SUDO_UID": "1000"], " [sudo:kari uid:1000, as claimed]"),
      (["SUDO_USER": "kari", "SUDO_UID": ""], " [sudo:kari, as claimed]"),
      // No name that can be kept: the number alone.
      (["SUDO_USER": "KOMMUNE\\kari", "SUDO_UID": "70001"], " [sudo uid:70001, as claimed]"),
      (["SUDO_USER": String(repeating: "k", count: 65), "SUDO_UID": "1000"], " [sudo uid:1000, as claimed]"),
      (["SUDO_USER": "k\u{1B}[2J\"", "SUDO_UID": "-1"], ""), (["SUDO_USER": "root", "SUDO_UID": "0"], ""), (nobody, ""),
    ]
    for (environment, _) in claims { try home.assign("p-1", nobody.merging(environment) { $1 }) }
    #expect(home.stop() == 0)
    // Nobody else is believed: not even the daemon's own user.
    let expected = claims.map { "\(getuid()) assign slot of cuff" + (getuid() == 0 ? $0.1 : "") }
    #expect(try home.audits(of: "assign slot") == expected)
  }

  /// A script that never says hello, or says it wrongly, is served as ever.
  @Test func nobodyHasToSayHello() throws {
    let home = try Home(configuration, cuff: cuff)
    try home.startAndWait()
    let script = """
      import json, socket, sys
      s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); f = s.makefile("rw")
      def say(method, params, **more):
          f.write(json.dumps({"jsonrpc": "2.0", "method": method, "params": params, **more}) + "\\n"); f.flush()
      say("hello", {"user": "kari"}); say("hello", {"user": "a b"}); say("hello", {"uid": "x"}); say("unknown", {})
      say("version", {}, id=7)
      assert json.loads(f.readline())["id"] == 7
      say("hello", {"user": "a b"}, id=8)
      assert json.loads(f.readline())["error"]["data"]["code"] == "bad-parameters"
      say("hello", {"user": "ola", "uid": 4}, id=9)
      assert json.loads(f.readline())["result"] == {}
      say("assign", {"device": "cuff", "patient": "p-1"}, id=10)
      assert "result" in json.loads(f.readline())
      """
    let outcome = try Home.run(
      URL(filePath: "/usr/bin/env"), ["python3", "-c", script, home.folder.appending(path: "run/hearthd.sock").path])
    #expect(outcome.status == 0, "\(outcome.error)")
    #expect(home.stop() == 0)
    let claim = getuid() == 0 ? " [sudo:ola uid:4, as claimed]" : ""
    #expect(try home.audits(of: "assign slot") == ["\(getuid()) assign slot of cuff\(claim)"])
  }
}
