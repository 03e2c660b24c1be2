// Committed before confirmed, never lost, never doubled: the order of effects at every boundary.

import Drivers
@testable import GatewayCore
import Readings
import Settings
import Testing
@testable import Ledger

private let confirmation: [UInt8] = [0x1E]

private func cuffHub(
  users: [UInt8: String] = [1: "p-1"], backends: [BackendConfiguration] = [],
  disk: [(sequence: UInt64, entry: JournalEntry)] = []
) -> Hub {
  let device = Cuff.device(users: users)
  return Hub(.with([device], backends: backends), disk: disk).listening()
}

@Suite struct CommitBeforeConfirmTests {
  @Test func theConfirmationWaitsForTheDisk() {
    var hub = cuffHub()
    hub.send(.linkReceived(device: "cuff", Cuff.indication(systolic: 128)))
    #expect(hub.sent(to: "cuff").isEmpty)
    #expect(hub.waiting.count == 1)
    hub.sync()
    #expect(hub.sent(to: "cuff") == [confirmation])
    #expect(hub.readings.map { $0.observations[0].value.decimal } == [ExactDecimal(128)])
  }

  @Test func aRefusingDiskLeavesTheIndicationUnconfirmedAndClosesTheLink() {
    var hub = cuffHub()
    hub.send(.linkReceived(device: "cuff", Cuff.indication(systolic: 128)))
    hub.refuse()
    #expect(hub.sent(to: "cuff").isEmpty)
    #expect(hub.done.contains { if case .close("cuff") = $0 { true } else { false } })
    #expect(hub.done.contains { if case .log(.error, _) = $0 { true } else { false } })
    // The device sends it again over the next link, and then it is stored once.
    hub.send(.linkClosed(device: "cuff", LinkEnd(code: "ended", message: "")))
    Cuff.connect(&hub)
    hub.done = []
    hub.send(.linkReceived(device: "cuff", Cuff.indication(systolic: 128)))
    hub.sync()
    #expect(hub.sent(to: "cuff") == [confirmation])
    #expect(hub.readings.count == 1)
  }

  @Test func aRecordThatIsSentAgainIsConfirmedAndNotStoredAgain() {
    var hub = cuffHub()
    for _ in 0..<3 {
      hub.send(.linkReceived(device: "cuff", Cuff.indication(systolic: 128)))
      hub.sync()
    }
    #expect(hub.readings.count == 1)
    #expect(hub.sent(to: "cuff") == [confirmation, confirmation, confirmation])
  }

  @Test func aRecordThatIsSentAgainAfterARestartIsKnown() {
    var hub = cuffHub()
    hub.send(.linkReceived(device: "cuff", Cuff.indication(systolic: 128)))
    hub.sync()
    var restarted = cuffHub(disk: hub.disk)
    restarted.send(.linkReceived(device: "cuff", Cuff.indication(systolic: 128)))
    restarted.sync()
    #expect(restarted.readings.count == 1)
    #expect(restarted.sent(to: "cuff") == [confirmation])
  }

  @Test func aSnapshotKnowsWhatWasStored() {
    var hub = cuffHub(users: [:])
    hub.send(.linkReceived(device: "cuff", Cuff.indication(systolic: 128)))
    hub.sync()
    hub.send(.journalRolled)
    hub.sync()
    // Only the snapshot is left: everything before was dropped.
    let snapshot = hub.disk.filter { $0.entry.kind == .snapshot }.suffix(1)
    var restarted = cuffHub(users: [:], disk: Array(snapshot))
    restarted.send(.linkReceived(device: "cuff", Cuff.indication(systolic: 128)))
    restarted.sync()
    #expect(restarted.readings.isEmpty)
    #expect(restarted.gateway.pinned != nil)
  }

  @Test func aSnapshotHoldsWhatIsOnItsWayToTheDiskInFrontOfIt() {
    var hub = cuffHub()
    hub.send(.linkReceived(device: "cuff", Cuff.indication(systolic: 128)))
    // The journal rolls while the reading is being written: a snapshot without it would forget it at the next start.
    hub.send(.journalRolled)
    #expect(hub.waiting.count == 2)
    hub.sync()
    let start = hub.disk.lastIndex { $0.entry.kind == .snapshot } ?? 0
    guard case .snapshot(let state) = hub.disk[start].entry else {
      Issue.record("no snapshot was written")
      return
    }
    #expect(state.stored == 1)
    var restarted = cuffHub(disk: Array(hub.disk[start...]))
    restarted.send(.linkReceived(device: "cuff", Cuff.indication(systolic: 128)))
    restarted.sync()
    #expect(restarted.readings.isEmpty)
  }

  @Test func aSnapshotThatMakesTheJournalRollIsNotFollowedByAnother() {
    var hub = cuffHub()
    hub.send(.linkReceived(device: "cuff", Cuff.indication(systolic: 128)))
    hub.sync()
    // It is larger than what is left of a segment: each time it is written, the journal rolls.
    for _ in 0..<5 {
      hub.send(.journalRolled)
      hub.sync()
    }
    #expect(hub.disk.filter { $0.entry.kind == .snapshot }.count == 1)
    hub.send(.linkReceived(device: "cuff", Cuff.indication(systolic: 129)))
    hub.sync()
    hub.send(.journalRolled)
    hub.sync()
    #expect(hub.disk.filter { $0.entry.kind == .snapshot }.count == 2)
  }

  @Test func twoMeasurementsWithDifferentStampsAreTwo() {
    var hub = cuffHub()
    hub.send(.linkReceived(device: "cuff", Cuff.indication(systolic: 128, second: 0)))
    hub.sync()
    hub.send(.linkReceived(device: "cuff", Cuff.indication(systolic: 128, second: 40)))
    hub.sync()
    #expect(hub.readings.count == 2)
    #expect(Set(hub.readings.map(\.id)).count == 2)
  }

  @Test func aMalformedIndicationIsKeptForSupportAndConfirmed() {
    var hub = cuffHub()
    hub.send(.linkReceived(device: "cuff", [0x1D, 3, 0, 0x1E, 1, 2]))
    hub.sync()
    #expect(hub.readings.isEmpty)
    #expect(hub.disk.contains { $0.entry.kind == .problem })
    #expect(hub.sent(to: "cuff") == [confirmation])
  }

  @Test func aFailedMeasurementIsNoReading() {
    var hub = cuffHub()
    let failed: [UInt8] = [0x1D, 3, 0, 0x04, 0xFF, 0x07, 0xFF, 0x07, 0xFF, 0x07, 0xFF, 0x07]
    hub.send(.linkReceived(device: "cuff", failed))
    hub.sync()
    #expect(hub.readings.isEmpty)
    #expect(hub.sent(to: "cuff") == [confirmation])
  }

  @Test func everyEffectBeforeTheDiskAnswersIsHarmless() {
    // A property of lists: whatever arrives, nothing is confirmed, published or delivered before its append is on disk.
    var hub = cuffHub(backends: [
      .init(name: "b", kind: .directory(path: "/x"), maximumReadings: 10, maximumBytes: 1 << 20)
    ])
    for systolic in UInt8(90)..<140 {
      hub.done = []
      hub.send(.linkReceived(device: "cuff", Cuff.indication(systolic: systolic)))
      let early = hub.done.filter {
        switch $0 {
        case .transmit, .publishReading, .publishEvent, .fetch, .deliver: true
        default: false
        }
      }
      #expect(early.isEmpty)
      hub.sync()
      #expect(hub.sent(to: "cuff") == [confirmation])
    }
  }
}
