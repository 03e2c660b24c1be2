// What is behind a port changes while the real daemon runs: another device, another protocol, another line of the configuration.
// Nothing of it goes to the wrong patient.

import CLinux
import Foundation
import Glibc
import Platform
import Testing

/// A scale on a pseudo terminal that the configuration names.
private final class Line {
  let master: Int32
  let path: String

  init() throws { (master, path) = try PseudoTerminal.open() }
  deinit { Descriptor.close(master) }

  func say(_ text: String) { _ = Descriptor.writeAll(master, Array(text.utf8)) }

  /// Waits until the daemon has sent this.
  func hears(_ text: String) -> Bool {
    var heard = ""
    for _ in 0..<600 {
      if case .octets(let octets) = Descriptor.read(master) { heard += String(decoding: octets, as: UTF8.self) }
      if heard.contains(text) { return true }
      // While no daemon has the port, its far end reads as hung up.
      usleep(20_000)
    }
    return false
  }
}

extension Home {
  /// What was measured, in kilograms, and whose it is.
  fileprivate func weights(_ count: Int) throws -> [String] {
    let outcome = try until(["readings", "--json"]) { $0.out.split(separator: "\n").count >= count }
    return outcome.out.split(separator: "\n").compactMap { line in
      guard let reading = try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any] else { return nil }
      let first = (reading["observations"] as? [[String: Any]])?.first
      return "\(first?["value"] as? String ?? "-") \(reading["patient"] as? String ?? "parked")"
    }
  }

  fileprivate func problem(_ code: String) throws -> [String: Any]? {
    func find(_ outcome: Outcome) -> [String: Any]? {
      (outcome.json["problems"] as? [[String: Any]])?.first { $0["code"] as? String == code }
    }
    return find(try until(["status", "--json"]) { find($0) != nil })
  }
}

/// Somebody steps on the scale and off again.
private func weighed(_ line: String, _ empty: String) -> String {
  [line, line, line, empty, empty].map { $0 + "\r\n" }.joined()
}

@Suite(.serialized) struct SerialChangeTests {
  private func configuration(_ devices: String...) -> String {
    #"{"bluetooth": {"enabled": false}, "devices": ["# + devices.joined(separator: ", ") + "]}"
  }

  private func scale(_ id: String, _ driver: String, _ line: Line, _ patient: String) -> String {
    #"{"id": "\#(id)", "driver": "\#(driver)", "port": "\#(line.path)", "patient": "\#(patient)"}"#
  }

  @Test func anotherScaleBehindTheSamePortIsParkedAndATechnicianDecides() throws {
    let line = try Line()
    let home = try Home(configuration(scale("scale", "mt-sics", line, "p-1")))
    try home.start()
    #expect(line.hears("I4\r\n"))
    line.say("I4 A \"1234567\"\r\n" + weighed("S S      71.00 kg", "S S       0.00 kg"))
    #expect(try home.weights(1) == ["71.00 p-1"])
    #expect(home.stop() == 0)
    // Over a restart of the hub somebody has put another scale there.
    try home.start()
    #expect(line.hears("I4\r\n"))
    line.say("I4 A \"7654321\"\r\n" + weighed("S S      82.00 kg", "S S       0.00 kg"))
    #expect(try home.weights(2) == ["71.00 p-1", "82.00 parked"])
    let hint = try #require(try home.problem("device.changed")?["hint"] as? String)
    let command = "serial bind \(line.path) --driver mt-sics --id scale"
    #expect(hint.contains("hearthctl \(command)"))
    // It is the right one: said as the hint says it.
    let words = command.split(separator: " ").map(String.init)
    #expect(try home.until(words) { $0.status == 0 }.status == 0)
    #expect(line.hears("I4\r\n"))
    line.say("I4 A \"7654321\"\r\n" + weighed("S S      83.00 kg", "S S       0.00 kg"))
    #expect(try home.weights(3) == ["71.00 p-1", "82.00 parked", "83.00 p-1"])
    #expect(home.stop() == 0)
  }

  @Test func anotherProtocolBehindAPortIsTold() throws {
    let line = try Line()
    let home = try Home(configuration(scale("scale", "mt-sics", line, "p-1")))
    try home.start()
    #expect(line.hears("I4\r\n"))
    for _ in 0..<3 { line.say("ST,GS,+  82.00kg\r\n") }
    let problem = try #require(try home.problem("device.changed"))
    #expect((problem["message"] as? String)?.contains("speaks like cas") ?? false)
    line.say(weighed("S S      71.00 kg", "S S       0.00 kg"))
    #expect(try home.weights(1) == ["71.00 parked"])
    #expect(home.stop() == 0)
  }

  @Test func aReloadedConfigurationTakesEffectWithoutAReplug() throws {
    let (old, new) = (try Line(), try Line())
    let home = try Home(configuration(scale("scale", "mt-sics", old, "p-1")))
    try home.start()
    #expect(old.hears("SI\r\n"))
    old.say(weighed("S S      71.00 kg", "S S       0.00 kg"))
    #expect(try home.weights(1) == ["71.00 p-1"])
    // Another port.
    try home.reload(configuration(scale("scale", "mt-sics", new, "p-1")))
    #expect(new.hears("SI\r\n"))
    old.say(weighed("S S      61.00 kg", "S S       0.00 kg"))
    new.say(weighed("S S      72.00 kg", "S S       0.00 kg"))
    #expect(try home.weights(2) == ["71.00 p-1", "72.00 p-1"])
    // Another driver and another patient at the same port.
    try home.reload(configuration(scale("scale", "cas", new, "p-2")))
    _ = try home.until(["devices", "--json"]) { $0.out.contains(#""driver":"cas""#) }
    new.say(weighed("ST,GS,+  73.00kg", "ST,GS,+   0.00kg"))
    #expect(try home.weights(3) == ["71.00 p-1", "72.00 p-1", "73.00 p-2"])
    // A file that is not good changes nothing.
    try home.reload(#"{"devices": [{}]}"#)
    new.say(weighed("ST,GS,+  74.00kg", "ST,GS,+   0.00kg"))
    #expect(try home.weights(4).last == "74.00 p-2")
    #expect(home.stop() == 0)
  }
}
