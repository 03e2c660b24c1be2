// The order of delivery takes no word from anybody: a backlog in any order, with duplicates, over any restarts, leaves the rules where
// they stood and tells at least what the right order tells; over single values exactly that. More is told where half of a backlog
// looks worse than all of it: nobody waits for what may come.

import Monitoring
import Readings
import Testing
import Zones

private let day: Int64 = 86_400_000
private let now: Int64 = 1_795_248_000_000

/// A small generator: the same seed, the same story.
private struct Dice: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return state ^ (state >> 29)
  }
}

private let rules: [Rule] = {
  func limit(_ zone: Zone, _ comparison: ZoneLimit.Comparison, _ value: Int64) -> ZoneLimit {
    ZoneLimit(zone, [.init(comparison, ExactDecimal(value))])
  }
  func delta(_ reference: DeltaRule.Reference, _ points: Int) -> Rule {
    Rule(
      id: "delta.\(reference.rawValue)",
      kind: .delta(
        DeltaRule(
          measure: .systolic, reference: reference, window: 3 * day, minimumPoints: points,
          zones: [limit(.yellow, .atLeast, 25), limit(.red, .atLeast, 45)])))
  }
  return [
    Rule(id: "band", kind: .band(BandRule(measure: .systolic, zones: [limit(.red, .atLeast, 175)]))),
    delta(.min, 2), delta(.first, 3), delta(.median, 4), delta(.lastPreviousDay, 2),
    Rule(
      id: "mean",
      kind: .average(
        AverageRule(
          measures: [.systolic], window: 7 * day, dropsFirstDay: true, minimumCount: 5,
          zones: [.init(zone: .yellow, comparison: .atLeast, limits: [ExactDecimal(141)])]))),
    Rule(
      id: "often",
      kind: .consecutive(ConsecutiveRule(measure: .systolic, k: 3, of: 4, zones: [limit(.yellow, .atLeast, 145)]))),
    Rule(
      id: "pulse",
      kind: .bits(BitsRule(readingKind: .bloodPressure, flags: [.irregularPulse], k: 2, of: 3, zone: .yellow))),
  ]
}()

private func plan(_ rules: [Rule]) -> Plan { Plan(patient: "p", version: 1, liveWindow: 7_200_000, rules: rules) }

/// `count` readings of the twelve days before `end`.
private func story(_ dice: inout Dice, count: Int, end: Int64) -> [Reading] {
  var times: Set<Int64> = []
  while times.count < count { times.insert(end - Int64(dice.next() % UInt64(12 * day))) }
  return times.sorted().enumerated().map { index, at in
    let time = Timestamp(milliseconds: at, offsetSeconds: 0)
    let value = ExactDecimal(Int64(110 + dice.next() % 60))
    return Reading(
      id: ReadingID(high: 0, low: UInt64(index + 1)), kind: .bloodPressure,
      observations: [Observation(.systolic, .value(value), unit: .millimetreOfMercury)],
      flags: dice.next() % 4 == 0 ? [.irregularPulse] : [], takenAt: time, timeQuality: .device, deviceTime: nil,
      receivedAt: time, user: nil, patient: "p", device: DeviceIdentity(id: "d", transport: .ble), evaluation: nil,
      raw: RawSource(source: "t", octets: []))
  }
}

/// What is told of readings in the order in which they come, with duplicates, over restarts.
private func deliver(_ readings: [Reading], _ plan: Plan, _ dice: inout Dice, doubles: Bool, restarts: Bool) -> (
  told: Set<String>, state: PatientState, history: PatientHistory
) {
  var replay = PlanReplay(plan: plan, zone: .utc, start: now)
  var told: [PlanReplay.Told] = []
  for (index, reading) in readings.enumerated() {
    replay.take(reading, at: now + Int64(index))
    if doubles, dice.next() % 3 == 0, let again = readings[...index].randomElement(using: &dice) {
      replay.take(again, at: now + Int64(index))
    }
    if restarts, dice.next() % 4 == 0 {
      told += replay.told
      // What the journal gives back; what is sent again after it is known by its identifier.
      replay = PlanReplay(
        plan: plan, zone: .utc, start: now + Int64(index), state: replay.state, history: replay.history)
    }
  }
  told += replay.told
  return (
    Set(told.map { "\($0.event.rule) \($0.event.kind.rawValue) \($0.event.zone.rawValue) \($0.event.count)" }),
    replay.state, replay.history
  )
}

extension PatientState {
  /// Where rules stand, without the moment at which people heard.
  fileprivate var standing: [String: String] {
    rules.filter { $0.value.phase != .normal }.mapValues { "\($0.phase.rawValue) \($0.zone.rawValue)" }
  }
}

@Suite struct OrderTests {
  /// In the right order duplicates and restarts change nothing at all.
  @Test(arguments: 1...60)
  func duplicatesAndRestartsChangeNothing(seed: UInt64) {
    var dice = Dice(state: seed &* 5_003)
    let readings = story(&dice, count: 4 + Int(seed % 17), end: now - 60_000)
    let plain = deliver(readings, plan(rules), &dice, doubles: false, restarts: false)
    for _ in 0..<6 {
      let other = deliver(readings, plan(rules), &dice, doubles: true, restarts: true)
      #expect(other.told == plain.told)
      #expect(other.state.standing == plain.state.standing)
    }
  }

  @Test(arguments: 1...60)
  func aBacklogInAnyOrderLosesNothing(seed: UInt64) {
    var dice = Dice(state: seed &* 77_777)
    // The newest is older than the live window: all of it is history.
    let readings = story(&dice, count: 4 + Int(seed % 17), end: now - day)
    let inOrder = deliver(readings, plan(rules), &dice, doubles: false, restarts: false)
    for _ in 0..<12 {
      let shuffled = readings.shuffled(using: &dice)
      let other = deliver(shuffled, plan(rules), &dice, doubles: true, restarts: true)
      #expect(other.told.isSuperset(of: inOrder.told))
      func single(_ told: Set<String>) -> Set<String> { told.filter { $0.hasPrefix("band") } }
      #expect(single(other.told) == single(inOrder.told))
      #expect(other.state.standing == inOrder.state.standing)
      #expect(other.history == inOrder.history)
    }
  }

  /// The newest is of now: whether the others came before or after it, what it is held against is the same.
  @Test(arguments: 1...60)
  func whatIsSoNowIsRaisedWhateverCameFirst(seed: UInt64) {
    var dice = Dice(state: seed &* 33_331)
    var readings = story(&dice, count: 4 + Int(seed % 13), end: now - 3 * 3_600_000)
    var newest = readings[readings.count - 1]
    newest.id = ReadingID(high: 0, low: 999)
    newest.takenAt = Timestamp(milliseconds: now - 60_000, offsetSeconds: 0)
    newest.observations = [Observation(.systolic, .value(ExactDecimal(168)), unit: .millimetreOfMercury)]
    newest.flags = [.irregularPulse]
    readings.append(newest)
    func raised(_ told: Set<String>) -> Set<String> { told.filter { $0.contains(" raised ") } }
    let inOrder = deliver(readings, plan(rules), &dice, doubles: false, restarts: false)
    for _ in 0..<12 {
      let other = deliver(readings.shuffled(using: &dice), plan(rules), &dice, doubles: true, restarts: true)
      #expect(other.state.standing.keys.sorted() == inOrder.state.standing.keys.sorted())
      #expect(
        Set(raised(inOrder.told).compactMap { $0.split(separator: " ").first }).isSubset(
          of: Set(raised(other.told).compactMap { $0.split(separator: " ").first })))
    }
  }
}
