// What a device shows instead of a number is told in every form: LO and HI, an overload, a scale without zero.

import Exchange
import JSON
import Readings
import Testing

@Suite struct RangeReasonTests {
  private func json(_ octets: [UInt8]) throws -> JSONValue { try JSONReader(maximumSize: 8 << 20).value(octets) }

  /// FHIR's code system has no words for a range: beyond it is an infinity.
  @Test(arguments: [
    (AbsentReason.belowRange, "below-range", "negative-infinity"),
    (.aboveRange, "above-range", "positive-infinity"), (.notPerformed, "not-performed", "not-performed"),
    (.error, "error", "error"),
  ])
  func aReasonIsTheSameInEveryForm(_ reason: AbsentReason, _ ours: String, _ theirs: String) throws {
    let observation = Observation(
      .glucoseCapillaryWholeBlood, .absent(reason), unit: Term.glucoseCapillaryWholeBlood.unit)
    let item = Sample.item(Sample.reading(21, .glucose, [observation], source: "taidoc"))
    let native = try json(item.json)
    #expect(native["observations"]?.array?.first?["absent"]?.string == ours)
    #expect(native["observations"]?.array?.first?["value"] == nil)
    #expect(try ReadingJSON.decode(item.json).reading.observations.map(\.value) == [.absent(reason)])
    let batch = CloudEventsBatch.encode([item], Sample.context(), CloudEventsSettings())
    let event = try json(batch.requests.first?.body ?? []).array?.first
    #expect(event?["data"]?["observations"]?.array?.first?["absent"]?.string == ours)
    let bundle = ObservationBundle.encode(
      [item], Sample.context(), ObservationBundleSettings(patientSystem: "urn:oid:2.999.4.1", maximumEntries: 10))
    let made = try json(bundle.requests.first?.body ?? [])
    let reasons = FHIRRules.all("dataAbsentReason", in: made).compactMap { $0["coding"]?.array?.first?["code"]?.string }
    #expect(reasons == [theirs])
    #expect(FHIRRules.faults(ofBundle: made) == [])
  }
}
