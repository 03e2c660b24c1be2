// The journal on its own thread: entries in, records on disk, messages back. The thread that decides never waits for the disk.

import GatewayCore
import Glibc
import Journal
import JournalFiles
import Platform
import Readings
import Synchronization
import Ledger

/// What the journal's thread tells.
enum JournalMessage: Sendable {
  case appended(AppendID, [UInt64], rolled: Bool)
  case failed(AppendID, JournalFailure)
  case report(JournalReport)
  case fetched(FetchRequest, [Deliverable], isAtEnd: Bool)
  case loaded(UInt64, Reading?, isEvent: Bool)
  case parked(Bindings.Slot, [(sequence: UInt64, reading: Reading?)])
  case finding(String)
  /// Records that the start kept back; they count now, behind everything else.
  case recovered([JournalRecord])
  case erased(String, ErasureReport)
}

/// The journal, its thread and its mailbox; and the thread beside it that reads for backends.
final class JournalThread {
  private struct Owned {
    var store: JournalStore
    var damage: [String] = []
    var isRecoveredTold = false
    /// The newest fence whose append failed, and why: what was decided upon it is not written.
    var refused: (fence: UInt64, failure: JournalFailure)?
    /// How often segments were written anew.
    var rewrites = 0
    /// Patients who are to be erased, one after the other.
    var erasures: [ErasureRun] = []
    /// What an erasure knows, until the record says that it is complete: what is written in between goes through it, and a later
    /// try begins with it.
    var known: [String: Erasure] = [:]

    /// What readers may read from now on.
    var view: JournalView {
      var view = store.journal.view
      view.rewrites = rewrites
      return view
    }
  }

  /// An erasure under way.
  private struct ErasureRun {
    let patient: String
    var erasure: Erasure
    var rewriting = JournalRewriting()
  }

  let mailbox: Mailbox<JournalMessage>
  /// What others may read of the journal.
  let view = JournalViewBox()
  private let worker: WorkerThread<Owned>
  private let fetcher: WorkerThread<JournalFetcher>
  private let isStopping = StopSign()
  private let folder: String
  /// How full its disk is now, in percent; nil when that cannot be told.
  var diskPercent: Int? { JournalStore.diskPercent(of: folder) }

  /// Takes over an open journal in a folder.
  init(_ store: sending JournalStore, folder: String) throws(SystemError) {
    self.folder = folder
    let mailbox = try Mailbox<JournalMessage>()
    self.mailbox = mailbox
    let owned = Owned(store: store)
    let first = owned.view
    view.change { $0.view = first }
    let worker = try WorkerThread(owned)
    self.worker = worker
    fetcher = try WorkerThread(
      JournalFetcher(PublishedJournal(folder, view), mailbox) { findings, rewrites in
        worker.run { owned in
          // Places are others now: what is still damaged is found again.
          guard owned.rewrites == rewrites else { return }
          owned.store.journal.take(findings)
          JournalThread.report(&owned, mailbox)
        }
      })
  }

  /// Writes entries as one group. After one that failed, those of its fence and of earlier ones are refused unwritten.
  func append(_ id: AppendID, _ entries: [JournalEntry], fence: UInt64) {
    worker.run { [mailbox, view] owned in
      if let refused = owned.refused, fence <= refused.fence { return mailbox.post(.failed(id, refused.failure)) }
      do throws(AppendFailure) {
        let appended = try owned.store.journal.append(entries.map { JournalThread.draft($0, owned) })
        owned.refused = nil
        for case .erased(let patient, let erased) in entries where !erased.isOfFiles { owned.known[patient] = nil }
        let newest = owned.view
        view.change {
          $0.view = newest
          mailbox.post(.appended(id, Array(appended.sequences), rolled: appended.rolled))
        }
        if appended.rolled { JournalThread.report(&owned, mailbox) }
      } catch {
        JournalThread.tellRecovered(&owned, mailbox)
        let failure = JournalFailure(code: error.code, message: JournalThread.text(error), isLimit: error == .full(nil))
        owned.refused = (fence, failure)
        mailbox.post(.failed(id, failure))
        JournalThread.report(&owned, mailbox)
      }
    }
  }

  /// A snapshot that was made while segments are written anew may still name what is gone from them.
  private static func draft(_ entry: JournalEntry, _ owned: Owned) -> RecordDraft {
    let draft = RecordDraft(kind: RecordKind(rawValue: entry.kind.rawValue), payload: entry.payload)
    guard entry.kind == .snapshot || entry.kind == .snapshotPart else { return draft }
    return owned.known.values.reduce(draft) { draft, erasure in
      let decided = erasure.decide(JournalRecord(sequence: 0, kind: draft.kind, payload: draft.payload))
      guard case .replace(let payload) = decided else { return draft }
      return RecordDraft(kind: draft.kind, payload: payload)
    }
  }

  /// The disk has taken what the start kept back. Until `goOn` no append is taken: it would be decided without these records.
  private static func tellRecovered(_ owned: inout Owned, _ mailbox: Mailbox<JournalMessage>) {
    guard !owned.isRecoveredTold, !owned.store.journal.recovered.isEmpty else { return }
    owned.isRecoveredTold = true
    mailbox.post(.recovered(owned.store.journal.recovered))
  }

  /// What was recovered is known: from here on appends are taken.
  func goOn() {
    worker.run { owned in _ = owned.store.journal.takeRecovered() }
  }

  private static func text(_ failure: AppendFailure) -> String {
    switch failure {
    case .full(let error):
      return error.map { "the disk is full (\($0.operation) \($0.path))" }
        ?? "the journal has reached its own limit, journal.maximum_bytes"
    case .syncFailed(let error): return "the disk refused (\(error.operation) \(error.path), errno \(error.errno))"
    case .outcomeUnknown(let error):
      return
        "the disk failed while it was written (\(error.operation) \(error.path), errno \(error.errno)), and it could not be "
        + "withdrawn: it may be in force after a restart"
    case .tooLarge(let size): return "a record of \(size) octets is too large"
    }
  }

  /// Reads what a backend is to get.
  func fetch(_ request: FetchRequest) {
    fetcher.run { fetcher in fetcher.fetch(request) }
  }

  /// Reads one stored reading.
  func load(_ sequence: UInt64) {
    fetcher.run { fetcher in fetcher.load(sequence) }
  }

  /// Reads parked readings of a slot.
  func loadParked(_ slot: Bindings.Slot, _ sequences: [UInt64]) {
    fetcher.run { fetcher in fetcher.loadParked(slot, sequences) }
  }

  /// The next record begins a new segment.
  func seal() {
    worker.run { owned in owned.store.journal.seal() }
  }

  /// Drops what every backend has and is older than `keep`.
  func retain(cursors: [UInt64], pinned: UInt64?, now: Int64, keep: Int64) {
    worker.run { [mailbox, view] owned in
      defer {
        let newest = owned.view
        view.change { $0.view = newest }
      }
      do throws(DiskError) {
        _ = try owned.store.journal.retain(
          cursors: cursors, pinned: pinned, now: now, keep: keep, during: owned.erasures.map(\.rewriting))
        JournalThread.report(&owned, mailbox)
      } catch {
        mailbox.post(
          .finding(
            "journal.retention-failed: old segments are not removed yet: \(error.operation): \(String(cString: strerror(error.errno)))"
          ))
      }
    }
  }

  /// Writes the segments anew without a patient, a step at a time: what is to be appended waits for one step.
  func erase(_ patient: String) {
    worker.run { [worker, fetcher, mailbox, view, isStopping] owned in
      owned.erasures.append(ErasureRun(patient: patient, erasure: owned.known[patient] ?? Erasure(patient: patient)))
      view.change { $0.withheld.begin(patient) }
      // One is under way already: this one comes behind it.
      guard owned.erasures.count == 1 else { return }
      JournalThread.goOnErasing(worker, fetcher, mailbox, view, isStopping)
    }
  }

  /// Does a step behind everything that waits, as long as there is one.
  private static func goOnErasing(
    _ worker: WorkerThread<Owned>, _ fetcher: WorkerThread<JournalFetcher>, _ mailbox: Mailbox<JournalMessage>,
    _ view: JournalViewBox, _ isStopping: StopSign
  ) {
    worker.run { owned in
      // The wish is on disk: the next start takes it up.
      guard !isStopping.isRaised, let end = JournalThread.stepErasure(&owned, view) else { return }
      if let (patient, report) = end {
        mailbox.post(.erased(patient, report))
        JournalThread.report(&owned, mailbox)
        fetcher.run { fetcher in fetcher.goOn() }
      }
      if !owned.erasures.isEmpty { goOnErasing(worker, fetcher, mailbox, view, isStopping) }
    }
  }

  /// One step of the first erasure, and what it did when that was the last one. Nil when nobody is to be erased.
  private static func stepErasure(_ owned: inout Owned, _ view: JournalViewBox) -> (String, ErasureReport)?? {
    guard !owned.erasures.isEmpty else { return nil }
    // Taken out while it works: it may hold a million numbers, and is not to be copied.
    var run = owned.erasures.removeFirst()
    var failure: String?
    do throws(DiskError) {
      if try step(&run, &owned, view) {
        owned.erasures.insert(run, at: 0)
        return .some(nil)
      }
    } catch {
      failure = "\(error.operation) \(error.path), errno \(error.errno)"
    }
    owned.known[run.patient] = run.erasure
    let newest = owned.view
    view.change {
      $0.view = newest
      $0.erasures += 1
      if !owned.erasures.contains(where: { $0.patient == run.patient }) { $0.withheld.end(run.patient) }
    }
    return (
      run.patient,
      ErasureReport(
        readings: run.erasure.readings, counted: run.erasure.counted, kinds: run.erasure.countedByKind,
        left: run.rewriting.report.left, error: failure)
    )
  }

  /// False when there was nothing left to do.
  private static func step(
    _ run: inout ErasureRun, _ owned: inout Owned, _ view: JournalViewBox
  ) throws(DiskError) -> Bool {
    guard run.rewriting.phase != .done else { return try owned.store.removeNextSetAside() }
    let wasLooking = run.rewriting.phase == .looking
    var erasure = run.erasure
    run.erasure = Erasure(patient: run.patient)
    defer { run.erasure = erasure }
    if run.rewriting.replacesNext {
      // Readers are told before places in a segment are others, and wait until they are.
      owned.rewrites += 1
      var failure: DiskError?
      view.change { newest in
        do throws(DiskError) {
          try owned.store.journal.step(&run.rewriting, look: { _ in }, decide: erasure.decide)
        } catch { failure = error }
        newest.view = owned.view
      }
      if let failure { throw failure }
    } else {
      try owned.store.journal.step(&run.rewriting, look: { erasure.learn($0) }, decide: { erasure.decide($0) })
    }
    if wasLooking, run.rewriting.phase == .writing {
      owned.known[run.patient] = erasure
      let newest = owned.view
      let counted = erasure.counted
      view.change {
        $0.view = newest
        $0.withheld.learned(run.patient, counted)
      }
    }
    return true
  }

  /// Tells sizes and what was found.
  func report() {
    worker.run { [mailbox] owned in JournalThread.report(&owned, mailbox) }
  }

  private static func report(_ owned: inout Owned, _ mailbox: Mailbox<JournalMessage>) {
    for finding in owned.store.journal.takeFindings() {
      let text = "\(finding.code.rawValue): \(finding.segment) at \(finding.offset), \(finding.length) octets"
      if owned.damage.count < 100 { owned.damage.append(text) }
      if finding.isNew { mailbox.post(.finding("\(text): \(finding.code.words)")) }
    }
    let status = owned.store.journal.status
    var report = JournalReport(
      bytes: Int64(status.bytes), segments: status.segments, maximumBytes: Int64(status.maximumBytes),
      damage: owned.damage)
    report.diskPercent = owned.store.diskPercent
    mailbox.post(.report(report))
  }

  /// Finishes everything that was handed over, but for erasures.
  func stop() {
    isStopping.raise()
    fetcher.stop()
    worker.stop()
  }
}
