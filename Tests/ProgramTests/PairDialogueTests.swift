// hearthctl at a terminal: the live list of scan, and the minute of pair.

import Foundation
import Testing

@Suite struct PairDialogueTests {
  /// A daemon around which a cuff, a paired scale and a lamp are heard, and whose cuff shows six digits.
  private func house() throws -> ScriptedDaemon {
    let pairID = Counter()
    return try ScriptedDaemon { request in
      let pair = ScriptedDaemon.Request(id: pairID.value, method: "pair", parameters: "")
      switch request.method {
      case "scan":
        return [
          request.result(#"{"scanning":true,"seconds":600}"#), Said.scan(Said.scale), Said.scan(Said.lamp),
          Said.scan(Said.cuff),
        ]
      case "pair":
        pairID.set(request.id)
        return [
          Said.pairing(Said.cuff), Said.pairing(#"{"event":"pairing"}"#),
          Said.pairing(#"{"event":"prompt","prompt":"passkey","message":"The six digits on the device's display"}"#),
        ]
      case "pair.answer": return [request.result(#"{"taken":true}"#), pair.result(Said.paired)]
      case "pair.cancel":
        return [pair.error("pairing.cancelled", "the pairing was cancelled"), request.result(#"{"cancelled":true}"#)]
      default: return [request.result(#"{"subscribed":true}"#)]
      }
    }
  }

  @Test func aMinuteAtTheDesk() throws {
    let daemon = try house()
    let program = try RunningProgram(["pair", "--socket", daemon.socket], atTerminal: true)
    try program.wait(for: "Whose device is it?")
    program.say("kari nordmann\n")
    try program.wait(for: "a reference has at most 64 letters")
    program.say("p-7f3a\n")
    try program.wait(for: "Bring the device into pairing mode")
    // The cuff came last and stands first, because it waits to be paired; it keeps its number.
    let list = try program.wait(for: "Which one? Its number and Enter: ")
    let rows = list.split(separator: "\r\n").map(String.init)
    let cuff = try #require(rows.firstIndex { $0.hasPrefix("2   ▂▄▆█    A&D_UA-651BLE_1A2B3C") })
    let scale = try #require(rows.firstIndex { $0.hasPrefix("1   ▂▄▆█    Scale") && $0.contains("known: scale") })
    #expect(cuff < scale)
    #expect(rows.contains("(1 more that no driver knows)"))
    program.say("9\u{7F}2\n")
    try program.wait(for: "found A&D_UA-651BLE_1A2B3C ▂▄▆█")
    try program.wait(for: "The six digits on the device's display: ")
    program.say("12345\n")
    try program.wait(for: "six digits are expected")
    try program.wait(for: "The six digits on the device's display: ")
    program.say("012 345\n")
    try program.wait(for: "paired as and-ua651ble (and-ua651ble); its keys are kept, checked by the number")
    try program.wait(for: "Now measure once.")
    daemon.say(ScriptedDaemon.notification("reading", Said.reading), to: "watch")
    let (status, rest) = program.end()
    #expect(status == 0)
    #expect(rest.contains("first reading: 2026-11-21 08:15 (parked) and-ua651ble 128/82 mmHg green"))
    #expect(
      daemon.requests.suffix(2) == [
        #"pair {"address":"F0:00:00:00:00:01","patient":"p-7f3a"}"#, #"pair.answer {"answer":"012345"}"#,
      ])
  }

  @Test func ctrlCLeavesAtEveryPlace() throws {
    for place in ["Whose device", "Which one?", "six digits", "Now measure"] {
      let daemon = try house()
      let program = try RunningProgram(["pair", "--socket", daemon.socket], atTerminal: true)
      let ways = [("Whose device", "\n"), ("Which one?", "2\n"), ("six digits", "123456\n")]
      for (text, answer) in ways {
        if text == place { break }
        try program.wait(for: text)
        program.say(answer)
      }
      try program.wait(for: place)
      program.interrupt()
      let (status, rest) = program.end()
      #expect(status == (place == "Now measure" ? 0 : 1), "\(place)")
      #expect(daemon.requests.contains("pair.cancel {}") == (place == "six digits"), "\(place)")
      #expect(place == "Now measure" || rest.contains("cancelled") || rest.contains("nothing was paired"), "\(place)")
    }
  }

  @Test func aKnownAddressIsToldWhatToPress() throws {
    let daemon = try house()
    let program = try RunningProgram(
      ["pair", Said.address, "--driver", "microlife", "--patient", "p", "--socket", daemon.socket], atTerminal: true)
    try program.wait(for: "On the device: hold its M button until the Bluetooth sign blinks.")
    try program.wait(for: "six digits")
    program.say("123456\n")
    try program.wait(for: "Now measure")
    program.interrupt()
    #expect(program.end().status == 0)
  }

  @Test func aUserWithACodeIsAskedForOnce() throws {
    let daemon = try ScriptedDaemon { request in
      switch request.method {
      case "scan": [request.result("{}"), Said.scan(Said.cuff.replacing("and-ua651ble", with: "beurer-bf720"))]
      case "pair": [request.result(Said.paired)]
      default: [request.result(#"{"subscribed":true}"#)]
      }
    }
    let program = try RunningProgram(
      ["pair", "--patient", "p", "--wait", "0", "--socket", daemon.socket], atTerminal: true)
    try program.wait(for: "Which one?")
    program.say("1\n")
    try program.wait(for: "Which user of the device")
    program.say("2\n")
    try program.wait(for: "consent code")
    program.say("0520\n")
    #expect(program.end().status == 0)
    #expect(daemon.requests.last == #"pair {"address":"F0:00:00:00:00:01","consent_code":520,"patient":"p","user":2}"#)
  }

  @Test func theLiveListOfScanIsDrawnInPlace() throws {
    let daemon = try house()
    let program = try RunningProgram(["scan", "--socket", daemon.socket], atTerminal: true)
    try program.wait(for: "in pairing mode")
    daemon.say(Said.scan(#"{"event":"ended"}"#), to: "scan")
    let (status, rest) = program.end()
    #expect(status == 0)
    // Cursor up and erase, then what stays: no line says that it still looks.
    let last = rest.components(separatedBy: "\u{1B}[J").last ?? ""
    #expect(rest.contains("A\r\u{1B}[J"))
    #expect(!last.contains("looking for") && last.contains("SIGNAL") && last.contains("known: scale"))
    #expect(last.hasSuffix("1 other device is not supported; --all shows it\r\n"))
  }

  @Test func whatNoControllerCanDoIsToldBeforeAnythingIsAsked() throws {
    let daemon = try ScriptedDaemon { request in
      request.method == "scan"
        ? [request.error("bluetooth.absent", "there is no Bluetooth controller", hint: "plug one in")]
        : [request.result("{}")]
    }
    let program = try RunningProgram(["pair", "--socket", daemon.socket], atTerminal: true)
    let (status, rest) = program.end()
    #expect(status == 69)
    #expect(rest == "hearthctl: there is no Bluetooth controller\r\nhint: plug one in\r\n")
  }
}
