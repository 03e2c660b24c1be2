// The journal as others see it while its thread writes: what is on disk, up to what that thread has published. It writes nothing,
// and never reads what is not confirmed.

import GatewayCore
import Journal
import JournalFiles
import Synchronization
import Ledger

/// The newest state of the journal that others may read.
final class JournalViewBox: Sendable {
  struct Newest: Sendable {
    var view = JournalView()
    /// What is being erased.
    var withheld = Withheld()
    /// How many erasures ended.
    var erasures = 0
  }

  private let state = Mutex(Newest())

  var newest: Newest { state.withLock { $0 } }

  /// Changes it, and does what is told of it in one piece: nobody reads what was appended and answers before the append is told.
  /// While places in a segment become others, nobody can take what was read for valid.
  func change(_ body: (inout Newest) -> Void) { state.withLock { body(&$0) } }
}

/// Reads by the newest view. A batch that was read while a segment was written anew is read again.
final class PublishedJournal {
  private let folder: String
  private let box: JournalViewBox
  private var journal: RecordJournal<ReadOnlyJournalDisk>?
  /// How often segments had been written anew when `journal` was made.
  private var rewrites = 0
  private var found: [JournalFinding] = []

  init(_ folder: String, _ box: JournalViewBox) {
    self.folder = folder
    self.box = box
  }

  /// Reads records. Its error is one that a newer view does not mend.
  func read(_ query: StoredQuery) -> StoredRecords {
    var last = StoredRecords(
      ReadBatch(through: query.after, error: DiskError(operation: "read", path: folder, errno: 11)))
    // Segments go, or are written anew, while they are read: not as fast as they are read.
    for _ in 0..<8 {
      let newest = box.newest
      var reader = take(newest.view)
      let batch = reader.read(
        after: query.after, maximumCount: query.maximumCount, maximumBytes: query.maximumBytes, kinds: query.kinds)
      let findings = reader.takeFindings()
      journal = reader
      guard box.newest.view.rewrites == newest.view.rewrites else {
        journal = nil
        continue
      }
      last = StoredRecords(batch, withheld: newest.withheld)
      guard batch.error != nil else {
        found += findings.prefix(max(0, 256 - found.count))
        return last
      }
      journal = nil
    }
    return last
  }

  private func take(_ view: JournalView) -> RecordJournal<ReadOnlyJournalDisk> {
    defer { journal = nil }
    guard var reader = journal, rewrites == view.rewrites else {
      rewrites = view.rewrites
      return RecordJournal(reading: view, on: ReadOnlyJournalDisk(directory: folder))
    }
    reader.follow(view)
    return reader
  }

  /// What was found damaged since the last call, and how often segments had been written anew then.
  func takeFindings() -> (findings: [JournalFinding], rewrites: Int) {
    defer { found = [] }
    return (found, rewrites)
  }
}
