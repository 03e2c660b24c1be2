// hearthctl scan, pair and unpair for scripts, against a daemon that follows a script.

import Foundation
import Synchronization
import Testing

/// Words of the daemon in these tests.
enum Said {
  static let address = "F0:00:00:00:00:01"
  static let cuff =
    #"{"event":"found","address":"F0:00:00:00:00:01","address_type":"public","name":"A&D_UA-651BLE_1A2B3C","rssi":-58,"known":null,"supported":true,"driver":"and-ua651ble","what":"A&D blood-pressure","pairing_mode":true}"#
  static let lamp =
    #"{"event":"found","address":"C4:00:00:00:00:02","address_type":"random","name":null,"rssi":-88,"known":null,"supported":false,"driver":null,"pairing_mode":true}"#
  static let scale =
    #"{"event":"found","address":"F0:00:00:00:00:03","address_type":"public","name":"Scale","rssi":-40,"known":"scale","supported":true,"driver":"weight-scale","what":"body-weight","pairing_mode":false}"#
  static let paired = #"{"device":"and-ua651ble","driver":"and-ua651ble","bonded":true,"protected":true}"#
  static let confirm =
    #"{"event":"prompt","prompt":"confirm","value":"012345","message":"Does the device show 012345?"}"#
  static let reading =
    #"{"id":"67997cb9-0000-0000-0000-000000000000","kind":"blood-pressure","observations":[{"code":"MDC_PRESS_BLD_NONINV_SYS","value":"128","unit":"mm[Hg]"},{"code":"MDC_PRESS_BLD_NONINV_DIA","value":"82","unit":"mm[Hg]"}],"taken_at":"2026-11-21T08:15:30+01:00","patient":null,"device":{"id":"and-ua651ble"},"evaluation":{"zone":"green"}}"#

  static func scan(_ json: String) -> String { ScriptedDaemon.notification("scan", json) }
  static func pairing(_ json: String) -> String { ScriptedDaemon.notification("pairing", json) }

  /// A daemon whose device asks for a comparison.
  static func comparing() throws -> ScriptedDaemon {
    let pairID = Counter()
    return try ScriptedDaemon { request in
      switch request.method {
      case "pair":
        pairID.set(request.id)
        return [
          pairing(#"{"event":"searching"}"#), pairing(cuff), pairing(#"{"event":"pairing"}"#), pairing(confirm),
        ]
      case "pair.answer" where request.parameters.contains("yes"):
        let pair = ScriptedDaemon.Request(id: pairID.value, method: "pair", parameters: "")
        return [request.result(#"{"taken":true}"#), pair.result(paired)]
      case "pair.answer": return [request.error("bad-parameters", "expected yes or no")]
      case "pair.cancel":
        let pair = ScriptedDaemon.Request(id: pairID.value, method: "pair", parameters: "")
        return [
          pair.error("pairing.cancelled", "the pairing was cancelled"), request.result(#"{"cancelled":true}"#),
        ]
      case "watch": return [request.result(#"{"subscribed":true}"#)]
      default: return [request.error("unknown-method", "no")]
      }
    }
  }
}

/// A number that a script remembers.
final class Counter: Sendable {
  private let number = Mutex(0)
  func set(_ value: Int) { number.withLock { $0 = value } }
  var value: Int { number.withLock { $0 } }
}

@Suite struct PairScriptTests {
  private func pair(_ daemon: ScriptedDaemon, _ more: String...) throws -> RunningProgram {
    try RunningProgram(["pair", Said.address, "--json", "--socket", daemon.socket] + more)
  }

  @Test func questionsAreLinesAndAnswersToo() throws {
    let daemon = try Said.comparing()
    let program = try pair(daemon, "--patient", "p-7f3a", "--user", "1", "--consent-code", "520", "--name", "cuff")
    let before = try program.wait(for: #""prompt":"confirm""#)
    #expect(before.hasPrefix("{\"event\":\"searching\"}\n{\"event\":\"found\",\"address\":"))
    program.say("{\"answer\":\"yes\"}\n")
    let (status, rest) = program.end()
    #expect(status == 0)
    #expect(
      rest.hasSuffix(
        #"{"event":"paired","device":"and-ua651ble","driver":"and-ua651ble","bonded":true,"protected":true}"# + "\n"))
    #expect(
      daemon.requests == [
        #"pair {"address":"F0:00:00:00:00:01","consent_code":520,"name":"cuff","patient":"p-7f3a","user":1}"#,
        #"pair.answer {"answer":"yes"}"#,
      ])
  }

  @Test func aRefusedAnswerMayBeGivenAnew() throws {
    let daemon = try Said.comparing()
    let program = try pair(daemon)
    try program.wait(for: "confirm")
    program.say("maybe\n{\"answer\":\"maybe\"}\n")
    try program.wait(for: #"{"event":"answer-refused","code":"bad-parameters","message":"expected a line such as"#)
    try program.wait(for: #"{"event":"answer-refused","code":"bad-parameters","message":"expected yes or no""#)
    program.say("{\"answer\":\"yes\"}\n")
    #expect(program.end().status == 0)
  }

  @Test func anAnswerMayComeBeforeItsQuestion() throws {
    let daemon = try Said.comparing()
    let program = try pair(daemon)
    program.say("{\"answer\":\"yes\"}\n")
    try program.closeInput()
    #expect(program.end().status == 0)
    #expect(daemon.requests.last == #"pair.answer {"answer":"yes"}"#)
  }

  @Test func ctrlCAndAClosedInputCancel() throws {
    for closes in [true, false] {
      let daemon = try Said.comparing()
      let program = try pair(daemon)
      try program.wait(for: "confirm")
      if closes { try program.closeInput() } else { program.interrupt() }
      let (status, rest) = program.end()
      #expect(status == 1)
      #expect(
        rest.hasSuffix(
          #"{"error":{"code":"pairing.cancelled","message":"the pairing was cancelled","hint":"do something"}}"# + "\n")
      )
      #expect(daemon.requests.last == "pair.cancel {}")
    }
  }

  @Test func theFirstReadingIsWaitedForWhenAsked() throws {
    let daemon = try Said.comparing()
    let program = try pair(daemon, "--wait", "60")
    try program.wait(for: "confirm")
    // Of another device; then of this one, before the pairing was told complete.
    daemon.say(
      ScriptedDaemon.notification(
        "reading", Said.reading.replacing(#"{"id":"and-ua651ble"}"#, with: #"{"id":"scale"}"#)),
      to: "watch")
    daemon.say(ScriptedDaemon.notification("reading", Said.reading), to: "watch")
    program.say("{\"answer\":\"yes\"}\n")
    let (status, rest) = program.end()
    #expect(status == 0)
    let last = rest.split(separator: "\n").suffix(2)
    #expect(last.first?.hasPrefix(#"{"event":"paired""#) == true)
    #expect(last.last == Substring(#"{"event":"reading","reading":\#(Said.reading)}"#))
  }

  @Test(arguments: [
    ("busy", 75), ("pairing.not-heard", 75), ("pairing.no-answer", 75), ("pairing.timeout", 75),
    ("bluetooth.starting", 75), ("bluetooth.absent", 69), ("bluetooth.blocked", 69), ("bluetooth.disabled", 69),
    ("unsupported-device", 69), ("not-permitted", 77), ("pairing.refused", 1), ("pairing.failed", 1),
  ]) func faultsHaveTheirExitStatus(_ code: String, _ status: Int) throws {
    let daemon = try ScriptedDaemon { [$0.error(code, "why")] }
    let outcome = try CommandOutcome.hearthctl(["pair", Said.address, "--json", "--socket", daemon.socket])
    #expect(outcome.status == status)
    #expect(outcome.out == #"{"error":{"code":"\#(code)","message":"why","hint":"do something"}}"# + "\n")
    #expect(try CommandOutcome.hearthctl(["scan", "--json", "--socket", daemon.socket]).status == status)
  }

  @Test func scanIsALineForEachWordOfTheDaemon() throws {
    let daemon = try ScriptedDaemon {
      [
        $0.result(#"{"scanning":true,"seconds":5}"#), Said.scan(Said.cuff), Said.scan(Said.lamp),
        Said.scan(#"{"event":"ended"}"#),
      ]
    }
    let outcome = try CommandOutcome.hearthctl(["scan", "--seconds", "5", "--json", "--socket", daemon.socket])
    #expect(outcome.status == 0)
    #expect(outcome.out == "\(Said.cuff)\n\(Said.lamp)\n{\"event\":\"ended\"}\n")
    #expect(daemon.requests == [#"scan {"seconds":5}"#])
    let plain = try CommandOutcome.hearthctl(["scan", "--socket", daemon.socket])
    #expect(
      plain.out == """
        ▂▄▆█  A&D_UA-651BLE_1A2B3C  A&D blood-pressure (and-ua651ble)  in pairing mode  F0:00:00:00:00:01
        1 other device is not supported; --all shows it

        """)
  }

  @Test func unpairTellsWhatItDid() throws {
    let daemon = try ScriptedDaemon { request in
      request.parameters.contains("cuff")
        ? [request.result(#"{"unpaired":"cuff"}"#)] : [request.error("not-found", "there is no paired device x")]
    }
    let outcome = try CommandOutcome.hearthctl(["unpair", "cuff", "--json", "--socket", daemon.socket])
    #expect(outcome.status == 0)
    #expect(outcome.out == "{\"unpaired\":\"cuff\"}\n")
    #expect(try CommandOutcome.hearthctl(["unpair", "x", "--socket", daemon.socket]).status == 69)
    #expect(daemon.requests.first == #"unpair {"device":"cuff"}"#)
  }

  @Test(arguments: [
    (["pair", "--json"], "needs an address"), (["pair", "F0:00"], "\"F0:00\""), (["pair", Said.address, "x"], "\"x\""),
    (["pair", Said.address, "--driver", "and-ua651"], "and-ua651"),
    (["pair", Said.address, "--user", "300"], "--user"),
    (["pair", Said.address, "--consent-code", "12"], "--user"), (["pair"], "terminal"),
    (["scan", "--seconds", "0"], "\"0\""), (["unpair"], "a device"),
  ]) func wrongUseIsNamed(_ arguments: [String], _ word: String) throws {
    let outcome = try CommandOutcome.hearthctl(arguments + ["--socket", "/nonexistent"])
    #expect(outcome.status == 64)
    #expect((outcome.error + outcome.out).contains(word), "\(outcome)")
  }
}
