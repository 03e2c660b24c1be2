// The whole life of a journal under power cuts: readings, groups, acknowledgements, snapshots at each roll, retention, calls
// that fail and the segments that replace others. What was appended together is there together or not at all, and what was
// refused is not there. The power goes at every call and at every octet of every write, what was not
// synced is dropped, kept, torn and reordered, and it goes once more while the journal recovers.

import Journal
import Testing

/// A journal's life, and what its owner was told.
struct JournalLife {
  /// Payloads by sequence number: an append returned for them.
  var confirmed: [UInt64: RecordDraft] = [:]
  /// Everything ever handed over, told or not.
  var submitted: Set<RecordDraft> = []
  /// What was handed over together.
  var groups: [[RecordDraft]] = []
  /// Readings that the journal said would never be there.
  var refused: Set<RecordDraft> = []
  /// The cursor that was confirmed, and the furthest one ever handed over.
  var answered: UInt64 = 0
  var claimed: UInt64 = 0
  /// Every reading up to here may be gone: it was answered, and retention was allowed to run.
  var released: UInt64 = 0

  mutating func append(_ drafts: [RecordDraft], _ journal: inout TestJournal) throws(AppendFailure) {
    submitted.formUnion(drafts)
    groups.append(drafts)
    let appended: Appended
    do throws(AppendFailure) { appended = try journal.append(drafts) } catch {
      let isOpen = error.errno == powerIsOff || error.code == "journal.outcome-unknown"
      if !isOpen { refused.formUnion(drafts.filter { $0.kind == .reading }) }
      throw error
    }
    for (sequence, draft) in zip(appended.sequences, drafts) {
      confirmed[sequence] = draft
      guard draft.kind == .acknowledgement, let word = try? Acknowledgement(decoding: draft.payload) else { continue }
      answered = max(answered, word.through)
    }
    if appended.rolled { try append([snapshot()], &journal) }
  }

  /// A snapshot holds the cursor, as the gateway's does.
  func snapshot() -> RecordDraft { acknowledgementLike(.snapshot, answered) }

  mutating func acknowledge(_ journal: inout TestJournal) throws(AppendFailure) {
    let through = journal.status.lastSequence
    claimed = max(claimed, through)
    try append([acknowledgement("gp", through)], &journal)
  }

  private func acknowledgementLike(_ kind: RecordKind, _ through: UInt64) -> RecordDraft {
    RecordDraft(kind: kind, payload: acknowledgement("gp", through).payload)
  }

  /// Rules, a reading and an event, as a reading that raises an alarm is stored.
  func together(_ number: Int) -> [RecordDraft] {
    [
      RecordDraft(kind: RecordKind(rawValue: 5), payload: Array("rules \(number)".utf8)), reading(number + 1000),
      RecordDraft(kind: RecordKind(rawValue: 4), payload: Array("event \(number)".utf8)),
    ]
  }

  /// Twelve readings, some in groups, acknowledged and dropped as they go.
  mutating func live(_ numbers: Range<Int>, on disk: SimulatedDisk) {
    guard var (journal, _, _) = try? opened(disk) else { return }
    for number in numbers {
      // A caller whose append failed goes on with the next: the device keeps what is not confirmed.
      try? append(number % 3 == 2 ? together(number) : [reading(number)], &journal)
      if number % 4 == 3 {
        try? acknowledge(&journal)
        released = answered
        _ = try? journal.retain(cursors: [answered], pinned: nil, now: 1 << 40, keep: 1000)
      }
    }
  }

  /// What is wrong with what a disk holds; empty when every promise was kept.
  func complaints(_ disk: SimulatedDisk) -> [String] {
    guard let open = try? opened(disk) else { return ["did not open"] }
    var journal = open.journal
    var complaints: [String] = []
    let found = journal.all()
    var bySequence: [UInt64: JournalRecord] = [:]
    var last: UInt64 = 0
    for record in found {
      if record.sequence <= last { complaints.append("\(record.sequence) out of order") }
      last = record.sequence
      bySequence[record.sequence] = record
      if !submitted.contains(RecordDraft(kind: record.kind, payload: record.payload)) {
        complaints.append("\(record.sequence) invented")
      }
    }
    complaints += groupComplaints(found)
    for (sequence, draft) in confirmed {
      guard let record = bySequence[sequence] else {
        if draft.kind == .reading && sequence > released { complaints.append("lost \(sequence)") }
        continue
      }
      if record.payload != draft.payload || record.kind != draft.kind { complaints.append("\(sequence) altered") }
    }
    var cursor = open.recovery.cursors["gp"] ?? 0
    for record in open.records where record.kind == .snapshot {
      cursor = max(cursor, (try? Acknowledgement(decoding: record.payload))?.through ?? 0)
    }
    if cursor < answered { complaints.append("cursor \(cursor) behind the confirmed \(answered)") }
    if cursor > claimed { complaints.append("cursor \(cursor) ahead of the truth \(claimed)") }
    guard let next = try? journal.append([reading(9999)]) else { return complaints + ["does not go on"] }
    if let highest = confirmed.keys.max(), next.sequences.lowerBound <= highest {
      complaints.append("number used again")
    }
    guard var later = try? opened(disk.afterPowerCut(.nothing)).journal else {
      return complaints + ["did not open again"]
    }
    let there = later.all()
    if there.dropLast() != found[...] || there.last?.payload != reading(9999).payload {
      complaints.append("changed by a restart")
    }
    return complaints
  }

  private func groupComplaints(_ found: [JournalRecord]) -> [String] {
    var complaints: [String] = []
    let places = Dictionary(
      found.enumerated().map { (RecordDraft(kind: $1.kind, payload: $1.payload), $0) }, uniquingKeysWith: { $1 })
    for group in groups where group.count > 1 {
      let there = group.compactMap { places[$0] }
      guard let first = there.first else { continue }
      if there != Array(first..<first + group.count) { complaints.append("\(there.count) of \(group.count) records") }
    }
    for draft in refused where places[draft] != nil {
      complaints.append("refused and there: \(String(decoding: draft.payload, as: UTF8.self))")
    }
    return complaints
  }
}

@Suite struct ExhaustiveCutTests {
  /// Calls that fail in the middle of the life, and how the power goes.
  func life(
    cutAt: (call: Int, torn: Int)?, failing: Range<Int>?, isLying: Bool = false
  ) -> (JournalLife, SimulatedDisk) {
    let disk = SimulatedDisk()
    disk.cutAt = cutAt
    disk.isLying = isLying
    if let failing { disk.failAt = (failing, 5) }
    var life = JournalLife()
    life.live(0..<12, on: disk)
    return (life, disk)
  }

  func complaints(_ call: Int, _ torn: Int, failing: Range<Int>?, isLying: Bool = false) -> [String] {
    let (life, disk) = life(cutAt: (call, torn), failing: failing, isLying: isLying)
    return SimulatedDisk.Survival.allCases.flatMap { survival in
      life.complaints(disk.afterPowerCut(survival, seed: UInt64(call * 1000 + torn)))
        .map { "call \(call) octet \(torn) \(survival): \($0)" }
    }
  }

  /// Every call, and every octet of every write; without a fault, with a call that fails in the middle, and with so many that a
  /// group is refused and withdrawn, or cannot be withdrawn at once.
  @Test(arguments: [nil, 31..<32, 32..<33, 31..<36, 31..<46] as [Range<Int>?])
  func everyPromiseHoldsAtEveryOctet(_ failing: Range<Int>?) {
    let whole = life(cutAt: nil, failing: failing).1
    #expect(whole.calls > 40)
    var cuts = 0
    var complaints: [String] = []
    for call in 1...whole.calls {
      // Where many calls fail, every fifth octet.
      for torn in stride(from: 0, through: whole.writeLengths[call - 1], by: failing?.count ?? 1 > 1 ? 5 : 1) {
        complaints += self.complaints(call, torn, failing: failing)
        cuts += SimulatedDisk.Survival.allCases.count
      }
    }
    #expect(complaints == [])
    #expect(cuts > (failing?.count ?? 1 > 1 ? 500 : 5000))
  }

  /// The power goes again at every call of the recovery that follows, and of the first appends after it.
  @Test func aSecondCutWhileRecovering() {
    let whole = life(cutAt: nil, failing: nil).1
    var complaints: [String] = []
    for call in 1...whole.calls {
      for torn in Set([0, whole.writeLengths[call - 1] / 2, whole.writeLengths[call - 1]]) {
        let (first, disk) = life(cutAt: (call, torn), failing: nil)
        let survivor = disk.afterPowerCut(.sectorsOutOfOrder, seed: UInt64(call))
        for second in 1...9 {
          var life = first
          let again = survivor.copy()
          again.cutAt = (second, second * 7)
          life.live(100..<103, on: again)
          for survival in SimulatedDisk.Survival.allCases {
            complaints += life.complaints(again.afterPowerCut(survival, seed: UInt64(second)))
              .map { "call \(call) then \(second) \(survival): \($0)" }
          }
        }
      }
    }
    #expect(complaints == [])
  }

  /// The proof that the harness sees a missing sync: on a disk whose syncs do nothing it must find what is lost.
  @Test func syncsThatDoNothingAreNoticed() {
    let calls = life(cutAt: nil, failing: nil).1.calls
    let complaints = (1...calls).flatMap { self.complaints($0, 0, failing: nil, isLying: true) }
    #expect(complaints.contains { $0.contains("lost") })
    #expect(complaints.contains { $0.contains("number used again") })
    #expect(complaints.contains { $0.contains("behind the confirmed") })
  }

  /// An older copy of the disk: what it has is readable and in order, and it goes on.
  @Test func anOlderCopyOfTheDisk() throws {
    let disk = SimulatedDisk()
    var (journal, _, _) = try opened(disk)
    var copies: [(SimulatedDisk, Int)] = []
    for number in 0..<12 {
      copies.append((disk.copy(), number))
      _ = try journal.append([reading(number)])
    }
    for (copy, count) in copies {
      var (older, _, _) = try opened(copy)
      #expect(older.all().map(\.payload) == (0..<count).map { reading($0).payload })
      _ = try older.append([reading(77)])
      #expect(older.takeFindings().isEmpty)
    }
  }

  /// A disk that turns read-only refuses and stays readable; when it is writable again, it goes on without a restart.
  @Test(arguments: [30, 5, 28, 122] as [Int32])
  func refusedAndReadableUntilTheDiskTakesAgain(_ errno: Int32) throws {
    let disk = SimulatedDisk()
    var (journal, _, _) = try opened(disk)
    for number in 0..<7 { _ = try journal.append([reading(number)]) }
    disk.failAt = (disk.calls + 1..<Int.max, errno)
    for number in 7..<12 { #expect(throws: AppendFailure.self) { try journal.append([reading(number)]) } }
    #expect(journal.all().count == 7)
    #expect(journal.status.failing?.errno == errno)
    disk.failAt = nil
    _ = try journal.append([reading(12)])
    #expect(journal.status.failing == nil)
    for survival in SimulatedDisk.Survival.allCases {
      var (again, _, _) = try opened(disk.afterPowerCut(survival))
      let payloads = again.all(kinds: [.reading]).map(\.payload)
      #expect(payloads.prefix(7).elementsEqual((0..<7).map { reading($0).payload }))
      #expect(payloads.last == reading(12).payload)
    }
  }

  /// Each bit of each octet of a journal of several segments: one record at most is missing, the damage is told, the rest is
  /// there, and it goes on.
  @Test func everyBitOfSeveralSegments() throws {
    let disk = SimulatedDisk()
    var (journal, _, _) = try opened(disk)
    for number in 0..<14 { _ = try journal.append([reading(number)]) }
    let records = journal.all()
    for name in disk.segmentNames {
      let octets = disk.octets(name)
      for bit in 0..<octets.count * 8 {
        let flipped = disk.copy()
        var changed = octets
        changed[bit / 8] ^= 1 << (bit % 8)
        flipped.set(name, changed)
        var (again, _, _) = try opened(flipped)
        let found = again.all()
        let missing = records.filter { !found.contains($0) }
        #expect(found.count == records.count - missing.count && missing.count <= 1, "\(name) bit \(bit)")
        #expect(!again.takeFindings().isEmpty, "\(name) bit \(bit)")
      }
    }
  }
}
