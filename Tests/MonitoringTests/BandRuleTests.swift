// The band rule: zones worst first, hysteresis, confirmation by repeat. Numbers from published practice: COPD target 88–92 %,
// home blood pressure extremes 180/90.

import Monitoring
import Readings
import Testing

private func decimal(_ text: String) -> ExactDecimal { ExactDecimal(text) ?? .zero }

private func reading(
  _ term: Term, _ value: String, at minute: Int64 = 0, flags: [ReadingFlag] = [], receivedAt: Int64? = nil
) -> Reading {
  let time = Timestamp(milliseconds: minute * 60_000, offsetSeconds: 0)
  return Reading(
    id: ReadingID(high: 1, low: UInt64(bitPattern: minute)), kind: .bloodPressure,
    observations: [Observation(term, .value(decimal(value)), unit: term.unit)], flags: flags, takenAt: time,
    timeQuality: .device, deviceTime: nil,
    receivedAt: receivedAt.map { Timestamp(milliseconds: $0, offsetSeconds: 0) } ?? time,
    user: nil, patient: "p", device: DeviceIdentity(id: "d", transport: .ble), evaluation: nil,
    raw: RawSource(source: "t", octets: []))
}

private func plan(_ band: BandRule) -> Plan {
  Plan(patient: "p", version: 7, liveWindow: 7_200_000, rules: [Rule(id: "r", kind: band)])
}

private let copd = BandRule(
  measure: .spo2,
  zones: [
    ZoneLimit(.red, [.init(.lessThan, decimal("85"))]), ZoneLimit(.yellow, [.init(.lessThan, decimal("88"))]),
    ZoneLimit(.green, [.init(.atMost, decimal("92"))]), ZoneLimit(.yellow, [.init(.greaterThan, decimal("96"))]),
  ], hysteresis: decimal("1"))

private let pressure = BandRule(
  measure: .systolic,
  zones: [ZoneLimit(.red, [.init(.atLeast, decimal("180"))]), ZoneLimit(.red, [.init(.lessThan, decimal("90"))])],
  hysteresis: decimal("5"), confirm: Confirmation(count: 2, within: 300_000))

@Suite struct BandRuleTests {
  @Test(arguments: [
    ("84", Zone.red), ("85", .yellow), ("87.9", .yellow), ("88", .green), ("92", .green), ("94", .green),
    ("96", .green), ("96.1", .yellow),
  ])
  func zonesAreTestedWorstFirst(value: String, zone: Zone) {
    var state = PatientState()
    #expect(Monitor.judge(reading(.spo2, value), by: plan(copd), state: &state, now: 0).evaluation.zone == zone)
  }

  @Test func aZoneIsLeftOnlyPastTheLimitByTheHysteresis() {
    var state = PatientState()
    let zones = ["84", "85.5", "86", "87", "88.5", "89"].enumerated().map { minute, value in
      Monitor.judge(reading(.spo2, value, at: Int64(minute)), by: plan(copd), state: &state, now: 0).evaluation.zone
    }
    // Red below 85 is left at 86, yellow below 88 at 89.
    #expect(zones == [.red, .red, .yellow, .yellow, .yellow, .green])
  }

  @Test func theFirstReadingOutOfBandAsksForARepeatAndTheSecondRaises() {
    var state = PatientState()
    let first = Monitor.judge(reading(.systolic, "190"), by: plan(pressure), state: &state, now: 0)
    #expect(first.events.map(\.kind) == [.repeatRequested])
    #expect(first.evaluation.rules.map(\.state) == ["pending"])
    let second = Monitor.judge(reading(.systolic, "186", at: 3), by: plan(pressure), state: &state, now: 180_000)
    #expect(second.events.map(\.kind) == [.raised])
    #expect(second.events.first?.zone == .red)
    #expect(second.events.first?.planVersion == 7)
  }

  @Test func aNormalRepeatClearsWithoutANotification() {
    var state = PatientState()
    _ = Monitor.judge(reading(.systolic, "190"), by: plan(pressure), state: &state, now: 0)
    let second = Monitor.judge(reading(.systolic, "130", at: 2), by: plan(pressure), state: &state, now: 120_000)
    #expect(second.events.isEmpty)
    #expect(second.evaluation.zone == .green)
    // What stays is that a repeat was asked for: not again within an hour (plans-2, 3.3).
    #expect(
      state.rules["r"]?.phase == .normal && state.rules["r"]?.ask == nil && state.rules["r"]?.told.isEmpty == true)
    #expect(Monitor.nextExpiry(plan(pressure), state: state, now: 120_000) == nil)
  }

  @Test func noRepeatInTimeIsRaisedYellowNeverDropped() {
    var state = PatientState()
    _ = Monitor.judge(reading(.systolic, "190"), by: plan(pressure), state: &state, now: 0)
    #expect(Monitor.nextExpiry(plan(pressure), state: state, now: 0) == 300_000)
    #expect(Monitor.expire(plan(pressure), state: &state, now: 299_999).isEmpty)
    let events = Monitor.expire(plan(pressure), state: &state, now: 300_000)
    #expect(events.map(\.kind) == [.unconfirmed])
    #expect(events.map(\.zone) == [.yellow])
    #expect(Monitor.expire(plan(pressure), state: &state, now: 900_000).isEmpty)
  }

  @Test func aRaisedRuleIsToldOnceAndClearedOnce() {
    var state = PatientState()
    var kinds: [MonitoringEvent.Kind] = []
    for (minute, value) in ["190", "191", "192", "193", "176", "174", "130"].enumerated() {
      let outcome = Monitor.judge(
        reading(.systolic, value, at: Int64(minute)), by: plan(pressure), state: &state, now: Int64(minute) * 60_000)
      kinds += outcome.events.map(\.kind)
    }
    #expect(kinds == [.repeatRequested, .raised, .cleared])
  }

  @Test func anImmediateRuleRaisesAtOnceAndStillAsks() {
    var band = pressure
    band.isImmediate = true
    var state = PatientState()
    let outcome = Monitor.judge(reading(.systolic, "200"), by: plan(band), state: &state, now: 0)
    #expect(outcome.events.map(\.kind) == [.raised, .repeatRequested])
  }

  @Test func aDoubtfulReadingIsNeverRedAlone() {
    var state = PatientState()
    let outcome = Monitor.judge(
      reading(.systolic, "200", flags: [.bodyMovement, .questionable]), by: plan(pressure), state: &state, now: 0)
    #expect(outcome.evaluation.zone == .yellow)
  }

  @Test(arguments: [ReadingFlag.demonstration, .testData, .controlSolution])
  func whatIsNoPatientsValueIsNotJudged(flag: ReadingFlag) {
    var state = PatientState()
    let outcome = Monitor.judge(reading(.systolic, "200", flags: [flag]), by: plan(pressure), state: &state, now: 0)
    #expect(outcome.evaluation.zone == nil)
    #expect(outcome.events.isEmpty)
    // Its absence from the rules is told (plans-2, 9).
    #expect(outcome.evaluation.notJudged.map(\.because) == ["test"])
    #expect(state.rules["r"]?.notJudged?.because == .test)
    #expect(state.rules.values.allSatisfy { $0.phase == .normal && $0.ask == nil })
  }

  /// plans-2, 1.2: outside the gate. It is asked about at once, and only the built-in rule tells of it.
  @Test func aValueThatNobodyHasIsAskedAbout() {
    var state = PatientState()
    let outcome = Monitor.judge(reading(.systolic, "281"), by: plan(pressure), state: &state, now: 0)
    #expect(outcome.events.map(\.rule) == ["doubt.bp"])
    #expect(outcome.events.map(\.kind) == [.repeatRequested])
    #expect(outcome.events.first?.zone == .yellow)
    #expect(outcome.evaluation.notJudged == [.init(rule: "r", because: "not-believable")])
    #expect(outcome.evaluation.zone == .yellow)
  }

  @Test func aReadingFromABacklogIsHistory() {
    var state = PatientState()
    let old = reading(.systolic, "200")
    let outcome = Monitor.judge(old, by: plan(pressure), state: &state, now: 7_200_001)
    #expect(outcome.evaluation.zone == .red)
    #expect(outcome.evaluation.rules.map(\.state) == ["history"])
    // Told once, as late and yellow, when nothing more comes; nobody is called, and the rule stays normal.
    #expect(outcome.events.isEmpty)
    #expect(state.isUnsettled)
    state.noteUnsettled(old)
    var history = PatientHistory()
    history.add(old)
    let events = Monitor.settle(plan(pressure), state: &state, history: history, now: 7_203_001)
    #expect(events.map(\.kind) == [.late])
    #expect(events.map(\.zone) == [.yellow])
    #expect(!state.isUnsettled)
    #expect(state.rules["r"]?.phase ?? .normal == .normal)
  }

  @Test func aValueThatNoRuleWatchesHasNoZone() {
    var state = PatientState()
    #expect(Monitor.judge(reading(.weight, "70"), by: plan(pressure), state: &state, now: 0).evaluation.zone == nil)
  }

  @Test func decimalsAreComparedAsDecimals() {
    let band = BandRule(measure: .temperature, zones: [ZoneLimit(.yellow, [.init(.greaterThan, decimal("38.0"))])])
    var state = PatientState()
    #expect(
      Monitor.judge(reading(.earTemperature, "38.00"), by: plan(band), state: &state, now: 0).evaluation.zone == .green)
    #expect(
      Monitor.judge(reading(.earTemperature, "38.01"), by: plan(band), state: &state, now: 0).evaluation.zone == .yellow
    )
  }
}
