// A national identity number as a patient's reference, with the real programs: in force it stays and is told, new it is refused.

import Foundation
import Testing

/// Of a synthetic population: the month plus 80.
private let number = "31925550186"

private func configuration(_ patient: String) -> String {
  """
  {"devices": [{"id": "cuff", "driver": "blood-pressure", "playback": "HOME/cuff.capture", "users": {"1": "\(patient)"}}]}
  """
}

private func plan(_ patient: String, version: Int = 1) -> String {
  """
  {"patient": "\(patient)", "version": \(version),
   "rules": [{"id": "bp", "kind": "band", "measure": "bp.systolic", "zones": [{"red": {"gte": "180"}}]}]}
  """
}

@Suite(.serialized) struct NationalIdentityProgramTests {
  private static let cuff = """
    # transport: gatt
    # characteristic: 1810/2A35 indicate
    @ 50
    < 1810/2A35 1e80005000 5f00 ea070b14081e00 4600 01 0000
    @ 60
    < 1810/2A35 1e81005000 5f00 ea070b14081f00 4600 02 0000
    """

  @Test func whatIsInForceStaysAndNothingNewComesIn() throws {
    let home = try Home(configuration(number), cuff: Self.cuff)
    try home.write(plan(number), "plans/\(number).json")
    let path = home.folder.appending(path: "hearth.json").path
    let check = try Home.run("hearthd", ["--check", "--config", path])
    #expect(check.status == 78)
    #expect(check.error.contains("users.1: expected a pseudonym") && !check.error.contains(number))
    // The home goes on, and says so where a technician looks.
    try home.start()
    let status = try home.until(["status", "--json"]) { $0.out.contains("patient.national-id") }
    #expect(status.status == 0)
    let problems = status.json["problems"] as? [[String: Any]] ?? []
    let problem = problems.first { $0["code"] as? String == "patient.national-id" }
    let message = problem?["message"] as? String ?? ""
    #expect(message.contains("device cuff") && message.contains("a plan") && !message.contains(number))
    #expect(try home.ctl("doctor", "--json").out.contains(#""id":"patient-references","state":"failed""#))
    _ = try home.until(["readings", "--json"]) { $0.out.contains(number) }
    // Nothing new comes in.
    #expect(try home.ctl("assign", "--device", "cuff", "--user", "2", number).status == 65)
    let parked = try home.ctl("readings", "--parked", "--json")
    let id = try #require(parked.json["id"] as? String)
    let refused = try home.ctl("assign", id, number)
    #expect(refused.status == 65)
    #expect(refused.error.contains("pseudonym") && refused.error.contains("p-7f3a") && !refused.error.contains(number))
    #expect(try home.ctl("session", "start", "--patient", number, "--device", "cuff").status == 65)
    try home.write(plan(number, version: 2), "draft.json")
    let draft = home.folder.appending(path: "draft.json").path
    #expect(try home.ctl("plan", "check", draft).status == 65)
    #expect(try home.ctl("plan", "set", draft).status == 65)
    // Another patient's plan comes into force beside it.
    try home.write(plan("p-2"), "other.json")
    #expect(try home.ctl("plan", "set", home.folder.appending(path: "other.json").path).status == 0)
    #expect(try home.ctl("plan", "show", number).status == 0)
    let reload = try home.ctl("reload")
    #expect(reload.status == 78 && reload.error.contains("pseudonym"))
    #expect(try home.ctl("devices", "--json").out.contains(number))
    // The way out: a pseudonym, then the erasure of what stands under the number.
    try home.write(configuration("p-1").replacingOccurrences(of: "HOME", with: home.folder.path), "hearth.json")
    try FileManager.default.removeItem(at: home.folder.appending(path: "plans/\(number).json"))
    #expect(try home.ctl("reload").status == 0)
    #expect(try home.ctl("status", "--json").out.contains("patient.national-id"))
    #expect(try home.ctl("erase", "--patient", number, "--yes").status == 0)
    #expect(try home.ctl("status", "--json").out.contains("patient.national-id") == false)
    #expect(try home.ctl("erase", "--patient", number, "--yes").status == 65)
    #expect(home.stop() == 0)
  }
}
