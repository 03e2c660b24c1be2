// `hearthctl readings park` and `accept` with the real programs: what a backend gets, and what a restart knows.

import Foundation
import Testing

private let configuration = """
  {
    "hub": {"timezone": "Europe/Oslo"},
    "devices": [{"id": "cuff", "driver": "blood-pressure", "playback": "HOME/cuff.capture", "patient": "p-7f3a"}],
    "backends": [{"name": "local", "type": "directory", "path": "HOME/out"}],
  }
  """

/// 128/80 of user 1; 45/30 mmHg, which the hub does not believe.
private let cuff = """
  # transport: gatt
  # characteristic: 1810/2A35 indicate
  @ 50
  < 1810/2A35 1c80005000 5f00 4600 01 0000
  @ 70
  < 1810/2A35 1c2d001e00 2300 4600 01 0000
  """

@Suite(.serialized) struct CorrectionVerbTests {
  private func lines(_ home: Home) throws -> [[String: Any]] {
    let folder = home.folder.appending(path: "out")
    return try FileManager.default.contentsOfDirectory(atPath: folder.path).flatMap { name in
      try String(contentsOf: folder.appending(path: name), encoding: .utf8).split(separator: "\n").compactMap {
        try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]
      }
    }
  }

  @Test func aReadingIsTakenBackGivenAndAccepted() throws {
    let home = try Home(configuration, cuff: cuff)
    try home.startAndWait()
    _ = try home.until(["backends", "--json"]) { $0.out.contains(#""delivered":2"#) }
    let readings = try lines(home)
    let sound = try #require(readings.first { ($0["flags"] as? [String])?.isEmpty == true }?["id"] as? String)
    let odd = try #require(
      readings.first { ($0["flags"] as? [String])?.contains("implausible") == true }?["id"] as? String)

    let parked = try home.ctl("readings", "park", String(sound.prefix(8)))
    #expect(parked.status == 0 && parked.out.contains("is p-7f3a's no more, and backends are told"), "\(parked)")
    _ = try home.until(["backends", "--json"]) { $0.out.contains(#""delivered":3"#) }
    let withdrawn = try #require(try lines(home).last)
    #expect(withdrawn["id"] as? String == sound && withdrawn["patient"] is NSNull)
    #expect((withdrawn["correction"] as? [String: Any])?["kind"] as? String == "withdrawn")
    #expect(try home.ctl("readings", "--parked").out.contains(String(sound.prefix(8))))
    #expect(home.stop() == 0)

    try home.startAndWait()
    #expect(try home.ctl("readings", "park", String(sound.prefix(8))).status == 1)
    #expect(try home.ctl("assign", String(sound.prefix(8)), "q-1").status == 0)
    _ = try home.until(["backends", "--json"]) { $0.out.contains(#""delivered":4"#) }
    let given = try #require(try lines(home).last)
    #expect(given["patient"] as? String == "q-1")
    #expect((given["correction"] as? [String: Any])?["kind"] as? String == "assigned")
    #expect((given["seq"] as? Int ?? 0) > (withdrawn["seq"] as? Int ?? .max))

    let accepted = try home.ctl("readings", "accept", String(odd.prefix(8)), "--json")
    #expect(accepted.status == 0 && accepted.json["accepted"] as? Bool == true, "\(accepted)")
    _ = try home.until(["backends", "--json"]) { $0.out.contains(#""delivered":5"#) }
    let last = try #require(try lines(home).last)
    #expect(last["id"] as? String == odd && (last["flags"] as? [String])?.contains("implausible") == false)

    #expect(try home.ctl("readings", "accept", String(sound.prefix(8))).status == 1)
    #expect(try home.ctl("readings", "park", "ffffffff").status == 69)
    #expect(try home.ctl("readings", "park").status == 64)
    #expect(try home.ctl("readings", "prak", sound).status == 64)
    #expect(home.stop() == 0)
  }
}
