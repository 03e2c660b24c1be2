// hearthctl journal, parked, erase, factory-reset, with the real daemon and on the files that it left.

import Foundation
import Testing

private let configuration = """
  {
    "devices": [{"id": "cuff", "driver": "blood-pressure", "playback": "HOME/cuff.capture", "users": {"1": "p-1"}}],
    "backends": [{"name": "local", "type": "directory", "path": "HOME/out"}],
    "plans": "HOME/plans",
  }
  """

/// One reading of p-1 and one of a user that nobody knows.
private let cuff = """
  # transport: gatt
  # characteristic: 1810/2A35 indicate
  @ 50
  < 1810/2A35 1e80005000 5f00 ea070b14081e00 4600 01 0000
  @ 60
  < 1810/2A35 1e81005000 5f00 ea070b14081f00 4600 02 0000
  """

@Suite struct JournalVerbTests {
  private func filled() throws -> Home {
    let home = try Home(configuration, cuff: cuff)
    try home.start()
    let outcome = try home.until(["readings", "--json"]) { $0.out.split(separator: "\n").count == 2 }
    #expect(outcome.out.split(separator: "\n").count == 2)
    return home
  }

  private func journal(_ home: Home, _ arguments: String...) throws -> Outcome { try journal(home, arguments) }

  private func journal(_ home: Home, _ arguments: [String]) throws -> Outcome {
    try Home.run(
      "hearthctl", ["journal"] + arguments + ["--state-directory", home.folder.appending(path: "state").path])
  }

  private func segments(_ home: Home) throws -> [URL] {
    try FileManager.default.contentsOfDirectory(
      at: home.folder.appending(path: "state/journal"), includingPropertiesForKeys: nil
    ).filter { $0.pathExtension == "journal" }
  }

  @Test func besideADaemonAndWithoutOne() throws {
    let home = try filled()
    #expect(try journal(home, "verify").status == 0)
    let beside = try journal(home, "export")
    #expect(beside.out.split(separator: "\n").count == 2)
    let same = try home.ctl("readings", "--json")
    #expect(same.out == beside.out)
    #expect(home.stop() == 0)
    #expect(try journal(home, "export").out == beside.out)
    #expect(try journal(home, "export", "--since", "2099-01-01T00:00:00Z").out == "")
    // A time without an offset is one of the clock that the configuration names: it is 14 hours ahead of universal time.
    let ahead = home.folder.appending(path: "ahead.json").path
    try home.write(#"{"hub": {"timezone": "Pacific/Kiritimati"}} // a hub"#, "ahead.json")
    let clock = DateFormatter()
    clock.timeZone = TimeZone(secondsFromGMT: 14 * 3600)
    clock.locale = Locale(identifier: "en_US_POSIX")
    clock.dateFormat = "yyyy-MM-dd HH:mm"
    let since = ["--since", clock.string(from: Date(timeIntervalSinceNow: -120)), "--config", ahead]
    #expect(try journal(home, ["export"] + since).out == beside.out)
    #expect(try journal(home, "export", "--since", "yesterday").out == beside.out)
    #expect(try journal(home, "export", "--since", "2099-01-01").out == "")
    let unknown = try journal(home, "export", "--since", "tuesday")
    #expect(unknown.status == 64 && unknown.error.contains("--since: expected a date, a time or how long ago"))
    #expect(unknown.error.contains("today, yesterday, 2026-11-01, \"2026-11-01 08:00\""))
    let stats = try journal(home, "stats", "--json")
    #expect(stats.status == 0)
    #expect(((stats.json["records"] as? [String: Any])?["reading"] as? [String: Any])?["count"] as? Int == 2)
    #expect((stats.json["backends"] as? [String: Any])?["local"] != nil)
    #expect(stats.json["parked"] as? Int == 1)
  }

  @Test func damageIsToldWithItsPlaceAndTheRestIsExported() throws {
    let home = try filled()
    #expect(home.stop() == 0)
    let file = try #require(try segments(home).first)
    var octets = try Data(contentsOf: file)
    let place = try #require(octets.range(of: Data("150021".utf8)))
    octets[place.lowerBound] ^= 1
    try octets.write(to: file)
    let verify = try journal(home, "verify", "--json")
    #expect(verify.status == 65)
    #expect(verify.json["whole"] as? Bool == false)
    let damage = ((verify.json["segments"] as? [[String: Any]])?.first?["damage"] as? [[String: Any]])?.first
    let offset = try #require(damage?["offset"] as? Int)
    #expect(offset <= place.lowerBound && place.lowerBound < offset + (damage?["length"] as? Int ?? 0))
    let export = try journal(home, "export")
    #expect(export.status == 65)
    #expect(export.out.split(separator: "\n").count == 1)
    #expect(try Data(contentsOf: file) == octets)
  }

  @Test func whatIsNotThereIsNotFound() throws {
    let outcome = try Home.run("hearthctl", ["journal", "verify", "--state-directory", "/nonexistent"])
    #expect(outcome.status == 69)
    #expect(try Home.run("hearthctl", ["journal", "mend"]).status == 64)
    #expect(try Home.run("hearthctl", ["factory-reset", "--yes", "--state-directory", "/nonexistent"]).status == 69)
  }

  @Test func parkedListsAndExports() throws {
    let home = try filled()
    let parked = try home.ctl("parked", "--json")
    #expect(parked.status == 0)
    #expect(parked.json["why"] as? String == "no-patient")
    #expect(parked.json["device"] as? String == "cuff")
    let export = try home.ctl("parked", "export")
    #expect(export.json["id"] as? String == parked.json["id"] as? String)
    #expect(try home.ctl("parked", "retry", "abcdef12").status == 69)
    #expect(home.stop() == 0)
  }

  @Test func anErasedPatientIsInNoFile() throws {
    let home = try filled()
    try home.write(#"{"patient":"p-1"}"#, "plans/p-1.json")
    #expect(try home.ctl("erase", "--patient", "p-1").status == 64)
    let outcome = try home.ctl("erase", "--patient", "p-1", "--yes", "--json")
    #expect(outcome.status == 0)
    #expect(outcome.json["readings"] as? Int == 1)
    #expect(outcome.json["configured"] as? [String] == ["cuff"])
    #expect(!FileManager.default.fileExists(atPath: home.folder.appending(path: "plans/p-1.json").path))
    let left = try home.ctl("readings", "--json")
    #expect(left.out.split(separator: "\n").count == 1)
    #expect(left.json["patient"] is NSNull)
    #expect(home.stop() == 0)
    #expect(try journal(home, "verify").status == 0)
    let export = try journal(home, "export")
    #expect(!export.out.contains("p-1"))
    // The octets of the reading are in no file; the fact that it was erased is.
    let all = try segments(home).map { String(decoding: try Data(contentsOf: $0), as: UTF8.self) }.joined()
    #expect(!all.contains("1e80005000"))
    #expect(all.contains("erase patient p-1"))
  }

  @Test func aFactoryResetNeedsAStoppedDaemonAndLeavesNothing() throws {
    let home = try filled()
    let state = home.folder.appending(path: "state").path
    #expect(try Home.run("hearthctl", ["factory-reset", "--yes", "--state-directory", state]).status == 75)
    #expect(home.stop() == 0)
    #expect(
      try Home.run("hearthctl", ["factory-reset", "--state-directory", state], input: "reset\nno\n").status == 64)
    #expect(try journal(home, "verify").status == 0)
    #expect(
      try Home.run("hearthctl", ["factory-reset", "--state-directory", state], input: "reset\nreset\n").status == 0)
    #expect(try FileManager.default.contentsOfDirectory(atPath: state) == [])
  }
}
