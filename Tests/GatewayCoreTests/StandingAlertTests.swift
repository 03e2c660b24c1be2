// What is said of what is raised: the sentence that was told, whether anybody was asked again, what holds a telling back, when it is
// told again.

import ControlProtocol
import JSON
import Ledger
import Monitoring
import Readings
import Testing
import Zones

@testable import GatewayCore

private let cuff = Cuff.device(users: [1: "p-1"])

private func rule(asks: Bool = false, retell: Retelling? = nil) -> Rule {
  var rule = Rule(
    id: "bp",
    kind: BandRule(
      measure: .systolic,
      zones: [
        ZoneLimit(.red, [.init(.lessThan, ExactDecimal(90))]),
        ZoneLimit(.yellow, [.init(.lessThan, ExactDecimal(100))]),
        ZoneLimit(.red, [.init(.atLeast, ExactDecimal(180))]),
      ], confirm: asks ? Confirmation(count: 2, within: 300_000) : nil))
  rule.retell = retell
  return rule
}

/// A hub with one rule, to which a cuff said these pressures within a minute.
private func hub(_ rule: Rule, _ pressures: [(systolic: UInt8, diastolic: UInt8)]) -> Hub {
  var hub = Hub(
    .with([cuff]), plans: [Plan(patient: "p-1", version: 12, liveWindow: 7_200_000, rules: [rule])]
  ).listening()
  for (index, pressure) in pressures.enumerated() {
    hub.send(
      .linkReceived(
        device: "cuff",
        Cuff.indication(systolic: pressure.systolic, diastolic: pressure.diastolic, second: UInt8(index))))
    hub.sync()
  }
  return hub
}

@Suite struct StandingAlertTests {
  private func alert(_ hub: inout Hub, _ rule: String = "bp") -> JSONValue? {
    hub.result(.alerts(patient: nil))["alerts"]?.array?.first { $0["rule"]?.string == rule }
  }

  private func told(_ hub: Hub, _ kind: MonitoringEvent.Kind) -> String? {
    hub.events.last { $0.monitoring?.kind == kind }?.monitoring?.message
  }

  @Test(arguments: [(84, 60, "113"), (95, 60, "føler deg dårligere"), (190, 80, "113")] as [(UInt8, UInt8, String)])
  func theSentenceIsTheOneThatWasTold(systolic: UInt8, diastolic: UInt8, words: String) throws {
    var hub = hub(rule(), [(systolic, diastolic)])
    let message = try #require(alert(&hub)?["message"]?.string)
    #expect(message.contains("\(systolic) mmHg") && message.contains(words), "\(message)")
    #expect(message == told(hub, .raised))
    // The picture says the same, and an acknowledgement takes nothing away.
    _ = hub.ask(.acknowledge(patient: "p-1", rule: "bp", note: "", episode: nil), uid: 501)
    #expect(alert(&hub)?["message"]?.string == message && alert(&hub)?["state"] == "acknowledged")
    #expect(
      hub.result(.report(patient: "p-1", days: 3), uid: 501)["alerts"]?.array?.first?["message"]?.string == message)
  }

  @Test func whatCannotBeRightNamesItsValue() throws {
    var hub = hub(rule(), [(60, 55)])
    let message = try #require(alert(&hub, "doubt.bp")?["message"]?.string)
    #expect(message.contains("60 mmHg") && message == told(hub, .repeatRequested), "\(message)")
  }

  @Test func aRepeatThatNobodyWasAskedForIsSaidSo() {
    var asked = hub(rule(asks: true), [(190, 80)])
    #expect(alert(&asked)?["state"] == "pending" && alert(&asked)?["repeat_asked"]?.bool == true)
    // Asked, answered by a sound value, and again within the hour.
    var again = hub(rule(asks: true), [(190, 80), (128, 80), (190, 80)])
    let waiting = alert(&again)
    #expect(waiting?["state"] == "pending" && waiting?["repeat_asked"]?.bool == false && waiting?["told_at"] == nil)
    #expect(waiting?["repeat_until"] != nil)
  }

  @Test func whatHoldsATellingBackIsNamed() {
    let up: (UInt8, UInt8) = (190, 80)
    let fine: (UInt8, UInt8) = (128, 80)
    var flapping = hub(rule(), [up, fine, up, fine, up, fine, up])
    #expect(alert(&flapping)?["held"] == 1 && alert(&flapping)?["held_by"] == "flapping")
    #expect(alert(&flapping)?["held_until"]?.string == "2026-11-21T09:15:30+00:00")
    var quiet = rule()
    quiet.quiet = 4 * 3_600_000
    var silent = hub(quiet, [up, fine, up])
    #expect(alert(&silent)?["held"] == 1 && alert(&silent)?["held_by"] == "quiet")
    #expect(alert(&silent)?["held_until"]?.string == "2026-11-21T12:15:30+00:00")
    // Twice what cannot be right, a sound one, and twice again.
    var doubt = hub(rule(), [(60, 55), (100, 95), fine, (150, 145), (200, 196)])
    #expect(alert(&doubt, "doubt.bp")?["held"] == 1 && alert(&doubt, "doubt.bp")?["held_by"] == "doubt")
  }

  @Test func whenItIsToldAgainIsSaid() {
    var hub = hub(rule(retell: Retelling(every: 1_800_000, times: 3)), [(190, 80)])
    #expect(alert(&hub)?["repeat_at"]?.string == "2026-11-21T08:45:30+00:00")
    var never = StandingAlertTests.yellow
    #expect(alert(&never)?["state"] == "raised" && alert(&never)?["repeat_at"] == nil)
  }

  private static var yellow: Hub { hub(rule(retell: Retelling(every: 1_800_000, times: 3)), [(95, 60)]) }
}
