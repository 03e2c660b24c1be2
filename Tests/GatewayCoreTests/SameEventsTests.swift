// Whatever is sent twice and wherever the hub starts anew: people hear the same, once.

@testable import GatewayCore
import Monitoring
import Readings
import Testing
import Zones
@testable import Ledger

private let hour: Int64 = 3_600_000

private let plan: Plan = {
  func limit(_ zone: Zone, _ comparison: ZoneLimit.Comparison, _ value: Int64) -> ZoneLimit {
    ZoneLimit(zone, [.init(comparison, ExactDecimal(value))])
  }
  var quiet = Rule(
    id: "quiet", kind: BandRule(measure: .systolic, zones: [limit(.yellow, .atLeast, 150)]))
  quiet.quiet = 3 * hour
  return Plan(
    patient: "p-1", version: 1, liveWindow: 2 * hour,
    rules: [
      Rule(
        id: "extreme",
        kind: BandRule(
          measure: .systolic, zones: [limit(.red, .atLeast, 180), limit(.yellow, .atLeast, 160)],
          hysteresis: ExactDecimal(5), confirm: Confirmation(count: 2, within: 300_000))),
      quiet,
      Rule(
        id: "climb",
        kind: DeltaRule(measure: .systolic, reference: .min, window: 4 * hour, zones: [limit(.yellow, .atLeast, 30)])),
      Rule(
        id: "often",
        kind: ConsecutiveRule(measure: .systolic, k: 2, of: 3, zones: [limit(.yellow, .atLeast, 155)])),
      Rule(
        id: "gap", kind: MissingRule(measure: .systolic, schedule: .interval(2 * hour), zone: .yellow)),
    ])
}()

private let cuff = Cuff.device(users: [1: "p-1"])

/// A small generator: the same seed, the same story.
private struct Dice {
  var state: UInt64
  mutating func roll(_ sides: UInt64) -> UInt64 {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return (state >> 33) % sides
  }
}

/// An indication of 2A35 at so many minutes after 2026-11-21T08:15.
private func indication(_ systolic: UInt8, minute: Int) -> [UInt8] {
  var octets = Cuff.indication(systolic: systolic)
  let total = 8 * 60 + 15 + minute
  octets[13] = UInt8(21 + total / 1440)
  octets[14] = UInt8(total / 60 % 24)
  octets[15] = UInt8(total % 60)
  return octets
}

private struct Steps {
  /// Minutes, and the pressure that is measured then.
  var readings: [(minute: Int, systolic: UInt8)] = []

  init(_ dice: inout Dice) {
    var minute = 0
    for _ in 0..<14 {
      minute += [2, 4, 20, 90, 170][Int(dice.roll(5))]
      readings.append((minute, UInt8(110 + dice.roll(90))))
    }
  }

  /// Each event as its rule, kind, zone and reading, and the minute of those that time alone brought about.
  func events(doubling: Bool, restarting: Bool, _ dice: inout Dice) -> [String] {
    var hub = Hub(.with([cuff]), plans: [plan])
    func connect() {
      hub.send(.linkOpened(device: "cuff"))
      hub.done.removeAll()
      hub.send(.linkClosed(device: "cuff", LinkEnd(code: "x", message: "")))
      hub.done.removeAll()
      Cuff.connect(&hub)
    }
    connect()
    // Long enough after the start that what is missing is called so.
    for minute in 1...1800 {
      hub.pass(60_000)
      hub.sync()
      if restarting, dice.roll(40) == 0 {
        hub = Hub(.with([cuff]), plans: [plan], disk: hub.disk, keyFile: hub.keyFile, time: hub.time)
        connect()
      }
      for (index, step) in readings.enumerated() where step.minute == minute {
        hub.send(.linkReceived(device: "cuff", indication(step.systolic, minute: minute)))
        hub.sync()
        guard doubling else { continue }
        for _ in 0..<dice.roll(4) {
          let earlier = readings[Int(dice.roll(UInt64(index + 1)))]
          hub.send(.linkReceived(device: "cuff", indication(earlier.systolic, minute: earlier.minute)))
          hub.sync()
        }
      }
    }
    return hub.events.compactMap { event in
      event.monitoring.map { "\($0.rule) \($0.kind.rawValue) \($0.zone.rawValue) \($0.count)" }
    }
  }
}

@Suite struct SameEventsTests {
  @Test(arguments: 1...6)
  func duplicatesAndRestartsChangeNothing(seed: UInt64) {
    var dice = Dice(state: seed)
    let steps = Steps(&dice)
    let plain = steps.events(doubling: false, restarting: false, &dice)
    #expect(!plain.isEmpty)
    let doubled = steps.events(doubling: true, restarting: false, &dice)
    #expect(doubled == plain)
    // A start brings a quarter of an hour in which nothing is called missing; what is missing is told after it.
    let restarted = steps.events(doubling: true, restarting: true, &dice)
    #expect(restarted.sorted() == plain.sorted())
  }

  /// A clinic's hub: no record of the snapshot is longer than the journal takes, and the newest of everybody is in it.
  @Test func aSnapshotOfManyPatientsFitsIntoTheJournal() {
    var history = PatientHistory()
    history.values[.weight] = .init(
      (0..<365).map {
        .init(time: $0 * 86_400_000, id: UInt64.max - UInt64($0), value: ExactDecimal(80))
      })
    var state = LedgerState()
    for patient in 0..<400 { state.history["p-\(patient)"] = history }
    let (restored, octets, longest) = state.throughSnapshot
    #expect(longest < 1 << 20)
    #expect(octets < 4 << 20)
    #expect(restored.history.count == 400)
    #expect(restored.history["p-7"]?.values[.weight]?.last == history.values[.weight]?.last)
    #expect(restored.history["p-7"]?.values[.weight]?.count ?? 0 >= 40)
  }

  @Test func aSnapshotHoldsAllThatRulesNeed() {
    var dice = Dice(state: 7)
    let steps = Steps(&dice)
    var replay = PlanReplay(plan: plan, zone: .utc, start: 0)
    for step in steps.readings {
      let time = Timestamp(milliseconds: Int64(step.minute) * 60_000, offsetSeconds: 0)
      replay.take(
        Reading(
          id: ReadingID(high: 0, low: UInt64(step.minute)), kind: .bloodPressure,
          observations: [
            Observation(.systolic, .value(ExactDecimal(Int64(step.systolic))), unit: .millimetreOfMercury)
          ],
          flags: [], takenAt: time, timeQuality: .device, deviceTime: nil, receivedAt: time, user: nil, patient: "p-1",
          device: DeviceIdentity(id: "cuff", transport: .ble), evaluation: nil, raw: RawSource(source: "t", octets: [])),
        at: time.milliseconds)
      var state = LedgerState()
      state.rules["p-1"] = replay.state.rules.isEmpty ? nil : replay.state
      state.history["p-1"] = replay.history
      var restored = LedgerState()
      let isRead = restored.restore(kind: .snapshot, sequence: 1, payload: state.encoded)
      #expect(isRead)
      #expect(restored.rules == state.rules)
      #expect(restored.history == state.history)
    }
  }
}
