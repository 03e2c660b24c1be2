// What ends with a plan: nothing that people were to hear of is lost with it.

import Readings
import Testing

@testable import Monitoring

private let now: Int64 = 1_795_248_930_000

private func finding(_ direction: Direction, _ zone: Zone, _ low: UInt64) -> Finding {
  var finding = Finding(
    Rank(zone, 1), direction: direction, value: .number(Ratio(ExactDecimal(215))),
    reading: ReadingID(high: 1, low: low), taken: now - 60_000)
  finding.raw = Rank(zone, 1)
  return finding
}

/// A rule that was told, and has something in quiet and something late that nobody has heard of.
private let untold: PatientState = {
  var rule = RuleState()
  rule.phase = .raised
  rule.current = finding(.high, .red, 1)
  var episode = RuleState.Episode(reading: ReadingID(high: 1, low: 1), since: now - 3_600_000)
  episode.noteRaised()
  rule.episode = episode
  rule.held = [.init(count: 3, worst: finding(.low, .red, 2), isUnconfirmed: false)]
  rule.lateDue = [finding(.high, .yellow, 3)]
  var state = PatientState()
  state.rules["bp"] = rule
  (state.plan, state.planVersion) = (plan.identity, plan.version)
  return state
}()

private let plan = Plan(
  patient: "p-1", version: 7, liveWindow: 7_200_000,
  rules: [
    Rule(id: "bp", kind: BandRule(measure: .systolic, zones: [ZoneLimit(.red, [.init(.atLeast, ExactDecimal(180))])]))
  ])

@Suite struct PlanAdoptionTests {
  private func told(_ events: [MonitoringEvent]) -> [String] {
    events.map { event in
      [
        event.rule, event.kind.rawValue, event.zone.rawValue, event.detail.because ?? "-", "\(event.count)",
        event.detail.valueZone?.rawValue ?? "-", event.detail.direction?.rawValue ?? "-", "\(event.reading?.low ?? 0)",
      ].joined(separator: " ")
    }
  }

  private let untoldOfBP = [
    "bp late yellow plan-changed 3 red low 2", "bp late yellow plan-changed 1 yellow high 3",
  ]

  @Test func whatIsUntoldIsToldWhenThePatientsPlanGoes() {
    var state = untold
    let events = Monitor.abandon("p-1", state: &state, now: now)
    #expect(told(events).first?.hasPrefix("bp cleared green plan-changed") ?? false)
    #expect(Array(told(events).dropFirst()) == untoldOfBP)
    #expect(events.allSatisfy { $0.patient == "p-1" && $0.planVersion == 7 })
    #expect(state.rules.isEmpty && state.plan == nil)
    #expect(Monitor.abandon("p-1", state: &state, now: now).isEmpty)
  }

  @Test func whatIsUntoldIsToldWhenARuleGoes() {
    var state = untold
    let next = Plan(patient: "p-1", version: 8, liveWindow: 7_200_000, rules: [])
    let events = Monitor.adopt(next, state: &state, history: PatientHistory(), now: now)
    #expect(told(events).first?.hasPrefix("bp cleared green plan-changed") ?? false)
    #expect(Array(told(events).dropFirst()) == untoldOfBP)
    #expect(state.rules.isEmpty)
  }
}
