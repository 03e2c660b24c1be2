// The end of a start: what it makes durable, what it closes, what it costs, and what it does when the disk refuses.

import Journal
import Testing

@Suite struct StartTests {
  @Test func aCleanStartIsOneWriteAndOneSync() throws {
    let disk = SimulatedDisk()
    var (journal, _, _) = try opened(disk)
    _ = try journal.append(alarm(1))
    let names = disk.segmentNames
    let calls = disk.calls
    for _ in 0..<20 { _ = try opened(disk) }
    // The last group, its sync, and the directory's.
    #expect(disk.calls == calls + 60)
    #expect(disk.segmentNames == names)
    var (again, _, _) = try opened(disk)
    #expect(try again.append([reading(2)]).sequences == 4..<5)
  }

  /// Neither starts nor torn ends nor failing disks fill the limit, with no help of retention: a thousand of them take 64 MiB.
  @Test(arguments: 0..<4) func aStartTakesLittleRoom(_ kind: Int) throws {
    let limits = JournalLimits(segmentBytes: 1 << 20)
    var disk = SimulatedDisk()
    var (first, _, _) = try opened(disk, limits)
    _ = try first.append([reading(1)])
    let before = first.status.bytes
    for start in 1...12 {
      switch kind {
      case 1:
        // Killed in the middle of a write.
        disk.oracle = { _, length in length > 0 ? .stop(torn: 60) : .go }
      case 2, 3:
        // Every sync fails, and it is killed; the memory is there or gone.
        disk.oracle = { operation, _ in operation == "fdatasync" ? .fail(5, reached: .firstHalf) : .go }
      default: break
      }
      if kind > 0, var journal = try? opened(disk, limits).journal {
        for number in 0..<3 { _ = try? journal.append(alarm(number)) }
      }
      disk = disk.afterKill(forgets: kind == 3)
      let (journal, _, _) = try opened(disk, limits)
      #expect(journal.status.bytes <= before + start * (64 << 10) + (2 << 20), "start \(start)")
    }
    #expect(try opened(disk, limits).records.map(\.payload) == [reading(1).payload])
  }

  /// What cannot be read now may hold confirmed records: their numbers are not closed.
  @Test func whatCannotBeReadAtAStartIsThereWhenItCan() throws {
    let disk = SimulatedDisk()
    let limits = JournalLimits(segmentBytes: 32768)
    var (journal, _, _) = try opened(disk, limits)
    for number in 0..<300 { _ = try journal.append([reading(number)]) }
    let all = journal.all()
    disk.unreadable = (disk.segmentNames[0], 8192..<12288)
    var (blind, _, found) = try opened(disk, limits)
    #expect(found.count < 250)
    _ = try blind.append([reading(777)])
    disk.unreadable = nil
    var (again, _, records) = try opened(disk, limits)
    #expect(records.dropLast() == all[...])
    #expect(records.last?.payload == reading(777).payload)
    #expect(again.all() == records)
  }

  @Test(arguments: [5, 28, 30] as [Int32])
  func aGroupThatTheDiskDoesNotTakeAtTheStartIsKeptBack(_ errno: Int32) throws {
    let disk = SimulatedDisk()
    var (first, _, _) = try opened(disk)
    _ = try first.append([reading(1)])
    _ = try first.append(alarm(2))
    let killed = disk.afterKill(forgets: false)
    killed.failAt = (1..<Int.max, errno)
    var (journal, _, found) = try opened(killed)
    #expect(found.map(\.payload) == [reading(1).payload])
    #expect(journal.isHoldingBack)
    // Nothing of it is delivered, nothing is appended or dropped.
    #expect(journal.all() == found)
    #expect(journal.verify().records == 1)
    #expect(throws: AppendFailure.self) { try journal.append([reading(3)]) }
    #expect(journal.status.failing?.errno == errno)
    #expect(throws: DiskError.self) { try journal.rewrite { _ in .keep } }
    #expect(try journal.retain(cursors: [.max], pinned: nil, now: 1 << 40, keep: 0) == 0)
    // The disk takes it: it counts, and its reader hears of it before anything is appended.
    killed.failAt = nil
    #expect(throws: AppendFailure.self) { try journal.append([reading(3)]) }
    #expect(journal.recovered.map(\.payload) == alarm(2).map(\.payload))
    #expect(throws: AppendFailure.self) { try journal.append([reading(3)]) }
    #expect(journal.takeRecovered().count == 3)
    _ = try journal.append([reading(3)])
    let expected = [reading(1).payload] + alarm(2).map(\.payload) + [reading(3).payload]
    #expect(journal.all().map(\.payload) == expected)
    #expect(try opened(killed.afterPowerCut(.nothing)).records.map(\.payload) == expected)
  }

  /// A snapshot that may not be durable: until it is, the one before it is shown.
  @Test func aSnapshotThatIsKeptBackIsNotWhereTheStartBegins() throws {
    let disk = SimulatedDisk()
    var (first, _, _) = try opened(disk)
    _ = try first.append([RecordDraft(kind: .snapshot, payload: [1])])
    _ = try first.append([reading(1)])
    _ = try first.append([RecordDraft(kind: .snapshot, payload: [2])])
    let killed = disk.afterKill(forgets: false)
    killed.failAt = (1..<Int.max, 30)
    var (journal, recovery, found) = try opened(killed)
    #expect(recovery.hasSnapshot)
    #expect(found.map(\.payload) == [[1], reading(1).payload])
    killed.failAt = nil
    #expect(throws: AppendFailure.self) { try journal.append([reading(2)]) }
    #expect(journal.takeRecovered().map(\.payload) == [[2]])
    _ = try journal.append([reading(2)])
  }

  /// The place of the last group is broken for good: a copy of it goes to another.
  @Test func aGroupWhosePlaceIsBrokenIsCopied() throws {
    let disk = SimulatedDisk()
    var (first, _, _) = try opened(disk)
    _ = try first.append([reading(1)])
    disk.cutAt = (disk.calls + 2, 0)
    _ = try? first.append(alarm(2))
    let killed = disk.afterKill(forgets: false)
    var syncs = 0
    killed.oracle = { operation, _ in
      guard operation == "fdatasync" else { return .go }
      syncs += 1
      return syncs == 1 ? .fail(5, reached: .nothing) : .go
    }
    var (journal, _, found) = try opened(killed)
    let expected = [reading(1).payload] + alarm(2).map(\.payload)
    #expect(found.map(\.payload) == expected)
    killed.oracle = nil
    _ = try journal.append([reading(3)])
    #expect(
      try opened(killed.afterPowerCut(.nothing)).records.map(\.payload) == expected + [reading(3).payload])
  }

  @Test(arguments: [128, 200, 255] as [UInt8])
  func aCriticalKindOfALaterVersionIsNamedAndNothingIsTouched(_ kind: UInt8) throws {
    let disk = SimulatedDisk()
    var (first, _, _) = try opened(disk)
    _ = try first.append([reading(1)])
    _ = try first.append([RecordDraft(kind: RecordKind(rawValue: kind), payload: [1])])
    _ = try first.append([reading(2)])
    let before = disk.segmentNames.map { disk.octets($0) }
    let calls = disk.calls
    #expect(
      throws: RecoveryFailure.newerKind(RecordKind(rawValue: kind), segment: disk.segmentNames[0], sequence: 2)
    ) { try opened(disk) }
    #expect(disk.calls == calls)
    #expect(disk.segmentNames.map { disk.octets($0) } == before)
  }

  @Test func anUnknownKindBelow128IsHandedOverLikeAnyOther() throws {
    let disk = SimulatedDisk()
    var (first, _, _) = try opened(disk)
    _ = try first.append([RecordDraft(kind: RecordKind(rawValue: 127), payload: [1]), reading(1)])
    #expect(try opened(disk).records.map(\.kind.rawValue) == [127, 1])
  }
}
