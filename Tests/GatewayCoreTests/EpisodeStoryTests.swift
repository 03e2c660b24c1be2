// What was raised, as people look back on it: put together from the marks of events and from where the rules stand; the means that
// rules judge; what values are worth. The same after a snapshot.

import ControlProtocol
import JSON
import Monitoring
import Readings
import Testing
import Zones

@testable import GatewayCore
@testable import Ledger

private let hour: Int64 = 3_600_000
private let day: Int64 = 86_400_000
/// A midnight in UTC.
private let start: Int64 = 20_000 * day

private func band(_ measure: Measure = .systolic) -> BandRule {
  BandRule(
    measure: measure,
    zones: [
      ZoneLimit(.red, [.init(.atLeast, ExactDecimal(180))]), ZoneLimit(.yellow, [.init(.lessThan, ExactDecimal(90))]),
    ])
}

private func plan(_ rules: [Rule]) -> Plan { Plan(patient: "p-1", version: 3, liveWindow: 2 * hour, rules: rules) }

private func reading(_ systolic: Int64, _ diastolic: Int64 = 70, at time: Int64, flags: [ReadingFlag] = []) -> Reading {
  let instant = Timestamp(milliseconds: time, offsetSeconds: 0)
  return Reading(
    id: ReadingID(high: 7, low: UInt64(time / 60_000)), kind: .bloodPressure,
    observations: [
      Observation(.systolic, .value(ExactDecimal(systolic)), unit: .millimetreOfMercury),
      Observation(.diastolic, .value(ExactDecimal(diastolic)), unit: .millimetreOfMercury),
    ], flags: flags, takenAt: instant, timeQuality: .device, deviceTime: nil, receivedAt: instant, user: nil,
    patient: "p-1", device: DeviceIdentity(id: "cuff", transport: .ble), evaluation: nil,
    raw: RawSource(source: "", octets: []))
}

/// A hub's patient, without the hub.
private struct House {
  let plan: Plan
  var replay: PlanReplay
  var state = LedgerState()
  private var told = 0

  init(_ rules: [Rule], _ readings: [Reading] = []) {
    plan = GatewayCoreTests.plan(rules)
    replay = PlanReplay(plan: plan, zone: .utc, start: start)
    for reading in readings { take(reading) }
  }

  mutating func take(_ reading: Reading) {
    replay.take(reading, at: reading.receivedAt.milliseconds)
    note()
  }

  mutating func pass(to time: Int64) {
    replay.pass(to: time)
    note()
  }

  private mutating func note() {
    for item in replay.told.dropFirst(told) {
      state.add(event: HubEvent(item.event, at: item.at, offsetSeconds: 0, reading: item.event.reading), sequence: 1)
    }
    told = replay.told.count
  }

  /// The history with its marks.
  var history: PatientHistory {
    var history = replay.history
    history.marks = state.history["p-1"]?.marks ?? []
    return history
  }

  func stories(now: Int64, _ rules: PatientState? = nil) -> [EpisodeStory] {
    EpisodeStory.all(of: "p-1", history, plan, rules ?? replay.state, now: now)
  }

  func report(now: Int64, days: Int = 7) -> JSONValue {
    let job = PictureJob(
      question: .report, patient: "p-1", plan: plan, history: history, rules: replay.state, zone: .utc, days: days,
      now: now, head: JSONObject())
    guard case .result(let answer) = job.run({ false }) else { return .null }
    return answer
  }
}

@Suite struct EpisodeStoryTests {
  private let rule = Rule(id: "bp", kind: band())

  @Test func anEpisodeHasAnEndAndItsFurthestValue() throws {
    let times = [8, 9, 10].map { start + $0 * hour }
    // 199 is no worse than 190 by the rule's step: nothing was told of it.
    let house = House([rule], [reading(190, at: times[0]), reading(199, at: times[1]), reading(120, at: times[2])])
    #expect(house.history.marks.map(\.kind) == [.raised, .cleared])
    let story = try #require(house.stories(now: start + day).first)
    #expect(story.from == times[0] && story.to == times[2] && !story.isOpen)
    #expect(story.direction == .high && story.zone == .red && story.told == 1)
    #expect(story.worst?.value == ExactDecimal(199) && story.worst?.at == times[1])
    let json = story.json(.utc)
    #expect(json["state"] == "over" && json["worst"]?["unit"] == "mm[Hg]" && json["direction"] == "high")
  }

  @Test func whatGoesOnComesFirstAndAnotherDirectionIsAnother() throws {
    let house = House([rule], [reading(190, at: start + 8 * hour), reading(85, 60, at: start + 9 * hour)])
    let stories = house.stories(now: start + day)
    #expect(stories.map(\.direction) == [.low, .high])
    #expect(stories.map(\.isOpen) == [true, false])
    #expect(stories.last?.because == "other-direction")
    #expect(stories.first?.json(.utc)["state"] == "raised" && stories.first?.json(.utc)["to"] == nil)
  }

  @Test func whoTookNoticeIsKept() throws {
    var house = House([rule], [reading(190, at: start + 8 * hour)])
    var states = house.replay.state
    let word = RuleAcknowledgement(by: "uid:501", at: start + 9 * hour, note: "Ringte.")
    let event = try #require(Monitor.acknowledge("bp", word, house.plan, state: &states))
    house.state.add(event: HubEvent(event, at: word.at, offsetSeconds: 0, reading: nil), sequence: 2)
    let story = try #require(house.stories(now: start + day, states).first)
    #expect(story.phase == .acknowledged && story.notices == [.init(by: "uid:501", at: word.at, note: "Ringte.")])
    // Where the marks are gone the rule still knows.
    house.state.history = [:]
    let left = try #require(house.stories(now: start + day, states).first)
    #expect(left.isOpen && left.notices.count == 1 && left.worst?.value == ExactDecimal(190))
  }

  @Test func anOldReadingIsAnEpisodeOfItsOwn() throws {
    var house = House([rule], [reading(120, at: start + 20 * hour)])
    var late = reading(188, at: start + 8 * hour)
    late.receivedAt = Timestamp(milliseconds: start + 21 * hour, offsetSeconds: 0)
    house.take(late)
    house.pass(to: start + 22 * hour)
    let story = try #require(house.stories(now: start + day).first)
    #expect(story.kind == .late && story.from == start + 8 * hour && story.to == story.from)
    #expect(story.zone == .yellow && story.valueZone == .red && story.worst?.value == ExactDecimal(188))
  }

  @Test func episodesReachBackNinetyDays() {
    let house = House([rule], [reading(190, at: start + 8 * hour), reading(120, at: start + 9 * hour)])
    #expect(house.stories(now: start + 90 * day).count == 1)
    #expect(house.stories(now: start + 91 * day).isEmpty)
    // What goes on is never too old.
    let open = House([rule], [reading(190, at: start + 8 * hour)])
    #expect(open.stories(now: start + 200 * day).count == 1)
  }

  @Test func marksOutliveASnapshotAndOldOnesAreRead() throws {
    let house = House(
      [rule],
      [reading(190, at: start + 8 * hour), reading(120, at: start + 9 * hour), reading(85, 60, at: start + 10 * hour)])
    var restored = LedgerState()
    let isRead = restored.restore(kind: .snapshot, sequence: 1, payload: house.state.encoded)
    #expect(isRead && restored.history["p-1"]?.marks == house.state.history["p-1"]?.marks)
    #expect(restored.history["p-1"]?.marks.allSatisfy { $0.episode != nil && $0.since != nil } == true)
    // As version 1 wrote them: each telling is an episode whose end is not known, a notice belongs to the last.
    var history = PatientHistory()
    let old: [JSONValue] = [
      ["at": .int(start), "rule": "bp", "event": "raised", "zone": "red"],
      ["at": .int(start + hour), "rule": "bp", "event": "acknowledged", "zone": "red", "by": "uid:1", "note": "ja"],
      ["at": .int(start + day), "rule": "bp", "event": "late", "zone": "yellow"],
    ]
    for item in old { history.add(try #require(PatientHistory.Mark(json: item))) }
    let stories = EpisodeStory.all(of: "p-1", history, nil, PatientState(), now: start + 2 * day)
    #expect(stories.map(\.from) == [start + day, start])
    #expect(stories.last?.to == nil && stories.last?.isOpen == false && stories.last?.notices.first?.note == "ja")
  }

  @Test func theEndOfWhatNobodyHeardOfIsNotKept() {
    var history = PatientHistory()
    var event = MonitoringEvent(patient: "p-1", rule: "bp", kind: .cleared, zone: .green, planVersion: 1)
    event.episode = ReadingID(high: 1, low: 2).description
    history.add(PatientHistory.Mark(event, at: start))
    #expect(history.marks.isEmpty)
    for number in 0..<500 {
      history.add(PatientHistory.Mark(time: start + Int64(number), rule: "bp", kind: .raised, zone: .red))
    }
    #expect(history.marks.count == PatientHistory.mostMarks && history.marks.last?.time == start + 499)
  }

  @Test func aMeanIsTheRulesOwn() throws {
    var kind = AverageRule(
      measures: [.systolic, .diastolic], window: 3 * day, dropsFirstDay: true, minimumCount: 1,
      zones: [.init(zone: .yellow, comparison: .atLeast, limits: [ExactDecimal(135), ExactDecimal(85)])])
    kind.newest = 2
    let rule = Rule(id: "week", kind: kind, hours: [DayHours(from: 300, to: 660)])
    let readings = [
      reading(100, at: start + 8 * hour), reading(120, at: start + day + 8 * hour),
      // Outside of the rule's hours, and in doubt: neither is in a mean.
      reading(200, at: start + day + 12 * hour), reading(190, at: start + day + 10 * hour, flags: [.bodyMovement]),
      reading(130, at: start + 2 * day + 8 * hour), reading(141, at: start + 3 * day + 8 * hour),
    ].sorted { $0.receivedAt.milliseconds < $1.receivedAt.milliseconds }
    let house = House([rule], readings)
    let means = try #require(house.report(now: start + 4 * day)["means"]?.array)
    #expect(means.map { $0["measure"]?.string } == ["bp.systolic", "bp.diastolic"])
    // The first day of each window is dropped: of the first reading nothing is left.
    #expect(means.first?["points"]?.array?.compactMap { $0["value"]?.string } == ["120", "125.00", "135.50"])
    #expect(means.first?["points"]?.array?.last?["at"]?.string?.hasPrefix("2024-10-07T08:00") == true)
  }

  @Test func whatAValueIsWorthAndWhatDidNotJudgeIsSaid() throws {
    let average = Rule(
      id: "week",
      kind: AverageRule(
        measures: [.systolic], window: 7 * day, dropsFirstDay: false, minimumCount: 12,
        zones: [.init(zone: .yellow, comparison: .atLeast, limits: [ExactDecimal(135)])]))
    let house = House(
      [rule, average],
      [
        reading(120, at: start + 8 * hour), reading(121, at: start + 9 * hour, flags: [.bodyMovement]),
        reading(300, at: start + 10 * hour),
      ])
    let rows = try #require(house.report(now: start + day, days: 2)["rows"]?.array)
    #expect(rows.map { $0["worth"]?["bp.systolic"]?.string } == [nil, "doubted", "not-believable"])
    #expect(rows.first?["not_judged"] == [["rule": "week", "because": "too-few"]])
    #expect(rows.last?["not_judged"]?.array?.contains(["rule": "bp", "because": "not-believable"]) == true)
  }
}
