// The state of version 0.1 under this one: read once, kept aside, in force as records; and version 0.1 finds a tombstone.

import Foundation
import Testing

private let configuration = #"""
  {"devices": [], "backends": []}
  """#

@Suite struct MigrationTests {
  /// State files as version 0.1 wrote them.
  private func old(_ home: Home) throws {
    try FileManager.default.createDirectory(at: home.folder.appending(path: "state"), withIntermediateDirectories: true)
    try home.write(
      #"{"version":1,"slots":[{"device":"cuff","user":2,"patient":"p-2"}]}"#, "state/bindings.json")
    try home.write(
      #"{"version":1,"devices":[{"id":"cuff","driver":"blood-pressure","address":"F0:00:00:00:00:01","#
        + #""address_type":"random","controller":"00:1B:DC:07:32:01","users":{"1":"p-1"},"consent":{"user":1,"code":520}}]}"#,
      "state/devices.json")
    try home.write(#"{"version":1,"sessions":[]}"#, "state/sessions.json")
  }

  @Test func theFilesOfVersion01BecomeRecordsOnce() throws {
    let home = try Home(configuration, cuff: "")
    try old(home)
    for _ in 0..<2 {
      try home.startAndWait()
      let devices = try home.ctl("devices", "--json").out
      #expect(devices.contains("\"2\":\"p-2\"") || devices.contains("\"2\": \"p-2\""))
      #expect(devices.contains("p-1"))
      #expect(home.stop() == 0)
      // Version 0.1 stops at this, before it writes anything.
      #expect(home.read("state/bindings.json") == #"{"version":2}"#)
      #expect(home.has("state/bindings.json.imported") && home.has("state/devices.json.imported"))
      #expect(!home.has("state/devices.json") && !home.has("state/sessions.json"))
      #expect(home.read("state/keys.json").contains("520"))
    }
    // Secrets are in the file of keys alone.
    let journal = try FileManager.default.contentsOfDirectory(atPath: home.folder.appending(path: "state/journal").path)
    for name in journal {
      let octets = (try? Data(contentsOf: home.folder.appending(path: "state/journal/\(name)"))) ?? Data()
      #expect(octets.range(of: Data("consent".utf8)) == nil)
    }
    let mode = try FileManager.default.attributesOfItem(atPath: home.folder.appending(path: "state/keys.json").path)
    #expect(mode[.posixPermissions] as? Int == 0o600)
  }

  @Test func anErasureTakesWhatWasKeptAside() throws {
    let home = try Home(configuration, cuff: "")
    try old(home)
    try home.startAndWait()
    #expect(try home.ctl("erase", "--patient", "p-2", "--yes").status == 0)
    #expect(!home.has("state/bindings.json.imported") && !home.has("state/devices.json.imported"))
    #expect(!(try home.ctl("devices", "--json").out).contains("p-2"))
    #expect(home.stop() == 0)
    try home.startAndWait()
    #expect(!(try home.ctl("devices", "--json").out).contains("p-2"))
    #expect(home.stop() == 0)
  }
}
