// Segments written anew: what is to go is gone from every octet of the disk, the rest is as it was, whenever the power goes.

import Journal
import Testing

@Suite struct ErasureTests {
  /// Every third reading is Ida's.
  func isIda(_ record: JournalRecord) -> Bool {
    record.kind == .reading && String(decoding: record.payload, as: UTF8.self).hasPrefix("Ida")
  }

  func filled() throws -> SimulatedDisk {
    let disk = SimulatedDisk()
    var (journal, _, _) = try opened(disk)
    for number in 0..<15 {
      let draft =
        number % 3 == 0 ? RecordDraft(kind: .reading, payload: Array("Ida's weight \(number)".utf8)) : reading(number)
      if try journal.append([draft]).rolled {
        _ = try journal.append([RecordDraft(kind: .snapshot, payload: Array("Ida, Bo".utf8))])
      }
    }
    return disk
  }

  func erase(_ journal: inout TestJournal) throws(DiskError) -> RewriteReport {
    try journal.rewrite { record in
      if record.kind == .snapshot { return .replace(Array("Bo".utf8)) }
      return isIda(record) ? .drop : .keep
    }
  }

  func holdsIda(_ octets: [UInt8]) -> Bool {
    let mark = Array("Ida".utf8)
    return octets.indices.dropLast(2).contains { octets[$0] == mark[0] && octets[$0..<($0 + 3)].elementsEqual(mark) }
  }

  @Test func whatIsErasedIsInNoFileAndTheRestIsAsItWas() throws {
    let disk = try filled()
    var (journal, _, _) = try opened(disk)
    let before = journal.all()
    let report = try erase(&journal)
    #expect(report.dropped.count == 5)
    #expect(report.left == [])
    let after = journal.all()
    #expect(after.map(\.sequence) == before.map(\.sequence))
    for (old, new) in zip(before, after) {
      if isIda(old) {
        #expect(new.kind == .erased && new.payload.isEmpty)
      } else if old.kind == .snapshot {
        #expect(new.payload == Array("Bo".utf8))
      } else {
        #expect(new == old)
      }
    }
    #expect(!disk.everythingEverSynced.contains { holdsIda($0) })
    _ = try journal.append([reading(99)])
    var (again, _, _) = try opened(disk.afterPowerCut(.nothing))
    #expect(again.all().count == before.count + 1)
    #expect(again.takeFindings().isEmpty)
    // A second time there is nothing to do.
    #expect(try erase(&journal).rewritten == 0)
  }

  @Test func thePowerGoesAtEveryCallAndOctet() throws {
    let whole = try filled().copy()
    var (counting, _, _) = try opened(whole)
    let before = counting.all()
    _ = try erase(&counting)
    var complaints: [String] = []
    for call in 1...whole.calls {
      let length = whole.writeLengths[call - 1]
      for torn in stride(from: 0, through: length, by: length > 300 ? 97 : 13) {
        let disk = try filled().copy()
        disk.cutAt = (call, torn)
        if var journal = try? opened(disk).journal { _ = try? erase(&journal) }
        for survival in SimulatedDisk.Survival.allCases {
          let place = "call \(call) octet \(torn) \(survival)"
          let survivor = disk.afterPowerCut(survival, seed: UInt64(call * 1000 + torn))
          var (again, _, _) = try opened(survivor)
          // Nobody else's record is missing or altered, whether the erasure came about or not.
          let others = again.all().filter { !isIda($0) && $0.kind != .erased && $0.kind != .snapshot }
          if others != before.filter({ !isIda($0) && $0.kind != .snapshot }) { complaints.append("\(place): others") }
          _ = try erase(&again)
          if survivor.everythingEverSynced.contains(where: { holdsIda($0) }) { complaints.append("\(place): remains") }
          if again.all().map(\.sequence) != before.map(\.sequence) { complaints.append("\(place): numbers") }
        }
      }
    }
    #expect(complaints == [])
  }

  @Test func aDiskThatRefusesLeavesEverythingReadableAndTheNextTryCompletes() throws {
    for call in 1...40 {
      let disk = try filled().copy()
      var (journal, _, _) = try opened(disk)
      let before = journal.all().count
      disk.failAt = (disk.calls + call..<disk.calls + call + 1, 28)
      _ = try? erase(&journal)
      #expect(journal.all().count == before)
      disk.failAt = nil
      _ = try erase(&journal)
      #expect(journal.all().count == before)
      #expect(!journal.all().contains { isIda($0) })
      var (again, _, _) = try opened(disk)
      #expect(again.all().count == before)
      #expect(!disk.everythingEverSynced.contains { holdsIda($0) })
    }
  }
}
