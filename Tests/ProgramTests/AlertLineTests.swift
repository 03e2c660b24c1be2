// What people read of alerts, and of events as they happen.

import Foundation
import Testing

@Suite struct AlertLineTests {
  private func alert(_ fields: String) throws -> String {
    let daemon = try FakeDaemon(
      result: #"{"alerts":[{"zone":"red","patient":"p-1","rule":"bp","state":"raised","since":"M",\#(fields)}]}"#
        .replacingOccurrences(of: "\"M\"", with: "\"2026-11-08T18:31:00+01:00\""))
    return try daemon.hearthctl("alerts").out
  }

  @Test func whatIsAwaitedHeldAndToldAgainIsSaid() throws {
    #expect(try alert(#""repeat_until":"M","repeat_asked":true"#).contains("asked until 2026-11-08 18:31"))
    #expect(
      try alert(#""repeat_until":"M","repeat_asked":false"#)
        .contains("a repeat is awaited until 2026-11-08 18:31, not asked again"))
    #expect(
      try alert(#""repeat":2,"repeat_at":"M""#).contains("told again 2 times, told again at 2026-11-08 18:31"))
    #expect(
      try alert(#""held":1,"held_by":"flapping","held_until":"M""#)
        .contains("1 held as it comes and goes until 2026-11-08 18:31"))
    #expect(try alert(#""held":1,"held_by":"doubt""#).contains("1 held as doubt is told once an hour"))
    #expect(try alert(#""held":1,"held_by":"quiet""#).contains("1 held while quiet"))
  }

  @Test func theValueThatIsAskedAboutIsSaid() throws {
    let asked =
      #""repeat_until":"M","repeat_asked":true,"repeat_of":{"value":"190","unit":"mm[Hg]","direction":"high"}"#
    #expect(try alert(asked).contains("asked about 190 mmHg high until 2026-11-08 18:31"))
    #expect(
      try alert(asked.replacingOccurrences(of: "true", with: "false"))
        .contains("a repeat about 190 mmHg high is awaited until 2026-11-08 18:31, not asked again"))
  }

  /// A plan of nobody judges nothing: that is not "every rule judges".
  @Test func aPlanOfNobodyIsNotCalledJudging() throws {
    let nobody = try FakeDaemon(result: #"{"alerts":[],"not_judged":[],"watch_nobody":["p-1"]}"#)
    let told = try nobody.hearthctl("alerts", "--all").out
    #expect(told.contains("the plan of p-1 judges nothing: no device, no slot and no reading is of this patient"))
    #expect(!told.contains("every rule judges"))
    let all = try FakeDaemon(result: #"{"alerts":[],"not_judged":[]}"#)
    #expect(try all.hearthctl("alerts", "--all").out.contains("every rule judges"))
  }

  @Test func eventsAreToldInTheirOwnWords() throws {
    let events = [
      #"{"type":"hub","at":"M","code":"plan.paused","state":"raised","message":"the plan of p-1 is paused"}"#,
      #"{"type":"hub","at":"M","code":"plan.resumed","state":"cleared","message":"a pause is over"}"#,
      #"{"type":"device","at":"M","device":"cuff","code":"battery.low","message":"change it"}"#,
      #"{"type":"threshold","at":"M","patient":"p-1","rule":"bp","event":"raised","zone":"red"}"#,
      #"{"type":"threshold","at":"M","patient":"p-1","rule":"bp","event":"cleared","zone":"green","because":"paused"}"#,
      #"{"type":"threshold","at":"M","patient":"p-1","rule":"bp","event":"raised","zone":"red","repeat":2}"#,
      #"{"type":"threshold","at":"M","patient":"p-1","rule":"bp","event":"raised","zone":"red","repeat":3,"escalate":true}"#,
    ]
    let lines = events.map {
      #"{"jsonrpc":"2.0","method":"event","params":\#($0)}"#
        .replacingOccurrences(of: "\"M\"", with: "\"2026-11-08T18:31:00+01:00\"")
    }
    let subscribed = #"{"jsonrpc":"2.0","id":1,"result":{"subscribed":true}}"# + "\n"
    let daemon = try FakeDaemon(subscribed + lines.joined(separator: "\n") + "\n\n")
    let shown = try daemon.hearthctl("watch").out.split(separator: "\n").dropFirst().map(String.init)
    #expect(
      shown == [
        "2026-11-08 18:31  hub  plan.paused: the plan of p-1 is paused",
        "2026-11-08 18:31  hub  plan.resumed (over): a pause is over",
        "2026-11-08 18:31  cuff  battery.low: change it",
        "2026-11-08 18:31  p-1  bp raised red",
        "2026-11-08 18:31  p-1  bp cleared (paused) green",
        "2026-11-08 18:31  p-1  bp raised again (repeat 2) red",
        "2026-11-08 18:31  p-1  bp raised again (repeat 3, the last) red",
      ])
  }
}
