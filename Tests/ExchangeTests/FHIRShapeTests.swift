// What receivers' guides ask of Observations, set by the configuration: presets held against the constraints of their profiles, references,
// one LOINC code, who is responsible.

import Exchange
import JSON
import Readings
import Testing

private let core = "http://hl7.org/fhir/StructureDefinition/"
private let national = "http://hl7.no/fhir/vkpobservation/StructureDefinition/vkp-Observation"
private let organisation = FHIRShape.Link.identifier(system: "urn:oid:2.16.578.1.12.4.1.4.101", value: "999999999")

/// A profile of R4's vital signs: its LOINC code and the units that it takes.
private let vitalSigns: [String: (loinc: String, units: Set<String>)] = [
  "bp": ("85354-9", []), "bodyweight": ("29463-7", ["g", "kg", "[lb_av]"]), "bodyheight": ("8302-2", ["cm", "[in_i]"]),
  "bmi": ("39156-5", ["kg/m2"]), "oxygensat": ("2708-6", ["%"]), "heartrate": ("8867-4", ["/min"]),
  "bodytemp": ("8310-5", ["Cel", "[degF]"]),
]

private enum Form: CaseIterable {
  case transaction
  case batch

  func observations(_ shape: FHIRShape, _ readings: [Reading] = Sample.all) throws -> [JSONValue] {
    let batch: EncodedBatch
    switch self {
    case .transaction:
      var settings = PHDSettings(maximumEntries: 1000)
      settings.shape = shape
      batch = PHDTransaction.encode(readings.map(Sample.item), Sample.context(), settings)
    case .batch:
      var settings = ObservationBundleSettings(patientSystem: "urn:oid:2.999.4.1", maximumEntries: 1000)
      settings.shape = shape
      batch = ObservationBundle.encode(readings.map(Sample.item), Sample.context(), settings)
    }
    #expect(batch.refused.isEmpty)
    return try batch.requests.flatMap { request in
      let bundle = try JSONReader(maximumSize: 8 << 20).value(request.body)
      #expect(FHIRRules.faults(ofBundle: bundle) == [])
      return (bundle["entry"]?.array ?? []).compactMap { $0["resource"] }
    }.filter {
      $0["resourceType"] == "Observation" && !profiles($0).contains { $0.hasSuffix("CoincidentTimeStampObservation") }
    }
  }
}

private func profiles(_ observation: JSONValue) -> [String] {
  (observation["meta"]?["profile"]?.array ?? []).compactMap(\.string)
}

private func loinc(_ concept: JSONValue?) -> [String] {
  (concept?["coding"]?.array ?? []).filter { $0["system"] == "http://loinc.org" }.compactMap { $0["code"]?.string }
}

/// What an Observation breaks of the vital signs profile that it claims (R4: vitalsigns, vs-1, vs-2, and the profile's own).
private func faults(_ observation: JSONValue, _ name: String) -> [String] {
  guard let profile = vitalSigns[name] else { return ["no such profile"] }
  var faults: [String] = []
  func demand(_ holds: Bool, _ what: String) { if !holds { faults.append("\(name): \(what)") } }
  let categories = FHIRRules.all("category", in: observation)
  demand(categories.flatMap { FHIRRules.all("code", in: $0) }.contains("vital-signs"), "category")
  demand(loinc(observation["code"]).filter { $0 == profile.loinc }.count == 1, "code")
  demand(observation["subject"] != nil && observation["effectiveDateTime"] != nil, "subject, effective")
  if name == "bp" {
    let components = observation["component"]?.array ?? []
    for code in ["8480-6", "8462-4"] {
      let found = components.filter { loinc($0["code"]) == [code] }
      demand(found.count == 1, "component \(code)")
      demand(found.allSatisfy { $0["valueQuantity"]?["code"].map { $0 == "mm[Hg]" } ?? true }, "unit")
    }
    demand(observation["valueQuantity"] == nil, "value")
  } else if let quantity = observation["valueQuantity"] {
    demand(quantity["system"] == "http://unitsofmeasure.org", "system")
    demand(profile.units.contains(quantity["code"]?.string ?? ""), "unit \(quantity["code"]?.string ?? "-")")
    demand(quantity["unit"] != nil && quantity["value"] != nil, "unit, value")
  } else {
    demand(observation["dataAbsentReason"] != nil, "vs-2")
  }
  return faults
}

@Suite struct FHIRShapeTests {
  @Test(arguments: [0, 1]) func whatClaimsAVitalSignKeepsToIt(form: Int) throws {
    var shape = FHIRShape()
    shape.preset = .vitalsigns
    let observations = try Form.allCases[form].observations(shape)
    var claimed: Set<String> = []
    for observation in observations {
      for profile in profiles(observation) where profile.hasPrefix(core) {
        let name = String(profile.dropFirst(core.count))
        claimed.insert(name)
        #expect(faults(observation, name) == [])
      }
      // Everything under a code of a vital sign says so; but a pressure that tells no pressures cannot.
      let isPressure = loinc(observation["code"]).contains("85354-9")
      let isTold = observation["component"] != nil
      let claims = profiles(observation).contains { $0.hasPrefix(core) }
      let code = loinc(observation["code"]).first { code in vitalSigns.values.contains { $0.loinc == code } }
      #expect(claims == (code != nil && (!isPressure || isTold)), "\(observation["code"] ?? .null)")
    }
    #expect(claimed == ["bp", "bodyweight", "bmi", "oxygensat", "heartrate", "bodytemp"])
  }

  @Test func aPressureWithoutItsTwinClaimsNoBloodPressure() throws {
    let half = Sample.reading(1, .bloodPressure, [Sample.value(.systolic, 120)])
    for preset in [FHIRShape.Preset.vitalsigns, .vkp] {
      var shape = FHIRShape()
      shape.preset = preset
      let claimed = try Form.batch.observations(shape, [half]).flatMap(profiles)
      #expect(claimed == (preset == .vkp ? [national] : []))
    }
  }

  @Test func aTransactionClaimsTheGuidesProfilesAlways() throws {
    for preset in [nil, FHIRShape.Preset.phd, .vitalsigns] {
      var shape = FHIRShape()
      shape.preset = preset
      for observation in try Form.transaction.observations(shape) {
        let guide = profiles(observation).filter { $0.hasPrefix("http://hl7.org/fhir/uv/phd/") }
        #expect(guide.count == 1 && profiles(observation).first == guide.first)
        if preset != .vitalsigns { #expect(profiles(observation) == guide) }
        // 1..1 in each of the guide's profiles.
        #expect(observation["device"] != nil && observation["subject"] != nil)
        #expect(
          (observation["extension"]?.array ?? []).filter { $0["url"]?.string?.hasSuffix("gatewayDevice") ?? false }
            .count == 1)
      }
    }
  }

  @Test func whereTheDeviceToldTheTimeItsClockIsTold() throws {
    func clocks(_ reading: Reading) throws -> Int {
      try Form.transaction.observations(FHIRShape(), [reading]).filter {
        ($0["extension"]?.array ?? []).contains {
          $0["url"]?.string?.hasSuffix("CoincidentTimeStampReference") ?? false
        }
      }.count
    }
    #expect(try clocks(Sample.weight) == 2)
    #expect(try clocks(Sample.corrected) == 1)
    #expect(try clocks(Sample.serialOximetry) == 0)
    #expect(try clocks(Sample.heart) == 0)
  }

  @Test func theNationalProfilesNameNobodyWhereTheyTakeOnlyAPractitioner() throws {
    var shape = FHIRShape()
    shape.preset = .vkp
    shape.performer = organisation
    var names: Set<String> = []
    for observation in try Form.batch.observations(shape) {
      let claimed = try #require(profiles(observation).first)
      #expect(profiles(observation).count == 1 && claimed.hasPrefix(national))
      names.insert(String(claimed.dropFirst(national.count)))
      #expect((observation["performer"] == nil) == (claimed != national), "\(claimed)")
      #expect(observation["subject"]?["identifier"]?["system"] == "urn:oid:2.999.4.1")
    }
    #expect(names == ["", "-Bloodpressure", "-Bodyweight", "-Oxygensat", "-Heartrate", "-Bodytemp"])
  }

  @Test(arguments: [0, 1]) func referencesStandInEveryObservation(form: Int) throws {
    var shape = FHIRShape()
    shape.encounter = .reference("Encounter/17")
    shape.basedOn = [.reference("CarePlan/a"), .identifier(system: "urn:oid:2.999.9", value: "b")]
    shape.focus = [.reference("https://x.example/fhir/Patient/c")]
    let observations = try Form.allCases[form].observations(shape)
    #expect(!observations.isEmpty)
    for observation in observations {
      #expect(observation["encounter"] == ["reference": "Encounter/17"])
      #expect(
        observation["basedOn"] == [
          ["reference": "CarePlan/a"], ["identifier": ["system": "urn:oid:2.999.9", "value": "b"]],
        ])
      #expect(observation["focus"] == [["reference": "https://x.example/fhir/Patient/c"]])
    }
    for observation in try Form.allCases[form].observations(FHIRShape()) {
      for key in ["encounter", "basedOn", "focus", "performer"] { #expect(observation[key] == nil) }
    }
  }

  /// ISiK Vitalparameter: exactly one LOINC code in each concept.
  @Test(arguments: [0, 1]) func oneLOINCCode(form: Int) throws {
    var shape = FHIRShape()
    shape.hasOneLOINC = true
    let readings = Sample.all + [Sample.reading(20, .bodyTemperature, [Sample.value(.oralTemperature, 371, -1)])]
    for observation in try Form.allCases[form].observations(shape, readings) {
      for concept in FHIRRules.all("code", in: observation) where concept["coding"] != nil {
        #expect(loinc(concept).count <= 1, "\(concept)")
      }
      let codes = loinc(observation["code"])
      if codes.contains("59408-5") || codes.contains("8331-1") { Issue.record("not the code that a profile demands") }
    }
  }

  @Test(arguments: [0, 1]) func profilesAndPerformersByWhatIsTold(form: Int) throws {
    var shape = FHIRShape()
    shape.performer = organisation
    shape.performers = ["weight": .reference("Organization/w")]
    shape.performers.updateValue(nil, forKey: "spo2")
    shape.profiles = ["weight": ["https://x.example/weight"], "blood-pressure": ["https://x.example/bp"]]
    for observation in try Form.allCases[form].observations(shape) {
      let codes = loinc(observation["code"])
      let own = profiles(observation).filter { $0.hasPrefix("https://x.example/") }
      switch codes.first {
      case "29463-7":
        #expect(own == ["https://x.example/weight"])
        #expect(observation["performer"] == [["reference": "Organization/w"]])
      case "85354-9": #expect(own == ["https://x.example/bp"])
      case "2708-6": #expect(own.isEmpty && observation["performer"] == nil)
      default: #expect(own.isEmpty && observation["performer"] != nil)
      }
    }
  }

  /// What the pieces of a batch share is counted once for each request, and no request passes the limits.
  @Test func requestsKeepToTheirLimits() throws {
    let readings = (0..<60).map { number in
      Sample.reading(
        UInt64(100 + number), .bodyWeight, [Sample.value(.weight, 70_000 + Int64(number), -3)],
        device: DeviceIdentity(id: "scale-\(number % 7)", transport: .serial), patient: "p-\(number % 5)")
    }
    let settings = PHDSettings(patient: .resource(system: "urn:oid:2.999.1"), maximumEntries: 20)
    let batch = PHDTransaction.encode(readings.map(Sample.item), Sample.context(), settings)
    #expect(batch.requests.flatMap(\.items) == readings.map(\.id.description))
    for request in batch.requests {
      #expect(request.entries.count <= 20 && Set(request.entries.map(\.fullURL)).count == request.entries.count)
      #expect(FHIRRules.faults(ofBundle: try JSONReader(maximumSize: 8 << 20).value(request.body)) == [])
    }
    #expect(batch.requests.count > 3)
  }
}
