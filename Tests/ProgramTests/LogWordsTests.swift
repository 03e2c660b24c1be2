// The log of the real daemon says why in words beside the code, and names no patient and no value.

import Foundation
import Testing

private func configuration(_ path: String) -> String {
  """
  {
    "hub": {"timezone": "Europe/Oslo"},
    "devices": [{"id": "cuff", "driver": "blood-pressure", "playback": "HOME/cuff.capture", "patient": "p-secret"}],
    "backends": [{"name": "local", "type": "directory", "path": "\(path)"}], "bluetooth": {"enabled": false},
  }
  """
}

private let cuff = """
  # transport: gatt
  # characteristic: 1810/2A35 indicate
  @ 50
  < 1810/2A35 1ebb005700 5f00 ea070b14121f00 4600 01 0000
  """

@Suite struct LogWordsTests {
  @Test(arguments: [
    // A link to itself, and a folder below what is no folder.
    ("HOME/loop", "backend local: directory.failed: its folder could not be written; it is tried again"),
    ("HOME/cuff.capture/out", "backend local: directory.refused: its folder may not be written: correct the path"),
  ]) func aBackendThatTakesNothing(path: String, line: String) throws {
    let home = try Home(configuration(path), cuff: cuff)
    try FileManager.default.createSymbolicLink(
      atPath: home.folder.appending(path: "loop").path, withDestinationPath: "loop")
    try home.start()
    for _ in 0..<500 where !home.read("log").contains(line) { usleep(20_000) }
    let log = home.read("log")
    #expect(log.contains(line), "\(log)")
    #expect(
      try home.ctl("backends", "--json").out.contains(path.hasSuffix("loop") ? "tried again" : "directory.refused"))
    #expect(home.stop() == 0)
    // 187 and 87: the values of the reading.
    #expect(!log.contains("p-secret") && !log.contains("187") && !log.contains(" 87"))
    // Every line has a code and words.
    for entry in log.split(separator: "\n") {
      let pattern = /^hearthd: [a-z]+: (?:(?:device|backend|port|action) [^ ]+: )?[a-z-]+(?:\.[a-z0-9-]+)+: .+ .+ .+$/
      #expect(entry.wholeMatch(of: pattern) != nil, "\(entry)")
    }
  }
}
