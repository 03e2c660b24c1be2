// The order of delivery takes no word from anybody and adds none: a backlog in any order, with duplicates, over any restarts, tells
// what the right order tells and leaves the rules where that leaves them.

import Monitoring
import Readings
import Testing
import Zones

private let day: Int64 = 86_400_000
private let now: Int64 = 1_795_248_000_000

private func limit(_ zone: Zone, _ comparison: ZoneLimit.Comparison, _ value: Int64) -> ZoneLimit {
  ZoneLimit(zone, [.init(comparison, ExactDecimal(value))])
}

private func delta(_ reference: DeltaRule.Reference, _ points: Int, slack: Int64 = 0) -> Rule {
  Rule(
    id: "delta.\(reference)",
    kind: DeltaRule(
      measure: .systolic, reference: reference, window: 3 * day, minimumPoints: points,
      zones: [limit(.yellow, .atLeast, 25), limit(.red, .atLeast, 45)], hysteresis: ExactDecimal(slack)))
}

private let rules: [Rule] = [
  Rule(id: "band", kind: BandRule(measure: .systolic, zones: [limit(.red, .atLeast, 160)])),
  Rule(
    id: "band.confirmed",
    kind: BandRule(
      measure: .systolic, zones: [limit(.yellow, .atLeast, 155)], hysteresis: ExactDecimal(5),
      confirm: Confirmation(count: 2, within: 300_000))),
  delta(.min, 2, slack: 5), delta(.first, 3), delta(.median, 4), delta(.lastPreviousDay, 2),
  Rule(
    id: "mean",
    kind: AverageRule(
      measures: [.systolic, .pulse], window: 7 * day, dropsFirstDay: true, minimumCount: 5,
      zones: [.init(zone: .yellow, comparison: .atLeast, limits: [ExactDecimal(141), ExactDecimal(92)])])),
  Rule(
    id: "often",
    kind: ConsecutiveRule(measure: .systolic, k: 3, of: 4, zones: [limit(.yellow, .atLeast, 145)])),
  Rule(
    id: "pulse",
    kind: BitsRule(readingKind: .bloodPressure, flags: [.irregularPulse], k: 2, of: 3, zone: .yellow)),
  Rule(
    id: "morning",
    kind: ConsecutiveRule(measure: .systolic, k: 2, of: 3, zones: [limit(.yellow, .atLeast, 140)]),
    hours: [DayHours(from: 300, to: 720)]),
  Rule(
    id: "quiet",
    kind: ConsecutiveRule(measure: .systolic, k: 1, of: 2, zones: [limit(.yellow, .atLeast, 150)])),
  Rule(
    id: "weight.band",
    kind: BandRule(measure: .weight, zones: [limit(.yellow, .atLeast, 82), limit(.red, .atMost, 63)])),
  Rule(
    id: "weight",
    kind: DeltaRule(
      measure: .weight, reference: .min, window: 3 * day,
      zones: [limit(.yellow, .atLeast, 2), limit(.red, .atLeast, 3)])),
]

/// - Parameter isShared: somebody else may stand on the scale.
private func plan(isShared: Bool) -> Plan {
  var rules = rules
  for index in rules.indices where rules[index].id == "quiet" { rules[index].quiet = 6 * 3_600_000 }
  var plan = Plan(patient: "p", version: 1, liveWindow: 7_200_000, rules: rules)
  plan.isSingleUser = !isShared
  return plan
}

private func reading(_ id: Int, at time: Int64, _ dice: inout Dice) -> Reading {
  let taken = Timestamp(milliseconds: time, offsetSeconds: 0)
  var observations = [
    Observation(.systolic, .value(ExactDecimal(Int64(110 + dice.next() % 60))), unit: .millimetreOfMercury)
  ]
  if dice.next() % 3 > 0 {
    observations.append(Observation(.cuffPulse, .value(ExactDecimal(Int64(60 + dice.next() % 60))), unit: .perMinute))
  }
  var kind = ReadingKind.bloodPressure
  if dice.next() % 3 == 0 {
    // Two people, one scale.
    kind = .bodyWeight
    let tenths = (dice.next() % 4 == 0 ? 610 : 800) + Int64(dice.next() % 40)
    observations = [Observation(.weight, .value(ExactDecimal(tenths, exponent: -1)), unit: .kilogram)]
  }
  var flags: [ReadingFlag] = dice.next() % 4 == 0 ? [.irregularPulse] : []
  if dice.next() % 9 == 0 { flags.append(.bodyMovement) }
  if dice.next() % 11 == 0 { flags.append(.implausible) }
  return Reading(
    id: ReadingID(high: 0, low: UInt64(id)), kind: kind, observations: observations, flags: flags, takenAt: taken,
    timeQuality: .device, deviceTime: nil, receivedAt: taken, user: nil, patient: "p",
    device: DeviceIdentity(id: "d", transport: .ble), evaluation: nil, raw: RawSource(source: "t", octets: []))
}

/// `count` readings of the twelve days before `end`; some in the same minute.
private func story(_ dice: inout Dice, count: Int, end: Int64) -> [Reading] {
  var times: [Int64] = []
  while times.count < count {
    let again = times.last.flatMap { dice.next() % 6 == 0 ? $0 : nil }
    times.append(again ?? end - Int64(dice.next() % UInt64(12 * day)))
  }
  return times.sorted().enumerated().map { reading($0.offset + 1, at: $0.element, &dice) }
}

private struct Outcome: Equatable, CustomStringConvertible {
  var told: [String]
  var state: PatientState
  var history: PatientHistory
  /// In short: thousands are compared.
  var description: String {
    "\(told) \(state.rules.mapValues { "\($0.phase) \($0.zone)" }.sorted { $0.key < $1.key })"
  }
}

/// What is told of readings in the order in which they come, a moment apart, with duplicates, over restarts, until nothing more
/// comes.
private func deliver(
  _ readings: [Reading], after start: PlanReplay? = nil, _ dice: inout Dice, doubles: Bool, restarts: Bool,
  isShared: Bool
) -> Outcome {
  func begin(_ at: Int64, _ before: PlanReplay?) -> PlanReplay {
    PlanReplay(
      plan: plan(isShared: isShared), zone: .utc, start: at, state: before?.state ?? PatientState(),
      history: before?.history ?? PatientHistory())
  }
  var replay = begin(now, start)
  var told: [PlanReplay.Told] = []
  for (index, reading) in readings.enumerated() {
    let at = now + Int64(index)
    if restarts, dice.next() % 4 == 0 {
      told += replay.told
      // What the journal gives back.
      replay = begin(at, replay)
    }
    replay.take(reading, at: at)
    if doubles, dice.next() % 3 == 0, let again = readings[...index].randomElement(using: &dice) {
      replay.take(again, at: at)
    }
  }
  if restarts {
    told += replay.told
    replay = begin(now + Int64(readings.count), replay)
  }
  replay.pass(to: now + 3_600_000)
  told += replay.told
  var state = replay.state
  // When people heard is the moment at which the last one came and nothing more: a restart delays it.
  state.rules = state.rules.mapValues { rule in
    var rule = rule
    for index in rule.told.indices { rule.told[index].at = now }
    for index in rule.asked.indices { rule.asked[index].at = now }
    for index in rule.lateTold.indices { rule.lateTold[index].at = now }
    // One a side.
    rule.lateTold.sort { ($0.finding.direction?.rawValue ?? "") < ($1.finding.direction?.rawValue ?? "") }
    rule.tellings = rule.tellings.map { _ in now }
    if let retold = rule.retold { rule.retold = (now, retold.count) }
    if var ask = rule.ask {
      (ask.since, ask.deadline) = (now, now + ask.deadline - ask.since)
      rule.ask = ask
    }
    if rule.raisedAt != nil { rule.raisedAt = now }
    if rule.lastToldAt != nil { rule.lastToldAt = now }
    // Of what is not judged it is known when, and how many came until it was (plans-2, 9).
    rule.notJudged = nil
    return rule
  }.filter { !$0.value.isEmpty }
  var history = replay.history
  // In the order of their arrival.
  history.candidates.sort { ($0.time, $0.id.low) < ($1.time, $1.id.low) }
  return Outcome(
    told: told.map {
      "\($0.event.rule) \($0.event.kind.rawValue) \($0.event.zone.rawValue) \($0.event.count) "
        + ($0.event.reading.map { String($0.low) } ?? "-")
    }.sorted(), state: state, history: history)
}

/// The same was told, and rules stand where they would.
private func expectSame(
  _ outcome: Outcome, _ inOrder: Outcome, _ isShared: Bool, at location: SourceLocation = #_sourceLocation
) {
  var (outcome, inOrder) = (outcome, inOrder)
  if isShared {
    // Whether a weight is asked about is decided when it comes, by what is known then (plans-2, P5: known, not arrived). Of what
    // follows from it the order is left out; everything else must be the same.
    func rest(_ outcome: inout Outcome) {
      outcome.told.removeAll { $0.hasPrefix("doubt.weight") || $0.hasPrefix("weight") }
      for id in ["doubt.weight", "weight", "weight.band"] { outcome.state.rules[id] = nil }
      (outcome.history.candidates, outcome.history.agreed, outcome.history.signs) = ([], [], [])
      (outcome.history.values[.weight], outcome.history.asides[.weight]) = (nil, nil)
    }
    rest(&outcome)
    rest(&inOrder)
  }
  guard outcome != inOrder else { return }
  if outcome.told == inOrder.told {
    Issue.record(
      "state: \(outcome.state == inOrder.state), history: \(outcome.history == inOrder.history)",
      sourceLocation: location)
    return
  }
  Issue.record("\(outcome), and in order \(inOrder)", sourceLocation: location)
}

@Suite struct OrderTests {
  /// The newest is older than the live window: all of it is history.
  @Test(arguments: 1...80)
  func aBacklogInAnyOrderTellsTheSame(seed: UInt64) {
    let isShared = seed % 2 == 0
    var dice = Dice(state: seed &* 77_777)
    let readings = story(&dice, count: 4 + Int(seed % 40), end: now - day)
    let inOrder = deliver(readings, &dice, doubles: false, restarts: false, isShared: isShared)
    for _ in 0..<8 {
      expectSame(
        deliver(readings.shuffled(using: &dice), &dice, doubles: true, restarts: true, isShared: isShared), inOrder,
        isShared)
    }
    expectSame(
      deliver(readings.reversed(), &dice, doubles: false, restarts: false, isShared: isShared), inOrder, isShared)
  }

  /// The newest is of now, and comes at any place of the delivery.
  @Test(arguments: 1...80)
  func aBacklogWithALiveReadingAtAnyPlaceTellsTheSame(seed: UInt64) {
    let isShared = seed % 2 == 0
    var dice = Dice(state: seed &* 33_331)
    var readings = story(&dice, count: 4 + Int(seed % 40), end: now - 3 * 3_600_000)
    let newest = reading(999, at: now - 60_000, &dice)
    let inOrder = deliver(readings + [newest], &dice, doubles: false, restarts: false, isShared: isShared)
    for place in [0, readings.count / 2, readings.count] {
      readings.shuffle(using: &dice)
      var delivery = readings
      delivery.insert(newest, at: place)
      expectSame(deliver(delivery, &dice, doubles: true, restarts: true, isShared: isShared), inOrder, isShared)
    }
    for _ in 0..<6 {
      expectSame(
        deliver((readings + [newest]).shuffled(using: &dice), &dice, doubles: true, restarts: true, isShared: isShared),
        inOrder, isShared)
    }
  }

  /// Rules already stand somewhere, and half of what comes is older than what they were judged by.
  @Test(arguments: 1...80)
  func whatRulesWereJudgedByBeforeMakesNoDifference(seed: UInt64) {
    let isShared = seed % 2 == 0
    var dice = Dice(state: seed &* 91_193)
    let all = story(&dice, count: 8 + Int(seed % 40), end: now - 60_000)
    var before = PlanReplay(plan: plan(isShared: isShared), zone: .utc, start: now - 13 * day)
    var late: [Reading] = []
    for reading in all.dropLast() {
      if dice.next() % 2 == 0 {
        late.append(reading)
      } else {
        before.take(reading, at: reading.takenAt?.milliseconds ?? 0)
      }
    }
    before.pass(to: now - 61_000)
    // What is of now and not the newest is told at once by single values: the order in which that is heard is the order that is.
    late.removeAll { ($0.takenAt?.milliseconds ?? 0) > now - 7_300_000 }
    late += all.suffix(1)
    let inOrder = deliver(late, after: before, &dice, doubles: false, restarts: false, isShared: isShared)
    for _ in 0..<8 {
      expectSame(
        deliver(late.shuffled(using: &dice), after: before, &dice, doubles: true, restarts: true, isShared: isShared),
        inOrder, isShared)
    }
  }

  /// The stories are no empty ones: every rule has something to tell in some of them.
  @Test func everyRuleIsHeardOf() {
    var late: Set<String> = []
    var raised: Set<String> = []
    for seed in 1...80 as ClosedRange<UInt64> {
      var dice = Dice(state: seed &* 33_331)
      let readings = story(&dice, count: 4 + Int(seed % 40), end: now - 3 * 3_600_000)
      let newest = reading(999, at: now - 60_000, &dice)
      for told in deliver(readings + [newest], &dice, doubles: false, restarts: false, isShared: true).told {
        let words = told.split(separator: " ")
        if words[1] == "late" { late.insert(String(words[0])) }
        if words[1] == "raised" { raised.insert(String(words[0])) }
      }
    }
    #expect(late == Set(rules.map(\.id)).union(["doubt.weight"]))
    #expect(raised.isSuperset(of: Set(rules.map(\.id)).subtracting(["band.confirmed", "morning"])))
  }

  /// The smallest case: a guest's weight of yesterday comes before the patient's of the day before.
  @Test func aGuestsWeightIsAskedAboutInAnyOrder() {
    func weight(_ id: Int, _ tenths: Int64, _ time: Int64) -> Reading {
      let taken = Timestamp(milliseconds: time, offsetSeconds: 0)
      return Reading(
        id: ReadingID(high: 0, low: UInt64(id)), kind: .bodyWeight,
        observations: [Observation(.weight, .value(ExactDecimal(tenths, exponent: -1)), unit: .kilogram)], flags: [],
        takenAt: taken, timeQuality: .device, deviceTime: nil, receivedAt: taken, user: nil, patient: "p",
        device: DeviceIdentity(id: "d", transport: .ble), evaluation: nil, raw: RawSource(source: "t", octets: []))
    }
    let backlog = [weight(1, 800, now - 2 * day), weight(2, 610, now - day)]
    func told(_ readings: [Reading]) -> [String] {
      var dice = Dice(state: 1)
      return deliver(readings, &dice, doubles: false, restarts: false, isShared: true).told
    }
    #expect(told(backlog).contains("doubt.weight late yellow 1 2"))
    #expect(told(backlog.reversed()) == told(backlog))
  }
}
