// Calls that fail: sync, write, no room. Also limits, retention and order.

import Journal
import Octets
import Testing

/// Sets both checks anew.
func resealed(_ record: [UInt8]) -> [UInt8] {
  var octets = record
  var check = CRC32C()
  check.add(Array(octets[..<20]))
  check.add(Array(octets[28...]))
  func put(_ value: UInt32, _ at: Int) {
    for index in 0..<4 { octets[at + index] = UInt8(truncatingIfNeeded: value >> (8 * UInt32(index))) }
  }
  put(check.value, 20)
  put(CRC32C.checksum(Array(octets[..<24])), 24)
  return octets
}

@Suite struct FaultTests {
  /// The Nth call fails, once or for ever, until no fault is reached; power goes at the end.
  @Test(arguments: [Int32(5), 28], [1, 2, 1_000_000])
  func theNthCallFails(_ errno: Int32, _ length: Int) throws {
    var nth = 1
    while nth < 400 {
      let disk = SimulatedDisk()
      disk.failAt = (nth..<nth + length, errno)
      var (journal, _, _) = try opened(disk)
      var confirmed: [UInt64: [UInt8]] = [:]
      for number in 0..<14 {
        if let appended = try? journal.append([reading(number)]) {
          confirmed[appended.sequences.lowerBound] = reading(number).payload
          if appended.rolled { _ = try? journal.append([RecordDraft(kind: .snapshot, payload: [1])]) }
        }
      }
      let live = journal.all(kinds: [.reading])
      #expect(live.count == confirmed.count)
      for survival in SimulatedDisk.Survival.allCases {
        let after = disk.afterPowerCut(survival)
        var (again, _, _) = try opened(after)
        let found = Dictionary(again.all(kinds: [.reading]).map { ($0.sequence, $0.payload) }) { first, _ in first }
        for (sequence, payload) in confirmed { #expect(found[sequence] == payload, "call \(nth) \(survival)") }
        #expect(!again.takeFindings().contains { $0.code == .gap }, "call \(nth) \(survival)")
      }
      // A segment whose sync failed is never synced again.
      #expect(disk.syncedAgain.isEmpty)
      if disk.calls < nth { break }
      nth += 1
    }
    #expect(nth > 20 && nth < 400)
  }

  @Test func aFailedSyncMovesToANewSegmentAndGivesOneRecord() throws {
    let disk = SimulatedDisk()
    var (journal, _, _) = try opened(disk)
    _ = try journal.append([reading(1)])
    let before = disk.segmentNames
    // The next calls are the write and its sync.
    disk.failAt = (disk.calls + 2..<disk.calls + 3, 5)
    let appended = try journal.append([reading(2)])
    #expect(appended.sequences == 2..<3)
    #expect(appended.rolled)
    #expect(disk.segmentNames.count == before.count + 1)
    #expect(journal.takeFindings().map(\.code) == [.syncFailed])
    let syncs = disk.syncedNames.filter { $0 == before[0] }.count
    for number in 3...9 { _ = try journal.append([reading(number)]) }
    #expect(disk.syncedNames.filter { $0 == before[0] }.count == syncs)
    #expect(try opened(disk.copy()).records.map(\.sequence) == Array(1...9))
    #expect(journal.all().map(\.sequence) == Array(1...9))
  }

  @Test func aDiskThatFailsTwiceRefusesAndTheNextAppendTriesAgain() throws {
    let disk = SimulatedDisk()
    var (journal, _, _) = try opened(disk)
    _ = try journal.append([reading(1)])
    disk.failAt = (disk.calls + 1..<1_000_000, 5)
    // The record may be on the medium, and cannot be withdrawn now.
    #expect(throws: AppendFailure.self) { try journal.append([reading(2)]) }
    #expect(journal.status.failing?.code == "journal.outcome-unknown")
    #expect(journal.status.failing?.errno == 5)
    // Of the next nothing was written.
    #expect(throws: AppendFailure.self) { try journal.append([reading(7)]) }
    #expect(journal.status.failing?.code == "journal.sync-failed")
    disk.failAt = nil
    let appended = try journal.append([reading(3)])
    #expect(journal.status.failing == nil)
    #expect(appended.sequences.lowerBound > 2)
    var (again, _, _) = try opened(disk.afterPowerCut(.nothing))
    #expect(again.all().map(\.payload) == [reading(1).payload, reading(3).payload])
    #expect(again.takeFindings().map(\.code) == [])
  }

  @Test func aFullDiskRefusesReadingsTakesAcknowledgementsAndRecovers() throws {
    let disk = SimulatedDisk()
    disk.capacity = 256 * 4
    var (journal, _, _) = try opened(disk)
    var taken = 0
    while (try? journal.append([reading(taken)])) != nil { taken += 1 }
    #expect(taken > 8)
    #expect(journal.status.failing?.code == "journal.full")
    #expect(throws: AppendFailure.self) { try journal.append([reading(1)]) }
    let through = journal.status.lastSequence
    _ = try journal.append([acknowledgement("gp", through)])
    _ = try journal.append([RecordDraft(kind: .snapshot, payload: [1])])
    #expect(throws: AppendFailure.self) { try journal.append([reading(1)]) }
    #expect(try journal.retain(cursors: [through], pinned: nil, now: 1 << 40, keep: 0) > 0)
    _ = try journal.append([reading(1000)])
    #expect(journal.status.failing == nil)
  }

  /// Events stand behind the last reading, or alone in a segment: they stay until the backend has them, over a restart too.
  @Test func whatABackendHasNotIsKeptWhateverItIs() throws {
    var limits = JournalLimits(segmentBytes: 256)
    let event = RecordKind(rawValue: 4)
    limits.deliverable = [.reading, event]
    let disk = SimulatedDisk()
    var (journal, _, _) = try opened(disk, limits)
    _ = try journal.append([reading(1)])
    let answered = journal.status.lastSequence
    for number in 0..<40 {
      _ = try journal.append([RecordDraft(kind: event, payload: [UInt8](repeating: UInt8(number), count: 40))])
      if number % 8 == 7 { _ = try journal.append([RecordDraft(kind: .snapshot, payload: [1])]) }
    }
    func events(_ journal: inout RecordJournal<SimulatedDisk>) -> Int { journal.all().count { $0.kind == event } }
    _ = try journal.retain(cursors: [answered], pinned: nil, now: 1 << 40, keep: 0)
    #expect(events(&journal) == 40)
    var (again, _, _) = try opened(disk, limits)
    _ = try again.retain(cursors: [answered], pinned: nil, now: 1 << 40, keep: 0)
    #expect(events(&again) == 40)
    #expect(try again.retain(cursors: [again.status.lastSequence], pinned: nil, now: 1 << 40, keep: 0) > 0)
  }

  @Test func theLimitRefusesReadingsOnly() throws {
    let disk = SimulatedDisk()
    let limits = JournalLimits(segmentBytes: 256, maximumBytes: 1024)
    var (journal, _, _) = try opened(disk, limits)
    var taken = 0
    while (try? journal.append([reading(taken)])) != nil { taken += 1 }
    #expect(journal.status.failing == .full(nil))
    #expect(journal.status.bytes <= 1024)
    let through = journal.status.lastSequence
    for _ in 0..<20 { _ = try journal.append([acknowledgement("gp", through)]) }
    _ = try journal.append([RecordDraft(kind: .snapshot, payload: [1])])
    // The age does not matter when room is needed.
    #expect(try journal.retain(cursors: [through], pinned: nil, now: 0, keep: 1 << 40) > 0)
    _ = try journal.append([reading(1)])
  }

  @Test func whatIsTooLargeIsRefused() throws {
    var (journal, _, _) = try opened(SimulatedDisk(), JournalLimits(segmentBytes: 256))
    let large = RecordDraft(kind: .reading, payload: [UInt8](repeating: 1, count: RecordFormat.maximumPayload + 1))
    #expect(throws: AppendFailure.tooLarge(large.payload.count)) { try journal.append([large]) }
    // Larger than a segment, within the bound: it gets a larger segment.
    _ = try journal.append([reading(1), reading(2, size: 3000), reading(3)])
    #expect(journal.all().map(\.payload.count) == [12, 3000, 12])
  }

  @Test func retentionKeepsWhatSomebodyNeeds() {
    let segments = (1...4).map {
      RetentionCandidate(lastReading: UInt64($0 * 10), modified: Int64($0 * 1000), size: 100)
    }
    func plan(_ cursors: [UInt64], pinned: UInt64? = nil, now: Int64 = 100_000, keep: Int64 = 0, excess: Int = 0) -> Int
    {
      RetentionPlan.removable(segments, cursors: cursors, pinned: pinned, now: now, keep: keep, excess: excess)
    }
    #expect(plan([40, 40]) == 4)
    #expect(plan([40, 19]) == 1)
    #expect(plan([9]) == 0)
    #expect(plan([]) == 0)
    #expect(plan([40], pinned: 20) == 1)
    #expect(plan([40], pinned: 21) == 2)
    #expect(plan([40], now: 5000, keep: 3000) == 1)
    #expect(plan([40], now: 0) == 0)
    #expect(plan([40], now: 0, keep: 1000, excess: 150) == 2)
    #expect(plan([40], now: .min, keep: 0) == 0)
  }

  @Test func recoveryHandsOverFromTheNewestSnapshot() throws {
    let disk = SimulatedDisk()
    var (journal, _, _) = try opened(disk)
    for number in 0..<30 {
      if try journal.append([reading(number)]).rolled {
        _ = try journal.append([RecordDraft(kind: .snapshot, payload: [UInt8(number)])])
      }
    }
    _ = try journal.append([acknowledgement("gp", 4), acknowledgement("gp", 3), acknowledgement("lab", 2)])
    let (_, recovery, records) = try opened(disk)
    #expect(recovery.hasSnapshot)
    #expect(records.first?.kind == .snapshot)
    #expect(records.count < 12)
    #expect(recovery.cursors == ["gp": 4, "lab": 2])
    #expect(recovery.records == records.count)
  }

  @Test func aGroupIsOneWriteAndOneSync() throws {
    let disk = SimulatedDisk()
    var (journal, _, _) = try opened(disk, JournalLimits(segmentBytes: 4096))
    _ = try journal.append([reading(0)])
    let before = disk.calls
    _ = try journal.append((1...40).map { reading($0) })
    #expect(disk.calls - before == 2)
  }
}
