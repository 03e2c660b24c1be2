// Local actions with the real daemon: each executable of actions.d gets each event on its standard input, in a bare environment, and
// is ended when it takes too long. What others could change is not started.

import Foundation
import Testing

private let configuration = """
  {
    "hub": {"timezone": "Europe/Oslo"},
    "devices": [{"id": "cuff", "driver": "blood-pressure", "playback": "HOME/cuff.capture", "patient": "p-1"}],
    "backends": [{"name": "local", "type": "directory", "path": "HOME/out"}],
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

@Suite(.serialized) struct ActionTests {
  private func home(_ actions: [(name: String, mode: Int, text: String)]) throws -> Home {
    let home = try Home(configuration, cuff: cuff)
    try home.write(plan, "plans/p-1.json")
    let folder = home.folder.appending(path: "actions.d")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    for action in actions {
      let text = action.text.replacingOccurrences(of: "HOME", with: home.folder.path)
      try home.write(text, "actions.d/\(action.name)")
      try FileManager.default.setAttributes(
        [.posixPermissions: action.mode], ofItemAtPath: folder.appending(path: action.name).path)
    }
    try home.start()
    return home
  }

  /// A file's text, once it is there and whole.
  private func text(_ home: Home, _ name: String) -> String? {
    for _ in 0..<1000 {
      if let text = try? String(contentsOf: home.folder.appending(path: name), encoding: .utf8), text.hasSuffix("\n") {
        return text
      }
      usleep(20_000)
    }
    return nil
  }

  @Test func eachEventComesAsOneObjectIntoABareEnvironment() throws {
    let home = try home([
      (
        "10-lamp", 0o755,
        """
        #!/bin/sh
        cat > HOME/event.new && mv HOME/event.new HOME/event
        { env | sort; ls -l /proc/self/fd | tail -n +2 | sed 's/.* \\([0-9]* -> .*\\)/\\1/'; grep CapEff /proc/self/status; } > HOME/around.new
        mv HOME/around.new HOME/around

        """
      ),
      // Others can change it, it is no program, it is hidden: none of them is started.
      ("20-loose", 0o777, "#!/bin/sh\ntouch HOME/loose\n"), ("30-text", 0o644, "#!/bin/sh\ntouch HOME/text\n"),
      (".hidden", 0o755, "#!/bin/sh\ntouch HOME/hidden\n"),
      // One that fails disturbs nobody.
      ("05-broken", 0o755, "#!/bin/sh\nexit 3\n"),
    ])
    let event = try #require(text(home, "event"))
    let object = try JSONSerialization.jsonObject(with: Data(event.utf8)) as? [String: Any]
    #expect(object?["type"] as? String == "threshold" && object?["patient"] as? String == "p-1")
    #expect(object?["event"] as? String == "raised" && object?["zone"] as? String == "red")
    #expect((object?["message"] as? String)?.hasPrefix("Blood pressure") == true)
    let around = try #require(text(home, "around"))
    let names = around.split(separator: "\n").compactMap { $0.contains("=") ? $0.split(separator: "=").first : nil }
    // What the shell adds itself is no secret of the daemon's.
    #expect(Set(names).subtracting(["PATH", "LANG", "PWD", "OLDPWD", "SHLVL", "_"]).isEmpty, "\(names)")
    // No file of the daemon's is open in it: no journal, no capture, no lock.
    let open = around.split(separator: "\n").filter { $0.contains(" -> ") }.map { $0.split(separator: " ") }
    #expect(open.count >= 4)
    for entry in open where (Int(entry[0]) ?? 0) > 2 { #expect(!entry[2].contains(home.folder.path), "\(entry)") }
    for name in ["loose", "text", "hidden"] {
      #expect(!FileManager.default.fileExists(atPath: home.folder.appending(path: name).path), "\(name)")
    }
    #expect(try home.ctl("alerts").out.contains("bp"))
    // The one that nobody may execute is named.
    #expect(try home.problems("action.idle").count == 1)
    #expect(try (home.check("actions")["message"] as? String)?.contains("30-text is not executable") == true)
    #expect(home.read("log").contains("action 30-text: action.idle: "))
    let check = try home.runToEnd("--check")
    #expect(check.status == 0 && check.error.contains("actions.d/30-text: warning: it is not executable"), "\(check)")
    #expect(home.stop() == 0)
  }

  @Test func oneThatTakesTooLongIsEndedAndTheDaemonGoesOn() throws {
    let home = try home([
      ("10-hangs", 0o755, "#!/bin/sh\necho $$ > HOME/number\ntrap '' TERM\nwhile :; do :; done\n")
    ])
    let number = try #require(text(home, "number").flatMap { Int32($0.dropLast()) })
    #expect(try home.ctl("status").status == 0)
    // Ten seconds are given.
    var isGone = false
    for _ in 0..<1500 where !isGone {
      isGone = kill(number, 0) != 0
      if !isGone { usleep(20_000) }
    }
    #expect(isGone)
    #expect(try home.ctl("status").status == 0)
    #expect(home.stop() == 0)
  }

  /// An event longer than a pipe holds, for a program that reads nothing of it: the daemon goes on, and so do the other programs.
  @Test func oneThatReadsNothingHoldsNobodyUp() throws {
    let home = try Home(configuration, cuff: cuff)
    let folder = home.folder.appending(path: "actions.d")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    for (name, text) in [
      ("10-blocked", "#!/bin/sh\necho $$ > HOME/number\nexec sleep 100\n"),
      (
        "05-lamp",
        """
        #!/bin/sh
        cat > HOME/event.$$
        grep -q '"type":"threshold"' HOME/event.$$ && mv HOME/event.$$ HOME/event

        """
      ),
    ] {
      try home.write(text.replacingOccurrences(of: "HOME", with: home.folder.path), "actions.d/\(name)")
      try FileManager.default.setAttributes(
        [.posixPermissions: 0o755], ofItemAtPath: folder.appending(path: name).path)
    }
    // Longer than a plan's message may be since; one that is in force goes on.
    let message = String(repeating: "m", count: 150_000)
    try home.write(
      plan.replacingOccurrences(of: #""kind""#, with: #""message": "\#(message)", "kind""#), "plans/p-1.json")
    try home.start()
    let number = try #require(text(home, "number").flatMap { Int32($0.dropLast()) })
    #expect(try #require(text(home, "event")).utf8.count > message.utf8.count)
    #expect(kill(number, 0) == 0)
    #expect(try home.ctl("status").status == 0)
    #expect(home.stop() == 0)
  }

  /// As the unit runs it: somebody unprivileged who may steer the network's devices. What it starts may not.
  @Test(.enabled(if: geteuid() == 0 && FileManager.default.isExecutableFile(atPath: "/usr/bin/setpriv")))
  func anActionHasNoneOfTheDaemonsCapabilities() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "hearth-act-\(UUID().uuidString.prefix(8))")
    let files = FileManager.default
    defer { try? files.removeItem(at: folder) }
    for name in ["actions.d", "plans"] {
      try files.createDirectory(at: folder.appending(path: name), withIntermediateDirectories: true)
    }
    let action =
      "#!/bin/sh\ngrep -E '^Cap(Prm|Eff|Amb)' /proc/self/status > \(folder.path)/new\nmv \(folder.path)/new \(folder.path)/told\n"
    for (name, text) in [
      ("hearth.json", configuration.replacingOccurrences(of: "HOME", with: folder.path)), ("cuff.capture", cuff),
      ("plans/p-1.json", plan), ("actions.d/show", action),
    ] { try Data(text.utf8).write(to: folder.appending(path: name)) }
    try files.setAttributes([.posixPermissions: 0o755], ofItemAtPath: folder.appending(path: "actions.d/show").path)
    // The programs may lie where only root looks.
    try files.copyItem(at: Home.programs.appending(path: "hearthd"), to: folder.appending(path: "hearthd"))
    for name in ["", "hearth.json", "cuff.capture", "plans", "plans/p-1.json"] {
      chown(folder.appending(path: name).path, 65_534, 65_534)
    }
    let daemon = Process()
    daemon.executableURL = URL(filePath: "/usr/bin/setpriv")
    daemon.arguments = [
      "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=+net_admin", "--ambient-caps=+net_admin",
      folder.appending(path: "hearthd").path, "--config", folder.appending(path: "hearth.json").path,
      "--state-directory", folder.appending(path: "state").path, "--runtime-directory",
      folder.appending(path: "run").path,
    ]
    daemon.standardError = FileHandle.nullDevice
    try daemon.run()
    defer {
      daemon.terminate()
      daemon.waitUntilExit()
    }
    var told: String?
    for _ in 0..<1000 where told == nil && daemon.isRunning {
      told = try? String(contentsOf: folder.appending(path: "told"), encoding: .utf8)
      if told == nil { usleep(20_000) }
    }
    let lines = try #require(told).split(separator: "\n")
    #expect(lines.count == 3)
    for line in lines { #expect(line.hasSuffix("0000000000000000"), "\(line)") }
  }
}
