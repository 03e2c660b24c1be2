// Whose a device is said to be, and references that are one slip from a known one, through the real programs.

import Foundation
import Testing

private let configuration = """
  {
    "hub": {"timezone": "Europe/Oslo"},
    "devices": [
      {"id": "cuff", "driver": "blood-pressure", "playback": "HOME/cuff.capture", "patient": "p-7f3a"},
      {"id": "shared", "driver": "blood-pressure", "playback": "HOME/cuff.capture", "users": {"1": "p-81c2"}},
      {"id": "free", "driver": "blood-pressure", "playback": "HOME/cuff.capture"}],
    "backends": [{"name": "local", "type": "directory", "path": "HOME/out"}],
  }
  """

private func plan(_ patient: String, _ version: Int) -> String {
  #"{"patient": "\#(patient)", "version": \#(version), "rules": [{"id": "bp", "kind": "band", "measure": "bp.systolic", "zones": [{"red": {"gte": "180"}}]}]}"#
}

/// 128/80 without a clock, of user 1.
private let cuff = """
  # transport: gatt
  # characteristic: 1810/2A35 indicate
  @ 50
  < 1810/2A35 1c80005000 5f00 4600 01 0000
  """

@Suite(.serialized) struct PatientCheckTests {
  private func home() throws -> Home {
    let home = try Home(configuration, cuff: cuff)
    try home.startAndWait()
    _ = try home.until(["readings", "--json"]) { $0.out.split(separator: "\n").count == 3 }
    return home
  }

  private func patients(_ home: Home, _ device: String) throws -> [String: String] {
    let devices = try home.ctl("devices", "--json").json["devices"] as? [[String: Any]] ?? []
    return devices.first { $0["id"] as? String == device }?["patients"] as? [String: String] ?? [:]
  }

  @Test func aDeviceWhosePatientIsConfiguredIsNotAssigned() throws {
    let home = try home()
    let whole = try home.ctl("assign", "--device", "cuff", "p-new1", "--new")
    #expect(whole.status == 1 && whole.error.contains("all that cuff measures is p-7f3a's: hearth.json says so"))
    #expect(try home.ctl("assign", "--device", "cuff", "--user", "2", "p-new1", "--new").status == 1)
    #expect(try patients(home, "cuff") == ["*": "p-7f3a"])
    let slot = try home.ctl("assign", "--device", "shared", "--user", "1", "p-new1", "--new")
    #expect(slot.status == 1 && slot.error.contains("user 1 of shared is p-81c2"))
    let all = try home.ctl("assign", "--device", "shared", "p-new1", "--new")
    #expect(
      all.status == 1 && all.error.contains("shared has users (1): hearth.json says so") && all.error.contains("--user")
    )
    #expect(try home.ctl("assign", "--device", "shared", "--user", "2", "p-81c2").status == 0)
    #expect(try patients(home, "shared") == ["1": "p-81c2", "2": "p-81c2"])
    #expect(home.stop() == 0)
  }

  /// All of a device is all of it, but for slots that are somebody's.
  @Test func aWholeDeviceIsGivenWithItsUsers() throws {
    let home = try home()
    #expect(
      try home.ctl("assign", "--device", "free", "p-7f3a").out
        == "assigned to p-7f3a; 1 waiting reading is on the way there\n")
    _ = try home.until(["readings", "--device", "free", "--json"]) { $0.out.contains(#""patient":"p-7f3a""#) }
    // An assigned reading is one reading, now and after a restart.
    for _ in 0..<2 {
      let devices = try home.ctl("devices", "--json").json["devices"] as? [[String: Any]] ?? []
      #expect(devices.map { $0["readings"] as? Int } == [1, 1, 1])
      let status = try home.ctl("status", "--json").json
      #expect(status["readings"] as? Int == 3)
      #expect(try home.ctl("status").out.contains("readings  3 stored, 0 wait for a patient\n"))
      #expect(home.stop() == 0)
      try home.startAndWait()
    }
    let other = try home.ctl("assign", "--device", "free", "--user", "1", "p-81c2")
    #expect(
      other.status == 0
        && other.out == "assigned to p-81c2\nit was p-7f3a's: readings that are theirs already stay so\n", "\(other)")
    #expect(try patients(home, "free") == ["*": "p-7f3a", "1": "p-81c2"])
    let again = try home.ctl("assign", "--device", "free", "p-81c2")
    #expect(again.out.contains("it was p-7f3a's: readings that are theirs already stay so"), "\(again)")
    #expect(home.stop() == 0)
  }

  @Test func aSlipOfTheFingersIsRefusedInAScriptAndNewPatientsAreTaken() throws {
    let home = try home()
    try home.write(plan("p-81c3", 1), "slip.json")
    try home.write(plan("p-7f3a", 1), "good.json")
    try home.write(plan("other", 1), "new.json")
    func path(_ name: String) -> String { home.folder.appending(path: name).path }
    let slips = [
      ["assign", "--device", "free", "p-7f3b"], ["assign", "--device", "free", "p-73fa"],
      ["assign", "--device", "free", "p-7f3"], ["erase", "--patient", "p-7f3aa", "--yes"],
      ["session", "start", "--device", "free", "--patient", "q-7f3a"], ["plan", "set", path("slip.json")],
      ["plan", "try", path("good.json"), "--patient", "p-8lc2"],
    ]
    let socket = ["--socket", home.folder.appending(path: "run/hearthd.sock").path]
    for words in slips {
      let outcome = try Home.run("hearthctl", words + socket)
      #expect(outcome.status == 65, "\(words): \(outcome)")
      #expect(outcome.error.contains("nobody here is ") && outcome.error.contains("--new"), "\(outcome)")
      let json = try Home.run("hearthctl", words + ["--json"] + socket)
      #expect((json.json["error"] as? [String: Any])?["code"] as? String == "patient.unknown")
    }
    #expect(try patients(home, "free").isEmpty)
    // What is meant, and what is like nobody's.
    let meant = try Home.run("hearthctl", slips[0] + ["--new"] + socket)
    #expect(meant.status == 0 && meant.out.contains("p-7f3b is new to this hub"))
    let set = try Home.run("hearthctl", ["plan", "set", path("new.json")] + socket)
    #expect(set.status == 0 && set.out.contains("other is new to this hub"))
    let known = try Home.run("hearthctl", ["plan", "set", path("good.json"), "--json"] + socket)
    #expect(known.status == 0 && known.json["new_patient"] == nil)
    let erased = try Home.run("hearthctl", ["erase", "--patient", "nobody-1", "--yes"] + socket)
    #expect(erased.status == 69 && erased.error.contains("nothing is known of nobody-1"), "\(erased)")
    #expect(home.stop() == 0)
  }

  /// Patients who are counted are one letter apart on purpose: whoever means a new one says so, and the hub stays quiet afterwards.
  @Test func countedPatientsAreNoDeadEnd() throws {
    let home = try home()
    try home.write(plan("p-2", 1), "counted.json")
    let file = home.folder.appending(path: "counted.json").path
    #expect(try home.ctl("assign", "--device", "free", "--user", "1", "p-1", "--new").status == 0)
    let verbs = [
      ["assign", "--device", "free", "--user", "2", "p-2"], ["plan", "try", file, "--patient", "p-2"],
      ["plan", "set", file],
      ["session", "start", "--device", "free", "--patient", "p-2"], ["erase", "--patient", "p-2", "--yes"],
    ]
    let socket = ["--socket", home.folder.appending(path: "run/hearthd.sock").path]
    for verb in verbs {
      let refused = try Home.run("hearthctl", verb + socket)
      #expect(
        refused.status == 65
          && refused.error.split(whereSeparator: \.isWhitespace).joined(separator: " ")
            .contains("write p-1, or say --new if p-2 is meant"),
        "\(verb): \(refused)")
    }
    // Of one who is known nowhere nothing can be erased, whatever was meant.
    let erased = try Home.run("hearthctl", verbs[4] + ["--new"] + socket)
    #expect(erased.status == 69, "\(erased)")
    for verb in verbs.prefix(3) {
      let meant = try Home.run("hearthctl", verb + ["--new"] + socket)
      #expect(meant.status == 0, "\(verb): \(meant)")
    }
    #expect(try home.problems("patient.near").isEmpty)
    #expect(home.stop() == 0)
  }

  /// What can be no reference is refused before anybody is asked about it, and before a near one is proposed.
  @Test func whatIsNoReferenceIsRefusedFirst() throws {
    let home = try home()
    for words in [["p 7f3a"], ["-"], ["p 7f3a", "--new"], ["-", "--new"]] {
      let outcome = try home.until(["assign", "--device", "free"] + words) { _ in true }
      #expect(outcome.status == 64 && outcome.error.contains("is no patient's reference"), "\(outcome)")
      #expect(!outcome.error.contains("--new"))
    }
    #expect(try patients(home, "free").isEmpty)
    let set = try home.ctl("session", "start", "--device", "free", "--patient", "-")
    #expect(set.status == 64)
    #expect(home.stop() == 0)
  }

  @Test func aDeviceIsTakenBack() throws {
    let home = try home()
    #expect(try home.ctl("assign", "--device", "free", "p-7f3a").status == 0)
    let back = try home.ctl("assign", "--device", "free", "--nobody")
    #expect(
      back.status == 0 && back.out == "free is p-7f3a's no more: readings that are theirs already stay so\n", "\(back)")
    #expect(home.stop() == 0)
    try home.startAndWait()
    #expect(try patients(home, "free").isEmpty)
    #expect(try home.ctl("assign", "--device", "free", "--nobody").status == 69)
    #expect(try home.ctl("session", "start", "--device", "free", "--patient", "p-81c2").status == 0)
    let refused = try home.ctl("assign", "--device", "free", "p-7f3a")
    #expect(refused.status == 1 && refused.error.contains("a session of p-81c2 is open on free until "), "\(refused)")
    let file = try home.ctl("assign", "--device", "cuff", "--nobody", "--json")
    #expect(file.status == 1 && file.out.contains("device.patient-configured"))
    #expect(home.stop() == 0)
  }

  /// A patient in the file who is one letter from one with a plan, or written in capitals.
  @Test(arguments: ["p-7f3b", "P-7F3A"]) func aReloadTellsASlipInTheFile(patient: String) throws {
    let home = try home()
    try home.write(plan("p-7f3a", 1), "plans/p-7f3a.json")
    #expect(try home.ctl("reload").out == "the configuration was read again and is in force\n")
    try home.write(
      configuration.replacingOccurrences(of: "HOME", with: home.folder.path).replacingOccurrences(
        of: "p-7f3a", with: patient), "hearth.json")
    let told = try home.ctl("reload")
    let words = told.out.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    #expect(
      told.status == 0 && words.contains("warning: the patient \(patient) of device cuff is one letter from p-7f3a"))
    #expect((try home.ctl("reload", "--json").json["warnings"] as? [String])?.count == 1)
    #expect(try home.problems("patient.near").first?["severity"] as? String == "warning")
    #expect(try home.ctl("status", "--check").status == 1)
    #expect(home.stop() == 0)
  }

  @Test func whoseASessionWasIsTold() throws {
    let home = try home()
    let first = try home.ctl("session", "start", "--device", "free", "--patient", "p-7f3a")
    #expect(first.status == 0 && !first.out.contains("it was"), "\(first)")
    let second = try home.ctl("session", "start", "--device", "free", "--patient", "p-81c2")
    #expect(second.out.contains("; it was p-7f3a's, whose session ended\n"), "\(second)")
    let third = try home.ctl("session", "start", "--device", "free", "--patient", "p-7f3a", "--json")
    #expect(third.json["previous"] as? String == "p-81c2")
    #expect(home.stop() == 0)
  }

  @Test func aDraftOfAnotherPatientIsTriedWhenThatIsMeant() throws {
    let home = try home()
    try home.write(plan("p-7f3a", 1), "draft.json")
    let draft = home.folder.appending(path: "draft.json").path
    let refused = try home.ctl("plan", "try", draft, "--patient", "p-81c2")
    #expect(refused.status == 65)
    #expect(refused.error.contains("draft.json is a plan of p-7f3a, and --patient says p-81c2"), "\(refused)")
    #expect(try home.ctl("plan", "try", draft, "--patient", "p-81c2", "--other").status == 0)
    #expect(try home.ctl("plan", "try", draft, "--patient", "p-7f3a").status == 0)
    #expect(home.stop() == 0)
  }

  @Test func anIdThatIsTooShortAndATimeToComeAreRefusedInOneWay() throws {
    let home = try home()
    for words in [["assign", "abc", "p-7f3a"], ["readings", "park", "abc"], ["parked", "retry", "abc"]] {
      let outcome = try home.until(words) { _ in true }
      #expect(outcome.status == 64 && outcome.error.contains("reading: expected at least six characters"), "\(outcome)")
    }
    let future = try home.ctl("readings", "--since", "2099-01-01")
    #expect(future.status == 64 && future.error.contains("since: \"2099-01-01\" is in the future"), "\(future)")
    #expect(home.stop() == 0)
  }
}
