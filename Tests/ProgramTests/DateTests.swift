// Dates as people see them: year, month, day, in that order, wherever hearthctl shows one.

import Foundation
import Testing

@Suite struct DateTests {
  private static let moment = "2026-11-08T18:31:00+01:00"
  private static let reading =
    #"{"id":"6057f4c1","patient":"p-1","device":{"id":"cuff"},"taken_at":"M","observations":[{"value":"72","unit":"kg"}]}"#
  /// All that the verbs look for, with a moment wherever they show one.
  private static let result =
    #"""
    {"version":"1","hub_id":"h","time":"M","journal":{},"problems":[],"checks":[],"subscribed":true,
     "readings":[R],
     "devices":[{"id":"cuff","driver":"d","last_contact":"M","session":{"patient":"p-1","ends_at":"M"}}],
     "backends":[{"name":"gp","last_success":"M","refused_items":[{"id":"6057f4c1","at":"M","reason":"no"}],
                  "plans":{"last_asked":"M","last_success":"M"}}],
     "parked":[{"id":"6057f4c1","why":"refused","backend":"gp","at":"M","reason":"no"}],
     "alerts":[{"zone":"red","patient":"p-1","rule":"bp","since":"M","told_at":"M","acknowledged":{"at":"M","by":"a"}}],
     "patient":"p-1","set_by":"a","set_at":"M","rules":[],"days":30,
     "judged":[{"at":"M","values":{"weight":"72"}}],"told":[{"at":"M","rule":"bp","event":"raised"}],
     "session":{"ends_at":"M"}}
    """#
    .replacingOccurrences(of: "R", with: reading).replacingOccurrences(of: "M", with: moment)
    .replacingOccurrences(of: "\n", with: "")

  @Test(arguments: [
    ["status"], ["devices"], ["readings"], ["backends"], ["parked"], ["alerts"], ["plan", "explain", "p-1"],
    ["session", "start", "--patient", "p-1", "--device", "cuff"],
  ]) func everyDateHasItsYear(verb: [String]) throws {
    let daemon = try FakeDaemon(result: DateTests.result)
    let outcome = try CommandOutcome.hearthctl(verb + ["--socket", daemon.socket])
    #expect(outcome.status == 0, "\(outcome.error)")
    #expect(outcome.out.contains("2026-11-08 18:31"), "\(outcome.out)")
    #expect(!outcome.out.replacingOccurrences(of: "2026-11-08", with: "").contains("11-08"), "\(outcome.out)")
  }

  @Test func whatIsWatchedHasItsYear() throws {
    let subscribed = #"{"jsonrpc":"2.0","id":1,"result":{"subscribed":true}}"# + "\n"
    let said = [("reading", Self.reading), ("event", #"{"at":"M","patient":"p-1","rule":"bp","event":"raised"}"#)]
    let lines = said.map { method, value in
      #"{"jsonrpc":"2.0","method":"\#(method)","params":\#(value)}"#.replacingOccurrences(of: "M", with: Self.moment)
    }
    let daemon = try FakeDaemon(subscribed + lines.joined(separator: "\n") + "\n\n")
    let shown = try daemon.hearthctl("watch").out.split(separator: "\n")
    #expect(shown.count == 3)
    for line in shown.dropFirst() { #expect(line.hasPrefix("2026-11-08 18:31  p-1  "), "\(line)") }
  }
}
