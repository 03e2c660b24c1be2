// Every fault of a configuration or plan is named with its place, its key path and what is expected.

import Exchange
import JSON
import Monitoring
import Readings
import Settings
import Testing

private func fault(_ text: String) -> String? {
  do {
    _ = try ConfigurationFile.read(Array(text.utf8))
    return nil
  } catch { return error.description(file: "f") }
}

private func planFault(_ text: String, patient: String? = nil) -> String? {
  do {
    _ = try PlanFile.read(Array(text.utf8), patient: patient)
    return nil
  } catch { return error.description(file: "f") }
}

@Suite struct ConfigurationFileTests {
  @Test func aWholeConfigurationIsRead() throws {
    let text = """
      { // everything
        "hub": {"id": "hub-1", "timezone": "Europe/Oslo"},
        "devices": [
          {"id": "scale", "driver": "and-scale", "port": "/dev/ttyUSB0", "patient": "p-1", "name": "Scale", "model": "X", "timezone": "UTC"},
          {"id": "cuff", "driver": "and-ua651ble", "playback": "/x.capture", "users": {"1": "p-1", "2": "p-2"},},
        ],
        "backends": [
          {"name": "files", "type": "directory", "path": "/x"},
          {"name": "care", "type": "native", "url": "https://x.example/v1", "bearer": {"credential": "t"}, "deadline": "PT10S",
           "batch": {"maximum_readings": 7, "maximum_bytes": 10000}, "trust_2xx": true,
           "client_certificate": "/c", "client_key": "/k", "ca_file": "/a"},
        ],
        "journal": {"segment_bytes": 65536, "maximum_bytes": 1048576, "keep": "P3DT12H"},
        "control": {"reader_group": "r", "technician_group": "t"}, "plans": "/plans", "serial": {"recognise": false},
      }
      """
    let configuration = try ConfigurationFile.read(Array(text.utf8))
    #expect(configuration.devices.map(\.id) == ["scale", "cuff"])
    #expect(configuration.devices[1].users == [1: "p-1", 2: "p-2"])
    #expect(configuration.backends[1].maximumReadings == 7)
    #expect(configuration.journal.keep == 302_400_000)
    #expect(!configuration.recognisesPorts)
    guard case .http(.native, let http) = configuration.backends[1].kind else { return }
    #expect(http.deadline == 10_000 && http.trustsSuccess && http.authorization == .bearer(.credential("t")))
  }

  /// What an earlier version took: refused by a check and a reload, a warning at a start.
  @Test(arguments: [
    (
      #"{"devices": [{"id": "x", "driver": "cas", "port": "/d", "users": {"0": "p-81c2"}}]}"#,
      "f:1:66: devices[0].users: a device of the driver \"cas\" tells no user", "device.tells-no-user"
    ),
    (
      #"{"devices": [{"id": "x", "driver": "contec-v7", "port": "/d", "users": {"1": "p-7f3a", "2": "p-81c2"}}]}"#,
      "devices[0].users: a device of the driver \"contec-v7\" tells no user", "device.tells-no-user"
    ),
    (
      #"{"devices": [{"id": "x", "driver": "cas", "port": "/d", "patient": "-"}]}"#,
      "devices[0].patient: expected a letter or a digit", "patient.nameless"
    ),
    (
      #"{"devices": [{"id": "x", "driver": "visomat", "port": "/d", "users": {"1": "_."}}]}"#,
      "devices[0].users.1: expected a letter or a digit", "patient.nameless"
    ),
  ]) func whatIsNewlyRefusedIsAWarningAtAStart(text: String, words: String, code: String) throws {
    #expect(fault(text)?.contains(words) == true, "\(fault(text) ?? "taken")")
    let configuration = try ConfigurationFile.read(Array(text.utf8), .lenient)
    #expect(configuration.devices.count == 1)
    #expect(configuration.warnings.map(\.code) == [code])
    #expect(ConfigurationFile.faults(Array(text.utf8)).faults.count == 1)
  }

  @Test func aPlanOfNobodyIsRefused() throws {
    let text = #"{"patient": "-", "version": 1, "rules": []}"#
    #expect(planFault(text)?.contains("patient: expected a letter or a digit") == true)
    #expect(try PlanFile.read(Array(text.utf8), .lenient).warnings.map(\.code) == ["patient.nameless"])
  }

  @Test(arguments: [
    (#"{"hub": {"id": "a" "timezone": "UTC"}}"#, "expected a comma or a closing brace, found a quotation mark"),
    (#"{"devices": [{} {}]}"#, "expected a comma or a closing bracket, found \"{\""),
    (#"{"hub" {}}"#, "expected a colon, found \"{\""),
  ]) func signsHaveNames(text: String, words: String) { #expect(fault(text)?.contains(words) == true) }

  @Test(arguments: [
    (#"{"devcies": []}"#, #"f:1:2: devcies: unknown key "devcies" (did you mean "devices"?)"#),
    (#"{"hub": {"timezone": "../etc"}}"#, "f:1:22: hub.timezone: expected a time zone"),
    (#"{"hub": 5}"#, "f:1:9: hub: expected an object, found a number"),
    (#"{"devices": [{"id": "x"}]}"#, #"f:1:14: devices[0]: missing key "driver""#),
    (#"{"devices": [{"id": "x", "driver": "and-scal", "port": "/d"}]}"#, "f:1:36: devices[0].driver: expected one of"),
    (#"{"devices": [{"id": "x", "driver": "and-scale"}]}"#, #"devices[0]: expected "port""#),
    (#"{"devices": [{"id": "x", "driver": "and-ua651ble", "port": "/d"}]}"#, "does not speak over a serial port"),
    (#"{"devices": [{"id": "x", "driver": "and-scale", "port": "d"}]}"#, "expected an absolute path"),
    (#"{"devices": [{"id": "x y", "driver": "and-scale", "port": "/d"}]}"#, "devices[0].id: expected 1 to 64 letters"),
    (
      #"{"devices": [{"id": "x", "driver": "and-scale", "port": "/d", "users": {"256": "p"}}]}"#,
      "expected a user slot from 0 to 254"
    ),
    (
      #"{"devices": [{"id": "x", "driver": "and-scale", "port": "/d", "patient": "p", "users": {"1": "p"}}]}"#,
      "not both"
    ),
    (
      #"{"devices": [{"id": "x", "driver": "cas", "port": "/d"}, {"id": "x", "driver": "cas", "port": "/e"}]}"#,
      #"devices[1]: id: "x" is used twice"#
    ), (#"{"backends": [{"name": "x"}]}"#, #"missing key "type""#),
    (#"{"backends": [{"name": "x", "type": "nativ"}]}"#, #"did you mean "native"?"#),
    (#"{"backends": [{"name": "x", "type": "native", "url": "http://x.example"}]}"#, "readings would travel in clear"),
    (
      #"{"backends": [{"name": "x", "type": "native", "url": "http://localhost.example"}]}"#,
      "readings would travel in clear"
    ),
    (#"{"backends": [{"name": "x", "type": "native", "url": "ftp://x"}]}"#, "begins with https://"),
    (
      #"{"backends": [{"name": "x", "type": "native", "url": "https://x", "bearer": "secret"}]}"#,
      "a secret never stands in the configuration"
    ),
    (#"{"backends": [{"name": "x", "type": "native", "url": "https://x", "client_key": "/k"}]}"#, "together"),
    (#"{"backends": [{"name": "x", "type": "native", "url": "https://x", "deadline": "30"}]}"#, "expected a duration"),
    (#"{"backends": [{"name": "x", "type": "directory", "path": "/x", "url": "y"}]}"#, #"unknown key "url""#),
    (#"{"journal": {"keep": "PT0S"}}"#, "expected a duration"), (#"{"journal": {"segment_bytes": 1}}"#, "from 65536"),
    (#"{"journal": {"segment_bytes": 1048576, "maximum_bytes": 1048576}}"#, "at least three segments"),
    ("{\n \"hub\": {},\n \"hub\": {}\n}", "f:3:2: hub: the key \"hub\" stands here twice"),
    ("", "f:1:1: expected a value"),
  ])
  func faultsAreNamed(text: String, expected: String) {
    let told = fault(text) ?? "taken"
    #expect(told.contains(expected), "\(told)")
  }

  @Test func localAddressesMayBePlain() {
    for url in ["http://127.0.0.1:8080/x", "http://localhost/", "http://[::1]:1/"] {
      #expect(fault(#"{"backends": [{"name": "x", "type": "native", "url": "\#(url)"}]}"#) == nil)
    }
  }

  @Test(arguments: [
    (
      #"{"patient": "p", "version": 1, "rules": [{"id": "r", "kind": "deltas"}]}"#,
      "rules[0].kind: expected one of band, delta"
    ),
    (
      #"{"patient": "p", "version": 1, "rules": [{"id": "r", "kind": "band", "measure": "spo", "zones": []}]}"#,
      #"did you mean "spo2"?"#
    ),
    (
      #"{"patient": "p", "version": 1, "rules": [{"id": "r", "kind": "band", "measure": "spo2", "zones": []}]}"#,
      "at least one zone"
    ),
    (
      #"{"patient": "p", "version": 1, "rules": [{"id": "r", "kind": "band", "measure": "spo2", "zones": [{"red": {"lt": 85}}]}]}"#,
      "rules[0].zones[0].red.lt: expected a string, found a number"
    ),
    (
      #"{"patient": "p", "version": 1, "rules": [{"id": "r", "kind": "band", "measure": "spo2", "zones": [{"red": {"lt": "NaN"}}]}]}"#,
      "expected a decimal number in quotes"
    ),
    (
      #"{"patient": "p", "version": 1, "rules": [{"id": "r", "kind": "band", "measure": "spo2", "zones": [{"rde": {"lt": "1"}}]}]}"#,
      #"did you mean "red"?"#
    ),
    (
      #"{"patient": "p", "version": 1, "rules": [{"id": "r", "kind": "band", "measure": "glucose", "unit": "[lb_av]", "zones": [{"red": {"lt": "3"}}]}]}"#,
      "expected one of mmol/L, mg/dL, found"
    ), (#"{"patient": "q", "version": 1, "rules": []}"#, #"expected "p""#),
    (#"{"patient": "p", "rules": []}"#, #"missing key "version""#),
  ])
  func aPlanIsRefusedWhole(text: String, expected: String) {
    let told = planFault(text, patient: "p") ?? "taken"
    #expect(told.contains(expected), "\(told)")
  }
}
