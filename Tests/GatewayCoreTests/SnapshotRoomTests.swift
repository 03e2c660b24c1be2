import ControlProtocol
import Drivers
@testable import GatewayCore
import Journal
import JSON
import Monitoring
import Readings
import Settings
import Testing
@testable import Ledger

/// A snapshot has bounds, and what does not fit is told: nothing of it is lost without a word.
struct SnapshotRoomTests {
  /// A hub that holds so many readings without patient.
  static func parking(_ count: Int) -> Hub {
    var hub = Hub(.with([Cuff.device()])).listening()
    for number in 0..<count {
      hub.time += 1000
      let octets = Cuff.indication(systolic: UInt8(60 + number / 60), second: UInt8(number % 60))
      hub.send(.linkReceived(device: "cuff", octets))
      hub.sync()
    }
    return hub
  }

  @Test func aSnapshotNamesFewOfManyParkedReadingsAndAStartFindsAll() {
    var hub = SnapshotRoomTests.parking(700)
    #expect(hub.gateway.turn.durable.parked.count == 700)
    hub.send(.journalRolled)
    hub.sync()
    let snapshots = hub.disk.filter { $0.entry.kind == .snapshot }
    let named = snapshots.last.flatMap { LedgerState($0.entry.payload) }
    #expect(named?.parked.count == LedgerState.mostParkedInSnapshot)
    #expect(named?.parkedBeyond != nil)
    #expect(Hub.state(of: hub.disk).parked.count == 700)
    #expect(hub.gateway.pinned == hub.gateway.turn.durable.parked.values.map(\.sequence).min())
    // All of them go to their patient after the restart.
    var later = Hub(.with([Cuff.device()]), disk: hub.disk)
    _ = later.ask(.assignSlot(device: "cuff", user: 1, patient: "p"))
    while true {
      let asked = later.done.compactMap { effect -> (Bindings.Slot, [UInt64])? in
        if case .loadParked(let slot, let sequences) = effect { (slot, sequences) } else { nil }
      }
      later.done = []
      guard !asked.isEmpty else { break }
      for (slot, sequences) in asked {
        later.send(
          .loadedParked(
            slot,
            sequences.map { sequence in
              let entry = later.disk.first { $0.sequence == sequence }?.entry
              if case .reading(let reading)? = entry { return (sequence, reading) }
              return (sequence, nil)
            }))
      }
      later.sync()
    }
    #expect(later.gateway.turn.durable.parked.isEmpty)
    #expect(later.readings.count { $0.patient == "p" } == 700)
  }

  /// A patient with so many values of three measures.
  static func history(_ days: Int) -> PatientHistory {
    var history = PatientHistory()
    for day in 0..<days {
      let time = 1_700_000_000_000 + Int64(day) * 43_200_000
      for measure in [Measure.systolic, .diastolic, .pulse] {
        let point = PatientHistory.Point(
          time: time, id: UInt64(day) &* 0x9E37_79B9_7F4A_7C15, value: ExactDecimal(120, exponent: 0),
          isDoubtful: false)
        history.values[measure, default: .init()] = .init(Array(history.values[measure] ?? .init()) + [point])
      }
    }
    return history
  }

  @Test func historiesThatDoNotFitAreShortenedAloudAndAreTheSameAfterARestart() {
    let (long, short) = (SnapshotRoomTests.history(800), SnapshotRoomTests.history(20))
    var disk: [(sequence: UInt64, entry: JournalEntry)] = [(1, .snapshot(LedgerState()))]
    for number in 0..<40 {
      disk.append((UInt64(disk.count) + 1, .history(patient: "p-\(number)", number < 39 ? long : short)))
    }
    let hub = Hub(.with([Cuff.device(patient: "p-0")]), disk: disk)
    let state = hub.gateway.turn.durable
    let octets = hub.disk.suffix(41).filter { $0.entry.kind == .history }.reduce(0) { $0 + $1.entry.payload.count }
    #expect(octets < LedgerState.mostHistory)
    #expect(octets > LedgerState.mostHistory / 2)
    // The longest first, each as much as the others; the newest stay.
    let kept = state.history["p-0"]?.values[.systolic]
    #expect((kept?.count ?? 0) > 400 && (kept?.count ?? 0) < 800)
    #expect(kept?.last?.time == long.values[.systolic]?.last?.time)
    #expect(state.history["p-39"] == short)
    #expect(Hub.state(of: hub.disk) == state)
    let told = hub.events.filter {
      if case .hub("history.shortened", _, _) = $0.content { true } else { false }
    }
    #expect(told.count == 1)
  }

  @Test func aSnapshotIsOneGroupWithTheHistoriesBehindIt() {
    var state = LedgerState()
    state.history = ["p": SnapshotRoomTests.history(3), "q": SnapshotRoomTests.history(4)]
    state.stored = 5
    let records = state.snapshotRecords
    #expect(records.entries.map(\.kind) == [.snapshot, .history, .history])
    #expect(records.shortened == 0)
    var restored = LedgerState()
    for entry in records.entries {
      let isRead = restored.restore(kind: entry.kind, sequence: 9, payload: entry.payload)
      #expect(isRead)
    }
    #expect(restored == state)
  }

  @Test func anErasurePassesOverNoHistory() {
    let erasure = Erasure(patient: "p")
    func decision(_ patient: String) -> RecordRewrite {
      let entry = JournalEntry.history(patient: patient, SnapshotRoomTests.history(2))
      return erasure.decide(JournalRecord(sequence: 3, kind: RecordKind(rawValue: 30), payload: entry.payload))
    }
    #expect(decision("p") == .drop)
    #expect(decision("q") == .keep)
  }
}
