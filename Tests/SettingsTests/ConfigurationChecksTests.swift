// Slips that earlier versions took: faults where a file is checked, warnings at a start. And names that are none of the format.

import JSON
@testable import Settings
import Testing

@Suite struct ConfigurationChecksTests {
  private func refused(_ text: String) -> JSONError? {
    do throws(JSONError) {
      _ = try ConfigurationFile.read(Array(text.utf8))
      return nil
    } catch { return error }
  }

  private func scale(_ users: String) -> String {
    #"{"devices": [{"id": "x", "driver": "blood-pressure", "playback": "/d", "users": {\#(users)}}]}"#
  }

  @Test(arguments: [#""1": "p-1", "01": "p-2""#, #""001": "p-1", "2": "p-2", "1": "p-3""#, #""0": "p-1", "00": "p-1""#])
  func aSlotIsOnePersons(users: String) throws {
    let error = try #require(refused(scale(users)))
    #expect(error.code == "slot.twice" && error.message.contains("are the same one") && !error.message.contains("p-"))
    let lenient = try ConfigurationFile.read(Array(scale(users).utf8), .lenient)
    #expect(lenient.warnings.map(\.code) == ["slot.twice"])
    #expect(refused(scale(#""1": "p-1", "10": "p-2", "02": "p-3""#)) == nil)
  }

  @Test func aHeartbeatIsForSomebody() throws {
    let text = #"{"watch": {"heartbeat": {"every": "PT1M", "backends": []}}}"#
    #expect(try #require(refused(text)).path == "watch.heartbeat.backends")
    #expect(try ConfigurationFile.read(Array(text.utf8), .lenient).warnings.map(\.code) == ["heartbeat.to-nobody"])
  }

  @Test func aJournalHasRoomForItsSnapshots() throws {
    func text(_ devices: Int, _ maximum: Int) -> String {
      let list = (0..<devices).map { #"{"id": "s\#($0)", "driver": "cas", "port": "/d\#($0)", "patient": "p-\#($0)"}"# }
      return
        #"{"devices": [\#(list.joined(separator: ", "))], "journal": {"segment_bytes": 65536, "maximum_bytes": \#(maximum)}}"#
    }
    #expect(refused(text(1, 262_144)) == nil && refused(text(3, 1_048_576)) == nil && refused(text(8, 786_432)) == nil)
    let error = try #require(refused(text(8, 262_144)))
    #expect(error.path == "journal.maximum_bytes" && error.message.contains("expected at least 393216"), "\(error)")
    #expect(refused(text(8, 393_216)) == nil)
    #expect(
      try ConfigurationFile.read(Array(text(8, 262_144).utf8), .lenient).warnings.map(\.code) == ["journal.too-small"])
  }

  @Test(arguments: [
    ("devices[0].users.15076500565", "devices[0].users.(a key)"),
    ("watch.silent_after.kari-nordmann", "watch.silent_after.(a key)"),
    ("watch.silent_after.kari.nordmann", "watch.silent_after.(a key)"),
    ("devices[0].Kari Nordmann", "devices[0].(a key)"),
    ("devices[0].users.12", "devices[0].users.12"),
    ("backends[1].basic.password.file", "backends[1].basic.password.file"), ("", ""),
  ]) func onlyTheFormatsNamesAreShown(path: String, shown: String) {
    #expect(ConfigurationFile.shownPath(path) == shown)
  }

  /// Every name that the file format has is one of those that are shown.
  @Test(arguments: [
    #"{"hub": {"id": "h", "timezone": "UTC"}, "clock": {"hold": "PT1M"}, "serial": {"recognise": true}, "plans": "/p"}"#,
    #"{"bluetooth": {"enabled": true, "controller": "00:1B:DC:07:32:01", "other_daemon": "refuse"}, "control": {"technician_group": "a", "reader_group": "b"}}"#,
    #"{"journal": {"segment_bytes": 65536, "maximum_bytes": 1048576, "keep": "P1D"}, "watch": {"heartbeat": {"every": "PT1M", "backends": ["d"]}, "silent_after": {"*": "P1D"}, "disk_percent": 80, "clock_after": "PT1H"}, "backends": [{"name": "d", "type": "directory", "path": "/o", "keep": "P9D", "batch": {"maximum_readings": 1, "maximum_bytes": 4096}}]}"#,
    #"{"devices": [{"id": "a", "name": "n", "driver": "nonin-7", "port": "/d", "model": "m", "timezone": "UTC", "continuous": "PT1M", "stored_records": false}, {"id": "c", "driver": "blood-pressure", "playback": "/e", "users": {"1": "p"}}, {"id": "b", "driver": "cas", "playback": "/c", "patient": "p"}]}"#,
    #"{"backends": [{"name": "n", "type": "native", "url": "https://x", "bearer": {"file": "/s"}, "trust_2xx": true, "deadline": "PT9S", "ca_file": "/c", "client_certificate": "/d", "client_key": "/k", "proxy": true, "allow_plain_http": false, "plans": {"url": "https://x/p", "every": "PT1H", "verify": "/v"}}]}"#,
    #"{"backends": [{"name": "f", "type": "fhir-phd", "url": "https://x", "oauth2": {"token_url": "https://x", "client_id": "i", "client_secret": {"credential": "c"}, "scope": "s", "audience": "a"}, "patient": "resource", "patient_system": "urn:oid:2.999", "create_by": "own", "unplaced": "park", "entries": 100}]}"#,
    #"{"backends": [{"name": "b", "type": "fhir-batch", "url": "https://x", "basic": {"user": "u", "password": {"file": "/s"}}, "patient_system": "urn:oid:2.999", "bundle_type": "batch", "create": "post", "municipality": "0301", "performer": {"system": "urn:oid:2.999", "value": "v"}}, {"name": "c", "type": "cloudevents", "url": "https://x", "helper": "/h", "source": "urn:oid:2.999", "type_prefix": "t"}]}"#,
  ]) func everyNameOfTheFormatIsKnown(text: String) throws {
    _ = try ConfigurationFile.read(Array(text.utf8))
    func look(_ node: JSONNode, _ key: String) {
      switch node.content {
      case .array(let items): items.forEach { look($0, "") }
      case .object(let members):
        for member in members {
          if key != "users" { #expect(ConfigurationFile.isKnownKey(member.key), "\(member.key)") }
          look(member.value, member.key)
        }
      case .null, .bool, .number, .string: break
      }
    }
    look(try JSONReader(dialect: .configuration, maximumSize: 1 << 20).node(Array(text.utf8)), "")
  }

  @Test(arguments: [
    ("https://kari:hem@c.example/v1", "https://c.example/v1"),
    ("https://kari:h/e@m@c.example:8443/v1", "https://c.example:8443/v1"),
    ("https://c.example/a@b", nil), ("https://c.example", nil),
  ]) func anAddressLosesItsPassword(url: String, clean: String?) {
    #expect(ConfigurationFile.withoutCredentials(url) == clean)
  }
}
