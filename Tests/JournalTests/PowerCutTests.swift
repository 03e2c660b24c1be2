// Power cuts at every call and at every octet of every write, with what was not synced dropped, kept, torn and reordered.

import Journal
import Testing

/// What the daemon had been told when the power went.
struct Told {
  var confirmed: [UInt64: [UInt8]] = [:]
  var submitted: Set<[UInt8]> = []
  var kinds: [UInt64: RecordKind] = [:]
  var answered: UInt64 = 0
}

@Suite struct PowerCutTests {
  /// Readings, groups, acknowledgements, rolls with snapshots, retention.
  func live(on disk: SimulatedDisk) -> Told {
    var told = Told()
    guard var (journal, _, _) = try? opened(disk) else { return told }
    func append(_ drafts: [RecordDraft]) throws(AppendFailure) {
      told.submitted.formUnion(drafts.map(\.payload))
      let appended = try journal.append(drafts)
      for (sequence, draft) in zip(appended.sequences, drafts) {
        told.confirmed[sequence] = draft.payload
        told.kinds[sequence] = draft.kind
      }
      if appended.rolled {
        try append([RecordDraft(kind: .snapshot, payload: Array("s\(sequenceText(journal))".utf8))])
      }
    }
    do {
      for number in 0..<9 {
        try append(number % 3 == 2 ? [reading(number), reading(number + 100)] : [reading(number)])
        if number % 4 == 3 {
          let through = journal.status.lastSequence
          try append([acknowledgement("gp", through)])
          told.answered = through
          _ = try journal.retain(cursors: [through], pinned: nil, now: 1 << 40, keep: 1000)
        }
      }
    } catch {}
    return told
  }

  func sequenceText(_ journal: TestJournal) -> String { String(journal.status.lastSequence) }

  /// Complaints; none when every promise was kept.
  func complaints(_ told: Told, _ disk: SimulatedDisk) -> [String] {
    guard var (journal, _, _) = try? opened(disk) else { return ["did not open"] }
    var complaints: [String] = []
    let found = journal.all()
    var bySequence: [UInt64: [UInt8]] = [:]
    for record in found {
      if bySequence.updateValue(record.payload, forKey: record.sequence) != nil { complaints.append("twice") }
      if !told.submitted.contains(record.payload) { complaints.append("invented") }
    }
    for (sequence, payload) in told.confirmed where bySequence[sequence] != payload {
      let isAnswered = sequence <= told.answered || told.kinds[sequence] != .reading
      if bySequence[sequence] != nil || !isAnswered { complaints.append("lost \(sequence)") }
    }
    // It goes on, and what was there stays there.
    guard let next = try? journal.append([reading(999)]) else { return complaints + ["does not go on"] }
    if let last = told.confirmed.keys.max(), next.sequences.lowerBound <= last { complaints.append("reused") }
    guard var (again, _, _) = try? opened(disk.copy()) else { return complaints + ["did not open again"] }
    let later = again.all()
    if Array(later.dropLast()) != found || later.last?.payload != reading(999).payload {
      complaints.append("changed later")
    }
    return complaints
  }

  func cut(_ call: Int, _ torn: Int, isLying: Bool = false) -> [String] {
    let disk = SimulatedDisk()
    disk.cutAt = (call, torn)
    disk.isLying = isLying
    let told = live(on: disk)
    return SimulatedDisk.Survival.allCases.flatMap { survival in
      complaints(told, disk.afterPowerCut(survival, seed: UInt64(call * 1000 + torn))).map {
        "call \(call) octet \(torn) \(survival): \($0)"
      }
    }
  }

  @Test func nothingConfirmedIsLostAndNothingInventedAtAnyOctet() {
    let whole = SimulatedDisk()
    _ = live(on: whole)
    #expect(whole.calls > 40)
    var complaints: [String] = []
    for call in 1...whole.calls {
      for torn in 0...whole.writeLengths[call - 1] { complaints += cut(call, torn) }
    }
    #expect(complaints == [])
  }

  @Test func theHarnessNoticesALyingDisk() {
    let complaints = (20..<30).flatMap { cut($0, 0, isLying: true) }
    #expect(complaints.contains { $0.contains("lost") || $0.contains("reused") })
  }

  @Test func aReaderAfterAKillSyncsWhatOnlyMemoryHeld() throws {
    let disk = SimulatedDisk()
    var (journal, _, _) = try opened(disk)
    _ = try journal.append([reading(1)])
    disk.cutAt = (disk.calls + 2, 0)
    #expect(throws: AppendFailure.self) { try journal.append([reading(2)]) }
    // The process was killed between write and sync; the next one finds the record in memory.
    let alive = disk.afterPowerCut(.everything)
    let (_, _, records) = try opened(alive)
    #expect(records.count == 2)
    #expect(!alive.syncedNames.isEmpty)
  }
}
