// A backend that refuses one kind of reading again and again: the others go on, nothing more of that kind is set aside, and everything
// arrives when it takes the kind again.

import ControlProtocol
import Drivers
import Exchange
@testable import GatewayCore
import Journal
import JSON
import Readings
import Settings
import Testing
@testable import Ledger

private let backend = BackendConfiguration(
  name: "a", kind: .directory(path: "/a"), maximumReadings: 14, maximumBytes: 1 << 20)

/// A hub with a journal and a backend that keeps books.
private struct DeliveryHome {
  var hub: Hub
  /// Kinds that the backend refuses, and single readings, by the last digit of the identifier.
  var refuses: Set<String> = []
  var refusesDigit: Character?
  /// More of these digits, and how many appends the disk refuses.
  var refusesDigits: Set<Character> = []
  var refusedAppends = 0
  /// The hub itself has no form for these.
  var unfitDigit: Character?
  var reason = "http.422: no such profile"
  /// What the backend has, in the order in which it came; and how often it got each.
  var order: [String] = []
  var received: [String: Int] = [:]
  /// What stands before it: the next answers.
  var instead: [UploadOutcome] = []
  private var deliverables = Deliverables()
  private var hands: [OutboxLane: [Deliverable]] = [:]
  private var requests: UInt64 = 0
  private var made = 0

  init(_ kinds: [ReadingKind]) {
    hub = Hub(.with([Cuff.device(patient: "p-1")], backends: [backend]))
    add(kinds)
  }

  /// Stores readings as the disk has them, and starts anew.
  mutating func add(_ kinds: [ReadingKind]) {
    var disk = hub.disk
    for kind in kinds {
      made += 1
      let number = (disk.last?.sequence ?? 0) + 1
      disk.append((number, DeliveryHome.reading(made, kind)))
    }
    restart(disk)
  }

  mutating func restart(_ disk: [(sequence: UInt64, entry: JournalEntry)]? = nil) {
    let old = hub
    deliverables = Deliverables()
    hands = [:]
    hub = Hub(.with([Cuff.device(patient: "p-1")], backends: [backend]), disk: disk ?? old.disk, time: old.time)
    serve()
  }

  static func reading(_ number: Int, _ kind: ReadingKind) -> JournalEntry {
    .reading(
      Reading(
        id: ReadingID(high: 1, low: UInt64(number)), kind: kind, observations: [], flags: [], takenAt: nil,
        timeQuality: .received, deviceTime: nil,
        receivedAt: Timestamp(milliseconds: 1_795_248_000_000 + Int64(number), offsetSeconds: 3600), user: nil,
        patient: "p-1", device: DeviceIdentity(id: "cuff", transport: .ble), evaluation: nil,
        raw: RawSource(source: "1810/2A35", octets: [UInt8(number % 256)])))
  }

  private func read(_ query: StoredQuery) -> StoredRecords {
    var batch = ReadBatch(through: query.after)
    for place in hub.disk where place.sequence > query.after {
      guard batch.records.count < query.maximumCount else { return StoredRecords(batch) }
      batch.through = place.sequence
      let kind = RecordKind(rawValue: place.entry.kind.rawValue)
      if query.kinds.contains(kind) {
        batch.records.append(JournalRecord(sequence: place.sequence, kind: kind, payload: place.entry.payload))
      }
    }
    batch.isAtEnd = true
    return StoredRecords(batch)
  }

  /// Answers the journal's and the backend's part until nothing is asked.
  mutating func serve(most: Int = 10_000) {
    var steps = 0
    while steps < most,
      let index = hub.done.firstIndex(where: {
        switch $0 {
        case .fetch, .deliver, .redeliver, .load: true
        default: false
        }
      })
    {
      steps += 1
      switch hub.done.remove(at: index) {
      case .fetch(let request):
        guard case .items(let items, let isAtEnd) = deliverables.answer(request, read) else { continue }
        hub.send(.fetched(request, items, isAtEnd: isAtEnd))
      case .deliver(_, let lane, let items):
        hands[lane] = items
        hub.send(.delivered(backend: "a", lane: lane, take(items)))
      case .redeliver(_, let lane): hub.send(.delivered(backend: "a", lane: lane, take(hands[lane] ?? [])))
      case .load(let sequence):
        let entry = hub.disk.first { $0.sequence == sequence }?.entry
        if case .reading(let reading)? = entry {
          hub.send(.loaded(sequence: sequence, reading))
        } else if case .event? = entry {
          hub.send(.loaded(sequence: sequence, nil, isEvent: true))
        } else {
          hub.send(.loaded(sequence: sequence, nil))
        }
      default: break
      }
      if refusedAppends > 0, !hub.waiting.isEmpty {
        refusedAppends -= 1
        hub.refuse()
      } else {
        hub.sync()
      }
    }
  }

  private mutating func take(_ items: [Deliverable]) -> UploadOutcome {
    if !instead.isEmpty { return instead.removeFirst() }
    var results: [String: ItemResult] = [:]
    for item in items {
      if item.kind.map(refuses.contains) ?? false || refusesDigit != nil && item.id.last == refusesDigit {
        results[item.id] = .rejected("\(reason) (\(item.id))")
      } else if let last = item.id.last, refusesDigits.contains(last) {
        results[item.id] = .rejected("\(reason) (\(item.id))")
      } else if unfitDigit != nil, item.id.last == unfitDigit {
        results[item.id] = .unfit("time.unplaced")
      } else {
        received[item.id, default: 0] += 1
        if received[item.id] == 1 { order.append(item.id) }
      }
    }
    return .items(results)
  }

  mutating func pass(_ milliseconds: Int64) {
    hub.pass(milliseconds)
    hub.sync()
    serve()
  }

  mutating func ask(_ request: ControlRequest) -> ControlAnswer? {
    requests += 1
    let id = RequestID(connection: 1, number: requests)
    hub.send(.asked(id, request, CallerName(uid: 0)))
    hub.sync()
    serve()
    return hub.done.compactMap { if case .answer(id, let answer) = $0 { answer } else { nil } }.last
  }

  mutating func result(_ request: ControlRequest) -> JSONValue? {
    if case .result(let value)? = ask(request) { return value }
    return nil
  }

  var state: LedgerState { Hub.state(of: hub.disk) }
  var cursor: LedgerState.Cursor { state.cursors["a"] ?? LedgerState.Cursor() }
  mutating func status() -> JSONValue? { result(.backends)?["backends"]?.array?.first }
  mutating func problems() -> [String] {
    (result(.status)?["problems"]?.array ?? []).compactMap { $0["code"]?.string }
  }

  func ids(_ kind: ReadingKind) -> [String] {
    hub.disk.compactMap { place in
      if case .reading(let reading) = place.entry, reading.kind == kind { reading.id.description } else { nil }
    }
  }

  /// Everything that backends get, by identifier.
  var expected: Set<String> {
    Set(
      hub.disk.compactMap { place in
        switch place.entry {
        case .reading(let reading): reading.id.description
        case .event(let event): event.id
        default: nil
        }
      })
  }
}

private func alternating(_ count: Int) -> [ReadingKind] {
  (0..<count).map { $0 % 2 == 0 ? ReadingKind.bloodPressure : .bodyWeight }
}

@Suite struct RefusedKindTests {
  @Test func theEighthInARowStopsTheKindAndOthersGoOn() {
    var home = DeliveryHome([])
    home.refuses = ["body-weight"]
    home.add(alternating(60))
    #expect(Set(home.order).isSuperset(of: home.ids(.bloodPressure)))
    #expect(Set(home.order).isDisjoint(with: home.ids(.bodyWeight)))
    #expect(home.state.refusals["a"]?.count == RefusalRow.suspicious)
    #expect(home.state.waiting("a") == 30 - 8)
    #expect(home.cursor.lines["body-weight"]?.isOpen == false)
    let status = home.status()
    #expect(status?["state"]?.string == "misconfigured")
    #expect(status?["refused_unsettled"]?.int == 8 && status?["refused"]?.int == 8)
    // What a backend refused it does not have.
    #expect(status?["delivered"]?.int == home.order.count)
    #expect(Set(home.problems()).isSuperset(of: ["backend.refuses", "backend.refuses-kind"]))
    // More come, and wait.
    home.add(alternating(20))
    #expect(home.state.refusals["a"]?.count == RefusalRow.suspicious)
    #expect(Set(home.order).isSuperset(of: home.ids(.bloodPressure)))
    #expect(home.state.waiting("a") == 40 - 8)
  }

  @Test func itIsAskedAgainAtABoundedPaceAndThenEverythingGoesOldestFirst() {
    var home = DeliveryHome([])
    home.refuses = ["body-weight"]
    home.add(alternating(60))
    let before = home.hub.disk.count
    for _ in 0..<200 { home.pass(60_000) }
    // Asking leaves no record, and sets nothing aside.
    #expect(home.hub.disk.count == before)
    #expect(home.state.refusals["a"]?.count == RefusalRow.suspicious)
    home.refuses = []
    home.pass(300_001)
    #expect(home.order.filter(home.ids(.bodyWeight).contains) == home.ids(.bodyWeight))
    #expect(Set(home.order) == home.expected && home.received.values.allSatisfy { $0 == 1 })
    #expect(home.state.waiting("a") == 0 && home.cursor.refused == 0 && home.cursor.lines.isEmpty)
    #expect(home.cursor.taken == UInt64(home.expected.count))
    #expect(home.problems().filter { $0.hasPrefix("backend.") }.isEmpty)
    #expect(home.result(.parked)?["parked"]?.array == [])
    // The hub told both, and that both are over.
    let events = home.hub.disk.compactMap { place -> String? in
      guard case .event(let event) = place.entry, case .hub(let code, _, let isOver) = event.content else { return nil }
      return "\(code) \(isOver ? "over" : "begins")"
    }
    #expect(
      Set(events).isSuperset(of: [
        "backend.refuses begins", "backend.refuses over", "backend.refuses-kind begins", "backend.refuses-kind over",
      ]))
  }

  @Test func theRowIsCountedOverBatchesTimeAndRestarts() {
    var home = DeliveryHome([])
    home.refuses = ["body-weight"]
    for _ in 0..<7 {
      home.add([.bodyWeight, .bloodPressure])
      home.pass(86_400_000)
    }
    #expect(home.cursor.lines.isEmpty)
    home.add([.bodyWeight])
    #expect(home.cursor.lines["body-weight"] != nil && home.state.refusals["a"]?.count == 8)
    // One that is taken between them ends the row.
    home = DeliveryHome([])
    for _ in 0..<4 {
      home.refuses = ["body-weight"]
      home.add([ReadingKind](repeating: .bodyWeight, count: 7))
      home.refuses = []
      home.add([.bodyWeight])
    }
    #expect(home.cursor.lines.isEmpty && home.state.refusals["a"]?.count == 28)
  }

  @Test func reasonsThatOnlyDifferInNumbersAreOne() {
    var row = RefusalRow()
    for number in 0..<8 {
      row.add("http.422: Observation/\(number)a\(number) of 2026-11-0\(number) is bad", UInt64(number + 1))
    }
    #expect(row.runs.map(\.count) == [8])
    row.add("http.400: Observation/1a1 of 2026-11-01 is bad", 9)
    #expect(row.runs.count == 2)
    for number in 0..<1000 { row.add("reason " + String(repeating: "x", count: number % 100), UInt64(number + 10)) }
    #expect(row.runs.count <= RefusalRow.mostReasons + 1)
    #expect(RefusalRow(json: row.json) == row)
  }

  @Test func singleReadingsThatAreRefusedStopNothing() {
    var home = DeliveryHome([])
    home.refusesDigit = "7"
    home.add([ReadingKind](repeating: .bodyWeight, count: 200))
    #expect(home.cursor.lines.isEmpty && home.state.waiting("a") == 0)
    #expect(home.order.count == home.expected.count - home.cursor.refused.intValue)
  }

  @Test func aTechnicianSendsAllOfABackendAgainOrDismissesIt() {
    var home = DeliveryHome([])
    home.refusesDigit = "7"
    home.add([ReadingKind](repeating: .bodyWeight, count: 60))
    let refused = home.state.refusals["a"]?.count ?? 0
    #expect(refused >= 3)
    #expect(home.result(.parkedRetryAll(backend: "a", since: nil))?["count"]?.int == refused)
    #expect(home.state.refusals["a"]?.count == refused)
    home.refusesDigit = nil
    #expect(home.result(.parkedRetryAll(backend: "a", since: "1d"))?["count"]?.int == refused)
    #expect(home.state.refusals["a"] == nil && home.cursor.refused == 0)
    #expect(Set(home.order) == home.expected)
    #expect(!home.problems().contains("backend.refuses"))
    home.refusesDigit = "9"
    home.add([ReadingKind](repeating: .bodyWeight, count: 60))
    let bad = home.state.refusals["a"] ?? []
    #expect(home.result(.parkedDismiss(.init(ids: [String(bad[0].id)]), isExported: true))?["dismissed"]?.int == 1)
    #expect(home.state.refusals["a"]?.count == bad.count - 1)
    #expect(
      home.result(.parkedDismiss(.init(ids: [], backend: "a"), isExported: false))?["dismissed"]?.int == bad.count - 1)
    #expect(!home.problems().contains("backend.refuses"))
    // The backend does not have them, and nobody says that it does.
    #expect(home.status()?["refused"]?.int == bad.count)
    #expect(home.status()?["delivered"]?.int == home.received.values.reduce(0, +))
    guard case .failure(let error)? = home.ask(.parkedRetryAll(backend: "a", since: nil)) else {
      Issue.record("no failure")
      return
    }
    #expect(error.code == "not-found")
  }

  @Test func moreRefusalsThanAreListedAreCounted() {
    var state = LedgerState()
    for number in 1...UInt64(Refusal.most + 5) {
      state.add(Refusal(backend: "a", sequence: number, id: "\(number)", reason: "no", at: 1, kind: "body-weight"))
    }
    #expect(state.refusals["a"]?.count == Refusal.most && state.cursors["a"]?.unlisted == 5)
    #expect(LedgerState(state.encoded) == state)
  }

  @Test func whatWaitsInALineIsCountedWhenItsPatientIsErased() {
    var home = DeliveryHome([])
    home.refuses = ["body-weight"]
    home.add(alternating(60))
    #expect(home.state.waiting("a") == 22)
    home.hub.comparesRestarts = false
    var erasure = Erasure(patient: "p-1")
    for place in home.hub.disk {
      erasure.learn(
        JournalRecord(
          sequence: place.sequence, kind: RecordKind(rawValue: place.entry.kind.rawValue),
          payload: place.entry.payload))
    }
    _ = home.ask(.erase(patient: "p-1"))
    home.hub.send(
      .erased(
        patient: "p-1",
        ErasureReport(
          readings: 60, counted: erasure.counted, kinds: erasure.countedByKind, left: [], error: nil)))
    home.hub.sync()
    // What tells that nothing refused is left goes, too.
    home.refuses = []
    home.serve()
    #expect(home.hub.gateway.turn.durable.waiting("a") == 0)
  }

  /// Of one answer: the eighth is refused, one more is refused, and the next of the kind is taken.
  @Test func whatWaitsIsNotPassedOverByOneThatIsTaken() {
    var home = DeliveryHome([])
    home.refusesDigits = Set("123456789a")
    home.add([ReadingKind](repeating: .bodyWeight, count: 13))
    // 1 to a were refused, and eight of them set aside; b, c and d were taken.
    home.refusesDigits = []
    for _ in 0..<3 { home.pass(300_001) }
    let listed = Set(home.state.refusals["a"]?.map(\.id) ?? [])
    #expect(Set(home.order).union(listed) == home.expected && home.state.waiting("a") == 0)
    #expect(home.cursor.lines.isEmpty)
  }

  /// The oldest of those that were set aside is bad by itself: the others are not kept back for it.
  @Test func aBadReadingDoesNotKeepItsKindBack() {
    var home = DeliveryHome([])
    home.refusesDigits = Set("12345678")
    home.add([ReadingKind](repeating: .bodyWeight, count: 8))
    #expect(home.cursor.lines["body-weight"] != nil)
    home.refusesDigits = ["1"]
    home.add([ReadingKind](repeating: .bodyWeight, count: 4))
    for _ in 0..<6 { home.pass(300_001) }
    #expect(home.cursor.lines.isEmpty && home.state.waiting("a") == 0)
    let weights = home.state.refusals["a"]?.map(\.id).filter(home.ids(.bodyWeight).contains) ?? []
    #expect(!weights.isEmpty && weights.allSatisfy { $0.hasSuffix("1") })
  }

  /// What the hub itself cannot send says nothing of the backend.
  @Test func whatHasNoFormStopsNothing() {
    var home = DeliveryHome([])
    home.unfitDigit = "5"
    home.add([ReadingKind](repeating: .bodyWeight, count: 200))
    #expect(home.cursor.lines.isEmpty && home.cursor.rows.isEmpty && home.state.waiting("a") == 0)
  }

  /// A kind that does not come any more keeps nothing else in the journal.
  @Test func aRefusedKindThatComesNoMoreLetsTheJournalGo() {
    var home = DeliveryHome([])
    home.refuses = ["body-weight"]
    home.add([ReadingKind](repeating: .bodyWeight, count: 8))
    home.add([ReadingKind](repeating: .bloodPressure, count: 1200))
    for _ in 0..<6 { home.pass(300_001) }
    #expect(home.cursor.lines["body-weight"] != nil)
    #expect(home.cursor.through - home.cursor.complete < 600)
  }

  @Test func aReasonLeavesNoWordsInTheRow() {
    var row = RefusalRow()
    row.add("unknown patient p-anna", 1)
    #expect(!"\(row.json)".contains("anna"))
  }

  @Test(arguments: 1...60) func nothingIsLostInAnyOrder(seed: UInt64) {
    var random = SplitMix(seed)
    var home = DeliveryHome([])
    let kinds: [ReadingKind] = [.bloodPressure, .bodyWeight, .pulseOximetry]
    let digits = Array("0123456789abcdef")
    for _ in 0..<60 {
      switch random.next() % 13 {
      case 0, 1, 2: home.add((0..<random.next() % 24).map { _ in kinds[Int(random.next() % 3)] })
      case 3: home.refuses = [kinds[Int(random.next() % 3)].rawValue]
      case 4: home.refuses = []
      case 5: home.restart()
      case 6: home.pass(Int64(random.next() % 400_000))
      case 7: home.refusesDigits = Set((0..<random.next() % 14).map { _ in digits[Int(random.next() % 16)] })
      case 8: home.instead = [.busy(after: nil, code: "http.503"), .unknown(code: "net.reset")]
      case 9: home.refusedAppends = Int(random.next() % 3)
      case 10: _ = home.ask(.parkedRetryAll(backend: "a", since: nil))
      case 11: home.refusesDigit = random.next() % 2 == 0 ? nil : "3"
      default: home.pass(300_001)
      }
    }
    home.refuses = []
    home.refusesDigit = nil
    home.refusesDigits = []
    home.refusedAppends = 0
    for _ in 0..<14 { home.pass(300_001) }
    let refused = Set(home.state.refusals["a"]?.map(\.id) ?? [])
    #expect(home.state.waiting("a") == 0 && home.cursor.lines.isEmpty)
    #expect(Set(home.order).union(refused) == home.expected)
    #expect(home.cursor.refused == UInt64(home.state.refusals["a"]?.count ?? 0))
    // What was refused goes when somebody asks for it.
    if !refused.isEmpty { _ = home.ask(.parkedRetryAll(backend: "a", since: nil)) }
    for _ in 0..<3 { home.pass(300_001) }
    #expect(Set(home.order) == home.expected && home.cursor.refused == 0)
  }
}

extension UInt64 {
  fileprivate var intValue: Int { Int(clamping: self) }
}
