// Plugging in, with the real daemon: recognised by listening, bound by place, pulled in the middle of a line.

import Foundation
import Glibc
import Testing

private let empty = #"{"bluetooth": {"enabled": false}}"#

extension Home {
  fileprivate static func with(_ bed: SerialBed) throws -> Home {
    let home = try Home(empty)
    home.environment = bed.environment
    return home
  }

  /// Waits until a port of the list is as wished.
  fileprivate func port(_ place: String, _ state: String) throws -> Bool {
    let outcome = try until(["serial", "list", "--json"]) { Home.state($0, place) == state }
    return Home.state(outcome, place) == state
  }

  private static func state(_ outcome: Outcome, _ place: String) -> String? {
    let ports = outcome.json["ports"] as? [[String: Any]] ?? []
    guard let port = ports.first(where: { $0["path"] as? String == place }) else { return nil }
    let state = port["state"] as? String ?? ""
    return port["connected"] as? Bool == false ? state + ", closed" : state
  }

  fileprivate func readings(_ count: Int) throws -> [[String: Any]] {
    let outcome = try until(["readings", "--json"]) { $0.out.split(separator: "\n").count >= count }
    return outcome.out.split(separator: "\n").compactMap {
      try? JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]
    }
  }

  fileprivate static func values(_ readings: [[String: Any]]) -> [String] {
    readings.map { reading in
      let device = (reading["device"] as? [String: Any])?["id"] as? String ?? "-"
      let value = ((reading["observations"] as? [[String: Any]])?.first)?["value"] as? String ?? "-"
      return "\(device) \(value) \(reading["patient"] as? String ?? "parked")"
    }
  }
}

/// Somebody steps on the scale and off again.
private func weight(_ text: String) -> String {
  let line = "ST,GS,+  \(text)kg\r\n"
  return "US,GS,+   0.00kg\r\n" + line + line + line + "ST,GS,+   0.00kg\r\nST,GS,+   0.00kg\r\n"
}

@Suite(.serialized, .enabled(if: SerialBed.isPossible, "needs Debian's libumockdev0 and umockdev"))
struct SerialPortTests {
  @Test func whatIsPluggedInIsRecognisedByListeningAndNothingIsSentToIt() throws {
    let bed = try SerialBed()
    let home = try Home.with(bed)
    try home.start()
    _ = try home.until(["status"]) { $0.status == 0 }
    try bed.plug("ttyUSB0", at: "hub-1")
    #expect(try home.port("hub-1", "listening"))
    bed.say("ttyUSB0", weight("72.15"))
    #expect(try home.port("hub-1", "recognised"))
    #expect(Home.values(try home.readings(1)) == ["cas 72.15 parked"])
    #expect(bed.heard("ttyUSB0").isEmpty)
    let problems = try home.ctl("status", "--json").json["problems"] as? [[String: Any]] ?? []
    #expect(problems.contains { $0["code"] as? String == "device.unassigned" })
    // Whose it is, is said: what was parked goes there too.
    #expect(try home.ctl("assign", "--device", "cas", "p-1").status == 0)
    bed.say("ttyUSB0", weight("82.15"))
    _ = try home.until(["readings", "--json"]) { $0.out.contains("82.15") && !$0.out.contains(#""patient":null"#) }
    #expect(home.stop() == 0)
    // A restart knows it.
    try home.start()
    #expect(try home.port("hub-1", "bound"))
    bed.say("ttyUSB0", weight("92.15"))
    let last = try home.until(["readings", "--json"]) { $0.out.contains("92.15") }
    #expect(last.out.contains("92.15"))
    #expect(home.stop() == 0)
  }

  @Test func twoIdenticalAdaptersArePulledInMidLineAndComeBackInTheOtherOrder() throws {
    let bed = try SerialBed()
    let home = try Home.with(bed)
    try bed.plug("ttyUSB0", at: "hub-1", serial: "0001")
    let node = try bed.plug("ttyUSB1", at: "hub-2", serial: "0001")
    try home.start()
    #expect(try home.port("hub-2", "listening"))
    #expect(
      try home.ctl("serial", "bind", "hub-1", "--driver", "cas", "--id", "hall", "--patient", "p-1").status == 0)
    #expect(try home.ctl("serial", "bind", node, "--driver", "cas", "--id", "bath", "--patient", "p-2").status == 0)
    #expect(try home.port("hub-1", "bound") && home.port("hub-2", "bound"))
    bed.say("ttyUSB0", weight("61.00"))
    #expect(try home.readings(1).count == 1)
    bed.say("ttyUSB1", weight("91.00") + "US,GS,+   0.00kg\r\nST,GS,+")
    #expect(try home.readings(2).count == 2)
    try bed.pull("ttyUSB0")
    try bed.pull("ttyUSB1")
    #expect(try home.port("hub-1", "absent") && home.port("hub-2", "absent"))
    try bed.plug("ttyUSB0", at: "hub-2", serial: "0001")
    try bed.plug("ttyUSB1", at: "hub-1", serial: "0001")
    #expect(try home.port("hub-1", "bound") && home.port("hub-2", "bound"))
    bed.say("ttyUSB0", "  99.00kg\r\n" + weight("92.00"))
    #expect(try home.readings(3).count == 3)
    bed.say("ttyUSB1", weight("62.00"))
    #expect(
      Home.values(try home.readings(4)) == [
        "hall 61.00 p-1", "bath 91.00 p-2", "bath 92.00 p-2", "hall 62.00 p-1",
      ])
    #expect(home.stop() == 0)
  }

  @Test func aPortInUseIsToldByTheNameOfTheProgram() throws {
    let bed = try SerialBed()
    let home = try Home.with(bed)
    try home.start()
    _ = try home.until(["status"]) { $0.status == 0 }
    let node = try bed.plug("ttyUSB0", at: "hub-1")
    #expect(try home.port("hub-1", "listening"))
    #expect(try home.ctl("serial", "bind", node, "--driver", "cas", "--id", "hall").status == 0)
    let again = try home.ctl("serial", "bind", node, "--driver", "cas")
    #expect(again.status == 1 && again.error.contains("hall"))
    #expect(try home.ctl("serial", "release", "hall").status == 0)
    #expect(try home.ctl("serial", "release", "hall").status == 69)
    #expect(try home.ctl("serial", "identify", "nowhere").status == 69)
    // A program that has the port and says so by a lock.
    let other = open(node, O_RDWR | O_NOCTTY)
    #expect(flock(other, LOCK_EX | LOCK_NB) == 0)
    let refused = try home.ctl("serial", "identify", node)
    #expect(refused.status == 1 && refused.error.contains("is in use by"))
    #expect(refused.error.contains("(process \(getpid()))"))
    close(other)
    #expect(home.stop() == 0)
  }

  @Test func aPublicScaleIsThePatientsWhoseSessionIsOpen() throws {
    let bed = try SerialBed()
    let home = try Home.with(bed)
    try home.start()
    _ = try home.until(["status"]) { $0.status == 0 }
    try bed.plug("ttyUSB0", at: "hub-1")
    #expect(try home.port("hub-1", "listening"))
    #expect(try home.ctl("serial", "bind", "hub-1", "--driver", "cas", "--id", "scale").status == 0)
    #expect(try home.ctl("session", "start", "--patient", "p-1", "--device", "scale").status == 0)
    #expect(try home.port("hub-1", "bound"))
    bed.say("ttyUSB0", weight("61.00"))
    #expect(try home.readings(1).count == 1)
    #expect(home.stop() == 0)
    try home.start()
    #expect(try home.port("hub-1", "bound"))
    #expect(try home.ctl("devices").out.contains("p-1 until"))
    bed.say("ttyUSB0", weight("71.00"))
    #expect(try home.readings(2).count == 2)
    #expect(try home.ctl("session", "end", "--device", "scale").status == 0)
    #expect(try home.ctl("session", "end", "--device", "scale").status == 69)
    bed.say("ttyUSB0", weight("81.00"))
    #expect(
      Home.values(try home.readings(3)) == ["scale 61.00 p-1", "scale 71.00 p-1", "scale 81.00 parked"])
    #expect(home.stop() == 0)
  }
}
