// The real hearthctl: what it refuses, and what it shows of a daemon's answer, whatever that holds.

import Foundation
import Testing

@Suite struct CommandLineTests {
  @Test func aUsageErrorNamesItsWordAndPrintsNothingElse() throws {
    let cases: [([String], String)] = [
      (["decode", "gatt", "1810", "2A35", "00780050006000", "--timezone", "Europe/Olso"], "\"Europe/Olso\""),
      (["decode", "gatt", "1810", "2A35", "00780050006000", "--timezone", "../../../etc/passwd"], "etc/passwd"),
      (["decode", "gatt", "1810", "2A35", "00780050006000", "--timezone", "Europe"], "\"Europe\""),
      (["decode", "gatt", "1810", "2A35", "00780050006000", "--timezone="], "--timezone"),
      (["decode", "gatt", "1810", "2A35", "00780050006000", "--received", "noon"], "\"noon\""),
      (["decode", "gatt", "1810", "2A35", "00", "more"], "\"more\""),
      (["decode", "gatt", "1810", "2A35", "00", "--hex"], "--hex"),
      (["decode", "adv", "00", "more", "--service", "FFFF"], "\"more\""),
      (["decode", "serial", "and-scale", "-", "more"], "\"more\""),
      (["decode", "morse"], "\"morse\""), (["status", "please"], "\"please\""), (["status", "-x"], "-x"),
      (["status", "--", "please"], "\"please\""), (["status", "--json=yes"], "\"yes\""),
      (["devices", "--limit", "3"], "--limit"), (["version", "now"], "\"now\""), (["drivers", "bp"], "\"bp\""),
      (["doctor", "--deep"], "--deep"), (["watch", "cuff"], "\"cuff\""), (["backends", "all"], "\"all\""),
      (["readings", "today"], "\"today\""), (["readings", "--since", "--json"], "--since"),
      (["readings", "--since"], "--since"), (["assign", "a", "b", "c"], "\"c\""),
      (["assign", "a", "b", "--user", "1"], "--user"), (["assign", "--device", "d", "p", "q"], "\"q\""),
      (["assign", "--nobody"], "--nobody needs --device"), (["assign", "--device", "d", "p", "--nobody"], "\"p\""),
      (["assign", "--device", "d", "--nobody", "--new"], "--new"), (["contract", "now"], "\"now\""),
      (["help", "decode", "more"], "\"more\""), (["help", "smoke"], "\"smoke\""), (["--bogus"], "--bogus"),
      (["--socket"], "verb"), (["--json"], "verb"),
    ]
    for (arguments, word) in cases {
      let outcome = try CommandOutcome.hearthctl(arguments)
      #expect(outcome.status == 64, "\(arguments)")
      let text = arguments.contains("--json") ? outcome.out : outcome.error
      #expect(text.contains(word), "\(arguments): \(text)")
      if !arguments.contains("--json") { #expect(outcome.out.isEmpty, "\(arguments)") }
    }
  }

  @Test func serialOctetsWithoutAFrameSaySo() throws {
    let outcome = try CommandOutcome.hearthctl(["decode", "serial", "and-scale", "-"])
    #expect(outcome.status == 65)
    #expect(outcome.out.contains(#""problems":[{"code":"no-frames""#))
    #expect(outcome.error.hasPrefix("hearthctl: not understood as and-scale: ") && outcome.error.contains("\nhint: "))
    let json = try CommandOutcome.hearthctl(["decode", "serial", "and-scale", "-", "--json"])
    #expect(json.status == 65 && json.error.isEmpty)
    let folder = try CommandOutcome.hearthctl(["decode", "serial", "and-scale", "/"])
    #expect(folder.status == 69)
    #expect(folder.error.contains("/ is a directory"))
  }

  @Test func helpFitsEightyColumnsAndTellsTheExitStatus() throws {
    // Every verb that the help lists: a blank line stands before and behind them.
    let help = try CommandOutcome.hearthctl(["--help"]).out.split(separator: "\n", omittingEmptySubsequences: false)
    let verbs = help.filter { $0.hasPrefix("  ") && !$0.hasPrefix("   ") }.compactMap { $0.split(separator: " ").first }
      .map(String.init).filter { !$0.contains(where: \.isNumber) }
    #expect(verbs.count > 20 && verbs.contains("report"))
    for arguments in [["--help"]] + verbs.map({ [$0, "--help"] }) {
      let outcome = try CommandOutcome.hearthctl(arguments)
      #expect(outcome.status == 0)
      #expect(outcome.out.contains("exit: 0"))
      for line in outcome.out.split(separator: "\n") { #expect(line.count <= 80, "\(arguments): \(line)") }
    }
  }

  /// Every method of the control socket has a verb that calls it, and the verb's help says who may use it.
  @Test func everyMethodIsInTheHelpOfItsVerb() throws {
    let table = try CommandOutcome.hearthctl(["help", "methods", "--json"])
    let object = try JSONSerialization.jsonObject(with: Data(table.out.utf8)) as? [String: Any]
    let methods = try #require(object?["methods"] as? [[String: Any]])
    #expect(table.status == 0 && methods.count > 30)
    var verbs: Set<String> = []
    for method in methods {
      let name = try #require(method["method"] as? String)
      let callers = method["verbs"] as? [String] ?? []
      #expect(!callers.isEmpty, "\(name)")
      verbs.formUnion(callers.map { String($0.dropFirst("hearthctl ".count)) })
      #expect(["reader", "technician", "owner"].contains(method["role"] as? String ?? ""))
    }
    for verb in verbs {
      #expect(try CommandOutcome.hearthctl([verb, "--help"]).out.contains("\nwho may: "), "\(verb)")
    }
    let text = try CommandOutcome.hearthctl(["help", "methods"])
    #expect(text.out.contains("\nassign (technician, change, audit, durable)\n"))
    for line in text.out.split(separator: "\n") { #expect(line.count <= 80, "\(line)") }
    let alerts = try CommandOutcome.hearthctl(["alerts", "--help"]).out
    #expect(alerts.contains("who may: the group hearth; alerts.ack: the group hearth-tech\n"))
    #expect(try CommandOutcome.hearthctl(["erase", "--help"]).out.contains("who may: root alone\n"))
    let days = try CommandOutcome.hearthctl(["report", "--patient", "p", "--days", "400"])
    #expect(days.status == 64 && days.error.contains("--days needs a number from 1 to 366, not \"400\""))
  }

  @Test(arguments: [
    "hello\n", "HTTP/1.1 400 Bad Request\r\n\r\n", "220 smtp", "{\n", "null\n", "{}\n", "[]\n", "\u{0}\u{1}\u{2}", "\n",
    #"{"jsonrpc":"2.0","id":1,"result":7}"# + "\n", #"{"jsonrpc":"2.0","id":1,"result":[]}"# + "\n",
    #"{"jsonrpc":"2.0","id":1,"result":{}}"# + "\n", #"{"jsonrpc":"2.0","id":1,"result":{"problems":[]}}"# + "\n",
    #"{"jsonrpc":"2.0","id":1,"result":{"problems":{},"devices":1,"backends":"","readings":null,"checks":[1]}}"# + "\n",
    #"{"jsonrpc":"2.0","id":1,"result":{"problems":[1],"devices":[2],"backends":[3],"readings":["x"],"version":4}}"#
      + "\n",
    #"{"jsonrpc":"2.0","id":1,"error":"no"}"# + "\n",
  ]) func whatIsNoDaemonsAnswerIsAFault(_ answer: String) throws {
    let daemon = try FakeDaemon(answer)
    for verb in ["status", "devices", "backends", "readings", "version"] {
      let outcome = try daemon.hearthctl(verb)
      #expect(outcome.status == 1, "\(verb)")
      #expect(outcome.error.hasPrefix("hearthctl: "))
      #expect(verb == "version" || outcome.out.isEmpty, "\(verb): \(outcome.out)")
      #expect(try daemon.hearthctl(verb, "--json").out.hasPrefix(#"{"error":{"code":""#))
    }
    let doctor = try daemon.hearthctl("doctor")
    #expect(doctor.status == 1)
    #expect(doctor.out.hasPrefix("FAIL  daemon: ") && doctor.out.contains("disk-space:"))
  }

  @Test func anAnswerThatBreaksOffIsAFault() throws {
    let begun = #"{"jsonrpc":"2.0","id":1,"result":{"problems":[]"#
    // Ended by the other side, and never ended.
    #expect(try FakeDaemon(begun, ends: true).hearthctl("status").error.contains("ended within a line"))
    let stalled = try FakeDaemon(begun).hearthctl("status")
    #expect(stalled.status == 1)
    #expect(stalled.error.contains("does not end"))
    #expect(try FakeDaemon("", ends: true).hearthctl("status").status == 111)
  }

  @Test func aSubscriptionEndsWithAFaultToo() throws {
    let subscribed = #"{"jsonrpc":"2.0","id":1,"result":{"subscribed":true}}"# + "\n"
    for more in [
      "rubbish\n", #"{"jsonrpc":"2.0","method":"reading","params":5}"# + "\n",
      #"{"jsonrpc":"2.0","id":null,"error":{"code":-32000,"message":"too slow","data":{"code":"overrun"}}}"# + "\n",
    ] {
      #expect(try FakeDaemon(subscribed + more).hearthctl("watch").status == 1, "\(more)")
    }
  }

  @Test func wideAndCombiningCharactersKeepColumns() throws {
    let names = ["cuff", "血圧計", "e\u{301}tage", "👍🏽ok", "한글", "ด\u{E33}", "Ａ1", "❤️x"]
    let widths = [4, 6, 5, 4, 4, 2, 3, 3]
    let devices = names.map { #"{"id":"\#($0)","driver":"d","state":"waiting","readings":1,"patients":{}}"# }
    let daemon = try FakeDaemon(result: #"{"devices":[\#(devices.joined(separator: ","))]}"#)
    let lines = try daemon.hearthctl("devices").out.split(separator: "\n")
    #expect(lines.count == names.count + 1)
    for (number, name) in names.enumerated() {
      let padding = String(repeating: " ", count: 6 - widths[number] + 2)
      #expect(lines[number + 1].hasPrefix(name + padding + "d     waiting"), "\(lines[number + 1])")
    }
  }

  @Test func nothingFromOutsideSteersTheTerminal() throws {
    let evil = "x\u{1B}[2J\u{9B}31m\u{7F}\u{8}\u{202E}\u{2066}\u{200F}\u{2028}\u{E0041}\r\ny"
    let escaped = try #require(String(data: try JSONEncoder().encode(evil), encoding: .utf8))
    let reading =
      #"{"id":E,"patient":E,"device":{"id":E},"taken_at":"2026-11-21T0\#u{1B}","evaluation":{"zone":E},"flags":[E],"observations":[{"value":E,"unit":E},{"absent":E}]}"#
      .replacingOccurrences(of: "\u{1B}", with: "\\u001b")
    let device = #"{"id":E,"model":E,"state":E,"last_contact":E,"patients":{E:E},"last_problem":{"code":E}}"#
    let backend = #"{"name":E,"type":E,"state":E,"last_error":{"code":E}}"#
    let result =
      #"{"version":E,"hub_id":E,"time":E,"journal":{"state":E},"devices":[D],"backends":[B],"readings":[R],"problems":[{"message":E,"hint":E}],"checks":[{"id":E,"state":E,"message":E,"hint":E}]}"#
    let lists = result.replacingOccurrences(of: "[D]", with: "[\(device)]")
      .replacingOccurrences(of: "[B]", with: "[\(backend)]").replacingOccurrences(of: "[R]", with: "[\(reading)]")
      .replacingOccurrences(of: "E", with: escaped)
    let error = #"{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":E,"data":{"code":E,"hint":E}}}"#
      .replacingOccurrences(of: "E", with: escaped)
    for daemon in [try FakeDaemon(result: lists), try FakeDaemon(error + "\n")] {
      for verb in ["status", "devices", "backends", "readings", "version", "doctor"] {
        for arguments in [[verb], [verb, "--json"]] {
          let outcome = try CommandOutcome.hearthctl(arguments + ["--socket", daemon.socket])
          #expect(!(outcome.out + outcome.error).isEmpty)
          let steering = (outcome.out + outcome.error).unicodeScalars.filter(isSteering)
          #expect(steering.isEmpty, "\(arguments): \(steering.map(\.value))")
        }
      }
    }
    // As JSON it is still the same text.
    let json = try FakeDaemon(result: lists).hearthctl("devices", "--json")
    let object = try #require(try JSONSerialization.jsonObject(with: Data(json.out.utf8)) as? [String: Any])
    #expect((object["devices"] as? [[String: Any]])?.first?["id"] as? String == evil)
    // A word of the command line is shown no other way.
    let word = try CommandOutcome.hearthctl([evil])
    #expect(word.status == 64 && word.error.unicodeScalars.filter(isSteering).isEmpty)
  }

  /// C0 but line end, DEL, C1, format characters (bidi controls among them), line and paragraph separators.
  private func isSteering(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .control: scalar != "\n"
    case .format, .lineSeparator, .paragraphSeparator: true
    default: false
    }
  }
}
