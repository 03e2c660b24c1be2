// Where rules stand comes back from records and snapshots, member by member, also from records of the first plan language.

import ControlProtocol
import JSON
import Monitoring
import Readings
import Testing

@testable import GatewayCore
@testable import Ledger

private let time: Int64 = 1_795_248_930_000
private let id = ReadingID(high: 5, low: 7)

private func finding(_ direction: Direction?, _ value: FindingValue) -> Finding {
  var finding = Finding(Rank(.red, 2), direction: direction, value: value, isDoubted: true, reading: id, taken: time)
  finding.raw = Rank(.red, 2)
  return finding
}

private let findings = [
  finding(.high, .number(Ratio(ExactDecimal(4045, exponent: -1), over: ExactDecimal(3)))),
  finding(.low, .beyond(above: false)), finding(nil, .means([nil, Ratio(ExactDecimal(86))])), finding(.high, .none),
  Finding(.green, reading: nil, taken: 3),
]

/// A state of which no member is as it is in the beginning.
private let full: RuleState = {
  let told = findings.prefix(3).enumerated().map { RuleState.Told(at: time + Int64($0.offset), finding: $0.element) }
  var rule = RuleState()
  rule.phase = .acknowledged
  rule.current = findings[0]
  (rule.told, rule.asked, rule.lateTold) = (told, told.reversed(), [told[1]])
  rule.ask = .init(deadline: time + 9, since: time + 1, first: time, counted: findings, isSaid: true)
  rule.held = [
    .init(count: 4, worst: findings[1], isUnconfirmed: true), .init(count: 1, worst: findings[0], isUnconfirmed: false),
  ]
  var episode = RuleState.Episode(reading: id, since: time - 1)
  (episode.isTold, episode.isRaised) = (true, true)
  rule.episode = episode
  rule.tellings = [time - 5, time]
  rule.retellings = [time - 4]
  rule.doubts = [findings[3], findings[2]]
  rule.retold = (time - 2, 3)
  (rule.raisedAt, rule.lastToldAt) = (time - 3, time - 4)
  rule.acknowledgement = RuleAcknowledgement(by: "uid:501", at: time + 7, note: "called \"her\"\n")
  rule.lateDue = [findings[1]]
  rule.notJudged = .init(because: .tooFew, since: time, count: 3)
  rule.signature = "band bp.systolic"
  rule.doubt = .somebodyElse
  var values = PerMeasure<ExactDecimal>()
  (values[.weight], values[.bodyFat]) = (ExactDecimal(7250, exponent: -2), ExactDecimal(21))
  rule.askedAbout = [.init(date: 20_778, values: values)]
  (rule.judgedThrough, rule.remindedFor, rule.toldDate, rule.remindedDate) = (time - 6, time - 7, 20_777, 20_776)
  rule.missedDate = 20_775
  (rule.missed, rule.missedSlot) = (2, Slot(start: time - 9, end: time - 8))
  return rule
}()

private let patientState: PatientState = {
  var state = PatientState(rules: ["a": full])
  var values = PerMeasure<PatientState.Displaced.Value>()
  let worths: [Worth] = [
    .test, .void, .unbelieved(isImpossible: true), .unbelieved(isImpossible: false), .suspect, .doubted, .sound,
    .accepted,
  ]
  for (measure, worth) in zip(Measure.allCases, worths) {
    values[measure] = .init(number: ExactDecimal(71, exponent: -1), above: nil, worth: worth)
  }
  values[.glucose] = .init(number: nil, above: false, worth: .sound)
  state.displaced = [.init(id: id, received: time, isOfNow: true, values: values)]
  (state.plan, state.planVersion, state.isSingleUser) = (.max, 12, true)
  state.reviewToldAt = 1_795_248_930_000
  state.isUnsettled = true
  return state
}()

private let single: PatientHistory = {
  var history = history
  history.asides = PerMeasure()
  history.setSingleUser(true)
  return history
}()

private let history: PatientHistory = {
  var history = PatientHistory()
  func series(_ value: Int64) -> PatientHistory.Series {
    PatientHistory.Series([
      .init(time: time, id: 1, value: ExactDecimal(value)), .init(time: time + 1, id: 2, above: true, isDoubtful: true),
    ])
  }
  (history.values[.weight], history.asides[.weight], history.unbelieved[.spo2]) = (series(80), series(61), series(48))
  history.signs = [.init(time: time, id: 3, kind: .pulseOximetry, flags: [.irregularPulse, .suspectPerson])]
  history.marks = [
    .init(time: time, rule: "a", kind: .raised, zone: .red, count: 2, by: "uid:501", note: "seen")
  ]
  (history.accepted, history.agreed) = ([4, .max], [5, 6])
  var values = PerMeasure<ExactDecimal>()
  (values[.systolic], values[.diastolic]) = (ExactDecimal(60), ExactDecimal(52))
  history.candidates = [
    .init(id: id, device: .max, time: time, isSuspect: false, isPlaced: false, values: values),
    .init(id: id, device: 3, time: time + 1, isSuspect: true, isPlaced: true, values: PerMeasure()),
  ]
  var trail = PatientHistory.DeviceTrail(device: PatientHistory.DeviceTrail.key("cuff"))
  (trail.newest, trail.number) = (time, .max)
  trail.latest[.systolic] = time - 1
  (trail.seen[.systolic], trail.seen[.spo2]) = (time - 1, time)
  trail.misplaced = .init(stamp: time - 400 * 86_400_000, received: time)
  history.weighings = [.init(id: 7, device: .max, time: time, isDoubted: true)]
  history.trails = [PatientHistory.DeviceTrail(device: 1), trail]
  return history
}()

/// The names of members that are the same in both.
private func same<Value>(_ one: Value, _ other: Value) -> [String] {
  zip(Mirror(reflecting: one).children, Mirror(reflecting: other).children)
    .filter { "\($0.value)" == "\($1.value)" }.compactMap(\.0.label)
}

private func read(_ entry: JournalEntry) -> JournalEntry? { JournalEntry(kind: entry.kind, payload: entry.payload) }

@Suite struct RuleStateRecordTests {
  /// A new member is noticed here: it must be set above, and come back below.
  @Test func everyMemberIsTried() {
    #expect(same(full, RuleState()) == [])
    #expect(same(patientState, PatientState()) == ["unsettled"])
    #expect(same(history, PatientHistory()) == ["isSingleUser"])
    #expect(same(single, PatientHistory()) == ["asides"])
  }

  @Test func aStateOfRulesComesBackFromItsRecord() {
    guard case .rules("p-1", let state)? = read(.rules(patient: "p-1", patientState)) else {
      Issue.record("the record cannot be read")
      return
    }
    #expect(state == patientState)
    #expect(state.rules["a"] == full)
    #expect(same(state.rules["a"] ?? RuleState(), full).count == Mirror(reflecting: full).children.count)
  }

  @Test func aHistoryComesBackFromItsRecord() {
    for known in [history, single] {
      guard case .history("p-1", let restored)? = read(.history(patient: "p-1", known)) else {
        Issue.record("the record cannot be read")
        return
      }
      #expect(restored == known)
    }
  }

  @Test func bothComeBackFromASnapshot() {
    var state = LedgerState()
    var unsettled = patientState
    unsettled.unsettled = [.init(id: id, time: time), .init(id: ReadingID(high: 1, low: 2), time: time - 1)]
    state.rules["p-1"] = unsettled
    state.rules["p-2"] = PatientState(rules: ["b": full])
    (state.history["p-1"], state.history["p-2"]) = (history, single)
    let restored = state.throughSnapshot.state
    #expect(restored.rules == state.rules)
    #expect(restored.history == state.history)
  }

  @Test(arguments: RuleState.Phase.allCases) func aStateOfFewMembersComesBack(phase: RuleState.Phase) {
    var rule = RuleState()
    rule.phase = phase
    guard case .rules(_, let state)? = read(.rules(patient: "p-1", PatientState(rules: ["a": rule]))) else {
      Issue.record("the record cannot be read")
      return
    }
    #expect(state.rules["a"] == rule)
  }
}

/// Records of the first plan language, as its hubs wrote them.
@Suite struct FirstStateRecordTests {
  private static let raised =
    #"{"phase":"raised","zone":"red","since":1795245330000,"count":2,"told":1795245330000,"told_zone":"red","raised":1795245330000,"last_told":1795245330000}"#
  private static let acknowledged =
    #"{"phase":"acknowledged","zone":"yellow","since":1795245330000,"count":1,"told":1795245330000,"told_zone":"yellow","raised":1795245330000,"last_told":1795245630000,"ack":{"by":"uid:501","at":1795245630000,"note":"called"}}"#
  private static let plan = Plan(
    patient: "p-1", version: 3, liveWindow: 7_200_000,
    rules: [
      Rule(
        id: "extreme",
        kind: BandRule(
          measure: .systolic,
          zones: [
            ZoneLimit(.red, [.init(.atLeast, ExactDecimal(180))]),
            ZoneLimit(.yellow, [.init(.atLeast, ExactDecimal(160))]),
          ], confirm: Confirmation(count: 2, within: 300_000)))
    ])

  private func entry(_ state: String, rule: String = "extreme") throws -> JournalEntry {
    let text = #"{"patient":"p-1","rules":{"\#(rule)":\#(state)}}"#
    return try #require(JournalEntry(kind: .rules, payload: Array(text.utf8)))
  }

  private func state(_ text: String) throws -> RuleState {
    guard case .rules("p-1", let state) = try entry(text) else { throw CancellationError() }
    return try #require(state.rules["extreme"])
  }

  private func hub(_ text: String) throws -> Hub {
    Hub(
      .with([Cuff.device(users: [1: "p-1"])]), plans: [FirstStateRecordTests.plan],
      disk: [(sequence: 1, entry: try entry(text))]
    ).listening()
  }

  private func told(_ hub: Hub) -> [String] {
    hub.events.compactMap { $0.monitoring.map { "\($0.rule) \($0.kind.rawValue) \($0.zone.rawValue)" } }
  }

  @Test(arguments: [(raised, RuleState.Phase.raised, Zone.red), (acknowledged, .acknowledged, .yellow)])
  func whatIsRaisedStaysSoAndIsClearedByANormalValue(text: String, phase: RuleState.Phase, zone: Zone) throws {
    var hub = try hub(text)
    // The start and the first rounds tell nothing anew.
    hub.pass(1_000_000)
    hub.sync()
    #expect(told(hub) == [])
    let alert = hub.result(.alerts(patient: nil))["alerts"]?.array?.first
    #expect(alert?["state"]?.string == phase.rawValue && alert?["zone"]?.string == zone.rawValue)
    #expect((alert?["acknowledged"]?["note"]?.string == "called") == (phase == .acknowledged))
    hub.send(.linkReceived(device: "cuff", Cuff.indication(systolic: 128)))
    hub.sync()
    #expect(told(hub) == ["extreme cleared green"])
    #expect(hub.result(.alerts(patient: nil))["alerts"]?.array?.isEmpty == true)
  }

  @Test func aRedIsToldWhereAYellowWasAcknowledged() throws {
    var hub = try hub(FirstStateRecordTests.acknowledged)
    hub.send(.linkReceived(device: "cuff", Cuff.indication(systolic: 200)))
    hub.sync()
    #expect(told(hub) == ["extreme raised red"])
  }

  @Test func aRepeatThatWasAwaitedIsAwaited() throws {
    let text =
      #"{"phase":"pending","zone":"red","since":1795248930000,"count":1,"deadline":1795249230000,"told":1795248930000,"told_zone":"red"}"#
    #expect(try state(text).ask?.deadline == 1_795_249_230_000)
    var unanswered = try hub(text)
    unanswered.pass(299_999)
    unanswered.sync()
    #expect(told(unanswered) == [])
    unanswered.pass(1)
    unanswered.sync()
    #expect(told(unanswered) == ["extreme unconfirmed yellow"])
    var answered = try hub(text)
    answered.send(.linkReceived(device: "cuff", Cuff.indication(systolic: 190)))
    answered.sync()
    #expect(told(answered) == ["extreme raised red"])
    var normal = try hub(text)
    normal.send(.linkReceived(device: "cuff", Cuff.indication(systolic: 130)))
    normal.pass(400_000)
    normal.sync()
    #expect(told(normal) == [])
  }

  @Test func whatWasToldInTimeIsComparedWith() throws {
    let rule = try state(FirstStateRecordTests.raised)
    #expect(rule.told.map(\.at) == [1_795_245_330_000])
    #expect(rule.told.map(\.finding.rank) == [Rank(.red, 1)])
    #expect(rule.raisedAt == 1_795_245_330_000 && rule.lastToldAt == 1_795_245_330_000)
    #expect(rule.current?.rank == Rank(.red, 1) && rule.episode?.isRaised == true)
    #expect(try state(FirstStateRecordTests.acknowledged).acknowledgement?.at == 1_795_245_630_000)
  }

  @Test func whatWasHeldAndWhatWasLateComesBack() throws {
    let held = try state(
      #"{"phase":"raised","zone":"yellow","since":5,"count":1,"told":1,"told_zone":"yellow","untold":true,"late":7,"late_due":{"zone":"red","at":9,"id":"00000000-0000-0005-0000-000000000007"}}"#
    )
    #expect(held.held.map(\.count) == [1] && held.held.first?.worst.rank == Rank(.yellow, 1))
    #expect(held.episode?.isRaised == false)
    #expect(held.lateTold.map(\.at) == [7])
    #expect(held.lateDue.map(\.raw) == [Rank(.red, 1)] && held.lateDue.map(\.taken) == [9])
    #expect(held.lateDue.map(\.reading) == [id])
  }

  @Test func whatWasExpectedIsJudgedFromWhereItWas() throws {
    let missing = try state(
      #"{"phase":"raised","zone":"yellow","since":5,"count":3,"told":1,"told_zone":"yellow","untold":true,"through":77,"reminded":66}"#
    )
    #expect(missing.judgedThrough == 77 && missing.remindedFor == 66)
    #expect(missing.missed == 3 && missing.isRaised && missing.held.isEmpty)
    let normal = try state(#"{"phase":"normal","zone":"green","since":5,"count":0,"through":77,"reminded":66}"#)
    #expect(normal.phase == .normal && normal.judgedThrough == 77 && normal.current == nil)
  }
}
