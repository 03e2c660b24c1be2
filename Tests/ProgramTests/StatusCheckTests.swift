// `hearthctl status --check`: the exit status says whether anything needs a person.

import Foundation
import Testing

private func configuration(patient: String) -> String {
  """
  {
    "hub": {"timezone": "Europe/Oslo"},
    "devices": [{"id": "cuff", "driver": "blood-pressure", "playback": "HOME/cuff.capture"\(patient)}],
    "backends": [{"name": "local", "type": "directory", "path": "HOME/out"}],
  }
  """
}

private let cuff = """
  # transport: gatt
  # characteristic: 1810/2A35 indicate
  @ 50
  < 1810/2A35 1c80005000 5f00 4600 01 0000
  """

@Suite(.serialized) struct StatusCheckTests {
  @Test func aHubThatNeedsNobodyEndsWithZero() throws {
    let home = try Home(configuration(patient: #", "patient": "p-1""#), cuff: cuff)
    try home.startAndWait()
    _ = try home.until(["backends", "--json"]) { $0.out.contains(#""delivered":1"#) }
    let check = try home.ctl("status", "--check")
    #expect(check.status == 0 && check.out == "nothing needs attention\n", "\(check)")
    let json = try home.ctl("status", "--check", "--json")
    #expect(json.status == 0 && (json.json["problems"] as? [Any])?.isEmpty == true)
    #expect(home.stop() == 0)
  }

  @Test func aReadingThatWaitsEndsWithOneEverywhere() throws {
    let home = try Home(configuration(patient: ""), cuff: cuff)
    try home.startAndWait()
    _ = try home.until(["status", "--json"]) { $0.out.contains(#""parked":1"#) }
    let check = try home.ctl("status", "--check")
    #expect(check.status == 1 && check.out.hasPrefix("needs attention:\n  1 reading waits for a patient\n"), "\(check)")
    let json = try home.ctl("status", "--check", "--json")
    let problem = (json.json["problems"] as? [[String: Any]])?.first
    #expect(json.status == 1 && problem?["severity"] as? String == "error")
    #expect(try home.ctl("status").status == 0)
    #expect(try home.ctl("doctor").out.contains("FAIL  parked: 1 reading waits for a patient"))
    #expect(home.stop() == 0)
  }
}
