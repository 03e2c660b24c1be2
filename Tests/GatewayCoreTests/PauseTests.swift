// Pauses of one rule: people hear that it does not judge, and what it would have said is not lost when the pause ends.

import ControlProtocol
import JSON
import Monitoring
import Readings
import Settings
import Testing

@testable import GatewayCore
@testable import Ledger

private let plan = Plan(
  patient: "p-1", version: 1, liveWindow: 7_200_000,
  rules: [
    Rule(id: "bp", kind: BandRule(measure: .systolic, zones: [ZoneLimit(.red, [.init(.atLeast, ExactDecimal(180))])]))
  ])

@Suite struct PauseTests {
  private func hub(_ plan: Plan = plan) -> Hub {
    var hub = Hub(.with([Cuff.device(patient: "p-1")]), plans: [plan]).listening()
    hub.sync()
    return hub
  }

  private func told(_ hub: Hub) -> [String] {
    hub.events.compactMap(\.monitoring).map { "\($0.kind.rawValue) \($0.detail.because ?? "-")" }
  }

  private func refused(_ hub: inout Hub) -> [String?] {
    (hub.result(.alerts(patient: nil))["not_judged"]?.array ?? []).map { $0["because"]?.string }
  }

  private func pause(_ hub: inout Hub) {
    _ = hub.result(.planPause(patient: "p-1", from: "2026-11-21", to: "2026-11-22", rules: ["bp"], note: ""))
    hub.sync()
  }

  private func resume(_ hub: inout Hub) {
    _ = hub.result(.planResume(patient: "p-1"))
    hub.sync()
    hub.pass(1)
    hub.sync()
  }

  private func measure(_ hub: inout Hub, _ systolic: UInt8, second: UInt8) {
    hub.send(.linkReceived(device: "cuff", Cuff.indication(systolic: systolic, second: second)))
    hub.sync()
    hub.pass(4000)
    hub.sync()
  }

  @Test func aRedOfAPauseIsToldWhenItIsEnded() {
    var hub = hub()
    pause(&hub)
    #expect(refused(&hub) == ["paused"])
    let words = hub.events.compactMap { event -> String? in
      if case .hub("plan.paused", let message, _) = event.content { message } else { nil }
    }
    #expect(words.first?.hasPrefix("bp of the plan of p-1") ?? false)
    measure(&hub, 190, second: 1)
    #expect(told(hub).isEmpty)
    resume(&hub)
    #expect(told(hub) == ["raised -"])
    #expect(refused(&hub).isEmpty)
  }

  @Test func whatStoodIsClearedAndRaisedAgain() {
    var hub = hub()
    measure(&hub, 190, second: 1)
    pause(&hub)
    #expect(told(hub) == ["raised -", "cleared paused"])
    resume(&hub)
    #expect(told(hub) == ["raised -", "cleared paused", "raised -"])
  }

  @Test func aValueThatIsInOrderIsToldNobody() {
    var hub = hub()
    pause(&hub)
    measure(&hub, 128, second: 1)
    resume(&hub)
    #expect(told(hub).isEmpty && refused(&hub).isEmpty)
  }

  /// Who looks hears of it at once, not with the next reading.
  @Test func rulesThatAreNotInForceAreNamedAtOnce() {
    var off = plan
    off.rules[0].isEnabled = false
    var disabled = hub(off)
    #expect(refused(&disabled) == ["disabled"])
    var later = plan
    // 2026-12-01.
    later.rules[0].validFrom = 20_788
    var notYet = hub(later)
    #expect(refused(&notYet) == ["not-yet"])
    var before = plan
    before.rules[0].validTo = 20_700
    var expired = hub(before)
    #expect(refused(&expired) == ["expired"])
    var all = hub()
    #expect(refused(&all).isEmpty)
  }
}
