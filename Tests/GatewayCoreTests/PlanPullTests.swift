// Plans from a backend: when it is asked, what comes into force, what is refused and what happens then.

import ControlProtocol
import Exchange
@testable import GatewayCore
import JSON
import Monitoring
import Settings
import Testing
import Zones
@testable import Ledger

private let url = "https://care.example/plans?hub=1"
private let hour: Int64 = 3_600_000

private func configuration(_ source: PlanSource? = PlanSource(url: url)) -> Configuration {
  var backend = BackendConfiguration(
    name: "care", kind: .http(.native, HTTPBackend(url: "https://care.example")), maximumReadings: 8,
    maximumBytes: 1 << 20)
  backend.plans = source
  let device = DeviceConfiguration(
    id: "cuff", driver: "blood-pressure", endpoint: .playback(path: "/x"), users: [1: "p-1", 2: "p-2"])
  return .with([device], backends: [backend])
}

private func text(_ version: Int, _ limit: String = "180", patient: String = "p-1") -> String {
  #"{"patient":"\#(patient)","version":\#(version),"rules":[{"id":"bp","kind":"band","measure":"bp.systolic","zones":[{"red":{"gte":"\#(limit)"}}]}]}"#
}

private func plan(_ version: Int, _ limit: String = "180", patient: String = "p-1") throws -> Plan {
  try PlanFile.read(Array(text(version, limit, patient: patient).utf8))
}

private func body(_ plans: String...) -> [UInt8] { Array(#"{"plans":[\#(plans.joined(separator: ",\n"))]}"#.utf8) }

extension Hub {
  /// The tags with which the backend was asked; "-" for none.
  fileprivate var questions: [String] {
    done.compactMap { if case .fetchPlans("care", let etag) = $0 { etag ?? "-" } else { nil } }
  }

  fileprivate var kept: [PulledPlan] {
    done.flatMap { effect -> [PulledPlan] in if case .stagePlans(let plans) = effect { plans } else { [] } }
  }

  private var adopted: [PulledPlan] {
    done.flatMap { effect -> [PulledPlan] in if case .adoptPlans(let plans) = effect { plans } else { [] } }
  }

  fileprivate var told: [String] {
    events.compactMap { event in
      guard case .hub(let code, let message, let isOver) = event.content else { return nil }
      return "\(isOver ? "over" : "told") \(code) \(message)"
    }
  }

  fileprivate mutating func answer(_ answer: PlanAnswer) {
    send(.plansAnswered(backend: "care", url: url, answer))
    sync()
  }

  /// The shell staged what it was given, and takes what comes into force by that.
  fileprivate mutating func keep(faults: [String: String] = [:], isRefused: Bool = false) {
    done.removeAll { if case .stagePlans = $0 { true } else { false } }
    send(.plansStaged(faults: faults.mapValues { StagingFault(message: $0, logged: $0, isDisk: true) }))
    if isRefused { refuse() } else { sync() }
    guard !adopted.isEmpty else { return }
    let plans = Dictionary(adopted.map { ($0.plan.patient, $0.plan) }) { $1 }
    send(.configured(configuration(), zones: ["UTC": .utc], plans: plans))
    done.removeAll { if case .adoptPlans = $0 { true } else { false } }
  }

  fileprivate var audits: [String] {
    disk.compactMap { if case .audit(let uid, let action) = $0.entry { "\(uid) \(action)" } else { nil } }
  }
}

private func started(_ plans: [Plan] = [], disk: [(sequence: UInt64, entry: JournalEntry)] = []) -> Hub {
  var hub = Hub(configuration(), plans: plans, disk: disk)
  hub.stagesPlans = false
  hub.pass(0)
  return hub
}

@Suite struct PlanPullTests {
  @Test func withoutASourceNothingIsAskedAndNothingWakes() {
    var hub = Hub(configuration(nil))
    hub.pass(0)
    #expect(hub.questions.isEmpty)
    hub.pass(7 * 24 * hour)
    #expect(hub.questions.isEmpty)
  }

  @Test func aGoodPlanComesIntoForceAndItsTagIsSentNextTime() throws {
    var hub = started()
    #expect(hub.questions == ["-"])
    hub.answer(.plans(body(text(3)), etag: #""a""#))
    #expect(try hub.kept.map(\.plan) == [plan(3)])
    #expect(try PlanFile.read(hub.kept[0].octets, patient: "p-1") == plan(3))
    #expect(hub.audits.isEmpty)
    hub.keep()
    #expect(hub.audits == [#"4294967295 set plan of p-1, version 3, from backend care, tag "a""#])
    let shown = hub.result(.planShow(patient: "p-1"))
    #expect(shown["set_by"]?.string == "backend care" && shown["version"]?.int == 3)
    hub.pass(hour / 2)
    #expect(hub.questions.count == 1)
    hub.pass(hour)
    #expect(hub.questions == ["-", #""a""#])
    hub.answer(.unchanged)
    hub.pass(2 * hour)
    #expect(hub.questions == ["-", #""a""#, #""a""#])
    #expect(hub.kept.isEmpty && hub.told.isEmpty)
  }

  @Test func aTagCountsOnlyWhenAllIsOnDisk() {
    var hub = started()
    hub.answer(.plans(body(text(3)), etag: #""a""#))
    hub.keep(isRefused: true)
    #expect(hub.gateway.turn.ledger.durable.origins == PlanOrigins() && hub.audits.isEmpty)
    // Asked again soon, not only after the interval.
    hub.pass(PlanPull.firstWait)
    #expect(hub.questions == ["-", "-"])
    hub.answer(.plans(body(text(3)), etag: #""a""#))
    #expect(hub.kept.count == 1)
    hub.keep(faults: ["p-1": "the disk is full"])
    hub.pass(2 * hour)
    #expect(hub.questions.last == "-")
    #expect(hub.told.count == 1 && hub.told[0].contains("plans[0]: the disk is full"))
  }

  @Test func aPlanBeyondABoundIsRefusedWithTheBound() throws {
    var hub = try started([plan(3)])
    let zones = (0..<17).map { #"{"red":{"gte":"\#(180 + $0)"}}"# }.joined(separator: ",")
    let long =
      #"{"patient":"p-1","version":4,"rules":[{"id":"bp","kind":"band","measure":"bp.systolic","zones":[\#(zones)]}]}"#
    hub.answer(.plans(body(long), etag: #""a""#))
    #expect(hub.kept.isEmpty)
    #expect(hub.told.count == 1)
    #expect(hub.told[0].contains("plans[0].rules[0].zones: expected at most 16 zones, found 17"), "\(hub.told[0])")
    #expect(hub.result(.planShow(patient: "p-1"))["version"]?.int == 3)
  }

  @Test func aBadPlanIsToldOnceWithItsPlaceAndTakesNoOtherWithIt() throws {
    var hub = try started([plan(3), plan(1, patient: "p-2")])
    let bad = text(4).replacing(#""band""#, with: #""guess""#)
    hub.answer(.plans(body(bad, text(2, patient: "p-2")), etag: #""a""#))
    #expect(hub.kept.map(\.plan.patient) == ["p-2"])
    hub.keep()
    #expect(hub.told.count == 1)
    let said = hub.told.first ?? ""
    #expect(said.contains("told plan.refused backend care: https://care.example/plans:1:"), "\(said)")
    #expect(said.contains("plans[0].rules[0].kind: expected one of") && !said.contains("p-1"))
    let problem = (hub.result(.status)["problems"]?.array ?? []).first { $0["code"]?.string == "plan.refused" }
    #expect(problem?["message"]?.string?.contains("rules[0].kind") == true)
    let logs = hub.done.compactMap { if case .log(.warning, let line) = $0 { line } else { nil } }
    #expect(logs.count == 1 && logs[0].contains("rules[0].kind"))
    // The same again, asked for by a person, is no news; the good one takes it back.
    hub.send(.plansWanted)
    hub.pass(0)
    #expect(hub.questions == ["-", #""a""#])
    hub.answer(.plans(body(bad, text(2, patient: "p-2")), etag: #""a""#))
    #expect(hub.told.count == 1)
    hub.pass(2 * hour)
    hub.answer(.plans(body(text(4), text(2, patient: "p-2")), etag: #""b""#))
    hub.keep()
    #expect(hub.told.count == 2 && hub.told[1].hasPrefix("over plan.refused"))
  }

  @Test(arguments: [
    (body(text(3, "170")), "plans[0].version: 3 is in force; expected a higher one for what is new, found 3"),
    (body(text(2)), "plans[0].version: 3 is in force"),
    (body(text(4, patient: "p-9")), "plans[0].patient: nobody on this hub has this reference"),
    (body(text(4), text(5)), "two plans of one patient"),
    (Array(#"{"plans":[{"patient":"p-1","version":4"#.utf8), ":1:"),
    (Array(#"{"plan":[]}"#.utf8), #"unknown key "plan""#),
    (Array("[]".utf8), "expected an object"),
  ])
  func whatIsNoNewPlanOfThisHubIsRefused(octets: [UInt8], words: String) throws {
    var hub = try started([plan(3)])
    hub.answer(.plans(octets, etag: #""a""#))
    #expect(hub.kept.isEmpty)
    #expect(hub.told.count == 1 && hub.told[0].utf8.count < 700, "\(hub.told)")
    let said = hub.told.first ?? ""
    #expect(!said.split(separator: words, maxSplits: 1).isEmpty && said.firstRange(of: words) != nil, "\(said)")
  }

  @Test func theSamePlanAgainIsNoNews() throws {
    var hub = try started([plan(3)])
    hub.answer(.plans(body(text(3)), etag: #""a""#))
    #expect(hub.kept.isEmpty && hub.told.isEmpty)
    hub.pass(2 * hour)
    #expect(hub.questions.last == #""a""#)
  }

  @Test func whenOtherPlansAreInForceAllIsReadAgain() throws {
    var hub = try started([plan(5)])
    hub.answer(.plans(body(text(4)), etag: #""a""#))
    #expect(hub.kept.isEmpty && hub.told.count == 1)
    try hub.send(.configured(configuration(), zones: ["UTC": .utc], plans: ["p-1": plan(3)]))
    hub.send(.plansWanted)
    hub.pass(0)
    #expect(hub.questions == ["-", "-"])
    hub.answer(.plans(body(text(4)), etag: #""a""#))
    #expect(hub.kept.map(\.plan.version) == [4])
  }

  @Test func aPatientWhoBecomesKnownGetsThePlan() {
    var hub = started()
    hub.answer(.plans(body(text(4, patient: "p-9")), etag: #""a""#))
    hub.send(
      .asked(
        RequestID(connection: 1, number: 1), .assignSlot(device: "cuff", user: 3, patient: "p-9"), CallerName(uid: 0)))
    hub.sync()
    hub.pass(2 * hour)
    #expect(hub.questions == ["-", "-"])
    hub.answer(.plans(body(text(4, patient: "p-9")), etag: #""a""#))
    #expect(hub.kept.map(\.plan.patient) == ["p-9"])
  }

  @Test(arguments: [PlanAnswer.none, .plans(body(), etag: nil)])
  func aPlanThatIsWithdrawnStaysInForceAndThatIsTold(answer: PlanAnswer) {
    var hub = started()
    hub.answer(.plans(body(text(3)), etag: #""a""#))
    hub.keep()
    hub.pass(2 * hour)
    hub.answer(answer)
    #expect(hub.told.count == 1 && hub.told[0].hasPrefix("told plan.withdrawn backend care: 1 plan is not"))
    #expect(hub.result(.planShow(patient: "p-1"))["version"]?.int == 3)
    hub.pass(2 * hour)
    hub.answer(answer)
    #expect(hub.told.count == 1)
    hub.pass(2 * hour)
    hub.answer(.plans(body(text(3)), etag: #""a""#))
    #expect(hub.told.count == 2 && hub.told[1].hasPrefix("over plan.withdrawn"))
  }

  @Test func aPlanOfThisHouseIsNotMissedInTheAnswer() throws {
    var hub = try started([plan(3)])
    hub.answer(.plans(body(), etag: nil))
    #expect(hub.told.isEmpty)
  }

  @Test func aHubThatIsOfflineForDaysAsksWithBackOff() {
    var hub = started()
    var last = 0
    for _ in 0..<3 * 24 * 60 {
      if hub.questions.count > last {
        last = hub.questions.count
        hub.answer(.retry(after: nil, code: "net.dns"))
      }
      hub.pass(60_000)
    }
    // Half a minute, doubling up to the hour, with jitter.
    #expect((75...160).contains(hub.questions.count), "\(hub.questions.count)")
    #expect(hub.done.filter { if case .log(.warning, _) = $0 { true } else { false } }.count == 1)
    hub.pass(2 * hour)
    hub.answer(.plans(body(text(3)), etag: nil))
    #expect(hub.kept.count == 1)
  }

  @Test func retryAfterIsKept() {
    var hub = started()
    hub.answer(.retry(after: 50 * 60_000, code: "http.503"))
    hub.pass(49 * 60_000)
    #expect(hub.questions.count == 1)
    hub.pass(2 * 60_000)
    #expect(hub.questions.count == 2)
  }

  @Test func aWrongAddressIsToldOnceAndWhenItIsOver() {
    var hub = started()
    for _ in 0..<3 {
      hub.answer(.misconfigured(code: "http.403", text: "no"))
      hub.pass(2 * hour)
    }
    #expect(hub.told == ["told plans.misconfigured backend care: no (http.403)"])
    #expect(hub.result(.status)["problems"]?.array?.contains { $0["code"]?.string == "plans.misconfigured" } == true)
    hub.answer(.none)
    #expect(hub.told.count == 2)
  }

  @Test func anUnsignedAnswerChangesNothing() {
    var hub = started()
    hub.answer(.plans(body(text(3)), etag: #""a""#))
    hub.keep()
    hub.pass(2 * hour)
    hub.answer(.unverified)
    #expect(hub.kept.isEmpty && hub.told.count == 1)
    #expect(hub.told.first?.hasPrefix("told plan.refused") == true)
    hub.pass(2 * hour)
    #expect(hub.questions.last == "-")
  }

  @Test func aDeliverysAnswerSaysThatPlansAreNew() {
    var hub = started()
    hub.answer(.plans(body(text(3)), etag: #""a""#))
    hub.keep()
    hub.send(.plansHinted(backend: "care", etag: #""a""#))
    hub.pass(61_000)
    #expect(hub.questions.count == 1)
    hub.send(.plansHinted(backend: "care", etag: #""b""#))
    hub.pass(0)
    #expect(hub.questions == ["-", #""a""#])
    // A backend that is at odds with itself is not asked for ever.
    hub.answer(.unchanged)
    for _ in 0..<30 {
      hub.send(.plansHinted(backend: "care", etag: #""b""#))
      hub.pass(60_000)
    }
    #expect(hub.questions.count == 2)
    hub.send(.plansHinted(backend: "elsewhere", etag: "x"))
  }

  @Test func anAnswerThatNobodyWaitsForIsNone() {
    var hub = started()
    hub.send(.plansAnswered(backend: "care", url: "https://old.example", .plans(body(text(3)), etag: nil)))
    hub.answer(.none)
    hub.answer(.plans(body(text(3)), etag: nil))
    hub.send(.plansStaged(faults: [:]))
    #expect(hub.kept.isEmpty && hub.told.isEmpty)
  }

  @Test func theErasedGetNoPlanBack() {
    var hub = started()
    hub.answer(.plans(body(text(3, patient: "p-1")), etag: nil))
    hub.keep()
    hub.send(.asked(RequestID(connection: 1, number: 1), .erase(patient: "p-1"), CallerName(uid: 0)))
    hub.sync()
    #expect(hub.gateway.turn.ledger.durable.origins == PlanOrigins())
    hub.pass(2 * hour)
    hub.answer(.plans(body(text(3)), etag: nil))
    #expect(hub.kept.isEmpty)
  }
}

@Suite struct PlanAnswerTests {
  private static let json: [(name: String, value: String)] = [("content-type", "application/json; charset=utf-8")]

  private func read(_ status: Int, _ headers: [(name: String, value: String)] = json, cut: Bool = false) -> PlanAnswer {
    PlanAnswer.read(HTTPReply(status: status, headers: headers, body: [0x7B], isTruncated: cut), wall: 0)
  }

  @Test func statusAndHeadersSayWhatItIs() {
    #expect(read(200) == .plans([0x7B], etag: nil))
    #expect(read(200, PlanAnswerTests.json + [("etag", #"W/"7""#)]) == .plans([0x7B], etag: #"W/"7""#))
    #expect(read(200, PlanAnswerTests.json + [("etag", "a\nb")]) == .plans([0x7B], etag: nil))
    #expect(read(200, [("content-type", "text/html")]) == .retry(after: nil, code: "answer.unreadable"))
    #expect(read(200, cut: true) == .retry(after: nil, code: "answer.cut"))
    #expect(read(304) == .unchanged && read(404) == .none && read(204) == .none)
    #expect(read(503, [("retry-after", "7")]) == .retry(after: 7000, code: "http.503"))
    for status in [301, 308, 401, 403, 410, 451] {
      guard case .misconfigured(let code, _) = read(status) else {
        Issue.record("\(status)")
        continue
      }
      #expect(code == "http.\(status)")
    }
  }

  @Test func onlyTheProgramsWordVerifies() {
    let input = PlanAnswer.verifierInput(
      HTTPReply(status: 200, headers: [("Signature", "x"), ("Bad", "a\nb")], body: Array("{}".utf8)), url: "https://x")
    #expect(String(decoding: input, as: UTF8.self) == "GET https://x\nsignature: x\n\n{}")
    #expect(PlanAnswer.isVerified(Array("verified\n".utf8)))
    for word in ["", "not verified\n", "verified? no\n", "VERIFIED\n"] {
      #expect(!PlanAnswer.isVerified(Array(word.utf8)))
    }
  }

  @Test func originsSurviveARestart() throws {
    var hub = started()
    hub.answer(.plans(body(text(3)), etag: #""a""#))
    hub.keep()
    let origins = Hub.state(of: hub.disk).origins
    #expect(origins.plans.count == 1)
    #expect(try PlanOrigins(origins.json.encoded()) == origins)
    #expect(throws: JSONError.self) { try PlanOrigins(Array("{}".utf8)) }
  }
}
