// Backends over HTTP in the configuration: the keys of each type, and what is told of a wrong one.

import Exchange
import JSON
import Monitoring
import Readings
import Settings
import Testing

private func backend(_ members: String) throws -> BackendConfiguration {
  let text = #"{"backends": [{"name": "x", "url": "https://x.example/fhir", \#(members)}]}"#
  return try #require(try ConfigurationFile.read(Array(text.utf8)).backends.first)
}

private func fault(_ members: String) -> String? {
  do {
    _ = try backend(members)
    return nil
  } catch let error as JSONError {
    return error.description(file: "f")
  } catch {
    return "\(error)"
  }
}

@Suite struct BackendFileTests {
  @Test func everyTypeHasItsSettings() throws {
    #expect(
      try backend(#""type": "fhir-phd""#).kind == .http(.phd(PHDSettings()), HTTPBackend(url: "https://x.example/fhir"))
    )
    let phd = try backend(
      #""type": "fhir-phd", "patient": "resource", "patient_system": "urn:oid:2.999.1", "create_by": "guide", "unplaced": "send", "entries": 160"#
    )
    guard case .http(.phd(let settings), _) = phd.kind else { throw CancellationError() }
    #expect(settings.patient == .resource(system: "urn:oid:2.999.1") && settings.key == .guide)
    #expect(settings.sendsUnplaced && settings.maximumEntries == 160)
    let batch = try backend(
      #""type": "fhir-batch", "patient_system": "urn:oid:2.999.1", "bundle_type": "collection", "municipality": "0301", "performer": {"system": "urn:oid:2.999.2", "value": "9"}, "trust_2xx": true"#
    )
    guard case .http(.observations(let shape), let http) = batch.kind else { throw CancellationError() }
    #expect(shape.bundleType == .collection && shape.municipality == "0301" && http.trustsSuccess)
    #expect(shape.performer == .init(system: "urn:oid:2.999.2", value: "9"))
    let events = try backend(#""type": "cloudevents", "source": "https://x.example/hubs", "type_prefix": "no.example""#)
    #expect(
      events.kind
        == .http(
          .cloudEvents(CloudEventsSettings(source: "https://x.example/hubs", typePrefix: "no.example")),
          HTTPBackend(url: "https://x.example/fhir")))
    #expect(events.kind.name == "cloudevents" && phd.kind.name == "fhir-phd" && batch.kind.name == "fhir-batch")
  }

  @Test func requestsAreCompressedWhereTheConfigurationWantsIt() throws {
    for (members, expected) in [("", false), (#", "compress": "gzip""#, true), (#", "compress": "none""#, false)] {
      for type in [#""native""#, #""fhir-phd""#, #""cloudevents""#] {
        guard case .http(_, let http) = try backend(#""type": \#(type)\#(members)"#).kind else {
          throw CancellationError()
        }
        #expect(http.compresses == expected)
      }
    }
    #expect(fault(#""type": "native", "compress": true"#) != nil)
    #expect(fault(#""type": "native", "compress": "br""#)?.contains("gzip") ?? false)
  }

  @Test func whoseTheReadingsOfATrialAre() throws {
    #expect(try backend(#""type": "native", "test_patient": "p-test""#).testPatient == "p-test")
    #expect(try backend(#""type": "native""#).testPatient == nil)
    #expect(fault(#""type": "native", "test_patient": "-""#)?.contains("a letter or a digit") ?? false)
    #expect(fault(#""type": "native", "test_patient": "13097248022""#)?.contains("pseudonym") ?? false)
    #expect(fault(#""type": "fhir-phd", "test_patient": "p_test""#)?.contains("FHIR id") ?? false)
    #expect(fault(#""type": "directory", "path": "/x", "test_patient": "p""#)?.contains("unknown key") ?? false)
  }

  @Test func whatAReceiverWantsOfObservations() throws {
    let phd = try backend(
      #""type": "fhir-phd", "profile": "vitalsigns", "single_loinc": true, "encounter": "Encounter/17", "based_on": ["CarePlan/a", {"system": "urn:oid:2.999.1", "value": "b"}], "focus": "https://x.example/fhir/Patient/c", "performer": "Organization/d", "performers": {"weight": "none", "spo2": "Organization/e"}, "profiles": {"weight": "https://x.example/w", "glucose": ["https://x.example/g", "https://x.example/h"]}"#
    )
    guard case .http(.phd(let settings), _) = phd.kind else { throw CancellationError() }
    var shape = FHIRShape()
    shape.preset = .vitalsigns
    shape.hasOneLOINC = true
    shape.encounter = .reference("Encounter/17")
    shape.basedOn = [.reference("CarePlan/a"), .identifier(system: "urn:oid:2.999.1", value: "b")]
    shape.focus = [.reference("https://x.example/fhir/Patient/c")]
    shape.performer = .reference("Organization/d")
    shape.performers = ["spo2": .reference("Organization/e")]
    shape.performers.updateValue(nil, forKey: "weight")
    shape.profiles = ["weight": ["https://x.example/w"], "glucose": ["https://x.example/g", "https://x.example/h"]]
    #expect(settings.shape == shape)
    let batch = try backend(#""type": "fhir-batch", "patient_system": "urn:oid:2.999.1", "profile": "vkp""#)
    guard case .http(.observations(let national), _) = batch.kind else { throw CancellationError() }
    #expect(national.shape.preset == .vkp)
    for (members, words) in [
      (#""type": "fhir-phd", "profile": "vkp""#, "phd, vitalsigns"),
      (#""type": "fhir-batch", "patient_system": "urn:oid:2.999.1", "profile": "phd""#, "vitalsigns, vkp"),
      (#""type": "native", "profile": "phd""#, "unknown key"),
      (#""type": "fhir-phd", "encounter": "17""#, "Encounter/17"),
      (#""type": "fhir-phd", "encounter": "CarePlan/17""#, "of the type Encounter"),
      (#""type": "fhir-phd", "based_on": []"#, "expected one to 8"),
      (#""type": "fhir-phd", "focus": "care plan/1""#, "expected a reference"),
      (#""type": "fhir-phd", "performers": {"wieght": "none"}"#, "weight"),
      (#""type": "fhir-phd", "profiles": {"weight": "bodyweight"}"#, "expected a URI"),
      (#""type": "fhir-phd", "performer": {"value": "1"}"#, #"missing key "system""#),
    ] {
      let text = fault(members) ?? "taken"
      #expect(text.contains(words), "\(text)")
    }
  }

  @Test func everyCredential() throws {
    func authorization(_ members: String) throws -> HTTPBackend.Authorization? {
      guard case .http(_, let http) = try backend(#""type": "fhir-phd", "# + members).kind else { return nil }
      return http.authorization
    }
    #expect(try authorization(#""bearer": {"file": "/t"}"#) == .bearer(.file("/t")))
    #expect(
      try authorization(#""basic": {"user": "u", "password": {"credential": "p"}}"#)
        == .basic(user: "u", password: .credential("p")))
    #expect(try authorization(#""helper": "/usr/libexec/sign""#) == .helper(path: "/usr/libexec/sign"))
    #expect(
      try authorization(
        #""oauth2": {"token_url": "https://x.example/token", "client_id": "c", "client_secret": {"credential": "s"}, "scope": "a b"}"#
      )
        == .oauth2(.init(tokenURL: "https://x.example/token", id: "c", secret: .credential("s"), scope: "a b")))
  }

  @Test func whereItGivesPlans() throws {
    #expect(try backend(#""type": "native""#).plans == nil)
    #expect(
      try backend(#""type": "fhir-phd", "plans": {"url": "https://x.example/plans"}"#).plans
        == PlanSource(url: "https://x.example/plans", every: 3_600_000))
    #expect(
      try backend(
        #""type": "native", "plans": {"url": "http://127.0.0.1:1/p", "every": "P7D", "verify": "/usr/libexec/v"}"#
      ).plans == PlanSource(url: "http://127.0.0.1:1/p", every: 604_800_000, verifier: "/usr/libexec/v"))
  }

  @Test(arguments: [
    (#""type": "fhir""#, "expected one of directory, native, fhir-phd, fhir-batch, cloudevents"),
    (#""type": "fhir-phd", "bundle_type": "batch""#, #"unknown key "bundle_type""#),
    (#""type": "fhir-phd", "patient": "resource""#, #"missing key "patient_system""#),
    (#""type": "fhir-phd", "patient_system": "urn:oid:2.999.1""#, "has no identifier, and so no system"),
    (#""type": "fhir-phd", "patient": "name""#, "reference"), (#""type": "fhir-phd", "create_by": "me""#, "own"),
    (#""type": "fhir-phd", "entries": 3"#, "10"), (#""type": "fhir-batch""#, #"missing key "patient_system""#),
    (#""type": "fhir-batch", "patient_system": "fnr""#, "expected a URI"),
    (#""type": "fhir-batch", "patient_system": "urn:x", "municipality": "301""#, "four digits"),
    (#""type": "fhir-batch", "patient_system": "urn:x", "bundle_type": "collection", "create": "put""#, "no requests"),
    (#""type": "fhir-batch", "patient_system": "urn:x", "performer": {"value": "1"}"#, #"missing key "system""#),
    (#""type": "cloudevents", "trust_2xx": true"#, #"unknown key "trust_2xx""#),
    (#""type": "cloudevents", "source": "hub""#, "expected a URI"),
    (#""type": "native", "patient_system": "urn:x""#, #"unknown key "patient_system""#),
    (#""type": "native", "bearer": {"file": "/t"}, "helper": "/h""#, "expected one of"),
    (#""type": "native", "basic": {"user": "a:b", "password": {"file": "/t"}}"#, "without"),
    (#""type": "native", "basic": {"user": "a", "password": "b"}"#, "never stands in the configuration"),
    (#""type": "native", "plans": {}"#, #"plans: missing key "url""#),
    (#""type": "native", "plans": {"url": "http://x.example"}"#, "in clear"),
    (#""type": "native", "plans": {"url": "https://x.example", "every": "PT4M"}"#, #"at least "PT5M""#),
    (#""type": "native", "plans": {"url": "https://x.example", "every": "P8D"}"#, "at most \"P7D\""),
    (#""type": "native", "plans": {"url": "https://x.example", "verify": "gpg"}"#, "expected an absolute path"),
    (#""type": "native", "plans": {"url": "https://x.example", "key": "k"}"#, #"unknown key "key""#),
    (#""type": "directory", "path": "/x", "plans": {}"#, #"unknown key"#),
    (#""type": "native", "helper": "sign""#, "expected an absolute path"),
    (
      #""type": "native", "oauth2": {"token_url": "http://x.example/t", "client_id": "c", "client_secret": {"file": "/s"}}"#,
      "in clear"
    ),
  ]) func whatIsWrongIsNamed(members: String, words: String) {
    let text = fault(members) ?? "taken"
    #expect(text.contains(words), "\(text)")
  }

  @Test func aPatientThatIsNoFHIRIdIsToldBeforeItsReadingsAreRefused() throws {
    func text(_ patient: String, _ members: String) -> [UInt8] {
      Array(
        #"{"devices": [{"id": "s", "driver": "visomat", "port": "/d", "users": {"1": "\#(patient)"}}], "backends": [{"name": "x", "type": "fhir-phd", "url": "https://x.example"\#(members)}]}"#
          .utf8)
    }
    let named = #", "patient": "resource", "patient_system": "urn:oid:2.999.1""#
    #expect(throws: JSONError.self) { try ConfigurationFile.read(text("p_1", "")) }
    #expect(try ConfigurationFile.read(text("p_1", named)).backends.count == 1)
    #expect(try ConfigurationFile.read(text("p-1", "")).backends.count == 1)
  }

  @Test func aPlansBandsTravel() {
    let plan = Plan(
      patient: "p", version: 3, liveWindow: 1,
      rules: [
        Rule(
          id: "pulse",
          kind: BandRule(measure: .pulse, zones: [ZoneLimit(.red, [.init(.atLeast, ExactDecimal(131))])])),
        Rule(
          id: "off", isEnabled: false,
          kind: BandRule(measure: .weight, zones: [ZoneLimit(.red, [.init(.lessThan, ExactDecimal(4))])])),
        Rule(
          id: "night",
          kind: BandRule(measure: .spo2, zones: [ZoneLimit(.yellow, [.init(.lessThan, ExactDecimal(90))])]),
          hours: [DayHours(from: 0, to: 360)]),
      ])
    let bands = PatientBands(plan)
    #expect(bands.version == 3 && bands.bands.map(\.rule) == ["pulse", "night"])
    #expect(bands.bands.first?.terms == [.cuffPulse, .oximeterPulse])
    #expect(bands.bands.first?.bounds == [.init(.atLeast, ExactDecimal(131))])
    #expect(bands.bands.map(\.isAlways) == [true, false])
  }
}

@Suite struct DirectoryKeepTests {
  private func keep(_ members: String) throws -> Int64? {
    let text = #"{"backends": [{"name": "x", "type": "directory", "path": "/x"\#(members)}]}"#
    return try #require(try ConfigurationFile.read(Array(text.utf8)).backends.first).keep
  }

  @Test func aDirectoryBackendForgetsByItself() throws {
    #expect(try keep("") == 90 * 86_400_000)
    #expect(try keep(#", "keep": "P14D""#) == 14 * 86_400_000)
    #expect(try keep(#", "keep": "P3650D""#) == 3650 * 86_400_000)
    for wrong in [#""PT12H""#, #""P3651D""#, #""90""#, "90"] {
      #expect(throws: JSONError.self) { try keep(#", "keep": \#(wrong)"#) }
    }
    #expect(try backend(#""type": "fhir-phd""#).keep == nil)
    #expect(fault(#""type": "native", "keep": "P1D""#)?.contains("unknown key \"keep\"") ?? false)
  }
}
