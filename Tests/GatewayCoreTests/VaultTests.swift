// What is refused, erased, and told of the hub itself.

import ControlProtocol
import Drivers
import Exchange
@testable import GatewayCore
import JSON
import Journal
import Readings
import Settings
import Testing
@testable import Ledger

private let backends = ["a", "b"].map {
  BackendConfiguration(name: $0, kind: .directory(path: "/\($0)"), maximumReadings: 8, maximumBytes: 1 << 20)
}
private let cuff = Cuff.device(patient: "p-1")

/// A hub whose fetches are answered from its disk, retries included.
private struct House: DeliveringHub {
  var hub: Hub
  private var requests: UInt64 = 0

  init(
    readings: UInt8, watch: WatchConfiguration = WatchConfiguration(),
    disk: [(sequence: UInt64, entry: JournalEntry)] = []
  ) {
    var configuration = Configuration.with([cuff], backends: backends)
    configuration.watch = watch
    hub = Hub(configuration, disk: disk)
    serve()
    guard readings > 0 else { return }
    Cuff.connect(&hub)
    for index in 0..<readings {
      hub.send(.linkReceived(device: "cuff", Cuff.indication(systolic: 100 + index, second: index)))
      hub.sync()
    }
  }

  mutating func drain(_ backend: String, refusing: String? = nil) {
    while let items = delivery(backend) {
      let refused = items.filter { $0.id == refusing }.map { ($0.id, ItemResult.rejected("no such patient here")) }
      answer(backend, .items(Dictionary(refused) { first, _ in first }))
    }
  }

  /// Asks and gives the answer.
  mutating func ask(_ request: ControlRequest) -> ControlAnswer? {
    requests += 1
    let id = RequestID(connection: 1, number: requests)
    hub.send(.asked(id, request, CallerName(uid: 0)))
    hub.sync()
    while let index = hub.done.firstIndex(where: { if case .load = $0 { true } else { false } }),
      case .load(let sequence) = hub.done.remove(at: index)
    {
      var found: Reading?
      if case .reading(let reading)? = hub.disk.first(where: { $0.sequence == sequence })?.entry { found = reading }
      hub.send(.loaded(sequence: sequence, found))
      hub.sync()
    }
    return hub.done.compactMap { if case .answer(id, let answer) = $0 { answer } else { nil } }.last
  }

  mutating func result(_ request: ControlRequest) -> JSONValue? {
    if case .result(let value)? = ask(request) { return value }
    return nil
  }

  mutating func waiting(_ backend: String) -> Int? {
    result(.backends)?["backends"]?.array?.first { $0["name"]?.string == backend }?["waiting"]?.int
  }
}

@Suite struct RefusalTests {
  @Test func aRefusedReadingIsListedWithTheReasonAlsoAfterARestart() {
    var house = House(readings: 4)
    let bad = house.hub.readings[2].id.description
    house.drain("a", refusing: bad)
    house.drain("b")
    for _ in 0..<2 {
      let parked = house.result(.parked)?["parked"]?.array ?? []
      #expect(parked.count == 1)
      #expect(parked.first?["id"]?.string == bad)
      #expect(parked.first?["backend"]?.string == "a")
      #expect(parked.first?["reason"]?.string == "no such patient here")
      // The second round: after a restart from a snapshot.
      house = House(readings: 0, disk: house.hub.disk)
    }
  }

  @Test func theReasonIsOnDiskBeforeTheAcknowledgement() {
    var house = House(readings: 1)
    house.drain("a", refusing: house.hub.readings[0].id.description)
    let kinds = house.hub.disk.map(\.entry.kind)
    guard let refusal = kinds.firstIndex(of: .refusal), let word = kinds.firstIndex(of: .acknowledgement) else {
      Issue.record("no refusal or no acknowledgement")
      return
    }
    #expect(refusal < word)
  }

  @Test func aRetryGoesToThatBackendAloneUnderTheSameIdentifier() {
    var house = House(readings: 3)
    let bad = house.hub.readings[1].id.description
    house.drain("a", refusing: bad)
    house.drain("b")
    #expect(house.waiting("a") == 0)
    let answer = house.result(.parkedRetry(id: String(bad.prefix(8)), backend: "a"))
    #expect(answer?["retrying"]?.bool == true)
    #expect(house.waiting("a") == 1)
    house.drain("b")
    #expect(house.delivery("a")?.map(\.id) == [bad])
    house.answer("a", .items([:]))
    house.drain("a")
    #expect(house.waiting("a") == 0)
    #expect(house.result(.parked)?["parked"]?.array == [])
  }

  @Test func aRetryThatIsRefusedAgainIsListedAgainAtItsFirstPlace() {
    var house = House(readings: 2)
    let bad = house.hub.readings[0].id.description
    house.drain("a", refusing: bad)
    let first = house.result(.parked)?["parked"]?.array?.first?["seq"]?.int
    _ = house.result(.parkedRetry(id: bad, backend: nil))
    house.drain("a", refusing: bad)
    let again = house.result(.parked)?["parked"]?.array ?? []
    #expect(again.count == 1)
    #expect(again.first?["seq"]?.int == first)
    #expect(house.waiting("a") == 0)
  }

  @Test func whatIsUnknownIsNotFound() {
    var house = House(readings: 1)
    for request in [
      ControlRequest.parkedRetry(id: "abcdef12", backend: nil), .parkedRetry(id: "abcdef12", backend: "c"),
    ] {
      guard case .failure(let error)? = house.ask(request) else {
        Issue.record("no failure")
        continue
      }
      #expect(error.code == "not-found")
    }
  }
}

@Suite struct ErasureDecisionTests {
  /// What a journal's thread does, on the hub's disk.
  private func erase(_ house: inout House) -> ErasureReport? {
    guard let index = house.hub.done.firstIndex(where: { if case .erase = $0 { true } else { false } }),
      case .erase(let patient) = house.hub.done.remove(at: index)
    else { return nil }
    var erasure = Erasure(patient: patient)
    func record(_ place: (sequence: UInt64, entry: JournalEntry)) -> JournalRecord {
      JournalRecord(
        sequence: place.sequence, kind: RecordKind(rawValue: place.entry.kind.rawValue), payload: place.entry.payload)
    }
    for place in house.hub.disk { erasure.learn(record(place)) }
    house.hub.disk.removeAll { erasure.decide(record($0)) == .drop }
    return ErasureReport(readings: erasure.readings, counted: erasure.counted.sorted(), left: [], error: nil)
  }

  @Test func everythingOfThePatientGoesAndNothingWaits() {
    var house = House(readings: 5)
    house.drain("a")
    #expect(house.waiting("b") == 5)
    #expect(house.ask(.erase(patient: "p-1")) == nil)
    guard let report = erase(&house) else {
      Issue.record("no effect")
      return
    }
    #expect(report.readings == 5)
    #expect(house.hub.readings.isEmpty)
    // Readings that are gone are known as such until the next start: a device may send them again.
    house.hub.comparesRestarts = false
    house.hub.send(.erased(patient: "p-1", report))
    house.hub.sync()
    house.hub.send(.filesErased(patient: "p-1", removes: false, []))
    house.hub.sync()
    let answers = house.hub.done.compactMap { if case .answer(_, .result(let value)) = $0 { value } else { nil } }
    #expect(answers.contains { $0["readings"]?.int == 5 && $0["configured"]?.array == ["cuff"] })
    #expect(house.waiting("a") == 0)
    // What was in flight to b is answered yet.
    house.drain("b")
    #expect(house.waiting("b") == 0)
    let audit = house.hub.disk.contains { if case .audit(0, "erase patient p-1") = $0.entry { true } else { false } }
    #expect(audit)
    // After a restart it is still so, and nothing is begun again.
    var again = House(readings: 0, disk: house.hub.disk)
    #expect(again.waiting("b") == 0)
    #expect(!again.hub.done.contains { if case .erase = $0 { true } else { false } })
  }

  @Test func aPowerCutInBetweenIsCompletedAtTheNextStart() {
    var house = House(readings: 2)
    _ = house.ask(.erase(patient: "p-1"))
    let again = Hub(.with([cuff], backends: backends), disk: house.hub.disk)
    #expect(again.atStart.contains { if case .erase(patient: "p-1") = $0 { true } else { false } })
  }

  @Test func aDiskThatRefusesIsToldAndTriedAgain() {
    var house = House(readings: 1)
    _ = house.ask(.erase(patient: "p-1"))
    house.hub.send(
      .erased(patient: "p-1", ErasureReport(readings: 1, counted: [], left: [], error: "pwrite x, errno 28")))
    house.hub.done.removeAll { if case .erase = $0 { true } else { false } }
    house.hub.pass(600_000)
    #expect(house.hub.done.contains { if case .erase(patient: "p-1") = $0 { true } else { false } })
  }
}

@Suite struct HubWatchTests {
  private var beats: WatchConfiguration {
    var watch = WatchConfiguration()
    watch.heartbeatEvery = 900_000
    watch.heartbeatTo = ["a"]
    return watch
  }

  private func heartbeat(_ items: [Deliverable]?) -> JSONValue? {
    guard let items, items.count == 1, let value = try? JSONReader(maximumSize: 1 << 16).value(items[0].json) else {
      return nil
    }
    return value["type"]?.string == "heartbeat" ? value : nil
  }

  @Test func itGoesToTheBackendThatWantsItAndIsNotStored() {
    var house = House(readings: 2, watch: beats)
    house.drain("a")
    house.drain("b")
    let records = house.hub.disk.count
    var ids: Set<String> = []
    for _ in 0..<3 {
      house.hub.pass(900_000)
      let beat = heartbeat(house.delivery("a"))
      #expect(beat?["clock_synchronised"]?.bool == true)
      #expect(beat?["queues"]?.array?.count == 2)
      if let id = beat?["id"]?.string { ids.insert(id) }
      house.answer("a", .items([:]))
      #expect(house.delivery("b") == nil)
    }
    #expect(ids.count == 3)
    #expect(house.hub.disk.count == records)
    #expect(house.waiting("a") == 0)
  }

  @Test func whileABackendIsAwayOnlyTheNewestWaits() {
    var house = House(readings: 0, watch: beats)
    house.hub.pass(900_000)
    var last = heartbeat(house.delivery("a"))
    #expect(last != nil)
    for _ in 0..<50 {
      house.answer("a", .unknown(code: "net.refused"))
      house.hub.pass(900_000)
      house.hub.pass(60_000)
      if let next = heartbeat(house.delivery("a")) { last = next }
    }
    house.answer("a", .items([:]))
    #expect((last?["uptime_seconds"]?.int ?? 0) >= 50 * 900)
    #expect(house.delivery("a") == nil)
    #expect(!house.hub.disk.contains { $0.entry.kind == .acknowledgement })
  }

  @Test func aReadingGoesBeforeAHeartbeat() {
    var house = House(readings: 1, watch: beats)
    #expect(house.delivery("a")?.map(\.isReading) == [true])
    house.hub.pass(900_000)
    house.answer("a", .items([:]))
    #expect(heartbeat(house.delivery("a")) != nil)
  }

  private func codes(_ house: House) -> [String] {
    house.hub.events.compactMap { event in
      switch event.content {
      case .hub(let code, _, let isOver): isOver ? "-" + code : code
      case .device(_, let code, _): code
      default: nil
      }
    }
  }

  @Test func aDiskThatFillsIsToldOnceAndWhenItHasRoom() {
    var house = House(readings: 0)
    var report = JournalReport(bytes: 0, segments: 1, maximumBytes: 100, damage: [])
    for percent in [50, 81, 85, 79, 90] {
      report.diskPercent = percent
      house.hub.send(.journalReport(report))
      house.hub.sync()
    }
    #expect(codes(house) == ["disk.nearly-full", "-disk.nearly-full", "disk.nearly-full"])
  }

  @Test func aClockThatStaysUnsureIsTold() {
    var house = House(readings: 0)
    house.hub.isSynchronised = false
    for _ in 0..<3 {
      house.hub.pass(3_600_000)
      house.hub.sync()
    }
    house.hub.isSynchronised = true
    house.hub.pass(3_600_000)
    house.hub.sync()
    #expect(codes(house) == ["clock.unsynchronised", "-clock.unsynchronised"])
  }

  /// It is told when it becomes true, not with the next hourly round; and so is its end.
  @Test func theClockIsToldToTheMinute() {
    var watch = WatchConfiguration()
    watch.clockAfter = 20 * 60_000
    var house = House(readings: 0, watch: watch)
    func events() -> [String] { codes(house) }
    house.hub.pass(70 * 60_000)
    house.hub.sync()
    house.hub.isSynchronised = false
    house.hub.pass(1000)
    house.hub.sync()
    #expect(events().isEmpty)
    // The hub wakes for it by itself.
    let wakes = house.hub.done.compactMap { if case .wake(let at) = $0 { at } else { nil } }
    #expect(wakes.last == house.hub.time + 20 * 60_000)
    house.hub.pass(20 * 60_000 - 1)
    house.hub.sync()
    #expect(events().isEmpty)
    house.hub.pass(1)
    house.hub.sync()
    #expect(events() == ["clock.unsynchronised"])
    house.hub.isSynchronised = true
    house.hub.send(.clockChanged)
    house.hub.sync()
    #expect(events() == ["clock.unsynchronised", "-clock.unsynchronised"])
  }

  @Test func aSilentDeviceIsToldOnce() {
    var watch = WatchConfiguration()
    watch.silentAfter = ["*": 7_200_000]
    var house = House(readings: 0, watch: watch)
    for _ in 0..<8 {
      house.hub.pass(3_600_000)
      house.hub.sync()
    }
    #expect(codes(house) == ["device.silent"])
  }

  @Test func aCrashIsTold() {
    var house = House(readings: 0)
    house.hub.send(.restartedAfter(.crash))
    house.hub.sync()
    #expect(codes(house) == ["daemon.restarted"])
  }

  @Test func theConfigurationIsChecked() throws {
    func read(_ watch: String) throws -> WatchConfiguration {
      let text = #"{"backends": [{"name": "gp", "type": "directory", "path": "/x"}], "watch": \#(watch)}"#
      return try ConfigurationFile.read(Array(text.utf8)).watch
    }
    let good = try read(#"{"heartbeat": {"every": "PT15M", "backends": ["gp"]}, "silent_after": {"*": "P3D"}}"#)
    #expect(good.heartbeatEvery == 900_000)
    #expect(good.heartbeatTo == ["gp"])
    #expect(good.silentAfter == ["*": 259_200_000])
    #expect(throws: JSONError.self) { try read(#"{"heartbeat": {"every": "PT15M", "backends": ["lab"]}}"#) }
    #expect(throws: JSONError.self) { try read(#"{"disk_percent": 100}"#) }
  }
}
