// Two lanes, one truth: whatever the backend answers in whatever order, wherever the daemon is killed, each item is accepted once,
// digit by digit, and alerts and fresh readings do not wait for a backlog.

import Exchange
@testable import GatewayCore
import Journal
import Monitoring
import Readings
import Settings
import Testing
@testable import Ledger

private let systolic = Rule(
  id: "bp.extreme",
  kind: BandRule(measure: .systolic, zones: [ZoneLimit(.red, [.init(.atLeast, ExactDecimal(180))])]))

@Suite struct OutboxLaneTests {
  private func house(batch: Int = 8, kind: BackendConfiguration.Kind = .directory(path: "/a")) -> LaneHouse {
    LaneHouse(
      backend: BackendConfiguration(name: "a", kind: kind, maximumReadings: batch, maximumBytes: 1 << 20),
      plan: Plan(patient: "p-1", version: 1, liveWindow: 7_200_000, rules: [systolic]))
  }

  @Test func anAlertAndItsReadingOvertakeABacklog() {
    var house = house()
    house.measure(200, daysAgo: 30)
    // The backend was away all the time; the first answer comes now.
    #expect(house.hand(.backlog).count == 8)
    house.measure(1, daysAgo: 0, systolic: 200)
    #expect(house.hand(.express).count == 2)
    house.answer(.express, .items([:]))
    #expect(house.server.order.count == 2)
    house.answer(.backlog, .items([:]))
    house.drain()
    #expect(house.isComplete)
    #expect(house.server.order.count == house.expected.count)
    // The backlog itself came in order.
    let backlog = house.server.order.filter { !house.server.order.prefix(2).contains($0) }
    #expect(backlog == house.expected.filter { backlog.contains($0) })
  }

  @Test func withoutBacklogTheOrderIsTheJournals() {
    var house = house()
    for _ in 0..<5 { house.measure(1, daysAgo: 0, systolic: 200) }
    #expect(house.hand(.express).isEmpty)
    house.drain()
    #expect(house.server.order == house.expected)
    #expect(house.words.allSatisfy { $0.ahead.isEmpty })
  }

  @Test func oldReadingsDoNotOvertake() {
    var house = house()
    house.measure(100, daysAgo: 30)
    house.measure(20, daysAgo: 10)
    #expect(house.hand(.express).isEmpty)
    // What was fresh once is not so after two hours; an alert always is.
    house.measure(1, daysAgo: 0, systolic: 200)
    #expect(house.hand(.express).count == 2)
    house.restart()
    house.hub.time += 7_200_000
    house.restart()
    #expect(house.hand(.express).count == 1)
    house.drain()
    #expect(house.isComplete)
  }

  @Test func afterARestartTheFirstRequestIsTheAlerts() {
    var house = house()
    house.measure(100, daysAgo: 30)
    house.measure(1, daysAgo: 0, systolic: 200)
    house.restart()
    #expect(house.hand(.express).count == 2)
    // The backlog stops before what the other lane has in hand.
    #expect(house.hand(.backlog).count == 8)
  }

  @Test func whileTheBackendIsAwayOneRequestTriesAndTheAlertsGoFirst() {
    var house = house()
    house.measure(100, daysAgo: 30)
    house.answer(.backlog, .unknown(code: "net.refused"))
    house.measure(1, daysAgo: 0, systolic: 200)
    #expect(house.hand(.express).isEmpty)
    var tried: [OutboxLane] = []
    for _ in 0..<6 {
      house.pass(60_000)
      let lanes = OutboxLane.allCases.filter { house.isSending($0) }
      #expect(lanes.count == 1)
      tried += lanes
      if let lane = lanes.first { house.answer(lane, .unknown(code: "net.refused")) }
    }
    #expect(tried.first == .express)
    #expect(Set(tried) == [.express, .backlog])
    house.pass(60_000)
    house.drain()
    #expect(house.isComplete)
  }

  @Test func aServerThatCreatesSharedResourcesGetsOneBatchAtATime() {
    var house = house(kind: .http(.phd(PHDSettings()), HTTPBackend(url: "https://x")))
    house.measure(100, daysAgo: 30)
    house.measure(1, daysAgo: 0, systolic: 200)
    #expect(house.isSending(.backlog) && !house.isSending(.express))
    house.answer(.backlog, .items([:]))
    #expect(!house.isSending(.backlog) && house.isSending(.express))
    house.drain()
    #expect(house.isComplete)
  }

  @Test func anAnswerThatTheDiskRefusesIsWrittenWhenItTakesRecordsAgain() {
    var house = house()
    house.measure(3, daysAgo: 30)
    house.hub.send(
      .delivered(backend: "a", lane: .backlog, house.accept(.backlog, .items([:]))))
    house.hub.refuse()
    #expect(house.words.isEmpty)
    // Another record goes through: the answer follows at once, nothing is sent again.
    house.measure(1, daysAgo: 0)
    let third = house.hub.disk.filter { $0.entry.kind == .reading }.dropFirst(2).first?.sequence
    #expect(house.words.map(\.through) == [third])
    #expect(house.server.received == 3)
    house.drain()
    #expect(house.isComplete && house.server.received == 4)
  }

  @Test func aLimitThatWasLearnedIsKeptOverRestartsAndTriedAgainLater() {
    var house = house(batch: 16)
    house.server.most = 4
    house.measure(400, daysAgo: 30)
    house.drain(steps: 12)
    let refusals = house.server.tooLarge
    #expect(refusals > 0)
    house.restart()
    #expect(house.hand(.backlog).count == 4)
    house.server.most = 16
    house.drain()
    #expect(house.isComplete)
    #expect(house.server.largest > 4)
  }

  @Test(arguments: 0..<8) func eachIsAcceptedOnceWhateverHappens(seed: UInt64) {
    var random = SplitMix(seed)
    let kind: BackendConfiguration.Kind =
      seed % 4 == 3 ? .http(.phd(PHDSettings()), HTTPBackend(url: "https://x")) : .directory(path: "/a")
    var house = house(batch: 1 + Int(random.next() % 12), kind: kind)
    house.server.most = seed % 3 == 0 ? 3 : 1000
    house.poisons = seed % 2 == 0
    house.measure(Int(random.next() % 60), daysAgo: 20)
    for _ in 0..<250 {
      switch random.next() % 16 {
      case 0: house.measure(Int(random.next() % 12), daysAgo: 1 + Int(random.next() % 20))
      case 1, 2: house.measure(1, daysAgo: 0, systolic: random.next() % 3 == 0 ? 200 : 120)
      case 3: house.restart()
      case 4: house.lateSync { $0.measure(1, daysAgo: 0) }
      case 5: house.refuseDisk(&random)
      case 6, 7: house.pass(Int64(random.next() % 90_000))
      case 8:
        // The answer is known, but the daemon dies before it is on disk.
        house.answerAny(&random, dies: true)
      default: house.answerAny(&random, dies: false)
      }
    }
    house.drain()
    #expect(house.isComplete, "seed \(seed)")
    #expect(house.server.mostInDoubt <= 2 * house.backend.maximumReadings, "seed \(seed)")
    #expect(house.faults.isEmpty, "seed \(seed): \(house.faults.prefix(3))")
    // The same from a snapshot.
    var copy = LedgerState()
    let whole = house.replayed
    let isRead = copy.restore(kind: .snapshot, sequence: 1, payload: whole.encoded)
    #expect(isRead && copy.cursors == whole.cursors && copy.urgent == whole.urgent)
  }
}
