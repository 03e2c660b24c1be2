// Many hubs that come back together: they do not arrive together, all are drained not much later than the server alone would need,
// and nothing is lost on the way. `hearth-bench --only fleet` rehearses ten thousand of them.

import Testing
import hearth_bench

@Suite struct FleetTests {
  private func run(_ change: (inout Fleet.Scenario) -> Void) -> Fleet {
    var scenario = Fleet.Scenario()
    change(&scenario)
    var fleet = Fleet(scenario)
    fleet.run()
    // Whatever happened: everything is there, and known to be there. Fresh readings go first; a busy server may take a batch of
    // the past before them.
    #expect(fleet.drained == scenario.hubs)
    #expect(fleet.lost == 0)
    #expect(fleet.accepted == scenario.hubs * Int(Fleet.old + Fleet.fresh))
    #expect(fleet.pastBeforeFresh.prefix(2).reduce(0, +) > scenario.hubs * 9 / 10)
    #expect(fleet.served.max() ?? 0 <= scenario.rate)
    return fleet
  }

  /// Half more than the least time, and half a minute in which the last one may be waiting.
  private func isSoon(_ fleet: Fleet) -> Bool {
    fleet.lastDrained - fleet.scenario.serverBackAt < fleet.leastTime * 3 / 2 + 30_000
  }

  @Test func powerComesBackEverywhereAtOnce() {
    let fleet = run { _ in }
    #expect(Double(fleet.crowd.most) < 5 * fleet.crowd.mean)
    #expect(fleet.crowd.most < 600 / 4)
    #expect(fleet.repeated == 0)
    #expect(isSoon(fleet))
  }

  @Test func powerAtOnceAndTheServerFiveMinutesLater() {
    let fleet = run { $0.serverBackAt = 300_000 }
    #expect(Double(fleet.crowd.most) < 3 * fleet.crowd.mean)
    #expect((fleet.arrivals.max() ?? 0) < 600 / 3)
    #expect(fleet.repeated == 0)
    #expect(isSoon(fleet))
  }

  @Test func theServerSaysWhenItIsBackAndNotAllComeThen() {
    let fleet = run {
      $0.serverBackAt = 300_000
      $0.outage = .announced
      $0.startedOver = 60_000
      $0.startSpread = 0
    }
    #expect(fleet.crowd.most < 600 / 6)
    #expect(isSoon(fleet))
  }

  @Test func answersAreLostOnTheWayAndNothingElseIs() {
    let fleet = run {
      $0.serverBackAt = 60_000
      $0.losesOneIn = 5
    }
    #expect(fleet.repeated > 0)
    #expect(fleet.repeated < fleet.accepted / 2)
  }

  @Test func withoutJitterTheRehearsalShowsTheCrowd() {
    var scenario = Fleet.Scenario()
    scenario.startSpread = 0
    scenario.isJittered = false
    scenario.horizon = 60_000
    var fleet = Fleet(scenario)
    fleet.run()
    #expect(fleet.crowd.most >= 600)
    #expect(fleet.drained < 600)
  }
}
