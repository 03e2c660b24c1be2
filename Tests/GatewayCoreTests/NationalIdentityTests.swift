// National identity numbers: refused where they would come in, told and erasable where they are in force already.

import ControlProtocol
import Exchange
import GatewayCore
import JSON
import Monitoring
import Readings
import Settings
import Testing
@testable import Ledger

/// Of a synthetic population: the month plus 80.
private let number = "31925550186"

private func configuration(_ patient: String) -> [UInt8] {
  Array(#"{"devices": [{"id": "cuff", "driver": "blood-pressure", "playback": "/x", \#(patient)}]}"#.utf8)
}

private func planText(_ patient: String, version: Int = 1) -> String {
  """
  {"patient": "\(patient)", "version": \(version),
   "rules": [{"id": "bp", "kind": "band", "measure": "bp.systolic", "zones": [{"red": {"gte": "170"}}]}]}
  """
}

@Suite struct NationalIdentityTests {
  @Test(arguments: [
    (#""patient": "\#(number)""#, "f:1:86: devices[0].patient: expected a pseudonym"),
    (#""users": {"1": "p-1", "2": "\#(number)"}"#, "f:1:102: devices[0].users.2: expected a pseudonym"),
  ]) func aConfigurationThatIsNewIsRefusedWithThePlace(member: String, expected: String) throws {
    do {
      _ = try ConfigurationFile.read(configuration(member))
      Issue.record("taken")
    } catch {
      #expect(error.code == "patient.national-id")
      let text = error.description(file: "f")
      #expect(text.hasPrefix(expected), "\(text)")
      #expect(!text.contains(number) && text.contains("p-7f3a"))
    }
    // What was in force before the rule stays in force.
    #expect(try ConfigurationFile.read(configuration(member), .lenient).devices.count == 1)
    // Everything else is refused as ever.
    #expect(throws: JSONError.self) { try ConfigurationFile.read(configuration(#""patient": "a b""#), .lenient) }
  }

  @Test func aPlanThatIsNewIsRefusedWithThePlace() throws {
    let text = Array(planText(number).utf8)
    #expect(PlanFile.faults(text).map(\.code) == ["patient.national-id"])
    #expect(PlanFile.faults(text).first?.description(file: "f").contains(number) == false)
    #expect(throws: JSONError.self) { try PlanFile.read(text) }
    #expect(try PlanFile.read(text, patient: number, .lenient).plan.patient == number)
  }

  @Test func neitherTechniciansNorBackendsBringInAPlan() throws {
    var backend = BackendConfiguration(
      name: "care", kind: .http(.native, HTTPBackend(url: "https://care.example")), maximumReadings: 8,
      maximumBytes: 1 << 20)
    backend.plans = PlanSource(url: "https://care.example/plans")
    var hub = Hub(.with([Cuff.device(users: [1: number, 2: "p-2"])], backends: [backend]))
    hub.pass(0)
    #expect(hub.code(.planSet(text: planText(number))) == "patient.national-id")
    let body = Array(#"{"plans": [\#(planText(number)), \#(planText("p-2"))]}"#.utf8)
    hub.send(.plansAnswered(backend: "care", url: "https://care.example/plans", .plans(body, etag: nil)))
    hub.sync()
    let kept = hub.done.flatMap { effect -> [PulledPlan] in
      if case .adoptPlans(let plans) = effect { plans } else { [] }
    }
    #expect(kept.map(\.plan.patient) == ["p-2"])
    let told = hub.result(.status)["problems"]?.array?.first { $0["code"]?.string == "plan.refused" }
    #expect(told?["message"]?.string?.contains("pseudonym") ?? false)
  }

  private func hub(patient: String) throws -> Hub {
    let text = configuration(#""users": {"1": "\#(patient)"}"#)
    let plan = try PlanFile.read(Array(planText(patient).utf8), .lenient).plan
    return Hub(try ConfigurationFile.read(text, .lenient), plans: [plan])
  }

  @Test func whatIsInForceIsToldInStatusAndDoctor() throws {
    var hub = try hub(patient: number)
    let problem = hub.result(.status)["problems"]?.array?.first { $0["code"]?.string == "patient.national-id" }
    let text = problem?["message"]?.string ?? ""
    #expect(text.contains("device cuff") && text.contains("a plan") && !text.contains(number))
    #expect(problem?["hint"]?.string?.contains("pseudonym") ?? false)
    func check(_ hub: inout Hub) -> JSONValue? {
      hub.result(.doctor)["checks"]?.array?.first { $0["id"]?.string == "patient-references" }
    }
    #expect(check(&hub)?["state"]?.string == "failed")
    var good = try self.hub(patient: "p-1")
    #expect(check(&good)?["state"]?.string == "ok")
    #expect(good.result(.status)["problems"]?.array?.contains { $0["code"]?.string == "patient.national-id" } == false)
  }

  /// What came by an assignment before the rule counts too.
  @Test func aBindingIsTold() {
    var hub = Hub(.with([Cuff.device()]))
    #expect(hub.result(.assignSlot(device: "cuff", user: 1, patient: number))["assigned"]?.bool == true)
    let text = hub.result(.status)["problems"]?.array?.first { $0["code"]?.string == "patient.national-id" }
    #expect(text?["message"]?.string?.contains("device cuff") ?? false)
  }

  /// Readings go on being judged, alerts can be acknowledged, and the patient can be erased: else nobody could get rid of the number.
  @Test func whatIsInForceGoesOn() throws {
    var hub = try hub(patient: number).listening()
    hub.send(.linkReceived(device: "cuff", Cuff.indication(systolic: 190)))
    hub.sync()
    hub.pass(10_000)
    hub.sync()
    #expect(hub.readings.map(\.patient) == [number])
    #expect(hub.code(.acknowledge(patient: number, rule: "bp", note: "", episode: nil)) == nil)
    hub.done = []
    _ = hub.ask(.erase(patient: number))
    #expect(hub.done.contains { if case .erase(number) = $0 { true } else { false } })
  }

  @Test func whoIsUnknownIsNotErasedOrAcknowledgedByANumber() {
    var hub = Hub(.with([]))
    let records = hub.disk.count
    #expect(hub.code(.erase(patient: number)) == "patient.national-id")
    #expect(hub.code(.acknowledge(patient: number, rule: "bp", note: "", episode: nil)) == "patient.national-id")
    #expect(hub.disk.count == records)
  }
}

extension Hub {
  /// The code of a refusal; nil when something is done.
  fileprivate mutating func code(_ request: ControlRequest) -> String? {
    if case .failure(let error)? = ask(request) { return error.code }
    return nil
  }
}
