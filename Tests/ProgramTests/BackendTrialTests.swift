// A backend is tried with the real daemon and the real uplink, before any device is there: what is sent, what is told of the answer, and
// that nothing of it stays on the hub.

import Foundation
import Testing

@Suite(.serialized, .enabled(if: FaultServer.isPossible)) struct BackendTrialTests {
  /// A daemon with one backend and no device.
  private struct Bed {
    let home: Home
    let server: FaultServer

    init(_ path: String, _ type: String = #""native""#, _ more: String = #", "test_patient": "p-test""#) throws {
      server = try FaultServer(script: "trial_server.py")
      home = try Home(
        #"{"backends": [{"name": "care", "type": \#(type), "url": "\#(server.url(path))"\#(more)}]}"#)
      try home.start()
      _ = try home.until(["status"]) { $0.status == 0 }
    }

    /// The report of a trial.
    func report(_ status: Int32) throws -> [String: Any] {
      let outcome = try home.ctl("backends", "try", "care", "--yes", "--json")
      #expect(outcome.status == status, "\(outcome)")
      return try #require(try JSONSerialization.jsonObject(with: Data(outcome.out.utf8)) as? [String: Any])
    }

    /// The bodies that the server got.
    func seen() throws -> [Any] { try #require(try server.json(of: "seen") as? [Any]) }
  }

  private static let kinds = [
    "blood-pressure", "body-weight", "body-composition", "pulse-oximetry", "body-temperature", "glucose", "heart-rate",
  ]

  @Test func oneReadingOfEachKindIsSentAndNothingStays() throws {
    let bed = try Bed("native")
    let report = try bed.report(0)
    #expect(report["good"] as? Bool == true && report["patient"] as? String == "p-test")
    let steps = try #require(report["readings"] as? [[String: Any]])
    #expect(steps.map { $0["kind"] as? String } == BackendTrialTests.kinds)
    for step in steps {
      #expect(step["result"] as? String == "stored" && step["fault"] == nil && step["milliseconds"] is Int)
      #expect((step["answer"] as? [String: Any])?["status"] as? Int == 200)
    }
    let readings = try bed.seen().compactMap { (($0 as? [String: Any])?["readings"] as? [[String: Any]])?.first }
    #expect(readings.map { $0["kind"] as? String } == BackendTrialTests.kinds)
    for reading in readings {
      #expect(reading["test"] as? Bool == true && reading["patient"] as? String == "p-test")
      #expect(reading["evaluation"] == nil)
    }
    // Each trial has readings of its own.
    _ = try bed.report(0)
    let ids = try bed.seen().compactMap {
      (($0 as? [String: Any])?["readings"] as? [[String: Any]])?.first?["id"] as? String
    }
    #expect(Set(ids).count == 14)
    #expect(try bed.home.ctl("readings", "--json").out.isEmpty)
    let backends = try bed.home.ctl("backends", "--json").out
    #expect(backends.contains(#""delivered":0"#) && backends.contains(#""waiting":0"#))
    let people = try bed.home.ctl("backends", "try", "care", "--yes")
    #expect(people.status == 0 && people.out.contains("takes every kind of reading"))
  }

  @Test func everyFormSaysThatItIsATest() throws {
    let events = try Bed("events", #""cloudevents""#)
    #expect(try events.report(0)["good"] as? Bool == true)
    let list = try events.seen().compactMap { ($0 as? [[String: Any]])?.first }
    #expect(list.count == 7 && list.allSatisfy { $0["test"] as? Bool == true })
    for (path, type) in [
      ("fhir", #""fhir-phd""#), ("fhir", #""fhir-batch", "patient_system": "urn:oid:2.999.1""#),
    ] {
      let bed = try Bed(path, type)
      #expect(try bed.report(0)["good"] as? Bool == true)
      let bundles = try bed.seen().compactMap { ($0 as? [String: Any])?["entry"] as? [[String: Any]] }
      #expect(bundles.count == 7)
      for resource in bundles.flatMap({ $0 }).compactMap({ $0["resource"] as? [String: Any] })
      where resource["resourceType"] as? String == "Observation" {
        let security = (resource["meta"] as? [String: Any])?["security"] as? [[String: Any]]
        #expect(security?.first?["code"] as? String == "HTEST")
        #expect(security?.first?["system"] as? String == "http://terminology.hl7.org/CodeSystem/v3-ActReason")
      }
    }
  }

  @Test(arguments: [
    ("other-id", "none with the id that was sent"), ("no-results", #"no list "results""#), ("no-json", "no JSON"),
    ("page", "page of HTML"), ("unknown-status", #"status "ok" is none of"#), ("duplicate", "under a new id"),
  ]) func whatIsWrongWithTheAnswerIsSaid(path: String, words: String) throws {
    let bed = try Bed(path)
    let report = try bed.report(1)
    #expect(report["good"] as? Bool == false)
    let first = try #require((report["readings"] as? [[String: Any]])?.first)
    #expect((first["fault"] as? String)?.contains(words) ?? false, "\(first)")
    let people = try bed.home.ctl("backends", "try", "care", "--yes")
    #expect(people.status == 1 && people.out.contains("wrong with the answer:"))
  }

  @Test(arguments: [
    ("fhir-known", "under a new id"), ("operation-outcome", "expected a Bundle"), ("page", "page of HTML"),
  ]) func andWithThatOfAFHIRServer(path: String, words: String) throws {
    let report = try Bed(path, #""fhir-phd""#).report(1)
    let first = try #require((report["readings"] as? [[String: Any]])?.first)
    #expect((first["fault"] as? String)?.contains(words) ?? false, "\(first)")
  }

  @Test func afterOneThatNothingCuresTheOthersAreNotSent() throws {
    for (path, result) in [("refused", "misconfigured"), ("closed", "unclear")] {
      let bed = try Bed(path)
      let steps = try #require(try bed.report(1)["readings"] as? [[String: Any]])
      #expect(steps.first?["result"] as? String == result, "\(steps)")
      #expect(steps.dropFirst().allSatisfy { $0["result"] as? String == "not-sent" })
      #expect(try bed.seen().count == 1)
    }
  }

  @Test func aServerThatClosesTheConnectionAtGzipIsAskedPlain() throws {
    let report = try Bed("fhir", #""fhir-phd""#, #", "test_patient": "p-test", "compress": "gzip""#).report(0)
    #expect(report["good"] as? Bool == true)
  }

  @Test func withoutATestPatientNothingIsSent() throws {
    let bed = try Bed("native", #""native""#, "")
    let outcome = try bed.home.ctl("backends", "try", "care", "--yes")
    #expect(outcome.status == 78 && outcome.error.contains("test_patient"), "\(outcome)")
    #expect(try bed.seen().isEmpty)
    let unknown = try bed.home.ctl("backends", "try", "car", "--yes")
    #expect(unknown.status == 69 && unknown.error.contains("care"))
  }

  @Test func nothingIsSentUnasked() throws {
    let bed = try Bed("native")
    let outcome = try bed.home.ctl("backends", "try", "care")
    #expect(outcome.status == 64 && outcome.error.contains("--yes"), "\(outcome)")
    #expect(try bed.seen().isEmpty)
    #expect(try bed.home.ctl("backends", "care").status == 64)
    #expect(try bed.home.ctl("backends", "try").status == 64)
    #expect(try bed.home.ctl("backends", "--yes").status == 64)
  }

  @Test func aPatientOfThisHubIsNoTestPatient() throws {
    let server = try FaultServer(script: "trial_server.py")
    let home = try Home(
      #"{"devices": [{"id": "cuff", "driver": "blood-pressure", "playback": "HOME/cuff.capture", "patient": "p-1"}], "backends": [{"name": "care", "type": "native", "url": "\#(server.url("native"))", "test_patient": "p-1"}]}"#
    )
    try home.start()
    _ = try home.until(["status"]) { $0.status == 0 }
    let outcome = try home.ctl("backends", "try", "care", "--yes")
    #expect(outcome.status == 78 && outcome.error.contains("a patient of this hub"), "\(outcome)")
  }
}
