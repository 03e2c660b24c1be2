// Whose a reading is, and what the patient's plan says of it.

import ControlProtocol
import Drivers
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
        confirm: Confirmation(count: 2, within: 300_000)))
  ])

private func hub(_ device: DeviceConfiguration) -> Hub {
  Hub(.with([device]), plans: [plan]).listening(to: device.id)
}

private let shared = DeviceConfiguration(
  id: "cuff", driver: "blood-pressure", endpoint: .playback(path: "/x"), users: [1: "p-1"])

@Suite struct PatientsAndPlansTests {
  @Test(arguments: [(UInt8(1), String?.some("p-1")), (2, nil), (255, nil)])
  func aUserSlotIsAPatientOrNobody(slot: UInt8, patient: String?) {
    var hub = hub(shared)
    hub.send(.linkReceived(device: "cuff", Cuff.indication(systolic: 128, user: slot)))
    hub.sync()
    #expect(hub.readings.map(\.patient) == [patient])
  }

  /// Whose a weight may be hangs on no rule: without a plan nobody is told, and the reading says so.
  @Test func aWeightOfSomebodyElseIsRemarkedWithoutAPlan() {
    var hub = Hub(.with([]))
    func weigh(_ number: UInt64, _ kilograms: Int64) {
      hub.wall += 3_600_000
      let time = Timestamp(milliseconds: hub.wall, offsetSeconds: 0)
      hub.send(
        .rehearsed(
          Reading(
            id: ReadingID(high: 3, low: number), kind: .bodyWeight,
            observations: [Observation(.weight, .value(ExactDecimal(kilograms)), unit: .kilogram)], flags: [],
            takenAt: time, timeQuality: .device, deviceTime: nil, receivedAt: time, user: nil, patient: "p-9",
            device: DeviceIdentity(id: "scale", transport: .ble), evaluation: nil,
            raw: RawSource(source: "2A9D", octets: [UInt8(truncatingIfNeeded: number)]))))
      hub.sync()
    }
    for (number, weight) in [(1, 70), (2, 71), (3, 90), (4, 71)] as [(UInt64, Int64)] { weigh(number, weight) }
    #expect(hub.readings.map { $0.flags.contains(.suspectPerson) } == [false, false, true, false])
    #expect(hub.events.compactMap(\.monitoring).isEmpty && hub.readings.allSatisfy { $0.evaluation == nil })
    let report = hub.result(.report(patient: "p-9", days: 3))
    #expect(report["asides"]?.array?.count == 1)
  }

  @Test func aParkedReadingGoesToNoBackendUntilItIsAssigned() {
    var hub = hub(shared)
    hub.send(.linkReceived(device: "cuff", Cuff.indication(systolic: 190, user: 2)))
    hub.sync()
    #expect(hub.events.isEmpty)
    guard let parked = hub.readings.first else { return }
    let prefix = String(parked.id.description.prefix(8))
    hub.send(
      .asked(RequestID(connection: 1, number: 1), .assignReading(id: prefix, patient: "p-1"), CallerName(uid: 7)))
    hub.sync()
    guard let place = hub.disk.first(where: { $0.entry.kind == .reading }) else { return }
    hub.send(.loaded(sequence: place.sequence, parked))
    hub.sync()
    let assigned = hub.readings.last
    #expect(assigned?.patient == "p-1")
    #expect(assigned?.id == parked.id)
    #expect(assigned?.evaluation?.zone == .red)
    #expect(hub.events.compactMap(\.monitoring?.kind) == [.repeatRequested])
    #expect(hub.gateway.pinned == nil)
    #expect(hub.disk.contains { if case .audit(7, _) = $0.entry { true } else { false } })
  }

  @Test func assigningASlotBindsItForGood() {
    var hub = hub(shared)
    hub.send(
      .asked(
        RequestID(connection: 1, number: 1), .assignSlot(device: "cuff", user: 2, patient: "p-2"), CallerName(uid: 0)))
    hub.sync()
    #expect(hub.disk.contains { if case .binding = $0.entry { true } else { false } })
    hub.send(.linkReceived(device: "cuff", Cuff.indication(systolic: 128, user: 2)))
    hub.sync()
    #expect(hub.readings.last?.patient == "p-2")
  }

  @Test func redIsConfirmedByRepeatAndSurvivesARestart() {
    var first = hub(shared)
    first.send(.linkReceived(device: "cuff", Cuff.indication(systolic: 190)))
    first.sync()
    #expect(first.events.compactMap(\.monitoring?.kind) == [.repeatRequested])
    var second = Hub(.with([shared]), plans: [plan], disk: first.disk)
    Cuff.connect(&second)
    second.send(.linkReceived(device: "cuff", Cuff.indication(systolic: 188, second: 20)))
    second.sync()
    #expect(second.events.compactMap(\.monitoring?.kind) == [.repeatRequested, .raised])
    #expect(second.readings.last?.evaluation?.planVersion == 12)
  }

  @Test func withoutARepeatItIsRaisedUnconfirmedAfterTheTime() {
    var hub = hub(shared)
    hub.send(.linkReceived(device: "cuff", Cuff.indication(systolic: 190)))
    hub.sync()
    hub.pass(299_000)
    hub.sync()
    #expect(hub.events.count == 1)
    hub.pass(2000)
    hub.sync()
    #expect(hub.events.compactMap(\.monitoring?.kind) == [.repeatRequested, .unconfirmed])
    hub.pass(600_000)
    hub.sync()
    #expect(hub.events.count == 2)
  }

  @Test func aFailedAppendTakesTheRulesBack() {
    var hub = hub(shared)
    hub.send(.linkReceived(device: "cuff", Cuff.indication(systolic: 190)))
    hub.refuse()
    hub.send(.linkClosed(device: "cuff", LinkEnd(code: "ended", message: "")))
    Cuff.connect(&hub)
    hub.send(.linkReceived(device: "cuff", Cuff.indication(systolic: 190)))
    hub.sync()
    // The first, unstored one does not count as the first of two.
    #expect(hub.events.compactMap(\.monitoring?.kind) == [.repeatRequested])
  }
}
