// What was refused stays refused: over restarts, for reads from old cursors, in an erasure.

import Journal
import Testing

@Suite struct WithdrawalTests {
  let erase = RecordDraft(kind: RecordKind(rawValue: 12), payload: Array("erase p-1".utf8))

  /// A journal with a reading, and a group that was refused and withdrawn: the disk failed for a while.
  func refused(_ disk: SimulatedDisk, _ limits: JournalLimits = small) throws -> TestJournal {
    var (journal, _, _) = try opened(disk, limits)
    _ = try journal.append([reading(1)])
    try refuse(alarm(2), &journal, disk)
    return journal
  }

  /// Write and sync of both copies fail, the record that withdraws them is written.
  func refuse(_ drafts: [RecordDraft], _ journal: inout TestJournal, _ disk: SimulatedDisk) throws {
    var syncs = 0
    disk.oracle = { operation, _ in
      guard operation == "fdatasync" else { return .go }
      syncs += 1
      return syncs <= 2 ? .fail(5, reached: .everything) : .go
    }
    #expect(throws: AppendFailure.self) { try journal.append(drafts) }
    #expect(journal.status.failing?.code == "journal.sync-failed")
    disk.oracle = nil
  }

  @Test func aRefusedGroupIsWithdrawnThoughItIsOnTheMedium() throws {
    let disk = SimulatedDisk()
    var journal = try refused(disk)
    #expect(journal.withdrawn == [2...4])
    #expect(journal.all().map(\.payload) == [reading(1).payload])
    #expect(try journal.append([reading(3)]).sequences == 6..<7)
    for survival in SimulatedDisk.Survival.allCases {
      var after = disk.afterPowerCut(survival)
      for _ in 0..<3 {
        var (again, _, found) = try opened(after)
        #expect(found.map(\.payload) == [reading(1).payload, reading(3).payload])
        #expect(again.all() == found)
        #expect(again.verify().missing == 0)
        #expect(again.takeFindings().filter { $0.code == .gap || $0.code == .damaged } == [])
        var looked: [JournalRecord] = []
        #expect(try JournalInspection.look(at: after) { looked.append($0) }.isDamaged == false)
        #expect(looked == found)
        after = after.afterPowerCut(.nothing)
      }
    }
  }

  /// While every sync fails, nobody can promise that an erasure is not in force after a restart. A process that is killed leaves
  /// in memory what withdraws it.
  @Test func anErasureWhileEverySyncFailsIsNotInForceAfterAKill() throws {
    let disk = SimulatedDisk()
    var (journal, _, _) = try opened(disk)
    _ = try journal.append([reading(1)])
    disk.oracle = { operation, _ in operation == "fdatasync" ? .fail(5, reached: .nothing) : .go }
    #expect(throws: AppendFailure.self) { try journal.append([erase]) }
    #expect(journal.status.failing?.code == "journal.outcome-unknown")
    let files = disk.segmentNames.count
    for number in 0..<20 {
      #expect(throws: AppendFailure.self) { try journal.append([reading(number)]) }
      #expect(journal.status.failing?.code == "journal.sync-failed")
    }
    // A disk that fails again and again does not fill up.
    #expect(disk.segmentNames.count == files)
    disk.oracle = nil
    let killed = disk.afterKill(forgets: false)
    for _ in 0..<2 { #expect(try opened(killed).records.map(\.payload) == [reading(1).payload]) }
    // The same process goes on when the disk does: the refusal comes first.
    _ = try journal.append([reading(9)])
    #expect(
      try opened(disk.afterPowerCut(.nothing)).records.map(\.payload) == [reading(1).payload, reading(9).payload])
  }

  /// The record that withdraws is always in a later segment; retention begins at the oldest. Behind a snapshot the numbers are
  /// known from the snapshot's own group.
  @Test func aReadFromAnOldCursorPassesOverWhatWasRefusedLongAgo() throws {
    let disk = SimulatedDisk()
    var journal = try refused(disk)
    var expected = [reading(1).payload]
    for number in 3..<40 {
      let appended = try journal.append([reading(number)])
      expected.append(reading(number).payload)
      if appended.rolled { _ = try journal.append([RecordDraft(kind: .snapshot, payload: [1])]) }
    }
    var (again, recovery, found) = try opened(disk)
    #expect(recovery.hasSnapshot && found.count < 20)
    #expect(again.withdrawn == [2...4])
    #expect(again.all(kinds: [.reading]).map(\.payload) == expected)
    // Until the oldest segment is gone, whatever else goes.
    while try again.retain(cursors: [.max], pinned: nil, now: 1 << 40, keep: 0) > 0 {
      let left = again.all(kinds: [.reading]).map(\.payload)
      #expect(left == Array(expected.suffix(left.count)))
    }
    #expect(again.withdrawn == [])
    var (last, _, _) = try opened(disk)
    #expect(last.all(kinds: [.reading]) == again.all(kinds: [.reading]))
  }

  @Test func retentionDropsTheRefusedRecordsBeforeWhatWithdrawsThem() throws {
    for keep in 0..<12 {
      let disk = SimulatedDisk()
      var journal = try refused(disk)
      for number in 3..<20 {
        if try journal.append([reading(number)]).rolled {
          _ = try journal.append([RecordDraft(kind: .snapshot, payload: [1])])
        }
      }
      // As far as one backend's cursor allows.
      _ = try journal.retain(cursors: [UInt64(keep)], pinned: nil, now: 1 << 40, keep: 0)
      var (again, _, _) = try opened(disk)
      #expect(!again.all().contains { $0.payload == reading(2).payload })
      #expect(again.verify().missing == 0)
    }
  }

  /// Two failures one after the other, one of them of the snapshot: the one before it is where a start begins.
  @Test func aRefusedSnapshotIsNone() throws {
    let disk = SimulatedDisk()
    var (journal, _, _) = try opened(disk)
    _ = try journal.append([reading(1)])
    _ = try journal.append([RecordDraft(kind: .snapshot, payload: [1])])
    _ = try journal.append([reading(2)])
    try refuse([RecordDraft(kind: .snapshot, payload: [2])], &journal, disk)
    try refuse([reading(3)], &journal, disk)
    let (again, recovery, found) = try opened(disk.afterKill(forgets: true))
    #expect(recovery.hasSnapshot)
    #expect(found.map(\.payload) == [[1], reading(2).payload])
    #expect(again.withdrawn == [4...4, 6...6])
  }

  @Test func anErasureDropsTheOctetsOfWhatWasRefusedAndAsksNobody() throws {
    let disk = SimulatedDisk()
    var journal = try refused(disk)
    _ = try journal.append([reading(3)])
    var asked: [[UInt8]] = []
    let report = try journal.rewrite { record in
      asked.append(record.payload)
      return .keep
    }
    #expect(asked == [reading(1).payload, reading(3).payload])
    #expect(report.dropped.isEmpty && report.rewritten > 0)
    let mark = reading(2).payload.prefix(9)
    for name in disk.segmentNames {
      let octets = disk.octets(name)
      #expect(!octets.indices.contains { octets[$0...].starts(with: mark) })
    }
    #expect(try opened(disk).records.map(\.payload) == asked)
  }
}
