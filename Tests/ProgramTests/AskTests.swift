// What a device cannot do is refused when it is asked for, with what it can do.

import Foundation
import Testing

private let configuration = """
  {
    "devices": [
      {"id": "cuff", "driver": "blood-pressure", "playback": "HOME/cuff.capture", "patient": "p-1"},
      {"id": "scale", "driver": "and-scale", "playback": "HOME/none.capture", "patient": "p-1"},
      {"id": "oximeter", "driver": "contec-v7", "playback": "HOME/none.capture", "patient": "p-1"},
    ],
    "backends": [{"name": "local", "type": "directory", "path": "HOME/out"}],
  }
  """

/// A cuff without records and without users.
private let cuff = """
  # transport: gatt
  # characteristic: 1810/2A35 indicate
  @ 50
  < 1810/2A35 1e80005000 5f00 ea070b14081e00 4600 01 0000
  """

@Suite struct AskTests {
  @Test func whatADeviceCannotDoIsRefused() throws {
    let home = try Home(configuration, cuff: cuff)
    try home.write("# transport: serial\n", "none.capture")
    try home.start()
    defer { _ = home.stop() }
    let devices = try home.until(["devices", "--json"]) {
      ($0.json["devices"] as? [[String: Any]])?.contains {
        $0["id"] as? String == "cuff" && $0["asks"] as? [String] == []
      }
        ?? false
    }
    let asks = (devices.json["devices"] as? [[String: Any]])?.map { $0["asks"] as? [String] ?? ["none"] }
    #expect(asks == [[], [], ["count", "erase"]], "\(devices.out)")
    for (wish, message) in [
      (["scale", "count"], "scale cannot do \"count\"; nothing can be asked of it"),
      (["scale", "key", "00112233445566778899aabbccddeeff"], "scale cannot do \"key\"; nothing can be asked of it"),
      (["oximeter", "abort"], "oximeter cannot do \"abort\"; what can be asked of it: count, erase"),
      (["oximeter", "consent", "--user", "1", "--code", "520"], "what can be asked of it: count, erase"),
      // It told what it has when it was here.
      (["cuff", "count"], "cuff cannot do \"count\"; nothing can be asked of it"),
    ] {
      let socket = ["--socket", home.folder.appending(path: "run/hearthd.sock").path]
      let outcome = try Home.run("hearthctl", ["ask"] + wish + socket)
      #expect(outcome.status == 69 && outcome.out.isEmpty, "\(wish)")
      #expect(outcome.error.contains(message), "\(outcome.error)")
      let script = try Home.run("hearthctl", ["ask"] + wish + socket + ["--json"])
      #expect(script.status == 69 && (script.json["error"] as? [String: Any])?["code"] as? String == "device.cannot")
    }
    #expect(try home.ctl("ask", "oximeter", "count").status == 0)
    #expect(try home.ctl("ask", "toaster", "count").status == 69)
  }

  /// Before its first contact only the kind of a device is known: what some of them can do may be asked.
  @Test func driversTellWhatTheirDevicesMayDo() throws {
    let listed = try Home.run("hearthctl", ["drivers", "--json"])
    let drivers = try #require(listed.json["drivers"] as? [[String: Any]])
    func asks(_ id: String) -> [String]? { drivers.first { $0["id"] as? String == id }?["asks"] as? [String] }
    #expect(asks("blood-pressure") == ["count", "erase", "abort", "consent", "register-user"])
    #expect(asks("weight-scale") == ["consent", "register-user"])
    #expect(asks("xiaomi-s400") == ["key"])
    #expect(asks("and-scale") == [])
  }
}
