// What is wrong in files is told by status, doctor, heartbeat and once as an event, until it is mended.

import ControlProtocol
import GatewayCore
import JSON
import Settings
import Testing
@testable import Ledger

@Suite struct HubFaultTests {
  private let refused = HubFault(.configuration, "configuration.refused", "hearth.json:1:1: no", hint: "correct it")
  private let state = HubFault(.state, "state.unreadable", "bindings.json.bad was set aside", hint: "look")
  private let bound = HubFault(.plans, "plan.bound", "plans/p.json:1:1: long", hint: "correct it", isWarning: true)

  private func codes(_ hub: inout Hub) -> [String] {
    hub.result(.status)["problems"]?.array?.compactMap { $0["code"]?.string } ?? []
  }

  private func check(_ hub: inout Hub, _ id: String) -> [String] {
    let list = hub.result(.doctor)["checks"]?.array ?? []
    return list.filter { $0["id"]?.string == id }.compactMap { $0["state"]?.string }
  }

  private func told(_ hub: Hub) -> [String] {
    hub.events.compactMap { event in
      guard case .hub(let code, _, let isOver) = event.content else { return nil }
      return isOver ? "\(code) over" : code
    }
  }

  @Test func aFaultIsToldUntilItIsMended() {
    var hub = Hub(Configuration())
    #expect(codes(&hub).isEmpty && check(&hub, "configuration") == ["ok"])
    hub.send(.faultsFound([refused, state, bound]))
    hub.sync()
    #expect(codes(&hub) == ["configuration.refused", "state.unreadable", "plan.bound"])
    #expect(check(&hub, "configuration") == ["failed"] && check(&hub, "state-files") == ["failed"])
    #expect(check(&hub, "plan-files") == ["warning"])
    #expect(told(hub) == ["configuration.refused", "plan.bound", "state.unreadable"])
    // The same again is no news, and keeps its time.
    let since = hub.result(.status)["problems"]?.array?.first?["since"]
    hub.pass(60_000)
    hub.send(.faultsFound([refused, state]))
    hub.sync()
    #expect(told(hub).dropFirst(3) == ["plan.bound over"])
    #expect(hub.result(.status)["problems"]?.array?.first?["since"] == since)
    hub.send(.faultsFound([]))
    hub.sync()
    #expect(codes(&hub).isEmpty && check(&hub, "state-files") == ["ok"])
    #expect(told(hub).dropFirst(4) == ["configuration.refused over", "state.unreadable over"])
  }

  @Test func anotherFaultOfTheSameCodeIsToldAnew() {
    var hub = Hub(Configuration())
    hub.send(.faultsFound([refused]))
    hub.sync()
    hub.send(.faultsFound([HubFault(.configuration, "configuration.refused", "hearth.json:2:2: no", hint: "")]))
    hub.sync()
    #expect(told(hub) == ["configuration.refused", "configuration.refused"])
  }

  /// A configuration that comes into force by a plan that was set does not end what is told of the file on disk.
  @Test func aPlanThatComesInEndsNothing() {
    var hub = Hub(Configuration())
    hub.send(.faultsFound([refused]))
    hub.send(.configured(Configuration(), zones: [:], plans: [:]))
    #expect(codes(&hub) == ["configuration.refused"])
  }

  @Test func whatIsToldIsBounded() {
    var hub = Hub(Configuration())
    let long = String(repeating: "x", count: 10_000)
    hub.send(.faultsFound((0..<1000).map { HubFault(.plans, "plan.refused", "\($0) \(long)", hint: "look") }))
    hub.sync()
    #expect(codes(&hub).count == 64)
    #expect(hub.events.allSatisfy { $0.encoded.count < 8192 })
  }
}
