// The real daemon against a FHIR server on its bad days: what was confirmed arrives, each once, digit by digit, whatever the server
// answered in between; what it refuses is parked with its reason.

import Foundation
import Testing

private let cuff = """
  # transport: gatt
  # characteristic: 1810/2A35 indicate
  # characteristic: 180A/2A24 read "UA-651BLE"
  @ 50
  < 1810/2A35 1e80005000 5f00 ea070b14081e00 4600 01 0000
  @ 60
  < 1810/2A35 1e81005000 5f00 ea070b14081f00 4600 01 0400
  @ 70
  < 1810/2A35 1e82005b00 7900 ea070b14082000 4600 01 0100
  @ 80
  < 1810/2A35 1e83005b00 7900 ea070b14082100 4600 01 0000

  """

private let helper = """
  #!/bin/sh
  # Reads the request, prints a proof over the nonce and the body's length.
  nonce=-
  while IFS= read -r line && [ -n "$line" ]; do
    case "$line" in DPoP-Nonce:*) nonce=${line#DPoP-Nonce: };; esac
  done
  printf 'X-Proof: %s %s\\n' "$nonce" "$(wc -c | tr -d ' ')"

  """

/// A daemon with one FHIR backend.
private final class Hub {
  private static let programs = Foundation.Bundle.module.bundleURL.deletingLastPathComponent()
  private let folder = FileManager.default.temporaryDirectory.appending(
    path: "hearth-fhir-\(UUID().uuidString.prefix(8))")
  private let server: FaultServer
  private let daemon = Process()

  init(_ path: String, _ members: String = "") throws {
    server = try FaultServer(script: "fhir_server.py")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    for (name, text, mode) in [
      ("cuff.capture", cuff, 0o644), ("secret", "secret\n", 0o600), ("word", "word", 0o600), ("helper", helper, 0o700),
    ] {
      let file = folder.appending(path: name)
      try Data(text.utf8).write(to: file)
      try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: file.path)
    }
    let members = members.replacingOccurrences(of: "HOME", with: folder.path)
      .replacingOccurrences(of: "SERVER", with: server.url(""))
    let text = """
      {"hub": {"timezone": "Europe/Oslo"},
       "devices": [{"id": "cuff", "driver": "blood-pressure", "playback": "\(folder.path)/cuff.capture", "patient": "p-1"}],
       "backends": [{"name": "care", "type": "fhir-phd", "url": "\(server.url(path))"\(members)}]}
      """
    try Data(text.utf8).write(to: folder.appending(path: "hearth.json"))
    daemon.executableURL = Hub.programs.appending(path: "hearthd")
    daemon.arguments = [
      "--config", folder.appending(path: "hearth.json").path, "--state-directory", folder.appending(path: "state").path,
      "--runtime-directory", folder.appending(path: "run").path,
    ]
    daemon.standardError = FileHandle.nullDevice
    try daemon.run()
  }

  deinit {
    daemon.terminate()
    daemon.waitUntilExit()
    try? FileManager.default.removeItem(at: folder)
  }

  /// The backend as the technician sees it, once `isDone`, or as it is after 20 s.
  func backend(until isDone: ([String: Any]) -> Bool) throws -> [String: Any] {
    var found: [String: Any] = [:]
    for _ in 0..<400 {
      let process = Process()
      process.executableURL = Hub.programs.appending(path: "hearthctl")
      process.arguments = ["backends", "--json", "--socket", folder.appending(path: "run/hearthd.sock").path]
      let out = Pipe()
      process.standardOutput = out
      process.standardError = FileHandle.nullDevice
      try process.run()
      let data = out.fileHandleForReading.readDataToEndOfFile()
      process.waitUntilExit()
      let answer = try? JSONSerialization.jsonObject(with: data) as? [String: Any]
      found = (answer?["backends"] as? [[String: Any]])?.first ?? [:]
      if isDone(found) { break }
      usleep(50_000)
    }
    return found
  }

  /// What the server holds and saw.
  func state() throws -> [String: Any] { try #require(try server.json(of: "state") as? [String: Any]) }
}

private func isDelivered(_ backend: [String: Any]) -> Bool { backend["delivered"] as? Int == 4 }

@Suite(.serialized, .enabled(if: FaultServer.isPossible)) struct FHIRBackendTests {
  @Test(arguments: [
    ("plain", ""), ("large", ""), ("basic", #", "basic": {"user": "user", "password": {"file": "HOME/word"}}"#),
    (
      "oauth",
      #", "oauth2": {"token_url": "SERVERtoken", "client_id": "client", "client_secret": {"file": "HOME/secret"}}"#
    ),
    ("helper", #", "helper": "HOME/helper""#),
  ]) func everyReadingArrivesOnce(path: String, members: String) throws {
    let hub = try Hub(path, members)
    let backend = try hub.backend(until: isDelivered)
    #expect(isDelivered(backend), "\(backend)")
    #expect(backend["type"] as? String == "fhir-phd" && backend["refused"] as? Int == 0)
    let state = try hub.state()
    #expect(state["systolic"] as? [String] == ["128", "129", "130", "131"])
    #expect(state["devices"] as? Int == 2)
    if path == "oauth" { #expect(state["tokens"] as? Int == 2) }
  }

  @Test(arguments: ["portal", "cut"]) func anAnswerThatTellsNothingBringsTheSameOctetsAgain(path: String) throws {
    let hub = try Hub(path)
    let backend = try hub.backend(until: isDelivered)
    #expect(isDelivered(backend), "\(backend)")
    let state = try hub.state()
    #expect(state["systolic"] as? [String] == ["128", "129", "130", "131"])
    // Twice in vain, then with success; what came later is another batch.
    let requests = try #require(state["requests"] as? Int)
    #expect(state["bodies"] as? Int == requests - 2 && state["keys"] as? Int == requests - 2)
  }

  private static let gzip = #", "compress": "gzip", "batch": {"maximum_readings": 1}"#

  @Test(arguments: ["gunzip", "lost-gunzip"]) func aBackendThatReadsGzipGetsIt(path: String) throws {
    let hub = try Hub(path, FHIRBackendTests.gzip)
    let backend = try hub.backend(until: isDelivered)
    #expect(isDelivered(backend) && backend["compression"] as? String == "gzip", "\(backend)")
    let state = try hub.state()
    #expect(state["systolic"] as? [String] == ["128", "129", "130", "131"])
    #expect(state["compressed"] as? Int == state["requests"] as? Int)
    // What was lost went again octet by octet.
    if path == "lost-gunzip" { #expect(state["bodies"] as? Int == 4 && state["requests"] as? Int == 5) }
  }

  @Test(arguments: [415, 400, 500]) func aBackendThatDoesNotReadGzipGetsPlainRequestsAndThatIsTold(status: Int) throws {
    let hub = try Hub("plain-only-\(status)", FHIRBackendTests.gzip)
    let backend = try hub.backend(until: isDelivered)
    #expect(isDelivered(backend) && backend["refused"] as? Int == 0, "\(backend)")
    #expect(backend["compression"] as? String == "refused")
    #expect((backend["compression_reason"] as? String)?.contains("\(status) to gzip") ?? false)
    let state = try hub.state()
    #expect(state["systolic"] as? [String] == ["128", "129", "130", "131"])
    // One try, and its twin under the same key.
    #expect(state["compressed"] as? Int == 1 && state["requests"] as? Int == 5 && state["keys"] as? Int == 4)
  }

  @Test func aReadingThatIsRefusedBothWaysIsTheReadingsFault() throws {
    let hub = try Hub("poison", FHIRBackendTests.gzip)
    let backend = try hub.backend(until: isDelivered)
    #expect(backend["refused"] as? Int == 1 && backend["compression"] as? String == "gzip", "\(backend)")
    #expect(try hub.state()["systolic"] as? [String] == ["128", "129", "131"])
  }

  @Test func theRefusedReadingIsParkedWithTheServersReason() throws {
    let hub = try Hub("poison")
    let backend = try hub.backend(until: isDelivered)
    #expect(backend["refused"] as? Int == 1)
    let parked = try #require((backend["refused_items"] as? [[String: Any]])?.first)
    #expect(parked["reason"] as? String == "http.422: value: the systolic pressure is not liked")
    #expect(try hub.state()["systolic"] as? [String] == ["128", "129", "131"])
  }
}
