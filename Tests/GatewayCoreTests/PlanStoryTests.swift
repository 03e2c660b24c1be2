// The stories of plan language 2 are told by the gateway as they are written: every event, and nothing else.

import Foundation
import GatewayCore
import JSON
import Monitoring
import Testing
import Zones

/// A story of a file.
struct StoryCase: Sendable, CustomTestStringConvertible {
  let id: String
  let text: String
  var testDescription: String { id }

  /// The stories of a file under Fixtures.
  static func all(_ name: String) -> [StoryCase] {
    guard let url = Bundle.module.url(forResource: "Fixtures/\(name)", withExtension: "jsonl"),
      let text = try? String(contentsOf: url, encoding: .utf8)
    else { return [] }
    return text.split(separator: "\n").map { line in
      let id = (try? JSONReader.configuration.node(Array(line.utf8)))?.value["id"]?.string
      return StoryCase(id: id ?? "a line that cannot be read", text: String(line))
    }
  }

  /// Plays the story through the gateway.
  func play() throws -> (story: PlanStory, result: RehearsalResult) {
    let node = try JSONReader.configuration.node(Array(text.utf8))
    let story = try PlanStory(node, number: 1) { $0 == "Europe/Oslo" ? StoryZone.oslo : $0 == "UTC" ? .utc : nil }
    return (story, Rehearsal.play(story))
  }
}

extension JSONReader {
  fileprivate static let configuration = JSONReader(dialect: .configuration, maximumSize: 1 << 20)
}

enum StoryZone {
  /// `Europe/Oslo` as a zone file without transitions: the rule of its footer holds always.
  static let oslo: TimeZoneRules = {
    let header =
      Array("TZif2".utf8) + [UInt8](repeating: 0, count: 31) + [0, 0, 0, 1, 0, 0, 0, 4]
    let block: [UInt8] = [0, 0, 0x0E, 0x10, 0, 0] + Array("CET\0".utf8)
    let octets = header + block + header + block + Array("\nCET-1CEST,M3.5.0,M10.5.0/3\n".utf8)
    return (try? TimeZoneRules(tzif: octets)) ?? .utc
  }()
}

@Suite struct PlanStoryTests {
  @Test func theFilesAreThere() {
    #expect(StoryCase.all("stories").count == 38)
    #expect(StoryCase.all("findings").count == 35)
    #expect(StoryCase.all("principles").count == 3)
    #expect(StoryCase.all("sections").count == 199)
    #expect(StoryZone.oslo != .utc)
  }

  @Test(arguments: StoryCase.all("stories")) func aStoryIsToldAsItIsWritten(item: StoryCase) throws {
    try expectAsWritten(item)
  }

  /// What version 1 kept silent, and what it told too often.
  @Test(arguments: StoryCase.all("findings")) func aFindingOfVersionOneIsToldAsItIsWritten(item: StoryCase) throws {
    try expectAsWritten(item)
  }

  /// Sentence by sentence: each story says which one of the language it holds the gateway to.
  @Test(arguments: StoryCase.all("sections")) func aSentenceOfTheLanguageIsKept(item: StoryCase) throws {
    try expectAsWritten(item)
  }

  /// Smallest cases of what random stories found.
  @Test(arguments: StoryCase.all("principles")) func aCaseOfTheRandomStoriesIsToldAsItIsWritten(item: StoryCase) throws
  {
    try expectAsWritten(item)
  }

  /// P4: at most 27 tellings a day of what is no worse than told, whatever the plan says.
  @Test func tellingAgainIsBounded() throws {
    let spo2 = ["08:00", "10:00", "12:00", "14:00"].flatMap { time in
      let over = time.replacing(":00", with: ":59")
      return [("2026-11-24T\(time)", "84"), ("2026-11-24T\(over)", "95")]
    }
    let readings = spo2.map { #"{"t": "\#($0.0):30", "kind": "pulse-oximetry", "values": {"spo2": "\#($0.1)"}}"# }
    let text =
      #"{"plan": {"patient": "p", "version": 1, "timezone": "Europe/Oslo", "rules": [{"id": "o2", "kind": "band", "measure": "spo2", "zones": [{"red": {"lt": "88"}}], "retell": {"every": "PT5M", "times": 12}}]}, "readings": [\#(readings.joined(separator: ","))], "now": "2026-11-24T20:00"}"#
    let told = try StoryCase(id: "retell", text: text).play().result.told.filter { $0.event.kind == .raised }
    #expect(told.count > 12)
    #expect(told.count - 1 <= 27)
  }

  private func expectAsWritten(_ item: StoryCase) throws {
    let (story, result) = try item.play()
    #expect(story.expected != nil)
    for expected in result.missing { Issue.record("\(item.id): not told: \(expected.text.text)") }
    for index in result.unexpected {
      let told = result.told[index]
      Issue.record("\(item.id): told beside what is written: \(story.local(told.at)) \(told.json.text)")
    }
    #expect(result.isAsExpected)
    #expect(story.warnings.isEmpty && result.remarks.isEmpty, "\(story.warnings + result.remarks)")
  }
}
