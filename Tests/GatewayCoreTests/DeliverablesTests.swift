// Which stored records a backend gets, from octets as the journal holds them.

import Exchange
@testable import GatewayCore
import Journal
import Readings
import Testing
@testable import Ledger

/// Records under their numbers, and what is being erased.
private final class Store {
  var records: [JournalRecord] = []
  var withheld = Withheld()
  /// What was asked, in order.
  var asked: [StoredQuery] = []
  var error: DiskError?

  @discardableResult
  func add(_ entry: JournalEntry) -> UInt64 {
    add(RecordKind(rawValue: entry.kind.rawValue), entry.payload)
  }

  @discardableResult
  func add(_ kind: RecordKind, _ payload: [UInt8]) -> UInt64 {
    let sequence = UInt64(records.count + 1)
    records.append(JournalRecord(sequence: sequence, kind: kind, payload: payload))
    return sequence
  }

  func erase(_ sequence: UInt64) {
    records[Int(sequence) - 1] = JournalRecord(sequence: sequence, kind: .erased, payload: [])
  }

  func read(_ query: StoredQuery) -> StoredRecords {
    asked.append(query)
    if let error { return StoredRecords(ReadBatch(through: query.after, error: error), withheld: withheld) }
    var batch = ReadBatch(through: query.after)
    for record in records where record.sequence > query.after {
      guard batch.records.count < query.maximumCount else { return StoredRecords(batch, withheld: withheld) }
      batch.through = record.sequence
      if query.kinds.contains(record.kind) { batch.records.append(record) }
    }
    batch.isAtEnd = true
    return StoredRecords(batch, withheld: withheld)
  }
}

private func reading(_ number: Int, patient: String?, device: String = "cuff", isHeld: Bool = false) -> JournalEntry {
  var reading = Reading(
    id: ReadingID(high: 1, low: UInt64(number)), kind: .bloodPressure, observations: [], flags: [], takenAt: nil,
    timeQuality: .received, deviceTime: nil,
    receivedAt: Timestamp(milliseconds: 1_795_248_930_000 + Int64(number), offsetSeconds: 3600), user: nil,
    patient: patient, device: DeviceIdentity(id: device, transport: .ble), evaluation: nil,
    raw: RawSource(source: "1810/2A35", octets: [1]))
  if isHeld { reading.anchor = ClockAnchor(bootID: "boot", monotonic: 5, deviceOffset: nil) }
  return .reading(reading)
}

private func request(
  after: UInt64 = 0, before: UInt64? = nil, skipping: [UInt64] = [], count: Int = 10, ticket: UInt64 = 0
) -> FetchRequest {
  FetchRequest(
    backend: "a", ticket: ticket, after: after, before: before, skipping: skipping, maximumCount: count,
    maximumBytes: 1 << 20)
}

private func express(_ numbers: [UInt64]) -> FetchRequest {
  FetchRequest(backend: "a", lane: .express, after: 0, only: numbers, maximumCount: 10, maximumBytes: 1 << 20)
}

extension Fetched {
  fileprivate var sequences: [UInt64]? {
    if case .items(let items, _) = self { return items.map(\.sequence) }
    return nil
  }
}

@Suite struct DeliverablesTests {
  @Test func aReadingIsGivenAsItWasStoredWithItsNumber() throws {
    let entry = reading(7, patient: "p-1")
    let record = JournalRecord(sequence: 42, kind: .reading, payload: entry.payload)
    let item = try #require(Deliverable(record))
    #expect(item.sequence == 42 && item.isReading)
    #expect(item.receivedAt == 1_795_248_930_007)
    let (read, sequence) = try ReadingJSON.decode(item.json)
    #expect(sequence == 42 && .reading(read) == entry)
    #expect(item.id == read.id.description)
  }

  @Test func whatWaitsForItsPatientOrTheClockIsForNobodyYet() {
    func isForBackends(_ entry: JournalEntry) -> Bool {
      Deliverable(JournalRecord(sequence: 1, kind: .reading, payload: entry.payload)) != nil
    }
    #expect(isForBackends(reading(1, patient: "p-1")))
    #expect(!isForBackends(reading(1, patient: nil)))
    #expect(!isForBackends(reading(1, patient: "p-1", isHeld: true)))
    // The marks inside a string are text.
    for text in [#""patient":null"#, #","held":{"#, #"","patient":null,""#] {
      #expect(isForBackends(reading(1, patient: "p-1", device: text)), "\(text)")
    }
  }

  @Test func anEventIsGivenOctetByOctet() throws {
    let event = HubEvent(
      hub: "hub.restarted", message: #"said "at":"never""#, at: 1_795_248_930_000, offsetSeconds: 0)
    let record = JournalRecord(sequence: 3, kind: RecordKind(rawValue: 4), payload: event.encoded)
    let item = try #require(Deliverable(record))
    #expect(!item.isReading && item.id == event.id && item.json == event.encoded)
    #expect(item.receivedAt == event.at)
  }

  @Test func octetsThatAreNothingAreForNobody() {
    for kind in UInt8(0)...31 {
      for payload in [[], Array("{}".utf8), [UInt8](repeating: 0x22, count: 90), Array(#"{"id":"1"}"#.utf8)] {
        #expect(Deliverable(JournalRecord(sequence: 1, kind: RecordKind(rawValue: kind), payload: payload)) == nil)
      }
    }
  }

  @Test func theBacklogIsInOrderWithoutWhatTheBackendHas() {
    let store = Store()
    for number in 1...8 { store.add(reading(number, patient: number == 3 ? nil : "p-1")) }
    var deliverables = Deliverables()
    #expect(deliverables.answer(request(), store.read).sequences == [1, 2, 4, 5, 6, 7, 8])
    #expect(deliverables.answer(request(after: 2, before: 7, skipping: [5]), store.read).sequences == [4, 6])
    #expect(deliverables.answer(request(after: 6, before: 7), store.read) == .items([], isAtEnd: false))
    #expect(deliverables.answer(request(after: 8), store.read) == .items([], isAtEnd: true))
    guard case .items(let items, let isAtEnd) = deliverables.answer(request(count: 2), store.read) else { return }
    #expect(items.map(\.sequence) == [1, 2] && !isAtEnd)
  }

  /// A long run of parked readings is read once, not at each question; a cursor that was set back is not passed over.
  @Test func aRunThatIsForNobodyIsReadOnce() {
    let store = Store()
    for number in 1...50 { store.add(reading(number, patient: nil)) }
    var deliverables = Deliverables()
    #expect(deliverables.answer(request(count: 5), store.read) == .items([], isAtEnd: true))
    #expect(store.asked.count >= 10)
    store.asked = []
    store.add(reading(51, patient: "p-1"))
    #expect(deliverables.answer(request(count: 5), store.read).sequences == [51])
    #expect(store.asked.map(\.after) == [50])
    #expect(deliverables.answer(request(after: 51), store.read).sequences == [])
    #expect(deliverables.answer(request(after: 40), store.read).sequences == [51])
  }

  @Test func whatIsSentAgainStandsWhereItFirstWasAndIsForThatBackendAlone() {
    let store = Store()
    store.add(reading(1, patient: "p-1"))
    store.add(.retry(Retry(backend: "a", original: 1)))
    store.add(.retry(Retry(backend: "b", original: 1)))
    store.add(.retry(Retry(backend: "a", original: 99)))
    var deliverables = Deliverables()
    guard case .items(let items, _) = deliverables.answer(request(after: 1), store.read) else { return }
    #expect(items.map(\.sequence) == [2])
    #expect(items.first?.id == ReadingID(high: 1, low: 1).description)
  }

  @Test func anErrorGivesWhatIsThereAndIsAskedAgain() {
    let store = Store()
    store.add(reading(1, patient: "p-1"))
    store.error = DiskError(operation: "pread", path: "x", errno: 24)
    var deliverables = Deliverables()
    #expect(deliverables.answer(request(), store.read) == .items([], isAtEnd: false))
    #expect(deliverables.answer(express([1]), store.read) == .items([], isAtEnd: false))
    #expect(Deliverables.reading(1, store.read) == nil)
    store.error = nil
    #expect(deliverables.answer(request(), store.read).sequences == [1])
    #expect(Deliverables.reading(1, store.read)?.patient == "p-1")
    #expect(Deliverables.reading(0, store.read) == nil && Deliverables.reading(2, store.read) == nil)
  }

  // MARK: While a patient is erased

  @Test func theBacklogStopsBeforeWhatIsBeingErased() {
    let store = Store()
    for number in 1...6 { store.add(reading(number, patient: number == 4 ? "p-2" : "p-1")) }
    store.withheld.begin("p-2")
    var deliverables = Deliverables()
    #expect(deliverables.answer(request(), store.read).sequences == [1, 2, 3])
    #expect(deliverables.answer(request(after: 3), store.read) == .withheld)
    // What is known to go is not passed when it is gone.
    store.withheld.learned("p-2", [4])
    store.erase(4)
    #expect(deliverables.answer(request(), store.read).sequences == [1, 2, 3])
    #expect(deliverables.answer(request(after: 3), store.read) == .withheld)
    // The backend has it already.
    #expect(deliverables.answer(request(after: 3, skipping: [4]), store.read).sequences == [5, 6])
    #expect(deliverables.answer(request(after: 4), store.read).sequences == [5, 6])
    store.withheld.end("p-2")
    #expect(deliverables.answer(request(after: 3), store.read).sequences == [5, 6])
  }

  @Test func theExpressLanePassesByWhatIsBeingErased() {
    let store = Store()
    for number in 1...4 { store.add(reading(number, patient: number == 2 ? "p-2" : "p-1")) }
    store.withheld.begin("p-2")
    var deliverables = Deliverables()
    #expect(deliverables.answer(express([1, 2, 4]), store.read).sequences == [1, 4])
  }

  /// A question whose end lies before what is being erased is answered as ever.
  @Test func whatTheExpressLaneHasInHandEndsTheBacklogFirst() {
    let store = Store()
    for number in 1...6 { store.add(reading(number, patient: number == 5 ? "p-2" : nil)) }
    store.withheld.begin("p-2")
    store.withheld.learned("p-2", [5])
    var deliverables = Deliverables()
    #expect(deliverables.answer(request(before: 3), store.read) == .items([], isAtEnd: false))
    #expect(deliverables.answer(request(), store.read) == .withheld)
  }
}
