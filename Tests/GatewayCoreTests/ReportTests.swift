// What a patient's picture is drawn from: values judged by the plan, what was expected, what was told; the same after a restart and
// when the journal has let go of everything but its snapshot.

import ControlProtocol
@testable import GatewayCore
import JSON
import Monitoring
import Readings
import Testing
@testable import Ledger

private let plan = Plan(
  patient: "p-1", version: 12, liveWindow: 7_200_000,
  rules: [
    Rule(
      id: "bp.extreme",
      kind: BandRule(measure: .systolic, zones: [ZoneLimit(.red, [.init(.atLeast, ExactDecimal(180))])])),
    Rule(
      id: "miss",
      kind: MissingRule(measure: .systolic, schedule: .slots([DayHours(from: 420, to: 540)], days: []), zone: .yellow)),
  ])

private let cuff = Cuff.device(users: [1: "p-1"])

private func report(_ hub: inout Hub, days: Int = 30) -> JSONValue {
  hub.result(.report(patient: "p-1", days: days), uid: 501)
}

@Suite struct ReportTests {
  private func story() -> Hub {
    var hub = Hub(.with([cuff]), plans: [plan]).listening()
    hub.send(.linkReceived(device: "cuff", Cuff.indication(systolic: 190)))
    hub.sync()
    _ = hub.ask(.acknowledge(patient: "p-1", rule: "bp.extreme", note: "ringte", episode: nil), uid: 501)
    return hub
  }

  @Test func valuesZonesLimitsAndNotesAreTold() {
    var hub = story()
    let told = report(&hub)
    #expect(told["plan"]?["version"] == 12)
    let rule = told["plan"]?["rules"]?.array?.first
    #expect(rule?["zones"] == [["zone": "red", "gte": "180"]])
    #expect(rule?["measures"] == ["bp.systolic"])
    let row = told["rows"]?.array?.first
    #expect(row?["values"]?["bp.systolic"] == "190")
    #expect(row?["zone"] == "red")
    #expect(row?["rules"] == [["rule": "bp.extreme", "zone": "red"]])
    #expect(told["marks"]?.array?.compactMap { $0["event"]?.string } == ["raised", "acknowledged"])
    #expect(told["marks"]?.array?.last?["note"] == "ringte")
    #expect(told["alerts"]?.array?.first?["state"] == "acknowledged")
    #expect(told["expected"]?.array?.last?["state"] == "came")
    // From the midnight with which the first day began.
    #expect(told["from"]?.string?.hasSuffix("T00:00:00+00:00") == true)
    // It is noted who asked.
    #expect(
      hub.disk.contains {
        if case .audit(501, let action) = $0.entry { action.hasPrefix("report of p-1") } else { false }
      })
  }

  @Test func aRestartAndASnapshotKeepThePicture() {
    var hub = story()
    let before = report(&hub)
    var second = Hub(.with([cuff]), plans: [plan], disk: hub.disk, time: hub.time)
    let after = report(&second)
    for key in ["episodes", "rows", "marks", "means", "expected", "alerts", "asides"] {
      #expect(after[key] == before[key], "\(key)")
    }
    // The events themselves are gone, as after delivery: their marks are in the snapshot.
    var state = LedgerState()
    for (sequence, entry) in hub.disk {
      _ = state.restore(kind: entry.kind, sequence: sequence, payload: entry.payload)
    }
    var restored = LedgerState()
    let isRead = restored.restore(kind: .snapshot, sequence: 1, payload: state.encoded)
    #expect(isRead)
    #expect(restored.history["p-1"]?.marks.map(\.note) == [nil, "ringte"])
    #expect(restored.history == state.history)
  }

  /// A clinic's hub whose patients all had much told of them: what trends need goes before what is remembered.
  @Test func marksOfManyPatientsLeaveRoomForValues() {
    var history = PatientHistory()
    history.values[.weight] = .init(
      (0..<300).map {
        .init(time: $0 * 86_400_000, id: UInt64.max - UInt64($0), value: ExactDecimal(80))
      })
    let note = String(repeating: "x", count: 240)
    for number in 0..<100 {
      history.add(
        PatientHistory.Mark(
          time: Int64(number), rule: "bp.extreme", kind: .acknowledged, zone: .red, by: "uid:1000", note: note))
    }
    var state = LedgerState()
    for patient in 0..<300 { state.history["p-\(patient)"] = history }
    let (restored, octets, longest) = state.throughSnapshot
    #expect(longest < 1 << 20)
    #expect(octets < 4 << 20)
    #expect(restored.history["p-7"]?.values[.weight]?.count ?? 0 >= 40)
    #expect(restored.history["p-7"]?.marks.last == history.marks.last)
  }

  @Test func whoIsUnknownIsSaid() {
    var hub = story()
    guard case .failure(let error)? = hub.ask(.report(patient: "p-2", days: 30), uid: 501) else {
      Issue.record("no error")
      return
    }
    #expect(error.code == "not-found")
    #expect(error.hint == "did you mean p-1?")
  }
}

@Suite struct ReadingQueryTests {
  private func reading(
    _ taken: Int64?, received: Int64 = 100, device: String = "cuff", patient: String? = "p", zone: Zone? = nil
  ) -> Reading {
    Reading(
      id: ReadingID(high: 0, low: 1), kind: .bloodPressure, observations: [], flags: [],
      takenAt: taken.map { Timestamp(milliseconds: $0, offsetSeconds: 0) }, timeQuality: .device, deviceTime: nil,
      receivedAt: Timestamp(milliseconds: received, offsetSeconds: 0), user: nil, patient: patient,
      device: DeviceIdentity(id: device, transport: .ble), evaluation: zone.map { Evaluation(zone: $0) },
      raw: RawSource(source: "", octets: []))
  }

  @Test func theTimeOfMeasurementCountsAndElseThatOfReception() {
    var query = ReadingQuery(limit: 10)
    query.since = 50
    query.until = 80
    #expect(query.matches(reading(50)))
    #expect(query.matches(reading(79)))
    #expect(!query.matches(reading(80)))
    #expect(!query.matches(reading(49)))
    #expect(query.matches(reading(nil, received: 60)))
    #expect(!query.matches(reading(nil, received: 100)))
  }

  @Test func deviceAndZonesChoose() {
    var query = ReadingQuery(limit: 10)
    query.device = "cuff"
    #expect(query.matches(reading(1)) && !query.matches(reading(1, device: "scale")))
    query.zones = [.yellow, .red]
    #expect(query.matches(reading(1, zone: .red)))
    #expect(!query.matches(reading(1, zone: .green)))
    // What nobody judged is in no zone.
    #expect(!query.matches(reading(1)))
  }
}
