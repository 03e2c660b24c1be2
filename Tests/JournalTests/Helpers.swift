// Short words for the tests of the journal.

import Journal

typealias TestJournal = RecordJournal<SimulatedDisk>

let small = JournalLimits(segmentBytes: 256, maximumBytes: 1 << 16, groupBytes: 1024)

func reading(_ number: Int, size: Int = 12) -> RecordDraft {
  let text = Array("reading \(number)".utf8)
  return RecordDraft(kind: .reading, payload: text + [UInt8](repeating: 0x2E, count: max(0, size - text.count)))
}

/// Rules, a reading and an event: what a reading that raises an alarm is stored as.
func alarm(_ number: Int) -> [RecordDraft] {
  [
    RecordDraft(kind: RecordKind(rawValue: 5), payload: Array("rules \(number)".utf8)), reading(number),
    RecordDraft(kind: RecordKind(rawValue: 4), payload: Array("event \(number)".utf8)),
  ]
}

func acknowledgement(_ backend: String, _ through: UInt64, delivered: UInt32 = 1) -> RecordDraft {
  RecordDraft(
    kind: .acknowledgement,
    payload: Acknowledgement(backend: backend, through: through, delivered: delivered).encode())
}

func opened(_ disk: SimulatedDisk, _ limits: JournalLimits = small) throws -> (
  journal: TestJournal, recovery: JournalRecovery, records: [JournalRecord]
) {
  var records: [JournalRecord] = []
  let (journal, recovery) = try TestJournal.open(disk, limits: limits) { records.append($0) }
  return (journal, recovery, records)
}

extension RecordJournal {
  /// Everything behind a sequence number, by small batches.
  mutating func all(after: UInt64 = 0, kinds: Set<RecordKind>? = nil) -> [JournalRecord] {
    var records: [JournalRecord] = []
    var cursor = after
    while true {
      let batch = read(after: cursor, maximumCount: 3, maximumBytes: 1 << 16, kinds: kinds)
      records += batch.records
      cursor = batch.through
      if batch.isAtEnd || batch.error != nil { return records }
    }
  }
}

extension RecordJournal {
  /// All steps of a rewriting, one after the other.
  mutating func rewrite(
    part: Int = 128 << 10, _ decide: (JournalRecord) -> RecordRewrite
  ) throws(DiskError) -> RewriteReport {
    var rewriting = JournalRewriting(part: part)
    while rewriting.phase != .done { try step(&rewriting, look: { _ in }, decide: decide) }
    return rewriting.report
  }
}
