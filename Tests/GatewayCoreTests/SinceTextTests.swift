// What a person writes behind --since: days and times by the hub's clock, also on days on which it changes.

import GatewayCore
import Testing
import Zones

@Suite struct SinceTextTests {
  /// 2026-10-25 10:00:00Z, a day of 25 hours in Oslo: 11:00 there.
  private let now: Int64 = 1_792_922_400_000

  private func text(_ since: String) throws -> String? {
    let oslo = try TimeZoneRules(tzif: TZif.fixed("CET-1CEST,M3.5.0,M10.5.0/3"))
    return SinceText.milliseconds(since, now: now, zone: oslo).map { ISO8601.text(milliseconds: $0, offsetSeconds: 0) }
  }

  @Test(arguments: [
    ("today", "2026-10-24T22:00:00+00:00"), ("yesterday", "2026-10-23T22:00:00+00:00"),
    ("2026-10-25", "2026-10-24T22:00:00+00:00"), ("2026-10-26", "2026-10-25T23:00:00+00:00"),
    ("2026-11-01 08:00", "2026-11-01T07:00:00+00:00"), ("2026-11-01T08:00", "2026-11-01T07:00:00+00:00"),
    ("2026-11-01 08:00:30", "2026-11-01T07:00:30+00:00"),
    // Shown twice: the first. Shown never: the moment after the change.
    ("2026-10-25 02:30", "2026-10-25T00:30:00+00:00"), ("2026-03-29 02:30", "2026-03-29T01:30:00+00:00"),
    ("2026-11-21T08:00:00+01:00", "2026-11-21T07:00:00+00:00"), ("2h", "2026-10-25T08:00:00+00:00"),
    ("7d", "2026-10-18T10:00:00+00:00"), ("1w", "2026-10-18T10:00:00+00:00"),
  ]) func aTextIsAnInstant(since: String, instant: String) throws { #expect(try text(since) == instant) }

  @Test(arguments: [
    ("2026-11-31", "since: there is no day 2026-11-31"), ("2026-02-29 08:00", "since: there is no day 2026-02-29"),
    ("2026-11-31T08:00:00+01:00", "since: there is no day 2026-11-31"),
    ("noon", "since: expected a date, a time or how long ago, found \"noon\""),
    ("2026-11-01 24:00", "since: expected a date, a time or how long ago, found \"2026-11-01 24:00\""),
    ("2026-11-311", "since: expected a date, a time or how long ago, found \"2026-11-311\""),
  ]) func aDayThatThereIsNotIsToldSo(since: String, words: String) {
    #expect(SinceText.complaint(since, of: "since") == words)
  }

  @Test(arguments: [
    "", "7", "h", "-1h", "noon", "Yesterday ", "2026-13-01", "2026-02-30", "2026-11-1", "01.11.2026", "11-01",
    "2026-11-01 24:00", "2026-11-01 8:00", "2026-11-01  8:00", "2026-11-01 08:00Z", "99999999d",
    "2026-11-01T08:00:00+99:00",
  ]) func otherTextIsNone(since: String) throws { #expect(try text(since) == nil) }
}
