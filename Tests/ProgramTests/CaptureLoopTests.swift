// A technician's capture closes the loop: what `hearthctl capture` writes is what `decode capture` and playback take, nothing personal is
// in it, and `drivers --wanted` says which one would help.

import Foundation
import Playback
import Testing

@Suite struct CaptureLoopTests {
  private static func frames(_ list: [(String, String)]) -> [String] {
    list.enumerated().map { index, frame in
      ScriptedDaemon.notification(
        "capture",
        #"{"direction":"\#(frame.0)","at":\#(1000 + index * 10),"hex":"\#(frame.1.replacing(" ", with: ""))"}"#)
    }
  }

  /// The octets of what discovery found: version 1, no hash, then service, characteristic, properties, handles.
  private static func attributes(_ list: [(service: String, uuid: String, properties: String, handle: Int, cccd: Int)])
    -> String
  {
    func two(_ number: Int) -> String { String(format: "%02x%02x", number & 0xFF, number >> 8) }
    func uuid(_ short: String) -> String {
      "fb349b5f8000008000100000" + short.suffix(2).lowercased() + short.prefix(2).lowercased() + "0000"
    }
    return "0100" + two(list.count)
      + list.map {
        uuid($0.service) + uuid($0.uuid) + $0.properties + two($0.handle) + two($0.handle + 3) + two($0.cccd)
      }
      .joined()
  }

  private func recorded(_ device: String, _ attributes: String, _ frames: [(String, String)]) throws -> String {
    let daemon = try ScriptedDaemon { request in
      request.method == "capture"
        ? [
          request.result(
            #"{"capturing":\#(device),"attributes":"\#(attributes)","timezone":"Africa/Lagos"}"#)
        ] + CaptureLoopTests.frames(frames) : [request.result(#"{"devices":[]}"#)]
    }
    return try CommandOutcome.hearthctl(["capture", "x", "--seconds", "1", "--socket", daemon.socket]).out
  }

  private func decoded(_ text: String, _ arguments: [String] = []) throws -> (status: Int32, json: [String: Any]) {
    let folder = try TestFolder()
    let path = folder.path("x.capture")
    try text.write(toFile: path, atomically: true, encoding: .utf8)
    let outcome = try CommandOutcome.hearthctl(["decode", "capture", path] + arguments)
    let json = try? JSONSerialization.jsonObject(with: Data(outcome.out.utf8)) as? [String: Any]
    return (outcome.status, json ?? [:])
  }

  private func numbers(_ json: [String: Any]) -> [String] {
    let readings = json["readings"] as? [[String: Any]] ?? []
    return readings.flatMap { ($0["observations"] as? [[String: Any]] ?? []).compactMap { $0["value"] as? String } }
  }

  @Test func aScaleWithUsersIsAFileWithoutThem() throws {
    let attributes = CaptureLoopTests.attributes([("FFE0", "FFE1", "18", 3, 4)])
    let text = try recorded(
      #"{"id":"x","driver":"beurer-bf700","address":"C0:00:00:00:00:01"}"#, attributes,
      [
        (">", "1204000100"), ("<", "13"), (">", "120300f601"), ("<", "13"), ("<", "1b0300f60024"),
        // A user: ANN, born in 1948.
        ("<", "1b0300f7340101 0102030405060765 414e4e 30"), (">", "120300f7f1340101"),
        ("<", "1b0300f758000664"), ("<", "1b0300f7590301010000000000000065"),
        ("<", "1b0300f7590302eb0ce401066b01f400f501"), ("<", "1b0300f7590303ea017c007304dd074c00f1"),
      ])
    #expect(!text.contains("414e4e") && !text.contains("C0:00"), "\(text)")
    #expect(text.contains("# altered: FFE0/FFE1 (user) 1x"))
    #expect(text.contains("# zone: 4 0\n") && text.contains("# until: "))
    #expect(try CaptureFile(text).items.count == 6)
    let (status, json) = try decoded(text)
    #expect(status == 0)
    #expect(numbers(json).contains("82.15"))
    let other = try decoded(text, ["--driver", "berry-ble"])
    #expect(numbers(other.json).isEmpty, "the file is read by the driver that is named")
  }

  @Test func codesNamesAndBirthdaysGiveWay() throws {
    let attributes = CaptureLoopTests.attributes([
      ("181C", "2A9F", "28", 3, 4), ("181C", "2A8A", "0a", 10, 0), ("181C", "2A85", "0a", 14, 0),
      ("181D", "2A9D", "20", 20, 21),
    ])
    let text = try recorded(
      #"{"id":"x","driver":"beurer-bf720","address":"C0:00:00:00:00:01"}"#, attributes,
      [
        (">", "12150002 00"), ("<", "13"), (">", "120300 0201a80e"), ("<", "13"), ("<", "1d0300200201"), (">", "1e"),
        (">", "0a0a00"), ("<", "0b4f64646e79"), (">", "0a0e00"), ("<", "0b9c070511"), (">", "120e009c070511"),
        ("<", "13"), ("<", "1d1400 0e205cea07070e1729200140018007"), (">", "1e"),
      ])
    for secret in ["a80e", "4f64646e79", "Oddny", "9c070511"] {
      #expect(!text.contains(secret), "\(secret) in \(text)")
    }
    #expect(text.contains("# consent: 1 "))
    #expect(text.contains("b2070101") && text.contains("> write 181C/2A85 b2070101"))
    let (status, json) = try decoded(text)
    #expect(status == 0 && numbers(json).contains("117.920"))
  }

  @Test func aDeviceThatNobodyReadsIsRecorded() throws {
    let attributes = CaptureLoopTests.attributes([("FFD0", "FFD1", "10", 3, 4)])
    let text = try recorded(
      #"{"id":"x","driver":"recorder","address":"C0:00:00:00:00:01","firmware":"V1.2"}"#, attributes,
      [(">", "1204000100"), ("<", "13"), ("<", "1b0300aabb")])
    #expect(text.hasPrefix("# driver: recorder\n# transport: gatt\n"))
    #expect(text.contains("# firmware: V1.2\n") && text.contains("< FFD0/FFD1 aabb"))
    let (status, json) = try decoded(text)
    #expect(status == 0 && numbers(json).isEmpty)
    #expect(try decoded(text, ["--driver", "contec-v7"]).status == 69, "a driver of a cable")
  }

  @Test func whatIsNoCaptureSaysWhere() throws {
    let folder = try TestFolder()
    let path = folder.path("x.capture")
    try "# driver: omron\n< nonsense\n".write(toFile: path, atomically: true, encoding: .utf8)
    let outcome = try CommandOutcome.hearthctl(["decode", "capture", path])
    #expect(outcome.status == 65 && outcome.error.contains("x.capture:2"), "\(outcome)")
    #expect(try CommandOutcome.hearthctl(["decode", "capture", folder.path("none")]).status == 69)
    #expect(try CommandOutcome.hearthctl(["decode", "capture"]).status == 64)
  }

  @Test func driversSayWhatWouldHelpMost() throws {
    let json = try CommandOutcome.hearthctl(["drivers", "--wanted", "--json"])
    let object = try #require(try JSONSerialization.jsonObject(with: Data(json.out.utf8)) as? [String: Any])
    let wanted = try #require(object["wanted"] as? [[String: Any]])
    let ids = wanted.compactMap { $0["id"] as? String }
    #expect(ids.count == wanted.count && Set(ids).count == ids.count)
    #expect(wanted.first?["grade"] as? String == "document-only")
    #expect(ids.contains("yuwell-ye680a") && ids.contains("berry-ble") && ids.contains("omron"))
    for entry in wanted {
      for key in ["devices", "missing", "how"] { #expect((entry[key] as? String)?.isEmpty == false, "\(entry)") }
    }
    let table = try CommandOutcome.hearthctl(["drivers", "--wanted"])
    #expect(table.status == 0 && table.out.contains("hearthctl capture DEVICE"))
  }
}
