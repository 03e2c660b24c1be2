// A hub without battery clock: what came before its clock was set gets the right time or says that it has none, and is never
// lost or sent twice for it.

import ControlProtocol
import Drivers
import Exchange
@testable import GatewayCore
import JSON
import Monitoring
import Readings
import Settings
import Testing
import Zones
@testable import Ledger

private let backend = BackendConfiguration(
  name: "a", kind: .directory(path: "/a"), maximumReadings: 8, maximumBytes: 1 << 20)
private let cuff = Cuff.device(patient: "p-1")
private let scale = DeviceConfiguration(
  id: "scale", driver: "and-scale", endpoint: .serial(path: "/dev/x"), patient: "p-2")

/// 2026-11-21T08:15:30Z, and what a hub without battery clock shows then: the time at which it was last on, a month before.
private let right: Int64 = 1_795_248_930_000
private let wrong = right - 30 * 86_400_000

/// A hub whose journal answers, with a clock that is wrong at first.
private struct Dawn {
  var hub: Hub
  private var opened: Set<String> = []

  init(hold: Int64? = 900_000, disk: [(sequence: UInt64, entry: JournalEntry)] = [], time: Int64 = 0) {
    var configuration = Configuration.with([cuff, scale], backends: [backend])
    configuration.clockHold = hold
    hub = Hub(configuration, disk: disk, time: time, wall: wrong, isSynchronised: false)
    serve()
  }

  mutating func open(_ device: String) {
    hub.send(.linkOpened(device: device))
    if device == "cuff" { Cuff.converse(&hub, device) }
    serve()
  }

  /// The clock is set and synchronised.
  mutating func synchronise() {
    hub.wall = right
    hub.isSynchronised = true
    hub.send(.clockChanged)
    serve()
  }

  mutating func weigh(_ text: String) {
    let line = "ST,+\(text) kg\r\n"
    let lines = line + line + line + "ST,+00000.00 kg\r\nST,+00000.00 kg\r\n"
    hub.send(.linkReceived(device: "scale", Array(lines.utf8)))
    serve()
  }

  mutating func measure(_ systolic: UInt8) {
    hub.send(.linkReceived(device: "cuff", Cuff.indication(systolic: systolic)))
    serve()
  }

  mutating func pass(_ milliseconds: Int64) {
    hub.pass(milliseconds)
    serve()
  }

  /// The journal and the backend do what they are asked.
  mutating func serve() {
    hub.sync()
    while let index = hub.done.firstIndex(where: {
      switch $0 {
      case .fetch, .deliver, .load: true
      default: false
      }
    }) {
      switch hub.done.remove(at: index) {
      case .fetch(let request):
        let items = hub.disk.compactMap { place -> Deliverable? in
          guard case .reading(let reading) = place.entry, place.sequence > request.after, reading.patient != nil,
            reading.anchor == nil
          else { return nil }
          return Deliverable(
            sequence: place.sequence, id: reading.id.description, isReading: true, receivedAt: 0,
            json: place.entry.payload)
        }
        hub.send(
          .fetched(
            request, Array(items.prefix(request.maximumCount)), isAtEnd: items.count <= request.maximumCount))
      case .deliver(_, let lane, let items):
        delivered += items.compactMap { try? ReadingJSON.decode($0.json).reading }
        hub.send(.delivered(backend: "a", lane: lane, .items([:])))
      case .load(let sequence):
        var found: Reading?
        if case .reading(let reading)? = hub.disk.first(where: { $0.sequence == sequence })?.entry { found = reading }
        hub.send(.loaded(sequence: sequence, found))
      default: break
      }
      hub.sync()
    }
  }

  var delivered: [Reading] = []

  mutating func status(_ key: String) -> JSONValue? {
    hub.send(.asked(RequestID(connection: 1, number: 1), .status, CallerName(uid: 0)))
    for case .answer(_, .result(let value)) in hub.done.reversed() { return value[key] }
    return nil
  }
}

@Suite struct ClockHoldTests {
  @Test func aReadingWithoutOwnTimeIsStampedAnewWhenTheClockIsSet() {
    var dawn = Dawn()
    dawn.open("scale")
    dawn.hub.time += 40_000
    dawn.weigh("00072.50")
    #expect(dawn.delivered.isEmpty)
    #expect(dawn.status("held") == 1)
    #expect(dawn.status("stored") == 0)
    let first = dawn.hub.readings.first
    #expect(first?.timeQuality == .receivedUnsynced)
    dawn.pass(120_000)
    dawn.synchronise()
    #expect(dawn.delivered.count == 1)
    let reading = dawn.delivered.first
    #expect(reading?.id == first?.id)
    #expect(reading?.receivedAt.milliseconds == right + 40_000)
    #expect(reading?.takenAt?.milliseconds == right + 40_000)
    #expect(reading?.timeQuality == .received)
    #expect(reading?.observations == first?.observations)
    #expect(dawn.status("held") == nil)
    #expect(dawn.status("stored") == 1)
    // What the patient's plan looks back on has it once, at its right place.
    #expect(dawn.history("p-2") == [right + 40_000])
  }

  @Test func theStampOfADeviceIsHeldAgainstTheRightClock() {
    var dawn = Dawn()
    dawn.open("cuff")
    dawn.measure(128)
    #expect(dawn.delivered.isEmpty)
    dawn.synchronise()
    let reading = dawn.delivered.first
    #expect(reading?.timeQuality == .device)
    #expect(reading?.takenAt?.milliseconds == right - 30_000)
    #expect(reading?.flags.contains(.clockUnverified) == false)
  }

  @Test func aClockThatIsNotSetHoldsThemForAWhileOnly() {
    var dawn = Dawn()
    dawn.open("scale")
    dawn.open("cuff")
    dawn.weigh("00072.50")
    dawn.measure(128)
    dawn.pass(899_000)
    #expect(dawn.delivered.isEmpty)
    dawn.pass(1000)
    #expect(dawn.delivered.count == 2)
    #expect(dawn.delivered.map(\.timeQuality) == [.receivedUnsynced, .receivedUnsynced])
    #expect(dawn.delivered.last?.flags.contains(.clockUnverified) == true)
    // Later the clock is set: what went is not sent again.
    dawn.synchronise()
    #expect(dawn.delivered.count == 2)
  }

  @Test func aRestartInTheMiddleChangesNothing() {
    for fromSnapshot in [false, true] {
      var dawn = Dawn()
      dawn.open("scale")
      dawn.weigh("00072.50")
      dawn.hub.time += 60_000
      if fromSnapshot {
        dawn.hub.send(.journalRolled)
        dawn.hub.sync()
      }
      var again = Dawn(disk: dawn.hub.disk, time: dawn.hub.time)
      #expect(again.status("held") == 1)
      #expect(again.delivered.isEmpty)
      again.hub.time += 60_000
      again.synchronise()
      #expect(again.delivered.map { $0.receivedAt.milliseconds } == [right])
      #expect(again.status("waiting") == nil)
    }
  }

  @Test func anEarlierBootThatNeverHadTheTimeSaysSo() {
    var dawn = Dawn()
    dawn.open("scale")
    dawn.weigh("00072.50")
    var next = Dawn(disk: dawn.hub.disk)
    next.hub.bootID = "another"
    next.pass(1000)
    #expect(next.delivered.map(\.timeQuality) == [.receivedUnsynced])
    #expect(next.delivered.map { $0.receivedAt.milliseconds } == [wrong])
  }

  @Test func aDiskThatRefusesTheNewStampIsTriedAgain() {
    var dawn = Dawn()
    dawn.open("scale")
    dawn.weigh("00072.50")
    dawn.hub.wall = right
    dawn.hub.isSynchronised = true
    dawn.hub.send(.clockChanged)
    guard let index = dawn.hub.done.firstIndex(where: { if case .load = $0 { true } else { false } }),
      case .load(let sequence) = dawn.hub.done.remove(at: index)
    else {
      Issue.record("nothing is read")
      return
    }
    dawn.hub.send(.loaded(sequence: sequence, dawn.hub.readings.first))
    dawn.hub.refuse()
    #expect(dawn.delivered.isEmpty)
    dawn.pass(5000)
    #expect(dawn.delivered.map { $0.receivedAt.milliseconds } == [right])
  }

  @Test func aReadingOfNobodyWaitsForBoth() {
    var dawn = Dawn()
    dawn.hub.send(
      .configured(
        configuration(parking: true), zones: ["UTC": .utc], plans: [:]))
    dawn.open("scale")
    dawn.weigh("00072.50")
    dawn.synchronise()
    #expect(dawn.delivered.isEmpty)
    #expect(dawn.status("parked") == 1)
    dawn.hub.send(
      .asked(
        RequestID(connection: 1, number: 2),
        .assignReading(id: dawn.hub.readings[0].id.description, patient: "p-3"), CallerName(uid: 0)))
    dawn.serve()
    #expect(dawn.delivered.map(\.patient) == ["p-3"])
    #expect(dawn.delivered.map { $0.receivedAt.milliseconds } == [right])
  }

  @Test func onceSynchronisedNothingIsHeldInThatLife() {
    var dawn = Dawn()
    dawn.synchronise()
    dawn.hub.isSynchronised = false
    dawn.open("scale")
    dawn.weigh("00072.50")
    #expect(dawn.delivered.map(\.timeQuality) == [.receivedUnsynced])
  }

  @Test func aClockThatIsSetForwardAlthoughItWasRightIsTold() {
    var dawn = Dawn()
    dawn.synchronise()
    dawn.pass(60_000)
    let before = dawn.hub.events.count
    dawn.hub.wall += 3_600_000
    dawn.hub.send(.clockChanged)
    dawn.serve()
    let told = dawn.hub.events.dropFirst(before)
    #expect(told.count == 1)
    guard case .hub("clock.stepped", let message, _)? = told.first?.content else {
      Issue.record("\(told)")
      return
    }
    #expect(message == "the hub's clock was set forward by 3600 s although it was synchronised")
  }

  @Test func theConfigurationSaysHowLong() throws {
    let short = try ConfigurationFile.read(Array(#"{"clock": {"hold": "PT5M"}}"#.utf8))
    #expect(short.clockHold == 300_000)
    #expect(try ConfigurationFile.read(Array(#"{"clock": {"hold": "PT0S"}}"#.utf8)).clockHold == 0)
    #expect(try ConfigurationFile.read(Array("{}".utf8)).clockHold == nil)
    #expect(throws: JSONError.self) { try ConfigurationFile.read(Array(#"{"clock": {"hold": "soon"}}"#.utf8)) }
  }

  private func configuration(parking: Bool) -> Configuration {
    var nobody = scale
    if parking { nobody.patient = nil }
    var configuration = Configuration.with([nobody], backends: [backend])
    configuration.clockHold = 900_000
    return configuration
  }
}

extension Dawn {
  /// When the weights that a plan sees were taken.
  func history(_ patient: String) -> [Int64] {
    var state = LedgerState()
    for (sequence, entry) in hub.disk {
      _ = state.restore(kind: entry.kind, sequence: sequence, payload: entry.payload)
    }
    return state.history[patient]?.values[.weight]?.map(\.time) ?? []
  }
}

@Suite struct HostileSnapshotTests {
  @Test func numbersBeyondAllTimesAreLeftOut() {
    let far = "9223372036854775807"
    let text = """
      {"version":1,"stored":1,"cursors":{"a":{"through":1,"delivered":1,"refused":0,"ahead":[3],"limit":4}},
       "held":[{"id":"977eb427-747a-5fb6-9480-dbc747597340","seq":3,"boot_id":"b","monotonic":\(far)},
               {"id":"977eb427-747a-5fb6-9480-dbc747597341","seq":4,"boot_id":"b","monotonic":-1},
               {"id":"977eb427-747a-5fb6-9480-dbc747597342","seq":5,"boot_id":"b","monotonic":5}],
       "urgent":[[7,\(far)],[8,-5],[9,5],[10],[]]}
      """
    var state = LedgerState()
    let isRead = state.restore(kind: .snapshot, sequence: 1, payload: Array(text.utf8))
    #expect(isRead)
    #expect(state.held.values.map(\.sequence) == [5])
    #expect(state.urgent.map(\.sequence) == [9, 10])
    #expect(state.cursors["a"]?.ahead == [3] && state.cursors["a"]?.limit == 4)
    #expect(throws: JSONError.self) {
      try Quarantine(
        Array(#"{"version":1,"devices":[{"device":"a","crashes":1,"last":-9223372036854775808}]}"#.utf8))
    }
  }
}
