// What a picture is told of rules beside their limits: when they are in force, and which of those that are gone told of differences.

import ControlProtocol
import JSON
import Ledger
import Monitoring
import Readings
import Testing
import Zones

@testable import GatewayCore

private let cuff = Cuff.device(users: [1: "p-1"])

@Suite struct PictureRuleTests {
  @Test func aPictureKnowsWhenARuleIsInForce() throws {
    var rule = Rule(
      id: "bp", kind: BandRule(measure: .systolic, zones: [ZoneLimit(.red, [.init(.lessThan, ExactDecimal(90))])]))
    rule.validTo = ISO8601.day("2026-11-29")
    rule.validFrom = ISO8601.day("2026-11-01")
    var plan = Plan(patient: "p-1", version: 12, liveWindow: 7_200_000, rules: [rule])
    plan.pauses = [
      Pause(from: try #require(ISO8601.day("2026-11-20")), to: try #require(ISO8601.day("2026-11-21")), rules: ["bp"]),
      Pause(from: try #require(ISO8601.day("2026-11-23")), to: try #require(ISO8601.day("2026-11-24"))),
    ]
    var hub = Hub(.with([cuff]), plans: [plan]).listening()
    let told = hub.result(.report(patient: "p-1", days: 3), uid: 501)["plan"]?["rules"]?.array?.first
    #expect(told?["valid_from"] == "2026-11-01" && told?["valid_to"] == "2026-11-29")
    #expect(told?["paused"] == [["from": "2026-11-20", "to": "2026-11-21"]])
  }

  @Test func aDifferenceOfARuleThatIsGoneIsKnown() {
    let day: Int64 = 86_400_000
    var history = PatientHistory()
    history.values[.weight] = .init(
      (0..<5).map { .init(time: 20_000 * day + $0 * day, id: UInt64($0), value: ExactDecimal(725, exponent: -1)) })
    func mark(_ rule: String, _ value: ExactDecimal, _ unit: UCUM = .kilogram) -> PatientHistory.Mark {
      var mark = PatientHistory.Mark(time: 20_004 * day, rule: rule, kind: .raised, zone: .red)
      (mark.value, mark.unit, mark.measure) = (value, unit, .weight)
      return mark
    }
    history.marks = [
      mark("gain", ExactDecimal(33, exponent: -1)), mark("loss", ExactDecimal(-28, exponent: -1)),
      mark("dry", ExactDecimal(6), .percent), mark("band", ExactDecimal(92)), mark("kept", ExactDecimal(2)),
    ]
    let kept = Rule(
      id: "kept",
      kind: BandRule(measure: .weight, zones: [ZoneLimit(.red, [.init(.lessThan, ExactDecimal(60))])]))
    let job = PictureJob(
      question: .report, patient: "p-1", plan: Plan(patient: "p-1", version: 1, liveWindow: day, rules: [kept]),
      history: history, zone: .utc, days: 7, now: 20_005 * day, head: JSONObject())
    #expect(job.goneDifferences == ["gain", "loss", "dry"])
    guard case .result(let answer) = job.run({ false }) else {
      Issue.record("no answer")
      return
    }
    #expect(answer["gone_rules"]?.array?.first == ["id": "dry", "kind": "delta"])
  }
}
