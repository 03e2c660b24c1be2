// A filter that names a patient or a device that the hub does not know is refused: "no readings" would say that nothing was measured.

import Foundation
import Testing

private let configuration = """
  {
    "hub": {"timezone": "Europe/Oslo"},
    "devices": [
      {"id": "cuff", "driver": "blood-pressure", "playback": "HOME/cuff.capture", "users": {"1": "p-1"}},
      {"id": "scale", "driver": "and-scale", "playback": "HOME/none.capture", "patient": "p-7f3a"},
    ],
    "backends": [{"name": "local", "type": "directory", "path": "HOME/out"}],
  }
  """

/// One reading of p-1, two of slots that are nobody's.
private let cuff = """
  # transport: gatt
  # characteristic: 1810/2A35 indicate
  @ 50
  < 1810/2A35 1e80005000 5f00 \(Yesterday.octets)081e00 4600 01 0000
  @ 60
  < 1810/2A35 1e81005000 5f00 \(Yesterday.octets)081f00 4600 02 0000
  @ 70
  < 1810/2A35 1e82005000 5f00 \(Yesterday.octets)082000 4600 03 0000
  """

@Suite(.serialized) struct UnknownNameTests {
  private func home() throws -> Home {
    let home = try Home(configuration, cuff: cuff)
    try home.write("# transport: serial\n", "none.capture")
    try home.write(#"{"patient": "p-plan", "version": 1, "rules": []}"#, "plans/p-plan.json")
    try home.start()
    let readings = try home.until(["readings", "--json"]) { $0.out.split(separator: "\n").count == 3 }
    #expect(readings.out.split(separator: "\n").count == 3, "\(readings.error)")
    return home
  }

  private func parked(_ home: Home) throws -> [String] {
    try home.ctl("readings", "--parked", "--json").out.split(separator: "\n").compactMap { line in
      (try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])?["id"] as? String
    }
  }

  @Test func anUnknownNameIsRefusedEverywhere() throws {
    let home = try home()
    defer { _ = home.stop() }
    let socket = home.folder.appending(path: "run/hearthd.sock").path
    for (arguments, message, hint) in [
      (["readings", "--patient", "p-7f3b"], "nothing is known of patient p-7f3b", "did you mean p-7f3a?"),
      (["readings", "--patient", "p-7f3b", "--csv"], "p-7f3b", "p-7f3a"),
      (["readings", "--patient", "p-7f3b", "--fhir"], "p-7f3b", "p-7f3a"),
      (["readings", "--patient", "p-7f3b", "--follow"], "p-7f3b", "p-7f3a"),
      (["readings", "--patient", "somebody"], "nothing is known of patient somebody", "hearthctl devices"),
      (["readings", "--device", "kuff"], "there is no device kuff, and no reading of it", "did you mean cuff?"),
      (["readings", "--device", "kuff", "--parked"], "kuff", "cuff"),
      (["readings", "--device", "toaster", "--patient", "p-1"], "toaster", "hearthctl devices"),
      (["alerts", "--patient", "p-7f3b"], "nothing is known of patient p-7f3b", "did you mean p-7f3a?"),
      (["watch", "--patient", "p-7f3b"], "nothing is known of patient p-7f3b", "did you mean p-7f3a?"),
      (["report", "--patient", "p-7f3b"], "nothing is known of patient p-7f3b", "did you mean p-7f3a?"),
    ] {
      let outcome = try Home.run("hearthctl", arguments + ["--socket", socket])
      #expect(outcome.status == 69, "\(arguments)")
      #expect(outcome.out.isEmpty, "\(arguments): \(outcome.out)")
      #expect(outcome.error.contains(message) && outcome.error.contains("hint: \(hint)") || arguments.count > 3)
      guard !arguments.contains("--csv"), !arguments.contains("--fhir") else { continue }
      let script = try Home.run("hearthctl", arguments + ["--json", "--socket", socket])
      let error = try #require(script.json["error"] as? [String: Any], "\(arguments)")
      #expect(script.status == 69 && script.error.isEmpty && error["code"] as? String == "not-found", "\(arguments)")
      #expect((error["message"] as? String)?.contains(message) == true, "\(arguments)")
      #expect((error["hint"] as? String)?.contains(hint) == true, "\(arguments)")
    }
  }

  @Test func whoIsKnownMayHaveNothing() throws {
    let home = try home()
    defer { _ = home.stop() }
    // By a device, by a plan; and a device that never said anything.
    for filter in [["--patient", "p-7f3a"], ["--patient", "p-plan"], ["--device", "scale"]] {
      let outcome = try home.until(["readings"] + filter) { _ in true }
      #expect(outcome.status == 0 && outcome.out == "no readings\n", "\(filter): \(outcome.error)")
    }
    #expect(try home.ctl("alerts", "--patient", "p-plan").out == "nothing is raised\n")
    #expect(try home.ctl("readings", "--patient", "p-guest").status == 69)
    // By a reading that was given to them.
    let waiting = try parked(home)
    #expect(waiting.count == 2)
    for id in waiting { #expect(try home.ctl("assign", id, "p-guest").status == 0) }
    #expect(try home.ctl("readings", "--patient", "p-guest", "--json").out.split(separator: "\n").count == 2)
    // A device that is gone is known by its stored readings.
    try home.reload(configuration.replacingOccurrences(of: #""id": "cuff""#, with: #""id": "other""#))
    _ = try home.until(["devices", "--json"]) { $0.out.contains(#""other""#) && !$0.out.contains(#""id":"cuff""#) }
    let stored = try home.ctl("readings", "--device", "cuff", "--json")
    #expect(stored.status == 0 && stored.out.split(separator: "\n").count == 3, "\(stored.error)")
    #expect(try home.ctl("readings", "--device", "kuff").status == 69)
  }

  @Test func watchShowsOnePatientAlone() throws {
    let home = try home()
    defer { _ = home.stop() }
    let socket = home.folder.appending(path: "run/hearthd.sock").path
    let waiting = try parked(home)
    let first = try RunningProgram(["watch", "--patient", "p-1", "--socket", socket])
    let second = try RunningProgram(["watch", "--patient", "p-7f3a", "--json", "--socket", socket])
    try first.wait(for: "watching; Ctrl-C ends it\n")
    // The second says nothing once it is subscribed: it is, when it has asked and somebody else has been answered since.
    usleep(300_000)
    #expect(try home.ctl("assign", waiting[0], "p-7f3a").status == 0)
    #expect(try home.ctl("assign", waiting[1], "p-1").status == 0)
    let shown = try first.wait(for: "\n")
    #expect(shown.contains("p-1") && shown.contains("130/80 mmHg"), "\(shown)")
    #expect(try second.wait(for: "\n").contains(#""patient":"p-7f3a""#))
    first.kill()
    second.kill()
    #expect(!first.end().rest.contains("p-7f3a"))
    #expect(!second.end().rest.contains(#""patient":"p-1""#))
  }
}
