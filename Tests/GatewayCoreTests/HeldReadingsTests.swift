// A scale on a cable has no memory: what the disk refuses is held, written later, and told when no more can be held.

import ControlProtocol
import Drivers
@testable import GatewayCore
import JSON
import Readings
import Settings
import Testing
@testable import Ledger

private let scale = DeviceConfiguration(
  id: "scale", driver: "and-scale", endpoint: .serial(path: "/dev/x"), patient: "p-1")

private func weigh(_ hub: inout Hub, _ weight: String) {
  let line = "ST,+\(weight) kg\r\n"
  let lines = line + line + line + "ST,+00000.00 kg\r\nST,+00000.00 kg\r\n"
  hub.send(.linkReceived(device: "scale", Array(lines.utf8)))
}

@Suite struct HeldReadingsTests {
  @Test func aRefusedWeighingIsWrittenWhenTheDiskTakesItAgain() {
    var hub = Hub(.with([scale]))
    hub.send(.linkOpened(device: "scale"))
    weigh(&hub, "00072.15")
    hub.refuse()
    #expect(hub.readings.isEmpty)
    #expect(!hub.done.contains { if case .close("scale") = $0 { true } else { false } })
    hub.pass(5000)
    hub.refuse()
    hub.pass(5000)
    hub.sync()
    #expect(hub.readings.map { $0.observations[0].value.decimal } == [ExactDecimal(7215, exponent: -2)])
    #expect(hub.done.contains { if case .log(.notice, let text) = $0 { text.contains("again") } else { false } })
  }

  /// What is in memory alone is a problem, is tried once more at the end, and whoever ends the hub can tell what is lost.
  @Test func whatIsHeldIsTriedOnceMoreAtTheEnd() {
    var hub = Hub(.with([scale]))
    hub.send(.linkOpened(device: "scale"))
    weigh(&hub, "00072.15")
    hub.refuse()
    #expect(hub.gateway.unsaved == (1, 0))
    let problems = hub.gateway.turn.view.standingProblems()
    #expect(problems.contains { $0.code == "readings.unsaved" && $0.message.contains("1 reading") && $0.since != nil })
    hub.send(.stopRequested)
    hub.refuse()
    #expect(hub.gateway.unsaved == (1, 0) && hub.readings.isEmpty)
    var other = Hub(.with([scale]))
    other.send(.linkOpened(device: "scale"))
    weigh(&other, "00072.15")
    other.refuse()
    other.send(.stopRequested)
    other.sync()
    #expect(other.readings.count == 1 && other.gateway.unsaved == (0, 0))
    #expect(!other.gateway.turn.view.standingProblems().contains { $0.code == "readings.unsaved" })
  }

  @Test func whatCannotBeHeldIsTold() {
    var hub = Hub(.with([scale]))
    hub.send(.linkOpened(device: "scale"))
    for index in 0..<1003 {
      weigh(&hub, "000\(30 + index / 100).\(index % 100 < 10 ? "0" : "")\(index % 100)")
      hub.refuse()
      // Faster than one in a second none would come through.
      hub.time += 1000
    }
    hub.done = []
    hub.send(.asked(RequestID(connection: 1, number: 1), .status, CallerName(uid: 0)))
    guard case .answer(_, .result(let status))? = hub.done.first else {
      Issue.record("no answer")
      return
    }
    let codes = (status["problems"]?.array ?? []).compactMap { $0["code"]?.string }
    #expect(codes.contains("readings.lost") && codes.contains("journal.full"))
    #expect(status["journal"]?["unsaved"]?.int == 1000)
  }

  @Test func theLogHasOneLineADay() {
    var hub = Hub(.with([scale]))
    hub.send(.linkOpened(device: "scale"))
    weigh(&hub, "00072.15")
    hub.sync()
    hub.done = []
    for _ in 0..<(7 * 24) { hub.pass(3_600_000) }
    let lines = hub.done.compactMap { if case .log(.info, let text) = $0 { text } else { nil } }
    #expect(lines.count == 7)
    #expect(lines.first == "hub.day: 1 reading stored; waiting: -; parked: 0")
    #expect(lines.dropFirst().allSatisfy { $0.hasPrefix("hub.day: 0 readings stored") })
  }

  @Test func twoEqualWeighingsAreTwo() {
    var hub = Hub(.with([scale]))
    hub.send(.linkOpened(device: "scale"))
    for _ in 0..<2 {
      weigh(&hub, "00072.15")
      hub.sync()
      hub.time += 5000
    }
    #expect(hub.readings.count == 2)
    #expect(Set(hub.readings.map(\.id)).count == 2)
  }

  @Test func aPortThatIsGoneIsOpenedAgainWithPatience() {
    var hub = Hub(.with([scale]))
    var opened = 0
    for _ in 0..<10 {
      hub.done = []
      hub.send(.linkClosed(device: "scale", LinkEnd(code: "open-failed", message: "not there")))
      hub.pass(59_999)
      opened += hub.done.count { if case .openPort = $0 { true } else { false } }
      hub.pass(1)
    }
    #expect(opened >= 9)
  }
}
