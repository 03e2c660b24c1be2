// Trends are judged when a delivery has settled: what follows a start, a failing disk or a device that sends its newest record first.

import ControlProtocol
@testable import GatewayCore
import Monitoring
import Readings
import Testing
@testable import Ledger

private let minute: Int64 = 60_000

private func limit(_ zone: Zone, _ value: Int64) -> ZoneLimit {
  ZoneLimit(zone, [.init(.atLeast, ExactDecimal(value))])
}

private let plan = Plan(
  patient: "p-1", version: 1, liveWindow: 120 * minute,
  rules: [
    Rule(id: "extreme", kind: BandRule(measure: .systolic, zones: [limit(.red, 180)])),
    // More than 40 above the first of the day: with its first record alone the newest would say so.
    Rule(
      id: "climb",
      kind: DeltaRule(measure: .systolic, reference: .first, window: 1440 * minute - 1, zones: [limit(.yellow, 40)])),
  ])

/// A small generator: the same seed, the same story.
private struct Dice: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return state ^ (state >> 29)
  }
}

private let cuff = Cuff.device(users: [1: "p-1"])

/// An indication of 2A35, so many minutes before the hub's 08:15:30.
private func indication(_ systolic: UInt8, ago: Int) -> [UInt8] {
  var octets = Cuff.indication(systolic: systolic, second: 30)
  let time = 8 * 60 + 15 - ago
  octets[14] = UInt8(time / 60)
  octets[15] = UInt8(time % 60)
  return octets
}

private func hub() -> Hub { Hub(.with([cuff]), plans: [plan]).listening() }

/// Of now, and not yet judged: 170 after the day's first of 120.
private func climbed() -> Hub {
  var hub = hub()
  hub.measure(120, ago: 60)
  hub.measure(170, ago: 1)
  return hub
}

private func restarted(_ hub: Hub, after: Int64 = 0) -> Hub {
  Hub(.with([cuff]), plans: [plan], disk: hub.disk, keyFile: hub.keyFile, time: hub.time + after).listening()
}

extension Hub {
  fileprivate mutating func measure(_ systolic: UInt8, ago: Int) {
    send(.linkReceived(device: "cuff", indication(systolic, ago: ago)))
    sync()
  }

  fileprivate mutating func wait(_ milliseconds: Int64) {
    pass(milliseconds)
    sync()
  }

  fileprivate var told: [String] {
    events.compactMap { $0.monitoring.map { "\($0.rule) \($0.kind.rawValue) \($0.zone.rawValue)" } }
  }
}

@Suite struct SettlingTests {
  @Test func aTrendIsToldWhenNothingMoreComesAndASingleValueAtOnce() {
    var hub = hub()
    hub.measure(120, ago: 60)
    hub.wait(4000)
    hub.measure(185, ago: 1)
    #expect(hub.told == ["extreme raised red"])
    hub.wait(2999)
    #expect(hub.told.count == 1)
    hub.wait(1)
    #expect(hub.told == ["extreme raised red", "climb raised yellow"])
    // The reading that led to it is named.
    #expect(
      hub.events.last.map { String(decoding: $0.encoded, as: UTF8.self) }?.contains(
        hub.readings.last?.id.description ?? "?") == true)
    hub.wait(60_000)
    #expect(hub.told.count == 2)
  }

  /// The newest comes first, then the oldest, then what lies between: the first of the day is 150, and nothing climbed.
  @Test func halfOfADeliverySaysNothing() {
    var hub = hub()
    hub.measure(165, ago: 1)
    hub.wait(1000)
    hub.measure(120, ago: 180)
    hub.wait(1000)
    hub.measure(150, ago: 200)
    hub.wait(60_000)
    #expect(hub.told.isEmpty)
  }

  /// Something new every second: what is of now waits a minute at most.
  @Test func aReadingOfNowWaitsAMinuteAtMost() {
    var hub = hub()
    hub.measure(120, ago: 121)
    hub.measure(170, ago: 1)
    for second in 1...59 {
      hub.wait(1000)
      hub.measure(120, ago: 121 + second)
    }
    #expect(hub.told.isEmpty)
    hub.wait(1000)
    #expect(hub.told == ["climb raised yellow"])
  }

  /// The power goes at any moment between the reading and the word, and after it.
  @Test(arguments: [0, 1, 2999, 3000, 3001] as [Int64])
  func whatWaitedIsJudgedAfterTheStartAndTold(once after: Int64) {
    var hub = hub()
    hub.measure(120, ago: 60)
    hub.wait(4000)
    hub.measure(170, ago: 1)
    // The word is on its way to the disk, and does not come there.
    hub.pass(after)
    var second = restarted(hub, after: 40_000)
    #expect(second.told.isEmpty)
    second.wait(3000)
    #expect(second.told == ["climb raised yellow"])
    var third = restarted(second)
    third.wait(60_000)
    #expect(third.told == ["climb raised yellow"])
    // Nor does a snapshot forget it.
    third.measure(172, ago: 0)
    third.send(.journalRolled)
    third.sync()
    var fourth = restarted(third)
    fourth.wait(60_000)
    #expect(fourth.told == ["climb raised yellow"])
  }

  @Test func aSnapshotHoldsWhatWaits() {
    var hub = climbed()
    hub.send(.journalRolled)
    hub.sync()
    #expect(hub.disk.suffix(2).map(\.entry.kind) == [.snapshot, .history])
    var second = restarted(hub)
    second.wait(3000)
    #expect(second.told == ["climb raised yellow"])
  }

  /// What the disk refuses is judged anew, and told once.
  @Test func aWordThatTheDiskRefusedIsToldOnce() {
    var hub = climbed()
    hub.pass(3000)
    hub.refuse()
    #expect(hub.told.isEmpty)
    for _ in 0..<20 { hub.wait(1000) }
    #expect(hub.told == ["climb raised yellow"])
  }

  /// Nothing is said of a delivery of which something is still on its way to the disk.
  @Test func theWordWaitsForTheDisk() {
    var hub = hub()
    hub.measure(170, ago: 1)
    hub.wait(1000)
    hub.send(.linkReceived(device: "cuff", indication(120, ago: 60)))
    hub.pass(4000)
    #expect(hub.told.isEmpty)
    hub.sync()
    #expect(hub.told.isEmpty)
    hub.wait(3000)
    #expect(hub.told == ["climb raised yellow"])
  }

  @Test func anOldReadingOutOfBandIsToldAsLateOnce() {
    var hub = hub()
    hub.measure(185, ago: 200)
    hub.measure(190, ago: 190)
    #expect(hub.told.isEmpty)
    hub.wait(3000)
    #expect(hub.told == ["extreme late yellow"])
    hub.measure(195, ago: 180)
    hub.wait(3000)
    #expect(hub.told == ["extreme late yellow"])
  }

  /// A cuff empties its memory in any order, sends again what was not confirmed, and the hub dies in between: what is told and where
  /// rules stand is that of the right order.
  @Test(arguments: 1...25)
  func anyOrderOfDeliveryAndAnyRestartTellTheSame(seed: UInt64) {
    var dice = Dice(state: seed &* 7_919)
    var memory: [(ago: Int, systolic: UInt8)] = (0..<12).map { _ in
      (130 + Int(dice.next() % 330), UInt8(110 + dice.next() % 80))
    }
    memory.append((1, UInt8(110 + dice.next() % 80)))
    memory.sort { $0.ago > $1.ago }
    let right = outcome(memory, &dice, isRough: false)
    #expect(!right.isEmpty)
    for _ in 0..<5 { #expect(outcome(memory.shuffled(using: &dice), &dice, isRough: true) == right) }
    #expect(outcome(memory.reversed(), &dice, isRough: false) == right)
  }

  private func outcome(_ memory: [(ago: Int, systolic: UInt8)], _ dice: inout Dice, isRough: Bool) -> [String] {
    var hub = hub()
    for (index, record) in memory.enumerated() {
      hub.wait(Int64(dice.next() % 300))
      if isRough, dice.next() % 4 == 0 {
        // On its way to the disk when the power goes: it was not confirmed, and comes again.
        hub.send(.linkReceived(device: "cuff", indication(record.systolic, ago: record.ago)))
        hub = restarted(hub, after: Int64(dice.next() % 2000))
      }
      hub.measure(record.systolic, ago: record.ago)
      if isRough, dice.next() % 3 == 0 {
        let again = memory[Int(dice.next() % UInt64(index + 1))]
        hub.measure(again.systolic, ago: again.ago)
      }
    }
    if isRough { hub = restarted(hub) }
    hub.wait(10_000)
    hub.wait(60_000)
    var state = LedgerState()
    for (sequence, entry) in hub.disk where entry.kind == .rules {
      _ = state.restore(kind: entry.kind, sequence: sequence, payload: entry.payload)
    }
    let standing = (state.rules["p-1"]?.rules ?? [:]).map { "\($0.key) is \($0.value.phase.rawValue) \($0.value.zone)" }
    return hub.told.sorted() + standing.sorted() + ["\(Set(hub.readings.map(\.id)).count) readings"]
  }
}
