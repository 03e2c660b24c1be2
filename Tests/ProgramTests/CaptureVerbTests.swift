// hearthctl capture: what it writes is what playback and the driver tests read, and tells of no device which one it was.

import Foundation
import Playback
import Testing

@Suite struct CaptureVerbTests {
  private static func frame(_ direction: String, _ at: Int, _ hex: String) -> String {
    ScriptedDaemon.notification("capture", #"{"direction":"\#(direction)","at":\#(at),"hex":"\#(hex)"}"#)
  }

  @Test func aBluetoothSessionIsAFileThatPlays() throws {
    let frames = [
      // Services: 1810 from 1 to 9, 180A from 10 to 20.
      (">", "100100ffff0028"), ("<", "1106010009001018" + "0a0014000a18"),
      // Characteristics: 2A35 indicates at 3, 2A25 at 12, 2A23 at 14.
      (">", "080100090003 28"), ("<", "0907020020030035 2a"), (">", "08040009000328"), ("<", "010804000a"),
      (">", "080a0014000328"), ("<", "09070b00020c00252a" + "0d00020e00232a"), (">", "040400090 0"),
      ("<", "050104000229"),
      // Subscribes, reads the serial number in two pieces and the system id.
      (">", "1204000200"), ("<", "13"), (">", "0a0c00"), ("<", "0b53303131"), (">", "0c0c000400"),
      ("<", "0d3233343536"),
      (">", "0a0e00"), ("<", "0bffeeddfeffccbbaa"),
      // A value with the address in it, little end first; its confirmation.
      ("<", "1d03001e80005000600001ffeeddccbbaa"), (">", "1e"),
    ].enumerated().map { index, frame in
      CaptureVerbTests.frame(frame.0, 1000 + index * 10, frame.1.replacing(" ", with: ""))
    }
    let device =
      #"{"id":"cuff","driver":"blood-pressure","address":"AA:BB:CC:DD:EE:FF","manufacturer":"A&D","model":"UA-651BLE","serial":"S011234567","state":"STATE"}"#
    let daemon = try ScriptedDaemon { request in
      request.method == "capture"
        ? [request.result(#"{"capturing":\#(device)}"#)] + frames
        : [request.result(#"{"devices":[\#(device.replacing("STATE", with: "waiting"))]}"#)]
    }
    let folder = try TestFolder()
    let path = folder.path("cuff.capture")
    // The device leaves: nobody has to end it.
    let outcome = try CommandOutcome.hearthctl(["capture", "cuff", "--output", path, "--socket", daemon.socket])
    #expect(outcome.status == 0, "\(outcome)")
    #expect(outcome.out == "20 frames in \(path)\n")
    let text = try String(contentsOf: URL(filePath: path), encoding: .utf8)
    for secret in ["AA:BB", "aabbcc", "ffeedd", "S01123456", "533031", "cuff"] {
      #expect(!text.contains(secret), "\(secret) in \(text)")
    }
    let lines = text.split(separator: "\n").map(String.init)
    #expect(
      lines.prefix(4) == [
        "# driver: blood-pressure", "# transport: gatt", "# device: A&D UA-651BLE", "# model: UA-651BLE",
      ])
    #expect(lines.contains("# characteristic: 1810/2A35 indicate"))
    #expect(
      lines.contains { $0.hasPrefix("# altered: 180A/2A23 (address) 1x, ") && $0.contains("1810/2A35 (address) 1x") })
    #expect(
      lines.suffix(8).filter { !$0.hasPrefix("@") }.prefix(3)
        == ["> subscribe 1810/2A35 indicate", "> read 180A/2A25", "> read 180A/2A23"])
    // It plays; the same address stays the same in both places.
    let capture = try CaptureFile(text)
    let value = try #require(capture.items.first)
    #expect(value.source == "1810/2A35" && value.at == 180)
    #expect(value.octets.starts(with: [0x1E, 0x80, 0x00]))
    let system = try #require(capture.characteristics.first { "\($0.uuid)" == "2A23" }).value
    #expect(Array(value.octets.suffix(6)) == Array(system[..<3] + system[5...]))
    let serial = try #require(capture.characteristics.first { "\($0.uuid)" == "2A25" }).value
    #expect(
      serial.count == 10 && serial.first != 0x53 || String(decoding: serial, as: UTF8.self).first?.isLetter == true)
    // The same again, deterministically; and nothing is written over.
    let again = try CommandOutcome.hearthctl(["capture", "cuff", "--output", path, "--socket", daemon.socket])
    #expect(again.status == 64)
    let other = try CommandOutcome.hearthctl(["capture", "cuff", "--seconds", "1", "--socket", daemon.socket])
    func session(_ text: String) -> [Substring] { text.split(separator: "\n").filter { !$0.hasPrefix("#") } }
    #expect(session(other.out) == session(text))
  }

  /// What cannot be written is known before anybody measures.
  @Test func aPlaceThatIsNotThereIsRefusedBeforeItBegins() throws {
    let daemon = try ScriptedDaemon { [$0.result(#"{"capturing":{"id":"scale","driver":"cas","state":"connected"}}"#)] }
    for path in ["/nope/x", "/dev/null/x"] {
      let outcome = try CommandOutcome.hearthctl(["capture", "scale", "--output", path, "--socket", daemon.socket])
      #expect(outcome.status == 69 && outcome.error.contains("\(path): cannot be written"), "\(outcome)")
    }
    #expect(daemon.requests.isEmpty)
  }

  /// The hub's zone, not that of whoever records.
  @Test(arguments: [("Asia/Tokyo", 9), ("UTC", 0)]) func theLocalTimeIsTheHubs(zone: String, hours: Int) throws {
    let frame = CaptureVerbTests.frame("<", 1000, "5354")
    let daemon = try ScriptedDaemon { request in
      let device = #"{"id":"scale","driver":"cas","state":"waiting"}"#
      return request.method == "capture"
        ? [request.result(#"{"capturing":\#(device),"timezone":"\#(zone)"}"#), frame]
        : [request.result(#"{"devices":[\#(device)]}"#)]
    }
    let folder = try TestFolder()
    let path = folder.path("x.capture")
    let outcome = try CommandOutcome.hearthctl(
      ["capture", "scale", "--output", path, "--socket", daemon.socket], environment: ["TZ": "America/New_York"])
    #expect(outcome.status == 0 && outcome.out == "1 frame in \(path)\n", "\(outcome)")
    let text = try String(contentsOf: URL(filePath: path), encoding: .utf8)
    let line = try #require(text.split(separator: "\n").first { $0.hasPrefix("# local-time: ") })
    let time = try Date("\(line.dropFirst("# local-time: ".count))Z", strategy: .iso8601)
    let offset = time.timeIntervalSinceNow
    #expect(abs(offset - Double(hours) * 3600) < 120, "\(line)")
  }

  @Test func aScaleThatOnlyAdvertisesIsAFileThatPlays() throws {
    let frames = ["a22044b20701010a1a15", "222044b20701010a1a21"].enumerated().map { index, hex in
      ScriptedDaemon.notification(
        "capture", #"{"direction":"<","at":\#(100 + index * 500),"hex":"\#(hex)","source":"adv/181D"}"#)
    }
    let device = #"{"id":"scale","driver":"mi-scale-1","address":"AA:BB:CC:DD:EE:FF","state":"waiting"}"#
    let daemon = try ScriptedDaemon { request in
      request.method == "capture"
        ? [request.result(#"{"capturing":\#(device)}"#)] + frames
        : [request.result(#"{"devices":[\#(device)]}"#)]
    }
    let text = try CommandOutcome.hearthctl(["capture", "scale", "--socket", daemon.socket]).out
    #expect(text.contains("# transport: advertisement\n") && text.contains("# service-data: 181D\n"))
    #expect(!text.contains("AA:BB"))
    let capture = try CaptureFile(text)
    #expect(capture.transport == .advertisement)
    #expect(capture.items.map(\.source) == ["adv/181D", "adv/181D"])
    #expect(capture.items.map(\.at) == [0, 500])
    #expect(capture.items.last?.octets == [0x22, 0x20, 0x44, 0xB2, 0x07, 0x01, 0x01, 0x0A, 0x1A, 0x21])
  }

  @Test func aSerialSessionAndAStreamInPieces() throws {
    // The serial number lies across two reads.
    let frames = [(">", "53"), ("<", "5354414e31"), ("<", "3233343536373838"), ("<", "0d0a")].enumerated().map {
      index, frame in
      CaptureVerbTests.frame(frame.0, 700 + index * 250, frame.1)
    }
    let daemon = try ScriptedDaemon { request in
      [
        request.result(
          #"{"capturing":{"id":"scale","driver":"and-scale","model":"AD-1","serial":"AN12345678","state":"connected"}}"#
        )
      ] + (request.method == "capture" ? frames : [])
    }
    let program = try RunningProgram(["capture", "scale", "--seconds", "1", "--socket", daemon.socket])
    let (status, text) = program.end()
    #expect(status == 0)
    #expect(text.hasPrefix("# driver: and-scale\n# transport: serial\n"))
    #expect(text.contains("\n> 53\n@ 250\n< 5354"))
    #expect(
      text.contains("# altered: from the device (serial number) 1x; check values over these octets hold no more\n"))
    let octets = try CaptureFile(text).items.flatMap(\.octets)
    #expect(octets.count == 15 && octets.prefix(2) == [0x53, 0x54] && octets.suffix(3) == [0x38, 0x0D, 0x0A])
    #expect(!String(decoding: octets, as: UTF8.self).contains("12345678"))
  }

  @Test func whatTheDaemonKnowsNamesTheHandles() throws {
    // Version 1, no hash, two characteristics: 2A35 indicates at 3 with its configuration at 4; 2A23 is read at 14.
    func uuid(_ short: String) -> String { "fb349b5f8000008000100000" + short + "0000" }
    let attributes =
      "01000200" + uuid("1018") + uuid("352a") + "20" + "0300" + "0900" + "0400"
      + uuid("0a18") + uuid("232a") + "02" + "0e00" + "1400" + "0000"
    let frames = [
      (">", "1204000200"), (">", "0a0e00"), ("<", "0b665544feff332211"), ("<", "1d03001e8000"), ("<", "1b990000"),
    ].enumerated().map { index, frame in CaptureVerbTests.frame(frame.0, 10, frame.1) }
    let daemon = try ScriptedDaemon { request in
      request.method == "capture"
        ? [
          request.result(
            #"{"capturing":{"driver":"blood-pressure","address":"F0:00:00:00:00:01"},"attributes":"\#(attributes)"}"#)
        ] + frames : [request.result(#"{"devices":[]}"#)]
    }
    let text = try CommandOutcome.hearthctl(["capture", "cuff", "--seconds", "1", "--socket", daemon.socket]).out
    #expect(text.hasSuffix("> subscribe 1810/2A35 indicate\n> read 180A/2A23\n< 1810/2A35 1e8000\n"), "\(text)")
    // Its address is another than the one on the air, and hidden as well.
    #expect(text.contains("# altered: 180A/2A23 (address) 1x") && !text.contains("665544"))
    #expect(text.contains("# unknown: at 0 < handle 153, 4 octets\n"))
  }

  @Test func nothingIsNoCapture() throws {
    let daemon = try ScriptedDaemon { [$0.result(#"{"capturing":{"id":"x","driver":"blood-pressure"}}"#)] }
    let outcome = try CommandOutcome.hearthctl(["capture", "x", "--seconds", "1", "--json", "--socket", daemon.socket])
    #expect(outcome.status == 75)
    #expect(outcome.out.contains(#""code":"nothing-captured""#))
  }
}
