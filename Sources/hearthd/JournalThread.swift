// The journal on its own thread: entries in, records on disk, messages back. The thread that decides never waits for the disk.

import Exchange
import GatewayCore
import Journal
import JournalFiles
import Platform
import Readings
import Zones

/// What the journal's thread tells.
enum JournalMessage: Sendable {
  case appended(AppendID, [UInt64], rolled: Bool)
  case failed(AppendID, JournalFailure)
  case report(JournalReport)
  case fetched(FetchRequest, [Deliverable], isAtEnd: Bool)
  case loaded(UInt64, Reading?)
  case parked(Bindings.Slot, [(sequence: UInt64, reading: Reading?)])
  case finding(String)
  /// Records that the start kept back; they count now, behind everything else.
  case recovered([JournalRecord])
  case erased(String, ErasureReport)
}

/// The journal, its thread and its mailbox.
final class JournalThread {
  private struct Owned {
    var store: JournalStore
    var damage: [String] = []
    /// Where each backend's read went on to: what lies between its cursor and there is nothing for it.
    var skipped: [String: UInt64] = [:]
    var isRecoveredTold = false
    /// The newest fence whose append failed, and why: what was decided upon it is not written.
    var refused: (fence: UInt64, failure: JournalFailure)?
    /// How often segments were written anew.
    var rewrites = 0

    /// Tells readers what they may read from now on.
    func publish(_ box: JournalViewBox) {
      var view = store.journal.view
      view.rewrites = rewrites
      box.publish(view)
    }
  }

  let mailbox: Mailbox<JournalMessage>
  /// What others may read of the journal.
  let view = JournalViewBox()
  private let worker: WorkerThread<Owned>

  /// Takes over an open journal.
  init(_ store: sending JournalStore) throws(SystemError) {
    mailbox = try Mailbox()
    let owned = Owned(store: store)
    owned.publish(view)
    worker = try WorkerThread(owned)
  }

  /// Writes entries as one group. After one that failed, those of its fence and of earlier ones are refused unwritten.
  func append(_ id: AppendID, _ entries: [JournalEntry], fence: UInt64) {
    worker.run { [mailbox, view] owned in
      if let refused = owned.refused, fence <= refused.fence { return mailbox.post(.failed(id, refused.failure)) }
      let drafts = entries.map { RecordDraft(kind: RecordKind(rawValue: $0.kind.rawValue), payload: $0.payload) }
      do throws(AppendFailure) {
        let appended = try owned.store.journal.append(drafts)
        owned.refused = nil
        owned.publish(view)
        mailbox.post(.appended(id, Array(appended.sequences), rolled: appended.rolled))
        if appended.rolled { JournalThread.report(&owned, mailbox) }
      } catch {
        JournalThread.tellRecovered(&owned, mailbox)
        let failure = JournalFailure(code: error.code, message: JournalThread.text(error))
        owned.refused = (fence, failure)
        mailbox.post(.failed(id, failure))
        JournalThread.report(&owned, mailbox)
      }
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
      return error.map { "the disk is full (\($0.operation) \($0.path))" } ?? "the journal reached its size limit"
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
    worker.run { [mailbox] owned in
      let (items, isAtEnd) =
        request.lane == .express
        ? JournalThread.express(request, &owned) : JournalThread.backlog(request, &owned)
      mailbox.post(.fetched(request, items, isAtEnd: isAtEnd))
    }
  }

  /// Everything in order, up to what the express lane has in hand.
  private static func backlog(_ request: FetchRequest, _ owned: inout Owned) -> ([Deliverable], isAtEnd: Bool) {
    var items: [Deliverable] = []
    var isAtEnd = false
    var cursor = max(request.after, owned.skipped[request.backend] ?? 0)
    let skipping = Set(request.skipping)
    let end = max(1, request.before ?? .max)
    // Readings without patient are passed over; so a batch may need more than one read.
    while items.isEmpty, cursor < end - 1 {
      let batch = owned.store.journal.read(
        after: cursor, maximumCount: request.maximumCount, maximumBytes: request.maximumBytes,
        kinds: JournalEntry.deliverable)
      items = batch.records.filter { $0.sequence < end && !skipping.contains($0.sequence) }
        .compactMap { item($0, for: request.backend, &owned) }
      let isStuck = batch.through <= cursor
      cursor = min(max(cursor, batch.through), end - 1)
      isAtEnd = batch.isAtEnd && batch.through < end
      if batch.isAtEnd || batch.error != nil || isStuck { break }
    }
    owned.skipped[request.backend] = items.isEmpty ? cursor : nil
    return (items, isAtEnd)
  }

  /// A few items out of their order.
  private static func express(_ request: FetchRequest, _ owned: inout Owned) -> ([Deliverable], isAtEnd: Bool) {
    var items: [Deliverable] = []
    var bytes = 0
    for sequence in request.only where sequence > 0 {
      guard items.count < request.maximumCount else { return (items, false) }
      let batch = owned.store.journal.read(
        after: sequence - 1, maximumCount: 1, maximumBytes: 2 << 20, kinds: JournalEntry.deliverable)
      if batch.error != nil { return (items, false) }
      guard let record = batch.records.first(where: { $0.sequence == sequence }),
        let item = item(record, for: request.backend, &owned)
      else { continue }
      bytes += item.json.count
      guard items.isEmpty || bytes <= request.maximumBytes else { return (items, false) }
      items.append(item)
    }
    return (items, true)
  }

  private static func item(_ record: JournalRecord, for backend: String, _ owned: inout Owned) -> Deliverable? {
    record.kind.rawValue == JournalEntry.Kind.retry.rawValue
      ? retried(record, for: backend, &owned) : deliverable(record)
  }

  /// A refused reading that this backend is to get again: it stands in the journal once, and is pinned there.
  private static func retried(_ record: JournalRecord, for backend: String, _ owned: inout Owned) -> Deliverable? {
    guard let retry = Retry(record.payload), retry.backend == backend, retry.original > 0 else { return nil }
    let batch = owned.store.journal.read(
      after: retry.original - 1, maximumCount: 1, maximumBytes: 2 << 20, kinds: [.reading])
    guard let original = batch.records.first(where: { $0.sequence == retry.original }) else { return nil }
    var item = deliverable(original)
    item?.sequence = record.sequence
    return item
  }

  private static let parkedMark = Array(#""patient":null"#.utf8)

  private static func deliverable(_ record: JournalRecord) -> Deliverable? {
    if record.kind == .reading {
      guard let id = ReadingJSON.identifier(record.payload), !isParked(record.payload), !isHeld(record.payload) else {
        return nil
      }
      return Deliverable(
        sequence: record.sequence, id: id, isReading: true, receivedAt: instant(receivedMark, record.payload),
        json: ReadingJSON.inserting(sequence: record.sequence, into: record.payload))
    }
    guard record.payload.count > 43, record.payload.starts(with: Array(#"{"id":""#.utf8)) else { return nil }
    return Deliverable(
      sequence: record.sequence, id: String(decoding: record.payload[7..<43], as: UTF8.self), isReading: false,
      receivedAt: instant(eventMark, record.payload), json: record.payload)
  }

  /// True when a stored reading has no patient. The mark cannot stand inside a string: its quotes would be escaped.
  private static func isParked(_ json: [UInt8]) -> Bool { index(of: parkedMark, in: json) != nil }

  private static let heldMark = Array(#","held":{"#.utf8)

  /// True when a stored reading waits for the hub's clock.
  private static func isHeld(_ json: [UInt8]) -> Bool { index(of: heldMark, in: json) != nil }

  private static func index(of mark: [UInt8], in json: [UInt8]) -> Int? {
    guard json.count >= mark.count, let first = mark.first else { return nil }
    var index = 0
    let last = json.count - mark.count
    while index <= last {
      if json[index] == first, json[(index + 1)..<(index + mark.count)].elementsEqual(mark.dropFirst()) { return index }
      index += 1
    }
    return nil
  }

  private static let receivedMark = Array(#""received_at":""#.utf8)

  private static let eventMark = Array(#""at":""#.utf8)

  private static func instant(_ mark: [UInt8], _ json: [UInt8]) -> Int64 {
    guard let start = index(of: mark, in: json) else { return 0 }
    let text = json[(start + mark.count)...].prefix { $0 != 0x22 }
    return ISO8601.instant(String(decoding: text, as: UTF8.self))?.milliseconds ?? 0
  }

  /// Reads one stored reading.
  func load(_ sequence: UInt64) {
    worker.run { [mailbox] owned in mailbox.post(.loaded(sequence, JournalThread.reading(sequence, &owned))) }
  }

  /// Reads parked readings of a slot.
  func loadParked(_ slot: Bindings.Slot, _ sequences: [UInt64]) {
    worker.run { [mailbox] owned in
      mailbox.post(.parked(slot, sequences.map { ($0, JournalThread.reading($0, &owned)) }))
    }
  }

  private static func reading(_ sequence: UInt64, _ owned: inout Owned) -> Reading? {
    let batch = owned.store.journal.read(
      after: sequence > 0 ? sequence - 1 : 0, maximumCount: 1, maximumBytes: 2 << 20, kinds: [.reading])
    let record = batch.records.first { $0.sequence == sequence }
    return record.flatMap { try? ReadingJSON.decode($0.payload).reading }
  }

  /// Drops what every backend has and is older than `keep`.
  func retain(cursors: [UInt64], pinned: UInt64?, now: Int64, keep: Int64) {
    worker.run { [mailbox, view] owned in
      defer { owned.publish(view) }
      do throws(DiskError) {
        _ = try owned.store.journal.retain(cursors: cursors, pinned: pinned, now: now, keep: keep)
        JournalThread.report(&owned, mailbox)
      } catch {
        mailbox.post(.finding("journal.retention-failed: \(error.operation) \(error.path), errno \(error.errno)"))
      }
    }
  }

  /// Writes the segments anew without a patient.
  func erase(_ patient: String) {
    worker.run { [mailbox, view] owned in
      // Readers are told before places in segments are others, and after.
      owned.rewrites += 1
      owned.publish(view)
      defer { owned.publish(view) }
      var erasure = Erasure(patient: patient)
      var left: [String] = []
      var failure: String?
      do throws(DiskError) {
        // Nothing is dropped by the first look.
        _ = try owned.store.journal.rewrite { record in
          erasure.learn(record)
          return .keep
        }
        left = try owned.store.journal.rewrite(erasure.decide).left
        try owned.store.removeSetAside()
      } catch {
        failure = "\(error.operation) \(error.path), errno \(error.errno)"
      }
      owned.skipped = [:]
      mailbox.post(
        .erased(
          patient,
          ErasureReport(readings: erasure.readings, counted: erasure.counted.sorted(), left: left, error: failure)))
      JournalThread.report(&owned, mailbox)
    }
  }

  /// Tells sizes and what was found.
  func report() {
    worker.run { [mailbox] owned in JournalThread.report(&owned, mailbox) }
  }

  private static func report(_ owned: inout Owned, _ mailbox: Mailbox<JournalMessage>) {
    for finding in owned.store.journal.takeFindings() {
      let text = "\(finding.code.rawValue): \(finding.segment) at \(finding.offset), \(finding.length) octets"
      if owned.damage.count < 100 { owned.damage.append(text) }
      if finding.isNew { mailbox.post(.finding(text)) }
    }
    let status = owned.store.journal.status
    var report = JournalReport(
      bytes: Int64(status.bytes), segments: status.segments, maximumBytes: Int64(status.maximumBytes),
      damage: owned.damage)
    report.diskPercent = owned.store.diskPercent
    mailbox.post(.report(report))
  }

  /// Finishes everything that was handed over.
  func stop() { worker.stop() }
}
