// The batches under Fixtures, which a backend's developer can post to a validator, are what is sent: octet by octet.

import Exchange
import Foundation
import Readings
import Testing

/// One reading of every kind that drivers give, one of them with a corrected clock, and an event.
private let items = [
  Sample.pressure, Sample.weight, Sample.composition, Sample.oximetry, Sample.serialOximetry, Sample.fever,
  Sample.glucose,
  Sample.heart, Sample.failed, Sample.corrected,
].map(Sample.item)

private let formats: [(String, ExchangeFormat, [OutgoingItem])] = [
  ("fhir-phd", .phd(PHDSettings(patient: .resource(system: "urn:oid:2.999.1"))), items),
  (
    "fhir-batch",
    .observations(
      ObservationBundleSettings(
        patientSystem: "urn:oid:2.999.1", municipality: "0301",
        performer: .init(system: "urn:oid:2.16.578.1.12.4.1.4.101", value: "999999999"))), items
  ),
  (
    "fhir-collection",
    .observations(
      ObservationBundleSettings(patientSystem: "urn:oid:2.999.1", bundleType: .collection, municipality: "0301")), items
  ),
  ("cloudevents", .cloudEvents(CloudEventsSettings()), items + [Sample.event]),
  ("native", .native, items + [Sample.event]),
]

@Suite struct FixtureTests {
  @Test(arguments: formats.indices)
  func aFixtureIsWhatIsSent(index: Int) throws {
    let (name, format, items) = formats[index]
    let batch = format.encode(items, Sample.context())
    let body = try #require(batch.requests.count == 1 ? batch.requests.first?.body : nil)
    let folder =
      ProcessInfo.processInfo.environment["HEARTH_WRITE_FIXTURES"].map { URL(filePath: $0) }
      ?? Bundle.module.bundleURL.appending(path: "Fixtures")
    let file = folder.appending(path: "\(name).json")
    if ProcessInfo.processInfo.environment["HEARTH_WRITE_FIXTURES"] != nil { try Data(body).write(to: file) }
    let same = try Data(contentsOf: file) == Data(body)
    #expect(same, "run with HEARTH_WRITE_FIXTURES=Tests/ExchangeTests/Fixtures and look at the difference")
  }
}
