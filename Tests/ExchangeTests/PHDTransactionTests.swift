// Readings as a transaction of the HL7 PHD guide: held against the guide's own examples where they fit, against FHIR's rules for
// the whole, and against Hearth's promises: digits, identifiers, nothing invented.

import Exchange
import Foundation
import JSON
import Readings
import Testing

private func encode(_ readings: [Reading], _ settings: PHDSettings = PHDSettings()) throws -> [JSONValue] {
  let batch = PHDTransaction.encode(readings.map(Sample.item), Sample.context(), settings)
  #expect(batch.refused.isEmpty && batch.passedOver.isEmpty)
  return try batch.requests.map { try JSONReader(maximumSize: 8 << 20).value($0.body) }
}

private func observations(_ bundle: JSONValue?) -> [JSONValue] {
  (bundle?["entry"]?.array ?? []).compactMap { $0["resource"] }.filter { $0["resourceType"] == "Observation" }
}

private func code(_ observation: JSONValue) -> String? {
  observation["code"]?["coding"]?.array?.first?["code"]?.string
}

private func one(_ mdc: Int, _ readings: [Reading], _ settings: PHDSettings = PHDSettings()) throws -> JSONValue {
  let found = observations(try encode(readings, settings).first).filter { code($0) == "\(mdc)" }
  return try #require(found.count == 1 ? found.first : nil)
}

private func example(_ name: String) throws -> JSONValue {
  let url = Bundle.module.bundleURL.appending(path: "Fixtures/phd-ig/\(name).json")
  return try JSONReader().value(Array(try Data(contentsOf: url)))
}

@Suite struct PHDTransactionTests {
  @Test func theGuidesBloodPressure() throws {
    let cuff = DeviceIdentity(id: "o", transport: .ble, systemID: "71-10-00-FE-FF-5F-49-B0")
    let reading = Sample.reading(
      1, .bloodPressure,
      [Sample.value(.systolic, 116), Sample.value(.diastolic, 71), Sample.value(.meanArterial, 86)], device: cuff,
      takenAt: Timestamp(milliseconds: 1_541_954_295_000, offsetSeconds: -18_000))
    let ours = try one(150_020, [reading])
    let theirs = try example("compound-numeric-blood-pressure")
    for key in ["resourceType", "status", "category", "code", "effectiveDateTime"] {
      #expect(ours[key] == theirs[key], "\(key)")
    }
    // The order of a quantity's members differs; every member is the same.
    let (mine, given) = (ours["component"]?.array ?? [], theirs["component"]?.array ?? [])
    #expect(mine.count == 3 && given.count == 3)
    for (mine, given) in zip(mine, given) {
      #expect(mine["code"] == given["code"])
      for key in ["value", "unit", "system", "code"] {
        #expect(mine["valueQuantity"]?[key] == given["valueQuantity"]?[key])
      }
    }
    #expect(ours["extension"]?.array?.first?["url"] == theirs["extension"]?.array?.first?["url"])
    #expect(ours["valueQuantity"] == nil)
  }

  @Test func theGuidesValuesThatAreNone() throws {
    let theirs = try example("numeric-observation-not-a-number")
    let ours = try one(
      150_456,
      [
        Sample.reading(
          1, .pulseOximetry, [Observation(.spo2, .absent(.notANumber), unit: .percent)], source: "1822/2A5F")
      ])
    #expect(ours["dataAbsentReason"] == theirs["dataAbsentReason"])
    #expect(ours["valueQuantity"] == nil)
  }

  @Test func theGuidesBits() throws {
    let pressure = try one(
      8_410_608,
      [
        Sample.reading(
          1, .bloodPressure, [Sample.value(.systolic, 116), Sample.value(.diastolic, 71)],
          flags: [.improperPosition, .bodyMovement])
      ])
    let theirs = try example("bpm-status")
    #expect(pressure["component"] == theirs["component"])
    #expect(pressure["code"] == theirs["code"])
    #expect(pressure["category"] == theirs["category"])
    let oximeter = try one(
      150_604,
      [
        Sample.reading(
          1, .pulseOximetry, [Sample.value(.spo2, 97)],
          flags: [
            .signalInadequate, .signalPoor, .signalLowPerfusion, .signalPulseQuestionable, .sensorDisplaced,
          ])
      ])
    #expect(oximeter["component"] == (try example("bits-observation"))["component"])
  }

  @Test func theGuidesSpotCheckGlucoseMealAndTemperature() throws {
    let spot = try one(150_456, [Sample.oximetry])
    #expect(spot["component"] == (try example("numeric-spo2-alarm"))["component"])
    let reading = Sample.reading(
      1, .glucose, [Sample.value(.glucoseUndeterminedPlasma, 99, unit: .milligramPerDecilitre)], flags: [.mealAfter])
    let glucose = try one(160_368, [reading])
    let theirs = try example("glucose-observation")
    for key in ["value", "unit", "system", "code"] {
      #expect(glucose["valueQuantity"]?[key] == theirs["valueQuantity"]?[key])
    }
    #expect(glucose["code"]?["text"] == theirs["code"]?["text"])
    #expect(glucose["category"] == theirs["category"])
    let meal = try one(8_417_864, [reading])
    let context = try example("meal-context-observation")
    #expect(meal["code"] == context["code"])
    #expect(
      meal["valueCodeableConcept"]?["coding"] == context["valueCodeableConcept"]?["coding"])
    let warm = try one(150_364, [Sample.reading(1, .bodyTemperature, [Sample.value(.temperature, 365, -1)])])
    let given = try example("temperature-observation")
    #expect(warm["code"] == given["code"])
    #expect(warm["valueQuantity"]?["value"] == given["valueQuantity"]?["value"])
    #expect(warm["valueQuantity"]?["unit"] == given["valueQuantity"]?["unit"])
  }

  @Test func theGuidesDevices() throws {
    let omron = DeviceIdentity(
      id: "o", manufacturer: "OMRONHEALTHCARE", model: "HEM-9200T", serial: "20150200002A", firmware: "C.00.7AJ-02",
      transport: .ble, address: "B0:49:5F:00:10:71", systemID: "71-10-00-FE-FF-5F-49-B0")
    let bundle = try #require(
      try encode([Sample.reading(1, .bloodPressure, [Sample.value(.systolic, 116)], device: omron)]).first)
    let devices = (bundle["entry"]?.array ?? []).filter { $0["resource"]?["resourceType"] == "Device" }
    let (phg, phd) = (devices.first?["resource"], devices.last?["resource"])
    let theirs = try example("phd-711000FEFF5F49B0.B0495F001071")
    for key in ["identifier", "manufacturer", "serialNumber", "modelNumber", "type", "specialization", "meta"] {
      #expect(phd?[key] == theirs[key], "\(key)")
    }
    #expect(phd?["version"]?.array?.first == theirs["version"]?.array?.first)
    #expect(
      devices.last?["request"]?["ifNoneExist"]?.string
        == "identifier=urn:oid:1.2.840.10004.1.1.1.0.0.1.0.0.1.2680|71-10-00-FE-FF-5F-49-B0")
    let gateway = try example("phg-example")
    #expect(phg?["type"] == gateway["type"])
    #expect(phg?["version"]?.array?.first?["type"] == gateway["version"]?.array?.first?["type"])
    #expect(phg?["property"]?.array?.count == 1)
    // Locally administered: no manufacturer's number is claimed.
    let id = phg?["identifier"]?.array?.first?["value"]?.string ?? ""
    #expect(UInt8(id.prefix(2), radix: 16).map { $0 & 3 } == 2)
  }

  @Test func everythingKeepsFHIRsRules() throws {
    for patient: PatientForm in [
      .reference, .resource(system: "urn:oid:2.999.1"), .identifier(system: "urn:oid:2.999.1"),
    ] {
      for bundle in try encode(Sample.all, PHDSettings(patient: patient, maximumEntries: 12)) {
        #expect(FHIRRules.faults(ofBundle: bundle) == [])
      }
    }
  }

  @Test func everyObservationHasWhatTheGuideDemands() throws {
    let bundle = try #require(try encode(Sample.all, PHDSettings(maximumEntries: 1000)).first)
    var values = 0
    for observation in observations(bundle) where code(observation) != "67975" {
      let extensions = (observation["extension"]?.array ?? []).compactMap { $0["url"]?.string }
      #expect(extensions.first == "http://hl7.org/fhir/StructureDefinition/observation-gatewayDevice")
      #expect(observation["device"]?["reference"] != nil && observation["subject"]?["reference"] == "Patient/p-7f3a")
      #expect(observation["meta"]?["profile"]?.array?.count == 1)
      #expect(
        FHIRRules.all("category", in: observation).first?.array?.contains {
          $0["coding"]?.array?.first?["code"] == "phd"
        } == true)
      for interpretation in FHIRRules.all("interpretation", in: observation).flatMap({ $0.array ?? [] }) {
        #expect(
          interpretation["coding"]?.array?.first?["system"]
            == "http://hl7.org/fhir/uv/pocd/CodeSystem/measurement-status")
      }
      values += 1
    }
    // Every value of every reading is there: pressures are one, and two words of status and one meal come with them.
    let single = Sample.all.flatMap(\.observations).count { $0.term.code.contains("PRESS_BLD") == false }
    #expect(values == single + 4 + 4 + 1)
  }

  @Test func digitsStayAsTheDeviceGaveThem() throws {
    func number(_ mdc: Int, _ reading: Reading) throws -> String? {
      guard case .number(let number)? = try one(mdc, [reading])["valueQuantity"]?["value"] else { return nil }
      return number.text
    }
    #expect(try number(149_546, Sample.pressure) == "71.0")
    #expect(try number(188_736, Sample.weight) == "156.00")
    #expect(try number(188_736, Sample.composition) == "70.760")
    #expect(try number(188_428, Sample.fever) == "100.4")
    let large = Sample.reading(1, .bodyWeight, [Sample.value(.weight, 7, 10)])
    #expect(try number(188_736, large) == "70000000000")
    let unit = try one(188_736, [Sample.weight])["valueQuantity"]
    #expect(unit?["code"] == "[lb_av]")
  }

  @Test func aUnitThatVitalSignsDoNotHaveIsConverted() throws {
    let kilopascal = Sample.reading(
      1, .bloodPressure, [Sample.value(.systolic, 160, -1, unit: .kilopascal)])
    let component = try one(150_020, [kilopascal])["component"]?.array?.first
    #expect(component?["valueQuantity"]?["code"] == "mm[Hg]")
    #expect(component?["valueQuantity"]?["value"] == 120)
    let jin = try one(188_736, [Sample.reading(1, .bodyWeight, [Sample.value(.weight, 1416, -1, unit: .jin)])])
    #expect(jin["valueQuantity"]?["code"] == "kg")
  }

  @Test func oneAbsentComponentVoidsNoOther() throws {
    let components = try one(150_020, [Sample.failed])["component"]?.array ?? []
    #expect(
      components.map { $0["dataAbsentReason"]?["coding"]?.array?.first?["code"]?.string } == [
        "not-a-number", "error", nil,
      ])
    #expect(components.last?["valueQuantity"]?["value"] == 97)
    #expect(
      try one(149_546, [Sample.failed])["dataAbsentReason"]?["coding"]?.array?.first?["code"] == "positive-infinity")
  }

  @Test func measurementStatus() throws {
    let invalid = try one(150_020, [Sample.invalid])
    #expect(invalid["status"] == "entered-in-error" && invalid["component"] == nil)
    #expect(invalid["dataAbsentReason"]?["coding"]?.array?.first?["code"] == "error")
    let test = try one(150_456, [Sample.test])
    #expect(test["meta"]?["security"]?.array?.first?["code"] == "HTEST")
    #expect(test["status"] == "preliminary")
    let doubt = try one(150_456, [Sample.oximetry])["interpretation"]?.array ?? []
    #expect(doubt.first?["coding"]?.array?.first?["code"] == "questionable")
    #expect(try one(160_184, [Sample.glucose])["note"]?.array?.first?["text"] == "hearth: strip-error")
  }

  @Test func thePatientsBandsTravelWithWhatWasJudgedByThem() throws {
    let components = try one(150_020, [Sample.pressure])["component"]?.array ?? []
    let systolic = try #require(components.first)
    #expect(
      systolic["interpretation"]?.array?.first?["coding"]?.array?.map { $0["code"]?.string } == ["in-alarm", "HH"])
    let ranges = systolic["referenceRange"]?.array ?? []
    #expect(ranges.count == 2)
    #expect(ranges.first?["low"]?["value"] == 180 && ranges.first?["text"] == "red: >= 180 mm[Hg]")
    #expect(ranges.last?["high"]?["value"] == 90)
    let diastolic = components[1]
    #expect(diastolic["interpretation"] == nil)
    #expect(diastolic["referenceRange"]?.array?.last?["type"]?["coding"]?.array?.first?["code"] == "N")
    #expect(components[2]["referenceRange"] == nil)
    var other = Sample.pressure
    other.evaluation?.planVersion = 11
    #expect(FHIRRules.all("referenceRange", in: try one(150_020, [other])).isEmpty)
  }

  @Test func aCorrectedClockIsToldOnceForItsDevice() throws {
    var second = Sample.corrected
    second.id = ReadingID(high: 1, low: 2)
    second.takenAt = Timestamp(milliseconds: Sample.taken.milliseconds - 60_000, offsetSeconds: 3600)
    second.deviceTime = .local(DeviceDateTime(year: 2025, month: 11, day: 21, hours: 8, minutes: 14, seconds: 30))
    let bundle = try #require(try encode([Sample.corrected, second]).first)
    let clocks = (bundle["entry"]?.array ?? []).filter { $0["resource"].flatMap(code) == "67975" }
    let clock = try #require(clocks.count == 1 ? clocks.first : nil)
    #expect(clock["resource"]?["effectiveDateTime"] == "2026-11-21T08:15:33.120+01:00")
    #expect(clock["resource"]?["valueDateTime"] == "2025-11-21T08:15:33.120+01:00")
    #expect(clock["request"]?["ifNoneExist"] != nil)
    for observation in observations(bundle) where code(observation) == "150020" {
      #expect(observation["extension"]?.array?.last?["valueReference"]?["reference"] == clock["fullUrl"])
    }
    #expect(observations(try encode([Sample.serialOximetry]).first).allSatisfy { code($0) != "67975" })
  }

  @Test func bothIdentifiersGoAndTheConfiguredOneFeedsTheCreation() throws {
    // 2026-11-21T08:15:30 is 848 564 130 s after 2000-01-01T00:00:00.
    let guide = "5C313EFFFE000001-p-7f3a-urn:oid:2.999.1-150020-848564130"
    for key in CreationKey.allCases {
      let settings = PHDSettings(patient: .resource(system: "urn:oid:2.999.1"), key: key)
      let bundle = try #require(try encode([Sample.pressure], settings).first)
      let entry = try #require((bundle["entry"]?.array ?? []).first { $0["resource"].flatMap(code) == "150020" })
      let identifiers = entry["resource"]?["identifier"]?.array ?? []
      #expect(identifiers.map { $0["value"]?.string } == [guide, entry["fullUrl"]?.string])
      let search = entry["request"]?["ifNoneExist"]?.string ?? ""
      switch key {
      case .own: #expect(search == "identifier=urn:ietf:rfc:3986|\(entry["fullUrl"]?.string ?? "")")
      case .guide:
        #expect(
          search == "identifier=http://hl7.org/fhir/uv/phd/StructureDefinition/PhdBaseObservation|\(guide)")
      }
    }
    // Without a time of the device's own the guide has no identifier.
    #expect(try one(147_842, [Sample.heart])["identifier"]?.array?.count == 1)
    #expect(try one(150_456, [Sample.serialOximetry])["identifier"]?.array?.count == 1)
    // A clock that was reset gives two records one stamp: both are created.
    let twin = Sample.reading(99, .bloodPressure, [Sample.value(.systolic, 118)])
    let entries = try encode([Sample.pressure, twin], PHDSettings(key: .guide)).first?["entry"]?.array ?? []
    let searches = entries.compactMap { $0["request"]?["ifNoneExist"]?.string }
    #expect(Set(searches).count == entries.count)
  }

  @Test func whatABackendCannotHaveIsToldAndStopsNothing() {
    var unplaced = Sample.reading(20, .bloodPressure, [Sample.value(.systolic, 120)], takenAt: nil, quality: .unplaced)
    var strange = Sample.weight
    strange.patient = "p_1"
    let broken = OutgoingItem(id: "broken", isReading: true, json: Array("{}".utf8))
    let twice = Sample.reading(21, .pulseOximetry, [Sample.value(.spo2, 97), Sample.value(.spo2, 96)])
    let items = [
      broken, Sample.item(twice), Sample.item(unplaced), Sample.event, Sample.item(strange),
      Sample.item(Sample.pressure),
    ]
    let batch = PHDTransaction.encode(items, Sample.context(), PHDSettings())
    #expect(batch.passedOver == [Sample.event.id])
    #expect(
      Set(batch.refused.keys) == ["broken", twice.id.description, unplaced.id.description, strange.id.description])
    #expect(batch.requests.map(\.items) == [[Sample.pressure.id.description]])
    unplaced.deviceTime = nil
    let sent = PHDTransaction.encode(
      [Sample.item(unplaced)], Sample.context(), PHDSettings(sendsUnplaced: true))
    let text = String(decoding: sent.requests.first?.body ?? [], as: UTF8.self)
    #expect(text.contains(#""_effectiveDateTime":{"extension":"#) && text.contains(#""issued":"2026"#))
    #expect(!text.contains(#""effectiveDateTime":"#))
  }

  @Test func theSameBatchGivesTheSameOctetsWithinTheLimits() {
    let items = Sample.all.map(Sample.item)
    let context = Sample.context(maximumBytes: 20_000)
    let batch = PHDTransaction.encode(items, context, PHDSettings())
    #expect(batch == PHDTransaction.encode(items, context, PHDSettings()))
    #expect(batch.requests.count > 1)
    #expect(batch.requests.flatMap(\.items) == items.map(\.id))
    #expect(batch.requests.allSatisfy { $0.body.count <= 20_000 })
    #expect(Set(batch.requests.map(\.key)).count == batch.requests.count)
  }
}
