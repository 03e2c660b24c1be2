// Observation-only Bundles: codes, logical references, the forms that receivers differ in.

import Exchange
import JSON
import Readings
import Testing

private let patients = "urn:oid:2.999.4.1"

private func bundle(_ readings: [Reading], _ settings: ObservationBundleSettings) throws -> JSONValue {
  let batch = ObservationBundle.encode(readings.map(Sample.item), Sample.context(), settings)
  #expect(batch.requests.count == 1 && batch.refused.isEmpty)
  return try JSONReader(maximumSize: 8 << 20).value(batch.requests.first?.body ?? [])
}

private func codes(_ value: JSONValue?) -> [String] {
  (value?["coding"]?.array ?? []).compactMap { $0["code"]?.string }
}

@Suite struct ObservationBundleTests {
  @Test func everyFormKeepsFHIRsRules() throws {
    for type in ObservationBundleSettings.BundleType.allCases {
      for creation in ObservationBundleSettings.Creation.allCases {
        let settings = ObservationBundleSettings(
          patientSystem: patients, bundleType: type, creation: creation, municipality: "0301",
          performer: .init(system: "urn:oid:2.16.578.1.12.4.1.4.101", value: "123456789"), maximumEntries: 1000)
        let made = try bundle(Sample.all, settings)
        #expect(FHIRRules.faults(ofBundle: made) == [])
        #expect(made["meta"]?["tag"]?.array?.first?["code"] == "0301")
        #expect((made["entry"]?.array ?? []).allSatisfy { $0["resource"]?["resourceType"] == "Observation" })
        #expect(FHIRRules.all("reference", in: made).compactMap(\.string).allSatisfy { $0.hasPrefix("urn:uuid:") })
      }
    }
  }

  @Test func codesOfTheNationalProfile() throws {
    let made = try bundle(Sample.all, ObservationBundleSettings(patientSystem: patients, maximumEntries: 1000))
    let all = (made["entry"]?.array ?? []).compactMap { codes($0["resource"]?["code"]) }
    #expect(all.contains(["85354-9", "75367002"]))
    #expect(all.contains(["2708-6", "59408-5", "431314004"]))
    #expect(all.contains(["8867-4", "364075005"]))
    #expect(all.contains(["29463-7", "27113001"]))
    #expect(all.contains(["8310-5", "276885007"]))
    #expect(all.contains(["15074-8", "434912009", "NPU02187"]))
    #expect(all.contains(["188776"]))
    let components = (made["entry"]?.array ?? []).compactMap { $0["resource"]?["component"]?.array }.first ?? []
    #expect(components.map { codes($0["code"]) } == [["8480-6", "271649006"], ["8462-4", "271650006"], ["8478-0"]])
  }

  @Test func subjectAndDeviceAreLogicalReferencesAndUnitsCanonical() throws {
    let made = try bundle([Sample.pressure, Sample.fever], ObservationBundleSettings(patientSystem: patients))
    let first = made["entry"]?.array?.first?["resource"]
    #expect(first?["subject"] == ["identifier": ["system": .string(patients), "value": "p-7f3a"]])
    #expect(first?["device"] == ["identifier": ["value": "5160300123"], "display": "A&D UA-651BLE"])
    #expect(
      first?["note"]?.array?.first?["text"] == "device: irregular-pulse, body-movement")
    #expect(
      first?["component"]?.array?.first?["interpretation"]?.array?.first?["coding"]?.array?.first?["code"] == "HH")
    #expect(first?["component"]?.array?[1]["interpretation"]?.array?.first?["coding"]?.array?.first?["code"] == "N")
    let fever = made["entry"]?.array?.last?["resource"]
    // 100.4 degrees Fahrenheit, to the device's precision.
    #expect(fever?["valueQuantity"]?["value"] == .number(JSONNumber(text: "38.0") ?? JSONNumber(0)))
  }

  @Test func aBodyMassIndexRefersToItsWeight() throws {
    let made = try bundle([Sample.weight], ObservationBundleSettings(patientSystem: patients))
    let entries = made["entry"]?.array ?? []
    #expect(entries.last?["resource"]?["derivedFrom"]?.array?.first?["reference"] == entries.first?["fullUrl"])
  }
}

@Suite struct CloudEventsTests {
  @Test func attributesAndDataAreAsTheStandardHasThem() throws {
    let batch = CloudEventsBatch.encode(
      [Sample.item(Sample.pressure), Sample.event], Sample.context(), CloudEventsSettings())
    let events = try JSONReader().value(batch.requests.first?.body ?? []).array ?? []
    #expect(batch.requests.first?.items == [Sample.pressure.id.description, Sample.event.id])
    #expect(events.count == 2)
    for event in events {
      // Required attributes (1.0.2, 3.1); names are lower-case letters and digits.
      #expect(event["specversion"] == "1.0")
      for name in ["id", "source", "type"] { #expect(event[name]?.string?.isEmpty == false) }
      #expect(event.object?.keys.allSatisfy { $0.allSatisfy { $0.isLetter && $0.isLowercase || $0.isNumber } } == true)
      #expect(FHIRRules.isDateTime(event["time"]?.string ?? ""))
      #expect(event["source"] == "urn:hearth:hub-0011223344556677")
      // Nobody is named where brokers look.
      let attributes = event.object?.members.filter { $0.key != "data" }.compactMap(\.value.string) ?? []
      #expect(!attributes.contains("p-7f3a"))
    }
    #expect(events.map { $0["type"]?.string } == ["hearth.reading.blood-pressure.v1", "hearth.event.threshold.v1"])
    #expect(events.first?["data"]?.encoded() == Sample.item(Sample.pressure).json)
    #expect(events.last?["data"]?.encoded() == Sample.event.json)
  }

  @Test func batchesStayWithinTheLimitAndWhatIsNoObjectIsRefused() {
    let broken = OutgoingItem(id: "x", isReading: true, json: Array("[".utf8))
    let items = Sample.all.map(Sample.item) + [broken]
    let batch = CloudEventsBatch.encode(items, Sample.context(maximumBytes: 4096), CloudEventsSettings())
    #expect(batch.requests.count > 2)
    #expect(batch.requests.allSatisfy { $0.body.count <= 4096 })
    #expect(batch.requests.flatMap(\.items) == Sample.all.map(\.id.description))
    #expect(Array(batch.refused.keys) == ["x"])
  }

  @Test func anySuccessTakesTheBatchButNoPortalsPage() {
    let request = EncodedRequest(key: "k", body: [], items: ["a"])
    func read(_ status: Int, _ body: String = "", _ type: String = "application/json") -> UploadOutcome {
      CloudEventsAnswer.read(
        HTTPReply(status: status, headers: [("Content-Type", type)], body: Array(body.utf8)), to: request,
        nowMilliseconds: 0)
    }
    for status in [200, 201, 202, 204] { #expect(read(status) == .items(["a": .stored])) }
    #expect(read(200, "<html>", "text/html") == .unknown(code: "answer.unreadable"))
    #expect(read(200, " <!doctype html>") == .unknown(code: "answer.unreadable"))
    #expect(read(429) == .busy(after: nil, code: "http.429"))
    #expect(read(413) == .tooLarge)
  }
}
