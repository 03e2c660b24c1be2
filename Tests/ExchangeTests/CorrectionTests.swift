// A reading that corrects another, in each form that backends get.

import Exchange
import JSON
import Readings
import Testing

@Suite struct CorrectionFormTests {
  private static let kinds = ReadingCorrection.Kind.allCases

  private func corrected(_ kind: ReadingCorrection.Kind) -> Reading {
    var reading = Sample.pressure
    let patient = reading.patient
    reading.correction = ReadingCorrection(kind, patient: kind == .withdrawn ? patient : nil)
    if kind == .withdrawn { reading.patient = nil }
    return reading
  }

  private func entries(_ batch: EncodedBatch) throws -> [JSONValue] {
    #expect(batch.refused.isEmpty && batch.passedOver.isEmpty)
    return try batch.requests.flatMap { try JSONReader(maximumSize: 8 << 20).value($0.body)["entry"]?.array ?? [] }
  }

  @Test(arguments: kinds) func itIsReadAgain(kind: ReadingCorrection.Kind) throws {
    let reading = corrected(kind)
    let read = try ReadingJSON.decode(ReadingJSON.encode(reading, sequence: 9))
    #expect(read.reading == reading && read.sequence == 9)
  }

  @Test func aCorrectionOfNoKnownKindIsNoReading() {
    let json = String(decoding: ReadingJSON.encode(corrected(.accepted)), as: UTF8.self)
    #expect(throws: ReadingJSONError(member: "correction")) {
      _ = try ReadingJSON.decode(Array(json.replacing("accepted", with: "guessed").utf8))
    }
  }

  @Test(arguments: kinds) func theGuidesTransactionReplacesTheObservation(kind: ReadingCorrection.Kind) throws {
    func observations(_ reading: Reading) throws -> [JSONValue] {
      let batch = PHDTransaction.encode([Sample.item(reading)], Sample.context(), PHDSettings())
      for request in batch.requests {
        #expect(FHIRRules.faults(ofBundle: try JSONReader(maximumSize: 8 << 20).value(request.body)) == [])
      }
      // The clock of the device is no value of the patient's, and stays.
      return try entries(batch).filter {
        $0["resource"]?["resourceType"] == "Observation"
          && $0["resource"]?["code"]?["coding"]?.array?.first?["code"] != "67975"
      }
    }
    let (before, after) = (try observations(Sample.pressure), try observations(corrected(kind)))
    #expect(before.count == after.count && !after.isEmpty)
    for (old, new) in zip(before, after) where old["resource"]?["code"] == new["resource"]?["code"] {
      guard old["fullUrl"] == new["fullUrl"], let search = old["request"]?["ifNoneExist"]?.string else { continue }
      #expect(new["request"]?["method"]?.string == "PUT")
      #expect(new["request"]?["url"]?.string == "Observation?\(search)")
      #expect(new["resource"]?["status"]?.string == (kind == .withdrawn ? "entered-in-error" : "final"))
      #expect(new["resource"]?["subject"] == old["resource"]?["subject"])
    }
    #expect(after.contains { $0["request"]?["method"]?.string == "PUT" })
  }

  @Test(arguments: kinds) func observationsOfABatchAreReplaced(kind: ReadingCorrection.Kind) throws {
    let settings = ObservationBundleSettings(
      patientSystem: "urn:oid:2.999.4.1", bundleType: .batch, creation: .ifNoneExist, maximumEntries: 1000)
    let made = try entries(ObservationBundle.encode([Sample.item(corrected(kind))], Sample.context(), settings))
    #expect(!made.isEmpty)
    for entry in made {
      #expect(entry["request"]?["method"]?.string == "PUT")
      #expect(entry["request"]?["url"]?.string?.hasPrefix("Observation?identifier=") == true)
      #expect(entry["resource"]?["status"]?.string == (kind == .withdrawn ? "entered-in-error" : "final"))
    }
  }

  /// Whose it was is not known any more: the patient was erased, and the backend was told of it then.
  @Test func whatWasWithdrawnFromAnErasedPatientIsPassedOver() {
    var reading = corrected(.withdrawn)
    reading.correction?.patient = nil
    let batch = PHDTransaction.encode([Sample.item(reading)], Sample.context(), PHDSettings())
    #expect(batch.requests.isEmpty && batch.refused.isEmpty && batch.passedOver.count == 1)
  }

  @Test func anEventOfItsOwnForABroker() throws {
    let json = ReadingJSON.encode(corrected(.withdrawn), sequence: 4711)
    let id = Sample.pressure.id.description
    let batch = CloudEventsBatch.encode(
      [OutgoingItem(id: id, isReading: true, json: json)], Sample.context(), CloudEventsSettings())
    let event = try JSONReader().value(batch.requests[0].body).array?.first
    #expect(event?["id"]?.string == "\(id).4711" && batch.requests[0].items == [id])
    #expect(event?["data"]?["patient"] == .null)
  }

  @Test func anErasureTakesTheLineThatNamesThePatient() throws {
    var lines = PatientLines(Sample.pressure.patient ?? "")
    let line = ReadingJSON.encode(corrected(.withdrawn)) + [0x0A]
    let kept = try lines.take(line)
    lines.finish()
    #expect(kept.isEmpty && lines.count == 1)
  }
}
