// A state that is larger than a record is a snapshot with parts behind it, and the same after a restart.

@testable import GatewayCore
import Journal
@testable import Ledger
import Monitoring
import Readings
import Testing

@Suite struct SnapshotPartTests {
  /// As much as the bounds of a configuration let come about, with notes and reasons that JSON makes longer.
  static func crowded(patients: Int = 256, rules: Int = 24) -> LedgerState {
    let text = String(repeating: "\u{1}", count: 200)
    var state = LedgerState()
    state.stored = 7
    for patient in 0..<patients {
      var rulesState = PatientState()
      for rule in 0..<rules {
        var one = RuleState()
        one.phase = .acknowledged
        one.current = Finding(Rank(.red, 1), direction: .high, taken: 1_700_000_000_000)
        one.acknowledgement = RuleAcknowledgement(by: "uid:1000", at: 1_700_000_000_001, note: rule == 0 ? text : "")
        rulesState.rules["rule-\(rule)"] = one
      }
      state.rules["p-\(patient)"] = rulesState
    }
    for device in 0..<64 {
      var readings = RecentReadings(identifiers: (0..<512).map { UInt64.max - UInt64(device * 512 + $0) })
      readings.lastOctets = (hash: 99, at: 1_700_000_000_000)
      state.recent["device-\(device)"] = readings
      state.fragments["device-\(device)"] = [RawSource(source: "1810/2A35", octets: [UInt8](repeating: 7, count: 300))]
    }
    for backend in 0..<16 {
      for number in 0..<100 {
        state.add(
          Refusal(
            backend: "b-\(backend)", sequence: UInt64(number), id: "id-\(number)", reason: text, at: 1_700_000_000_000))
      }
    }
    for number in 0..<4000 {
      let id = ReadingID(high: 5, low: UInt64(number))
      state.held[id] = HeldReading(sequence: UInt64(number) + 1, bootID: "boot", monotonic: 60_000)
    }
    return state
  }

  private func restored(_ records: [JournalEntry]) -> LedgerState {
    var state = LedgerState()
    for entry in records {
      #expect(entry.payload.count <= RecordFormat.maximumPayload, "\(entry.kind): \(entry.payload.count)")
      let isRead = state.restore(kind: entry.kind, sequence: 9, payload: entry.payload)
      #expect(isRead)
    }
    return state
  }

  @Test func aCrowdedStateFitsIntoRecordsAndIsTheSameAfterARestart() {
    let state = SnapshotPartTests.crowded()
    #expect(state.encoded.count > RecordFormat.maximumPayload)
    let records = state.snapshotRecords.entries
    #expect(records.first?.kind == .snapshot && records.dropFirst().allSatisfy { $0.kind == .snapshotPart })
    #expect(records.count > 5)
    #expect(restored(records) == state)
    let octets = records.reduce(0) { $0 + $1.payload.count + 64 }
    #expect(octets < JournalLimits.mostGroupBytes)
  }

  @Test func aHomesStateIsOneRecord() {
    let state = SnapshotPartTests.crowded(patients: 2).parts.lists.first ?? LedgerState()
    #expect(state.snapshotRecords.entries.map(\.kind) == [.snapshot])
    #expect(restored(state.snapshotRecords.entries) == state)
  }

  @Test func anErasureReachesTheParts() throws {
    let records = SnapshotPartTests.crowded().snapshotRecords.entries
    let erasure = Erasure(patient: "p-7")
    var state = LedgerState()
    for entry in records {
      let record = JournalRecord(sequence: 3, kind: RecordKind(rawValue: entry.kind.rawValue), payload: entry.payload)
      guard case .replace(let payload) = erasure.decide(record) else {
        Issue.record("\(entry.kind) stays as it is")
        continue
      }
      #expect(String(decoding: payload, as: UTF8.self).contains("\"p-7\"") == false)
      let isRead = state.restore(kind: entry.kind, sequence: 3, payload: payload)
      #expect(isRead)
    }
    #expect(state.rules.count == 255)
  }

  /// A hub that starts with such a state writes its snapshot, and goes on.
  @Test func aHubGoesOnWithACrowdedState() {
    let disk = SnapshotPartTests.crowded().snapshotRecords.entries.enumerated().map {
      (sequence: UInt64($0.offset) + 1, entry: $0.element)
    }
    var hub = Hub(.with([Cuff.device(users: [1: "p-1"])]), disk: disk).listening()
    #expect(hub.disk.count { $0.entry.kind == .snapshot } == 2)
    hub.send(.linkReceived(device: "cuff", Cuff.indication(systolic: 128)))
    hub.sync()
    #expect(hub.readings.count == 1)
    #expect(Hub.state(of: hub.disk) == hub.gateway.turn.durable)
  }

  @Test(arguments: ["", "[", "3", "[]"]) func octetsThatAreNoPartAreRefused(text: String) {
    var state = LedgerState()
    let isRead = state.restore(kind: .snapshotPart, sequence: 1, payload: Array(text.utf8))
    #expect(!isRead && state == LedgerState())
  }
}
