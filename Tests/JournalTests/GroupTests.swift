// Groups: all of their records count, or none.

import Journal
import Octets
import Testing

@Suite struct GroupTests {
  @Test func recordsOfAGroupAreMarkedAndOneAloneIsAsBefore() throws {
    let disk = SimulatedDisk()
    var (journal, _, _) = try opened(disk, JournalLimits(segmentBytes: 4096))
    #expect(try journal.append(alarm(1)).sequences == 1..<4)
    _ = try journal.append([reading(2)])
    #expect(journal.all().map(\.flags) == [2, 6, 4, 0])
  }

  @Test func aWithdrawalHasTheseOctets() {
    let octets = Hex.encode(Withdrawal.encode([5...7, 9...9]))
    #expect(octets == "0500000000000000" + "0700000000000000" + "0900000000000000" + "0900000000000000")
    func ranges(_ payload: [UInt8], at sequence: UInt64) -> [ClosedRange<UInt64>] {
      Withdrawal.ranges(of: JournalRecord(sequence: sequence, kind: .withdrawn, payload: payload))
    }
    #expect(ranges(Withdrawal.encode([5...7, 9...9]), at: 10) == [5...7, 9...9])
    // Not below the record's own number, upside down, cut off.
    #expect(ranges(Withdrawal.encode([5...7, 9...9]), at: 9) == [5...7])
    #expect(ranges([7] + [UInt8](repeating: 0, count: 7) + [5] + [UInt8](repeating: 0, count: 7), at: 10) == [])
    #expect(ranges(Array(Withdrawal.encode([5...7]).dropLast()), at: 10) == [])
  }

  /// A rule that stands at raised without its event would never be told: the device sends its reading again, and nothing changes.
  @Test func aGroupThatIsCutOffAnywhereIsNotThere() throws {
    let whole = SimulatedDisk()
    var (journal, _, _) = try opened(whole, JournalLimits(segmentBytes: 512))
    _ = try journal.append([reading(1)])
    let before = journal.all()
    _ = try journal.append(alarm(2))
    let octets = whole.octets(whole.segmentNames[0])
    let end = octets.lastIndex { $0 != 0 } ?? 0
    for cut in 40...end {
      let disk = SimulatedDisk()
      disk.set(whole.segmentNames[0], Array(octets[..<cut]) + [UInt8](repeating: 0, count: 512 - cut))
      var (again, _, found) = try opened(disk, JournalLimits(segmentBytes: 512))
      #expect(found == before, "cut at \(cut)")
      // Sent again, it is stored whole; the cut one never comes back.
      _ = try again.append(alarm(2))
      for _ in 0..<2 {
        let (_, _, later) = try opened(disk, JournalLimits(segmentBytes: 512))
        #expect(later.map(\.payload) == before.map(\.payload) + alarm(2).map(\.payload), "cut at \(cut)")
      }
      #expect(try JournalInspection.look(at: disk).isDamaged == false)
    }
  }

  /// Where something stands behind it, all of a group was confirmed: what means the same alone counts.
  @Test(arguments: 0..<3) func whatIsLeftOfADamagedGroupCountsWhereItMeansTheSame(_ lost: Int) throws {
    let disk = SimulatedDisk()
    var (journal, _, _) = try opened(disk, JournalLimits(segmentBytes: 512))
    let sequences = try journal.append(alarm(1)).sequences
    _ = try journal.append([reading(2)])
    let records = journal.all()
    var octets = disk.octets(disk.segmentNames[0])
    let place = records[..<lost].reduce(0) { $0 + 28 + $1.payload.count }
    octets[place + 30] ^= 1
    disk.set(disk.segmentNames[0], octets)
    let expected = records.filter { $0.sequence != sequences.lowerBound + UInt64(lost) && $0.kind.rawValue != 5 }
    var (again, _, found) = try opened(disk, JournalLimits(segmentBytes: 512))
    #expect(found == expected)
    #expect(again.all() == expected)
    #expect(again.takeFindings().map(\.code).contains(.incompleteGroup))
    var looked: [JournalRecord] = []
    #expect(try JournalInspection.look(at: disk) { looked.append($0) }.isDamaged)
    #expect(looked == expected)
  }

  /// The first copy of a group came onto the medium in part, the second was confirmed: it is there.
  @Test func aConfirmedSecondCopyIsNotLostBehindThePartsOfTheFirst() throws {
    for reach in 0...120 {
      let disk = SimulatedDisk()
      var (journal, _, _) = try opened(disk)
      _ = try journal.append([reading(1)])
      disk.failAt = (disk.calls + 2..<disk.calls + 3, 5)
      _ = try journal.append(alarm(2))
      let after = disk.afterPowerCut(.nothing)
      // Of the first copy only what lies behind `reach` is there: its end without its beginning.
      let name = disk.segmentNames[0]
      var octets = disk.octets(name)
      for index in 40..<min(40 + reach, octets.count) { octets[index] = 0 }
      after.set(name, octets)
      var (again, _, found) = try opened(after)
      let expected = [reading(1).payload] + alarm(2).map(\.payload)
      #expect(found.map(\.payload) == expected, "\(reach)")
      #expect(again.all().map(\.payload) == expected, "\(reach)")
      #expect(again.verify().missing == 0)
      #expect(try JournalInspection.look(at: after).counts.values.reduce(0, +) == 4)
    }
  }

  @Test func aReadGivesPartsOfAGroupOneAfterTheOther() throws {
    var (journal, _, _) = try opened(SimulatedDisk(), JournalLimits(segmentBytes: 1024))
    for number in 0..<4 { _ = try journal.append(alarm(number)) }
    let all = journal.all()
    for after in 0...12 {
      for count in 1...5 {
        let batch = journal.read(after: UInt64(after), maximumCount: count, maximumBytes: 1 << 16)
        #expect(batch.records == Array(all.dropFirst(after).prefix(count)))
        #expect(batch.through == UInt64(min(12, after + count)))
      }
    }
  }
}
