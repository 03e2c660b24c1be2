// Quiet periods, order and duplicates: nothing that is going on stays untold for ever, nothing is told twice.

import Monitoring
import Readings
import Testing

private func bounded(_ quiet: Int64) -> Rule {
  var rule = Practice.fever
  rule.quiet = quiet
  return rule
}

@Suite struct QuietStories {
  @Test func whatBeganInSilenceAndStillHoldsIsToldAfterwards() {
    var story = Story(Practice.plan([bounded(4 * Practice.hour)]), 2026, 2, from: "1 06:00")
    story.measure("1 08:00", [(.temperature, "38.5")])
    story.measure("1 09:00", [(.temperature, "37.0")])
    story.measure("1 10:00", [(.temperature, "38.5")])
    story.measure("1 13:00", [(.temperature, "38.5")])
    story.measure("1 14:00", [(.temperature, "38.5")])
    // At the end of the quiet, without a new reading (plans-2, 3.4).
    #expect(
      story.told == ["1 08:00 temp raised yellow", "1 09:00 temp cleared green", "1 12:00 temp raised yellow"])
  }

  /// Slots that are missed while it is quiet are told together when that is over.
  @Test func missedSlotsAreToldTogetherAfterTheQuiet() {
    var rule = Rule(
      id: "scale",
      kind: MissingRule(measure: .weight, schedule: .slots([DayHours(from: 420, to: 600)], days: []), zone: .yellow))
    rule.quiet = 3 * 24 * Practice.hour
    var story = Story(Practice.plan([rule]), 2026, 2, from: "1 06:00")
    story.end("5 12:00")
    // Missed on days 1 to 5: told at the end of the first slot, silent, and three more with the one that ends the quiet.
    #expect(story.told == ["1 10:00 scale missing yellow", "4 10:00 scale missing yellow x3"])
    story.measure("6 08:00", [(.weight, "80.0")])
    story.end("6 12:00")
    // What was told is over (plans-2, 3.4).
    #expect(story.told.last == "6 08:00 scale cleared green")
    story.end("7 12:00")
    // The fifth was held: count is of the slots since the last telling (plans-2, 3.4 and 4.6).
    #expect(story.told.last == "7 10:00 scale missing yellow x2")
  }

  @Test func aLongSilenceThatBeganInTheQuietIsToldAfterIt() {
    var rule = Rule(
      id: "child",
      kind: MissingRule(measure: .temperature, schedule: .interval(8 * Practice.hour), zone: .yellow))
    rule.quiet = 24 * Practice.hour
    var story = Story(Practice.plan([rule]), 2026, 2, from: "1 00:00")
    story.measure("1 00:00", [(.temperature, "37.0")])
    story.measure("1 09:00", [(.temperature, "37.0")])
    story.end("3 00:00")
    #expect(
      story.told.map { $0.split(separator: " ").dropFirst(2).joined(separator: " ") } == [
        "child missing yellow", "child cleared green", "child missing yellow",
      ])
    #expect(story.told.last?.hasPrefix("2 08:00") == true)
  }

  @Test func whatIsWorseThanWhatWasToldIsToldAtOnce() {
    var story = Story(Practice.plan([bounded(24 * Practice.hour)]), 2026, 2, from: "1 06:00")
    story.measure("1 08:00", [(.temperature, "38.5")])
    story.measure("1 09:00", [(.temperature, "37.0")])
    story.measure("1 10:00", [(.temperature, "39.5")])
    #expect(story.told.last == "1 10:00 temp raised red")
  }

  @Test func anOldReadingSilencesNoLiveOne() {
    var story = Story(Practice.plan([bounded(24 * Practice.hour)]), 2026, 2, from: "2 06:00")
    story.measure("1 08:00", [(.temperature, "39.5")], arrives: "2 08:00")
    story.measure("2 08:10", [(.temperature, "38.5")])
    #expect(story.told == ["2 08:00 temp late yellow", "2 08:10 temp raised yellow"])
  }

  @Test func anOlderReadingThatComesLaterEndsNothing() {
    var story = Story(Practice.plan([Practice.fever]), 2026, 2, from: "1 06:00")
    story.measure("1 09:00", [(.temperature, "39.5")])
    story.measure("1 08:30", [(.temperature, "37.0")], arrives: "1 09:01")
    story.end("1 09:02")
    #expect(story.told == ["1 09:00 temp raised red"])
  }

  @Test func anOlderReadingBeginsNothingThatANewerOneDenies() {
    var story = Story(Practice.plan([Practice.fever]), 2026, 2, from: "1 06:00")
    story.measure("1 09:00", [(.temperature, "37.0")])
    story.measure("1 08:30", [(.temperature, "39.5")], arrives: "1 09:01")
    story.end("1 09:02")
    #expect(story.told == ["1 09:01 temp late yellow"])
  }

  /// A glucose meter that says LO has measured less than it can tell.
  @Test func whatIsBelowAllThatADeviceCanMeasureIsBelowTheLimit() {
    let rule = Rule(
      id: "glu",
      kind: BandRule(
        measure: .glucose,
        zones: [Practice.limit(.red, .lessThan, "3.0"), Practice.limit(.yellow, .greaterThan, "13.9")]))
    func zone(_ reason: AbsentReason) -> Zone? {
      let time = Timestamp(milliseconds: 1_795_248_930_000, offsetSeconds: 0)
      let term = Term.glucoseCapillaryWholeBlood
      let reading = Reading(
        id: ReadingID(high: 1, low: 1), kind: .glucose,
        observations: [Observation(term, .absent(reason), unit: term.unit)],
        flags: [], takenAt: time, timeQuality: .device, deviceTime: nil, receivedAt: time, user: nil, patient: "p",
        device: DeviceIdentity(id: "d", transport: .ble), evaluation: nil, raw: RawSource(source: "t", octets: []))
      var state = PatientState()
      return Monitor.judge(
        reading, by: Practice.plan([rule]), state: &state, now: time.milliseconds
      ).evaluation.zone
    }
    #expect(zone(.negativeInfinity) == .red)
    #expect(zone(.positiveInfinity) == .yellow)
    #expect(zone(.notANumber) == nil)
  }
}
