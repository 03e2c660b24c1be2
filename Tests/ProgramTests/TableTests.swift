// Tables: whole in a pipe, and in a terminal too narrow for them with fewer columns; a value is never cut.

import Foundation
import Testing

@Suite struct TableTests {
  private static let result =
    #"""
    {"readings":[
      {"id":"6057f4c1-1","patient":"p-7f3a","device":{"id":"cuff-livingroom"},"taken_at":"M",
       "observations":[{"code":"MDC_PRESS_BLD_NONINV_SYS","value":"190"},{"code":"MDC_PRESS_BLD_NONINV_DIA","value":"73"},
                       {"value":"65","unit":"/min"}],
       "evaluation":{"zone":"red"},"flags":["irregular-pulse","body-movement"]}],
     "devices":[{"id":"cuff","manufacturer":"A&D","model":"UA-651BLE","state":"needs-pairing","last_contact":"M","battery":80,
                 "address":"F0:00:00:00:00:01","bond":"needs-pairing","rssi":-72,"missed_contacts":3,"readings":12,
                 "patients":{"1":"p-7f3a","2":"p-81c2"},"last_problem":{"code":"subscribe-failed"}}],
     "backends":[{"name":"gp","type":"fhir-phd","state":"waiting","next_attempt_seconds":70,"waiting":3,"delivered":4711,
                  "oldest_waiting_seconds":400,"last_success":"M","last_error":{"code":"net.refused"}}],
     "parked":[{"id":"6057f4c1-1","why":"refused","backend":"gp","at":"M",
                "reason":"the patient with this identifier is not known to the register of the municipality"}],
     "alerts":[{"zone":"red","patient":"p-7f3a","rule":"bp.extreme","state":"raised","since":"M","told_at":"M",
                "acknowledged":{"at":"M","by":"uid:1000","note":"called, and she takes a new cuff tomorrow"}}],
     "ports":[{"node":"ttyUSB0","state":"bound","device":"oximeter","driver":"contec-v7","adapter":{"text":"FTDI FT232R"},
               "path":"pci-0000:00:14.0-usb-0:1.4:1.0"}],
     "patient":"p-7f3a","version":3,"timezone":"Europe/Oslo","rules":[],"days":30,
     "judged":[{"at":"M","zone":"red","rules":["bp.extreme","bp.trend"],
                "values":{"bp.systolic":"190","bp.diastolic":"73","pulse":"65","weight":"72.15","spo2":"97"}}],
     "told":[{"at":"M","rule":"bp.extreme","event":"repeat-requested","zone":"red"}]}
    """#
    .replacingOccurrences(of: "M", with: "2026-11-08T18:31:00+01:00").replacingOccurrences(of: "\n", with: "")
    // The letter stands in names, too.
    .replacingOccurrences(of: "2026-11-08T18:31:00+01:00DC", with: "MDC")

  private static let verbs = [
    ["readings"], ["readings", "--parked"], ["devices"], ["backends"], ["parked"], ["alerts"], ["serial", "list"],
    ["plan", "explain", "p-7f3a"], ["drivers"],
  ]

  /// The columns of a table's first row.
  private func columns(_ line: Substring) -> [String] {
    line.replacingOccurrences(of: "  +", with: "\t", options: .regularExpression).split(separator: "\t").map(
      String.init)
  }

  private func isHeading(_ line: Substring) -> Bool {
    // The hub's zone stands behind a heading where the machine has another one.
    let line = line.replacingOccurrences(of: " (Europe/Oslo)", with: "")
    // A name in capitals may stand alone on a line that goes on.
    guard !line.hasPrefix("("), !line.hasPrefix(" ") else { return false }
    return !line.isEmpty && line.allSatisfy { $0.isUppercase || $0 == " " } && line.contains("  ")
  }

  private func arguments(_ verb: [String], _ daemon: FakeDaemon) -> [String] {
    verb == ["drivers"] ? verb : verb + ["--socket", daemon.socket]
  }

  @Test(arguments: verbs, [40, 60, 80] as [UInt16]) func aNarrowTerminalHasFewerColumns(verb: [String], width: UInt16)
    throws
  {
    let daemon = try FakeDaemon(result: TableTests.result)
    let whole = try CommandOutcome.hearthctl(arguments(verb, daemon)).out.split(separator: "\n")
    let program = try RunningProgram(arguments(verb, daemon), atTerminal: true, columns: width)
    let (status, text) = program.end()
    let shown = text.replacingOccurrences(of: "\r\n", with: "\n").split(separator: "\n")
    #expect(status == 0)
    for line in shown { #expect(line.count <= width, "\(line)") }
    #expect(!text.contains("…"))
    // What is not there is named.
    let headings = whole.filter(isHeading).map(columns)
    let narrow = shown.filter(isHeading).map(columns)
    let notes = text.replacingOccurrences(of: "\r\n", with: " ").components(separatedBy: "(not shown: ").dropFirst()
      .map { $0.components(separatedBy: ";").first ?? "" }
    let missing = zip(headings, narrow).map { all, some in all.filter { !some.contains($0) } }.filter { !$0.isEmpty }
    #expect(headings.count == narrow.count && headings.count > 0)
    #expect(missing == notes.map { $0.components(separatedBy: ", ") })
    // Words of the narrow form are words of the whole one.
    let words = Set(whole.joined(separator: " ").split(separator: " "))
    let told = shown.joined(separator: "\n").replacingOccurrences(
      of: "\\(not shown: [^;]*;[^)]*\\)", with: "", options: .regularExpression)
    for word in told.split(whereSeparator: \.isWhitespace) { #expect(words.contains(word), "\(word)") }
  }

  @Test func whatMattersMostStays() throws {
    let daemon = try FakeDaemon(result: TableTests.result)
    func shown(_ verb: String..., width: UInt16) throws -> String {
      try RunningProgram(verb + ["--socket", daemon.socket], atTerminal: true, columns: width).end().rest
    }
    #expect(try shown("readings", width: 40).contains("2026-11-08 18:31     190/73 mmHg, 65/min"))
    #expect(try shown("readings", width: 60).contains("2026-11-08 18:31     p-7f3a   190/73 mmHg, 65/min"))
    // Who assigns needs the ID; a reason is read to its end.
    #expect(try shown("readings", "--parked", width: 60).contains("6057f4c1"))
    let parked = try shown("parked", width: 40)
    #expect(parked.contains("6057f4c1") && parked.contains("municipality"))
    #expect(try shown("devices", width: 60).contains("p-7f3a"))
  }

  @Test func aPipeHasRoomForEverything() throws {
    let long = String(repeating: "血", count: 100)
    let daemon = try FakeDaemon(
      result:
        #"{"devices":[{"id":"\#(long)","driver":"d","state":"waiting","readings":1,"address":"F0:00:00:00:00:01"}]}"#)
    for columns in ["20", "80"] {
      let outcome = try CommandOutcome.hearthctl(
        ["devices", "--socket", daemon.socket], environment: ["COLUMNS": columns])
      let lines = outcome.out.split(separator: "\n")
      #expect(lines.count == 2)
      #expect(lines.last?.hasPrefix(long + "  d") == true && lines.last?.hasSuffix("F0:00:00:00:00:01") == true)
    }
  }

  @Test func valuesHaveTheirUnits() throws {
    let daemon = try FakeDaemon(result: TableTests.result)
    let shown = try CommandOutcome.hearthctl(["plan", "explain", "p-7f3a", "--socket", daemon.socket]).out
    for words in ["bp.systolic 190 mmHg", "pulse 65/min", "weight 72.15 kg", "spo2 97 %"] {
      #expect(shown.contains(words), "\(shown)")
    }
  }

  /// An error is what a technician looks for: something else gives way.
  @Test func anErrorStaysInANarrowTerminal() throws {
    let backend =
      #"{"name":"backend-centre","type":"native","state":"waiting","next_attempt_seconds":0,"waiting":3,"delivered":0,"last_error":{"code":"net.refused"}}"#
    let daemon = try FakeDaemon(result: #"{"backends":[\#(backend)],"devices":[],"problems":[]}"#)
    for verb in ["backends", "status"] {
      let shown = try RunningProgram([verb, "--socket", daemon.socket], atTerminal: true, columns: 60).end().rest
      #expect(shown.contains("net.refused") && shown.contains("waiting, next in 0 s"), "\(shown)")
    }
  }

  @Test func whatWasNeverTriedIsSaidToBeSo() throws {
    func backend(_ members: String) throws -> String {
      let daemon = try FakeDaemon(result: #"{"backends":[{"name":"gp","type":"native","state":"idle",\#(members)}]}"#)
      return try CommandOutcome.hearthctl(["backends", "--socket", daemon.socket]).out
    }
    #expect(try backend(#""waiting":0,"delivered":0"#).contains("not tried yet"))
    #expect(try !backend(#""waiting":0,"delivered":4"#).contains("not tried yet"))
  }

  /// A port or a recording that cannot be opened is told where the device stands; codes are words.
  @Test(arguments: [
    (
      #""link":{"code":"open-failed","message":"open /dev/ttyUSB9: No such file or directory"}"#,
      "unreachable", "cannot be opened: No such file or directory"
    ),
    (#""link":{"code":"port.busy","message":"another program"}"#, "unreachable", "its port is in use"),
    (
      #""link":{"code":"peer","message":"the device ended the link"},"last_problem":{"code":"malformed"}"#, "waiting",
      "not understood"
    ),
    (#""last_problem":{"code":"measurement-failed"}"#, "waiting", "measurement failed"),
  ]) func aDevicesRowSaysWhatIsWrong(members: String, state: String, words: String) throws {
    let daemon = try FakeDaemon(
      result: #"{"devices":[{"id":"cuff","driver":"suntech","state":"waiting","readings":0,\#(members)}]}"#)
    let row = try CommandOutcome.hearthctl(["devices", "--socket", daemon.socket]).out.split(separator: "\n").last
    #expect(row?.contains("  \(state)  ") == true && row?.hasSuffix(words) == true, "\(row ?? "")")
  }

  @Test func aTimeThatIsNotSureIsRemarked() throws {
    func reading(_ id: String, _ quality: String) -> String {
      #"{"id":"\#(id)-1","device":{"id":"d"},"taken_at":"2026-11-08T17:30:00+01:00","time_quality":"\#(quality)","patient":null,"flags":["body-movement"],"observations":[{"code":"MDC_MASS_BODY_ACTUAL","value":"70"}]}"#
    }
    let list = [reading("sure", "device"), reading("vague", "received-unsynced")].joined(separator: ",")
    let daemon = try FakeDaemon(result: #"{"readings":[\#(list)],"timezone":"Europe/Oslo","hub_id":"h"}"#)
    let lines = try daemon.hearthctl("readings").out.split(separator: "\n")
    #expect(lines.filter { $0.contains("time uncertain") }.map { $0.suffix(7) } == ["vague-1"], "\(lines)")
    let csv = try daemon.hearthctl("readings", "--csv").out.split(separator: "\r\n")
    #expect(csv.first?.hasSuffix(",id,time_quality") == true)
    #expect(csv.dropFirst().map { $0.split(separator: ",").last } == ["device", "received-unsynced"])
    // Without a patient there is no reference that could be wrong.
    let fhir = try daemon.hearthctl("readings", "--fhir")
    #expect(fhir.error.contains("sure-1 is left out: it waits for a patient"), "\(fhir.error)")
    #expect(!fhir.error.contains("not-an-id"))
  }

  @Test func whatIsParkedSaysSinceWhen() throws {
    let daemon = try FakeDaemon(
      result:
        #"{"parked":[{"id":"6057f4c1","why":"no-patient","device":"cuff","user":2,"at":"2026-11-08T18:31:00+01:00"},{"id":"7057f4c1","why":"refused","backend":"gp","device":"scale","at":"2026-11-08T18:32:00+01:00","reason":"no"}]}"#
    )
    let lines = try daemon.hearthctl("parked").out.split(separator: "\n")
    #expect(lines.dropFirst().first?.contains("cuff slot 2  2026-11-08 18:31") == true, "\(lines)")
    #expect(lines.last?.contains("  scale        2026-11-08 18:32") == true, "\(lines)")
  }

  @Test func theContractIsPublished() throws {
    let text = try CommandOutcome.hearthctl(["contract"])
    #expect(text.status == 0 && text.out.hasPrefix("The contract of Hearth, version 1."))
    for words in ["time_quality", "111", "assign.nobody (technician", "Idempotency-Key"] {
      #expect(text.out.contains(words), "\(words)")
    }
    for line in text.out.split(separator: "\n") { #expect(line.count <= 80, "\(line)") }
    let json = try CommandOutcome.hearthctl(["contract", "--json"]).out
    let object = try #require(try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any])
    #expect((object["version"] as? String)?.hasPrefix("1.") == true)
    #expect((object["methods"] as? [[String: Any]])?.contains { $0["method"] as? String == "status" } == true)
  }

  /// Readings of devices in other zones, and those that came late.
  @Test func rowsHaveOneClockAndTheOrderInWhichTheyWereTaken() throws {
    func reading(_ id: String, _ time: String) -> String {
      #"{"id":"\#(id)","device":{"id":"d"},"taken_at":"\#(time)","observations":[]}"#
    }
    let late = reading("late", "2026-11-08T17:00:00+00:00")
    let early = reading("early", "2026-11-08T17:30:00+01:00")
    let daemon = try FakeDaemon(result: #"{"readings":[\#(late),\#(early)],"timezone":"Asia/Tokyo"}"#)
    let lines = try CommandOutcome.hearthctl(["readings", "--socket", daemon.socket]).out.split(separator: "\n")
    #expect(lines.first?.hasPrefix("TAKEN (Asia/Tokyo)  ") == true, "\(lines)")
    #expect(lines.dropFirst().map { $0.prefix(16) } == ["2026-11-09 01:30", "2026-11-09 02:00"])
    #expect(lines.last?.hasSuffix("late") == true)
  }
}
