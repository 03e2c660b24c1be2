// What people are told is true of the value that it is told of.

import Readings
import Testing

@testable import Monitoring

private func band(_ hysteresis: Int64 = 0) -> Rule {
  Rule(
    id: "spo2",
    kind: BandRule(
      measure: .spo2, zones: [ZoneLimit(.red, [.init(.lessThan, ExactDecimal(90))])],
      hysteresis: ExactDecimal(hysteresis)))
}

private func event(_ kind: MonitoringEvent.Kind, _ change: (inout EventDetail) -> Void) -> MonitoringEvent {
  var event = MonitoringEvent(patient: "p", rule: "spo2", kind: kind, zone: .red, planVersion: 1)
  event.detail.unit = UCUM.percent.rawValue
  event.detail.measure = Measure.spo2.rawValue
  change(&event.detail)
  return event
}

@Suite struct PlanTextTests {
  @Test func aValueBeyondItsLimitIsSaidToBeSo() {
    let raised = event(.raised) { detail in
      (detail.value, detail.direction, detail.limit) = (ExactDecimal(88), .low, "lt 90")
    }
    let text = PlanText.sentence(band(), raised, .english)
    #expect(text.hasPrefix("Oxygen saturation: 88 %, lower than the limits of your plan."))
  }

  /// Hysteresis alone holds it: it is not lower than any limit.
  @Test func aValueThatHysteresisHoldsIsNotSaidToBeBeyond() {
    let raised = event(.raised) { detail in (detail.value, detail.direction) = (ExactDecimal(91), .low) }
    #expect(
      PlanText.sentence(band(5), raised, .english)
        .hasPrefix("Oxygen saturation: 91 %, still not clearly within the limits of your plan."))
    #expect(PlanText.sentence(band(5), raised, .bokmal).contains("fortsatt ikke klart innenfor"))
  }

  @Test func whatQuietHeldIsNotCalledOld() {
    let late = event(.late) { detail in
      (detail.value, detail.direction, detail.limit, detail.because) = (ExactDecimal(88), .low, "lt 90", "quiet")
    }
    #expect(PlanText.sentence(band(), late, .english).contains("measured in the quiet time"))
    let old = event(.late) { detail in (detail.value, detail.limit) = (ExactDecimal(88), "lt 90") }
    #expect(PlanText.sentence(band(), old, .english).contains("an older measurement"))
  }

  /// HI is a result: nobody is told to look at the device.
  @Test func beyondAllThatADeviceCanMeasureIsNoFaultOfTheDevice() {
    var asked = event(.repeatRequested) { $0.comparator = ">" }
    asked.detail.because = NotJudgedReason.notBelievable.rawValue
    let text = PlanText.sentence(DoubtRule.rule(.glucose), asked, .english)
    #expect(text.hasPrefix("Blood glucose: above what the device can measure. Please measure once more, and call"))
  }

  /// Remarks are said in the patient's words, in each language and of each event.
  @Test func remarksAreSaidInWords() {
    func rule(_ flags: [ReadingFlag]) -> Rule {
      Rule(id: "b", kind: BitsRule(readingKind: .bloodPressure, flags: flags, k: 2, of: 3, zone: .yellow))
    }
    let pulse = rule([.irregularPulse])
    for language in PlanLanguage.allCases {
      let words = PlanText.flag(.irregularPulse, language)
      for kind in [MonitoringEvent.Kind.raised, .cleared, .late, .acknowledged] {
        let text = PlanText.sentence(pulse, event(kind) { $0 = EventDetail() }, language)
        #expect(text.contains(words) && !text.contains("irregular-pulse"), "\(text)")
      }
      let gone = PlanText.sentence(pulse, event(.cleared) { $0.because = "paused" }, language)
      #expect(gone.contains(words), "\(gone)")
      let plan = PlanText.explain(pulse, language)
      #expect(plan.contains(words) && !plan.contains("irregular-pulse"), "\(plan)")
      let many = PlanText.sentence(
        rule([.questionable, .implausible, .bodyMovement, .cuffTooLoose]), event(.raised) { $0 = EventDetail() },
        language)
      #expect(!many.contains("-") && many.count < 160, "\(many)")
    }
    #expect(
      PlanText.sentence(pulse, event(.cleared) { $0 = EventDetail() }, .english)
        == "No longer in the latest measurements: irregular pulse.")
  }

  @Test(arguments: [("92.000", "92,0"), ("3.300", "3,3"), ("80", "80"), ("0.05", "0,05"), ("120.0", "120,0")])
  func numbersAreWrittenAsPeopleReadThem(number: String, text: String) throws {
    #expect(PlanWords(.bokmal).shown(try #require(ExactDecimal(number))) == text)
  }

  @Test func lengthsAreWrittenAsPeopleSayThem() {
    let (nb, en) = (PlanWords(.bokmal), PlanWords(.english))
    #expect(
      [60, 180, 1440, 30].map { nb.every($0 * 60_000) } == [
        "hver time", "hver 3. time", "hvert døgn", "hvert 30. minutt",
      ])
    #expect(
      [60, 180, 1440, 30].map { en.every($0 * 60_000) } == [
        "every hour", "every 3 hours", "every day", "every 30 minutes",
      ])
    #expect(nb.measurements(1) == "1 måling" && nb.measurements(2) == "2 målinger")
  }

  /// Every key that decides is in the words of those who set the plan.
  @Test func anExplanationNamesAllThatDecides() {
    var rule = band(2)
    (rule.validFrom, rule.validTo, rule.message) = (20_787, 20_790, "Call us.")
    (rule.retell, rule.afterAcknowledgement) = (Retelling(every: 3_600_000, times: 1), 86_400_000)
    let text = PlanText.explain(rule, .english)
    for part in [
      "red below 90 %", "Ends only 2 % inside the limit.", "In force from 2026-11-30.", "In force until 2026-12-03",
      "told again every hour, up to once", "told again after 1 day", "\"Call us.\"",
    ] { #expect(text.contains(part), "\(part) in \(text)") }
    let green = Rule(
      id: "t", kind: BandRule(measure: .temperature, zones: [ZoneLimit(.green, [.init(.atLeast, ExactDecimal(36))])]))
    #expect(PlanText.explain(green, .english).contains("nobody is told"))
    let score = ScoreRule(
      parts: [
        .init(
          measure: .spo2,
          points: [.init(points: 3, limit: ZoneLimit(.yellow, [.init(.atMost, ExactDecimal(91))]))])
      ], within: 1_800_000, zones: [ZoneLimit(.red, [.init(.atLeast, ExactDecimal(3))])])
    #expect(PlanText.explain(Rule(id: "s", kind: score), .english).contains("at most 91 %: 3"))
  }
}
