// What is raised, who has taken notice, and plans over the control socket.

import ControlProtocol
@testable import GatewayCore
import JSON
import Monitoring
import Readings
import Settings
import Testing
@testable import Ledger

private let plan = Plan(
  patient: "p-1", version: 12, liveWindow: 7_200_000,
  rules: [
    Rule(
      id: "bp.extreme",
      kind: BandRule(
        measure: .systolic, zones: [ZoneLimit(.red, [.init(.atLeast, ExactDecimal(180))])],
        confirm: Confirmation(count: 2, within: 300_000), isImmediate: true))
  ])

private let cuff = Cuff.device(users: [1: "p-1"])

private func text(version: Int, rule: String = "\"red\": {\"gte\": \"170\"}") -> String {
  """
  {"patient": "p-1", "version": \(version),
   "rules": [{"id": "bp", "kind": "band", "measure": "bp.systolic", "zones": [{\(rule)}]}]}
  """
}

/// A technician before a hub.
private final class Desk {
  var hub: Hub

  init(_ hub: Hub) { self.hub = hub }

  func result(_ request: ControlRequest) -> JSONValue { hub.result(request, uid: 501) }

  func code(_ request: ControlRequest) -> String? {
    if case .failure(let error)? = hub.ask(request, uid: 501) { return error.code }
    return nil
  }

  func send(_ event: Event) { hub.send(event) }
  func sync() { hub.sync() }
  func refuse() { hub.refuse() }
  var done: [Effect] { hub.done }
}

@Suite struct AlertTests {
  private func raised() -> Desk {
    var hub = Hub(.with([cuff]), plans: [plan]).listening()
    hub.send(.linkReceived(device: "cuff", Cuff.indication(systolic: 190)))
    hub.sync()
    return Desk(hub)
  }

  @Test func whatIsRaisedIsListedUntilItIsClear() {
    let hub = raised()
    let alert = hub.result(.alerts(patient: nil))["alerts"]?.array?.first
    #expect(alert?["rule"]?.string == "bp.extreme")
    #expect(alert?["state"]?.string == "raised")
    #expect(alert?["zone"]?.string == "red")
    #expect(alert?["since"]?.string == "2026-11-21T08:15:30+00:00")
    hub.send(.linkReceived(device: "cuff", Cuff.indication(systolic: 128, second: 9)))
    hub.sync()
    #expect(hub.result(.alerts(patient: nil))["alerts"]?.array?.isEmpty == true)
  }

  @Test func noticeIsKeptToldAndOverAfterARestart() {
    let hub = raised()
    let request = ControlRequest.acknowledge(patient: "p-1", rule: "bp.extreme", note: "called", episode: nil)
    #expect(hub.result(request)["acknowledged"]?.bool == true)
    #expect(hub.hub.events.last?.monitoring?.kind == .acknowledged)
    #expect(
      hub.hub.disk.contains {
        if case .audit(501, let action) = $0.entry { action.hasPrefix("acknowledge") } else { false }
      })
    #expect(hub.code(request) == "not-found")
    let second = Desk(Hub(.with([cuff]), plans: [plan], disk: hub.hub.disk))
    let alert = second.result(.alerts(patient: nil))["alerts"]?.array?.first
    #expect(alert?["state"]?.string == "acknowledged")
    #expect(alert?["acknowledged"]?["note"]?.string == "called")
    #expect(alert?["acknowledged"]?["by"]?.string == "uid:501")
    #expect(second.code(request) == "not-found")
  }

  @Test func noticeThatTheDiskRefusedIsNone() {
    let hub = raised()
    hub.send(
      .asked(
        RequestID(connection: 1, number: 1), .acknowledge(patient: "p-1", rule: "bp.extreme", note: "", episode: nil),
        CallerName(uid: 501)))
    hub.refuse()
    #expect(hub.result(.alerts(patient: nil))["alerts"]?.array?.first?["state"]?.string == "raised")
  }

  @Test func aPlanIsExplainedAndADraftTried() {
    let hub = raised()
    let shown = hub.result(.planExplain(patient: "p-1", days: 30))
    #expect(shown["version"]?.int == 12)
    #expect(shown["rules"]?.array?.first?["says"]?.string?.contains("minst 180 mmHg") == true)
    #expect(shown["judged"]?.array?.first?["zone"]?.string == "red")
    #expect(shown["told"]?.array?.first?["event"]?.string == "raised")
    let draft = hub.result(.planTry(text: text(version: 1), patient: "p-1", days: 30, isCompared: false))
    #expect(draft["told"]?.array?.first?["rule"]?.string == "bp")
    let wider = hub.result(
      .planTry(text: text(version: 1, rule: "\"red\": {\"gte\": \"200\"}"), patient: "p-1", days: 30, isCompared: false)
    )
    #expect(wider["told"]?.array?.isEmpty == true)
    // What was tried is in force nowhere.
    #expect(hub.result(.planShow(patient: "p-1"))["version"]?.int == 12)
  }

  @Test func aPlanIsTakenWholeAndNeverAnOlderOne() {
    let hub = raised()
    #expect(hub.code(.planSet(text: text(version: 12))) == "bad-plan")
    #expect(hub.code(.planSet(text: text(version: 13, rule: "\"purple\": {\"gte\": \"200\"}"))) == "bad-plan")
    #expect(!hub.done.contains { if case .stagePlans = $0 { true } else { false } })
    hub.send(.asked(RequestID(connection: 9, number: 77), .planSet(text: text(version: 13)), CallerName(uid: 501)))
    // Who, and when, is on disk before the plan is in force.
    #expect(!hub.done.contains { if case .adoptPlans = $0 { true } else { false } })
    hub.sync()
    let adopted = hub.done.flatMap { effect -> [PulledPlan] in
      if case .adoptPlans(let plans) = effect { plans } else { [] }
    }
    #expect(adopted.map(\.plan.version) == [13])
  }

  @Test func everyFaultOfAPlanIsTold() {
    let faults = PlanFile.faults(
      Array(
        """
        {"patient": "p-1", "version": "x", "rules": [
          {"id": "a", "kind": "bands"},
          {"id": "b", "kind": "missing", "measure": "weight", "zone": "yellow"},
          {"id": "c", "kind": "band", "measure": "spo2", "unit": "kPa", "zones": [{"red": {"lt": "85"}}]}]}
        """.utf8))
    #expect(faults.map(\.place.line) == [1, 2, 3, 4])
    #expect(PlanFile.faults(Array(text(version: 1).utf8)).isEmpty)
  }

  /// Who writes the plan of one of several on a scale is told so.
  @Test(arguments: [
    ("weight-scale", [1: "p-1", 2: "p-2"], true), ("beurer-bf720", [1: "p-1", 2: "p-2"], true),
    ("weight-scale", [1: "p-1", 2: "p-1"], false), ("weight-scale", [2: "p-2", 3: "p-3"], false),
    ("blood-pressure", [1: "p-1", 2: "p-2"], false),
  ])
  func whoSharesAScaleIsKnown(driver: String, users: [UInt8: String], shares: Bool) {
    var hub = Hub(
      .with([DeviceConfiguration(id: "d", driver: driver, endpoint: .playback(path: "/x"), users: users)]))
    #expect((hub.result(.patientKnown("p-1"))["shares_scale"]?.bool ?? false) == shares)
  }

  @Test func aScaleIsSharedByASlotAndBySessions() {
    var hub = Hub(
      .with([DeviceConfiguration(id: "d", driver: "weight-scale", endpoint: .playback(path: "/x"), users: [1: "p-1"])]))
    _ = hub.result(.assignSlot(device: "d", user: 2, patient: "p-2"), uid: 501)
    hub.sync()
    #expect(hub.result(.patientKnown("p-1"))["shares_scale"]?.bool == true)
    var room = Hub(.with([DeviceConfiguration(id: "d", driver: "weight-scale", endpoint: .playback(path: "/x"))]))
    #expect(room.result(.patientKnown("p-1"))["shares_scale"] == nil)
    _ = room.result(.sessionStart(patient: "p-1", device: "d", minutes: 10), uid: 501)
    room.sync()
    #expect(room.result(.patientKnown("p-1"))["shares_scale"]?.bool == true)
  }
}
