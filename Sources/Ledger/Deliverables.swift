// Which stored records a backend gets. The journal's reader reads, this decides: a reading without patient waits for one, a reading
// that waits for the hub's clock waits for it, what is sent again stands where it first was, and what is being erased goes to nobody.

internal import Exchange
internal import JSON
package import Journal
package import Readings
internal import Zones

/// What is being erased while others read: it is sent to nobody, and no backend's cursor passes it, because what it never got is
/// counted when the erasure is complete.
package struct Withheld: Sendable, Hashable {
  /// Patients who are being erased.
  package private(set) var patients: Set<String> = []
  /// Sequence numbers of what goes from the journal, by patient, ascending; none while they are still looked for.
  private var numbers: [String: [UInt64]] = [:]

  /// Nothing is being erased.
  package init() {}

  /// An erasure begins: nothing has changed in the journal yet.
  package mutating func begin(_ patient: String) { patients.insert(patient) }

  /// What goes is known, ascending, and from now on it may be gone.
  package mutating func learned(_ patient: String, _ sequences: [UInt64]) { numbers[patient] = sequences }

  /// An erasure is over.
  package mutating func end(_ patient: String) {
    patients.remove(patient)
    numbers[patient] = nil
  }

  /// The first number behind `after` that goes and that a backend does not have.
  package func first(after: UInt64, skipping: Set<UInt64>) -> UInt64? {
    numbers.values.compactMap { list in
      var low = 0
      var high = list.count
      while low < high {
        let middle = (low + high) / 2
        if list[middle] <= after { low = middle + 1 } else { high = middle }
      }
      return list[low...].first { !skipping.contains($0) }
    }.min()
  }

  /// True for what names a patient who is being erased.
  package func holds(_ json: [UInt8]) -> Bool {
    guard !patients.isEmpty, let patient = (try? JSONReader(maximumSize: 1 << 20).value(json))?["patient"]?.string
    else { return false }
    return patients.contains(patient)
  }
}

/// What is asked of the journal.
package struct StoredQuery: Sendable, Hashable {
  /// Records behind this sequence number.
  package var after: UInt64
  /// The most records.
  package var maximumCount: Int
  /// The most octets of payloads.
  package var maximumBytes: Int
  /// Of these kinds alone.
  package var kinds: Set<RecordKind>

  /// A question.
  package init(after: UInt64, maximumCount: Int, maximumBytes: Int, kinds: Set<RecordKind>) {
    self.after = after
    self.maximumCount = maximumCount
    self.maximumBytes = maximumBytes
    self.kinds = kinds
  }
}

/// What the journal gave, and what was being erased when it was read.
package struct StoredRecords: Sendable {
  /// What was read.
  package var batch: ReadBatch
  /// What was being erased.
  package var withheld: Withheld

  /// What the journal gave.
  package init(_ batch: ReadBatch, withheld: Withheld = Withheld()) {
    self.batch = batch
    self.withheld = withheld
  }
}

/// An answer to a backend's question.
package enum Fetched: Sendable, Hashable {
  /// What it gets; `isAtEnd`: nothing more of what was asked for is there.
  case items([Deliverable], isAtEnd: Bool)
  /// What comes next is being erased: the question is answered when that is over.
  case withheld
}

/// Answers backends' questions from stored records.
package struct Deliverables: Sendable {
  /// Reads records. The same question may be asked again.
  package typealias Read = (StoredQuery) -> StoredRecords

  /// How far a backend's read went on: what lies between is nothing for it.
  private struct Passed: Sendable {
    var from: UInt64
    var through: UInt64
    var without: Set<String>
  }
  private var passed: [String: Passed] = [:]
  /// More backends than any configuration has: names of earlier ones are forgotten.
  private static let mostBackends = 64
  /// The largest record.
  private static let largest = 2 << 20

  /// Nothing was asked yet.
  package init() {}

  /// What a backend's lane is to get next.
  package mutating func answer(_ request: FetchRequest, _ read: Read) -> Fetched {
    request.lane == .express || !request.only.isEmpty ? express(request, read) : backlog(request, read)
  }

  /// Everything in order, up to what the express lane has in hand and to what is being erased.
  private mutating func backlog(_ request: FetchRequest, _ read: Read) -> Fetched {
    var cursor = request.after
    // What is nothing for a backend depends on the kinds that are asked for.
    if request.line == nil, let passed = passed[request.backend], passed.from <= cursor,
      passed.without == request.without
    {
      cursor = max(cursor, passed.through)
    }
    let skipping = Set(request.skipping)
    let before = max(1, request.before ?? .max)
    var items: [Deliverable] = []
    var given: Set<String> = []
    var isAtEnd = request.line != nil && cursor >= before - 1
    var isWithheld = false
    // Readings without patient are passed over; so a batch may need more than one read.
    while items.isEmpty, !isWithheld, cursor < before - 1 {
      let stored = read(
        StoredQuery(
          after: cursor, maximumCount: request.maximumCount, maximumBytes: request.maximumBytes,
          kinds: JournalEntry.deliverable))
      let batch = stored.batch
      var end = before
      if let first = stored.withheld.first(after: cursor, skipping: skipping), first < end { end = first }
      for record in batch.records where record.sequence < end && !skipping.contains(record.sequence) {
        guard let item = item(record, for: request.backend, read), request.takes(item) else { continue }
        // Answers are by identifier: a correction goes behind what it corrects, in a batch of its own.
        guard !given.contains(item.id) else {
          end = min(end, record.sequence)
          break
        }
        if stored.withheld.holds(item.json) {
          end = min(end, record.sequence)
        } else {
          items.append(item)
          given.insert(item.id)
        }
      }
      // Nothing behind what is withheld is given before it.
      items.removeAll { $0.sequence >= end }
      if items.isEmpty { given = [] }
      let isStuck = batch.through <= cursor
      cursor = min(max(cursor, batch.through), end - 1)
      isWithheld = end < before && cursor == end - 1
      isAtEnd = batch.isAtEnd && batch.through < end
      // A line has an end of its own.
      if request.line != nil, batch.error == nil, !isWithheld { isAtEnd = isAtEnd || cursor >= before - 1 }
      if batch.isAtEnd || batch.error != nil || isStuck { break }
    }
    guard request.line == nil else {
      return items.isEmpty && isWithheld ? .withheld : .items(items, isAtEnd: isAtEnd)
    }
    passed[request.backend] =
      items.isEmpty ? Passed(from: request.after, through: cursor, without: request.without) : nil
    if passed.count > Self.mostBackends { passed = [:] }
    return items.isEmpty && isWithheld ? .withheld : .items(items, isAtEnd: isAtEnd)
  }

  /// A few items out of their order.
  private func express(_ request: FetchRequest, _ read: Read) -> Fetched {
    var items: [Deliverable] = []
    var bytes = 0
    for sequence in request.only where sequence > 0 {
      guard items.count < request.maximumCount else { return .items(items, isAtEnd: false) }
      let stored = Self.one(sequence, JournalEntry.deliverable, read)
      if stored.batch.error != nil { return .items(items, isAtEnd: false) }
      guard let record = stored.batch.records.first(where: { $0.sequence == sequence }),
        let item = item(record, for: request.backend, read), request.takes(item), !stored.withheld.holds(item.json)
      else { continue }
      guard !items.contains(where: { $0.id == item.id }) else { return .items(items, isAtEnd: false) }
      bytes += item.json.count
      guard items.isEmpty || bytes <= request.maximumBytes else { return .items(items, isAtEnd: false) }
      items.append(item)
    }
    return .items(items, isAtEnd: true)
  }

  /// One stored reading; nil when it is not there, or is no reading.
  package static func reading(_ sequence: UInt64, _ read: Read) -> Reading? {
    let record = one(sequence, [.reading], read).batch.records.first { $0.sequence == sequence }
    return record.flatMap { try? ReadingJSON.decode($0.payload).reading }
  }

  /// True when a stored event stands there.
  package static func isEvent(_ sequence: UInt64, _ read: Read) -> Bool {
    one(sequence, [.event], read).batch.records.contains { $0.sequence == sequence }
  }

  private static func one(_ sequence: UInt64, _ kinds: Set<RecordKind>, _ read: Read) -> StoredRecords {
    read(StoredQuery(after: max(sequence, 1) - 1, maximumCount: 1, maximumBytes: largest, kinds: kinds))
  }

  private func item(_ record: JournalRecord, for backend: String, _ read: Read) -> Deliverable? {
    guard record.kind.rawValue == JournalEntry.Kind.retry.rawValue else { return Deliverable(record) }
    // A refused item that this backend is to get again: it stands in the journal once, and is pinned there.
    guard let retry = Retry(record.payload), retry.backend == backend, retry.original > 0,
      let original = Self.one(retry.original, [.reading, .event], read).batch.records.first(where: {
        $0.sequence == retry.original
      }),
      var item = Deliverable(original)
    else { return nil }
    item.sequence = record.sequence
    return item
  }
}

extension Deliverable {
  /// A stored record as a backend gets it. Nil for a reading that waits for its patient or for the hub's clock, and for what is no
  /// reading and no event.
  package init?(_ record: JournalRecord) {
    let json = record.payload
    switch JournalEntry.Kind(rawValue: record.kind.rawValue) {
    case .reading:
      guard let id = ReadingJSON.identifier(json), !StoredMark.held.isIn(json),
        !StoredMark.noPatient.isIn(json) || StoredMark.withdrawn.isIn(json)
      else {
        return nil
      }
      self.init(
        sequence: record.sequence, id: id, isReading: true, receivedAt: StoredMark.received.instant(in: json),
        json: ReadingJSON.inserting(sequence: record.sequence, into: json))
    case .event:
      guard json.count > 43, json.starts(with: Array(#"{"id":""#.utf8)) else { return nil }
      self.init(
        sequence: record.sequence, id: String(decoding: json[7..<43], as: UTF8.self), isReading: false,
        receivedAt: StoredMark.at.instant(in: json), json: json)
    default: return nil
    }
  }
}

/// A member of a stored object, by the octets that it begins with. They cannot stand inside a string: its quotes would be escaped.
/// Reading every stored object as JSON would make a year of readings take minutes.
private struct StoredMark {
  package let octets: [UInt8]

  package init(_ text: String) { octets = Array(text.utf8) }

  package static let noPatient = StoredMark(#""patient":null"#)
  /// Backends are told that it is not the patient's whom they have it of.
  package static let withdrawn = StoredMark(#""correction":{"kind":"withdrawn""#)
  package static let held = StoredMark(#","held":{"#)
  package static let received = StoredMark(#""received_at":""#)
  package static let at = StoredMark(#""at":""#)

  package func isIn(_ json: [UInt8]) -> Bool { end(in: json) != nil }

  /// Behind the first place where it stands.
  private func end(in json: [UInt8]) -> Int? {
    let json = json.span
    let mark = octets.span
    guard !mark.isEmpty, json.count >= mark.count else { return nil }
    let (first, second) = (mark[0], mark[min(1, mark.count - 1)])
    for index in 0...(json.count - mark.count) where json[index] == first {
      guard mark.count == 1 || json[index + 1] == second else { continue }
      var length = 1
      while length < mark.count, json[index + length] == mark[length] { length += 1 }
      if length == mark.count { return index + length }
    }
    return nil
  }

  /// The moment that follows, in milliseconds since 1970; 0 when it is none.
  package func instant(in json: [UInt8]) -> Int64 {
    guard let start = end(in: json) else { return 0 }
    let text = json[start...].prefix { $0 != 0x22 }
    return ISO8601.instant(String(decoding: text, as: UTF8.self))?.milliseconds ?? 0
  }
}
