// Look-up with the real programs: readings by patient, device, kind, zone and time; as CSV, as lines of JSON, as a FHIR Bundle; and a
// patient's picture.

import Foundation
import JSON
import Testing

private let configuration = """
  {
    "hub": {"timezone": "Europe/Oslo"},
    "devices": [
      {"id": "cuff", "driver": "blood-pressure", "playback": "HOME/cuff.capture", "users": {"1": "p-1"}},
      {"id": "scale", "driver": "weight-scale", "playback": "HOME/scale.capture", "patient": "p-1"},
    ],
    "backends": [{"name": "local", "type": "directory", "path": "HOME/out"}],
  }
  """

/// Yesterday, as the recorded devices stamp it and as the programs write it. Devices that are played lie about nothing else.
enum Yesterday {
  private static let parts: DateComponents = {
    var calendar = Calendar(identifier: .gregorian)
    calendar.timeZone = TimeZone(identifier: "Europe/Oslo") ?? .gmt
    return calendar.dateComponents([.year, .month, .day], from: Date(timeIntervalSinceNow: -86_400))
  }()
  /// Year, month and day of a Date Time characteristic.
  static let octets: String = {
    let year = parts.year ?? 0
    return [year & 255, year >> 8, parts.month ?? 0, parts.day ?? 0].map { String(format: "%02x", $0) }.joined()
  }()
  /// `2026-11-20`.
  static let text = String(format: "%04d-%02d-%02d", parts.year ?? 0, parts.month ?? 0, parts.day ?? 0)
  /// A time of that day as the programs write it.
  static func at(_ hour: Int, _ minute: Int, _ second: Int = 0) -> String {
    var calendar = Calendar(identifier: .gregorian)
    let zone = TimeZone(identifier: "Europe/Oslo") ?? .gmt
    calendar.timeZone = zone
    var parts = parts
    (parts.hour, parts.minute) = (hour, minute)
    let offset = calendar.date(from: parts).map { zone.secondsFromGMT(for: $0) / 3600 } ?? 0
    return text + String(format: "T%02d:%02d:%02d+%02d:00", hour, minute, second, offset)
  }
}

/// Two readings of yesterday, one of somebody unknown, one without a clock: of now.
private let cuff = """
  # transport: gatt
  # characteristic: 1810/2A35 indicate
  # characteristic: 180A/2A24 read "UA-651BLE"
  @ 50
  < 1810/2A35 1e80005000 5f00 \(Yesterday.octets)081e00 4600 01 0000
  @ 60
  < 1810/2A35 1e82005b00 7900 \(Yesterday.octets)091f00 4600 01 0100
  @ 65
  < 1810/2A35 1e81005000 5f00 \(Yesterday.octets)0a1f00 4600 02 0000
  @ 70
  < 1810/2A35 1cbe005000 5f00 4600 01 0000
  """

private let scale = """
  # transport: gatt
  # characteristic: 181D/2A9D indicate
  @ 50
  < 181D/2A9D 02 6438 \(Yesterday.octets)070500
  """

private let plan = """
  {"patient": "p-1", "version": 3, "timezone": "Europe/Oslo", "language": "nb",
   "rules": [
     {"id": "bp.extreme", "kind": "band", "measure": "bp.systolic", "zones": [{"red": {"gte": "180"}}]},
     {"id": "weight", "kind": "missing", "measure": "weight", "slots": ["07:00-10:00"], "zone": "yellow"}]}
  """

@Suite(.serialized) struct LookUpTests {
  /// A daemon that has all five readings.
  private func home() throws -> Home {
    let home = try Home(configuration, cuff: cuff)
    try home.write(scale, "scale.capture")
    try home.write(plan, "plans/p-1.json")
    try home.start()
    let readings = try home.until(["readings", "--json"]) { $0.out.split(separator: "\n").count == 5 }
    #expect(readings.out.split(separator: "\n").count == 5)
    return home
  }

  private func count(_ home: Home, _ arguments: String...) throws -> Int {
    let outcome = try Home.run(
      "hearthctl",
      ["readings", "--json", "--socket", home.folder.appending(path: "run/hearthd.sock").path] + arguments)
    #expect(outcome.status == 0, "\(arguments): \(outcome.error)")
    return outcome.out.split(separator: "\n").count
  }

  @Test func filtersChooseReadings() throws {
    let home = try home()
    defer { _ = home.stop() }
    #expect(try count(home, "--patient", "p-1") == 4)
    #expect(try count(home, "--device", "scale") == 1)
    #expect(try count(home, "--kind", "blood-pressure") == 4)
    #expect(try count(home, "--zone", "red") == 1)
    #expect(try count(home, "--zone", "green,red", "--device", "cuff") == 3)
    #expect(try count(home, "--parked") == 1)
    #expect(try count(home, "--limit", "2") == 2)
    // The time of measurement, on the clock of the patient: 08:30 and 09:31.
    #expect(try count(home, "--since", Yesterday.at(9, 0), "--until", Yesterday.at(10, 0)) == 1)
    #expect(try count(home, "--until", Yesterday.at(8, 30, 1)) == 2)
    // The words of people: days and times are those of the hub's clock, a date is its midnight.
    #expect(try count(home, "--since", "yesterday") == 5)
    #expect(try count(home, "--since", "today") == 1)
    #expect(try count(home, "--since", Yesterday.text, "--until", "today") == 4)
    #expect(try count(home, "--until", Yesterday.text) == 0)
    #expect(try count(home, "--since", "\(Yesterday.text) 09:00", "--until", "\(Yesterday.text)T10:00") == 1)
    // Without a clock of its own it is of now.
    #expect(try count(home, "--since", "1h", "--patient", "p-1") == 1)
    for (arguments, word) in [
      (["--zone", "blue"], "\"blue\" is no zone"), (["--until", "noon"], "until: expected"),
      (["--since", "7"], "since: expected a date, a time or how long ago, found \"7\""),
      (["--since", "2026-02-30"], "since: there is no day 2026-02-30"),
      (["--since", "today", "--until", "yesterday"], "until: \"yesterday\" lies before since: \"today\""),
      (["--since", "last week"], "hint: understood: 30m, 24h, 7d, today, yesterday, 2026-11-01"),
      (["--csv", "--fhir"], "exclude each other"), (["--fhir", "--follow"], "cannot follow"),
      (["--patient-system", "urn:x"], "--fhir"), (["--kind", "mood"], "\"mood\" is unknown"),
    ] {
      let outcome = try Home.run(
        "hearthctl", ["readings", "--socket", home.folder.appending(path: "run/hearthd.sock").path] + arguments)
      #expect(outcome.status == 64 && outcome.error.contains(word), "\(arguments): \(outcome.error)")
    }
  }

  @Test func exportsHoldEveryValue() throws {
    let home = try home()
    defer { _ = home.stop() }
    let csv = try home.ctl("readings", "--patient", "p-1", "--csv").out
    let lines = csv.split(separator: "\r\n")
    // Three readings of four values, one of one, and the names.
    #expect(lines.count == 14)
    #expect(lines.first?.hasPrefix("taken_at,patient,device,kind,code,value,unit") == true)
    #expect(
      csv.contains("\(Yesterday.at(8, 30)),p-1,cuff,blood-pressure,MDC_PRESS_BLD_NONINV_SYS,128,mm[Hg],,green,"))
    #expect(csv.contains("body-movement"))

    let fhir = try home.ctl("readings", "--fhir", "--patient-system", "urn:oid:2.16.578.1.12.4.1.4.1")
    #expect(fhir.status == 0)
    let bundle = try JSONReader(maximumSize: 1 << 20).value(Array(fhir.out.utf8.dropLast()))
    #expect(bundle["type"] == "collection")
    #expect(FHIRRules.faults(ofBundle: bundle) == [])
    let entries = bundle["entry"]?.array ?? []
    // Blood pressure and pulse of three, a weight; the parked one is left out, and told.
    #expect(entries.count == 7)
    #expect(entries.allSatisfy { $0["request"] == nil })
    #expect(fhir.error.contains("is left out"))
    #expect(fhir.error.split(separator: "\n").count == 1)
    let subject = entries.first?["resource"]?["subject"]?["identifier"]
    #expect(subject == ["system": "urn:oid:2.16.578.1.12.4.1.4.1", "value": "p-1"])
    // The limits that were in force travel along.
    let codes = FHIRRules.all("interpretation", in: bundle).flatMap { $0.array ?? [] }
      .compactMap { $0["coding"]?.array?.first?["code"]?.string }
    #expect(codes.contains("HH") && codes.contains("N"))
    #expect(
      try home.ctl("readings", "--fhir", "--until", "2000-01-01").out
        == "{\"resourceType\":\"Bundle\",\"type\":\"collection\"}\n")
  }

  @Test func aPictureIsAPageAndLines() throws {
    let home = try home()
    defer { _ = home.stop() }
    let path = home.folder.appending(path: "p-1.html").path
    let made = try home.ctl("report", "--patient", "p-1", "--days", "7", "--html", path)
    #expect(made.status == 0 && made.out.contains("4 readings of 7 days"))
    let page = try String(contentsOfFile: path, encoding: .utf8)
    #expect(page.contains("rød ≥ 180") && page.contains("190/80\u{A0}mmHg") && page.contains("bevegelse"))
    #expect(!page.contains("<script"))
    let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
    #expect(mode == 0o600)
    // No terminal, eighty columns, no colours.
    let lines = try home.ctl("report", "--patient", "p-1", "--days", "7")
    #expect(lines.status == 0 && lines.out.contains("▁") && lines.out.contains("◆"))
    #expect(lines.out.contains("bp.extreme"))
    #expect(!lines.out.contains("\u{1B}"))
    for line in lines.out.split(separator: "\n") { #expect(line.count <= 80, "\(line)") }
    // A blank is a day without a measurement: thirty days, thirty columns.
    let month = try home.ctl("report", "--patient", "p-1").out.split(separator: "\n")
    let pressure = try #require(month.first { $0.hasPrefix("Systolisk") })
    #expect(pressure.contains(String(repeating: " ", count: 28) + "▁"), "\(pressure)")
    let json = try home.ctl("report", "--patient", "p-1", "--json")
    #expect((json.json["rows"] as? [Any])?.count == 4)
    #expect((json.json["plan"] as? [String: Any])?["version"] as? Int == 3)
    #expect(try home.ctl("report", "--patient", "p-9").status == 69)
    #expect(try home.ctl("report").status == 64)
    #expect(try home.ctl("report", "--patient", "p-1", "--days", "0").status == 64)
    #expect(try home.ctl("report", "--patient", "p-1", "--html", "/nonexistent/x.html").status == 69)
    #expect(try home.ctl("report", "--patient", "p-1", "--language", "en").out.contains("(30 days)"))
  }
}
