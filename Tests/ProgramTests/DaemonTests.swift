// The real daemon, driven only through the real hearthctl: recorded octets in, files out.

import Foundation
import Testing

/// What a finished program left.
struct Outcome {
  var status: Int32
  var out: String
  var error: String

  var json: [String: Any] { (try? JSONSerialization.jsonObject(with: Data(out.utf8)) as? [String: Any]) ?? [:] }
}

/// A daemon in a folder of its own.
final class Home {
  static let programs = Bundle.module.bundleURL.deletingLastPathComponent()
  let folder = FileManager.default.temporaryDirectory.appending(path: "hearth-test-\(UUID().uuidString.prefix(8))")
  private var daemon: Process?
  /// What the daemon gets beside the environment of the tests.
  var environment: [String: String] = [:]

  /// The daemon's process id, once it was started.
  var pid: Int32? { daemon?.processIdentifier }

  init(_ configuration: String, cuff: String = "") throws {
    try FileManager.default.createDirectory(at: folder.appending(path: "plans"), withIntermediateDirectories: true)
    try write(cuff, "cuff.capture")
    try write(configuration.replacingOccurrences(of: "HOME", with: folder.path), "hearth.json")
  }

  deinit {
    // A test that failed leaves no daemon behind.
    if daemon?.isRunning ?? false { _ = stop() }
    try? FileManager.default.removeItem(at: folder)
  }

  func write(_ text: String, _ name: String) throws {
    try Data(text.utf8).write(to: folder.appending(path: name))
  }

  func start() throws {
    let process = Process()
    process.executableURL = Home.programs.appending(path: "hearthd")
    process.arguments = [
      "--config", folder.appending(path: "hearth.json").path, "--state-directory", folder.appending(path: "state").path,
      "--runtime-directory", folder.appending(path: "run").path,
    ]
    // All that it logs, over all starts.
    let log = folder.appending(path: "log")
    if !FileManager.default.fileExists(atPath: log.path) { try write("", "log") }
    let file = try FileHandle(forWritingTo: log)
    try file.seekToEnd()
    process.standardError = file
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    try process.run()
    daemon = process
  }

  /// Ends it; gives its exit status.
  func stop() -> Int32 {
    daemon?.terminate()
    daemon?.waitUntilExit()
    return daemon?.terminationStatus ?? -1
  }

  /// Gives the daemon another configuration, by SIGHUP.
  func reload(_ configuration: String) throws {
    try write(configuration.replacingOccurrences(of: "HOME", with: folder.path), "hearth.json")
    if let daemon { kill(daemon.processIdentifier, SIGHUP) }
  }

  func ctl(_ arguments: String...) throws -> Outcome {
    try Home.run("hearthctl", arguments + ["--socket", folder.appending(path: "run/hearthd.sock").path])
  }

  /// Asks until the answer is as wished; a daemon that never gets there fails the test by its last answer.
  func until(_ arguments: [String], _ isDone: (Outcome) -> Bool) throws -> Outcome {
    var outcome = Outcome(status: -1, out: "", error: "")
    for _ in 0..<600 {
      outcome = try Home.run("hearthctl", arguments + ["--socket", folder.appending(path: "run/hearthd.sock").path])
      if isDone(outcome) { break }
      usleep(20_000)
    }
    return outcome
  }

  static func run(
    _ program: String, _ arguments: [String], input: String = "", environment: [String: String] = [:]
  ) throws -> Outcome {
    try run(programs.appending(path: program), arguments, input: input, environment: environment)
  }

  static func run(
    _ program: URL, _ arguments: [String], input: String = "", environment: [String: String] = [:]
  ) throws -> Outcome {
    let process = Process()
    process.executableURL = program
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    process.arguments = arguments
    let (input_, out, error) = (Pipe(), Pipe(), Pipe())
    process.standardInput = input_
    process.standardOutput = out
    process.standardError = error
    try process.run()
    try input_.fileHandleForWriting.write(contentsOf: Data(input.utf8))
    try input_.fileHandleForWriting.close()
    let text = String(decoding: out.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    let complaint = String(decoding: error.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return Outcome(status: process.terminationStatus, out: text, error: complaint)
  }
}

private let configuration = """
  {
    "hub": {"timezone": "Europe/Oslo"}, // a comment
    "devices": [{"id": "cuff", "driver": "blood-pressure", "playback": "HOME/cuff.capture", "users": {"1": "p-1"}}],
    "backends": [{"name": "local", "type": "directory", "path": "HOME/out"}],
  }
  """

private let cuff = """
  # transport: gatt
  # characteristic: 1810/2A35 indicate
  # characteristic: 180A/2A24 read "UA-651BLE"
  @ 50
  < 1810/2A35 1e80005000 5f00 ea070b14081e00 4600 01 0000
  @ 60
  < 1810/2A35 1e81005000 5f00 ea070b14081f00 4600 02 0000
  @ 70
  < 1810/2A35 ffff
  """

@Suite(.serialized) struct DaemonTests {
  @Test func aReadingGoesAllTheWay() throws {
    let home = try Home(configuration, cuff: cuff)
    try home.start()
    let backends = try home.until(["backends", "--json"]) { $0.out.contains(#""delivered":1"#) }
    #expect(backends.status == 0)
    let readings = try home.ctl("readings", "--json")
    #expect(readings.out.split(separator: "\n").count == 2)
    #expect(readings.out.contains(#""value":"128""#) && readings.out.contains(#""patient":"p-1""#))
    // Slot 2 is nobody's: parked, and sent nowhere until it is assigned.
    let parked = try home.ctl("readings", "--parked", "--json")
    #expect(parked.out.split(separator: "\n").count == 1)
    let id = try #require(parked.json["id"] as? String)
    #expect(try home.ctl("assign", String(id.prefix(8)), "p-2", "--new").status == 0)
    _ = try home.until(["backends", "--json"]) { $0.out.contains(#""delivered":2"#) }
    let folder = home.folder.appending(path: "out")
    let files = try FileManager.default.contentsOfDirectory(atPath: folder.path)
    let lines = try files.flatMap {
      try String(contentsOf: folder.appending(path: $0), encoding: .utf8).split(separator: "\n")
    }
    #expect(lines.count == 2)
    #expect(lines.contains { $0.contains(id) && $0.contains(#""patient":"p-2""#) })
    #expect(try home.ctl("assign", id, "p-2").status == 69)
    #expect(home.stop() == 0)
    // After a restart the recorded cuff sends everything again, and nothing is stored twice.
    try home.start()
    _ = try home.until(["devices", "--json"]) { $0.out.contains(#""state":"waiting""#) && $0.out.contains("UA-651BLE") }
    #expect(try home.ctl("readings", "--json").out.split(separator: "\n").count == 2)
    let status = try home.ctl("status", "--json")
    #expect((status.json["backends"] as? [[String: Any]])?.first?["waiting"] as? Int == 0)
    #expect((status.json["devices"] as? [[String: Any]])?.first?["last_problem"] != nil)
    #expect(home.stop() == 0)
  }

  @Test func aBadConfigurationIsNamedAndAReloadKeepsTheOldOne() throws {
    let home = try Home(configuration, cuff: cuff)
    let path = home.folder.appending(path: "hearth.json").path
    #expect(try Home.run("hearthd", ["--check", "--config", path]).status == 0)
    try home.start()
    _ = try home.until(["status"]) { $0.status == 0 }
    try home.write("{\n  \"backend\": []\n}", "hearth.json")
    let check = try Home.run("hearthd", ["--check", "--config", path])
    #expect(check.status == 78)
    #expect(check.error.contains("hearth.json:2:3: backend: unknown key \"backend\" (did you mean \"backends\"?)"))
    #expect(try home.ctl("devices", "--json").out.contains("\"cuff\""))
    #expect(home.stop() == 0)
  }

  @Test func aSecondDaemonIsRefused() throws {
    let home = try Home(configuration, cuff: cuff)
    try home.start()
    _ = try home.until(["status"]) { $0.status == 0 }
    let second = try Home.run(
      "hearthd",
      [
        "--config", home.folder.appending(path: "hearth.json").path, "--state-directory",
        home.folder.appending(path: "state").path, "--runtime-directory", home.folder.appending(path: "run2").path,
      ])
    #expect(second.status == 1)
    #expect(second.error.contains("journal.locked"))
    #expect(home.stop() == 0)
  }

  @Test func rubbishOnTheControlSocketClosesNobodyElse() throws {
    let home = try Home(configuration, cuff: cuff)
    try home.start()
    _ = try home.until(["status"]) { $0.status == 0 }
    let script = """
      import socket, sys
      for data in [b"\\x00\\xff\\n", b"{" * 70000 + b"\\n", b"[" * 5000 + b"\\n", b"x" * 200000, b'{"jsonrpc":"2.0","id":1,"method":"status"}\\n' * 500]:
          s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1])
          try: s.sendall(data)
          except OSError: pass
          s.close()
      """
    let python = Process()
    python.executableURL = URL(filePath: "/usr/bin/env")
    python.arguments = ["python3", "-c", script, home.folder.appending(path: "run/hearthd.sock").path]
    try python.run()
    python.waitUntilExit()
    #expect(python.terminationStatus == 0)
    #expect(try home.ctl("status").status == 0)
    #expect(home.stop() == 0)
  }
}

@Suite struct HearthctlTests {
  @Test func exitCodesAreTheContracts() throws {
    let cases: [([String], Int32)] = [
      (["--help"], 0), (["help", "decode"], 0), (["version"], 0), (["drivers"], 0), ([], 64), (["stauts"], 64),
      (["status", "--bogus"], 64),
      (["readings", "--limit", "x", "--socket", "/nonexistent"], 64), (["status", "--socket", "/nonexistent"], 111),
      (["--socket", "/nonexistent", "status"], 111), (["decode"], 64), (["decode", "gatt", "1810"], 64),
      (["decode", "gatt", "18", "2A35", "00"], 64),
      (["decode", "gatt", "1810", "2A35", "00780050006000"], 0), (["decode", "gatt", "1810", "2A35", "007800"], 65),
      (["decode", "gatt", "1810", "2A35", "0"], 65), (["decode", "gatt", "1810", "2AFF", "00"], 69),
      (["decode", "serial", "smoke"], 69),
      (["decode", "serial", "and-scale", "/nonexistent"], 69), (["decode", "adv", "00", "--service", "FFFF"], 69),
      (["decode", "adv", "00"], 64),
      (["decode", "gatt", "1810", "2A35", "16ff07ff07ff07e80706170e230aff070000"], 0),
    ]
    for (arguments, status) in cases { #expect(try Home.run("hearthctl", arguments).status == status, "\(arguments)") }
  }

  @Test func errorsHaveAHintAndAJSONForm() throws {
    let text = try Home.run("hearthctl", ["stauts"])
    #expect(text.error == "hearthctl: there is no verb \"stauts\"\nhint: did you mean status?\n")
    let json = try Home.run("hearthctl", ["status", "--json", "--socket", "/nonexistent"])
    let error = json.json["error"] as? [String: Any]
    #expect(error?["code"] as? String == "not-running")
    #expect(json.error.isEmpty)
  }

  @Test func decodeGivesTheContractsObject() throws {
    let outcome = try Home.run(
      "hearthctl",
      [
        "decode", "gatt", "181d", "00002a9d-0000-1000-8000-00805f9b34fb", "0f543de7070c190e1e2d03f500a802",
        "--timezone", "Europe/Oslo",
        "--received", "2023-12-25T14:31:00+01:00",
      ])
    let reading = try #require((outcome.json["readings"] as? [[String: Any]])?.first)
    #expect(reading["taken_at"] as? String == "2023-12-25T14:30:45+01:00")
    #expect(reading["time_quality"] as? String == "device")
    #expect(reading["user"] as? Int == 3)
    let weight = try #require((reading["observations"] as? [[String: Any]])?.first)
    #expect(weight["value"] as? String == "71.214")
    #expect((weight["reported"] as? [String: Any])?["value"] as? String == "157.00")
    // The same octets give the same identifier, for ever.
    let again = try Home.run("hearthctl", ["decode", "gatt", "181D", "2A9D", "0f543de7070c190e1e2d03f500a802"])
    #expect((again.json["readings"] as? [[String: Any]])?.first?["id"] as? String == reading["id"] as? String)
  }

  @Test func serialOctetsComeFromStandardInput() throws {
    let outcome = try Home.run(
      "hearthctl", ["decode", "serial", "and-scale", "-"], input: "ST,+00072.15 kg\r\nST,+00072.15 kg\r\n")
    #expect((outcome.json["readings"] as? [Any])?.count == 1)
    #expect(try Home.run("hearthctl", ["decode", "serial", "and-scale", "--hex"], input: "53542c").status == 65)
  }
}
