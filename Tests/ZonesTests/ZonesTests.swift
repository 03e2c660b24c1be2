// Zones against Python's zoneinfo, civil time against itself, text both ways.

import Foundation
import Testing
import Zones

private let fixtures = Bundle.module.resourceURL?.appending(path: "Fixtures")

private func rules(_ name: String) throws -> TimeZoneRules {
  let file = try #require(fixtures).appending(path: name.replacingOccurrences(of: "/", with: "_") + ".tzif")
  return try TimeZoneRules(tzif: [UInt8](Data(contentsOf: file)))
}

private func civil(_ y: Int, _ m: Int, _ d: Int, _ h: Int = 0, _ min: Int = 0, _ s: Int = 0) throws -> CivilTime {
  try #require(CivilTime(year: y, month: m, day: d, hour: h, minute: min, second: s))
}

/// The same seed, the same numbers.
private struct Steps: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return state ^ (state >> 29)
  }
}

@Suite struct ZonesTests {
  @Test func offsetsAreThoseOfZoneinfo() throws {
    let text = try String(contentsOf: try #require(fixtures).appending(path: "offsets.txt"), encoding: .utf8)
    var compared = 0
    for line in text.split(separator: "\n") {
      let parts = line.split(separator: " ")
      let zone = try rules(String(parts[0]))
      for sample in parts.dropFirst() {
        let pair = sample.split(separator: ":").compactMap { Int64($0) }
        let local = zone.local(at: pair[0])
        if local.offset != Int(pair[1]) { Issue.record("\(parts[0]) at \(pair[0]): \(local.offset), not \(pair[1])") }
        // And back: the civil time names this instant.
        let time = CivilTime(seconds: pair[0] + pair[1])
        switch zone.instants(of: time) {
        case .one(let instant):
          if instant != pair[0] { Issue.record("\(parts[0]): \(time) is \(instant), not \(pair[0])") }
        case .fold(let first, let second):
          if first != pair[0], second != pair[0] { Issue.record("\(parts[0]): a fold without \(pair[0])") }
        case .gap: Issue.record("\(parts[0]): a gap at \(pair[0])")
        }
        compared += 1
      }
    }
    #expect(compared > 5000)
  }

  /// A steady time holds its instant, and its clocks show one offset from end to end.
  @Test func clocksDoNotChangeInASteadyTime() throws {
    let names = try FileManager.default.contentsOfDirectory(atPath: try #require(fixtures).path)
      .filter { $0.hasSuffix(".tzif") }.map { String($0.dropLast(5)) }
    var dice = Steps(state: 13)
    var days = Int64(0)
    for zone in try names.map(rules) + [.utc] {
      for _ in 0..<400 {
        let seconds = Int64.random(in: -3_000_000_000...6_000_000_000, using: &dice)
        let steady = zone.steady(at: seconds)
        guard steady.from <= seconds, seconds < steady.to else {
          Issue.record("\(seconds) is not in \(steady)")
          continue
        }
        let (first, last) = (max(steady.from, seconds - 40_000_000), min(steady.to - 1, seconds + 40_000_000))
        for moment in [first, last, seconds] + (0..<8).map({ _ in Int64.random(in: first...last, using: &dice) }) {
          let offset = Int64(zone.local(at: moment).offset)
          if offset != steady.offset { Issue.record("\(moment): \(offset), not that of \(steady)") }
        }
        days += (last - first) / 86_400
      }
      let beyond = zone.steady(at: 300_000_000_000)
      #expect(beyond.offset == Int64(zone.local(at: 300_000_000_000).offset))
    }
    #expect(days > 400 * 100, "it is no short time")
  }

  /// At every recorded change: what clocks jumped over is a gap and moves on by its length, what they showed twice is a fold.
  @Test func everyChangeIsAGapOrAFold() throws {
    let text = try String(contentsOf: try #require(fixtures).appending(path: "offsets.txt"), encoding: .utf8)
    var (gaps, folds) = (0, 0)
    for line in text.split(separator: "\n") {
      let parts = line.split(separator: " ")
      let zone = try rules(String(parts[0]))
      let samples = parts.dropFirst().map { $0.split(separator: ":").compactMap { Int64($0) } }
      for (last, next) in zip(samples, samples.dropFirst()) where last[0] + 1 == next[0] && last[1] != next[1] {
        let (at, before, after) = (next[0], last[1], next[1])
        let shown = min(before, after)..<max(before, after)
        for offset in [shown.lowerBound, (shown.lowerBound + shown.upperBound) / 2, shown.upperBound - 1] {
          let time = CivilTime(seconds: at + offset)
          let expected: TimeZoneRules.Instants =
            after > before
            ? .gap(shifted: at + offset - before) : .fold(first: at + offset - before, second: at + offset - after)
          if zone.instants(of: time) != expected { Issue.record("\(parts[0]): \(time)") }
        }
        if after > before { gaps += 1 } else { folds += 1 }
        for offset in [shown.lowerBound - 1, shown.upperBound] {
          guard case .one = zone.instants(of: CivilTime(seconds: at + offset)) else {
            Issue.record("\(parts[0]): beside \(at)")
            continue
          }
        }
      }
    }
    #expect(gaps > 500 && folds > 500)
  }

  @Test func theHourThatComesTwiceAndTheHourThatNeverCame() throws {
    let oslo = try rules("Europe/Oslo")
    // 2026-10-25 03:00 CEST becomes 02:00 CET; 2026-03-29 02:00 CET becomes 03:00 CEST.
    #expect(oslo.instants(of: try civil(2026, 10, 25, 2, 30)) == .fold(first: 1_792_888_200, second: 1_792_891_800))
    let first = oslo.resolve(try civil(2026, 10, 25, 2, 30), received: 1_792_888_300_000)
    #expect(first.seconds == 1_792_888_200 && first.isAmbiguous)
    let second = oslo.resolve(try civil(2026, 10, 25, 2, 30), received: 1_792_891_900_000)
    #expect(second.seconds == 1_792_891_800 && second.isAmbiguous)
    let gap = oslo.resolve(try civil(2026, 3, 29, 2, 30), received: 0)
    #expect(gap.isAmbiguous)
    #expect(
      CivilTime(seconds: gap.seconds + Int64(oslo.local(at: gap.seconds).offset)) == (try civil(2026, 3, 29, 3, 30)))
  }

  @Test func brokenFilesAreErrors() throws {
    let file = try #require(fixtures).appending(path: "Europe_Oslo.tzif")
    let octets = [UInt8](try Data(contentsOf: file))
    for end in stride(from: 0, to: octets.count, by: 7) {
      #expect(throws: (any Error).self) { try TimeZoneRules(tzif: Array(octets[..<end])) }
    }
    for index in octets.indices {
      var changed = octets
      changed[index] ^= 0xFF
      if let zone = try? TimeZoneRules(tzif: changed) { _ = zone.local(at: 1_795_248_930) }
    }
  }

  @Test(arguments: ["Europe/Oslo", "America/Argentina/Buenos_Aires", "Etc/GMT+5", "UTC"])
  func goodNames(name: String) { #expect(TimeZoneRules.isValidName(name)) }
  @Test(arguments: [
    "", "/etc/passwd", "../shadow", "Europe/../Oslo", "Europe//Oslo", ".hidden", "Europe/Oslo\u{0}", "a b",
  ])
  func badNames(name: String) { #expect(!TimeZoneRules.isValidName(name)) }

  @Test func civilTimeIsItselfOverTheWholeRange() throws {
    for seconds in stride(from: Int64(-62_135_596_800), to: 253_402_300_799, by: 86_399 * 977) {
      #expect(CivilTime(seconds: seconds).seconds == seconds)
    }
    #expect(try civil(1970, 1, 1).dayOfWeek == 4)
    #expect(try civil(2026, 11, 21).dayOfWeek == 6)
    #expect(CivilTime(year: 2025, month: 2, day: 29) == nil)
    #expect(CivilTime(year: 2024, month: 2, day: 29) != nil)
    #expect(CivilTime(year: 2100, month: 2, day: 29) == nil)
    #expect(CivilTime(year: 0, month: 1, day: 1) == nil)
  }

  @Test(arguments: [
    ("2026-11-21T08:15:30+01:00", Int64(1_795_245_330_000), Int32(3600)),
    ("2026-11-21T08:15:33.120+01:00", 1_795_245_333_120, 3600),
    ("1969-12-31T23:59:59.999+00:00", -1, 0), ("2026-11-21T02:45:00-03:30", 1_795_241_700_000, -12_600),
  ])
  func instantsAsText(text: String, milliseconds: Int64, offset: Int32) {
    #expect(ISO8601.text(milliseconds: milliseconds, offsetSeconds: offset) == text)
    #expect(ISO8601.instant(text)?.milliseconds == milliseconds)
    #expect(ISO8601.instant(text)?.offsetSeconds == offset)
  }

  @Test(arguments: [
    "", "2026-11-21", "2026-11-21T08:15:30", "2026-13-21T08:15:30Z", "2026-11-21T24:15:30Z", "2026-11-21T08:15:30.Z",
    "2026-11-21T08:15:30+1:00", "2026-11-21T08:15:30+01:00x", "2026-02-30T00:00:00Z",
  ])
  func whatIsNoInstant(text: String) { #expect(ISO8601.instant(text) == nil) }
}
