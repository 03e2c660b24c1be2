// What is left of a patient after an erasure: the fact, and nothing that came of readings, rules or refusals.

import ControlProtocol
import Drivers
import Exchange
@testable import GatewayCore
import JSON
import Journal
import Monitoring
import Readings
import Settings
import Testing
@testable import Ledger

private let backend = BackendConfiguration(
  name: "a", kind: .directory(path: "/a"), maximumReadings: 8, maximumBytes: 1 << 20)
private let rule = Rule(
  id: "extreme",
  kind: BandRule(measure: .systolic, zones: [ZoneLimit(.red, [.init(.atLeast, ExactDecimal(180))])]))

private func record(_ sequence: UInt64, _ entry: JournalEntry) -> JournalRecord {
  JournalRecord(sequence: sequence, kind: RecordKind(rawValue: entry.kind.rawValue), payload: entry.payload)
}

@Suite struct ForgettingTests {
  @Test func whatPeopleDidWithThePatientGoesTheFactOfTheErasureStays() {
    let erasure = Erasure(patient: "p-1")
    func decision(_ action: String) -> RecordRewrite { erasure.decide(record(1, .audit(uid: 0, action: action))) }
    for action in ["acknowledge extreme of p-1", "set plan of p-1, version 2", "report of p-1, 90 days"] {
      #expect(decision(action) == .drop)
    }
    for action in ["erase patient p-1", "acknowledge extreme of p-10", "capture of cuff"] {
      #expect(decision(action) == .keep)
    }
  }

  @Test func theReasonOfARefusedEventGoesWithTheEvent() {
    var erasure = Erasure(patient: "p-1")
    let event = MonitoringEvent(patient: "p-1", rule: "extreme", kind: .raised, zone: .red, planVersion: 1)
    let told = HubEvent(event, at: 5, offsetSeconds: 0, reading: nil)
    erasure.learn(record(7, .event(told)))
    let refusal = Refusal(backend: "a", sequence: 7, id: told.id, reason: "p-1 is unknown here", at: 6)
    #expect(erasure.decide(record(7, .event(told))) == .drop)
    #expect(erasure.decide(record(8, .refusal(refusal))) == .drop)
    var state = LedgerState()
    let isRead = state.restore(kind: .refusal, sequence: 8, payload: JournalEntry.refusal(refusal).payload)
    #expect(isRead)
    guard case .replace(let octets) = erasure.decide(record(9, .snapshot(state))) else {
      Issue.record("the snapshot is kept as it is")
      return
    }
    #expect(!String(decoding: octets, as: UTF8.self).contains("p-1"))
  }

  @Test func anAnswerThatComesAfterTheErasureLeavesNoReason() {
    var house = LaneHouse(
      backend: backend, plan: Plan(patient: "p-1", version: 1, liveWindow: 7_200_000, rules: [rule]))
    house.measure(3, daysAgo: 2)
    let items = house.hand(.backlog)
    #expect(!items.isEmpty)
    house.hub.send(.asked(RequestID(connection: 1, number: 1), .erase(patient: "p-1"), CallerName(uid: 0)))
    house.hub.sync()
    let reasons = Dictionary(items.map { ($0.id, ItemResult.rejected("p-1 is unknown here")) }) { first, _ in first }
    house.hub.send(
      .delivered(backend: "a", lane: .backlog, .items(reasons)))
    house.hub.sync()
    #expect(!house.hub.disk.contains { $0.entry.kind == .refusal })
    #expect(house.words.count == 1)
    // What is listed of earlier refusals goes when the journal is written anew.
    let counted = house.hub.disk.filter { $0.entry.kind == .reading }.map(\.sequence)
    house.hub.send(.erased(patient: "p-1", ErasureReport(readings: 3, counted: counted, left: [], error: nil)))
    house.hub.sync()
    #expect(house.replayed.waiting("a") == 0)
  }
}
