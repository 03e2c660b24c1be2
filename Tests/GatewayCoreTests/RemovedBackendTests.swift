// A backend that the configuration has no more, and for which something waited: that stands as a problem until it is there again, or until
// the journal lets go what waited.

import Drivers
import Exchange
import JSON
import Journal
import Settings
import Testing
import Zones

@testable import GatewayCore
@testable import Ledger

private func backend(_ name: String) -> BackendConfiguration {
  BackendConfiguration(
    name: name, kind: .http(.native, HTTPBackend(url: "https://\(name).example")), maximumReadings: 8,
    maximumBytes: 1 << 20)
}

private func configuration(_ names: String...) -> Configuration {
  .with([Cuff.device(patient: "p-1")], backends: names.map(backend))
}

extension Hub {
  fileprivate mutating func configure(_ configuration: Configuration) {
    send(.configured(configuration, zones: ["UTC": .utc], plans: [:]))
    sync()
  }

  fileprivate var removed: [StandingProblem] {
    gateway.turn.view.standingProblems().filter { $0.kind == .backendRemoved }
  }
}

@Suite struct RemovedBackendTests {
  /// A hub with two backends that have taken nothing of three readings.
  private func hub() -> Hub {
    var hub = Hub(configuration("gp", "ward")).listening()
    for second in 0..<3 as Range<UInt8> {
      hub.send(.linkReceived(device: "cuff", Cuff.indication(systolic: 128 + second, second: second)))
      hub.sync()
    }
    return hub
  }

  @Test func whatWaitsForItIsAProblemUntilItIsBack() throws {
    var hub = hub()
    #expect(hub.removed.isEmpty)
    hub.configure(configuration("gp"))
    let problem = try #require(hub.removed.first)
    #expect(problem.about == "ward" && problem.message.contains("3 items wait for it and will not be sent"))
    #expect(problem.since == hub.now.wall)
    let check = hub.gateway.turn.view.checks().first { $0["id"]?.string == "backend-ward" }
    #expect(check?["state"] == "warning" && check?["code"] == "backend.removed")
    // What comes later waits for nobody.
    hub.send(.linkReceived(device: "cuff", Cuff.indication(systolic: 140, second: 9)))
    hub.sync()
    #expect(hub.removed == [problem])
    // The next start knows of it.
    let restarted = Hub(configuration("gp"), disk: hub.disk, time: hub.time)
    #expect(restarted.removed == [problem])
    hub.configure(configuration("gp", "ward"))
    #expect(hub.removed.isEmpty)
  }

  @Test func whatTheJournalLetsGoIsNoProblemAnyMore() {
    var hub = hub()
    hub.configure(configuration("gp"))
    let keep = hub.gateway.turn.house.configuration.journal.keep
    hub.pass(keep - 1)
    hub.sync()
    #expect(hub.removed.count == 1)
    hub.pass(1)
    hub.sync()
    #expect(hub.removed.isEmpty)
  }

  /// Taken out of the file while the hub was off.
  @Test func oneThatLeftWhileTheHubWasOffIsFound() {
    var hub = hub()
    hub.disk.append(
      (
        sequence: (hub.disk.last?.sequence ?? 0) + 1,
        entry: .acknowledgement(Acknowledgement(backend: "ward", through: 1, delivered: 1, refused: []))
      ))
    hub = Hub(configuration("gp"), disk: hub.disk, time: hub.time)
    #expect(hub.removed.map(\.about) == ["ward"])
    #expect(hub.removed.first?.message.contains("2 items wait for it") == true)
  }

  @Test func oneThatHadEverythingLeavesNothingBehind() {
    var hub = Hub(configuration("gp", "ward"))
    hub.configure(configuration("gp"))
    #expect(hub.removed.isEmpty)
    hub = hub.listening()
    hub.send(.linkReceived(device: "cuff", Cuff.indication(systolic: 128)))
    hub.sync()
    #expect(hub.removed.isEmpty)
    #expect(Hub(configuration("gp"), disk: hub.disk, time: hub.time).removed.isEmpty)
  }

  @Test func aSnapshotKnowsIt() {
    var state = LedgerState()
    state.apply(.backendLeft(backend: "ward", LeftBackend(waiting: 3, at: 5)), at: 1)
    #expect(state.throughSnapshot.state.left == ["ward": LeftBackend(waiting: 3, at: 5)])
    state.apply(.backendLeft(backend: "ward", nil), at: 2)
    #expect(state.left.isEmpty && state.throughSnapshot.state.left.isEmpty)
    for number in 0..<100 {
      state.apply(.backendLeft(backend: "b\(number)", LeftBackend(waiting: 1, at: Int64(number))), at: 3)
    }
    #expect(state.left.count == 64 && state.left["b99"] != nil && state.left["b0"] == nil)
  }
}
