// The actions that are shipped as examples, with the real daemon, a real red reading and files that stand for the devices.

import Foundation
import Testing

private let configuration = """
  {
    "hub": {"timezone": "Europe/Oslo"},
    "devices": [{"id": "cuff", "driver": "blood-pressure", "playback": "HOME/cuff.capture", "patient": "p-1"}],
    "backends": [], "bluetooth": {"enabled": false},
  }
  """

private let cuff = """
  # transport: gatt
  # characteristic: 1810/2A35 indicate
  @ 70
  < 1810/2A35 1cbe005000 5f00 4600 01 0000
  """

private let plan = """
  {"patient": "p-1", "version": 1, "language": "en",
   "rules": [{"id": "bp", "kind": "band", "measure": "bp.systolic", "zones": [{"red": {"gte": "180"}}]}]}
  """

/// An event as the hub tells it, with words that somebody else wrote.
private func event(_ kind: String, zone: String, note: String = "") -> String {
  #"{"id":"1","type":"threshold","at":"2026-11-21T08:15:33+01:00","patient":"p-1","rule":"bp","event":"\#(kind)","#
    + #""zone":"\#(zone)","plan_version":1,"note":"\#(note)"}"# + "\n"
}

@Suite(.serialized) struct ExampleActionTests {
  private static let examples = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appending(path: "systemd/actions")

  /// A home in whose actions.d an example stands, changed as a technician changes it.
  private func home(_ name: String, _ changes: [(String, String)]) throws -> (home: Home, action: URL) {
    let home = try Home(configuration, cuff: cuff)
    try home.write(plan, "plans/p-1.json")
    for folder in ["actions.d", "led"] {
      try FileManager.default.createDirectory(
        at: home.folder.appending(path: folder), withIntermediateDirectories: true)
    }
    for (file, text) in [("brightness", "0\n"), ("max_brightness", "255\n"), ("trigger", "[mmc0] none\n")] {
      try home.write(text, "led/\(file)")
    }
    var text = try String(contentsOf: Self.examples.appending(path: name), encoding: .utf8)
    for (line, other) in changes {
      #expect(text.contains(line))
      text = text.replacingOccurrences(
        of: line, with: other.replacingOccurrences(of: "HOME", with: home.folder.path))
    }
    let action = home.folder.appending(path: "actions.d/\(name)")
    try home.write(text, "actions.d/\(name)")
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: action.path)
    return (home, action)
  }

  private func lamp(_ hearthctl: String? = nil) throws -> (home: Home, action: URL) {
    try home(
      "lamp",
      [
        ("led=/sys/class/leds/hearth\n", "led=HOME/led\n"), ("lock=/run/hearth/lamp.lock\n", "lock=HOME/lamp.lock\n"),
        (
          "hearthctl=hearthctl\n",
          "hearthctl='\(hearthctl ?? Home.programs.appending(path: "hearthctl").path + " --socket HOME/run/hearthd.sock")'\n"
        ),
      ])
  }

  /// Runs an action by hand. Its input is a file: it need not read all of it.
  private func run(_ action: URL, _ home: Home, _ input: String) throws -> Outcome {
    try home.write(input, "input")
    let file = home.folder.appending(path: "input").path
    return try Home.run(URL(filePath: "/bin/sh"), ["-c", "exec \"$0\" <\"$1\"", action.path, file])
  }

  private func until(_ home: Home, _ name: String, _ text: String) {
    for _ in 0..<1000 where home.read(name) != text { usleep(20_000) }
  }

  @Test func theLampIsLitUntilSomebodyHasTakenNotice() throws {
    let (home, _) = try lamp()
    try home.start()
    until(home, "led/brightness", "255\n")
    #expect(home.read("led/brightness") == "255\n" && home.read("led/trigger") == "none\n")
    #expect(try home.ctl("alerts", "ack", "p-1", "bp", "--note", #"{"state":"raised","zone":"red"}"#).status == 0)
    until(home, "led/brightness", "0\n")
    #expect(home.read("led/brightness") == "0\n")
    #expect(home.stop() == 0)
    #expect(!home.read("log").contains("lamp"), "\(home.read("log"))")
  }

  @Test func theLampLooksAtNothingButTheTypeOfAnEvent() throws {
    let quiet = #"echo {"alerts":[]}"#
    for (answer, input, brightness) in [
      (quiet, event("raised", zone: "red"), "0\n"), ("false", event("raised", zone: "red"), "255\n"),
      ("false", event("cleared", zone: "red"), "7\n"), ("false", event("raised", zone: "yellow"), "7\n"),
      ("sh HOME/stub", #"{"type":"hub","code":"x","message":"$(touch HOME/run)"}"#, "7\n"),
      ("sh HOME/stub", "\u{0}\u{1}`touch HOME/run`", "7\n"),
      ("sh HOME/stub", String(repeating: "x", count: 300_000), "7\n"),
    ] {
      let (home, action) = try lamp(answer)
      try home.write("touch \(home.folder.path)/asked\nexit 1\n", "stub")
      try home.write("7\n", "led/brightness")
      _ = try run(action, home, input.replacingOccurrences(of: "HOME", with: home.folder.path))
      #expect(home.read("led/brightness") == brightness, "\(answer) \(input.prefix(80))")
      #expect(!home.has("run") && !home.has("asked"))
    }
  }

  @Test func aLampThatIsNotAllowedSaysSo() throws {
    let (home, action) = try lamp()
    try home.remove("led/brightness")
    let outcome = try run(action, home, event("raised", zone: "red"))
    #expect(outcome.status == 1 && outcome.error.contains("see lamp.conf"), "\(outcome)")
  }

  private func speaker() throws -> (home: Home, action: URL) {
    try home(
      "speaker",
      [
        ("lock=/run/hearth/speaker.lock\n", "lock=HOME/lock\n"),
        (
          "play() { aplay -q -t raw -f S8 -r 8000 -c 1; }\n",
          "play() { cat >HOME/sound.new; mv HOME/sound.new HOME/sound; }\n"
        ),
      ])
  }

  @Test func theSpeakerGivesThreeTones() throws {
    let (home, _) = try speaker()
    try home.start()
    for _ in 0..<1000 where !home.has("sound") { usleep(20_000) }
    let sound = Array((try? Data(contentsOf: home.folder.appending(path: "sound"))) ?? Data())
    // Three times 0.4 s of 800 Hz and 0.2 s of silence.
    #expect(sound.count == 14_400)
    #expect(Array(sound.prefix(10)) == [64, 64, 64, 64, 64, 192, 192, 192, 192, 192])
    #expect(sound.split(separator: 0).map(\.count) == [3200, 3200, 3200])
    #expect(home.stop() == 0)
  }

  @Test(arguments: [
    event("cleared", zone: "red"), event("raised", zone: "yellow"),
    event("raised", zone: "yellow", note: #"\"zone\":\"red\""#), "", "\u{0}", String(repeating: "\"", count: 300_000),
  ]) func theSpeakerIsSilentForAnythingElse(input: String) throws {
    let (home, action) = try speaker()
    _ = try run(action, home, input)
    usleep(50_000)
    #expect(!home.has("sound"))
  }

  /// What the drop-ins open is what the examples use.
  @Test func theDropInsOpenWhatTheExamplesUse() throws {
    func text(_ name: String) throws -> String {
      try String(contentsOf: Self.examples.appending(path: name), encoding: .utf8)
    }
    #expect(try text("lamp").contains("led=/sys/class/leds/hearth\n"))
    #expect(try text("lamp.conf").contains("\nReadWritePaths=-/sys/class/leds/hearth\n"))
    #expect(try text("70-hearth-lamp.rules").contains("SUBSYSTEM==\"leds\", KERNEL==\"hearth\""))
    #expect(try text("speaker.conf").contains("\nDeviceAllow=char-alsa rw\nSupplementaryGroups=audio\n"))
  }
}
