// What is told and shown is in the unit of the rule's limits: as the device said it, or converted. And the value that a question is about
// is shown with the question.

import ControlProtocol
import JSON
import Ledger
import Monitoring
import Readings
import Settings
import Testing

@testable import GatewayCore

private func hub(_ rule: String) throws -> Hub {
  let text =
    #"{"patient": "p-1", "version": 1, "timezone": "UTC", "language": "en", "single_user": true, "rules": [\#(rule)]}"#
  return Hub(.with([Cuff.device(patient: "p-1")]), plans: [try PlanFile.read(Array(text.utf8))])
}

extension Hub {
  /// A reading of now, or of `hours` ago; the hub's time goes on by a minute.
  fileprivate mutating func take(
    _ term: Term, _ text: String, _ unit: UCUM, _ kind: ReadingKind, flags: [ReadingFlag] = []
  ) throws {
    pass(60_000)
    sync()
    let now = Timestamp(milliseconds: wall + time, offsetSeconds: 0)
    let value = try #require(ExactDecimal(text))
    send(
      .rehearsed(
        Reading(
          id: ReadingID(high: 5, low: UInt64(clamping: time)), kind: kind,
          observations: [Observation(term, .value(value), unit: unit)], flags: flags, takenAt: now,
          timeQuality: .device, deviceTime: nil, receivedAt: now, user: nil, patient: "p-1",
          device: DeviceIdentity(id: "d-\(kind.rawValue)", transport: .ble), evaluation: nil,
          raw: RawSource(source: "t", octets: []))))
    sync()
    pass(4000)
    sync()
  }

  fileprivate mutating func glucose(_ text: String, _ unit: UCUM = .milligramPerDecilitre) throws {
    try take(.glucoseCapillaryWholeBlood, text, unit, .glucose)
  }

  fileprivate mutating func alert(_ rule: String) -> JSONValue? {
    result(.alerts(patient: nil))["alerts"]?.array?.first { $0["rule"]?.string == rule }
  }

  fileprivate func told(_ rule: String) -> MonitoringEvent? {
    events.compactMap(\.monitoring).last { $0.rule == rule }
  }
}

@Suite struct GivenUnitTests {
  private static let band =
    #"{"id": "g", "kind": "band", "measure": "glucose", "unit": "mg/dL", "zones": [{"red": {"gt": "250"}}, {"yellow": {"lt": "70"}}]}"#

  @Test func aBandShowsWhatTheDeviceSaid() throws {
    var hub = try hub(Self.band)
    try hub.glucose("253")
    let told = try #require(hub.told("g"))
    #expect("\(told.detail.value.map { "\($0)" } ?? "") \(told.detail.unit ?? "")" == "253 mg/dL")
    #expect(told.detail.limit == "gt 250" && told.message?.contains("253 mg/dL") == true)
    let alert = hub.alert("g")
    #expect(alert?["value"] == "253" && alert?["unit"] == "mg/dL" && alert?["message"]?.string == told.message)
    let report = hub.result(.report(patient: "p-1", days: 3))
    #expect(report["episodes"]?.array?.first?["worst"]?["unit"] == "mg/dL")
    #expect(report["episodes"]?.array?.first?["worst"]?["value"] == "253")
    // Over a restart, too.
    var again = Hub(
      .with([Cuff.device(patient: "p-1")]), plans: Array(hub.gateway.turn.house.plans.values), disk: hub.disk,
      time: hub.time)
    #expect(again.alert("g")?["value"] == "253" && again.alert("g")?["unit"] == "mg/dL")
    try hub.glucose("120")
    let cleared = try #require(hub.told("g"))
    #expect(cleared.kind == .cleared && cleared.detail.unit == "mg/dL")
    #expect(cleared.detail.value.map { "\($0)" } == "120")
  }

  /// A device that measures in another unit: the value is converted, the limit is the plan's own.
  @Test func aValueInAnotherUnitIsConverted() throws {
    var hub = try hub(Self.band)
    try hub.glucose("14.2", .millimolePerLitre)
    let told = try #require(hub.told("g"))
    #expect(told.detail.value.map { "\($0)" } == "256" && told.detail.unit == "mg/dL" && told.detail.limit == "gt 250")
    #expect(hub.alert("g")?["value"] == "256")
  }

  @Test(arguments: [
    (
      #"{"id": "g", "kind": "consecutive", "measure": "glucose", "unit": "mg/dL", "k": 2, "of": 2, "zones": [{"red": {"gt": "250"}}]}"#,
      "gt 250"
    ),
    (
      #"{"id": "g", "kind": "average", "measure": "glucose", "unit": "mg/dL", "window": "P1D", "zones": [{"red": {"gt": "250"}}]}"#,
      "gt 250"
    ),
    (
      #"{"id": "g", "kind": "average", "measure": ["glucose"], "unit": "mg/dL", "window": "P1D", "zones": [{"red": {"any_gt": ["250"]}}]}"#,
      "gt 250"
    ),
  ])
  func trendsNameTheirUnit(rule: String, limit: String) throws {
    var hub = try hub(rule)
    try hub.glucose("270")
    try hub.glucose("270")
    let told = try #require(hub.told("g"))
    #expect(told.detail.unit == "mg/dL" && told.detail.limit == limit, "\(told)")
    #expect(told.detail.value.map { "\($0)" }?.hasPrefix("270") == true, "\(told)")
    #expect(hub.alert("g")?["unit"] == "mg/dL")
  }

  @Test func aDifferenceIsInTheUnitOfItsLimits() throws {
    var hub = try hub(
      #"{"id": "w", "kind": "delta", "measure": "weight", "unit": "lb", "from": {"value": "160"}, "zones": [{"yellow": {"gte": "4"}}]}"#
    )
    try hub.take(.weight, "75.0", .kilogram, .bodyWeight)
    let told = try #require(hub.told("w"))
    // 75 kg are 165.3 lb.
    #expect(told.detail.unit == "[lb_av]" && told.detail.limit == "gte 4")
    #expect(told.detail.value.map { "\($0)" }?.hasPrefix("5.3") == true, "\(told)")
    #expect(told.detail.reference.map { "\($0)" }?.hasPrefix("160") == true, "\(told)")
  }

  // MARK: The value that is asked about

  @Test func aPendingQuestionShowsItsValue() throws {
    var hub = try hub(
      #"{"id": "o", "kind": "band", "measure": "spo2", "zones": [{"red": {"lt": "85"}}], "confirm": {"n": 2, "within": "PT15M"}}"#
    )
    try hub.take(.spo2, "82", .percent, .pulseOximetry)
    let alert = hub.alert("o")
    #expect(alert?["state"] == "pending" && alert?["value"] == "82" && alert?["direction"] == "low")
    #expect(alert?["message"]?.string == hub.told("o")?.message && alert?["message"]?.string?.contains("82 %") == true)
  }

  /// Of what stands another value is asked about: both are shown.
  @Test func aQuestionAboutAWorseValueNamesIt() throws {
    var hub = try hub(
      #"{"id": "o", "kind": "band", "measure": "spo2", "zones": [{"red": {"lt": "85"}}, {"yellow": {"lt": "90"}}]}"#)
    try hub.take(.spo2, "88", .percent, .pulseOximetry)
    #expect(hub.alert("o")?["repeat_of"] == nil)
    try hub.take(.spo2, "80", .percent, .pulseOximetry, flags: [.sensorDisplaced])
    let alert = hub.alert("o")
    #expect(alert?["state"] == "raised" && alert?["value"] == "88" && alert?["zone"] == "yellow")
    #expect(alert?["repeat_of"]?["value"] == "80" && alert?["repeat_of"]?["zone"] == "red")
  }
}
