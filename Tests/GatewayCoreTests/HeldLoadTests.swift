// A scale whose load stays while the hub starts anew, is stopped, or is held up: one measurement. What it remembers is a record only
// when it changes.

import Drivers
@testable import GatewayCore
import JSON
import Journal
import Octets
import Readings
import Settings
import Testing
import Zones
@testable import Ledger

private let scale = DeviceConfiguration(
  id: "scale", driver: "and-scale", endpoint: .serial(path: "/dev/x"), patient: "p-1")

extension Hub {
  fileprivate mutating func say(_ text: String, _ count: Int = 1, every: Int64 = 100) {
    for _ in 0..<count {
      send(.linkReceived(device: "scale", Array((text + "\r\n").utf8)))
      pass(every)
      sync()
    }
  }

  fileprivate var values: [String] {
    readings.compactMap { $0.observations[0].value.decimal?.description }
  }

  fileprivate var loads: [KeptLoad?] {
    disk.compactMap { if case .heldLoad(_, let load) = $0.entry { .some(load) } else { nil } }
  }
}

@Suite struct HeldLoadTests {
  private let full = "ST,+00080.00 kg"
  private let empty = "ST,+00000.00 kg"

  /// A hub on the same disk, as a start makes it.
  private func restarted(_ hub: Hub, after milliseconds: Int64 = 20_000) -> Hub {
    var again = Hub(.with([scale]), disk: hub.disk, time: hub.time + milliseconds)
    again.send(.linkOpened(device: "scale"))
    again.sync()
    return again
  }

  @Test func oneWeighingOverRestartsKillsAndReplugsIsOneReading() {
    var hub = Hub(.with([scale]))
    hub.send(.linkOpened(device: "scale"))
    hub.say(full, 50)
    // An orderly stop gives what was agreed on.
    hub.send(.stopRequested)
    hub.sync()
    #expect(hub.values == ["80.00"] && hub.loads.count == 1)
    for _ in 0..<3 {
      hub = restarted(hub)
      hub.say(full, 150)
    }
    hub.send(.linkClosed(device: "scale", LinkEnd(code: "hang-up", message: "the port is gone")))
    hub.pass(5000)
    hub.send(.linkOpened(device: "scale"))
    hub.say(full, 150)
    #expect(hub.values == ["80.00"] && hub.loads.count == 1)
    hub.say(empty, 5)
    #expect(hub.loads.count == 2 && hub.loads.last == .some(nil))
    hub.say(full, 5)
    hub.say(empty, 5)
    #expect(hub.values == ["80.00", "80.00"])
    #expect(hub.loads.count == 2, "a load that left before its time needs no record")
  }

  @Test func aReloadThatChangesThePatientKeepsTheLoad() {
    var hub = Hub(.with([scale]))
    hub.send(.linkOpened(device: "scale"))
    hub.say(full, 150)
    var other = scale
    other.patient = "p-2"
    hub.send(.configured(.with([other]), zones: ["UTC": .utc], plans: [:]))
    hub.sync()
    hub.send(.linkOpened(device: "scale"))
    hub.say(full, 150)
    #expect(hub.readings.map(\.patient) == ["p-1"])
  }

  @Test func whatAPrintedLineToldIsForgottenByTheNextDay() {
    var hub = Hub(.with([scale]))
    hub.send(.linkOpened(device: "scale"))
    hub.say("ST,+00072.15 kg", 1, every: 4000)
    #expect(hub.values == ["72.15"])
    var soon = restarted(hub, after: 60_000)
    soon.say("ST,+00072.15 kg", 1, every: 4000)
    #expect(soon.values == ["72.15"])
    var tomorrow = restarted(hub, after: 86_400_000)
    tomorrow.say("ST,+00072.15 kg", 1, every: 4000)
    #expect(tomorrow.values == ["72.15", "72.15"])
  }

  @Test func snapshotsCarryItAndOldOnesLoad() throws {
    var state = LedgerState()
    #expect(!String(decoding: state.encoded, as: UTF8.self).contains("held_loads"))
    #expect(LedgerState(state.encoded)?.heldLoads == [:])
    state.heldLoads["scale"] = KeptLoad(HeldLoad(milligrams: 80_000_000, isStreamed: true), at: 1_795_248_930_000)
    #expect(LedgerState(state.encoded)?.heldLoads == state.heldLoads)
    for entry in [
      JournalEntry.heldLoad(device: "scale", state.heldLoads["scale"]), .heldLoad(device: "scale", nil),
    ] {
      #expect(JournalEntry(kind: .heldLoad, payload: entry.payload) == entry)
    }
    // Nonsense is no load.
    let payload = Array(#"{"device":"scale","load":{"mg":-1,"streamed":true,"at":0}}"#.utf8)
    #expect(JournalEntry(kind: .heldLoad, payload: payload) == .heldLoad(device: "scale", nil))
  }

  @Test func anErasureTakesThePatientsLoadsAndNobodys() throws {
    var state = LedgerState()
    let load = HeldLoad(milligrams: 80_000_000, isStreamed: true)
    for (device, patient) in [("a", "p-1"), ("b", "p-2"), ("c", nil)] as [(String, String?)] {
      state.heldLoads[device] = KeptLoad(load, at: 5, patient: patient)
    }
    state.apply(.erase(patient: "p-1"), at: 1)
    #expect(state.heldLoads.keys.sorted() == ["b"])
    // The same in the journal, where an earlier record must not count again.
    let erasure = Erasure(patient: "p-1")
    func rewritten(_ entry: JournalEntry) -> RecordRewrite {
      erasure.decide(
        JournalRecord(
          sequence: 1, kind: RecordKind(rawValue: entry.kind.rawValue), payload: entry.payload))
    }
    let none = JournalEntry.heldLoad(device: "a", nil)
    #expect(rewritten(.heldLoad(device: "a", KeptLoad(load, at: 5, patient: "p-1"))) == .replace(none.payload))
    #expect(rewritten(.heldLoad(device: "a", KeptLoad(load, at: 5))) == .replace(none.payload))
    #expect(rewritten(.heldLoad(device: "a", KeptLoad(load, at: 5, patient: "p-2"))) == .keep)
    #expect(rewritten(none) == .keep)
  }

  @Test func theRecordSaysWhoseWeightItWas() {
    var hub = Hub(.with([scale]))
    hub.send(.linkOpened(device: "scale"))
    hub.say(full, 150)
    #expect(hub.loads.map { $0?.patient } == ["p-1"])
  }

  @Test func anotherDeviceUnderItsNameForgetsIt() {
    var state = LedgerState()
    state.heldLoads["scale"] = KeptLoad(HeldLoad(milligrams: 80_000_000, isStreamed: true), at: 0)
    let record = DeviceRecord(
      id: "scale", device: DeviceConfiguration(id: "scale", driver: "cas", endpoint: .serial(path: "/dev/y")))
    state.apply(.device(record), at: 2)
    #expect(state.heldLoads.isEmpty)
  }

  @Test func theNewestSixtyFourAreRemembered() {
    var state = LedgerState()
    for number in 0..<200 {
      let load = KeptLoad(HeldLoad(milligrams: 80_000_000, isStreamed: true), at: Int64(number))
      state.apply(.heldLoad(device: "scale-\(number)", load), at: UInt64(number))
    }
    #expect(state.heldLoads.values.map(\.at).sorted() == Array(136..<200))
    // A clock that was set back takes nothing from the scale that speaks.
    state.apply(.heldLoad(device: "late", KeptLoad(HeldLoad(milligrams: 1, isStreamed: true), at: 0)), at: 200)
    #expect(state.heldLoads["late"] != nil && state.heldLoads.count == KeptLoad.most)
  }

  /// A hub of a version before this record passes over it, and over what snapshots have of it.
  @Test func anOlderHubPassesOverIt() {
    #expect(JournalEntry.Kind.heldLoad.rawValue == 28)
    #expect(JournalEntry.Kind.allCases.allSatisfy { !RecordKind(rawValue: $0.rawValue).isCritical })
    var state = LedgerState()
    let before = state
    let later = JournalRecord(sequence: 1, kind: RecordKind(rawValue: 127), payload: Array("{}".utf8))
    #expect(state.restore(later) == .unknown && state == before)
    let snapshot = String(decoding: state.encoded, as: UTF8.self).dropLast() + #","of_later":{"scale":{"mg":1}}}"#
    #expect(LedgerState(Array(snapshot.utf8)) == before)
  }
}

/// A daemon that is stopped for a while gets what came meanwhile in one piece, before its timers run out.
@Suite struct HeldUpTests {
  /// What a scale says, by time; the driver is asked nothing.
  struct Weighing: Sendable, CustomTestStringConvertible {
    var driver: String
    var model: String?
    var lines: [(at: Int64, text: String)]
    var values: [String]
    var testDescription: String { driver + " " + values.joined(separator: ", ") }

    /// Lines, each so many times at a rate.
    init(_ driver: String, every: Int64, _ parts: [(String, Int)], _ values: [String], model: String? = nil) {
      self.driver = driver
      self.model = model
      self.values = values
      var at: Int64 = 0
      lines = []
      for (text, count) in parts {
        for _ in 0..<count {
          if !text.isEmpty { lines.append((at, text)) }
          at += every
        }
      }
    }
  }

  private static func packet(_ weight: String) -> String { "\u{1B}R\u{1B}I0\u{1B}W\(weight)\u{1B}H0.0\u{1B}Nm\u{1B}E" }

  static let all: [Weighing] = [
    // Ten lines a second, and one.
    Weighing(
      "and-scale", every: 100,
      [
        ("ST,+00000.00 kg\r\n", 20), ("US,+00041.30 kg\r\n", 6), ("ST,+00072.15 kg\r\n", 60),
        ("US,+00031.00 kg\r\n", 5),
        ("ST,+00000.00 kg\r\n", 60), ("US,+00044.00 kg\r\n", 6), ("ST,+00064.40 kg\r\n", 60),
        ("ST,+00000.00 kg\r\n", 200),
      ], ["72.15", "64.40"]),
    Weighing(
      "cas", every: 1000,
      [
        ("US,GS,+  40.00kg\r\n", 2), ("ST,GS,+  72.15kg\r\n", 8), ("ST,GS,+   0.00kg\r\n", 8),
        ("ST,GS,+  64.40kg\r\n", 6),
        ("ST,GS,+   0.00kg\r\n", 10),
      ], ["72.15", "64.40"]),
    // A locked weight each second, then nothing.
    Weighing("healthometer-esc", every: 1000, [(packet("72.1"), 8), ("", 20)], ["72.1"]),
    Weighing(
      "healthometer-esc", every: 250,
      [(packet("0.0"), 8), (packet("31.0"), 2), (packet("72.1"), 24), (packet("0.0"), 40)],
      ["72.1"], model: "597KL"),
    // Somebody presses PRINT.
    Weighing("and-scale", every: 1000, [("ST,+00072.15 kg\r\n", 1), ("", 12)], ["72.15"]),
    Weighing(
      "toledo-8217", every: 1000,
      [("\u{02}000.00\r", 3), ("\u{02}?A\r", 2), ("\u{02}072.15\r", 8), ("\u{02}000.00\r", 6)], ["72.15"],
      model: "8217 kg"),
  ]

  /// Runs it with the loop held up from a moment for a while.
  private func run(_ weighing: Weighing, stop: Int64, _ length: Int64) throws -> [String] {
    let profile = try #require(Registry.profile(id: weighing.driver))
    var session = LinkSession(profile: profile, context: DriverContext(model: weighing.model))
    var readings: [DeviceReading] = []
    readings += session.opened(at: 0).readings
    var waiting: [UInt8] = []
    let end = (weighing.lines.last?.at ?? 0) + 60_000
    var next = 0
    var now: Int64 = 0
    while now < end {
      // The next thing that happens: a line, or a timer.
      let line = next < weighing.lines.count ? weighing.lines[next].at : end
      now = min(line, session.nextDeadline ?? end, end)
      let isStopped = now > stop && now < stop + length
      let moment = isStopped ? stop + length : now
      while next < weighing.lines.count, weighing.lines[next].at <= moment {
        waiting += Array(weighing.lines[next].text.utf8)
        next += 1
      }
      now = moment
      // Octets first, then timers.
      if !waiting.isEmpty {
        readings += session.received(waiting, at: now).readings
        waiting = []
      }
      readings += session.due(at: now).readings
    }
    readings += session.closed(at: now).readings
    return readings.map {
      ($0.observations[0].reported?.value ?? $0.observations[0].value.decimal ?? .zero).description
    }
  }

  @Test(arguments: all, [1000, 5000, 40_000] as [Int64])
  func aStopAtAnyMomentChangesNothing(_ weighing: Weighing, _ length: Int64) throws {
    #expect(try run(weighing, stop: -2, 1) == weighing.values)
    let end = (weighing.lines.last?.at ?? 0) + 5000
    for stop in stride(from: Int64(0), to: end, by: 250) {
      let found = try run(weighing, stop: stop, length)
      #expect(found == weighing.values, "\(weighing.driver), stopped at \(stop) for \(length): \(found)")
    }
  }
}

/// Values that are measured now have the time of reception; the device's clock is told where it is wrong.
@Suite struct LiveTimeTests {
  private let device = DeviceConfiguration(
    id: "oximeter", driver: "masimo-ascii1", endpoint: .serial(path: "/dev/x"), patient: "p-1")

  private func spotCheck(_ stamp: String, isSynchronised: Bool = true) -> Hub {
    var hub = Hub(.with([device]), isSynchronised: isSynchronised)
    hub.send(.linkOpened(device: "oximeter"))
    for _ in 0..<12 {
      let line = "\(stamp) SN=0000056661 SPO2=084% BPM=097 PI=03.60% ALARM=0000 EXC=000800\r\n"
      hub.send(.linkReceived(device: "oximeter", Array(line.utf8)))
      hub.pass(1000)
      hub.sync()
    }
    return hub
  }

  private func codes(_ hub: Hub) -> [String] {
    hub.events.compactMap { if case .device(_, let code, _) = $0.content { code } else { nil } }
  }

  @Test(arguments: ["03/19/05 13:37:12", "02/22/16 22:47:45", "05/01/21 10:00:00", "11/21/26 07:15:30"])
  func aWrongClockGivesTheTimeOfReceptionAndIsTold(_ stamp: String) throws {
    let hub = spotCheck(stamp)
    let reading = try #require(hub.readings.first)
    #expect(reading.takenAt == reading.receivedAt && reading.timeQuality == .received)
    #expect(!reading.flags.contains(.clockUnverified) && !reading.flags.contains(.clockNotSet))
    #expect(reading.deviceTime != nil)
    #expect(codes(hub) == ["device.clock-wrong"])
  }

  @Test func aClockThatIsProvenRightCounts() throws {
    let hub = spotCheck("11/21/26 08:15:39")
    let reading = try #require(hub.readings.first)
    #expect(reading.timeQuality == .device && codes(hub).isEmpty)
  }

  @Test func aHubWithoutTimeTakesNoStampOfALiveValue() throws {
    let hub = spotCheck("05/01/21 10:00:00", isSynchronised: false)
    let reading = try #require(hub.readings.first)
    #expect(reading.takenAt == reading.receivedAt && reading.timeQuality == .receivedUnsynced)
    // When the clock is set, it is the time of reception still.
    let restamped = Intake.restamp(reading, received: reading.receivedAt.milliseconds + 3_600_000, zone: .utc)
    #expect(restamped.takenAt?.milliseconds == reading.receivedAt.milliseconds + 3_600_000)
    #expect(restamped.timeQuality == .received)
  }
}

/// A waiting-room cuff whose clock is an hour off: what is measured in a session is the session's.
@Suite struct WaitingRoomTests {
  private func frame(_ minute: String, _ systolic: String) -> [UInt8] {
    let fields = ["TM2655", minute, "RB", "M", "E00", "S\(systolic)", "M 95", "D 80", "P 72", "I00", "L000", ""]
    let text = Array(fields.joined(separator: "\u{1E}").utf8)
    return [0x16, 0x16, 0x01, 0x30, 0x30, 0x02] + text + [0x03, Checksum.xor8(text)]
  }

  /// An hour behind, right, an hour ahead; by itself, or as the answer to a question.
  @Test(arguments: ["2611210715", "2611210815", "2611210915"], [true, false])
  func theFirstResultIsNowIfItCameByItself(_ stamp: String, _ isAnswer: Bool) throws {
    let device = DeviceConfiguration(
      id: "cuff", driver: "and-tm265x", endpoint: .serial(path: "/dev/x"), patient: "p-1")
    var hub = Hub(.with([device]))
    hub.send(.linkOpened(device: "cuff"))
    hub.pass(isAnswer ? 100 : 5000)
    for _ in 0..<2 {
      hub.send(.linkReceived(device: "cuff", frame(stamp, "128")))
      hub.pass(100)
      hub.sync()
    }
    let reading = try #require(hub.readings.first)
    #expect(hub.readings.count == 1)
    #expect(reading.flags.contains(.fromStorage) == isAnswer)
    if !isAnswer { #expect(abs((reading.takenAt?.milliseconds ?? 0) - reading.receivedAt.milliseconds) <= 60_000) }
  }
}
