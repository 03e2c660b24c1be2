// The journal as readers see it: what is on disk, up to what the journal's thread has published. It writes nothing, and never
// reads what is not confirmed.

import ControlProtocol
import Exchange
import GatewayCore
import Glibc
import Journal
import JournalFiles
import Readings
import Synchronization

/// The newest state of the journal that others may read.
final class JournalViewBox: Sendable {
  private let view = Mutex<JournalView>(JournalView())
  func publish(_ newest: JournalView) { view.withLock { $0 = newest } }
  var newest: JournalView { view.withLock { $0 } }
}

/// Reads stored readings on a thread of its own.
struct JournalReader {
  private let folder: String
  private let box: JournalViewBox

  init(_ folder: String, _ box: JournalViewBox) {
    self.folder = folder
    self.box = box
  }

  /// The newest readings that fit; of one that was stored again with its patient, the last counts.
  mutating func find(_ query: ReadingQuery, _ isOver: () -> Bool) -> Result<[[UInt8]], ControlError> {
    let start = box.newest
    var journal = RecordJournal(reading: start, on: ReadOnlyJournalDisk(directory: folder))
    var found: [(id: ReadingID, json: [UInt8])] = []
    var cursor: UInt64 = 0
    var failures = 0
    while !isOver() {
      let batch = journal.read(after: cursor, maximumCount: 500, maximumBytes: 1 << 20, kinds: [.reading])
      for record in batch.records { JournalReader.take(record, query, &found) }
      let isStuck = batch.through <= cursor
      cursor = max(cursor, batch.through)
      guard batch.error != nil else {
        if batch.isAtEnd || isStuck { break }
        continue
      }
      // Old segments go while others are read: what is left is read by the newest view.
      failures += 1
      let newest = box.newest
      guard newest.rewrites == start.rewrites else {
        return .failure(
          ControlError(
            code: "journal.rewritten", message: "readings were erased while they were being read",
            hint: "ask again"))
      }
      guard failures <= 4 else { break }
      journal = RecordJournal(reading: newest, on: ReadOnlyJournalDisk(directory: folder))
    }
    return .success(found.map(\.json))
  }

  private static func take(
    _ record: JournalRecord, _ query: ReadingQuery, _ found: inout [(id: ReadingID, json: [UInt8])]
  ) {
    guard let (reading, _) = try? ReadingJSON.decode(record.payload) else { return }
    if let index = found.lastIndex(where: { $0.id == reading.id }) { found.remove(at: index) }
    guard query.matches(reading), query.sequences?.contains(record.sequence) ?? true else { return }
    found.append((reading.id, ReadingJSON.inserting(sequence: record.sequence, into: record.payload)))
    if found.count > query.limit { found.removeFirst(found.count - query.limit) }
  }
}
