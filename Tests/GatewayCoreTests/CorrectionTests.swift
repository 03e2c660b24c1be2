// Readings that a person corrects: taken from a patient, given to another, accepted.

import ControlProtocol
import Drivers
import Exchange
@testable import GatewayCore
import JSON
import Journal
@testable import Ledger
import Monitoring
import Readings
import Settings
import Testing
import Zones

extension Hub {
  /// The code with which a request is refused.
  fileprivate mutating func refusal(_ request: ControlRequest) -> String? {
    if case .failure(let error)? = ask(request) { error.code } else { nil }
  }
}

@Suite struct CorrectionTests {
  private static func plan(_ rule: String) throws -> Plan {
    try PlanFile.read(Array(#"{"patient": "p-1", "version": 1, "rules": [\#(rule)]}"#.utf8))
  }

  private static let mean =
    #"{"id": "mean", "kind": "average", "measure": "bp.systolic", "window": "P7D", "min_count": 2, "zones": [{"yellow": {"gte": "150"}}]}"#

  /// A hub whose cuff measured so for its patient.
  private func hub(_ systolic: [UInt8], plans: [Plan] = []) -> Hub {
    var hub = Hub(.with([Cuff.device(patient: "p-1")]), plans: plans).listening()
    for (second, value) in systolic.enumerated() {
      hub.time += 1000
      hub.send(.linkReceived(device: "cuff", Cuff.indication(systolic: value, second: UInt8(second))))
      hub.sync()
    }
    return hub
  }

  private func stored(_ hub: Hub) -> [Deliverable] {
    hub.disk.compactMap {
      Deliverable(
        JournalRecord(
          sequence: $0.sequence, kind: RecordKind(rawValue: $0.entry.kind.rawValue), payload: $0.entry.payload))
    }.filter(\.isReading)
  }

  @Test func aReadingIsTakenBackAndBackendsAreToldUnderTheSameIdentifier() throws {
    var hub = hub([128])
    let id = try #require(hub.readings.first?.id)
    let before = hub.gateway.turn.durable.stored
    let answer = hub.result(.correctReading(.park, id: String(id.description.prefix(8))))
    #expect(answer["parked"]?.bool == true && answer["patient"]?.string == "p-1")
    let parked = try #require(hub.readings.last)
    #expect(parked.id == id && parked.patient == nil && parked.evaluation == nil)
    #expect(parked.correction == ReadingCorrection(.withdrawn, patient: "p-1"))
    #expect(hub.gateway.turn.durable.parked[id] != nil)
    #expect(hub.gateway.turn.durable.history["p-1"]?.values[.systolic] == nil)
    #expect(hub.gateway.turn.durable.stored == before + 1)
    let items = stored(hub)
    #expect(items.map(\.id) == [id.description, id.description] && items[0].sequence < items[1].sequence)
    let json = try JSONReader().value(items[1].json)
    #expect(json["patient"] == .null && json["correction"]?["kind"]?.string == "withdrawn")
    #expect(json["seq"]?.int == Int(items[1].sequence))
    // A restart knows the same.
    #expect(Hub.state(of: hub.disk) == hub.gateway.turn.durable)
    #expect(hub.disk.contains { if case .audit(_, "park reading \(id)") = $0.entry { true } else { false } })
  }

  @Test func itGoesToAnotherPatientAsACorrection() throws {
    var hub = hub([128])
    let id = try #require(hub.readings.first?.id)
    _ = hub.ask(.correctReading(.park, id: id.description))
    let request = RequestID(connection: 4, number: 9)
    hub.send(.asked(request, .assignReading(id: id.description, patient: "p-2"), CallerName(uid: 0)))
    for case .load(let sequence) in hub.done {
      hub.send(.loaded(sequence: sequence, hub.readings.last))
    }
    hub.sync()
    let given = try #require(hub.readings.last)
    #expect(given.patient == "p-2" && given.correction == ReadingCorrection(.assigned))
    #expect(hub.gateway.turn.durable.history["p-2"]?.values[.systolic]?.count == 1)
    #expect(stored(hub).count == 3)
    #expect(hub.gateway.turn.durable.parked.isEmpty)
  }

  @Test func trendsAreJudgedWithoutIt() throws {
    var hub = hub([150, 190], plans: [try Self.plan(Self.mean)])
    hub.pass(10_000)
    hub.sync()
    func raised() -> Bool { hub.gateway.turn.durable.rules["p-1"]?.rules["mean"]?.phase == .raised }
    #expect(raised())
    let id = try #require(hub.readings.last?.id)
    _ = hub.ask(.correctReading(.park, id: id.description))
    #expect(hub.gateway.turn.durable.rules["p-1"]?.isUnsettled == true)
    hub.pass(10_000)
    hub.sync()
    #expect(hub.gateway.turn.durable.rules["p-1"]?.isUnsettled != true)
    #expect(hub.gateway.turn.durable.history["p-1"]?.values[.systolic]?.count == 1)
  }

  @Test func whatTheDiskRefusesChangesNothing() throws {
    for kind in [ControlRequest.Correction.park, .accept] {
      var hub = Hub(.with([Cuff.device(patient: "p-1")])).listening()
      hub.send(.linkReceived(device: "cuff", Cuff.indication(systolic: 45, diastolic: 30)))
      hub.sync()
      let id = try #require(hub.readings.first?.id)
      let before = hub.gateway.turn.durable
      hub.done = []
      hub.send(
        .asked(RequestID(connection: 4, number: 1), .correctReading(kind, id: id.description), CallerName(uid: 0)))
      #expect(!hub.waiting.isEmpty)
      hub.refuse()
      #expect(hub.gateway.turn.durable == before && hub.gateway.turn.head == before)
      #expect(hub.gateway.desk.corrections.isEmpty)
    }
  }

  @Test func anImplausibleReadingIsAcceptedAndJudged() throws {
    let low = try Self.plan(
      #"{"id": "low", "kind": "band", "measure": "bp.systolic", "zones": [{"red": {"lt": "60"}}]}"#)
    var hub = Hub(.with([Cuff.device(patient: "p-1")]), plans: [low]).listening()
    hub.send(.linkReceived(device: "cuff", Cuff.indication(systolic: 45, diastolic: 30)))
    hub.sync()
    let reading = try #require(hub.readings.first)
    #expect(reading.flags.contains(.implausible))
    let answer = hub.result(.correctReading(.accept, id: reading.id.description))
    #expect(answer["accepted"]?.bool == true)
    let accepted = try #require(hub.readings.last)
    #expect(!accepted.flags.contains(.implausible) && accepted.evaluation?.zone == .red)
    #expect(accepted.correction == ReadingCorrection(.accepted))
    #expect(hub.gateway.turn.durable.history["p-1"]?.values[.systolic]?.count == 1)
    #expect(hub.refusal(.correctReading(.accept, id: reading.id.description)) == "reading.sound")
  }

  @Test func whatNobodyCanHaveIsNotAccepted() throws {
    var hub = Hub(.with([Cuff.device(patient: "p-1")])).listening()
    hub.send(.linkReceived(device: "cuff", Cuff.indication(systolic: 80, diastolic: 95)))
    hub.sync()
    let id = try #require(hub.readings.first?.id.description)
    #expect(hub.refusal(.correctReading(.accept, id: id)) == "reading.impossible")
  }

  @Test func refusalsSayWhy() throws {
    var hub = hub([128])
    let id = try #require(hub.readings.first?.id.description)
    #expect(hub.refusal(.correctReading(.park, id: "abc")) == "bad-parameters")
    #expect(hub.refusal(.correctReading(.park, id: "ffffff00")) == "not-found")
    #expect(hub.refusal(.correctReading(.accept, id: id)) == "reading.sound")
    _ = hub.ask(.correctReading(.park, id: id))
    #expect(hub.refusal(.correctReading(.park, id: id)) == "reading.unassigned")
  }

  /// A reading that was taken back from a patient is somebody else's: an erasure leaves it, without the patient's name.
  @Test func anErasureLeavesWhatWasTakenBack() throws {
    var hub = hub([128, 131])
    let (first, second) = (hub.readings[0].id, hub.readings[1].id)
    _ = hub.ask(.correctReading(.park, id: first.description))
    var erasure = Erasure(patient: "p-1")
    let records = hub.disk.map {
      JournalRecord(
        sequence: $0.sequence, kind: RecordKind(rawValue: $0.entry.kind.rawValue), payload: $0.entry.payload)
    }
    for record in records { erasure.learn(record) }
    var left: [Reading] = []
    for record in records where record.kind == .reading {
      switch erasure.decide(record) {
      case .keep: left.append(try ReadingJSON.decode(record.payload).reading)
      case .replace(let payload): left.append(try ReadingJSON.decode(payload).reading)
      default: break
      }
    }
    #expect(left.map(\.id) == [first] && left.first?.patient == nil)
    #expect(left.first?.correction == ReadingCorrection(.withdrawn))
    #expect(!left.contains { $0.id == second })
  }

  /// A weight that looks like somebody else's counts once a person has said whose it is, also when later ones come.
  @Test func anAcceptedWeightStaysThePatients() {
    var history = PatientHistory()
    let day: Int64 = 86_400_000
    func weight(_ kilograms: Int64, day number: Int64, _ id: UInt64, accepted: Bool = false) -> Reading {
      var reading = Reading(
        id: ReadingID(high: 1, low: id), kind: .bodyWeight,
        observations: [Observation(term: .weight, value: .value(ExactDecimal(kilograms)), reported: nil)], flags: [],
        takenAt: Timestamp(milliseconds: 1_700_000_000_000 + number * day, offsetSeconds: 0), timeQuality: .device,
        deviceTime: nil, receivedAt: Timestamp(milliseconds: 1_700_000_000_000 + number * day, offsetSeconds: 0),
        user: nil, patient: "p-1", device: DeviceIdentity(id: "scale", transport: .ble), evaluation: nil,
        raw: RawSource(source: "x", octets: [UInt8(truncatingIfNeeded: id)]))
      if accepted { reading.correction = ReadingCorrection(.accepted) }
      return reading
    }
    for number in 0..<4 { history.add(weight(70, day: Int64(number), UInt64(number + 1))) }
    history.add(weight(80, day: 5, 9))
    #expect(history.asides[.weight]?.count == 1)
    history.remove(ReadingID(high: 1, low: 9))
    history.add(weight(80, day: 5, 9, accepted: true))
    #expect(history.values[.weight]?.last?.value == ExactDecimal(80) && history.asides[.weight] == nil)
    // Weights that come late are held against it anew; it stays.
    history.add(weight(70, day: 4, 10))
    #expect(history.values[.weight]?.contains { $0.id == 9 } == true)
    #expect(PatientHistory(json: history.json) == history)
  }

  @Test func twoFormsOfAReadingNeverShareABatch() {
    let hub = hub([128])
    var with = hub
    let id = hub.readings[0].id
    _ = with.ask(.correctReading(.park, id: id.description))
    let records = with.disk.map {
      JournalRecord(
        sequence: $0.sequence, kind: RecordKind(rawValue: $0.entry.kind.rawValue), payload: $0.entry.payload)
    }
    var deliverables = Deliverables()
    func read(_ query: StoredQuery) -> StoredRecords {
      let found = records.filter { $0.sequence > query.after && query.kinds.contains($0.kind) }
      return StoredRecords(
        ReadBatch(records: found, through: records.last?.sequence ?? 0, isAtEnd: true, error: nil))
    }
    var after: UInt64 = 0
    var batches: [[UInt64]] = []
    for _ in 0..<4 {
      let request = FetchRequest(
        backend: "gp", lane: .backlog, after: after, maximumCount: 10, maximumBytes: 1 << 20)
      guard case .items(let items, _) = deliverables.answer(request, read), let last = items.last else { break }
      batches.append(items.map(\.sequence))
      after = last.sequence
    }
    #expect(batches.count == 2 && batches.allSatisfy { $0.count == 1 }, "\(batches)")
  }
}
