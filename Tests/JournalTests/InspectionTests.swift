// Looking at a journal from outside.

import Journal
import Testing

@Suite struct InspectionTests {
  func filled(_ count: Int) throws -> (disk: SimulatedDisk, records: [JournalRecord]) {
    let disk = SimulatedDisk()
    var (journal, _, _) = try opened(disk)
    for number in 0..<count { _ = try journal.append([reading(number)]) }
    _ = try journal.append([acknowledgement("gp", 3)])
    return (disk, journal.all())
  }

  @Test func aWholeJournalIsWholeAndUntouched() throws {
    let (disk, records) = try filled(14)
    let calls = disk.calls
    var found: [JournalRecord] = []
    let inspection = try JournalInspection.look(at: disk) { found.append($0) }
    #expect(found == records)
    #expect(!inspection.isDamaged)
    #expect(inspection.counts == [.reading: 14, .acknowledgement: 1])
    #expect(inspection.segments.count > 1)
    #expect(disk.calls == calls)
  }

  @Test func everyFlippedBitIsToldWithItsPlace() throws {
    let (disk, records) = try filled(14)
    let names = disk.segmentNames
    for (index, name) in names.enumerated() {
      let octets = disk.octets(name)
      let used = try JournalInspection.look(at: disk).segments[index].used
      for offset in 0..<used {
        let flipped = disk.copy()
        var changed = octets
        changed[offset] ^= 0x10
        flipped.set(name, changed)
        var found: [JournalRecord] = []
        let inspection = try JournalInspection.look(at: flipped) { found.append($0) }
        #expect(found.count == records.count - 1)
        let damage = inspection.segments[index].damage
        #expect(damage.count == 1)
        #expect(damage.first.map { $0.offset <= offset && offset < $0.offset + $0.length } == true)
        // Only of the very last record it cannot be known whether it was ever confirmed.
        let isVeryLast = name == names.last && damage.first?.offset == used - 48
        #expect(inspection.isDamaged == !isVeryLast, "\(name) \(offset)")
      }
    }
  }

  @Test func aTornEndIsNoDamageOnceTheJournalWentOn() throws {
    let (disk, records) = try filled(3)
    let name = disk.segmentNames[0]
    let used = try JournalInspection.look(at: disk).segments[0].used
    var octets = disk.octets(name)
    for index in used..<min(used + 20, octets.count) { octets[index] = 0xD5 }
    disk.set(name, octets)
    var (journal, _, _) = try opened(disk)
    _ = try journal.append([reading(50)])
    let inspection = try JournalInspection.look(at: disk)
    #expect(inspection.segments.first?.damage.map(\.isTorn) == [true])
    #expect(!inspection.isDamaged)
    #expect(inspection.counts.values.reduce(0, +) == records.count + 1)
  }
}
