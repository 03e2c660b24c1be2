// Stored readings for people, read beside the journal's thread.

import ControlProtocol
import Exchange
import GatewayCore
import Journal
import Readings
import Ledger

/// Reads stored readings on a thread of its own.
struct JournalReader {
  private let box: JournalViewBox
  private let journal: PublishedJournal

  init(_ folder: String, _ box: JournalViewBox) {
    self.box = box
    journal = PublishedJournal(folder, box)
  }

  /// The newest readings that fit; of one that was stored again with its patient, the last counts.
  mutating func find(_ query: ReadingQuery, _ isOver: () -> Bool) -> Result<[[UInt8]], ControlError> {
    var found: [(id: ReadingID, json: [UInt8])] = []
    if let error = scan(isOver, { JournalReader.take($0, query, &found) }) { return .failure(error) }
    return .success(found.map(\.json))
  }

  /// The newest stored forms of at most two readings whose identifiers begin so: one is meant, two are too many.
  mutating func locate(_ beginning: String, _ isOver: () -> Bool) -> Result<[Reading], ControlError> {
    var found: [ReadingID: Reading] = [:]
    let error = scan(isOver) { record in
      guard ReadingJSON.identifier(record.payload)?.hasPrefix(beginning) ?? false,
        let reading = try? ReadingJSON.decode(record.payload).reading, found.count < 2 || found[reading.id] != nil
      else { return }
      found[reading.id] = reading
    }
    return error.map { .failure($0) } ?? .success(Array(found.values))
  }

  /// A stored reading that is, or was once, of a patient; none when there is none.
  mutating func bearer(_ patient: String, _ isOver: () -> Bool) -> Result<[Reading], ControlError> {
    var found: [Reading] = []
    let error = scan({ !found.isEmpty || isOver() }) { record in
      guard found.isEmpty, let reading = try? ReadingJSON.decode(record.payload).reading,
        reading.patient == patient || reading.correction?.patient == patient
      else { return }
      found = [reading]
    }
    return error.map { .failure($0) } ?? .success(found)
  }

  /// The refusal of the first name that no stored reading bears; nil when all are borne.
  mutating func refusal(of names: [DoubtfulName], _ isOver: () -> Bool) -> ControlError? {
    var unknown = names
    let error = scan({ unknown.isEmpty || isOver() }) { record in
      guard let (reading, _) = try? ReadingJSON.decode(record.payload) else { return }
      unknown.removeAll { $0.isBorne(by: reading) }
    }
    return error ?? unknown.first?.refusal
  }

  /// Visits every stored reading, oldest first, until it is over.
  private mutating func scan(_ isOver: () -> Bool, _ visit: (JournalRecord) -> Void) -> ControlError? {
    let erasures = box.newest.erasures
    var cursor: UInt64 = 0
    while !isOver() {
      let batch = journal.read(
        StoredQuery(after: cursor, maximumCount: 500, maximumBytes: 1 << 20, kinds: [.reading])
      ).batch
      batch.records.forEach(visit)
      let isStuck = batch.through <= cursor
      cursor = max(cursor, batch.through)
      if batch.error != nil {
        return ControlError(
          code: "busy", message: "the disk could not read all stored readings", hint: "try again; hearthctl doctor")
      }
      if batch.isAtEnd || isStuck { break }
    }
    // Who was told that a patient is erased sees nothing of it in an answer that comes later.
    guard box.newest.erasures == erasures else {
      return ControlError(
        code: "journal.rewritten", message: "readings were erased while they were being read", hint: "ask again")
    }
    return nil
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
