// What `hearthd --check` finds beyond the text: ports, devices, secrets, certificates, addresses. What it newly refuses never keeps a
// hub of an earlier version from starting.

import Foundation
import Testing

private func configuration(
  devices: String = "", backend: String = #""trust_2xx": true"#, url: String = "https://c.example/v1",
  silentAfter: String = "{}"
) -> String {
  """
  {
    "hub": {"timezone": "Europe/Oslo"},
    "devices": [\(devices)],
    "backends": [{"name": "c", "type": "native", "url": "\(url)",
      \(backend)}],
    "bluetooth": {"enabled": false},
    "watch": {"silent_after":
      \(silentAfter)},
  }
  """
}

private func scale(_ id: String, _ port: String) -> String {
  "\n{\"id\": \"\(id)\", \"driver\": \"cas\",\n \"port\": \"\(port)\"}"
}

extension Home {
  fileprivate func check(_ environment: [String: String] = [:]) throws -> Outcome {
    try Home.run(
      "hearthd",
      [
        "--check", "--config", folder.appending(path: "hearth.json").path, "--state-directory",
        folder.appending(path: "state").path,
      ], environment: environment)
  }

  fileprivate func mode(_ name: String, _ mode: Int) throws {
    try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: folder.appending(path: name).path)
  }

  fileprivate func link(_ name: String, to other: String) throws {
    try FileManager.default.createSymbolicLink(
      atPath: folder.appending(path: name).path, withDestinationPath: other)
  }
}

@Suite(.serialized) struct CheckTests {
  @Test(arguments: [
    ("/dev/ttyUSB7", "/dev/ttyUSB7"), ("/dev/ttyUSB7", "/dev/./ttyUSB7"), ("HOME/tty", "HOME/by-path"),
    ("HOME/by-id", "HOME/by-path"),
  ]) func aPortHasOneDevice(first: String, second: String) throws {
    let home = try Home(configuration(devices: scale("one", first) + "," + scale("two", second)))
    try home.link("tty", to: "/dev/tty")
    try home.link("by-path", to: "tty")
    try home.link("by-id", to: "by-path")
    let outcome = try home.check()
    #expect(outcome.status == 78 && outcome.out.isEmpty)
    #expect(outcome.error.contains("hearth.json:7:10: devices[1].port: expected a port of its own, found that of"))
    #expect(outcome.error.contains("the device \"one\""), "\(outcome.error)")
    try home.link("other", to: "/dev/ptmx")
    try home.write(
      configuration(devices: scale("one", "HOME/tty") + "," + scale("two", "HOME/other"))
        .replacingOccurrences(of: "HOME", with: home.folder.path), "hearth.json")
    #expect(try home.check().status == 0)
  }

  @Test func silentAfterNamesADevice() throws {
    let one = scale("scale", "/dev/ttyUSB7")
    let home = try Home(configuration(devices: one, silentAfter: #"{"*": "P3D", "scael": "P1D"}"#))
    let outcome = try home.check()
    #expect(outcome.status == 78)
    #expect(
      outcome.error.contains(
        "hearth.json:10:27: watch.silent_after.scael: expected the name of a device or \"*\", found \"scael\""
          + " (did you mean \"scale\"?); known: scale"), "\(outcome.error)")
    try home.write(configuration(devices: one, silentAfter: #"{"*": "P3D", "scale": "P1D"}"#), "hearth.json")
    #expect(try home.check().error.isEmpty)
  }

  /// A device that was paired stands in the journal alone: a check and a reload know it too.
  @Test func silentAfterMayNameAPairedDevice() throws {
    let named = configuration(silentAfter: #"{"cuff": "P3D"}"#)
    let home = try Home(named)
    #expect(try home.check().status == 78)
    try FileManager.default.createDirectory(at: home.folder.appending(path: "state"), withIntermediateDirectories: true)
    try home.write(
      #"{"version":1,"devices":[{"id":"cuff","driver":"blood-pressure","address":"F0:00:00:00:00:01","#
        + #""address_type":"random","controller":"00:1B:DC:07:32:01"}]}"#, "state/devices.json")
    try home.startAndWait()
    let outcome = try home.check()
    #expect(outcome.status == 0 && outcome.error.isEmpty, "\(outcome.error)")
    #expect(try home.ctl("reload").status == 0)
    try home.write(named.replacingOccurrences(of: "cuff", with: "cufff"), "hearth.json")
    #expect(try home.check().error.contains("(did you mean \"cuff\"?)"))
    let refused = try home.ctl("reload")
    #expect(refused.status == 78 && refused.error.contains("(did you mean \"cuff\"?)"))
    #expect(home.stop() == 0)
  }

  @Test(arguments: [
    ("https://kari:hemmelig@c.example/v1", "an address holds no user and no password"),
    ("https://kari:hem/melig@c.example/v1", "an address holds no user and no password"),
    ("https://hemmelig@c.example", "an address holds no user and no password"),
    ("htps://kari:hemmelig@c.example/v1", "expected an address that begins with https://"),
    ("https://c.example:99999/v1", "expected a port"), ("https://c.example:/v1", "expected a port"),
    ("https://:443/v1", "expected a host"), ("https://c..example/v1", "expected a host"),
    ("https://-c.example/v1", "expected a host"), ("https://192.0.2.256/v1", "expected an IPv4 address"),
    ("https://[2001:db8::1/v1", "expected \\\"]\\\""), ("https://[c.example]/v1", "expected an IPv6 address"),
    ("https://[1::2::3]/v1", "expected an IPv6 address"), ("https://[1:2:3]/v1", "expected an IPv6 address"),
    ("https://[12345::1]/v1", "expected an IPv6 address"), ("https://[::1.2.3.256]/v1", "expected an IPv6 address"),
    ("https://[1:2:3:4:5:6:7::8]/v1", "expected an IPv6 address"), ("https://[:::]/v1", "expected an IPv6 address"),
  ]) func anAddressIsJudgedByItsSyntax(url: String, words: String) throws {
    let outcome = try Home(configuration(url: url)).check()
    #expect(outcome.status == 78)
    #expect(outcome.error.contains("hearth.json:4:55: backends[0].url: "), "\(outcome.error)")
    #expect(outcome.error.contains(words.replacingOccurrences(of: "\\\"", with: "\"")), "\(outcome.error)")
    #expect(!outcome.error.contains("hem") && !outcome.error.contains("melig"))
  }

  /// No name is looked up: these exist nowhere.
  @Test(arguments: [
    "https://nowhere.invalid", "https://nowhere.invalid.:8443/a@b?c=d@e", "https://[2001:db8::1]:8443/v1",
    "https://192.0.2.1/v1", "https://hub_1.example/v1", "https://[::]/v1", "https://[1:2:3:4:5:6:7:8]/v1",
    "https://[::ffff:192.0.2.1]/v1", "https://[1:2:3:4:5:6:192.0.2.1]:1/v1", "https://[FE80::]/v1",
  ]) func aGoodAddressIsGood(url: String) throws {
    let outcome = try Home(configuration(url: url)).check()
    #expect(outcome.status == 0 && outcome.error.isEmpty, "\(outcome.error)")
  }

  @Test func aSecretsFileIsLookedAt() throws {
    let home = try Home(configuration(backend: #""basic": {"user": "hub", "password": {"file": "HOME/token"}}"#))
    let place = "hearth.json:5:51: backends[0].basic.password.file: \(home.folder.path)/token "
    func told(_ words: String) throws {
      let outcome = try home.check()
      #expect(outcome.status == 78 && outcome.error.hasPrefix(home.folder.path + "/" + place + words))
    }
    try told("is not there: expected a file with the secret alone")
    try home.write("hemmelig", "token")
    try home.mode("token", 0o640)
    try told("may be read by others, and is not used so: sudo chmod 0600")
    try home.mode("token", 0o600)
    #expect(try home.check().status == 0)
    try home.write(" \n", "token")
    try home.mode("token", 0o600)
    try told("is empty")
    for (text, words) in [("hemmelig\nsvensk\n", "has more than one line"), ("hemmelig ø", "has octets that are no")] {
      try home.write(text, "token")
      try home.mode("token", 0o600)
      try told(words)
      #expect(try !home.check().error.contains("hemmelig"))
    }
    try home.remove("token")
    try FileManager.default.createDirectory(
      at: home.folder.appending(path: "token"), withIntermediateDirectories: true)
    try told("is a directory")
  }

  /// Whoever may not read a secret learns that it was not checked, and nothing else of it.
  @Test(.enabled(if: getuid() == 0 && FileManager.default.isExecutableFile(atPath: "/usr/bin/setpriv")))
  func aSecretThatIsNotOursIsNotChecked() throws {
    let home = try Home(configuration(backend: #""bearer": {"file": "HOME/token"}"#))
    try home.write("hemmelig", "token")
    try home.mode("token", 0o600)
    try home.mode(".", 0o755)
    try home.mode("hearth.json", 0o644)
    let outcome = try Home.run(
      URL(filePath: "/usr/bin/setpriv"),
      [
        "--reuid=65534", "--regid=65534", "--clear-groups", Home.programs.appending(path: "hearthd").path, "--check",
        "--config", home.folder.appending(path: "hearth.json").path, "--state-directory",
        home.folder.appending(path: "state").path,
      ])
    // The programs may stand where nobody else may look.
    guard outcome.status != 127, outcome.status != 126 else { return }
    #expect(outcome.status == 0 && outcome.out.contains(": good\n"), "\(outcome)")
    #expect(outcome.error.contains("backends[0].bearer.file: not checked: "), "\(outcome.error)")
  }

  @Test func aCredentialIsCheckedInsideTheUnitAlone() throws {
    let home = try Home(configuration(backend: #""bearer": {"credential": "token"}"#))
    let outside = try home.check()
    #expect(outside.status == 0)
    #expect(outside.error.contains("hearth.json:5:30: backends[0].bearer.credential: not checked: "))
    let inside = ["CREDENTIALS_DIRECTORY": home.folder.path]
    let missing = try home.check(inside)
    #expect(missing.status == 78 && missing.error.contains("add LoadCredential=token:PATH"))
    try home.write("", "token")
    #expect(try home.check(inside).error.contains("the credential \"token\" is empty"))
    try home.write("hemmelig", "token")
    let good = try home.check(inside)
    #expect(good.status == 0 && good.error.isEmpty, "\(good.error)")
  }

  @Test(.enabled(if: Certificates.arePossible)) func certificatesAndKeysAreLookedAt() throws {
    let certificates = try Certificates()
    func outcome(_ authority: String, _ certificate: String, _ key: String) throws -> Outcome {
      try Home(
        configuration(
          backend:
            "\"ca_file\": \"\(authority)\",\n\"client_certificate\": \"\(certificate)\",\n\"client_key\": \"\(key)\"")
      )
      .check()
    }
    let (pem, client, key) = (
      certificates.path("authority.pem"), certificates.path("client.pem"), certificates.path("client.key")
    )
    #expect(try outcome(pem, client, key).status == 0)
    // All that is wrong is told at once.
    let swapped = try outcome("/nonexistent", key, client)
    #expect(swapped.status == 78)
    #expect(swapped.error.contains("backends[0].ca_file: /nonexistent is not there"))
    #expect(swapped.error.contains("backends[0].client_certificate: \(key) holds a private key and no certificate"))
    #expect(swapped.error.contains("backends[0].client_key: \(client) holds a certificate and no private key"))
    let cut = String(decoding: try certificates.octets("client.pem"), as: UTF8.self)
    let home = try Home("{}")
    try home.write(cut.replacingOccurrences(of: "M", with: "!"), "damaged.pem")
    try home.write("-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n", "locked.key")
    let damaged = try outcome(
      pem, home.folder.appending(path: "damaged.pem").path, home.folder.appending(path: "locked.key").path)
    #expect(damaged.error.contains("holds a damaged certificate") && damaged.error.contains("with a passphrase"))
    try home.write(String(decoding: try certificates.octets("client.key"), as: UTF8.self), "open.key")
    try home.mode("open.key", 0o644)
    let open = try outcome(pem, client, home.folder.appending(path: "open.key").path)
    #expect(open.status == 0 && open.error.contains("client_key: warning: ") && open.error.contains("chmod 0600"))
  }

  @Test func everyFindingIsToldAtOnce() throws {
    let home = try Home(
      """
      {
        "hub": {"timezone": "Europe/Nowhere"},
        "devices": [
          {"id": "one", "driver": "cas", "port": "ttyUSB0"},
          {"id": "two", "driver": "cass", "port": "/dev/ttyUSB0"},
          {"id": "three", "driver": "cas", "port": "/dev/ttyUSB7"},
          {"id": "four", "driver": "cas", "port": "/dev/ttyUSB7"},
          {"id": "four", "driver": "cas", "port": "/dev/null"},
        ],
        "backends": [
          {"name": "gp", "type": "native"},
          {"name": "care", "type": "native", "url": "http://c.example"},
        ],
        "journal": {"keep": "forever"},
        "watch": {"silent_after": {"nine": "P1D", "two": "P1D"}, "heartbeat": {"every": "PT1H", "backends": ["gp"]}},
        "watches": {},
      }
      """)
    try home.write(
      #"{"patient": "p-1", "version": 1, "rules": [{"id": "a"}, {"id": "b", "kind": "x"}]}"#, "plans/p-1.json")
    try home.write("{", "plans/p-2.json")
    let outcome = try home.check()
    #expect(outcome.status == 78 && outcome.out.isEmpty)
    for words in [
      "hearth.json:4:44: devices[0].port: expected an absolute path", "devices[1].driver: expected one of ",
      "devices[3].port: expected a port of its own", "devices[4]: id: \"four\" is used twice",
      "backends[0]: missing key \"url\"", "backends[1].url: expected https://", "journal.keep: ",
      "watch.silent_after.nine: expected the name of a device", "watches: unknown key", "Europe/Nowhere",
      "plans/p-1.json:1:44: rules[0]", "plans/p-1.json:1:77: rules[1]", "plans/p-2.json:1:2: ",
      "hearth.json:8:45: devices[4].port: /dev/null is no serial port",
    ] { #expect(outcome.error.contains(words), "\(words)\n\(outcome.error)") }
    // What has a fault of its own is there all the same.
    #expect(!outcome.error.contains("silent_after.two") && !outcome.error.contains("heartbeat"), "\(outcome.error)")
    // A text that is no JSON tells that alone.
    try home.write("{\n  \"hub\" {}}", "hearth.json")
    #expect(try home.check().error.split(separator: "\n").count == 1)
  }

  private static let failing = """
    {
      "hub": {"timezone": "Europe/Oslo"},
      "devices": [{"id": "cuff", "driver": "blood-pressure", "playback": "HOME/nothing.capture"}],
      "backends": [{"name": "a", "type": "directory", "path": "HOME/out"},
                   {"name": "b", "type": "directory", "path": "HOME/./out"}],
      "control": {"reader_group": "hearth-nobody"},
      "plans": "HOME/none",
      "bluetooth": {"enabled": false},
    }
    """

  @Test func whatPassesAndCannotRunIsFound() throws {
    let home = try Home(Self.failing)
    let outcome = try home.check()
    #expect(outcome.status == 78 && outcome.out.isEmpty)
    for words in [
      "hearth.json:3:70: devices[0].playback: \(home.folder.path)/nothing.capture is not there: expected a recorded",
      "backends[1].path: expected a folder of its own, found that of the backend \"a\"",
      "control.reader_group: this machine has no group \"hearth-nobody\"",
      "plans: \(home.folder.path)/none is not there",
    ] { #expect(outcome.error.contains(words), "\(words)\n\(outcome.error)") }
  }

  @Test(arguments: [
    ("{\"devices\": []}", ":1: expected #, @, < or >: expected a recorded session"),
    ("# notes of a day\n", " holds nothing that a device said"),
    ("# driver: and-ua651ble\n# transport: serial\n< 00\n", " was recorded with the driver and-ua651ble: expected a"),
    (
      "# transport: gatt\n# characteristic: 1810/2A35 indicate\n", " is a recording over gatt: expected one over serial"
    ),
  ]) func aRecordingIsOneAndOfTheDriver(text: String, words: String) throws {
    let home = try Home(configuration(devices: #"{"id": "scale", "driver": "cas", "playback": "HOME/x.capture"}"#))
    try home.write(text, "x.capture")
    let outcome = try home.check()
    #expect(outcome.status == 78, "\(outcome)")
    #expect(outcome.error.contains("devices[0].playback: \(home.folder.path)/x.capture\(words)"), "\(outcome.error)")
    try home.write("# driver: cas\n# transport: serial\n< 5354\n", "x.capture")
    #expect(try home.check().status == 0)
  }

  /// What no device or backend tells by itself is a warning where the hub runs.
  @Test func aRecordingOfAnotherDriverIsToldWhereTheHubRuns() throws {
    let home = try Home(configuration(devices: #"{"id": "scale", "driver": "cas", "playback": "HOME/x.capture"}"#))
    try home.write("# driver: and-scale\n# transport: serial\n< 5354\n", "x.capture")
    try home.startAndWait()
    #expect(try home.problems("playback.other-driver").first?["severity"] as? String == "warning")
    #expect(home.stop() == 0)
  }

  /// The example of the package is good, also with what it offers.
  @Test func theShippedExampleIsGood() throws {
    let path = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appending(path: "systemd/hearth.json")
    let lines = try String(contentsOf: path, encoding: .utf8).split(separator: "\n", omittingEmptySubsequences: false)
    let whole = lines.map { $0.replacingOccurrences(of: "    // {\"id\"", with: "    {\"id\"") }
    #expect(whole != lines.map(String.init))
    let home = try Home(whole.joined(separator: "\n"))
    let outcome = try home.check()
    #expect(outcome.status == 0 && outcome.out.contains("3 devices"), "\(outcome)")
  }

  /// Version 0.1 started with it: so does this one, and a reload takes it, with a warning each.
  @Test func whatCannotRunIsAWarningWhereTheHubRuns() throws {
    let home = try Home(Self.failing)
    try home.startAndWait()
    for code in ["folder.shared", "group.unknown", "plans.missing"] {
      #expect(try home.problems(code).count == 1, "\(code)")
      #expect(try home.problems(code).first?["severity"] as? String == "warning")
    }
    #expect(try home.ctl("reload").status == 0)
    #expect(home.stop() == 0)
  }

  @Test func aReferenceThatIsOneSlipFromAnotherIsAWarning() throws {
    let two = String(scale("one", "/dev/ttyUSB7").dropLast()) + #", "patient": "p-7f3a"}, "#
    let users =
      String(scale("two", "/dev/ttyUSB8").replacingOccurrences(of: "cas", with: "visomat").dropLast())
      + #", "users": {"1": "p-7f3a", "2": "p-7fa3", "3": "p-9999"}}"#
    let home = try Home(configuration(devices: two + users))
    try home.write(#"{"patient": "p-9998", "version": 1, "rules": []}"#, "plans/p-9998.json")
    let outcome = try home.check()
    #expect(outcome.status == 0, "\(outcome)")
    #expect(
      outcome.error.contains("devices[1].users.2: warning: \"p-7fa3\" is one letter from \"p-7f3a\""),
      "\(outcome.error)")
    #expect(outcome.error.contains("plans/p-9998.json: warning: patient: \"p-9998\" is one letter from \"p-9999\""))
    #expect(outcome.error.split(separator: "\n").count == 2, "\(outcome.error)")
    #expect(outcome.out.hasSuffix("2 devices, 1 backend, 1 plan: good\n"), "\(outcome.out)")
  }

  /// Version 0.1 took all of this: the hub starts with it, says so, and a reload refuses it.
  @Test func aStartGoesOnWithWhatIsNewlyRefused() throws {
    let home = try Home(
      configuration(
        devices: scale("one", "HOME/tty") + "," + scale("two", "HOME/by-path"),
        backend: #""bearer": {"file": "HOME/token"}"#, url: "https://kari:hemmelig@127.0.0.1:1/v1"))
    try home.write("", "tty")
    try home.link("by-path", to: "tty")
    try home.startAndWait()
    #expect(try home.problems("port.shared").count == 1 && home.problems("url.credentials").count == 1)
    let status = try home.ctl("status", "--json").out + home.ctl("backends", "--json").out + home.ctl("doctor").out
    #expect(!status.contains("hemmelig"))
    #expect(try home.ctl("reload").status == 78)
    #expect(home.stop() == 0)
    let log = home.read("log")
    #expect(log.contains("warning: port.shared: ") && log.contains("warning: url.credentials: "))
    #expect(!log.contains("hemmelig"))
  }
}
