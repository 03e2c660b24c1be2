// Any octets whatever: cut files, flipped octets, garbage, names that are not ours.

import Journal
import Testing

@Suite struct DamageTests {
  func segment(_ count: Int) throws -> (disk: SimulatedDisk, records: [JournalRecord]) {
    let disk = SimulatedDisk()
    var (journal, _, _) = try opened(disk, JournalLimits(segmentBytes: 512))
    for number in 1...count { _ = try journal.append([reading(number)]) }
    return (disk, journal.all())
  }

  @Test func aFileCutAtAnyOctetGivesTheRecordsBefore() throws {
    let (disk, records) = try segment(8)
    let name = disk.segmentNames[0]
    for length in 0...disk.octets(name).count {
      let cut = disk.copy()
      cut.set(name, Array(disk.octets(name).prefix(length)))
      var (journal, _, found) = try opened(cut, JournalLimits(segmentBytes: 512))
      #expect(found == Array(records.prefix(length / 40)))
      let next = try journal.append([reading(99)])
      // The numbers behind what was cut off are not used: parts of it could be taken for parts of another group.
      let distance = length % 40 == 0 || length > 320 ? 0 : RecordFormat.startDistance
      #expect(next.sequences.lowerBound == UInt64(found.count + 1) + distance)
      if length < 320 {
        #expect((length % 40 != 0) == journal.takeFindings().contains { $0.code == .tornTail })
      }
    }
  }

  @Test func aFlippedOctetCostsOneRecord() throws {
    let (disk, records) = try segment(8)
    let name = disk.segmentNames[0]
    for offset in 0..<320 {
      let flipped = disk.copy()
      var octets = disk.octets(name)
      octets[offset] ^= 1 << (offset % 8)
      flipped.set(name, octets)
      var (journal, _, found) = try opened(flipped, JournalLimits(segmentBytes: 512))
      let expected = records.filter { Int($0.sequence) != offset / 40 + 1 }
      #expect(found == expected)
      #expect(journal.all() == expected)
      let findings = journal.takeFindings()
      #expect(findings.map(\.code) == [offset >= 280 ? .tornTail : .damaged])
      #expect(findings.first.map { Int($0.offset) } == offset / 40 * 40)
      #expect(flipped.aside.count == 1)
      #expect(journal.verify().damaged == (offset >= 280 ? 0 : 1))
      _ = try journal.append([reading(99)])
      #expect(journal.all().count == 8)
    }
  }

  @Test func theSameDamageIsNewOnce() throws {
    let (disk, _) = try segment(3)
    var octets = disk.octets(disk.segmentNames[0])
    octets[5] = 0xFF
    disk.set(disk.segmentNames[0], octets)
    var (first, _, _) = try opened(disk, JournalLimits(segmentBytes: 512))
    #expect(first.takeFindings().map(\.isNew) == [true])
    var (second, _, _) = try opened(disk, JournalLimits(segmentBytes: 512))
    #expect(second.takeFindings().map(\.isNew) == [false])
  }

  @Test func garbageOfAnySeedEndsAndStarts() throws {
    for seed in 1...40 {
      var dice = Dice(state: UInt64(seed))
      let disk = SimulatedDisk()
      var octets = (0..<2000).map { _ in UInt8.random(in: 0...255, using: &dice) }
      for _ in 0..<20 {
        octets += RecordFormat.magic
        octets += (0..<100).map { _ in UInt8.random(in: 0...255, using: &dice) }
      }
      disk.set("00000000000000000001.journal", octets)
      var (journal, _, found) = try opened(disk)
      #expect(found == [])
      _ = try journal.append([reading(seed)])
      #expect(journal.all().count == 1)
    }
  }

  @Test func aRecordInsideAPayloadIsNoRecord() throws {
    let disk = SimulatedDisk()
    let inner = RecordFormat.encode(JournalRecord(sequence: 77, kind: .reading, payload: [1]))
    var file = RecordFormat.encode(JournalRecord(sequence: 1, kind: .reading, payload: inner + [0]))
    file[file.count - 1] = 9
    file += RecordFormat.encode(JournalRecord(sequence: 2, kind: .reading, payload: [2]))
    disk.set("00000000000000000001.journal", file + [UInt8](repeating: 0, count: 100))
    #expect(try opened(disk).records.map(\.sequence) == [2])
  }

  @Test func foreignFilesAreLeftAloneAndTold() throws {
    let (disk, records) = try segment(2)
    disk.set("readme.txt", [1])
    disk.set("1.journal", [1])
    disk.set("00000000000000000000.journal", [1])
    disk.set("99999999999999999999.journal", [1])
    disk.extra = [DiskEntry(name: "00000000000000000009.journal", size: 4096, isRegular: false, modified: 0)]
    var (journal, _, found) = try opened(disk, JournalLimits(segmentBytes: 512))
    #expect(found == records)
    #expect(journal.takeFindings().filter { $0.code == .foreignFile }.count == 5)
    #expect(disk.octets("readme.txt") == [1])
  }

  @Test func aNewerFormatIsRefusedWithoutTouchingIt() throws {
    let disk = SimulatedDisk()
    var octets = RecordFormat.encode(JournalRecord(sequence: 41, kind: .reading, payload: [7]))
    octets[4] = 2
    // The checks of the later writer.
    octets = resealed(octets) + [UInt8](repeating: 0, count: 200)
    disk.set("00000000000000000041.journal", octets)
    var (journal, _, found) = try opened(disk)
    #expect(found == [])
    #expect(journal.takeFindings().map(\.code) == [.newerFormat])
    #expect(try journal.append([reading(1)]).sequences.lowerBound > 41)
    #expect(disk.octets("00000000000000000041.journal") == octets)
  }

  @Test func aGapIsTold() throws {
    let disk = SimulatedDisk()
    let file =
      RecordFormat.encode(JournalRecord(sequence: 1, kind: .reading, payload: [1]))
      + RecordFormat.encode(JournalRecord(sequence: 5, kind: .reading, payload: [5]))
      + RecordFormat.encode(JournalRecord(sequence: 9, kind: .reading, flags: 1, payload: [9]))
    disk.set("00000000000000000001.journal", file + [UInt8](repeating: 0, count: 100))
    var (journal, _, found) = try opened(disk)
    #expect(found.map(\.sequence) == [1, 5, 9])
    let findings = journal.takeFindings()
    #expect(findings.map(\.code) == [.gap])
    #expect(findings.first?.offset == 2)
    #expect(findings.first?.length == 3)
    #expect(journal.verify().missing == 3)
  }
}
