// A journal that has reached its own limit lets go of what every backend has, and a snapshot never takes the room of a small one.

import ControlProtocol
@testable import GatewayCore
import Journal
@testable import Ledger
import Monitoring
import Readings
import Settings
import Testing

@Suite struct JournalRoomTests {
  private func hub(backends: [BackendConfiguration] = []) -> Hub {
    let device = DeviceConfiguration(
      id: "scale", driver: "and-scale", endpoint: .serial(path: "/dev/x"), patient: "p-1")
    var hub = Hub(.with([device], backends: backends))
    hub.send(.linkOpened(device: "scale"))
    let weighing =
      String(repeating: "ST,+00072.15 kg\r\n", count: 3) + String(repeating: "ST,+00000.00 kg\r\n", count: 2)
    hub.send(.linkReceived(device: "scale", Array(weighing.utf8)))
    return hub
  }

  private let folder = BackendConfiguration(
    name: "local", kind: .directory(path: "/out"), maximumReadings: 8, maximumBytes: 1 << 20)

  private func isSealing(_ effect: Effect) -> Bool { if case .sealJournal = effect { true } else { false } }

  private func isRetaining(_ effect: Effect) -> Bool { if case .retain = effect { true } else { false } }

  private func fail(_ hub: inout Hub, isLimit: Bool) {
    let failed = hub.waiting
    hub.waiting = []
    for item in failed {
      hub.send(.appendFailed(item.id, JournalFailure(code: "journal.full", message: "full", isLimit: isLimit)))
    }
  }

  /// Everything is delivered: a snapshot in a new segment makes all older ones droppable.
  @Test func whatEveryBackendHasMakesRoom() {
    var hub = hub(backends: [folder])
    hub.done = []
    fail(&hub, isLimit: true)
    #expect(hub.done.contains(where: isSealing))
    #expect(hub.waiting.contains { $0.entries.contains { $0.kind == .snapshot } })
    // Not at each failure: a snapshot takes room, too.
    hub.done = []
    fail(&hub, isLimit: true)
    #expect(!hub.done.contains(where: isSealing))
  }

  @Test func withoutABackendOnlyTheRoundOfRetentionIsMade() {
    var hub = hub()
    hub.done = []
    fail(&hub, isLimit: true)
    #expect(!hub.done.contains(where: isSealing) && hub.done.contains(where: isRetaining))
  }

  @Test func aFullDiskIsNoLimit() {
    var hub = hub(backends: [folder])
    hub.done = []
    fail(&hub, isLimit: false)
    #expect(!hub.done.contains(where: isSealing) && !hub.done.contains(where: isRetaining))
  }

  /// Before it is full: when two more segments would not fit, once at each size.
  @Test func aJournalThatIsNearlyFullIsLookedThrough() {
    var hub = hub(backends: [folder])
    hub.sync()
    func report(_ bytes: Int64) -> Event {
      .journalReport(JournalReport(bytes: bytes, segments: 3, maximumBytes: 8 << 20, damage: []))
    }
    hub.done = []
    hub.send(report(5 << 20))
    #expect(!hub.done.contains(where: isRetaining))
    hub.send(report(7 << 20))
    #expect(hub.done.count(where: isRetaining) == 1)
    hub.send(report(7 << 20))
    #expect(hub.done.count(where: isRetaining) == 1)
    hub.send(report(6 << 20 | 1))
    #expect(hub.done.count(where: isRetaining) == 2)
  }

  @Test func aSnapshotLeavesASmallJournalRoom() {
    var state = LedgerState()
    for number in 0..<8 { state.history["p-\(number)"] = SnapshotRoomTests.history(700) }
    func octets(_ records: LedgerState.SnapshotRecords) -> Int { records.entries.reduce(0) { $0 + $1.payload.count } }
    let whole = state.snapshotRecords
    #expect(whole.shortened == 0 && octets(whole) > 300_000)
    let small = state.snapshotRecords(room: 60_000)
    #expect(octets(small) <= 60_000 && small.shortened == 8)
    // The newest values of each stay, however little room there is.
    let least = state.snapshotRecords(room: 0)
    #expect(octets(least) < 30_000 && least.entries.count == 9)
  }
}
