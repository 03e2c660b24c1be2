// A rewriting goes on in steps, and the journal lives on between them: appends, rolls, retention, another rewriting, restarts and
// power cuts. What is to go is gone in the end from every octet of what was there at its beginning; nothing else is touched.

import Journal
import Testing

/// A journal that is appended to while Ida's readings are taken out of it.
struct SteppedLife {
  /// What an append returned for.
  var confirmed: [UInt64: RecordDraft] = [:]
  var submitted: Set<RecordDraft> = []
  /// Everything up to here may be gone: retention was allowed to run.
  var released: UInt64 = 0
  /// Appends while a rewriting was under way.
  var between = 0
  var isDone = false

  static func isIda(_ payload: [UInt8]) -> Bool { payload.starts(with: Array("Ida".utf8)) }

  static func ida(_ number: Int) -> RecordDraft {
    RecordDraft(kind: .reading, payload: Array("Ida's weight \(number)".utf8))
  }

  /// Large records: a segment takes several parts.
  static func filled(_ count: Int = 15) throws -> SimulatedDisk {
    let disk = SimulatedDisk()
    var (journal, _, _) = try opened(disk)
    for number in 0..<count {
      if try journal.append([number % 3 == 0 ? ida(number) : reading(number)]).rolled {
        _ = try journal.append([snapshot(holding: "Ida, Bo")])
      }
    }
    return disk
  }

  static func snapshot(holding text: String) -> RecordDraft { RecordDraft(kind: .snapshot, payload: Array(text.utf8)) }

  static func decide(_ record: JournalRecord) -> RecordRewrite {
    if record.kind == .snapshot { return .replace(Array("Bo".utf8)) }
    return record.kind == .reading && isIda(record.payload) ? .drop : .keep
  }

  /// Ida is gone from memory: a snapshot does not name her.
  mutating func append(_ draft: RecordDraft, _ journal: inout TestJournal) {
    submitted.insert(draft)
    guard let appended = try? journal.append([draft]) else { return }
    confirmed[appended.sequences.lowerBound] = draft
    if appended.rolled { append(Self.snapshot(holding: "Bo"), &journal) }
  }

  /// One rewriting to its end, with `life` between its steps.
  mutating func erase(
    _ journal: inout TestJournal, part: Int,
    between life: (Int, inout SteppedLife, inout TestJournal, JournalRewriting) -> Void
  ) throws(DiskError) -> RewriteReport {
    var rewriting = JournalRewriting(part: part)
    var steps = 0
    while rewriting.phase != .done, steps < 1000 {
      try journal.step(&rewriting, look: { _ in }, decide: Self.decide)
      life(steps, &self, &journal, rewriting)
      steps += 1
    }
    isDone = rewriting.phase == .done
    return rewriting.report
  }

  /// An append between any two steps, and a retention now and then.
  mutating func run(on disk: SimulatedDisk, part: Int = 100, retains: Bool = false) {
    guard var journal = try? opened(disk).journal else { return }
    for record in journal.all() where !Self.isIda(record.payload) && record.kind == .reading {
      confirmed[record.sequence] = RecordDraft(kind: record.kind, payload: record.payload)
    }
    _ = try? erase(&journal, part: part) { step, life, journal, rewriting in
      life.append(reading(1000 + step), &journal)
      life.between += 1
      guard retains, step % 7 == 6 else { return }
      let through = journal.status.lastSequence
      // Of three segments that nobody needs one goes.
      life.released = max(life.released, through > 12 ? through - 12 : 0)
      _ = try? journal.retain(
        cursors: [through - min(through, 12)], pinned: nil, now: 1 << 40, keep: 0, during: [rewriting])
    }
  }

  /// What is wrong with a disk; a rewriting that was cut off is done again first.
  func complaints(_ disk: SimulatedDisk) -> [String] {
    var complaints: [String] = []
    guard var journal = try? opened(disk).journal else { return ["did not open"] }
    complaints += missing(in: journal.all())
    guard (try? journal.rewrite(part: 100, Self.decide)) != nil else { return complaints + ["is not completed"] }
    complaints += missing(in: journal.all())
    if journal.all().contains(where: { Self.isIda($0.payload) }) { complaints.append("Ida is read") }
    if disk.everythingEverSynced.contains(where: Self.holdsIda) { complaints.append("Ida remains") }
    if (try? journal.append([reading(9999)])) == nil { complaints.append("does not go on") }
    return complaints
  }

  private func missing(in found: [JournalRecord]) -> [String] {
    var complaints: [String] = []
    var last: UInt64 = 0
    for record in found {
      if record.sequence <= last { complaints.append("\(record.sequence) out of order") }
      last = record.sequence
    }
    let there = Dictionary(found.map { ($0.sequence, $0) }, uniquingKeysWith: { $1 })
    for (sequence, draft) in confirmed where sequence > released && draft.kind == .reading {
      guard there[sequence]?.payload == draft.payload, there[sequence]?.kind == draft.kind else {
        complaints.append("\(sequence) lost or altered")
        continue
      }
    }
    return complaints
  }

  static func holdsIda(_ octets: [UInt8]) -> Bool {
    let mark = Array("Ida".utf8)
    return octets.indices.dropLast(2).contains { octets[$0] == mark[0] && octets[$0..<($0 + 3)].elementsEqual(mark) }
  }
}

@Suite struct StepwiseRewritingTests {
  @Test(arguments: [20, 100, 1 << 20], [false, true])
  func appendsGoOnBetweenAllSteps(_ part: Int, _ retains: Bool) throws {
    let disk = try SteppedLife.filled()
    var life = SteppedLife()
    life.run(on: disk, part: part, retains: retains)
    #expect(life.isDone)
    #expect(life.between > 10)
    #expect(!retains || life.released > 0)
    #expect(life.confirmed.values.count { $0.payload.starts(with: Array("reading 10".utf8)) } >= min(100, life.between))
    #expect(!disk.everythingEverSynced.contains(where: SteppedLife.holdsIda))
    #expect(life.complaints(disk) == [])
    let (again, _, records) = try opened(disk)
    #expect(!records.contains { SteppedLife.isIda($0.payload) })
    #expect(again.status.findings.isEmpty)
  }

  /// No step reads, writes or syncs more than a part, or changes more than one segment's names.
  @Test func noStepDoesMoreThanAPart() throws {
    let disk = SimulatedDisk()
    let limits = JournalLimits(segmentBytes: 16 << 10, maximumBytes: 1 << 20, groupBytes: 1024)
    var (journal, _, _) = try opened(disk, limits)
    for number in 0..<2000 {
      _ = try journal.append([number % 2 == 0 ? SteppedLife.ida(number) : reading(number)])
    }
    var rewriting = JournalRewriting(part: 1024)
    var steps = 0
    while rewriting.phase != .done {
      let before = disk.writeLengths.count
      var looked = 0
      var decided = 0
      try journal.step(
        &rewriting,
        look: {
          looked += 28 + $0.payload.count
        },
        decide: {
          decided += 28 + $0.payload.count
          return SteppedLife.decide($0)
        })
      steps += 1
      let lengths = disk.writeLengths[before...]
      #expect(lengths.count <= 6 && lengths.reduce(0, +) <= 1024, "step \(steps)")
      #expect(max(looked, decided) <= 1024 + 64, "step \(steps)")
    }
    #expect(steps > 100)
    #expect(rewriting.report.rewritten > 3)
    #expect(rewriting.report.dropped.count == 1000)
    #expect(!disk.everythingEverSynced.contains(where: SteppedLife.holdsIda))
  }

  /// Everything is looked at before the first record changes, and what is appended meanwhile too.
  @Test func theLookSeesEverythingUpToTheFirstChange() throws {
    let disk = try SteppedLife.filled()
    var (journal, _, _) = try opened(disk)
    var rewriting = JournalRewriting(part: 60)
    var looked: [UInt64] = []
    var numbers: [UInt64] = []
    while rewriting.phase == .looking {
      numbers = journal.all().map(\.sequence)
      try journal.step(
        &rewriting, look: { looked.append($0.sequence) },
        decide: { _ in
          Issue.record("a record is decided upon before all were looked at")
          return .keep
        })
      if numbers.count < 30 { _ = try journal.append([reading(2000 + numbers.count)]) }
    }
    #expect(looked == numbers)
    #expect(numbers.count > 20)
  }

  /// The power goes at every call and in every write, with appends between the steps, with and without retention.
  @Test(arguments: [false, true]) func thePowerGoesAtEveryCallAndOctet(_ retains: Bool) throws {
    let whole = try SteppedLife.filled(9).copy()
    var counted = SteppedLife()
    counted.run(on: whole, retains: retains)
    #expect(counted.isDone && whole.calls > 100)
    var complaints: [String] = []
    for call in 1...whole.calls {
      let length = whole.writeLengths[call - 1]
      for torn in stride(from: 0, through: length, by: 11) {
        let disk = try SteppedLife.filled(9).copy()
        disk.cutAt = (call, torn)
        var life = SteppedLife()
        life.run(on: disk, retains: retains)
        for survival in SimulatedDisk.Survival.allCases {
          let survivor = disk.afterPowerCut(survival, seed: UInt64(call * 1000 + torn))
          complaints += life.complaints(survivor).map { "call \(call) octet \(torn) \(survival): \($0)" }
        }
      }
      if complaints.count > 20 { break }
    }
    #expect(complaints == [])
  }

  /// A process that is killed leaves its memory: at every call.
  @Test(arguments: [false, true]) func aKillAtEveryCall(_ forgets: Bool) throws {
    let whole = try SteppedLife.filled(9).copy()
    var counted = SteppedLife()
    counted.run(on: whole, retains: true)
    var complaints: [String] = []
    for call in 1...whole.calls {
      let disk = try SteppedLife.filled(9).copy()
      disk.cutAt = (call, 5)
      var life = SteppedLife()
      life.run(on: disk, retains: true)
      complaints += life.complaints(disk.afterKill(forgets: forgets)).map { "call \(call): \($0)" }
    }
    #expect(complaints == [])
  }

  /// A call that fails ends the rewriting or an append; the journal goes on, and the next rewriting completes it.
  @Test func aCallThatFails() throws {
    let whole = try SteppedLife.filled().copy()
    var counted = SteppedLife()
    counted.run(on: whole, retains: true)
    var complaints: [String] = []
    for number in 2..<2 * whole.calls + 2 {
      let call = number / 2
      let errno: Int32 = number % 2 == 0 ? 5 : 28
      let disk = try SteppedLife.filled().copy()
      disk.failAt = (call..<call + 1, errno)
      var life = SteppedLife()
      life.run(on: disk, retains: true)
      disk.failAt = nil
      complaints += life.complaints(disk).map { "call \(call) errno \(errno): \($0)" }
    }
    #expect(complaints == [])
  }

  /// The segment that is being written anew goes by retention: its new file goes first, and must never count.
  @Test func retentionTakesTheSegmentThatIsBeingWrittenAnew() throws {
    for moment in 0..<40 {
      let disk = try SteppedLife.filled(30)
      var (journal, _, _) = try opened(disk)
      var life = SteppedLife()
      var removed = 0
      let report = try life.erase(&journal, part: 60) { step, _, journal, rewriting in
        guard step == moment else { return }
        let through = journal.status.lastSequence
        removed =
          (try? journal.retain(cursors: [through], pinned: nil, now: 1 << 40, keep: 0, during: [rewriting])) ?? 0
      }
      #expect(removed > 0)
      #expect(report.left == [])
      #expect(disk.segmentNames.allSatisfy { !$0.hasPrefix("rewriting-") && !$0.hasPrefix("erasing-") })
      let numbers = journal.all().map(\.sequence)
      var (again, _, _) = try opened(disk)
      #expect(again.all().map(\.sequence) == numbers, "step \(moment)")
      #expect(again.takeFindings().isEmpty)
    }
  }

  /// Another rewriting begins between two steps, and takes away the first one's new file: both complete.
  @Test func twoRewritingsAtOnce() throws {
    for moment in 0..<60 {
      let disk = try SteppedLife.filled()
      var (journal, _, _) = try opened(disk)
      let before = journal.all().map(\.sequence)
      var life = SteppedLife()
      _ = try life.erase(&journal, part: 60) { step, _, journal, _ in
        if step == moment { _ = try? journal.rewrite(part: 90, Self.decideBo) }
      }
      #expect(journal.all().map(\.sequence) == before)
      #expect(!journal.all().contains { $0.kind == .reading })
      #expect(!disk.everythingEverSynced.contains(where: SteppedLife.holdsIda))
      var (again, _, _) = try opened(disk)
      #expect(again.all().map(\.sequence) == before, "step \(moment)")
    }
  }

  static func decideBo(_ record: JournalRecord) -> RecordRewrite {
    record.payload.starts(with: Array("reading".utf8)) ? .drop : .keep
  }

  /// What was refused between two steps is withdrawn, and never comes back.
  @Test func aGroupIsRefusedBetweenTwoSteps() throws {
    for moment in 0..<40 {
      let disk = try SteppedLife.filled()
      var (journal, _, _) = try opened(disk)
      let before = journal.all().map(\.sequence)
      var life = SteppedLife()
      _ = try life.erase(&journal, part: 60) { step, life, journal, _ in
        guard step == moment else { return }
        var calls = 0
        disk.oracle = { operation, _ in
          guard operation == "fdatasync" else { return .go }
          calls += 1
          return calls <= 3 ? .fail(5, reached: .everything) : .go
        }
        #expect(throws: AppendFailure.self) { try journal.append([reading(666)]) }
        disk.oracle = nil
        life.append(reading(667), &journal)
      }
      let found = journal.all()
      #expect(found.map(\.sequence).starts(with: before))
      #expect(found.contains { $0.payload == reading(667).payload })
      #expect(!found.contains { $0.payload == reading(666).payload })
      #expect(life.complaints(disk) == [], "step \(moment)")
    }
  }
}
