// A plan's limits in the units of those who set it: converted without rounding, told in their own unit, refused where they do not fit.

import JSON
import Monitoring
import Readings
import Settings
import Testing

private func plan(_ rule: String) throws -> Plan {
  try PlanFile.read(Array(#"{"patient": "p", "version": 1, "language": "en", "rules": [\#(rule)]}"#.utf8))
}

private func fault(_ rule: String) -> JSONError? {
  PlanFile.faults(Array(#"{"patient": "p", "version": 1, "rules": [\#(rule)]}"#.utf8)).first
}

/// A weight as a scale says it in pounds.
private func weight(_ pounds: String) -> Reading {
  let time = Timestamp(milliseconds: 1_795_248_930_000, offsetSeconds: 0)
  return Reading(
    id: ReadingID(high: 1, low: 1), kind: .bodyWeight,
    observations: [Observation(.weight, .value(ExactDecimal(pounds) ?? .zero), unit: .pound)], flags: [], takenAt: time,
    timeQuality: .device, deviceTime: nil, receivedAt: time, user: nil, patient: "p",
    device: DeviceIdentity(id: "d", transport: .ble), evaluation: nil, raw: RawSource(source: "t", octets: []))
}

@Suite struct PlanUnitTests {
  @Test func limitsAreConvertedAndToldAsTheyWereSet() throws {
    let plan = try plan(
      """
      {"id": "w", "kind": "band", "measure": "weight", "unit": "lb", "zones": [{"yellow": {"gte": "156"}}], "hysteresis": "1.0"},
      {"id": "d", "kind": "delta", "measure": "weight", "unit": "[lb_av]", "from": "min", "window": "P3D",
       "zones": [{"yellow": {"gte": "4.4"}}]},
      {"id": "t", "kind": "delta", "measure": "temperature", "unit": "°F", "from": "first", "window": "P1D",
       "zones": [{"yellow": {"gte": "1.8"}}]},
      {"id": "m", "kind": "average", "measure": ["bp.systolic", "bp.diastolic"], "unit": "kPa", "window": "P7D",
       "zones": [{"yellow": {"any_gte": ["18.0", "11.3"]}}]},
      {"id": "c", "kind": "consecutive", "measure": "glucose", "unit": "mg/dL", "k": 2, "of": 3, "zones": [{"red": {"lt": "54"}}]}
      """)
    let band = try #require(plan.rules[0].kind as? BandRule)
    let delta = try #require(plan.rules[1].kind as? DeltaRule)
    let fever = try #require(plan.rules[2].kind as? DeltaRule)
    let mean = try #require(plan.rules[3].kind as? AverageRule)
    let low = try #require(plan.rules[4].kind as? ConsecutiveRule)
    #expect(band.zones.first?.bounds.first?.limit.description == "70.76040972")
    #expect(band.hysteresis.description == "0.45359237")
    #expect(delta.zones.first?.bounds.first?.limit.description == "1.995806428")
    // A difference: no zero of the scale.
    #expect(fever.zones.first?.bounds.first?.limit.description == "1")
    #expect(mean.zones.first?.limits.map(\.description) == ["135.011106", "84.7569721"])
    #expect(low.zones.first?.bounds.first?.limit.description == "2.997335701599")
    let says = plan.rules.map { PlanText.explain($0, .english) }
    #expect(says[0] == "Weight: yellow at least 156 lb. Ends only 1.0 lb inside the limit.")
    #expect(says[1].contains("yellow at least 4.4 lb"))
    #expect(says[3].contains("18.0 kPa or 11.3 kPa"))
    #expect(says[4].contains("red below 54 mg/dL"))
  }

  /// 156.00 lb is 70.760 kg on the way to the backend, and 156 lb exactly is 70.76040972 kg: the device's own word decides.
  @Test func aDeviceIsHeldAgainstTheLimitInItsOwnUnit() throws {
    let plan = try plan(
      #"{"id": "w", "kind": "band", "measure": "weight", "unit": "lb", "zones": [{"yellow": {"gte": "156"}}]}"#)
    func zone(_ pounds: String) -> Zone? {
      var state = PatientState()
      return Monitor.judge(weight(pounds), by: plan, state: &state, now: 1_795_248_930_000).evaluation.zone
    }
    #expect(zone("155.99") == .green)
    #expect(zone("156.00") == .yellow)
    #expect(zone("156.01") == .yellow)
  }

  @Test func aUnitThatDoesNotBelongRefusesTheFile() {
    #expect(
      fault(#"{"id": "w", "kind": "band", "measure": "weight", "unit": "mmHg", "zones": [{"red": {"gt": "1"}}]}"#)?
        .message
        == "expected one of kg, g, [lb_av], [stone_av], {jin}, found \"mmHg\"")
    #expect(
      fault(#"{"id": "w", "kind": "band", "measure": "spo2", "unit": "lb", "zones": [{"red": {"gt": "1"}}]}"#)?.message
        == "expected one of %, found \"lb\"")
    let mixed = fault(
      #"{"id": "a", "kind": "average", "measure": ["weight", "pulse"], "unit": "kg", "window": "P7D", "zones": [{"red": {"any_gt": ["1", "2"]}}]}"#
    )
    #expect(mixed?.path == "rules[0].unit")
    let long = fault(
      #"{"id": "w", "kind": "band", "measure": "weight", "unit": "lb", "zones": [{"red": {"gt": "999999999999999999"}}]}"#
    )
    #expect(long?.message.contains("too many digits") == true)
  }
}
