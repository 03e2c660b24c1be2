// Round numbers, local midnights, and the zones between a plan's limits.

import JSON
import Monitoring
import Readings
import Testing
import Zones

@testable import Reports

@Suite struct AxisTests {
  private func axis(_ values: [String], _ measure: Measure = .systolic) -> [String] {
    ValueAxis(values.compactMap { ExactDecimal($0) }, measure)?.ticks.map(\.description) ?? []
  }

  @Test func ticksAreRound() {
    #expect(axis(["90", "180"]) == ["80", "100", "120", "140", "160", "180", "200"])
    #expect(axis(["128"]) == ["110", "120", "130", "140", "150"])
    #expect(axis(["37.2", "39.1"], .temperature) == ["37.0", "37.5", "38.0", "38.5", "39.0", "39.5"])
    #expect(axis(["85", "96"], .spo2) == ["80", "85", "90", "95", "100"])
    #expect(axis(["3.0", "13.9"], .glucose) == ["2", "4", "6", "8", "10", "12", "14", "16"])
    #expect(axis([]) == [])
  }

  /// No value is outside, no axis is upside down, and there are never many ticks.
  @Test func everyValueLiesOnTheAxis() {
    var state: UInt64 = 7
    func roll() -> Int64 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int64(state >> 40)
    }
    for measure in Measure.allCases {
      for _ in 0..<200 {
        let places = Int8(-(roll() % 4))
        let values = (0..<(1 + roll() % 5)).map { _ in ExactDecimal(roll() % 100_000, exponent: places) }
        guard let axis = ValueAxis(values, measure) else { continue }
        #expect(axis.high > axis.low)
        #expect((2...12).contains(axis.ticks.count))
        for value in values {
          #expect((-0.001...1.001).contains(axis.share(ValueAxis.number(value))), "\(values) \(measure)")
        }
      }
    }
    #expect(ValueAxis([ExactDecimal(Int64.max, exponent: 120)], .weight) == nil)
  }

  @Test func daysBeginAtTheLocalMidnightAlsoWhenClocksChange() throws {
    let clock = LocalClock(zone: oslo, name: "Europe/Oslo")
    func at(_ text: String) throws -> Int64 { try #require(ISO8601.instant(text)).milliseconds }
    let words = Words(.bokmal)
    let ticks = clock.ticks(from: try at("2026-10-24T00:00:00+02:00"), to: try at("2026-10-27T00:00:00+01:00"), words)
    #expect(ticks.map(\.label) == ["lø. 24. okt.", "sø. 25. okt.", "ma. 26. okt."])
    // 24 hours, then 25.
    #expect(zip(ticks, ticks.dropFirst()).map { ($1.at - $0.at) / 3_600_000 } == [24, 25])
    // The hour that comes twice says which one it is.
    #expect(clock.time(try at("2026-10-25T02:30:00+02:00")) == "02:30 (+02:00)")
    #expect(clock.time(try at("2026-10-25T02:30:00+01:00")) == "02:30 (+01:00)")
    #expect(clock.time(try at("2026-10-25T03:30:00+01:00")) == "03:30")
    // 23 hours in spring.
    let spring = clock.ticks(from: try at("2026-03-28T00:00:00+01:00"), to: try at("2026-03-31T00:00:00+02:00"), words)
    #expect(zip(spring, spring.dropFirst()).map { ($1.at - $0.at) / 3_600_000 } == [24, 23])
    #expect(clock.days(from: try at("2026-10-23T00:00:00+02:00"), to: try at("2026-11-21T10:40:00+01:00")) == 30)
  }

  @Test func ticksFitTheLengthOfThePeriod() throws {
    let clock = LocalClock(zone: oslo, name: "Europe/Oslo")
    let words = Words(.english)
    let end = try #require(ISO8601.instant("2026-11-22T00:00:00+01:00")).milliseconds
    func labels(_ days: Int) -> [String] {
      clock.ticks(from: clock.midnight(end - 1, addingDays: 1 - days), to: end, words).compactMap(\.label)
    }
    #expect(labels(1) == ["Sat 21 Nov", "06:00", "12:00", "18:00"])
    #expect(labels(30) == ["Mon 26 Oct", "Mon 2 Nov", "Mon 9 Nov", "Mon 16 Nov"])
    #expect(labels(56) == ["1 Oct", "15 Oct", "1 Nov", "15 Nov"])
    #expect(labels(366).count == 12 && labels(366).contains("Jan 2026"))
  }

  @Test func zonesLieBetweenTheLimits() {
    func limit(_ zone: Zone, _ bounds: (ZoneLimit.Comparison, String)...) -> ZoneLimit {
      ZoneLimit(zone, bounds.compactMap { bound in ExactDecimal(bound.1).map { .init(bound.0, $0) } })
    }
    let copd = ZoneBand.all([
      limit(.red, (.lessThan, "85")), limit(.yellow, (.lessThan, "88")), limit(.green, (.atMost, "92")),
      limit(.yellow, (.greaterThan, "96")),
    ])
    #expect(copd.map(\.zone) == [.red, .yellow, .green, .yellow])
    #expect(copd.map { $0.text { "\($0)" } } == ["< 85", "85–88", "88–96", "> 96"])
    // The order of the file does not matter, and two rules over one value join.
    let pulse = ZoneBand.all([
      limit(.yellow, (.lessThan, "50")), limit(.red, (.atMost, "40")), limit(.red, (.atLeast, "131")),
    ])
    #expect(
      pulse.map { "\($0.zone) \($0.text { "\($0)" })" } == ["red ≤ 40", "yellow 40–50", "green 50–131", "red ≥ 131"])
    // A zone between two limits, narrower than one.
    let between = ZoneBand.all([limit(.yellow, (.atLeast, "37.5"), (.lessThan, "37.6"))])
    #expect(between.map(\.zone) == [.green, .yellow, .green])
    #expect(ZoneBand.all([]).isEmpty)
  }

  @Test func anEdgeOfSeveralRulesBelongsToItsBand() {
    func limit(_ zone: Zone, _ comparison: ZoneLimit.Comparison, _ value: Int64) -> ZoneLimit {
      ZoneLimit(zone, [.init(comparison, ExactDecimal(value))])
    }
    let low = ZoneBand.all(rules: [
      [limit(.red, .lessThan, 85), limit(.yellow, .lessThan, 88)],
      [limit(.red, .atMost, 80), limit(.yellow, .lessThan, 84)],
    ])
    #expect(low.map { $0.text { "\($0)" } } == ["< 85", "85–88", "≥ 88"])
    let high = ZoneBand.all(rules: [[limit(.red, .greaterThan, 180)], [limit(.red, .atLeast, 200)]])
    #expect(high.map { $0.text { "\($0)" } } == ["≤ 180", "> 180"])
    let both = ZoneBand.all(rules: [[limit(.red, .atMost, 84)], [limit(.red, .lessThan, 70)]])
    #expect(both.map { $0.text { "\($0)" } } == ["≤ 84", "> 84"])
  }

  @Test func aLineOfBlocksShowsDaysZonesAndSilence() throws {
    var story = Story()
    story.from = "2026-11-15T00:00:00+01:00"
    story.until = "2026-11-21T09:00:00+01:00"
    for (day, value) in [(15, "120"), (16, "130"), (17, "165"), (18, "185"), (20, "120")] {
      let zone = value == "185" ? "red" : value == "165" ? "yellow" : "green"
      story.add(
        "2026-11-\(day)T08:00:00+01:00", [("bp.systolic", value)], zone: zone,
        rule: zone == "green" ? nil : "bp.extreme")
    }
    let line = try #require(try story.picture().sparklines(columns: 7).first)
    #expect(String(line.cells.map(\.block)) == "▁▂▆█ ▁ ")
    #expect(String(line.cells.map(\.sign)) == "  ▲◆   ")
    #expect(line.last == "120\u{A0}mmHg" && line.zone == "grønn" && line.when == "20. nov. 08:00")
    #expect(line.spread == "5 målinger, 120 – 185\u{A0}mmHg")
  }
}
